#include "worker/worker_state.h"

#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- in ---- */

static void step(struct worker *worker, struct agent_event *event)
{
    event->connection = worker->connection;
    event->epoch = worker->epoch;
    event->incarnation = worker->incarnation; /* the connection is to this life */
    worker_queue(worker, event);
    worker_pump(worker);
}

/* Attempt ids of outputs to forget, in new memory. */
static uint64_t *attempts_of(const Mrlua__WorkerWelcome *welcome)
{
    uint64_t *ids = mem_alloc_array(welcome->n_forget + 1, sizeof *ids);

    for (size_t i = 0; i < welcome->n_forget; i++)
        ids[i] = welcome->forget[i]->attempt;
    return ids;
}

static void on_welcome(struct worker *worker, void *message)
{
    const Mrlua__WorkerWelcome *welcome = message;
    uint64_t *forget = attempts_of(welcome);
    struct agent_event event = {.kind = AGENT_WELCOME,
                                .worker_id = welcome->worker_id,
                                .kill = welcome->kill,
                                .kill_count = welcome->n_kill,
                                .over_jobs = welcome->over_jobs,
                                .over_job_count = welcome->n_over_jobs,
                                .forget = forget,
                                .forget_count = welcome->n_forget};

    worker->epoch = welcome->epoch;
    step(worker, &event);
    free(forget);
    message_free(message);
    if (!agent_is_joined(worker->agent))
        return;
    log_event(SEVERITY_INFO, "worker_joined", log_text("master", conn_peer(worker->conn)),
              log_number("worker", agent_worker_id(worker->agent)),
              log_number("epoch", agent_epoch(worker->agent)));
    worker_blobs_ask(worker);
}

static bool is_task(const Mrlua__TaskStart *task)
{
    return task && task->attempt != 0 && task->job != 0 &&
           (task->kind == MRLUA__TASK_KIND__SAMPLE || task->kind == MRLUA__TASK_KIND__MAP ||
            task->kind == MRLUA__TASK_KIND__REDUCE || task->kind == MRLUA__TASK_KIND__DRIVE);
}

static void on_start(struct worker *worker, void *message)
{
    Mrlua__AttemptStart *start = message;
    struct agent_event event = {.kind = AGENT_START};
    struct worker_attempt *attempt;

    if (!is_task(start->start)) {
        message_free(message);
        return;
    }
    event.attempt_id = start->start->attempt;
    event.job_id = start->start->job;
    event.task = start->start->task;
    event.fetches = start->start->kind == MRLUA__TASK_KIND__REDUCE;
    event.drives = start->start->kind == MRLUA__TASK_KIND__DRIVE;
    event.keeps_output = start->start->kind == MRLUA__TASK_KIND__MAP &&
                         start->start->partition_count > 0 && start->start->shuffle[0] == '\0';
    if (worker_attempt_find(worker, event.attempt_id))
        message_free(message);
    else
        worker_attempt_add(worker, message);
    step(worker, &event);
    attempt = worker_attempt_find(worker, event.attempt_id);
    if (attempt && !agent_attempt_of(worker->agent, event.attempt_id))
        worker_attempt_remove(attempt); /* refused without a word */
}

static void on_run(struct worker *worker, void *message)
{
    struct agent_event event = {.kind = AGENT_RUN,
                                .attempt_id = ((Mrlua__AttemptRun *)message)->attempt};

    message_free(message);
    step(worker, &event);
}

static void on_kill(struct worker *worker, void *message)
{
    struct agent_event event = {.kind = AGENT_KILL,
                                .attempt_id = ((Mrlua__AttemptKill *)message)->attempt};

    message_free(message);
    step(worker, &event);
}

static void on_forget(struct worker *worker, void *message)
{
    struct agent_event event = {.kind = AGENT_FORGET,
                                .attempt_id = ((Mrlua__OutputForget *)message)->attempt};

    message_free(message);
    step(worker, &event);
}

static void on_job_over(struct worker *worker, void *message)
{
    struct agent_event event = {.kind = AGENT_JOB_OVER, .job_id = ((Mrlua__JobOver *)message)->job};

    message_free(message);
    step(worker, &event);
}

static void on_sources(struct worker *worker, void *message)
{
    Mrlua__Sources *sources = message;
    struct agent_event event = {.kind = AGENT_SOURCES, .job_id = sources->job};

    worker->passing = sources;
    step(worker, &event);
    message_free(worker->passing); /* NULL if it was kept */
    worker->passing = NULL;
}

