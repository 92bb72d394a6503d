/*
 * Who watches a job (JobWatch): what it prints, how far it is, how it ended.
 *
 * A watcher is sent each line once and in order, from the job's log (job_log.h): those it has seen,
 * by a connection that is cut since, are left out. What the log does not keep any more is told by
 * number. Lines of a job that has ended are kept as long as it can be asked about in this life.
 */
#include "master/master_state.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOST_BYTES = 100 };

static void send_event(struct master_peer *peer, const struct master_watch *watch,
                       Mrlua__JobInfo *info)
{
    Mrlua__JobEvent event = MRLUA__JOB_EVENT__INIT;

    event.info = info;
    event.number = watch->line_seen;
    event.ended = info && info->status >= JOB_SUCCEEDED;
    conn_send(peer->conn, MESSAGE_JOB_EVENT, watch->request_id, &event.base);
}

static void send_line(struct master_peer *peer, const struct master_watch *watch, const char *text,
                      bool is_notice)
{
    Mrlua__JobEvent event = MRLUA__JOB_EVENT__INIT;

    event.log = (char *)(uintptr_t)text;
    event.notice = is_notice;
    event.number = watch->line_seen;
    conn_send(peer->conn, MESSAGE_JOB_EVENT, watch->request_id, &event.base);
}

/* The lines that the watcher has not had. One that does not read is told later what is kept then:
 * the connection's limit is not to be reached by what a job prints. */
static void send_lines(struct master_peer *peer, struct master_watch *watch,
                       const struct job_log *log)
{
    uint64_t lost = job_log_lost(log, watch->line_seen), number;
    char text[LOST_BYTES];

    if (lost > 0 && conn_output_bytes(peer->conn) < CONN_OUTPUT_BYTES_MAX / 2) {
        snprintf(text, sizeof text, "mrlua: %llu lines lost: the last %llu are kept",
                 (unsigned long long)lost, (unsigned long long)(log->last - log->first + 1));
        watch->line_seen = log->first - 1;
        send_line(peer, watch, text, false);
    }
    while (conn_output_bytes(peer->conn) < CONN_OUTPUT_BYTES_MAX / 2 &&
           (number = job_log_next(log, watch->line_seen)) != 0) {
        watch->line_seen = number;
        send_line(peer, watch, job_log_line(log, number), job_log_is_notice(log, number));
    }
}

static void send_step(struct master_peer *peer, const struct master_watch *watch,
                      const struct master_job *job, uint32_t number)
{
    struct master_step_stages stages = job->step_stages[number - 1];
    Mrlua__StageProgress none = MRLUA__STAGE_PROGRESS__INIT, *list[STAGE_COUNT];
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;

    for (int i = 0; i < STAGE_COUNT; i++)
        list[i] = &none;
    list[STAGE_MAP] = &stages.map;
    list[STAGE_REDUCE] = &stages.reduce;
    info.job = job->id;
    info.status = JOB_RUNNING;
    info.name = job->record->submit->name;
    info.n_stages = STAGE_COUNT;
    info.stages = list;
    info.step = number;
    info.step_count = job->record->submit->steps;
    info.seconds = (double)(clock_monotonic_ns() - job->begun_ns) / NS_PER_S;
    send_event(peer, watch, &info);
}

/* Those that have ended and that the watcher has not been told of. False: not all. */
static bool send_steps(struct master_peer *peer, struct master_watch *watch,
                       const struct master_job *job)
{
    while (watch->step_seen < job->step_count &&
           conn_output_bytes(peer->conn) < CONN_OUTPUT_BYTES_MAX / 2)
        if (job->step_stages[watch->step_seen++].map.tasks > 0)
            send_step(peer, watch, job, watch->step_seen);
    return watch->step_seen >= job->step_count;
}

void master_watch_step_ended(struct master *master, const struct master_job *job)
{
    for (struct list *at = master->peers.next; at != &master->peers; at = at->next) {
        struct master_peer *peer = CONTAINER_OF(at, struct master_peer, link);

        for (size_t i = 0; i < peer->watch_count; i++)
            if (peer->watches[i].job_id == job->id)
                send_steps(peer, &peer->watches[i], job);
    }
}

