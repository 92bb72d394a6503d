#include "master/master_state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 4096 };

struct master_worker *master_worker_find(const struct master *master, uint32_t id)
{
    return id < master->worker_capacity ? master->workers[id] : NULL;
}

struct event master_worker_event(const struct master_worker *worker, enum event_kind kind)
{
    return (struct event){
        .kind = kind, .worker_id = worker->id, .incarnation = worker->incarnation};
}

/* ---- what a worker is told ---- */

static struct conn *conn_of(const struct master *master, uint32_t worker_id)
{
    const struct master_worker *worker = master_worker_find(master, worker_id);

    return worker ? worker->conn : NULL;
}

static void send_start(struct master *master, struct conn *conn, const struct command *command)
{
    struct master_job *job = master_job_find(master, command->job_id);
    Mrlua__AttemptStart start = MRLUA__ATTEMPT_START__INIT;
    struct job_source source;
    struct job_task task;

    if (!job || !job->plan_done)
        return;
    source = master_job_source(job);
    source.worker_id = command->worker_id;
    job_task_init(&task, &source, command->stage, command->task, command->attempt_id);
    start.start = &task.start;
    start.bundle_hash = job->record->submit->bundle_hash;
    start.params_hash = job->record->submit->params_hash;
    start.view_hash = job->record->submit->view_hash;
    start.output_folder = job->record->submit->output_folder;
    start.publish_id = job->record->publish_id;
    start.map_count = job_plan_split_count(job->plan_done->plan);
    conn_send(conn, MESSAGE_ATTEMPT_START, 0, &start.base);
    job_task_deinit(&task);
    job->sources_changed = job->sources_changed || command->stage == STAGE_REDUCE;
}

static void send_run(struct conn *conn, const struct command *command)
{
    Mrlua__AttemptRun run = MRLUA__ATTEMPT_RUN__INIT;

    run.attempt = command->attempt_id;
    conn_send(conn, MESSAGE_ATTEMPT_RUN, 0, &run.base);
}

static void send_kill(struct conn *conn, const struct command *command)
{
    Mrlua__AttemptKill kill = MRLUA__ATTEMPT_KILL__INIT;

    kill.attempt = command->attempt_id;
    conn_send(conn, MESSAGE_ATTEMPT_KILL, 0, &kill.base);
}

static void send_forget(struct conn *conn, const struct command *command)
{
    Mrlua__OutputForget forget = MRLUA__OUTPUT_FORGET__INIT;

    forget.job = command->job_id;
    forget.task = command->task;
    forget.attempt = command->attempt_id;
    conn_send(conn, MESSAGE_OUTPUT_FORGET, 0, &forget.base);
}

void master_worker_command(struct master *master, const struct command *command)
{
    struct conn *conn = conn_of(master, command->worker_id);

    if (!conn)
        return;
    switch (command->kind) {
    case COMMAND_START_ATTEMPT:
        send_start(master, conn, command);
        return;
    case COMMAND_RUN_ATTEMPT:
        send_run(conn, command);
        return;
    case COMMAND_KILL_ATTEMPT:
        send_kill(conn, command);
        return;
    case COMMAND_FORGET_OUTPUT:
        send_forget(conn, command);
        return;
    case COMMAND_JOB_ENDED:
        return; /* told to all: master_workers_job_over() */
    }
}

void master_worker_heard(struct master *master, const struct master_letter *letter)
{
    struct conn *conn = conn_of(master, letter->worker_id);
    Mrlua__ReportHeard heard = MRLUA__REPORT_HEARD__INIT;

    if (!conn)
        return;
    heard.attempt = letter->attempt_id;
    heard.report = letter->report;
    conn_send(conn, MESSAGE_REPORT_HEARD, 0, &heard.base);
}

void master_workers_job_over(struct master *master, uint64_t job_id)
{
    Mrlua__JobOver over = MRLUA__JOB_OVER__INIT;

    over.job = job_id;
    for (uint32_t i = 0; i < master->worker_capacity; i++)
        if (conn_of(master, i))
            conn_send(master->workers[i]->conn, MESSAGE_JOB_OVER, 0, &over.base);
}