static enum agent_report report_of(uint32_t type)
{
    switch (type) {
    case MESSAGE_ATTEMPT_FETCHED:
        return AGENT_REPORT_FETCHED;
    case MESSAGE_ATTEMPT_DONE:
        return AGENT_REPORT_DONE;
    case MESSAGE_ATTEMPT_FAILED:
        return AGENT_REPORT_FAILED;
    default:
        return AGENT_REPORT_NONE;
    }
}

static void on_heard(struct worker *worker, void *message)
{
    const Mrlua__ReportHeard *heard = message;
    struct agent_event event = {
        .kind = AGENT_HEARD, .attempt_id = heard->attempt, .report = report_of(heard->report)};

    message_free(message);
    step(worker, &event);
}

/* One that has ended meanwhile, or is told to, does not need it. */
static void on_answer(struct worker *worker, void *message)
{
    const Mrlua__AttemptAnswer *answer = message;
    struct worker_attempt *attempt = worker_attempt_find(worker, answer->attempt);
    struct err ignored; /* its process has ended, and says so itself */

    if (attempt && answer->answer && attempt->readable && !attempt->is_killed)
        attempt_answer_step(&attempt->attempt, answer->answer, &ignored);
    message_free(message);
}

static void on_blob(struct worker *worker, void *message)
{
    worker_blobs_take(worker, message);
    message_free(message);
    worker_pump(worker);
}

/* Each takes its message. */
static const struct handler {
    enum message_type type;
    const ProtobufCMessageDescriptor *descriptor;
    void (*take)(struct worker *worker, void *message);
} HANDLERS[] = {
    {MESSAGE_WORKER_WELCOME, &mrlua__worker_welcome__descriptor, on_welcome},
    {MESSAGE_ATTEMPT_START, &mrlua__attempt_start__descriptor, on_start},
    {MESSAGE_ATTEMPT_RUN, &mrlua__attempt_run__descriptor, on_run},
    {MESSAGE_ATTEMPT_KILL, &mrlua__attempt_kill__descriptor, on_kill},
    {MESSAGE_OUTPUT_FORGET, &mrlua__output_forget__descriptor, on_forget},
    {MESSAGE_JOB_OVER, &mrlua__job_over__descriptor, on_job_over},
    {MESSAGE_SOURCES, &mrlua__sources__descriptor, on_sources},
    {MESSAGE_REPORT_HEARD, &mrlua__report_heard__descriptor, on_heard},
    {MESSAGE_ATTEMPT_ANSWER, &mrlua__attempt_answer__descriptor, on_answer},
    {MESSAGE_BLOB_DATA, &mrlua__blob_data__descriptor, on_blob},
};

static void on_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct worker *worker = context;
    struct err err;

    (void)conn;
    for (size_t i = 0; i < sizeof HANDLERS / sizeof HANDLERS[0]; i++) {
        void *message;

        if (HANDLERS[i].type != frame->type)
            continue;
        message = message_unpack(HANDLERS[i].descriptor, frame->payload, &err);
        if (message)
            HANDLERS[i].take(worker, message);
        else
            log_event(SEVERITY_WARNING, "message_refused", log_number("type", frame->type));
        return;
    }
}

/* ---- the connection ---- */

static void on_opened(void *context, struct conn *conn)
{
    struct worker *worker = context;
    struct agent_event event = {.kind = AGENT_CONNECTED};

    (void)conn;
    step(worker, &event);
}

static void lost(struct worker *worker, const struct err *err)
{
    struct agent_event event = {.kind = AGENT_DISCONNECTED, .connection = worker->connection};

    worker->conn = NULL;
    log_event(SEVERITY_WARNING, "master_lost", log_number("worker", agent_worker_id(worker->agent)),
              log_text("reason", err->message));
    /* A wrong key or version will be wrong the next time too; a master that is known may be on its
     * way from one to another. */
    if (err->kind == ERR_SETUP && agent_epoch(worker->agent) == 0)
        worker_fail(worker, err);
    worker_queue(worker, &event);
}

static void on_closed(void *context, struct conn *conn, const struct err *err)
{
    struct worker *worker = context;

    (void)conn;
    lost(worker, err);
    worker_pump(worker);
}

static const struct conn_ops OPS = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

void worker_connect(struct worker *worker, uint64_t connection)
{
    struct conn_options options = {
        .role = ROLE_WORKER, .keys = worker->options.keys, .tls = worker->options.tls};
    struct err err;

    worker->connection = connection;
    worker->epoch = 0;
    worker->conn = conn_connect(worker->loop, worker->options.master, &options, &OPS, worker, &err);
    if (!worker->conn)
        lost(worker, &err);
}