static void begin(struct master_peer *peer, const Mrlua__JobWatch *asked, uint64_t request_id,
                  Mrlua__JobInfo *info)
{
    const struct master_job *job = master_job_find(peer->master, asked->job);
    const struct master_past *past = job ? NULL : master_past_find(peer->master, asked->job);
    struct master_watch watch = {.request_id = request_id,
                                 .job_id = asked->job,
                                 .line_seen = asked->events_seen,
                                 .step_seen = asked->steps_seen};
    bool is_over = !job && !master_abort_runs(peer->master, asked->job);

    if (job || past)
        send_lines(peer, &watch, job ? &job->log : &past->log);
    if (job)
        send_steps(peer, &watch, job);
    if (job || is_over)
        send_event(peer, &watch, info);
    if (is_over)
        return;
    watch.change_seen = job ? job->change_count : 0;
    peer->watches = mem_realloc_array(peer->watches, peer->watch_count + 1, sizeof *peer->watches);
    peer->watches[peer->watch_count++] = watch;
    loop_timer_start(peer->master->watch_timer, MASTER_WATCH_MS * NS_PER_MS);
}

void master_watch_take(struct master_peer *peer, const struct frame *frame)
{
    struct err err;
    Mrlua__JobWatch *watch = message_unpack(&mrlua__job_watch__descriptor, frame->payload, &err);
    Mrlua__JobInfo *info = watch ? master_info_of(peer->master, watch->job, INFO_WHOLE) : NULL;

    if (!watch) {
        master_answer_error(peer, frame->request_id, &err);
    } else if (!info) {
        master_answer_no_job(peer, frame->request_id, watch->job);
    } else if (peer->watch_count == MASTER_WATCH_COUNT_MAX) {
        err_set(&err, ERR_SETUP, "a client watches at most %d jobs", MASTER_WATCH_COUNT_MAX);
        master_answer_error(peer, frame->request_id, &err);
    } else {
        begin(peer, watch, frame->request_id, info);
    }
    message_free(info);
    message_free(watch);
}

/* A watcher is told only what is new, and the next thing only when it has taken the last. */
static void look(struct master_peer *peer, struct master_watch *watch)
{
    struct master_job *job = master_job_find(peer->master, watch->job_id);
    Mrlua__JobInfo *info;

    if (!job || conn_output_bytes(peer->conn) > 0)
        return;
    send_lines(peer, watch, &job->log);
    if (!send_steps(peer, watch, job) || job->change_count == watch->change_seen)
        return;
    watch->change_seen = job->change_count;
    info = master_info_of(peer->master, job->id, INFO_WATCHED);
    send_event(peer, watch, info);
    message_free(info);
}

/* What is told of a job is summed over its tasks: to look never takes more than a tenth of us. */
void master_watch_look(struct master *master)
{
    uint64_t begun_ns = clock_monotonic_ns(), took_ns;
    bool is_watched = false;

    for (struct list *at = master->peers.next; at != &master->peers; at = at->next) {
        struct master_peer *peer = CONTAINER_OF(at, struct master_peer, link);

        for (size_t i = 0; i < peer->watch_count; i++)
            look(peer, &peer->watches[i]);
        is_watched = is_watched || peer->watch_count > 0;
    }
    took_ns = clock_monotonic_ns() - begun_ns;
    if (is_watched)
        loop_timer_start(master->watch_timer, MASTER_WATCH_MS * NS_PER_MS + 10 * took_ns);
}

static void tell_lines(struct master *master, const struct master_job *job)
{
    for (struct list *at = master->peers.next; at != &master->peers; at = at->next) {
        struct master_peer *peer = CONTAINER_OF(at, struct master_peer, link);

        for (size_t i = 0; i < peer->watch_count; i++)
            if (peer->watches[i].job_id == job->id)
                send_lines(peer, &peer->watches[i], &job->log);
    }
}

void master_watch_log(struct master *master, struct master_job *job, const char *text)
{
    job_log_add(&job->log, master->epoch, text);
    tell_lines(master, job);
}

void master_watch_notice(struct master *master, struct master_job *job, const char *text)
{
    const Mrlua__JobStep *step = job->record->submit->step;
    struct master_job *parent = step ? master_job_find(master, step->parent) : NULL;

    job = parent ? parent : job;
    job_log_add_notice(&job->log, master->epoch, text);
    tell_lines(master, job);
}

void master_watch_job_ended(struct master *master, uint64_t job_id)
{
    const struct master_past *past = master_past_find(master, job_id);

    for (struct list *at = master->peers.next; at != &master->peers; at = at->next) {
        struct master_peer *peer = CONTAINER_OF(at, struct master_peer, link);

        for (size_t i = peer->watch_count; past && i > 0; i--) {
            struct master_watch *watch = &peer->watches[i - 1];

            if (watch->job_id != job_id)
                continue;
            send_lines(peer, watch, &past->log);
            send_event(peer, watch, past->history->info);
            *watch = peer->watches[--peer->watch_count];
        }
    }
}