/* ---- sources ---- */

static void send_sources(const struct master *master, const struct master_job *job,
                         struct conn *conn)
{
    Mrlua__Source *items = mem_alloc_array(job->source_count, sizeof *items);
    Mrlua__Source **list = mem_alloc_array(job->source_count, sizeof *list);
    Mrlua__Sources sources = MRLUA__SOURCES__INIT;

    for (size_t i = 0; i < job->source_count; i++) {
        const struct master_source *from = &job->sources[i];
        const struct master_worker *worker = master_worker_find(master, from->worker_id);
        Mrlua__Source *to = &items[sources.n_sources];

        if (!worker || worker->incarnation != from->incarnation)
            continue; /* after a restart: not back yet */
        mrlua__source__init(to);
        to->worker_id = from->worker_id;
        to->incarnation = from->incarnation;
        to->host = worker->host;
        to->port = worker->port;
        to->tls = worker->segment_tls;
        to->count = from->count;
        list[sources.n_sources++] = to;
    }
    sources.job = job->id;
    sources.map_count = job_plan_split_count(job->plan_done->plan);
    sources.sources = list;
    conn_send(conn, MESSAGE_SOURCES, 0, &sources.base);
    free(items);
    free(list);
}

/* To each worker that has a reduce of the job, once. False: there is none. */
static bool tell_sources(struct master *master, const struct master_job *job)
{
    bool *is_told = mem_alloc_array(master->worker_capacity, sizeof *is_told), is_any = false;

    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);
        struct conn *conn = conn_of(master, attempt->worker_id);

        if (attempt->job_id != job->id || attempt->stage != STAGE_REDUCE || !conn ||
            is_told[attempt->worker_id])
            continue;
        is_told[attempt->worker_id] = is_any = true;
        send_sources(master, job, conn);
    }
    free(is_told);
    return is_any;
}

static bool have_sources_changed(const struct master *master)
{
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);

        if (job->sources_changed && job->plan_done)
            return true;
    }
    return false;
}

/* To tell all of them again costs workers times holders: it never takes more than a tenth of us. */
void master_workers_sources(struct master *master)
{
    uint64_t now_ns = clock_monotonic_ns(), took_ns;
    bool is_any = false;

    if (!have_sources_changed(master))
        return;
    if (now_ns < master->sources_due_ns) {
        loop_timer_start(master->sources_timer, master->sources_due_ns - now_ns);
        return;
    }
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        struct master_job *job = CONTAINER_OF(at, struct master_job, link);

        if (!job->sources_changed || !job->plan_done)
            continue;
        job->sources_changed = false;
        is_any = tell_sources(master, job) || is_any;
    }
    if (!is_any)
        return;
    took_ns = clock_monotonic_ns() - now_ns;
    master->sources_due_ns = now_ns + MASTER_SOURCES_MS * NS_PER_MS + 10 * took_ns;
}

/* ---- joining ---- */

static bool is_gone(const struct master *master, uint32_t id)
{
    const struct master_worker *worker = master_worker_find(master, id);
    struct worker_view view;

    if (worker && worker->conn)
        return false;
    return !sched_worker_view(master->sched, id, &view) || view.status == WORKER_STATUS_GONE;
}

/* The number that this life of a worker has had, here or in an earlier life of the master, or a new
 * one. 0: there are too many workers. (Names are for people: those of two workers may be equal.) */
