/*
 * fleet: many workers in one process, on real sockets, for a real master. They run nothing: what
 * they are told to run is done at once.
 *
 *     int main(int argc, char **argv)      KIT_NURSERY(argc, argv); first: the master has helpers
 *
 *     fleet_open(&fleet, 0, NULL);      descriptors of the master, 0: all; where its page is
 *     fleet_join(&fleet, 1000, 1);      again after fleet_leave(), or fleet_kill() and _start()
 *     fleet_beat(&fleet, 1000);         from now on, heartbeats a second, over all workers
 *     fleet_submit(&fleet, maps), fleet_await(&fleet, &fleet.over_count, 1);
 *
 * A heartbeat has no answer, so a report about an attempt that nobody knows follows it, and the
 * master's answer to that ends the round trip in fleet.beats. It includes our own reading of it.
 */
#ifndef CTEST_BENCH_FLEET_H
#define CTEST_BENCH_FLEET_H

#include "base/log.h"
#include "bench/times.h"
#include "master/master_kit.h"
#include "sched/idtable.h"

#include <stdlib.h>
#include <sys/resource.h>

enum {
    FLEET_AWAIT_MS = 300 * 1000,
    FLEET_TICK_MS = 5,
    FLEET_BEAT_ID_BIT = 62, /* of attempts that nobody knows */
};

struct fleet_held {
    uint64_t job, attempt;
    uint32_t task;
    bool is_heard; /* the master has it; until then it is running for both */
};

struct fleet_part {
    uint32_t maps;
    char path[FOLDER_PATH_BYTES];
};

struct fleet_worker {
    struct fleet *fleet;
    struct conn *conn;
    uint64_t incarnation;
    uint32_t id, slots;
    struct fleet_held *held;
    size_t held_count, held_capacity;
    uint64_t beat_ns; /* of the one that has no answer yet; 0: none */
};

struct fleet {
    struct master_kit kit;
    rlim_t descriptors;
    struct fleet_worker *workers;
    uint32_t worker_count;
    uint64_t epoch, first_start_ns;
    uint64_t start_count; /* since the last fleet_kill() */
    uint64_t done_max;    /* maps that are done; those that start later run on. 0: all are done */
    uint64_t join_count, heard_count, over_count, answer_count, closed_count;
    struct idtable parts; /* of reduces that were started: struct fleet_part by attempt */
    uintptr_t life;       /* of the master, from 1 */
    struct idtable
        done_maps;        /* maps that it said it has heard of: in which life, by fleet_map_id() */
    uint64_t again_count; /* started although done in an earlier life; late backups apart */
    struct times beats, early_beats; /* early: sent before the first start */
    struct loop_event *ticker;
    uint64_t beats_per_s, beaten, beating_since_ns, beat_id;
    uint32_t beat_next;
    struct conn *user; /* submits */
    uint32_t job_count;
    const uint64_t *awaited;
    uint64_t target;
};

/* ---- what a worker does ---- */

static inline void fleet_wake(const struct fleet *fleet)
{
    if (fleet->awaited && *fleet->awaited >= fleet->target)
        loop_break(fleet->kit.loop);
}

static inline void fleet_hold(struct fleet_worker *worker, const struct fleet_held *held)
{
    if (worker->held_count == worker->held_capacity) {
        worker->held_capacity = worker->held_capacity ? 2 * worker->held_capacity : 64;
        worker->held = mem_realloc_array(worker->held, worker->held_capacity, sizeof *worker->held);
    }
    worker->held[worker->held_count++] = *held;
}

/* Each map wrote the same, so what a reduce has read is as many times that. */
static inline void fleet_say_done(struct fleet_worker *worker, uint64_t attempt, const char *path,
                                  uint32_t maps)
{
    Mrlua__AttemptDone message = MRLUA__ATTEMPT_DONE__INIT;
    Mrlua__Done done = MRLUA__DONE__INIT;
    Mrlua__Digest digest = MRLUA__DIGEST__INIT;

    digest.low = 7 * (uint64_t)maps;
    digest.records = 2 * (uint64_t)maps;
    done.digest = &digest;
    done.records = 1;
    done.bytes = 4;
    done.path = (char *)(uintptr_t)path;
    message.attempt = attempt;
    message.done = &done;
    conn_send(worker->conn, MESSAGE_ATTEMPT_DONE, 0, &message.base);
}

static inline void fleet_say_fetched(struct fleet_worker *worker, uint64_t attempt)
{
    Mrlua__AttemptFetched fetched = MRLUA__ATTEMPT_FETCHED__INIT;

    fetched.attempt = attempt;
    conn_send(worker->conn, MESSAGE_ATTEMPT_FETCHED, 0, &fetched.base);
}

