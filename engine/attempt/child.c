#include "attempt/child.h"

#include "attempt/child_scene.h"
#include "attempt/drive_task.h"
#include "attempt/map_task.h"
#include "attempt/process.h"
#include "attempt/reduce_task.h"
#include "base/log.h"
#include "base/mem.h"
#include "record/value.h"
#include "vm/sandbox.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LOG_LINE_BYTES_MAX = 8 * 1024,
    /* Beside Lua's memory and the sort buffer: libraries, stacks, a zstd window of 32 MiB, a line,
     * a value and a merge of 16 MiB each, and what malloc() keeps around them. */
    ADDRESS_SPACE_BYTES = 256 * 1024 * 1024,
};

int child_fd(enum child_fd role)
{
    return DESCRIPTORS_FIRST + (int)role;
}

static void beat(void *page)
{
    page_pulse(page);
}

int child_next_input(struct child *child, Mrlua__Input **input, int *fd, struct err *err)
{
    if (channel_send(&child->channel, MESSAGE_NEXT_INPUT, NULL, err) != 0)
        return -1;
    return child_receive_input(child, input, fd, err);
}

int child_receive_input(struct child *child, Mrlua__Input **input, int *fd, struct err *err)
{
    struct frame frame;
    int rc = channel_receive(&child->channel, &frame, err);

    if (rc < 0)
        return -1;
    if (rc == 0 || frame.type != MESSAGE_INPUT)
        return err_set(err, ERR_RETRY, "no input came from the trusted process");
    *input = message_unpack(&mrlua__input__descriptor, frame.payload, err);
    *fd = channel_take_fd(&child->channel);
    if (!*input)
        return -1;
    if ((*input)->end)
        return 0;
    return *fd >= 0 ? 1 : err_set(err, ERR_RETRY, "an input without a file");
}

struct pulse child_pulse(struct child *child)
{
    return (struct pulse){.beat = beat, .context = child->page};
}

void task_result_count(struct task_result *result, const char *prefix, const char *name,
                       uint64_t value)
{
    struct task_counter *counter = &result->counters[result->counter_count++];

    assert(result->counter_count <= CHILD_COUNTER_COUNT_MAX);
    snprintf(counter->name, sizeof counter->name, "%s%s", prefix, name);
    counter->value = value;
}

void task_result_count_bad(struct task_result *result, const struct child *child)
{
    if (child->start->n_skip > 0)
        task_result_count(result, "", MESSAGE_COUNTER_BAD, child->start->n_skip);
}

void child_detail_traceback(struct child *child)
{
    const char *traceback = vm_traceback(child->vm);

    if (traceback[0])
        buf_printf(&child->detail, "%s\n", traceback);
}

void child_detail_quote(struct child *child, const char *label, struct slice bytes)
{
    char quoted[4 * CHILD_QUOTE_BYTES + 8]; /* \xhh each, quotes, dots */
    struct slice head = bytes;

    if (head.len > CHILD_QUOTE_BYTES)
        head.len = CHILD_QUOTE_BYTES;
    buf_printf(&child->detail, "%s: %s%s\n", label, log_quote(quoted, sizeof quoted, head),
               bytes.len > head.len ? " ..." : "");
}

/* ---- the job ---- */

static void send_log(void *context, struct slice line)
{
    struct child *child = context;
    char text[LOG_LINE_BYTES_MAX];
    size_t len = line.len < sizeof text - 1 ? line.len : sizeof text - 1;
    Mrlua__Log log = MRLUA__LOG__INIT;
    struct err err;

    /* What the file prints while it loads was heard when the client loaded it. */
    if (child->start->kind != MRLUA__TASK_KIND__LOAD && page_get(&child->page->phase) == PAGE_LOAD)
        return;
    if (child->start->kind == MRLUA__TASK_KIND__SAMPLE) /* it will be heard when a map reads it */
        return;
    if (len)
        memcpy(text, line.ptr, len);
    text[len] = '\0';
    log.text = text;
    channel_send(&child->channel, MESSAGE_LOG, &log.base, &err); /* lost, if nobody is there */
}

static const char *stage_name(Mrlua__TaskKind kind)
{
    return kind == MRLUA__TASK_KIND__MAP      ? "map"
           : kind == MRLUA__TASK_KIND__SAMPLE ? "map"
           : kind == MRLUA__TASK_KIND__REDUCE ? "reduce"
           : kind == MRLUA__TASK_KIND__DRIVE  ? "drive"
                                              : "load";
}

