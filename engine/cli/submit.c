#include "cli/submit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/client.h"
#include "cli/interrupts.h"
#include "cli/job_values.h"
#include "cli/run_config.h"
#include "cli/submit_blob.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUBMIT_CODE_COUNT = 3, /* bundle, params, view */
    SUBMIT_BLOB_COUNT_MAX = SUBMIT_CODE_COUNT + CHILD_FILE_COUNT_MAX,
    SUBMIT_KEY_BYTES = 16,
    SUBMIT_PAUSE_MS_MIN = 100, /* between two tries to connect; it doubles ... */
    SUBMIT_PAUSE_MS_MAX = 2000,
    SUBMIT_LOG_BYTES_MAX = 1 << 16, /* what jobs print between two redraws; more: redraw now */
};

/* Ids of requests. A blob's is its index. */
enum { REQUEST_SUBMIT = SUBMIT_BLOB_COUNT_MAX, REQUEST_WATCH };

struct submit {
    struct client client;
    struct run_config config;
    struct submit_blob blobs[SUBMIT_BLOB_COUNT_MAX]; /* the code, in config.copy, and side files */
    size_t blob_count;
    bool has_put;                       /* bytes were sent since all blobs were asked for */
    struct side_files files;            /* of the JobSubmit */
    char key[2 * SUBMIT_KEY_BYTES + 1]; /* of idempotency */
    char *folder;                       /* that relative inputs are in */
    int32_t priority;
    struct interrupts interrupts;
    struct loop_event *step_timer, *retry_timer;
    uint64_t job;         /* 0: not accepted yet */
    uint64_t events_seen; /* of the watch */
    Mrlua__JobEvent *newest;
    Mrlua__JobEvent **ended_steps; /* of a job of several: how each ended, until it is reported */
    size_t ended_count;
    struct buf log;         /* lines of the job, each with its newline ... */
    struct buf notices;     /* ... and about it */
    uint64_t away_since_ns; /* 0: connected */
    uint32_t pause_ms;
    int signal_number;
    bool has_failed; /* err: there is no more to wait for */
    struct err err;
};

static bool has_ended(const struct submit *submit)
{
    return submit->newest && submit->newest->ended;
}

bool submit_finished(const struct submit *submit)
{
    return submit->has_failed || submit->signal_number != 0 || has_ended(submit);
}

static void fail(struct submit *submit, const struct err *err)
{
    submit->has_failed = true;
    submit->err = *err;
    loop_break(submit->client.loop);
}

/* ---- what is said ---- */

/* A piece of a blob from `offset`; nothing asks how much is there. */
static void send_blob(struct submit *submit, size_t index, uint64_t offset, struct slice piece)
{
    struct submit_blob *blob = &submit->blobs[index];
    Mrlua__BlobPut put = MRLUA__BLOB_PUT__INIT;

    put.hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, blob->hash};
    put.offset = offset;
    put.total_bytes = blob->total_bytes;
    put.bytes = (ProtobufCBinaryData){piece.len, (uint8_t *)(uintptr_t)piece.ptr};
    submit->has_put = submit->has_put || piece.len > 0;
    client_send(&submit->client, MESSAGE_BLOB_PUT, index, &put.base);
}

/* Code that is empty has no name. */
static ProtobufCBinaryData hash_of(const struct submit *submit, size_t index)
{
    if (!submit->blobs[index].total_bytes)
        return (ProtobufCBinaryData){0, NULL};
    return (ProtobufCBinaryData){BLOB_HASH_BYTES, (uint8_t *)submit->blobs[index].hash};
}

