#include "attempt/map_task.h"

#include "attempt/child_scene.h"
#include "attempt/map_inputs.h"
#include "attempt/map_sink.h"
#include "base/find.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/key_print.h"
#include "record/value.h"

#include <stdlib.h>

enum { BYTES_IN_RECORDS = 64 }; /* bytes read are told every so many records */

struct map_task {
    struct map_sink out;
    struct child *child;
    struct page *page;
    struct vm *vm;
    struct map_inputs inputs;
    uint64_t input_index;
    uint64_t bytes_before; /* of the pieces that are done */
    struct buf key, value; /* of a record that is emitted as it was read */
};

static int open_task(struct map_task *task, struct child *child, struct err *err)
{
    task->child = child;
    task->page = child->page;
    task->vm = child->vm;
    map_inputs_init(&task->inputs, child, &task->out.sink);
    if (map_sink_open(&task->out, child, err) != 0)
        return -1;
    task->inputs.sample = task->out.sample;
    return 0;
}

/* ---- one record ---- */

static int encode_key(struct buf *out, const struct datum *key, struct err *err)
{
    buf_clear(out);
    if (key->type != DATUM_INTEGER)
        return key_encode_string(out, key->string, err);
    key_encode_integer(out, key->integer);
    return 0;
}

static int emit_as_read(struct map_task *task, const struct reader_record *record, struct err *err)
{
    struct slice key = record->key_bytes, value = record->value_bytes;

    buf_clear(&task->value);
    if (record->form != RECORD_ENCODED) {
        if (encode_key(&task->key, &record->key, err) != 0)
            return -1;
        key = buf_slice(&task->key);
    }
    if (record->form == RECORD_IN_LUA && vm_record_encode(task->vm, &task->value, err) != 0)
        return -1;
    if (record->form == RECORD_AS_READ)
        value_write_datum(&task->value, &record->value);
    if (record->form == RECORD_IN_LUA || record->form == RECORD_AS_READ)
        value = buf_slice(&task->value);
    if (vm_counts(task->vm)) {
        buf_clear(&task->value);
        value_write_integer(&task->value, 1);
        value = buf_slice(&task->value);
    }
    return task->out.sink.emit(&task->out.sink, key, value, err);
}

/* What a user needs to find the record that the job did not like. */
static void tell_record(struct map_task *task, const char *input,
                        const struct reader_record *record, uint64_t number)
{
    char key[KEY_PRINT_BYTES];

    buf_printf(&task->child->detail, "input: %s, at byte %llu\n", input,
               (unsigned long long)record->offset);
    if (record->form == RECORD_ENCODED) { /* of a run file, where a byte says nothing */
        key_print(key, sizeof key, record->key_bytes);
        buf_printf(&task->child->detail, "key: %s\n", key);
        place_print_key(task->child->place, key, number);
    } else {
        child_detail_quote(task->child, "record", record->text);
        place_print_record(task->child->place, record->offset, input, number);
    }
    bad_records_print_place(task->child->start, number, &task->child->detail);
}

/* The job's functions failed, or something else on its way: true, if it is the record's. A sample
 * leaves that for its maps to tell. */
static bool is_of_record(const struct map_task *task, const struct err *err)
{
    return (err->kind == ERR_JOB || err->kind == ERR_LIMIT) && !task->out.failed &&
           !task->out.sample;
}

/* True: the next records may be looked at. */
static bool add_bad(struct map_task *task, const char *input, const struct reader_record *record,
                    uint64_t number, const struct err *err)
{
    struct child *child = task->child;
    struct bad_place place = {
        .record = number, .piece = task->input_index, .offset = record->offset};

    if (child->bad.count == 0) {
        if (err->kind == ERR_JOB)
            child_detail_traceback(child);
        tell_record(task, input, record, number);
        child_scene_keep(child, &(struct child_record){number, task->input_index, record});
    }
    return bad_records_add(&child->bad, &place, err);
}

/* So many bytes of the piece have been mapped. True: a sample needs no more of it. */
static bool is_enough(struct map_task *task, size_t bytes)
{
    return task->out.sample && sample_has_read(task->out.sample, bytes);
}

static size_t bytes_of(const struct reader_record *record)
{
    return record->form == RECORD_ENCODED ? record->key_bytes.len + record->value_bytes.len
                                          : record->text.len + 1;
}