uint64_t child_seed(const Mrlua__TaskStart *start)
{
    uint64_t task[2] = {start->kind, start->task};

    return hash64(slice_of(task, sizeof task));
}

static size_t set_side_files(struct child *child)
{
    const Mrlua__TaskStart *start = child->start;
    size_t count = start->n_files < CHILD_FILE_COUNT_MAX ? start->n_files : CHILD_FILE_COUNT_MAX;

    for (size_t i = 0; i < count; i++)
        child->files[i] = (struct vm_file){
            .name = start->files[i]->name,
            .fd = child_fd(CHILD_FILE_FIRST) + (int)i,
            .bytes = start->files[i]->size,
            .mtime_ns = start->files[i]->mtime_ns,
        };
    return count;
}

static int open_vm(struct child *child, struct err *err)
{
    const Mrlua__TaskStart *start = child->start;
    struct vm_options options = {
        .memory_bytes_max = start->limits->memory_bytes,
        .unsafe = start->unsafe,
        .seed = child_seed(start),
        .bundle = slice_of(start->bundle.data, start->bundle.len),
        .params = slice_of(start->params.data, start->params.len),
        .files = child->files,
        .file_count = set_side_files(child),
        .stage = stage_name(start->kind),
        .job = start->job,
        .task = start->task,
        .attempt = start->attempt,
        .worker = start->worker,
        .pulse = &child->page->pulse,
        .log = send_log,
        .log_context = child,
    };

    value_field_table(slice_of(start->view.data, start->view.len), "call", &options.call);
    child->vm = vm_open(&options, err);
    return child->vm ? 0 : -1;
}

static int enter_sandbox(struct child *child, struct err *err)
{
    struct vm_sandbox_options options = {
        .address_space_bytes_max = vm_memory_bytes_peak(child->start->limits->memory_bytes) +
                                   child->start->sort_buffer_bytes + ADDRESS_SPACE_BYTES,
        .denied_call = &child->page->denied_call,
    };

    return child->start->unsafe ? 0 : vm_sandbox_enter(&options, err);
}

/* Loading a job file runs its code, so that is done in the sandbox too. */
static int load_job(struct child *child, struct err *err)
{
    if (open_vm(child, err) != 0 || enter_sandbox(child, err) != 0)
        return -1;
    page_enter(child->page, PAGE_LOAD);
    return vm_load_job(child->vm, &child->view, err);
}

/* What the job has counted goes with the engine's counters. Not of a sample: its maps will. */
static int counted(const struct child *child, int rc, struct task_result *result)
{
    const struct vm_counter *counters;
    uint32_t count = vm_counters(child->vm, &counters);

    for (uint32_t i = 0; rc == 0 && i < count; i++)
        task_result_count(result, MESSAGE_COUNTER_USER, counters[i].name, counters[i].value);
    return rc;
}

static int run_task(struct child *child, struct task_result *result, struct err *err)
{
    if (load_job(child, err) != 0)
        return -1;
    switch (child->start->kind) {
    case MRLUA__TASK_KIND__LOAD:
        return 0;
    case MRLUA__TASK_KIND__SAMPLE:
        return map_task_run(child, result, err);
    case MRLUA__TASK_KIND__MAP:
        return counted(child, map_task_run(child, result, err), result);
    case MRLUA__TASK_KIND__REDUCE:
        return counted(child, reduce_task_run(child, result, err), result);
    case MRLUA__TASK_KIND__DRIVE:
        return drive_task_run(child, err);
    default:
        return err_set(err, ERR_SETUP, "task of kind %d is none of a vm child",
                       (int)child->start->kind);
    }
}

/* ---- the answer ---- */

static ProtobufCBinaryData *cut_points_of(const struct task_result *result)
{
    ProtobufCBinaryData *list =
        result->cut_count ? mem_alloc_array(result->cut_count, sizeof *list) : NULL;

    for (uint32_t i = 0; i < result->cut_count; i++)
        list[i] =
            (ProtobufCBinaryData){result->cuts[i].len, (uint8_t *)(uintptr_t)result->cuts[i].ptr};
    return list;
}

static void fill_file(Mrlua__OutputFile *file, const struct task_file *from)
{
    mrlua__output_file__init(file);
    file->output = from->output;
    file->bytes = from->bytes;
    file->records = from->records;
    file->crc32c = from->crc32c;
}

