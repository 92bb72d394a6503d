#include "attempt/fetch_store.h"

#include "attempt/files.h"
#include "attempt/keep.h"
#include "attempt/outputs.h"
#include "attempt/reuse_store.h"
#include "attempt/run_of.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/run.h"
#include "record/segment_check.h"
#include "store/gcs_read.h"
#include "store/uri.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENT_TRIES = 2 }; /* what is damaged at rest is so the second time */

/* A run in the store, and what is wanted of it. */
struct stored_run {
    uint64_t attempt, bytes;
    struct run_id id; /* in its bytes */
    const char *bucket;
    char *name;            /* of its object ... */
    uint64_t object_bytes; /* ... which may have more of them, behind the run */
    uint64_t generation;   /* of a kept one (reuse_store.h); 0: it is this job's own */
    struct run_segment segment;
    bool has_index;
};

struct fetch_store {
    const Mrlua__TaskStart *start;
    int scratch;
    struct fetched *out;
    struct gcs *gcs;
    struct uri prefix, kept_prefix;
    struct stored_run *runs; /* by map */
    uint32_t count;
    size_t index_bytes; /* index and footer, the same of every run */
};

static void what_run(const struct fetch_store *fetch, uint32_t map, char what[RUN_WHAT_BYTES])
{
    snprintf(what, RUN_WHAT_BYTES, "gs://%s/%s", fetch->runs[map].bucket, fetch->runs[map].name);
}

static int blame(struct fetch_store *fetch, uint32_t map)
{
    fetch->out->peer_map = map;
    fetch->out->peer_attempt = fetch->runs[map].attempt;
    return -1;
}

/* What the reader says of an object that is not there, or not what it was. */
static int blame_for_read(struct fetch_store *fetch, uint32_t map, struct err *err)
{
    if (err->kind != ERR_INPUT)
        return -1;
    err->kind = ERR_PEER;
    err_prefix(err, "run of map %" PRIu32, map);
    return blame(fetch, map);
}

static int lost(struct fetch_store *fetch, uint32_t map, const char *why, struct err *err)
{
    char what[RUN_WHAT_BYTES];

    what_run(fetch, map, what);
    err_set(err, ERR_PEER, "run of map %" PRIu32 ", %s: %s", map, what, why);
    return blame(fetch, map);
}

/* ---- indexes ---- */

void fetch_store_index_path(const Mrlua__TaskStart *start, uint32_t map, uint64_t attempt,
                            struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s/index-%" PRIu64 "-%" PRIu32 ".%" PRIu64, start->tmp_folder, start->job, map,
               attempt);
}

/* Takes our segment's place from the index in `fd`. 1, or 0: it is not a good one. */
static int take_index(struct fetch_store *fetch, uint32_t map, int fd, struct err *err)
{
    const Mrlua__TaskStart *start = fetch->start;
    struct stored_run *run = &fetch->runs[map];
    char what[RUN_WHAT_BYTES];
    struct run_index *index;

    what_run(fetch, map, what);
    index = run_index_open(fd, run->bytes, ERR_PEER, what, err);
    if (!index)
        return 0;
    run->has_index =
        run_is_of(&index->id, &run->id) && index->partition_count == outputs_partition_count(start);
    if (run->has_index)
        run->segment = index->segments[start->task];
    else
        err_set(err, ERR_PEER, "%s is the run of another map, %" PRIu32 " attempt %" PRIu64, what,
                index->id.task, index->id.attempt);
    run_index_close(index);
    return run->has_index;
}

/* Another attempt here has read it before. */
static void look_for_index(struct fetch_store *fetch, uint32_t map)
{
    struct buf path = {0};
    struct err ignored;
    int fd;

    fetch_store_index_path(fetch->start, map, fetch->runs[map].attempt, &path);
    fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        take_index(fetch, map, fd, &ignored);
    io_close(&fd);
    buf_deinit(&path);
}

/* Writes the end of the run into a file of its size, and lets others find it. */
static int keep_index(struct fetch_store *fetch, uint32_t map, struct slice bytes, struct err *err)
{
    const struct stored_run *run = &fetch->runs[map];
    struct buf path = {0}, temp = {0};
    struct err ignored;
    int rc = -1, fd;

    fetch_store_index_path(fetch->start, map, run->attempt, &path);
    buf_printf(&temp, "%s.%" PRIu64, buf_string(&path), fetch->start->attempt);
    fd = open(buf_string(&temp), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set_errno(err, ERR_DISK, "create %s", temp.ptr);
        goto out;
    }
    if (io_pwrite(fd, bytes.ptr, bytes.len, run->bytes - bytes.len, temp.ptr, err) != 0)
        goto out;
    rc = take_index(fetch, map, fd, err) ? 0 : blame(fetch, map);
out:
    io_close(&fd);
    if (rc != 0 || io_rename(temp.ptr, buf_string(&path), &ignored) != 0)
        unlink(buf_string(&temp)); /* that others must read it themselves is no error */
    buf_deinit(&path);
    buf_deinit(&temp);
    return rc;
}