static inline struct fleet_held *fleet_held_of(struct fleet_worker *worker, uint64_t attempt)
{
    for (size_t i = worker->held_count; i > 0; i--)
        if (worker->held[i - 1].attempt == attempt)
            return &worker->held[i - 1];
    return NULL;
}

static inline void fleet_count_start(struct fleet *fleet)
{
    if (fleet->start_count++ == 0)
        fleet->first_start_ns = clock_monotonic_ns();
}

static inline uint64_t fleet_map_id(uint64_t job, uint32_t task)
{
    return job << 32 | task;
}

/* The life of the master in which the map was done; UINTPTR_MAX: it was not. */
static inline uintptr_t fleet_life_of(const struct fleet *fleet, uint64_t job, uint32_t task)
{
    void *life = idtable_get(&fleet->done_maps, fleet_map_id(job, task));

    return life ? (uintptr_t)life : UINTPTR_MAX;
}

/* One that it knows is said again, after a restart: so is the answer, and it is no new start. */
static inline void fleet_take_start(struct fleet_worker *worker, const Mrlua__AttemptStart *said)
{
    const Mrlua__TaskStart *start = said->start;
    struct fleet *fleet = worker->fleet;
    struct fleet_part *part;

    if (start->kind == MRLUA__TASK_KIND__MAP) {
        if (!fleet_held_of(worker, start->attempt)) {
            fleet_count_start(fleet);
            if (fleet_life_of(fleet, start->job, start->task) < fleet->life)
                fleet->again_count++;
            fleet_hold(worker,
                       &(struct fleet_held){start->job, start->attempt, start->task, false});
        }
        if (fleet->done_max == 0 || fleet->start_count <= fleet->done_max)
            fleet_say_done(worker, start->attempt, "", 1);
        return;
    }
    if (!idtable_get(&fleet->parts, start->attempt)) {
        fleet_count_start(fleet);
        part = mem_alloc(sizeof *part);
        part->maps = said->map_count;
        snprintf(part->path, sizeof part->path, "%s", start->result_path);
        idtable_put(&fleet->parts, start->attempt, part);
    }
    fleet_say_fetched(worker, start->attempt);
}

/* The part is "a\t1\n". */
static inline void fleet_take_run(struct fleet_worker *worker, const Mrlua__AttemptRun *run)
{
    struct fleet_part *part = idtable_get(&worker->fleet->parts, run->attempt);
    FILE *file;

    if (!part)
        return;
    file = fopen(part->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("a\t1\n", 1, 4, file), 4);
    fclose(file);
    fleet_say_done(worker, run->attempt, part->path, part->maps);
    idtable_remove(&worker->fleet->parts, run->attempt);
    free(part);
}

static inline void fleet_beat_heard(struct fleet_worker *worker)
{
    struct fleet *fleet = worker->fleet;
    bool is_early = fleet->start_count == 0 || worker->beat_ns < fleet->first_start_ns;

    if (worker->beat_ns == 0)
        return; /* counted by fleet_beat_end() */
    times_add(is_early ? &fleet->early_beats : &fleet->beats,
              clock_monotonic_ns() - worker->beat_ns);
    worker->beat_ns = 0;
}

static inline void fleet_take_heard(struct fleet_worker *worker, const Mrlua__ReportHeard *heard)
{
    struct fleet *fleet = worker->fleet;
    struct fleet_held *held;

    if (!(heard->attempt >> FLEET_BEAT_ID_BIT)) {
        held = fleet_held_of(worker, heard->attempt);
        if (held && !held->is_heard) {
            held->is_heard = true;
            if (!idtable_get(&fleet->done_maps, fleet_map_id(held->job, held->task)))
                idtable_put(&fleet->done_maps, fleet_map_id(held->job, held->task),
                            (void *)fleet->life);
        }
        fleet->heard_count += heard->report == MESSAGE_ATTEMPT_DONE;
        return;
    }
    fleet_beat_heard(worker);
}

static inline void fleet_take_over(struct fleet_worker *worker, const Mrlua__JobOver *over)
{
    size_t kept = 0;

    for (size_t i = 0; i < worker->held_count; i++)
        if (worker->held[i].job != over->job)
            worker->held[kept++] = worker->held[i];
    worker->held_count = kept;
}