/* The records of a piece, on their way to map. */
struct feed {
    struct map_task *task;
    struct reader *reader;
    struct reader_record record; /* in hand, if has_record */
    bool has_record;
    uint64_t count;
};

/* The record in hand is mapped. True: no more of them are wanted. */
static bool end_record(struct feed *feed)
{
    struct map_task *task = feed->task;

    feed->has_record = false;
    page_set(&task->page->in_hand, 0);
    if (task->inputs.input.runs_job) /* where it stands still, if it does */
        page_set(&task->page->input_offset, feed->record.offset + feed->record.text.len);
    else
        page_set(&task->page->phase, PAGE_READ);
    page_add(&task->page->records_in, 1);
    if (++feed->count % BYTES_IN_RECORDS == 0)
        page_set(&task->page->bytes_in, task->bytes_before + reader_bytes_read(feed->reader));
    return is_enough(task, bytes_of(&feed->record));
}

/* The next record is in hand: 1. 0 at the end. */
static int next_record(void *context, const struct reader_record **record, struct err *err)
{
    struct feed *feed = context;
    struct map_task *task = feed->task;
    int rc;

    if (feed->has_record && end_record(feed))
        return 0;
    while ((rc = reader_next(feed->reader, &feed->record, err)) == 1) {
        page_record(task->page, task->input_index, feed->record.offset);
        if (!bad_records_skips(&task->child->bad, page_get(&task->page->record)))
            break;
        if (end_record(feed))
            return 0;
    }
    if (rc != 1)
        return rc;
    *record = &feed->record;
    feed->has_record = true;
    page_set(&task->page->in_hand, 1);
    page_set(&task->page->phase, PAGE_MAP);
    return 1;
}

static int emit_all_as_read(struct feed *feed, struct err *err)
{
    const struct reader_record *record;
    int rc;

    while ((rc = next_record(feed, &record, err)) == 1)
        if (emit_as_read(feed->task, record, err) != 0)
            return -1;
    return rc;
}

static int map_rest(struct feed *feed, struct err *err)
{
    struct map_task *task = feed->task;

    return task->inputs.input.is_identity
               ? emit_all_as_read(feed, err)
               : vm_map_all(task->vm, next_record, feed, &task->out.sink, err);
}

/* After an error. True: it was the record's, and others may be like it. */
static bool goes_on(struct feed *feed, const char *input, const struct err *err)
{
    struct map_task *task = feed->task;
    uint64_t number = page_get(&task->page->record);

    if (!feed->has_record)
        return false;
    page_set(&task->page->in_hand, 0);
    if (is_of_record(task, err)) {
        vm_go_on(task->vm);
        return add_bad(task, input, &feed->record, number, err);
    }
    if ((err->kind == ERR_JOB || err->kind == ERR_LIMIT) && task->child->bad.count == 0)
        tell_record(task, input, &feed->record, number);
    return false;
}

/* The loop of a map: from a reader to the end of its piece. */
static int map_records(struct map_task *task, struct reader *reader, const char *input,
                       struct err *err)
{
    struct feed feed = {.task = task, .reader = reader};
    int rc;

    do {
        page_enter(task->page, task->inputs.input.runs_job ? PAGE_MAP : PAGE_READ);
        rc = map_rest(&feed, err);
    } while (rc != 0 && goes_on(&feed, input, err));
    return rc;
}

/* Its block is not mapped: the line that was in hand. `number` is that of the first of them. */
static void tell_line(struct map_task *task, const char *input, struct slice block, uint64_t offset,
                      uint64_t number, const struct err *err)
{
    struct reader_record record = {.offset = offset + task->inputs.input.builtin.at};
    size_t next;

    record.text = reader_block_line(block, task->inputs.input.builtin.at, &next);
    number += count_lines(slice_of(block.ptr, task->inputs.input.builtin.at));
    if (is_of_record(task, err))
        add_bad(task, input, &record, number, err);
    else
        tell_record(task, input, &record, number);
}

/* The same by blocks, with a built-in that knows what to do with them. */
static int map_blocks(struct map_task *task, struct reader *reader, const char *input,
                      struct err *err)
{
    struct page *page = task->page;
    struct slice block;
    uint64_t offset;
    int rc;

