#include "attempt/bad_records.h"

#include "base/mem.h"
#include "record/key_print.h"

#include <stdlib.h>
#include <string.h>

void bad_records_init(struct bad_records *bad, const Mrlua__TaskStart *start)
{
    *bad = (struct bad_records){.start = start};
}

void bad_records_deinit(struct bad_records *bad)
{
    for (size_t i = 0; i < bad->count; i++) {
        free(bad->items[i]->key);
        free(bad->items[i]->error);
        free(bad->items[i]);
    }
    free(bad->items);
    *bad = (struct bad_records){0};
}

bool bad_records_skips(struct bad_records *bad, uint64_t record)
{
    const Mrlua__TaskStart *start = bad->start;

    while (bad->next < start->n_skip && start->skip[bad->next] < record)
        bad->next++;
    return bad->next < start->n_skip && start->skip[bad->next] == record;
}

static void append(struct bad_records *bad, const struct bad_place *place, const char *error)
{
    Mrlua__BadRecord *item = mem_alloc(sizeof *item);
    const char *key = place->key ? place->key : "";

    mrlua__bad_record__init(item);
    item->record = place->record;
    item->piece = (uint32_t)place->piece;
    item->offset = place->offset;
    item->key = mem_strndup(key, strnlen(key, KEY_PRINT_BYTES));
    item->error = mem_strndup(error, strnlen(error, ERR_MESSAGE_BYTES - 1));
    bad->items = mem_realloc_array(bad->items, bad->count + 1, sizeof(Mrlua__BadRecord *));
    bad->items[bad->count++] = item;
}

/* A child knows its pieces only as they come. */
static bool is_possible(const struct bad_records *bad, const struct bad_place *place)
{
    return place->record > 0 && (bad->start->n_pieces == 0 || place->piece < bad->start->n_pieces);
}

bool bad_records_add(struct bad_records *bad, const struct bad_place *place, const struct err *err)
{
    if (!is_possible(bad, place))
        return false;
    if (bad->count == 0)
        bad->first = *err;
    append(bad, place, err->message);
    return err->kind == ERR_JOB && bad->count <= bad->start->skip_left;
}

void bad_records_take(struct bad_records *bad, const Mrlua__Error *error)
{
    for (size_t i = 0; i < error->n_bad && bad->count <= bad->start->skip_left; i++) {
        const Mrlua__BadRecord *item = error->bad[i];
        struct bad_place place = {
            .record = item->record, .piece = item->piece, .offset = item->offset, .key = item->key};

        if (is_possible(bad, &place))
            append(bad, &place, item->error);
    }
}

int bad_records_fail(const struct bad_records *bad, struct err *err)
{
    if (bad->count == 0)
        return 0;
    *err = bad->first;
    return -1;
}

void bad_records_tell(const struct bad_records *bad, Mrlua__Error *out)
{
    out->n_bad = bad->count;
    out->bad = bad->items;
}

void bad_records_print_place(const Mrlua__TaskStart *start, uint64_t record, struct buf *out)
{
    bool is_reduce = start->kind == MRLUA__TASK_KIND__REDUCE;

    buf_printf(out, "task: %s %u, %s %llu\n", is_reduce ? "reduce" : "map", start->task,
               is_reduce ? "key number" : "record", (unsigned long long)record);
}