static uint32_t choose_id(const struct master *master, const Mrlua__WorkerJoin *join)
{
    struct worker_view view;
    uint32_t seen = join->worker_id_seen;

    for (uint32_t i = 1; i < master->worker_capacity; i++)
        if (master->workers[i] && master->workers[i]->incarnation == join->incarnation)
            return i;
    if (join->epoch_seen && seen > 0 && seen < MASTER_WORKER_COUNT_MAX &&
        sched_worker_view(master->sched, seen, &view) && view.incarnation == join->incarnation)
        return seen;
    for (uint32_t i = 1; i < MASTER_WORKER_COUNT_MAX; i++)
        if (!master_worker_find(master, i) && is_gone(master, i))
            return i;
    for (uint32_t i = 1; i < MASTER_WORKER_COUNT_MAX; i++)
        if (is_gone(master, i))
            return i;
    return 0;
}

static struct master_worker *worker_slot(struct master *master, uint32_t id)
{
    if (id >= master->worker_capacity) {
        uint32_t capacity = master->worker_capacity ? master->worker_capacity : 16;

        while (capacity <= id)
            capacity *= 2;
        master->workers = mem_realloc_array(master->workers, capacity, sizeof *master->workers);
        memset(master->workers + master->worker_capacity, 0,
               (capacity - master->worker_capacity) * sizeof *master->workers);
        master->worker_capacity = capacity;
    }
    if (!master->workers[id])
        master->workers[id] = mem_alloc(sizeof **master->workers);
    return master->workers[id];
}

static void fill_worker(struct master_worker *worker, uint32_t id, struct conn *conn,
                        const Mrlua__WorkerJoin *join)
{
    free(worker->name);
    free(worker->host);
    *worker = (struct master_worker){
        .id = id,
        .incarnation = join->incarnation,
        .conn = conn,
        .name = mem_strdup(join->name),
        .host = mem_strdup(join->segment_host[0] ? join->segment_host : conn_peer_host(conn)),
        .port = join->segment_port,
        .segment_tls = join->segment_tls,
        .slots = join->slots,
        .disk_free_bytes = join->disk_free_bytes,
        .heard_ns = clock_monotonic_ns(),
        .draining = join->draining,
    };
}

static void send_welcome(const struct master *master, const struct master_worker *worker,
                         const Mrlua__WorkerJoin *join)
{
    Mrlua__WorkerWelcome welcome = MRLUA__WORKER_WELCOME__INIT;
    uint64_t *over = mem_alloc_array(join->n_held + join->n_attempts, sizeof *over);

    welcome.worker_id = worker->id;
    welcome.epoch = master->epoch;
    welcome.over_jobs = over;
    for (size_t i = 0; i < join->n_held + join->n_attempts; i++) {
        uint64_t job =
            i < join->n_held ? join->held[i]->job : join->attempts[i - join->n_held]->job;
        bool is_said = false;

        for (size_t j = 0; j < welcome.n_over_jobs && !is_said; j++)
            is_said = over[j] == job;
        if (!is_said && !master_job_find(master, job))
            over[welcome.n_over_jobs++] = job;
    }
    conn_send(worker->conn, MESSAGE_WORKER_WELCOME, 0, &welcome.base);
    free(over);
}

void master_post_heard(struct master *master, const struct master_worker *worker,
                       uint64_t attempt_id, enum message_type report)
{
    struct master_letter letter = {
        .kind = LETTER_HEARD, .worker_id = worker->id, .attempt_id = attempt_id, .report = report};

    master_post(master, &letter);
}

static void queue_held(struct master *master, const struct master_worker *worker,
                       const Mrlua__HeldOutput *held, enum event_kind kind)
{
    struct event event = master_worker_event(worker, kind);

    if (held->job == 0 || held->attempt == 0 || !master_job_find(master, held->job))
        return;
    event.job_id = held->job;
    event.peer_task = held->task;
    if (kind == EVENT_ATTEMPT_HELD)
        event.attempt_id = held->attempt;
    else
        event.peer_attempt_id = held->attempt;
    master_queue(master, &event);
}

static bool has_completed(const struct master_job *job, enum stage_kind stage, uint32_t task,
                          uint64_t attempt_id)
{
    const struct job_result *result = job_results_of(&job->results, stage, task);

    return result && result->attempt_id == attempt_id;
}