/* Spans of runs, and which maps they are of. */
struct span_list {
    struct gcs_span *spans;
    uint32_t *maps;
    size_t count;
};

static void span_list_init(struct span_list *list, uint32_t count)
{
    list->spans = mem_alloc_array(count, sizeof *list->spans);
    list->maps = mem_alloc_array(count, sizeof *list->maps);
    list->count = 0;
}

static void span_list_deinit(struct span_list *list)
{
    free(list->spans);
    free(list->maps);
}

static void span_add(struct span_list *list, const struct fetch_store *fetch, uint32_t map,
                     uint64_t offset, uint64_t length)
{
    list->spans[list->count] = (struct gcs_span){.bucket = fetch->runs[map].bucket,
                                                 .object = fetch->runs[map].name,
                                                 .generation = fetch->runs[map].generation,
                                                 .offset = offset,
                                                 .length = length,
                                                 .sure_bytes = length,
                                                 .size = fetch->runs[map].object_bytes};
    list->maps[list->count++] = map;
}

/* The index that came; once more, alone, if it was damaged on its way. */
static int take_bytes_of_index(struct fetch_store *fetch, const struct gcs_span *span, uint32_t map,
                               struct buf *bytes, struct err *err)
{
    int rc = keep_index(fetch, map, buf_slice(bytes), err);

    if (rc == 0 || err->kind != ERR_PEER)
        return rc;
    if (gcs_read_range(fetch->gcs, span, bytes->ptr, err) != 0)
        return blame_for_read(fetch, map, err);
    return keep_index(fetch, map, buf_slice(bytes), err);
}

static int read_indexes(struct fetch_store *fetch, const struct span_list *list, struct err *err)
{
    struct gcs_read_options options = {0};
    struct gcs_reader *reader = gcs_reader_open(fetch->gcs, list->spans, list->count, &options);
    struct buf bytes = {0};
    struct gcs_chunk chunk;
    size_t at = 0;
    int rc;

    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1) {
        at = chunk.span;
        buf_append(&bytes, chunk.bytes.ptr, chunk.bytes.len);
        if (bytes.len < fetch->index_bytes)
            continue;
        rc = take_bytes_of_index(fetch, &list->spans[at], list->maps[at], &bytes, err);
        if (rc != 0)
            goto out;
        buf_clear(&bytes);
        at++;
    }
    if (rc < 0 && at < list->count)
        blame_for_read(fetch, list->maps[at], err);
out:
    gcs_reader_close(reader);
    buf_deinit(&bytes);
    return rc;
}

static int find_indexes(struct fetch_store *fetch, struct err *err)
{
    struct span_list list;
    int rc = 0;

    span_list_init(&list, fetch->count);
    for (uint32_t map = 0; map < fetch->count && rc == 0; map++) {
        const struct stored_run *run = &fetch->runs[map];

        if (run->bytes < fetch->index_bytes) {
            rc = lost(fetch, map, "it is too short for its index", err);
            break;
        }
        look_for_index(fetch, map);
        if (!run->has_index)
            span_add(&list, fetch, map, run->bytes - fetch->index_bytes, fetch->index_bytes);
    }
    if (rc == 0 && list.count > 0)
        rc = read_indexes(fetch, &list, err);
    span_list_deinit(&list);
    return rc;
}

/* ---- segments ---- */

/* The segment that comes, on its way to the scratch file. */
struct coming {
    uint32_t map;
    uint64_t here; /* bytes of it */
    struct segment_check check;
};

static void coming_init(struct coming *coming, const struct fetch_store *fetch, uint32_t map)
{
    *coming = (struct coming){.map = map};
    segment_check_init(&coming->check, fetch->start->task, &fetch->runs[map].id);
}

static int take_bytes(const struct fetch_store *fetch, struct coming *coming, struct slice bytes,
                      struct err *err)
{
    segment_check_feed(&coming->check, bytes);
    if (io_pwrite(fetch->scratch, bytes.ptr, bytes.len, fetch->out->table.bytes + coming->here,
                  "a scratch file", err) != 0)
        return -1;
    coming->here += bytes.len;
    return 0;
}

