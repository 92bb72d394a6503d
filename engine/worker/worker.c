#include "worker/worker_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int SIGNALS[WORKER_SIGNAL_COUNT] = {SIGTERM, SIGINT};

/* ---- the queue ---- */

void worker_queue(struct worker *worker, const struct agent_event *event)
{
    if (worker->queue_count == worker->queue_capacity) {
        worker->queue_capacity = worker->queue_capacity ? 2 * worker->queue_capacity : 16;
        worker->queue =
            mem_realloc_array(worker->queue, worker->queue_capacity, sizeof *worker->queue);
    }
    worker->queue[worker->queue_count++] = *event;
}

void worker_fail(struct worker *worker, const struct err *err)
{
    worker->has_failed = true;
    worker->failure = *err;
    loop_break(worker->loop);
}

static void delete_output(struct worker *worker, const struct agent_action *action)
{
    segment_server_forget(worker->server, action->job_id, action->attempt_id);
    storage_remove_run(&worker->storage, action->job_id, action->task, action->attempt_id);
}

static void delete_job(struct worker *worker, uint64_t job)
{
    segment_server_forget_job(worker->server, job);
    storage_remove_job(&worker->storage, job);
    worker_sources_drop(worker, job);
    log_event(SEVERITY_INFO, "job_over", log_number("job", job),
              log_number("worker", agent_worker_id(worker->agent)));
}

/* What has to do with one attempt that this shell knows. */
static void act_on_attempt(struct worker *worker, const struct agent_action *action)
{
    struct worker_attempt *attempt = worker_attempt_find(worker, action->attempt_id);
    struct err err;

    assert(attempt); /* a START brings it, DROP takes it */
    worker_attempt_log(attempt, agent_action_kind_name(action->kind), NULL);
    switch (action->kind) {
    case AGENT_START_ATTEMPT:
        worker_attempt_start(attempt);
        return;
    case AGENT_RUN_ATTEMPT:
        attempt_run(&attempt->attempt, &err); /* if it has ended, attempt_read() says so */
        return;
    case AGENT_KILL_ATTEMPT:
        worker_attempt_stop(attempt);
        return;
    case AGENT_DROP_ATTEMPT:
        worker_attempt_remove(attempt);
        return;
    default:
        abort(); /* act() passes no others */
    }
}

static void act(struct worker *worker, const struct agent_action *action)
{
    switch (action->kind) {
    case AGENT_CONNECT:
        worker_connect(worker, action->connection);
        return;
    case AGENT_DISCONNECT:
        worker_disconnect(worker);
        return;
    case AGENT_SEND_JOIN:
        worker_send_join(worker);
        return;
    case AGENT_SEND_HEARTBEAT:
        worker_send_heartbeat(worker);
        return;
    case AGENT_SEND_REPORT:
        worker_send_report(worker, action);
        return;
    case AGENT_SEND_OUTPUT_LOST:
        worker_send_output_lost(worker, action);
        return;
    case AGENT_START_ATTEMPT:
    case AGENT_RUN_ATTEMPT:
    case AGENT_KILL_ATTEMPT:
    case AGENT_DROP_ATTEMPT:
        act_on_attempt(worker, action);
        return;
    case AGENT_DELETE_OUTPUT:
        delete_output(worker, action);
        return;
    case AGENT_PASS_SOURCES:
        worker_sources_keep(worker, worker->passing);
        worker->passing = NULL;
        return;
    case AGENT_DELETE_JOB:
        delete_job(worker, action->job_id);
        return;
    case AGENT_EXIT:
        worker->has_drained = true;
        loop_break(worker->loop);
        return;
    }
}

static void arm(struct worker *worker, uint64_t now_ns)
{
    uint64_t due_ns = agent_next_due_ns(worker->agent);

    if (due_ns == UINT64_MAX)
        loop_timer_stop(worker->timer);
    else
        loop_timer_start(worker->timer, due_ns > now_ns ? due_ns - now_ns : 0);
}

void worker_pump(struct worker *worker)
{
    uint64_t now_ns = clock_monotonic_ns();

    for (size_t i = 0; i < worker->queue_count; i++) {
        struct agent_event event = worker->queue[i];

        event.now_ns = now_ns;
        agent_step(worker->agent, &event, &worker->actions);
        for (size_t j = 0; j < worker->actions.action_count; j++)
            act(worker, &worker->actions.actions[j]);
    }
    worker->queue_count = 0;
    arm(worker, now_ns);
}

/* ---- timers, signals, what breaks ---- */

static void on_timer(void *context)
{
    struct worker *worker = context;
    struct agent_event event = {.kind = AGENT_TICK};

    worker_queue(worker, &event);
    worker_pump(worker);
}