static void send_submit(struct submit *submit)
{
    const struct run_config *config = &submit->config;
    Mrlua__JobSubmit job = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;

    limits.memory_bytes = config->memory_bytes;
    limits.progress_ms = config->progress_ms;
    limits.record_ms = config->record_ms;
    job.idempotency_key = submit->key;
    job.name = config->job_name;
    job.bundle_hash = hash_of(submit, 0);
    job.params_hash = hash_of(submit, 1);
    job.view_hash = hash_of(submit, 2);
    job.inputs = config->inputs;
    job.n_inputs = config->input_count;
    job.groups = config->groups;
    job.n_groups = config->group_count;
    job.folder = submit->folder;
    job.input = config->input_format;
    job.output = config->output_format;
    job.outputs = config->outputs.list;
    job.n_outputs = config->outputs.count;
    job.output_folder = config->output;
    job.shuffle = config->shuffle;
    job.reuse = config->reuse;
    job.overwrite = config->overwrite;
    job.unsafe = config->unsafe;
    job.ranged = config->ranged;
    job.map_only = config->map_only;
    job.drive = config->drive;
    job.steps = config->steps;
    job.reducers = config->reducers;
    job.attempts = config->attempts;
    job.skip_bad = config->skip_bad;
    job.split_bytes = config->split_bytes;
    job.sort_buffer_bytes = config->sort_buffer_bytes;
    job.limits = &limits;
    job.n_files = submit->files.count;
    job.files = submit->files.list;
    job.priority = submit->priority;
    job.user = getenv("USER") ? getenv("USER") : "";
    client_send(&submit->client, MESSAGE_JOB_SUBMIT, REQUEST_SUBMIT, &job.base);
}

/* Asks for the first blob from `index` on. When all are there, without a piece of them having been
 * sent since the first was asked for (which may be gone again by now), it submits the job. */
static void send_next(struct submit *submit, size_t index)
{
    if (index == 0)
        submit->has_put = false;
    while (index < SUBMIT_CODE_COUNT && !submit->blobs[index].total_bytes)
        index++;
    if (index == submit->blob_count && submit->has_put)
        send_next(submit, 0);
    else if (index == submit->blob_count)
        send_submit(submit);
    else
        send_blob(submit, index, 0, slice_of(NULL, 0));
}

static void send_watch(struct submit *submit)
{
    Mrlua__JobWatch watch = MRLUA__JOB_WATCH__INIT;

    watch.job = submit->job;
    watch.events_seen = submit->events_seen;
    if (submit->newest && submit->newest->info && submit->newest->info->step > 0)
        watch.steps_seen = submit->newest->info->step - 1;
    client_send(&submit->client, MESSAGE_JOB_WATCH, REQUEST_WATCH, &watch.base);
}

/* ---- what is heard ---- */

static void on_opened(void *context)
{
    struct submit *submit = context;

    submit->away_since_ns = 0;
    submit->pause_ms = SUBMIT_PAUSE_MS_MIN;
    if (submit->job)
        send_watch(submit);
    else
        send_next(submit, 0);
}

static void heard_blob(struct submit *submit, const struct frame *frame)
{
    size_t index = (size_t)frame->request_id;
    struct slice piece;
    struct err err;
    Mrlua__BlobHave *have;

    if (submit->job)
        return;
    have = client_read(frame, MESSAGE_BLOB_HAVE, &mrlua__blob_have__descriptor, &err);
    if (!have) {
        fail(submit, &err);
        return;
    }
    if (have->complete || have->bytes >= submit->blobs[index].total_bytes)
        send_next(submit, index + 1);
    else if (submit_blob_piece(&submit->blobs[index], have->bytes, &piece, &err) == 0)
        send_blob(submit, index, have->bytes, piece);
    else
        fail(submit, &err);
    message_free(have);
}

static void heard_job(struct submit *submit, const struct frame *frame)
{
    struct err err;
    Mrlua__Answer *answer = client_read(frame, MESSAGE_ANSWER, NULL, &err);

    if (answer && !answer->job)
        err_set(&err, ERR_RETRY, "the master answered without the number of a job");
    if (!answer || !answer->job) {
        message_free(answer);
        fail(submit, &err);
        return;
    }
    submit->job = answer->job;
    message_free(answer);
    send_watch(submit);
    loop_break(submit->client.loop);
}

static void add_line(struct buf *lines, const char *text)
{
    buf_append_string(lines, text);
    if (lines->ptr[lines->len - 1] != '\n')
        buf_append_byte(lines, '\n');
}

static uint32_t step_of(const Mrlua__JobEvent *event)
{
    return event && event->info ? event->info->step : 0;
}

/* The newest is what is reported next; but of each step the last word is, before that. */
static void take_news(struct submit *submit, Mrlua__JobEvent *event)
{
    if (step_of(submit->newest) > 0 && step_of(event) > step_of(submit->newest)) {
        submit->ended_steps = mem_realloc_array(submit->ended_steps, submit->ended_count + 1,
                                                sizeof(Mrlua__JobEvent *));
        submit->ended_steps[submit->ended_count++] = submit->newest;
    } else {
        message_free(submit->newest);
    }
    submit->newest = event;
}

