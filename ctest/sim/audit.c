/*
 * The invariants of a cluster, looked at whenever facts are written and at the end. I4, I8 and I13
 * are where attempts are (host_*.c), I2 and I3 where names are given (boss.c), I7 is in
 * cluster_turn(); I12 is for real connections (ctest/rpc).
 */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "boss.h"
#include "content.h"
#include "host.h"
#include "sched/fact_codec.h"

static bool is_by_attempt(const struct event *event)
{
    return event->kind == EVENT_ATTEMPT_DONE || event->kind == EVENT_ATTEMPT_FAILED ||
           event->kind == EVENT_PLAN_MADE;
}

static void audit_completed(struct cluster *cluster, const struct event *event, struct sim_job *job,
                            const struct fact *fact)
{
    assert(event->kind == EVENT_ATTEMPT_DONE);
    assert(fact->attempt_id == event->attempt_id);
    assert(fact->worker_id == event->worker_id);
    assert(fact->incarnation == event->incarnation); /* I6 */
    if (fact->stage == STAGE_MAP)
        job->map_attempts[fact->task] = fact->attempt_id;
    if (fact->stage != STAGE_REDUCE)
        return;
    assert(job->reduce_attempts[fact->task] == 0); /* I3 */
    assert(content_find(cluster, fact->attempt_id) != NULL);
    job->reduce_attempts[fact->task] = fact->attempt_id;
}

static void audit_fact(struct cluster *cluster, const struct event *event, const struct fact *fact)
{
    struct sim_job *job = fact->job_id ? &cluster->jobs[fact->job_id - 1] : NULL;

    assert(!job || !job->has_ended); /* I9 */
    if (fact->kind == FACT_RECORDS_BAD || fact->kind == FACT_TASK_COMPLETED)
        bad_journal(&job->bad, content_task_slot(job, fact->stage, fact->task), fact);
    switch (fact->kind) {
    case FACT_EPOCH_BEGUN:
        assert(fact->epoch > cluster->epoch_last); /* I6 */
        cluster->epoch_last = fact->epoch;
        return;
    case FACT_JOB_ACCEPTED:
        assert(job->id == 0); /* once, however often it is submitted */
        job->id = fact->job_id;
        return;
    case FACT_ATTEMPT_STARTED:
        assert(fact->attempt_id > cluster->attempt_id_last); /* I1 */
        cluster->attempt_id_last = fact->attempt_id;
        return;
    case FACT_ATTEMPT_ENDED:
        if (is_by_attempt(event) && fact->attempt_id == event->attempt_id)
            assert(fact->incarnation == event->incarnation); /* I6 */
        if (fact->stage == STAGE_COMMIT)
            assert(fact->failure != ERR_NONE || event->failure == ERR_PEER); /* nobody kills one:
                                                                      it may have given names */
        return;
    case FACT_TASK_COMPLETED:
        audit_completed(cluster, event, job, fact);
        return;
    case FACT_OUTPUT_LOST:
        if (fact->stage != STAGE_REDUCE)
            return;
        assert(job->reduce_attempts[fact->task] == fact->attempt_id);
        assert(job->names[fact->task] == 0); /* I3: what has its name stays */
        job->reduce_attempts[fact->task] = 0;
        return;
    case FACT_JOB_ENDED:
        job->has_ended = true;
        job->end = *fact;
        return;
    default:
        return;
    }
}

void audit_remember(struct cluster *cluster, const struct fact *facts, size_t fact_count)
{
    for (size_t i = 0; i < fact_count; i++) {
        struct event event = {.kind = EVENT_ATTEMPT_DONE,
                              .worker_id = facts[i].worker_id,
                              .incarnation = facts[i].incarnation,
                              .attempt_id = facts[i].attempt_id,
                              .failure = ERR_PEER};

        audit_facts(cluster, &event, &facts[i], 1);
    }
}

/* I10: the same facts make the same state. */
static void audit_fold(struct cluster *cluster)
{
    struct sched *copy = sched_open(&cluster->setup.sched);
    struct err err = {0};
    int rc = sched_restore(copy, cluster->facts, cluster->fact_count, &err);

    assert(rc == 0);
    assert(sched_hash(copy) == sched_hash(boss_sched(cluster->boss)));
    sched_close(copy);
}

