#include "attempt/reduce_task.h"

#include "attempt/child_scene.h"
#include "attempt/outputs.h"
#include "attempt/part.h"
#include "attempt/run_of.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/builtin_group.h"
#include "record/gather.h"
#include "record/key_print.h"
#include "record/parcel.h"
#include "record/value.h"

#include <stdio.h>
#include <stdlib.h>

struct reduce_task {
    struct sink sink; /* first: a sink is a reduce_task */
    struct child *child;
    struct page *page;
    struct vm *vm;
    struct builtin_call call; /* BUILTIN_NONE: the job's function */
    struct gather_segment *segments;
    uint32_t segment_count;
    bool owns_files; /* each segment its own; otherwise they are all the scratch file */
    struct gather *gather;
    struct writer *writer;
    struct output_files outputs;
};

static int emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct reduce_task *task = (struct reduce_task *)sink;

    page_add(&task->page->records_out, 1);
    return writer_write(task->writer, key, value, err);
}

static int emit_to(struct sink *sink, uint32_t output, struct slice key, struct slice value,
                   struct err *err)
{
    struct reduce_task *task = (struct reduce_task *)sink;

    page_add(&task->page->records_out, 1);
    return outputs_write(&task->outputs, output, key, value, err);
}

/* ---- opening ---- */

/* The file of a segment that lies in a run. */
static int receive_file(struct reduce_task *task, struct gather_segment *segment, struct err *err)
{
    Mrlua__Input *input = NULL;
    int rc = child_next_input(task->child, &input, &segment->fd, err);

    message_free(input);
    return rc == 0 ? err_set(err, ERR_RETRY, "no file of a segment came") : rc;
}

static int receive_files(struct reduce_task *task, struct err *err)
{
    task->owns_files = true;
    for (uint32_t i = 0; i < task->segment_count; i++)
        task->segments[i].fd = -1;
    for (uint32_t i = 0; i < task->segment_count; i++)
        if (receive_file(task, &task->segments[i], err) < 0)
            return -1;
    return 0;
}

static void close_segments(struct reduce_task *task)
{
    for (uint32_t i = 0; task->owns_files && i < task->segment_count; i++)
        io_close(&task->segments[i].fd);
    free(task->segments);
}

static struct gather_segment segment_of(const Mrlua__Segment *told, uint64_t job)
{
    return (struct gather_segment){
        .fd = child_fd(CHILD_SCRATCH_A),
        .map = told->map,
        .attempt = told->attempt,
        .id = run_of(told->run, job, told->map, told->attempt),
        .offset = told->offset,
        .bytes = told->bytes,
    };
}

static void keep_table(struct reduce_task *task, const Mrlua__SegmentTable *table)
{
    task->segments = mem_alloc_array(table->n_segments, sizeof *task->segments);
    task->segment_count = (uint32_t)table->n_segments;
    for (size_t i = 0; i < table->n_segments; i++)
        task->segments[i] = segment_of(table->segments[i], task->child->start->job);
}

static int receive_table(struct reduce_task *task, struct err *err)
{
    Mrlua__SegmentTable *table;
    struct frame frame;
    bool in_place;
    int rc = channel_receive(&task->child->channel, &frame, err);

    if (rc < 0)
        return -1;
    if (rc == 0 || frame.type != MESSAGE_SEGMENT_TABLE)
        return err_set(err, ERR_RETRY, "no segments came from the trusted process");
    table = message_unpack(&mrlua__segment_table__descriptor, frame.payload, err);
    if (!table)
        return -1;
    keep_table(task, table);
    in_place = table->in_place;
    message_free(table);
    return in_place ? receive_files(task, err) : 0;
}

/* The attempt of `map` whose segment was damaged: the shell asks for that map again. */
static void blame_map(struct reduce_task *task, uint32_t map)
{
    for (uint32_t i = 0; i < task->segment_count; i++) {
        if (task->segments[i].map != map)
            continue;
        task->child->peer_map = map;
        task->child->peer_attempt = task->segments[i].attempt;
    }
}

static int open_gather(struct reduce_task *task, struct err *err)
{
    const Mrlua__TaskStart *start = task->child->start;
    struct gather_options options = {
        .partition = start->task,
        .id = {.job = start->job, .attempt = start->attempt, .task = start->task},
        .scratch = {child_fd(CHILD_SCRATCH_A), child_fd(CHILD_SCRATCH_B)},
        .pulse = child_pulse(task->child),
    };
    uint32_t failed_map = GATHER_MAP_NONE;

    page_enter(task->page, PAGE_GATHER);
    task->gather = gather_open(&options, task->segments, task->segment_count, &failed_map, err);
    if (task->gather)
        return 0;
    blame_map(task, failed_map);
    return -1;
}

static int open_task(struct reduce_task *task, struct child *child, struct err *err)
{
    task->sink.emit = emit;
    task->sink.emit_to = emit_to;
    task->child = child;
    task->page = child->page;
    task->vm = child->vm;
    task->call = builtin_call_of(vm_has(child->vm, "reduce") ? vm_builtin(child->vm, "reduce")
                                                             : BUILTIN_IDENTITY,
                                 buf_slice(&child->view));
    if (outputs_receive(&task->outputs, child, err) != 0 || receive_table(task, err) != 0 ||
        open_gather(task, err) != 0)
        return -1;
    task->writer = part_open(child, err);
    return task->writer ? 0 : -1;
}

/* ---- groups ---- */

static void tell_key(struct reduce_task *task, const char *key, uint64_t number)
{
    place_print_key(task->child->place, key, number);
    buf_printf(&task->child->detail, "key: %s\n", key);
    bad_records_print_place(task->child->start, number, &task->child->detail);
}