static void on_signal(void *context)
{
    struct worker *worker = context;
    struct agent_event event = {.kind = AGENT_DRAIN};

    log_event(
        SEVERITY_NOTICE, "worker_drains", log_number("worker", agent_worker_id(worker->agent)),
        log_text("reason", agent_is_draining(worker->agent) ? "a second signal" : "a signal"));
    worker_queue(worker, &event);
    worker_pump(worker);
}

static void on_notice(void *context)
{
    struct worker *worker = context;
    struct agent_event event = {.kind = AGENT_DRAIN,
                                .drain_within_ns = WORKER_NOTICE_MS * NS_PER_MS};

    log_event(SEVERITY_WARNING, "worker_preempted",
              log_number("worker", agent_worker_id(worker->agent)),
              log_number("within_ms", WORKER_NOTICE_MS));
    worker_queue(worker, &event);
    worker_pump(worker);
}

static void forget_keys(void *keys)
{
    keys_forget(keys);
}

/* The process that it starts has the keys until it forgets them: its own copy of the memory. */
static void open_notice(struct worker *worker)
{
    const struct notice_options options = {.host = worker->options.metadata,
                                           .heard = on_notice,
                                           .context = worker,
                                           .forget = forget_keys,
                                           .secrets = (void *)(uintptr_t)worker->options.keys};

    if (worker->options.metadata)
        worker->notice = notice_open(worker->loop, &options);
}

static void on_output_lost(void *context, uint64_t job, uint32_t map, uint64_t attempt,
                           const struct err *err)
{
    struct worker *worker = context;
    struct agent_event event = {.kind = AGENT_OUTPUT_BROKEN, .attempt_id = attempt};

    log_event(SEVERITY_WARNING, "output_lost", log_number("job", job), log_task("map", map),
              log_number("attempt", attempt), log_number("worker", agent_worker_id(worker->agent)),
              log_text("reason", err->message));
    worker_queue(worker, &event);
    worker_pump(worker);
}

/* The attempt with the most scratch goes first: it is the one that will want more. */
static void stop_largest(struct worker *worker)
{
    struct worker_attempt *largest = NULL;
    uint64_t most = 0;
    struct err err;

    for (struct worker_attempt *at = worker->attempts; at; at = at->next) {
        uint64_t bytes;

        if (!at->readable || at->has_answered || at->is_killed)
            continue;
        bytes = storage_scratch_bytes(&worker->storage, at->attempt.pid) + 1;
        if (bytes > most) {
            largest = at;
            most = bytes;
        }
    }
    if (!largest)
        return;
    err_set(&err, ERR_DISK, "the disk limit of worker %s is reached", worker->options.name);
    worker_attempt_fail(largest, &err);
}

void worker_look_at_disk(struct worker *worker)
{
    struct agent_event event = {.kind = AGENT_DISK};
    uint64_t begun_ns = clock_monotonic_ns(), bytes;

    if (worker->options.disk_limit_bytes == 0 || begun_ns < worker->disk_look_due_ns)
        return;
    bytes = storage_bytes(&worker->storage);
    for (struct worker_attempt *at = worker->attempts; at; at = at->next) {
        if (at->readable && !at->has_answered) /* else it gives them back now */
            bytes += storage_scratch_bytes(&worker->storage, at->attempt.pid);
    }
    event.disk_is_full = bytes >= worker->options.disk_limit_bytes;
    if (event.disk_is_full != worker->disk_is_full)
        worker_queue(worker, &event);
    worker->disk_is_full = event.disk_is_full;
    worker->disk_look_due_ns = begun_ns + 10 * (clock_monotonic_ns() - begun_ns);
}

static void on_disk_timer(void *context)
{
    struct worker *worker = context;

    worker->disk_look_due_ns = 0;
    worker_look_at_disk(worker);
    if (worker->disk_is_full)
        stop_largest(worker);
    loop_timer_start(worker->disk_timer, WORKER_DISK_MS * NS_PER_MS);
    worker_pump(worker);
}

/* ---- open, run, close ---- */

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static void keep_options(struct worker *worker, const struct worker_options *options)
{
    char host[256] = "worker";

    gethostname(host, sizeof host - 1);
    worker->options = *options;
    worker->options.master = copy(options->master);
    worker->options.dir = copy(options->dir);
    worker->options.listen = copy(options->listen ? options->listen : "127.0.0.1:0");
    worker->options.segment_host = copy(options->segment_host);
    worker->options.name = copy(options->name ? options->name : host);
    worker->options.root = copy(options->root);
    worker->options.metadata = copy(options->metadata);
    if (options->memory_bytes == 0)
        worker->options.memory_bytes = machine_memory_bytes("");
}