static void heard_event(struct submit *submit, const struct frame *frame)
{
    struct err err;
    Mrlua__JobEvent *event =
        client_read(frame, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor, &err);

    if (!event) {
        fail(submit, &err);
        return;
    }
    if (event->number > submit->events_seen)
        submit->events_seen = event->number;
    if (event->log[0])
        add_line(event->notice ? &submit->notices : &submit->log, event->log);
    if (event->info || event->ended)
        take_news(submit, event);
    else
        message_free(event);
    if (has_ended(submit) || submit->ended_count > 0 || submit->log.len > SUBMIT_LOG_BYTES_MAX)
        loop_break(submit->client.loop);
}

static void on_message(void *context, const struct frame *frame)
{
    struct submit *submit = context;

    if (submit_finished(submit))
        return;
    if (frame->request_id < submit->blob_count)
        heard_blob(submit, frame);
    else if (frame->request_id == REQUEST_SUBMIT)
        heard_job(submit, frame);
    else if (frame->request_id == REQUEST_WATCH)
        heard_event(submit, frame);
}

/* ---- a connection that is lost ---- */

static void retry_later(struct submit *submit)
{
    loop_timer_start(submit->retry_timer, submit->pause_ms * NS_PER_MS);
    submit->pause_ms *= 2;
    if (submit->pause_ms > SUBMIT_PAUSE_MS_MAX)
        submit->pause_ms = SUBMIT_PAUSE_MS_MAX;
}

static void on_closed(void *context, const struct err *err)
{
    struct submit *submit = context;
    uint64_t now_ns = clock_monotonic_ns();

    if (submit_finished(submit))
        return;
    if (!submit->client.was_open || err->kind == ERR_SETUP) {
        fail(submit, err);
        return;
    }
    if (!submit->away_since_ns) {
        submit->away_since_ns = now_ns;
        buf_printf(&submit->notices, "mrlua: lost the master at %s (%s), trying again\n",
                   submit->client.address, err->message);
    }
    if (now_ns - submit->away_since_ns > SUBMIT_AWAY_MS_MAX * NS_PER_MS)
        fail(submit, err);
    else
        retry_later(submit);
}

static void on_retry(void *context)
{
    struct submit *submit = context;
    struct err err;

    if (client_connect(&submit->client, &err) != 0)
        on_closed(submit, &err);
}

static const struct client_ops CLIENT_OPS = {on_opened, on_message, on_closed};

/* ---- the loop ---- */

static void interrupt(void *context, int signal_number)
{
    struct submit *submit = context;

    submit->signal_number = signal_number;
    loop_break(submit->client.loop);
}

static void on_step_timer(void *context)
{
    struct submit *submit = context;

    loop_break(submit->client.loop);
}

static int open_events(struct submit *submit, struct err *err)
{
    struct loop *loop = submit->client.loop;

    if (interrupts_open(&submit->interrupts, loop, interrupt, submit, err) != 0)
        return -1;
    submit->step_timer = loop_timer_open(loop, on_step_timer, submit);
    submit->retry_timer = loop_timer_open(loop, on_retry, submit);
    return 0;
}

static void make_key(char *out)
{
    uint8_t bytes[SUBMIT_KEY_BYTES];

    keys_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* Objects are told by their address, files of this machine by what they hold. */
static int open_files(struct submit *submit, struct err *err)
{
    for (size_t i = 0; i < submit->config.files.count; i++) {
        Mrlua__SideFile *file = side_files_add(&submit->files, &submit->config.files.items[i]);
        struct submit_blob *blob = &submit->blobs[submit->blob_count];

        if (uri_is_gs(file->path))
            continue;
        submit->blob_count++;
        if (submit_blob_open(blob, file, err) != 0)
            return -1;
        file->size = blob->total_bytes;
        file->crc32c = blob->crc32c;
        file->hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, blob->hash};
    }
    return 0;
}

static int open_blobs(struct submit *submit, struct err *err)
{
    const struct run_config *config = &submit->config;

    submit_blob_init(&submit->blobs[0], config->bundle);
    submit_blob_init(&submit->blobs[1], config->params);
    submit_blob_init(&submit->blobs[2], config->view);
    submit->blob_count = SUBMIT_CODE_COUNT;
    return open_files(submit, err);
}