/* An attempt that the worker has not been told was heard. What is journaled as done is not to be
 * killed: it holds an output. */
static void queue_attempt(struct master *master, const struct master_worker *worker,
                          const Mrlua__HeldOutput *held)
{
    const struct master_job *job = master_job_find(master, held->job);

    if (job &&
        has_completed(job, job_results_part_stage(&job->results), held->task, held->attempt)) {
        master_post_heard(master, worker, held->attempt, MESSAGE_ATTEMPT_DONE);
    } else if (job && has_completed(job, STAGE_MAP, held->task, held->attempt)) {
        queue_held(master, worker, held, EVENT_OUTPUT_HELD);
        master_post_heard(master, worker, held->attempt, MESSAGE_ATTEMPT_DONE);
    } else {
        queue_held(master, worker, held, EVENT_ATTEMPT_HELD);
    }
}

void master_queue_slots(struct master *master, const struct master_worker *worker)
{
    struct event event = master_worker_event(worker, EVENT_WORKER_SLOTS);

    event.slot_count = worker->draining ? 0 : worker->slots;
    master_queue(master, &event);
}

/* The scheduler says once more what the worker should be doing. */
static void say_again(void *context, const struct command *command)
{
    struct master *master = context;

    if (command->kind == COMMAND_START_ATTEMPT)
        master_attempt_add(master, command);
    master_worker_command(master, command);
}

/* In the order that sched.h asks for. */
static void join_worker(struct master *master, struct master_worker *worker,
                        const Mrlua__WorkerJoin *join)
{
    struct event joined = master_worker_event(worker, EVENT_WORKER_JOINED);

    send_welcome(master, worker, join);
    master_queue(master, &joined);
    for (size_t i = 0; i < join->n_attempts; i++)
        queue_attempt(master, worker, join->attempts[i]);
    for (size_t i = 0; i < join->n_held; i++)
        queue_held(master, worker, join->held[i], EVENT_OUTPUT_HELD);
    master_turn(master);
    if (master->has_failed)
        return;
    sched_worker_attempts(master->sched, worker->id, say_again, master);
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next)
        CONTAINER_OF(at, struct master_job, link)->sources_changed = true; /* it is back */
    master_queue_slots(master, worker);
    master_drives_go_on(master);
}

void master_worker_join(struct master_peer *peer, const Mrlua__WorkerJoin *join)
{
    struct master *master = peer->master;
    uint32_t id;
    struct master_worker *worker;

    if (peer->worker || join->incarnation == 0 || join->slots == 0 || join->slots > SLOTS_MAX) {
        master_peer_close(peer);
        return;
    }
    master_turn(master); /* what was heard before came before */
    id = choose_id(master, join);
    if (id == 0) {
        master_peer_close(peer);
        return;
    }
    worker = worker_slot(master, id);
    for (struct list *at = master->peers.next; at != &master->peers; at = at->next) {
        struct master_peer *other = CONTAINER_OF(at, struct master_peer, link);

        if (other->worker == worker) { /* the same worker; the cut was not noticed */
            master_peer_close(other);
            break;
        }
    }
    fill_worker(worker, id, peer->conn, join);
    peer->worker = worker;
    log_event(SEVERITY_INFO, "worker_joined", log_number("worker", id),
              log_number("slots", join->slots), log_number("held", join->n_held),
              log_number("running", join->n_attempts), log_text("name", worker->name),
              log_text("peer", conn_peer(peer->conn)));
    join_worker(master, worker, join);
}

void master_worker_cut(struct master_worker *worker)
{
    worker->conn = NULL;
    log_event(SEVERITY_NOTICE, "worker_cut", log_number("worker", worker->id));
}

void master_workers_close(struct master *master)
{
    for (uint32_t i = 0; i < master->worker_capacity; i++) {
        if (!master->workers[i])
            continue;
        free(master->workers[i]->name);
        free(master->workers[i]->host);
        free(master->workers[i]);
    }
    free(master->workers);
}