/* That slots * WORKER_SLOT_BYTES_MIN fit into memory. */
static int check_memory(const struct worker_options *options, struct err *err)
{
    uint64_t needed = (uint64_t)options->slots * WORKER_SLOT_BYTES_MIN;

    if (options->memory_bytes == 0 || needed <= options->memory_bytes)
        return 0;
    return err_set(err, ERR_SETUP,
                   "%u slots take at least %llu MB, %d each, and there are %llu MB of memory: "
                   "enough for --slots %llu",
                   options->slots, (unsigned long long)(needed >> 20), WORKER_SLOT_BYTES_MIN >> 20,
                   (unsigned long long)(options->memory_bytes >> 20),
                   (unsigned long long)(options->memory_bytes / WORKER_SLOT_BYTES_MIN));
}

static void free_options(struct worker_options *options)
{
    free((void *)(uintptr_t)options->master);
    free((void *)(uintptr_t)options->dir);
    free((void *)(uintptr_t)options->listen);
    free((void *)(uintptr_t)options->segment_host);
    free((void *)(uintptr_t)options->name);
    free((void *)(uintptr_t)options->root);
    free((void *)(uintptr_t)options->metadata);
}

static void open_agent(struct worker *worker)
{
    struct agent_options options;

    agent_options_default(&options);
    keys_random(&options.seed, sizeof options.seed);
    options.incarnation = worker->incarnation;
    options.slot_count = worker->options.slots;
    options.drain_ns = worker->options.drain_ns;
    worker->agent = agent_open(&options);
}

static int open_server(struct worker *worker, struct err *err)
{
    struct segment_server_options options = {
        .listen = worker->options.listen,
        .keys = worker->options.keys,
        .incarnation = worker->incarnation,
        .key_is_given = worker->options.key_is_given,
        .tls = worker->options.tls,
        .lost = on_output_lost,
        .context = worker,
    };

    worker->server = segment_server_open(worker->loop, &options, err);
    return worker->server ? 0 : -1;
}

static int open_loop(struct worker *worker, struct err *err)
{
    worker->loop = loop_open(err);
    if (!worker->loop)
        return -1;
    for (int i = 0; i < WORKER_SIGNAL_COUNT; i++) {
        worker->signals[i] = loop_signal_open(worker->loop, SIGNALS[i], on_signal, worker, err);
        if (!worker->signals[i])
            return -1;
    }
    worker->timer = loop_timer_open(worker->loop, on_timer, worker);
    if (worker->options.disk_limit_bytes > 0) {
        worker->disk_timer = loop_timer_open(worker->loop, on_disk_timer, worker);
        loop_timer_start(worker->disk_timer, 0);
    }
    return 0;
}

struct worker *worker_open(const struct worker_options *options, const struct nursery *nursery,
                           struct err *err)
{
    struct worker *worker;

    if (options->slots == 0 || options->slots > AGENT_SLOT_COUNT_MAX) {
        err_set(err, ERR_SETUP, "a worker has 1 to %d slots", AGENT_SLOT_COUNT_MAX);
        return NULL;
    }
    worker = mem_alloc(sizeof *worker);
    worker->storage.lock_fd = -1;
    worker->nursery = nursery;
    worker->incarnation = clock_realtime_ns(); /* of two lives the later one has the larger */
    keep_options(worker, options);
    open_agent(worker);
    if (check_memory(&worker->options, err) != 0 || open_loop(worker, err) != 0 ||
        storage_init(&worker->storage, worker->options.dir, err) != 0 ||
        open_server(worker, err) != 0) {
        worker_close(worker);
        return NULL;
    }
    return worker;
}

int worker_run(struct worker *worker, struct err *err)
{
    open_notice(worker);
    on_timer(worker); /* the first event: it connects */
    if (!worker->has_failed && !worker->has_drained && loop_run(worker->loop, err) != 0)
        return -1;
    if (!worker->has_failed)
        return 0;
    *err = worker->failure;
    return -1;
}

void worker_close(struct worker *worker)
{
    if (!worker)
        return;
    for (struct worker_attempt *at = worker->attempts; at; at = at->next) {
        if (at->readable) /* all at once, then one after the other is waited for */
            attempt_kill(&at->attempt, NULL);
    }
    while (worker->attempts)
        worker_attempt_remove(worker->attempts);
    while (worker->sources)
        worker_sources_drop(worker, worker->sources->message->job);
    worker_blobs_deinit(worker);
    notice_close(worker->notice);
    conn_close(worker->conn);
    segment_server_close(worker->server);
    for (int i = 0; i < WORKER_SIGNAL_COUNT; i++)
        loop_event_close(worker->signals[i]);
    loop_event_close(worker->timer);
    loop_event_close(worker->disk_timer);
    loop_close(worker->loop);
    storage_deinit(&worker->storage);
    agent_close(worker->agent);
    agent_output_deinit(&worker->actions);
    free_options(&worker->options);
    free(worker->queue);
    free(worker);
}