static int init(struct submit *submit, struct slice args, struct err *err)
{
    char *address = field_text(args, "master"), *key_file = field_text(args, "key_file");
    int rc = -1;

    submit->folder = field_text(args, "folder");
    if (!address || !submit->folder || run_config_init(&submit->config, args, err) != 0 ||
        client_init(&submit->client, address, key_file, client_tls(args), true, err) != 0)
        goto out;
    submit->priority = (int32_t)value_field_integer(args, "priority", 0);
    submit->client.ops = &CLIENT_OPS;
    submit->client.context = submit;
    make_key(submit->key);
    rc = open_blobs(submit, err) == 0 ? open_events(submit, err) : -1;
out:
    free(address);
    free(key_file);
    return rc;
}

/* Until the master has accepted the job, or a signal came. */
static int wait_for_job(struct submit *submit, struct err *err)
{
    if (client_connect(&submit->client, err) != 0)
        return -1;
    while (!submit->job && !submit_finished(submit))
        if (loop_run(submit->client.loop, err) != 0)
            return -1;
    if (!submit->has_failed)
        return 0;
    *err = submit->err;
    return -1;
}

struct submit *submit_open(struct slice args, struct err *err)
{
    struct submit *submit = mem_alloc(sizeof *submit);

    submit->pause_ms = SUBMIT_PAUSE_MS_MIN;
    err_set(err, ERR_SETUP, "submit: an argument is missing");
    if (init(submit, args, err) == 0 && wait_for_job(submit, err) == 0)
        return submit;
    submit_close(submit);
    return NULL;
}

void submit_close(struct submit *submit)
{
    if (!submit)
        return;
    interrupts_close(&submit->interrupts);
    loop_event_close(submit->step_timer);
    loop_event_close(submit->retry_timer);
    client_deinit(&submit->client);
    for (size_t i = 0; i < submit->blob_count; i++)
        submit_blob_deinit(&submit->blobs[i]);
    run_config_deinit(&submit->config);
    message_free(submit->newest);
    for (size_t i = 0; i < submit->ended_count; i++)
        message_free(submit->ended_steps[i]);
    free(submit->ended_steps);
    buf_deinit(&submit->log);
    buf_deinit(&submit->notices);
    free(submit->folder);
    free(submit);
}

uint64_t submit_job(const struct submit *submit)
{
    return submit->job;
}

int submit_step(struct submit *submit, uint32_t milliseconds, struct err *err)
{
    if (submit_finished(submit) || submit->ended_count > 0)
        return 0;
    loop_timer_start(submit->step_timer, milliseconds * NS_PER_MS);
    return loop_run(submit->client.loop, err);
}

/* How the next step ended that was not reported; NULL: there is none. The caller frees it. */
static Mrlua__JobEvent *take_ended_step(struct submit *submit)
{
    Mrlua__JobEvent *event = submit->ended_count > 0 ? submit->ended_steps[0] : NULL;

    if (event)
        memmove(submit->ended_steps, submit->ended_steps + 1,
                --submit->ended_count * sizeof *submit->ended_steps);
    return event;
}

void submit_report(struct submit *submit, struct buf *out)
{
    Mrlua__JobEvent *ended = take_ended_step(submit);
    const Mrlua__JobEvent *event = ended ? ended : submit->newest;
    const Mrlua__JobInfo *info = event ? event->info : NULL;

    value_write_table_begin(out);
    field_boolean(out, "finished", submit_finished(submit) && !ended);
    field_number(out, "seconds", info ? info->seconds : 0);
    field_integer(out, "columns", answer_columns());
    job_values_title(info, out);
    field_name(out, "log");
    answer_log(&submit->log, out);
    field_name(out, "notices");
    answer_log(&submit->notices, out);
    job_values_counters(info, out);
    field_name(out, "stages");
    job_values_stages(info, out);
    value_write_table_end(out);
    message_free(ended);
}

void submit_outcome(const struct submit *submit, struct buf *out)
{
    if (has_ended(submit)) {
        job_values_outcome(submit->newest->info, out);
        return;
    }
    value_write_table_begin(out);
    field_number(out, "seconds", 0);
    if (submit->signal_number) {
        field_integer(out, "signal", (uint64_t)submit->signal_number);
    } else {
        field_name(out, "error");
        answer_error(&submit->err, NULL, false, out);
    }
    value_write_table_end(out);
}