/* The groups on their way to reduce. */
struct feed {
    struct reduce_task *task;
    struct group *group;
    bool has_group; /* one is in hand */
};

/* The next group is in hand: 1. 0 at the end. */
static int next_group(void *context, struct err *err)
{
    struct feed *feed = context;
    struct page *page = feed->task->page;
    int rc;

    page_set(&page->in_hand, 0);
    page_set(&page->phase, PAGE_GATHER);
    if (feed->has_group)
        page_set(&page->records_in, gather_digest(feed->task->gather)->record_count);
    do {
        rc = group_next(feed->group, err);
        feed->has_group = rc == 1;
        if (rc != 1)
            return rc;
        page_record(page, 0, 0);
    } while (bad_records_skips(&feed->task->child->bad, page_get(&page->record)));
    page_set_key(page, feed->group->key);
    page_set(&page->in_hand, 1);
    page_set(&page->phase, PAGE_REDUCE);
    return 1;
}

static int reduce_builtin(struct feed *feed, struct err *err)
{
    struct reduce_task *task = feed->task;
    int rc;

    while ((rc = next_group(feed, err)) == 1)
        if (builtin_reduce(&task->call, feed->group, &task->sink, err) != 0)
            return -1;
    return rc;
}

static int reduce_rest(struct feed *feed, struct err *err)
{
    struct reduce_task *task = feed->task;

    return task->call.builtin != BUILTIN_NONE
               ? reduce_builtin(feed, err)
               : vm_reduce_all(task->vm, feed->group, next_group, feed, &task->sink, err);
}

/* After an error. True: it was the key's, and others may be like it. */
static bool goes_on(struct feed *feed, const struct err *err)
{
    struct child *child = feed->task->child;
    uint64_t number = page_get(&child->page->record);
    char key[KEY_PRINT_BYTES];
    struct bad_place place = {.record = number, .key = key};

    if (!feed->has_group || (err->kind != ERR_JOB && err->kind != ERR_LIMIT))
        return false;
    page_set(&child->page->in_hand, 0);
    key_print(key, sizeof key, feed->group->key);
    if (child->bad.count == 0) {
        if (err->kind == ERR_JOB)
            child_detail_traceback(child);
        tell_key(feed->task, key, number);
    }
    vm_go_on(child->vm);
    child_scene_keep(child, NULL);
    return bad_records_add(&child->bad, &place, err);
}

/* The loop of a reduce. */
static int reduce_groups(struct reduce_task *task, struct group *group, struct err *err)
{
    struct feed feed = {.task = task, .group = group};
    int rc;

    while ((rc = reduce_rest(&feed, err)) != 0 && goes_on(&feed, err))
        ;
    return rc;
}

static int reduce_all(struct reduce_task *task, struct err *err)
{
    int64_t parts = value_field_integer(buf_slice(&task->child->view), "group", 0);
    struct group group;
    int rc;

    page_enter(task->page, PAGE_HOOK);
    if (vm_setup(task->vm, err) != 0)
        return -1;
    page_enter(task->page, PAGE_GATHER);
    group_init(&group, gather_cursor(task->gather),
               parts > 0 && parts <= UINT32_MAX ? (uint32_t)parts : 0);
    rc = reduce_groups(task, &group, err);
    group_deinit(&group);
    if (bad_records_fail(&task->child->bad, err) != 0)
        return -1;
    if (rc != 0) {
        blame_map(task, gather_failed_map(task->gather));
        return -1;
    }
    page_enter(task->page, PAGE_HOOK);
    return vm_cleanup(task->vm, &task->sink, err);
}

/* ---- a further output ---- */

/* What maps have emitted to it, in order: no function of the job sees it again. */
static int write_parcels(struct reduce_task *task, struct err *err)
{
    struct cursor *cursor = gather_cursor(task->gather);
    struct slice parcel, key, value;
    int rc;

    page_enter(task->page, PAGE_GATHER);
    while ((rc = cursor_next(cursor, err)) == 1) {
        if (cursor_value(cursor, &parcel, err) != 0 ||
            parcel_unwrap(parcel, &key, &value, err) != 0)
            break;
        if (emit(&task->sink, key, value, err) != 0)
            return outputs_name_error(task->child->start, (uint32_t)outputs_own(task->child->start),
                                      err);
        page_pulse(task->page);
        page_set(&task->page->records_in, gather_digest(task->gather)->record_count);
    }
    if (rc != 0)
        blame_map(task, gather_failed_map(task->gather));
    return rc == 0 ? 0 : -1;
}

/* ---- start to end ---- */

static int finish(struct reduce_task *task, struct task_result *result, struct err *err)
{
    if (part_finish(task->child, task->writer, result, err) != 0 ||
        outputs_finish(&task->outputs, result, err) != 0)
        return -1;
    result->digest = *gather_digest(task->gather);
    task_result_count(result, "reduce_", "keys_in", page_get(&task->page->record));
    task_result_count_bad(result, task->child);
    task_result_count(result, "reduce_", "records_in", result->digest.record_count);
    return 0;
}

int reduce_task_run(struct child *child, struct task_result *result, struct err *err)
{
    struct reduce_task task = {0};
    int rc = open_task(&task, child, err);

    if (rc == 0)
        rc = outputs_own(child->start) < 0 ? reduce_all(&task, err) : write_parcels(&task, err);
    if (rc == 0)
        rc = finish(&task, result, err);
    writer_close(task.writer);
    outputs_close(&task.outputs);
    gather_close(task.gather);
    close_segments(&task);
    return rc;
}