static inline void fleet_take_welcome(struct fleet_worker *worker,
                                      const Mrlua__WorkerWelcome *welcome)
{
    worker->id = welcome->worker_id;
    worker->fleet->epoch = welcome->epoch;
    worker->fleet->join_count++;
    for (size_t i = 0; i < worker->held_count; i++)
        if (!worker->held[i].is_heard)
            fleet_say_done(worker, worker->held[i].attempt, "", 1);
}

static inline const ProtobufCMessageDescriptor *fleet_descriptor_of(uint8_t type)
{
    switch (type) {
    case MESSAGE_WORKER_WELCOME:
        return &mrlua__worker_welcome__descriptor;
    case MESSAGE_ATTEMPT_START:
        return &mrlua__attempt_start__descriptor;
    case MESSAGE_ATTEMPT_RUN:
        return &mrlua__attempt_run__descriptor;
    case MESSAGE_REPORT_HEARD:
        return &mrlua__report_heard__descriptor;
    case MESSAGE_JOB_OVER:
        return &mrlua__job_over__descriptor;
    default:
        return NULL;
    }
}

static inline void fleet_message(void *context, struct conn *conn, const struct frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor = fleet_descriptor_of(frame->type);
    struct fleet_worker *worker = context;
    struct err err;
    void *message;

    (void)conn;
    if (!descriptor)
        return; /* there is nothing to fetch, to forget or to kill */
    message = message_unpack(descriptor, frame->payload, &err);
    assert_non_null(message);
    if (frame->type == MESSAGE_WORKER_WELCOME)
        fleet_take_welcome(worker, message);
    else if (frame->type == MESSAGE_ATTEMPT_START)
        fleet_take_start(worker, message);
    else if (frame->type == MESSAGE_ATTEMPT_RUN)
        fleet_take_run(worker, message);
    else if (frame->type == MESSAGE_REPORT_HEARD)
        fleet_take_heard(worker, message);
    else
        fleet_take_over(worker, message);
    message_free(message);
    fleet_wake(worker->fleet);
}

static inline void fleet_opened(void *context, struct conn *conn)
{
    struct fleet_worker *worker = context;
    Mrlua__WorkerJoin join = MRLUA__WORKER_JOIN__INIT;
    Mrlua__HeldOutput *items = mem_alloc_array(worker->held_count + 1, sizeof *items);
    Mrlua__HeldOutput **held = mem_alloc_array(worker->held_count + 1, sizeof(void *));
    Mrlua__HeldOutput **running = mem_alloc_array(worker->held_count + 1, sizeof(void *));

    for (size_t i = 0; i < worker->held_count; i++) {
        mrlua__held_output__init(&items[i]);
        items[i].job = worker->held[i].job;
        items[i].task = worker->held[i].task;
        items[i].attempt = worker->held[i].attempt;
        if (worker->held[i].is_heard)
            held[join.n_held++] = &items[i];
        else
            running[join.n_attempts++] = &items[i];
    }
    join.incarnation = worker->incarnation;
    join.slots = worker->slots;
    join.segment_port = 9;
    join.epoch_seen = worker->id ? worker->fleet->epoch : 0;
    join.worker_id_seen = worker->id;
    join.held = held;
    join.attempts = running;
    conn_send(conn, MESSAGE_WORKER_JOIN, 0, &join.base);
    free(items);
    free(held);
    free(running);
}

static inline void fleet_closed(void *context, struct conn *conn, const struct err *err)
{
    struct fleet_worker *worker = context;

    (void)conn;
    worker->conn = NULL;
    if (worker->fleet->closed_count++ == 0)
        fprintf(stderr, "a worker was cut: %s\n", err->message);
}

static const struct conn_ops FLEET_OPS = {
    .opened = fleet_opened, .message = fleet_message, .closed = fleet_closed};

/* ---- heartbeats ---- */

static inline void fleet_beat_once(struct fleet *fleet, struct fleet_worker *worker)
{
    Mrlua__Heartbeat beat = MRLUA__HEARTBEAT__INIT;

    if (!worker->conn || !worker->id)
        return;
    beat.disk_free_bytes = 1ULL << 40;
    conn_send(worker->conn, MESSAGE_HEARTBEAT, 0, &beat.base);
    if (worker->beat_ns != 0)
        return; /* the answer to the one before is not here: that time goes on */
    worker->beat_ns = clock_monotonic_ns();
    fleet_say_fetched(worker, (1ULL << FLEET_BEAT_ID_BIT) + ++fleet->beat_id);
}