static int send_done(struct child *child, struct task_result *result, struct err *err)
{
    Mrlua__OutputFile files[OUTPUT_COUNT_MAX], *file_list[OUTPUT_COUNT_MAX];
    Mrlua__Counter counters[CHILD_COUNTER_COUNT_MAX], *list[CHILD_COUNTER_COUNT_MAX];
    Mrlua__Digest digest = MRLUA__DIGEST__INIT;
    Mrlua__Done done = MRLUA__DONE__INIT;
    int rc;

    for (uint32_t i = 0; i < result->counter_count; i++) {
        mrlua__counter__init(&counters[i]);
        counters[i].name = result->counters[i].name;
        counters[i].value = (int64_t)result->counters[i].value;
        list[i] = &counters[i];
    }
    digest.low = result->digest.low;
    digest.high = result->digest.high;
    digest.records = result->digest.record_count;
    done.digest = &digest;
    done.n_counters = result->counter_count;
    done.counters = list;
    done.bytes = result->bytes;
    done.records = result->records;
    done.crc32c = result->crc32c;
    done.skew = map_skew_message(&result->skew);
    for (uint32_t i = 0; i < result->file_count; i++) {
        fill_file(&files[i], &result->files[i]);
        file_list[i] = &files[i];
    }
    done.n_files = result->file_count;
    done.files = file_list;
    if (child->start->kind == MRLUA__TASK_KIND__LOAD)
        done.view = (ProtobufCBinaryData){child->view.len, (uint8_t *)child->view.ptr};
    done.n_cut_points = result->cut_count;
    done.cut_points = cut_points_of(result);
    rc = channel_send(&child->channel, MESSAGE_DONE, &done.base, err);
    free(done.cut_points);
    return rc;
}

/* Of bad records the first one has told it. */
static void tell_traceback(struct child *child)
{
    struct buf rest = child->detail;

    child->detail = (struct buf){0};
    child_detail_traceback(child);
    buf_append(&child->detail, rest.ptr, rest.len);
    buf_deinit(&rest);
}

/* Traceback first, then what was in hand. */
static void send_failed(struct child *child, const struct err *failure)
{
    Mrlua__Failed failed = MRLUA__FAILED__INIT;
    Mrlua__Error error;
    struct err told = *failure, err;

    if (child->start && child->start->skip_left == 0) /* else there may be many */
        place_add(&told, child->place);
    if (child->vm && failure->kind == ERR_JOB && child->bad.count == 0)
        tell_traceback(child);
    if (child->vm && failure->kind == ERR_JOB)
        child_scene_keep(child, NULL);
    message_of_err(&error, &told, buf_string(&child->detail));
    bad_records_tell(&child->bad, &error);
    error.peer_map = child->peer_map;
    error.peer_attempt = child->peer_attempt;
    error.capsule = (ProtobufCBinaryData){child->scene.len, (uint8_t *)child->scene.ptr};
    failed.error = &error;
    channel_send(&child->channel, MESSAGE_FAILED, &failed.base, &err);
}

static int receive_start(struct child *child, struct err *err)
{
    struct frame frame;
    int rc = channel_receive(&child->channel, &frame, err);

    if (rc == 0)
        return err_set(err, ERR_RETRY, "no task: the trusted process has ended");
    if (rc < 0)
        return -1;
    if (frame.type != MESSAGE_TASK_START)
        return err_set(err, ERR_RETRY, "message %u where a task was expected", frame.type);
    child->start = message_unpack(&mrlua__task_start__descriptor, frame.payload, err);
    if (!child->start)
        return -1;
    bad_records_init(&child->bad, child->start);
    return child->start->limits ? 0 : err_set(err, ERR_SETUP, "a task without limits");
}

static int live(struct child *child, struct err *err)
{
    struct task_result result = {0};
    int rc = -1;

    if (receive_start(child, err) == 0 && run_task(child, &result, err) == 0)
        rc = send_done(child, &result, err);
    sample_close(result.sample);
    free(result.cuts);
    return rc;
}

int child_main(void)
{
    struct child child = {0};
    struct err err;

    channel_init_take(&child.channel, child_fd(CHILD_CONTROL));
    child.page = page_map(child_fd(CHILD_PAGE), &err);
    if (!child.page || live(&child, &err) != 0)
        send_failed(&child, &err);
    vm_close(child.vm);
    bad_records_deinit(&child.bad);
    message_free(child.start);
    buf_deinit(&child.view);
    buf_deinit(&child.detail);
    buf_deinit(&child.scene);
    page_unmap(child.page);
    channel_deinit(&child.channel);
    return 0;
}
