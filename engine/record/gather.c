#include "record/gather.h"

#include "record/merger.h"

#include <stdlib.h>

struct gather {
    struct cursor cursor; /* what gather_cursor() answers: audits what it passes on */
    struct merger merger;
    struct cursor *merged;
    uint32_t partition;
    struct slice value; /* of the record in hand */
    struct digest digest;
};

/* Reads the value at once: the audit wants every record, also those that reduce skips. */
static int gather_next(struct cursor *base, struct err *err)
{
    struct gather *gather = (struct gather *)base;
    int rc = cursor_next(gather->merged, err);

    if (rc != 1)
        return rc;
    if (cursor_value(gather->merged, &gather->value, err) != 0)
        return -1;
    base->key = gather->merged->key;
    digest_add_record(&gather->digest, gather->partition, base->key, gather->value);
    return 1;
}

static int gather_value(struct cursor *base, struct slice *value, struct err *err)
{
    (void)err;
    *value = ((struct gather *)base)->value;
    return 0;
}

/* The gather is closed by who opened it. */
static void gather_cursor_close(struct cursor *base)
{
    (void)base;
}

static const struct cursor_ops gather_ops = {
    .next = gather_next,
    .value = gather_value,
    .close = gather_cursor_close,
};

static int add_segments(struct gather *gather, const struct gather_segment *segments,
                        uint32_t segment_count, struct err *err)
{
    for (uint32_t i = 0; i < segment_count; i++) {
        struct merger_run run = {.offset = segments[i].offset,
                                 .bytes = segments[i].bytes,
                                 .id = segments[i].id,
                                 .attempt = segments[i].attempt,
                                 .task = segments[i].map,
                                 .fd = segments[i].fd};

        if (merger_add(&gather->merger, &run, err) != 0)
            return -1;
    }
    return 0;
}

struct gather *gather_open(const struct gather_options *options,
                           const struct gather_segment *segments, uint32_t segment_count,
                           uint32_t *failed_map, struct err *err)
{
    struct gather *gather = calloc(1, sizeof *gather);

    *failed_map = GATHER_MAP_NONE;
    if (!gather) {
        err_set(err, ERR_LIMIT, "no memory for a reduce's input");
        return NULL;
    }
    gather->cursor.ops = &gather_ops;
    gather->partition = options->partition;
    merger_init(&gather->merger, &(struct merger_options){.scratch[0] = options->scratch[0],
                                                          .scratch[1] = options->scratch[1],
                                                          .id = options->id,
                                                          .partition = options->partition,
                                                          .fan_in = options->fan_in,
                                                          .pulse = options->pulse});
    if (add_segments(gather, segments, segment_count, err) == 0)
        gather->merged = merger_open(&gather->merger, err);
    if (gather->merged)
        return gather;
    *failed_map = gather_failed_map(gather);
    gather_close(gather);
    return NULL;
}

void gather_close(struct gather *gather)
{
    if (!gather)
        return;
    cursor_close(gather->merged);
    merger_deinit(&gather->merger);
    free(gather);
}

struct cursor *gather_cursor(struct gather *gather)
{
    return &gather->cursor;
}

const struct digest *gather_digest(const struct gather *gather)
{
    return &gather->digest;
}

uint32_t gather_failed_map(const struct gather *gather)
{
    return gather->merger.failed_task;
}