static inline void fleet_tick(void *context)
{
    struct fleet *fleet = context;
    uint64_t past_ns = clock_monotonic_ns() - fleet->beating_since_ns;

    for (; fleet->beaten < past_ns * fleet->beats_per_s / NS_PER_S; fleet->beaten++)
        fleet_beat_once(fleet, &fleet->workers[fleet->beat_next++ % fleet->worker_count]);
    loop_timer_start(fleet->ticker, FLEET_TICK_MS * NS_PER_MS);
    fleet_wake(fleet);
}

static inline void fleet_beat(struct fleet *fleet, uint64_t beats_per_s)
{
    fleet->beats_per_s = beats_per_s;
    fleet->beaten = 0;
    fleet->beating_since_ns = clock_monotonic_ns();
    loop_timer_start(fleet->ticker, 0);
}

/* Those that have no answer yet count too, with the time that they have waited. */
static inline void fleet_beat_end(struct fleet *fleet)
{
    loop_timer_stop(fleet->ticker);
    for (uint32_t i = 0; i < fleet->worker_count; i++)
        if (fleet->workers[i].beat_ns)
            fleet_beat_heard(&fleet->workers[i]);
}

/* ---- the user ---- */

static inline void fleet_watch(struct fleet *fleet, uint64_t job)
{
    Mrlua__JobWatch watch = MRLUA__JOB_WATCH__INIT;

    watch.job = job;
    conn_send(fleet->user, MESSAGE_JOB_WATCH, job, &watch.base);
}

static inline void fleet_user_hears(void *context, struct conn *conn, const struct frame *frame)
{
    struct fleet *fleet = context;
    struct err err;

    (void)conn;
    if (frame->type == MESSAGE_ANSWER) {
        Mrlua__Answer *answer = message_unpack(&mrlua__answer__descriptor, frame->payload, &err);

        if (answer->error)
            fail_msg("submit: %s", answer->error->message);
        fleet->answer_count++;
        fleet_watch(fleet, answer->job);
        message_free(answer);
    } else if (frame->type == MESSAGE_JOB_EVENT) {
        Mrlua__JobEvent *event =
            message_unpack(&mrlua__job_event__descriptor, frame->payload, &err);

        if (event->ended && event->info->status != JOB_SUCCEEDED)
            fail_msg("a job failed: %s", event->info->error ? event->info->error->message : "");
        fleet->over_count += event->ended ? 1 : 0;
        message_free(event);
    }
    fleet_wake(fleet);
}

static inline void fleet_user_opened(void *context, struct conn *conn)
{
    struct fleet *fleet = context;

    (void)conn;
    fleet->answer_count++;
    fleet_wake(fleet);
}

static inline void fleet_user_closed(void *context, struct conn *conn, const struct err *err)
{
    (void)context, (void)conn;
    fail_msg("the user was cut: %s", err->message);
}

static const struct conn_ops FLEET_USER_OPS = {
    .opened = fleet_user_opened, .message = fleet_user_hears, .closed = fleet_user_closed};

/* ---- the fleet ---- */

/* Runs the loop until the counter has come so far. */
static inline void fleet_await(struct fleet *fleet, const uint64_t *counter, uint64_t target)
{
    struct err err;

    fleet->awaited = counter;
    fleet->target = target;
    loop_timer_start(fleet->kit.deadline, FLEET_AWAIT_MS * NS_PER_MS);
    while (*counter < target)
        assert_int_equal(loop_run(fleet->kit.loop, &err), 0);
    loop_timer_stop(fleet->kit.deadline);
    fleet->awaited = NULL;
}

static inline struct conn *fleet_connect(struct fleet *fleet, enum access_role role,
                                         const struct conn_ops *ops, void *context)
{
    struct conn_options options = {.role = role, .keys = &fleet->kit.keys, .tls = fleet->kit.tls};
    struct conn *conn;
    char address[32];
    struct err err;

    snprintf(address, sizeof address, "127.0.0.1:%u", fleet->kit.port);
    conn = conn_connect(fleet->kit.loop, address, &options, ops, context, &err);
    if (!conn)
        fail_msg("connect: %s", err.message);
    return conn;
}