static bool is_good(const struct fetch_store *fetch, const struct coming *coming)
{
    return segment_check_is_good(&coming->check) &&
           coming->check.record_count == fetch->runs[coming->map].segment.record_count;
}

static void add_segment(struct fetch_store *fetch, uint32_t map)
{
    const struct stored_run *run = &fetch->runs[map];
    Mrlua__SegmentTable *table = &fetch->out->table;
    Mrlua__Segment *segment = mem_alloc(sizeof *segment);

    mrlua__segment__init(segment);
    segment->map = map;
    segment->attempt = run->attempt;
    if (fetch->out->runs)
        segment->run = &fetch->out->runs[map];
    segment->offset = table->bytes;
    segment->bytes = run->segment.bytes;
    table->segments[table->n_segments++] = segment;
    table->bytes += run->segment.bytes;
    fetch->out->records += run->segment.record_count;
}

/* Once more, alone: what was damaged on its way is good now. */
static int read_again(struct fetch_store *fetch, const struct gcs_span *span, uint32_t map,
                      struct err *err)
{
    struct gcs_read_options options = {0};
    struct gcs_reader *reader = gcs_reader_open(fetch->gcs, span, 1, &options);
    struct coming coming;
    struct gcs_chunk chunk;
    int rc;

    coming_init(&coming, fetch, map);
    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1) {
        rc = take_bytes(fetch, &coming, chunk.bytes, err);
        if (rc != 0)
            break;
    }
    gcs_reader_close(reader);
    if (rc != 0)
        return blame_for_read(fetch, map, err);
    return is_good(fetch, &coming) ? 0 : lost(fetch, map, "its segment is damaged", err);
}

static int end_segment(struct fetch_store *fetch, const struct coming *coming,
                       const struct gcs_span *span, struct err *err)
{
    if (!is_good(fetch, coming) && read_again(fetch, span, coming->map, err) != 0)
        return -1;
    add_segment(fetch, coming->map);
    return 0;
}

static int read_segments(struct fetch_store *fetch, const struct span_list *list, struct err *err)
{
    struct gcs_read_options options = {0};
    struct gcs_reader *reader = gcs_reader_open(fetch->gcs, list->spans, list->count, &options);
    struct coming coming;
    struct gcs_chunk chunk;
    size_t at = 0;
    int rc;

    coming_init(&coming, fetch, list->maps[0]);
    while ((rc = gcs_reader_next(reader, &chunk, err)) == 1) {
        if (take_bytes(fetch, &coming, chunk.bytes, err) != 0)
            goto fail;
        if (coming.here < list->spans[at].length)
            continue;
        if (end_segment(fetch, &coming, &list->spans[at], err) != 0)
            goto fail;
        if (++at < list->count)
            coming_init(&coming, fetch, list->maps[at]);
    }
    if (rc < 0 && at < list->count)
        blame_for_read(fetch, list->maps[at], err);
    gcs_reader_close(reader);
    return rc;
fail:
    gcs_reader_close(reader);
    return -1;
}

/* A span of several requests is of one version: which, the store is asked. */
static int pin(struct fetch_store *fetch, struct gcs_span *span, uint32_t map, struct err *err)
{
    struct gcs_object object;
    int rc;

    if (span->length <= GCS_RANGE_BYTES || span->generation)
        return 0;
    rc = gcs_stat(fetch->gcs, span->bucket, span->object, 0, &object, err);
    if (rc == 0)
        return lost(fetch, map, "it is not there", err);
    if (rc < 0)
        return -1;
    span->generation = object.generation;
    gcs_object_deinit(&object);
    return 0;
}

static int fetch_all(struct fetch_store *fetch, struct err *err)
{
    struct span_list list;
    int rc = 0;

    span_list_init(&list, fetch->count);
    for (uint32_t map = 0; map < fetch->count && rc == 0; map++) {
        const struct run_segment *segment = &fetch->runs[map].segment;

        if (segment->record_count == 0)
            continue;
        span_add(&list, fetch, map, segment->offset, segment->bytes);
        rc = pin(fetch, &list.spans[list.count - 1], map, err);
    }
    if (rc == 0 && list.count > 0)
        rc = read_segments(fetch, &list, err);
    span_list_deinit(&list);
    return rc;
}

/* ---- start to end ---- */