    while ((rc = reader_block(reader, &block, &offset, err)) == 1) {
        uint64_t lines = count_lines(block);

        page_record(page, task->input_index, offset);
        if (map_builtin_block(&task->inputs.input.builtin, block, offset, &task->out.sink, err) !=
            0) {
            if (err->kind == ERR_JOB || err->kind == ERR_LIMIT)
                tell_line(task, input, block, offset, page_get(&page->record), err);
            return -1;
        }
        page_add(&page->record, lines - 1);
        page_add(&page->records_in, lines);
        page_set(&page->bytes_in, task->bytes_before + reader_bytes_read(reader));
        if (is_enough(task, block.len))
            return 0;
    }
    return rc;
}

/* ---- one piece ---- */

/* A sample leaves what the job did wrong for its maps to tell. */
static int sampled(struct map_task *task, int rc, struct err *err)
{
    if (rc == 0) {
        sample_end(task->out.sample);
        return 0;
    }
    sample_end_early(task->out.sample);
    if (err->kind != ERR_JOB && err->kind != ERR_LIMIT)
        return -1;
    buf_clear(&task->child->detail);
    task->child->place[0] = '\0';
    return 0;
}

static int map_piece(struct map_task *task, const Mrlua__Input *message, int fd, struct err *err)
{
    const Mrlua__Piece *piece = message->piece;
    struct reader *reader = map_input_open(&task->inputs.input, task->vm, message, fd, err);
    int rc;

    if (!reader)
        return -1;
    page_set(&task->page->input_index, task->input_index);
    page_set(&task->page->input_offset, piece->offset);
    if (task->out.sample)
        sample_begin(task->out.sample, task->child->start->shares[task->input_index],
                     piece->length);
    if (task->inputs.input.is_builtin && reader_has_blocks(reader) &&
        task->child->start->n_skip == 0)
        rc = map_blocks(task, reader, piece->name, err);
    else
        rc = map_records(task, reader, piece->name, err);
    task->bytes_before += reader_bytes_read(reader);
    page_set(&task->page->bytes_in, task->bytes_before);
    reader_close(reader);
    return task->out.sample ? sampled(task, rc, err) : rc;
}

static int map_next_piece(struct map_task *task, struct err *err)
{
    Mrlua__Input *input = NULL;
    int fd = -1;
    int rc = child_next_input(task->child, &input, &fd, err);

    if (rc == 1 && !input->piece)
        rc = err_set(err, ERR_RETRY, "an input without a piece");
    if (rc == 1 && map_inputs_enter(&task->inputs, input->piece, err) != 0)
        rc = -1;
    if (rc == 1 && map_piece(task, input, fd, err) != 0)
        rc = -1;
    io_close(&fd);
    message_free(input);
    task->input_index++;
    return rc;
}

/* ---- start to end ---- */

static int map_all(struct map_task *task, struct err *err)
{
    int rc;

    if (map_inputs_begin(&task->inputs, err) != 0)
        return -1;
    while ((rc = map_next_piece(task, err)) == 1)
        ;
    if (rc != 0 || bad_records_fail(&task->child->bad, err) != 0)
        return -1;
    return map_inputs_end(&task->inputs, err);
}

static int finish(struct map_task *task, struct task_result *result, struct err *err)
{
    task_result_count(result, "map_", "bytes_in", page_get(&task->page->bytes_in));
    task_result_count(result, "map_", "records_in", page_get(&task->page->records_in));
    task_result_count_bad(result, task->child);
    return map_sink_finish(&task->out, result, err);
}

static int finish_sample(struct map_task *task, int rc, struct task_result *result, struct err *err)
{
    page_enter(task->page, PAGE_SORT);
    if (sampled(task, rc, err) != 0)
        return -1;
    result->sample = task->out.sample;
    result->cuts = mem_alloc_array(task->out.partition.count, sizeof *result->cuts);
    result->cut_count = sample_cut(task->out.sample, result->cuts);
    task->out.sample = NULL; /* passed on */
    return 0;
}

int map_task_run(struct child *child, struct task_result *result, struct err *err)
{
    struct map_task task = {0};
    int rc = open_task(&task, child, err);

    if (rc == 0)
        rc = map_all(&task, err);
    if (rc != 0) /* what came behind the first of them may be because of it */
        bad_records_fail(&child->bad, err);
    if (task.out.sample)
        rc = finish_sample(&task, rc, result, err);
    else if (rc == 0)
        rc = finish(&task, result, err);
    map_sink_close(&task.out);
    map_inputs_deinit(&task.inputs);
    buf_deinit(&task.key);
    buf_deinit(&task.value);
    return rc;
}