/* The master logs to the file "log" of the folder, and gets no more descriptors than asked. */
static inline void fleet_start(struct fleet *fleet)
{
    int log = open(folder_path(&fleet->kit.folder, "log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    int own = dup(STDERR_FILENO);
    struct rlimit limit, less;

    fleet->life++;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    less = limit;
    if (fleet->descriptors)
        less.rlim_cur = fleet->descriptors;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
    dup2(log, STDERR_FILENO);
    log_enable(LOG_TEXT, "master"); /* for the child */
    master_kit_start(&fleet->kit);
    log_enable(LOG_OFF, NULL);
    dup2(own, STDERR_FILENO);
    less.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
    close(log);
    close(own);
}

static inline void fleet_open(struct fleet *fleet, rlim_t descriptors, const char *http)
{
    struct rlimit limit;

    *fleet = (struct fleet){.descriptors = descriptors};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    master_kit_open(&fleet->kit);
    fleet->kit.http = http;
    fleet->ticker = loop_timer_open(fleet->kit.loop, fleet_tick, fleet);
    fleet_start(fleet);
}

/* All are new the first time, and the same again after that, with what they hold. */
static inline void fleet_join(struct fleet *fleet, uint32_t count, uint32_t slots)
{
    if (!fleet->workers)
        fleet->workers = mem_alloc_array(count, sizeof *fleet->workers);
    fleet->worker_count = count;
    fleet->join_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct fleet_worker *worker = &fleet->workers[i];

        worker->fleet = fleet;
        worker->slots = slots;
        if (!worker->incarnation)
            keys_random(&worker->incarnation, sizeof worker->incarnation);
        worker->conn = fleet_connect(fleet, ROLE_WORKER, &FLEET_OPS, worker);
        if (i % 64 == 63 || i + 1 == count) /* fewer than may be on their way in */
            fleet_await(fleet, &fleet->join_count, i + 1);
    }
}

static inline void fleet_connect_user(struct fleet *fleet)
{
    if (fleet->user)
        return;
    fleet->user = fleet_connect(fleet, ROLE_SUBMIT, &FLEET_USER_OPS, fleet);
    fleet_await(fleet, &fleet->answer_count, fleet->answer_count + 1);
}

/* One job over the file "in", which has a byte for each map, and one reduce. Comes back when it was
 * accepted. */
static inline void fleet_submit(struct fleet *fleet, uint32_t maps)
{
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;
    char key[32], output[32], *input, *bytes = mem_alloc(maps);

    memset(bytes, '\n', maps);
    folder_write(&fleet->kit.folder, "in", bytes, maps);
    free(bytes);
    fleet_connect_user(fleet);
    snprintf(key, sizeof key, "job-%u", ++fleet->job_count);
    snprintf(output, sizeof output, "out-%u", fleet->job_count);
    input = (char *)(uintptr_t)folder_path(&fleet->kit.folder, "in");
    submit.idempotency_key = key;
    submit.name = (char *)(uintptr_t) "job";
    submit.inputs = &input;
    submit.n_inputs = 1;
    submit.input = (char *)(uintptr_t) "lines";
    submit.output = (char *)(uintptr_t) "tsv";
    submit.output_folder = (char *)(uintptr_t)folder_path(&fleet->kit.folder, output);
    submit.reducers = 1;
    submit.split_bytes = 1;
    submit.limits = &limits;
    conn_send(fleet->user, MESSAGE_JOB_SUBMIT, fleet->job_count, &submit.base);
    fleet_await(fleet, &fleet->answer_count, fleet->answer_count + 1);
}

/* The workers only: the master sees that they are cut. */
static inline void fleet_leave(struct fleet *fleet)
{
    loop_timer_stop(fleet->ticker);
    for (uint32_t i = 0; i < fleet->worker_count; i++) {
        conn_close(fleet->workers[i].conn);
        fleet->workers[i].conn = NULL;
        fleet->workers[i].beat_ns = 0;
    }
}

static inline void fleet_hang_up(struct fleet *fleet)
{
    fleet_leave(fleet);
    conn_close(fleet->user);
    fleet->user = NULL;
}

/* kill -9; nobody is connected after it. */
static inline void fleet_kill(struct fleet *fleet)
{
    master_kit_kill(&fleet->kit);
    fleet_hang_up(fleet);
    fleet->start_count = 0;
}

static inline void fleet_close(struct fleet *fleet)
{
    fleet_hang_up(fleet);
    loop_event_close(fleet->ticker);
    for (uint32_t i = 0; i < fleet->worker_count; i++)
        free(fleet->workers[i].held);
    free(fleet->workers);
    free(fleet->beats.ns);
    free(fleet->early_beats.ns);
    for (size_t i = 0; i < fleet->parts.capacity; i++) /* of reduces that never came to run */
        free(fleet->parts.entries[i].id ? fleet->parts.entries[i].value : NULL);
    idtable_deinit(&fleet->parts);
    idtable_deinit(&fleet->done_maps);
    master_kit_close(&fleet->kit);
}

#endif