/* Some runs are not of the maps that this job has run, and some are not this job's own. */
static void name_run(struct fetch_store *fetch, uint32_t map)
{
    static const struct reuse_key none;
    const Mrlua__TaskStart *start = fetch->start;
    struct stored_run *run = &fetch->runs[map];
    Mrlua__RunId *named = &fetch->out->runs[map];
    struct reuse_key key;

    memcpy(key.bytes, start->run_keys.data + (size_t)map * REUSE_KEY_BYTES, sizeof key.bytes);
    if (memcmp(key.bytes, none.bytes, sizeof key.bytes) != 0)
        run->id = reuse_key_id(&key);
    mrlua__run_id__init(named);
    named->job = run->id.job;
    named->attempt = run->id.attempt;
    named->task = run->id.task;
    run->generation = start->run_generations[map];
    run->object_bytes = run->bytes + start->run_note_bytes[map];
}

static void init_run(struct fetch_store *fetch, uint32_t map, uint64_t attempt, struct buf *name)
{
    const Mrlua__TaskStart *start = fetch->start;
    struct stored_run *run = &fetch->runs[map];

    *run = (struct stored_run){.attempt = attempt,
                               .bytes = start->run_bytes[map],
                               .id = {.job = start->job, .attempt = attempt, .task = map},
                               .object_bytes = start->run_bytes[map]};
    if (fetch->out->runs)
        name_run(fetch, map);
    if (run->generation)
        reuse_store_name(fetch->kept_prefix.object, &run->id, name);
    else
        keep_run_name(fetch->prefix.object, map, attempt, name);
    run->bucket = run->generation ? fetch->kept_prefix.bucket : fetch->prefix.bucket;
    run->name = mem_strdup(buf_string(name));
}

static void fetch_init(struct fetch_store *fetch)
{
    const Mrlua__TaskStart *start = fetch->start;
    struct buf name = {0};
    uint64_t attempt = 0;

    fetch->count = (uint32_t)start->n_run_attempts;
    fetch->runs = mem_alloc_array(fetch->count, sizeof *fetch->runs);
    fetch->index_bytes = RUN_INDEX_HEADER_BYTES +
                         (size_t)outputs_partition_count(start) * RUN_INDEX_ENTRY_BYTES +
                         RUN_FOOTER_BYTES;
    if (start->run_keys.len > 0)
        fetch->out->runs = mem_alloc_array(fetch->count, sizeof *fetch->out->runs);
    for (uint32_t map = 0; map < fetch->count; map++) {
        attempt += (uint64_t)start->run_attempts[map];
        init_run(fetch, map, attempt, &name);
    }
    fetch->out->table.segments = mem_alloc_array(fetch->count, sizeof(Mrlua__Segment *));
    fetch->gcs = gcs_open();
    buf_deinit(&name);
}

static void fetch_close(struct fetch_store *fetch)
{
    gcs_close(fetch->gcs);
    for (uint32_t map = 0; map < fetch->count; map++)
        free(fetch->runs[map].name);
    free(fetch->runs);
    uri_deinit(&fetch->prefix);
    uri_deinit(&fetch->kept_prefix);
}

/* Is there as much about each run as about any? */
static bool is_complete(const Mrlua__TaskStart *start)
{
    size_t count = start->n_run_attempts;

    if (start->n_run_bytes != count)
        return false;
    return start->run_keys.len == 0 ||
           (start->run_keys.len == count * REUSE_KEY_BYTES && start->n_run_generations == count &&
            start->n_run_note_bytes == count);
}

int fetch_store(const Mrlua__TaskStart *start, int scratch, struct fetched *out, struct err *err)
{
    struct fetch_store fetch = {.start = start, .scratch = scratch, .out = out};
    int rc;

    *out = (struct fetched){0};
    mrlua__segment_table__init(&out->table);
    if (start->task >= outputs_partition_count(start) || !is_complete(start))
        return err_set(err, ERR_SETUP, "partition %u of %u, runs of %zu maps with %zu sizes",
                       start->task, outputs_partition_count(start), start->n_run_attempts,
                       start->n_run_bytes);
    if (uri_parse(start->shuffle, &fetch.prefix, err) != 0)
        return -1;
    if (start->run_keys.len > 0 && uri_parse(start->run_store, &fetch.kept_prefix, err) != 0) {
        uri_deinit(&fetch.prefix);
        return -1;
    }
    fetch_init(&fetch);
    rc = find_indexes(&fetch, err);
    if (rc == 0)
        rc = fetch_all(&fetch, err);
    fetch_close(&fetch);
    return rc;
}