void worker_disconnect(struct worker *worker)
{
    conn_close(worker->conn);
    worker->conn = NULL;
}

/* ---- out ---- */

static void tell(struct worker *worker, enum message_type type, const ProtobufCMessage *message)
{
    if (worker->conn)
        conn_send(worker->conn, type, 0, message);
}

static void send_held_and_running(struct worker *worker, Mrlua__WorkerJoin *join)
{
    size_t attempt_count, held_count, count = 0;
    const struct agent_attempt *attempts = agent_attempts(worker->agent, &attempt_count);
    const struct agent_held *held = agent_held_outputs(worker->agent, &held_count);
    size_t all = attempt_count + held_count;
    Mrlua__HeldOutput *outputs = mem_alloc_array(all + 1, sizeof *outputs);
    Mrlua__HeldOutput **list = mem_alloc_array(all + 1, sizeof *list);
    uint64_t *running = mem_alloc_array(attempt_count + 1, sizeof *running);

    for (size_t i = 0; i < all; i++) {
        mrlua__held_output__init(&outputs[i]);
        list[i] = &outputs[i];
    }
    for (size_t i = 0; i < held_count; i++) {
        outputs[i].job = held[i].job_id;
        outputs[i].task = held[i].task;
        outputs[i].attempt = held[i].attempt_id;
    }
    for (size_t i = 0; i < attempt_count; i++) {
        Mrlua__HeldOutput *output = &outputs[held_count + count];

        if (attempts[i].state == AGENT_ATTEMPT_ENDING || attempts[i].state == AGENT_ATTEMPT_DYING)
            continue;
        output->job = attempts[i].job_id;
        output->task = attempts[i].task;
        output->attempt = attempts[i].id;
        running[count++] = attempts[i].id;
    }
    join->n_held = held_count;
    join->held = list;
    join->n_attempts = count;
    join->attempts = list + held_count;
    join->n_running = count;
    join->running = running;
    tell(worker, MESSAGE_WORKER_JOIN, &join->base);
    free(outputs);
    free(list);
    free(running);
}

void worker_send_join(struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    Mrlua__WorkerJoin join = MRLUA__WORKER_JOIN__INIT;
    char boot_id[MACHINE_BOOT_BYTES + 1] = {0};

    machine_boot_id(boot_id);
    join.boot_id = boot_id;
    join.memory_bytes = options->memory_bytes;
    join.incarnation = worker->incarnation;
    join.slots = options->slots;
    join.segment_host = (char *)(uintptr_t)(options->segment_host ? options->segment_host : "");
    join.segment_port = segment_server_port(worker->server);
    join.segment_tls = options->tls;
    join.name = (char *)(uintptr_t)options->name;
    join.epoch_seen = agent_epoch(worker->agent);
    join.worker_id_seen = agent_worker_id(worker->agent);
    join.disk_free_bytes = storage_free_bytes(&worker->storage);
    join.pid = (uint32_t)getpid();
    join.draining = agent_is_draining(worker->agent);
    send_held_and_running(worker, &join);
}

void worker_send_heartbeat(struct worker *worker)
{
    Mrlua__Heartbeat heartbeat = MRLUA__HEARTBEAT__INIT;
    Mrlua__AttemptProgress *progress;
    Mrlua__AttemptProgress **list;
    size_t count = 0, used = 0;

    for (const struct worker_attempt *at = worker->attempts; at; at = at->next)
        count++;
    progress = mem_alloc_array(count + 1, sizeof *progress);
    list = mem_alloc_array(count + 1, sizeof *list);
    for (struct worker_attempt *at = worker->attempts; at; at = at->next) {
        if ((!at->readable && !at->waits_for_blobs) || at->is_killed || at->has_answered)
            continue;
        mrlua__attempt_progress__init(&progress[used]);
        progress[used].attempt = at->id;
        progress[used].progress = at->progress;
        list[used] = &progress[used];
        used++;
    }
    heartbeat.disk_free_bytes = storage_free_bytes(&worker->storage);
    heartbeat.draining = agent_is_draining(worker->agent);
    heartbeat.n_attempts = used;
    heartbeat.attempts = list;
    tell(worker, MESSAGE_HEARTBEAT, &heartbeat.base);
    free(progress);
    free(list);
}