/* As the journal gives it back: what a restart is made of has been bytes. */
static struct fact journaled(const struct fact *fact)
{
    struct buf buf = {0};
    struct fact back;
    struct err err = {0};
    int rc;

    fact_encode(fact, &buf);
    rc = fact_decode(buf_slice(&buf), &back, &err);
    assert(rc == 0);
    buf_deinit(&buf);
    return back;
}

void audit_facts(struct cluster *cluster, const struct event *event, const struct fact *facts,
                 size_t fact_count)
{
    for (size_t i = 0; i < fact_count; i++) {
        audit_fact(cluster, event, &facts[i]);
        cluster->tally.races +=
            fact_is_lost_race(&facts[i], i + 1 < fact_count ? &facts[i + 1] : NULL);
        if (cluster->fact_count == cluster->fact_capacity) {
            cluster->fact_capacity = cluster->fact_capacity ? 2 * cluster->fact_capacity : 256;
            cluster->facts =
                mem_realloc_array(cluster->facts, cluster->fact_capacity, sizeof *cluster->facts);
        }
        cluster->facts[cluster->fact_count++] = journaled(&facts[i]);
    }
    if (cluster->boss && fact_count > 0 && rand_below(&cluster->rand, 50) == 0)
        audit_fold(cluster);
}

void audit_leftovers(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->setup.worker_count; i++) {
        const struct host *host = cluster->hosts[i];

        assert(host->proc_count == 0);
        for (size_t run = 0; host->agent && run < host->run_count; run++)
            assert(host->runs[run].is_forgotten);
    }
}

/* I4, I5: every reduce read each map once, and of each the records of its last answer; and its part
 * is the one that has the name. */
static void check_success(const struct cluster *cluster, const struct sim_job *job)
{
    for (uint32_t map = 0; job->plan.reduce_count == 0 && map < job->plan.map_count; map++)
        assert(job->names[map] == job->map_attempts[map]);
    for (uint32_t reduce = 0; reduce < job->plan.reduce_count; reduce++) {
        const struct made *made = content_find(cluster, job->reduce_attempts[reduce]);

        assert(made != NULL);
        assert(job->names[reduce] == made->attempt_id);
        for (uint32_t map = 0; map < job->plan.map_count; map++) {
            struct digest was = content_segment(job, map, reduce, made->inputs[map]);
            struct digest is = content_segment(job, map, reduce, job->map_attempts[map]);

            assert(made->inputs[map] != 0);
            assert(digest_equal(&was, &is));
        }
    }
}

/* A sample of no maps is begun, and not waited for. */
static bool has_too_many_bad(const struct sim_job *job, bool is_sampled)
{
    return bad_is_too_many(&job->bad, job->plan.rules.skip_bad,
                           job->plan.map_count + job->plan.reduce_count, is_sampled);
}

/* I11: nobody is blamed for what was not done. */
static void check_end(const struct cluster *cluster, const struct sim_job *job)
{
    const struct fact *end = &job->end;
    uint32_t faults = job->faults[content_task_slot(job, end->stage, end->task)];

    switch (end->reason) {
    case END_NONE:
        assert(!has_too_many_bad(job, job->plan.sample_count > 0 && job->plan.map_count > 0));
        check_success(cluster, job);
        return;
    case END_CANCELLED:
    case END_FAILURES:
        return;
    case END_FAULT:
        assert(faults >= 1);
        return;
    case END_ATTEMPTS:
        assert(faults >= job->plan.rules.attempts_max);
        return;
    case END_BAD_RECORDS:
        assert(has_too_many_bad(job, job->plan.sample_count > 0));
        return;
    case END_NOT_DETERMINISTIC:
    case END_AUDIT: /* no record is ever lost: a reduce took an answer that the master never heard
                     */
        assert(job->plan.is_random);
        return;
    }
}

void cluster_check_ends(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->setup.job_count; i++)
        if (cluster->jobs[i].has_ended)
            check_end(cluster, &cluster->jobs[i]);
}