/* What the agent itself refused has no words of its own. */
static void describe(const struct worker *worker, const struct agent_action *action,
                     struct err *err)
{
    if (action->report == AGENT_REPORT_RETURNED)
        err_set(err, ERR_RETRY, "worker %s hands it back: %s", worker->options.name,
                agent_is_draining(worker->agent) ? "it drains" : "its slots are taken");
    else if (action->failure == ERR_DISK)
        err_set(err, ERR_DISK, "the disk limit of worker %s is reached", worker->options.name);
    else
        err_set(err, action->failure, "the attempt ended without a word");
}

/* After a cut all that was not heard is told at once: what a failure needs not be told with stays
 * behind when much waits already, for a connection that too much waits on is dropped. */
static void send_error(struct worker *worker, Mrlua__AttemptFailed *failed)
{
    Mrlua__Error error = *failed->error;

    if (worker->conn && conn_output_bytes(worker->conn) > WORKER_CAPSULE_QUEUED_BYTES_MAX)
        error.capsule = (ProtobufCBinaryData){0};
    failed->error = &error;
    tell(worker, MESSAGE_ATTEMPT_FAILED, &failed->base);
    failed->error = NULL;
}

static void send_failed(struct worker *worker, const struct worker_attempt *attempt,
                        const struct agent_action *action)
{
    Mrlua__AttemptFailed failed = MRLUA__ATTEMPT_FAILED__INIT;
    Mrlua__Error error;
    struct err err;

    failed.attempt = action->attempt_id;
    failed.returned = action->report == AGENT_REPORT_RETURNED;
    if (!failed.returned && attempt && attempt->failed) {
        failed.error = attempt->failed->error;
    } else {
        if (!failed.returned && attempt && attempt->failure.kind != ERR_NONE)
            err = attempt->failure;
        else
            describe(worker, action, &err);
        message_of_err(&error, &err, NULL);
        failed.error = &error;
    }
    send_error(worker, &failed);
}

void worker_send_report(struct worker *worker, const struct agent_action *action)
{
    const struct worker_attempt *attempt = worker_attempt_find(worker, action->attempt_id);

    if (action->report == AGENT_REPORT_FETCHED) {
        Mrlua__AttemptFetched fetched = MRLUA__ATTEMPT_FETCHED__INIT;

        fetched.attempt = action->attempt_id;
        fetched.fetched = attempt ? attempt->fetched : NULL;
        tell(worker, MESSAGE_ATTEMPT_FETCHED, &fetched.base);
    } else if (action->report == AGENT_REPORT_DONE) {
        Mrlua__AttemptDone done = MRLUA__ATTEMPT_DONE__INIT;

        done.attempt = action->attempt_id;
        done.done = attempt ? attempt->done : NULL;
        tell(worker, MESSAGE_ATTEMPT_DONE, &done.base);
    } else {
        send_failed(worker, attempt, action);
    }
}

void worker_send_output_lost(struct worker *worker, const struct agent_action *action)
{
    Mrlua__OutputLost output_lost = MRLUA__OUTPUT_LOST__INIT;

    output_lost.job = action->job_id;
    output_lost.task = action->task;
    output_lost.attempt = action->attempt_id;
    output_lost.worker_id = agent_worker_id(worker->agent);
    tell(worker, MESSAGE_OUTPUT_LOST, &output_lost.base);
}

static bool may_chat(const struct worker *worker)
{
    return worker->conn && agent_is_joined(worker->agent);
}

void worker_send_log(struct worker *worker, uint64_t attempt_id, const char *text)
{
    Mrlua__AttemptLog message = MRLUA__ATTEMPT_LOG__INIT;

    if (!may_chat(worker) || conn_output_bytes(worker->conn) > WORKER_LOG_QUEUED_BYTES_MAX)
        return;
    message.attempt = attempt_id;
    message.text = (char *)(uintptr_t)text;
    tell(worker, MESSAGE_ATTEMPT_LOG, &message.base);
}

void worker_send_call(struct worker *worker, uint64_t attempt_id, Mrlua__StepCall *call)
{
    Mrlua__AttemptCall message = MRLUA__ATTEMPT_CALL__INIT;

    if (!may_chat(worker))
        return; /* the master takes the driver for lost */
    message.attempt = attempt_id;
    message.call = call;
    tell(worker, MESSAGE_ATTEMPT_CALL, &message.base);
}

void worker_forward(struct worker *worker, const struct frame *frame)
{
    struct frame copy = {.type = frame->type, .payload = frame->payload};

    if (may_chat(worker))
        conn_send_frame(worker->conn, &copy);
}
