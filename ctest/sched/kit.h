/*
 * kit: a scheduler and the little one needs to tell it a story.
 *
 *     kit_init(&kit, &options);
 *     kit_join(&kit, WORKER, SLOTS);
 *     kit_submit(&kit, JOB, &rules);
 *     kit_plan(&kit, JOB, MAPS, REDUCES);
 *     kit_done(&kit, kit_attempt(&kit, STAGE_MAP, 0), DIGEST);
 *     kit_deinit(&kit);
 *
 * Every step is followed by sched_check(), and all facts are kept. The kit remembers what the
 * commands said of each attempt, as a shell would.
 */
#ifndef CTEST_SCHED_KIT_H
#define CTEST_SCHED_KIT_H

#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/clock.h"
#include "sched/sched.h"

enum kit_attempt_state { KIT_STARTED, KIT_GRANTED, KIT_OVER };

struct kit_attempt {
    struct command start; /* as it was told */
    enum kit_attempt_state state;
};

struct kit {
    struct sched *sched;
    struct sched_options options;
    struct sched_output out; /* of the last step */
    uint64_t now_ns;
    struct fact *facts; /* all of them */
    size_t fact_count;
    struct kit_attempt *attempts; /* all of them, in order */
    size_t attempt_count;
    uint32_t forgotten_count, killed_count;
    struct command end; /* the last JOB_ENDED; job_id 0: none yet */
    uint32_t end_count;
};

static inline void kit_init(struct kit *kit, const struct sched_options *options)
{
    *kit = (struct kit){.now_ns = 1};
    if (options)
        kit->options = *options;
    else
        sched_options_default(&kit->options);
    kit->sched = sched_open(&kit->options);
}

static inline void kit_deinit(struct kit *kit)
{
    sched_close(kit->sched);
    sched_output_deinit(&kit->out);
    free(kit->facts);
    free(kit->attempts);
}

static inline struct kit_attempt *kit_find(struct kit *kit, uint64_t attempt_id)
{
    for (size_t i = 0; i < kit->attempt_count; i++)
        if (kit->attempts[i].start.attempt_id == attempt_id)
            return &kit->attempts[i];
    return NULL;
}

static inline void kit_obey(struct kit *kit, const struct command *command)
{
    switch (command->kind) {
    case COMMAND_START_ATTEMPT:
        assert_null(kit_find(kit, command->attempt_id)); /* I1, row 20 */
        kit->attempts = realloc(kit->attempts, (kit->attempt_count + 1) * sizeof *kit->attempts);
        kit->attempts[kit->attempt_count++] = (struct kit_attempt){.start = *command};
        break;
    case COMMAND_RUN_ATTEMPT:
        assert_int_equal(kit_find(kit, command->attempt_id)->state, KIT_STARTED);
        kit_find(kit, command->attempt_id)->state = KIT_GRANTED;
        break;
    case COMMAND_KILL_ATTEMPT:
        kit->killed_count++;
        if (kit_find(kit, command->attempt_id)) /* it may be told of one that never was */
            kit_find(kit, command->attempt_id)->state = KIT_OVER;
        break;
    case COMMAND_FORGET_OUTPUT:
        kit->forgotten_count++;
        break;
    case COMMAND_JOB_ENDED:
        kit->end = *command;
        kit->end_count++;
        break;
    }
}

static inline void kit_step(struct kit *kit, const struct event *event)
{
    struct event timed = *event;

    timed.now_ns = kit->now_ns;
    sched_step(kit->sched, &timed, &kit->out);
    sched_check(kit->sched);
    for (size_t i = 0; i < kit->out.command_count; i++)
        kit_obey(kit, &kit->out.commands[i]);
    if (kit->out.fact_count == 0)
        return;
    kit->facts = realloc(kit->facts, (kit->fact_count + kit->out.fact_count) * sizeof *kit->facts);
    memcpy(kit->facts + kit->fact_count, kit->out.facts, kit->out.fact_count * sizeof *kit->facts);
    kit->fact_count += kit->out.fact_count;
}

static inline void kit_join_as(struct kit *kit, uint32_t worker, uint64_t incarnation,
                               uint32_t slots)
{
    kit_step(kit, &(struct event){.kind = EVENT_WORKER_JOINED,
                                  .worker_id = worker,
                                  .incarnation = incarnation,
                                  .slot_count = slots});
}

/* In the kit's stories the first incarnation of worker N is 100 + N. */
static inline void kit_join(struct kit *kit, uint32_t worker, uint32_t slots)
{
    kit_join_as(kit, worker, 100 + worker, slots);
}

static inline void kit_lose(struct kit *kit, uint32_t worker)
{
    kit_step(kit, &(struct event){
                      .kind = EVENT_WORKER_LOST, .worker_id = worker, .incarnation = 100 + worker});
}

static inline void kit_reset(struct kit *kit, uint32_t worker)
{
    kit_step(kit, &(struct event){.kind = EVENT_WORKER_RESET,
                                  .worker_id = worker,
                                  .incarnation = 100 + worker});
}

static inline void kit_slots(struct kit *kit, uint32_t worker, uint32_t slots)
{
    kit_step(kit, &(struct event){.kind = EVENT_WORKER_SLOTS,
                                  .worker_id = worker,
                                  .incarnation = 100 + worker,
                                  .slot_count = slots});
}

/* Worker `worker`, which has joined, says that it holds a run of a map of job 1. */
static inline void kit_held(struct kit *kit, uint32_t worker, uint32_t map, uint64_t attempt_id)
{
    kit_step(kit, &(struct event){.kind = EVENT_OUTPUT_HELD,
                                  .worker_id = worker,
                                  .incarnation = 100 + worker,
                                  .job_id = 1,
                                  .peer_task = map,
                                  .peer_attempt_id = attempt_id});
}

/* The same of an attempt. */
static inline void kit_still_has(struct kit *kit, uint32_t worker, uint32_t task,
                                 uint64_t attempt_id)
{
    kit_step(kit, &(struct event){.kind = EVENT_ATTEMPT_HELD,
                                  .worker_id = worker,
                                  .incarnation = 100 + worker,
                                  .job_id = 1,
                                  .peer_task = task,
                                  .attempt_id = attempt_id});
}

static inline void kit_output_lost(struct kit *kit, uint32_t map, uint32_t reporter)
{
    struct output_place place;

    assert_true(sched_output_of(kit->sched, 1, STAGE_MAP, map, &place));
    kit_step(kit, &(struct event){.kind = EVENT_OUTPUT_LOST,
                                  .worker_id = reporter,
                                  .incarnation = 100 + reporter,
                                  .job_id = 1,
                                  .peer_task = map,
                                  .peer_attempt_id = place.attempt_id});
}

static inline void kit_submit(struct kit *kit, uint64_t job, const struct job_rules *rules)
{
    struct job_rules usual = {.attempts_max = 4, .skip_bad = 3};

    kit_step(kit, &(struct event){
                      .kind = EVENT_JOB_SUBMITTED, .job_id = job, .rules = rules ? *rules : usual});
}

/* The live attempt of a task, by the newest START. 0: none. */
static inline uint64_t kit_attempt_of(struct kit *kit, uint64_t job, enum stage_kind stage,
                                      uint32_t task)
{
    for (size_t i = kit->attempt_count; i > 0; i--) {
        const struct kit_attempt *attempt = &kit->attempts[i - 1];

        if (attempt->start.job_id == job && attempt->start.stage == stage &&
            attempt->start.task == task && attempt->state != KIT_OVER)
            return attempt->start.attempt_id;
    }
    return 0;
}

static inline uint64_t kit_attempt(struct kit *kit, enum stage_kind stage, uint32_t task)
{
    return kit_attempt_of(kit, 1, stage, task);
}

/* An event from where the attempt lives. */
static inline struct event kit_from(struct kit *kit, enum event_kind kind, uint64_t attempt_id)
{
    const struct kit_attempt *attempt = kit_find(kit, attempt_id);

    assert_non_null(attempt);
    return (struct event){.kind = kind,
                          .attempt_id = attempt_id,
                          .worker_id = attempt->start.worker_id,
                          .incarnation = attempt->start.incarnation};
}

static inline void kit_plan_sampled(struct kit *kit, uint64_t job, uint32_t maps, uint32_t reduces,
                                    uint32_t samples)
{
    uint64_t attempt_id = kit_attempt_of(kit, job, STAGE_PLAN, 0);
    struct event event = kit_from(kit, EVENT_PLAN_MADE, attempt_id);

    event.map_count = maps;
    event.reduce_count = reduces;
    event.sample_count = samples;
    kit_step(kit, &event);
    kit_find(kit, attempt_id)->state = KIT_OVER;
}

static inline void kit_plan(struct kit *kit, uint64_t job, uint32_t maps, uint32_t reduces)
{
    kit_plan_sampled(kit, job, maps, reduces, 0);
}

static inline struct digest kit_digest(uint64_t records)
{
    return (struct digest){.low = records * 7919, .high = ~records, .record_count = records};
}

static inline void kit_done_with(struct kit *kit, uint64_t attempt_id, struct digest digest)
{
    struct event event = kit_from(kit, EVENT_ATTEMPT_DONE, attempt_id);

    event.digest = digest;
    kit_step(kit, &event);
    kit_find(kit, attempt_id)->state = KIT_OVER;
}

static inline void kit_done(struct kit *kit, uint64_t attempt_id)
{
    kit_done_with(kit, attempt_id, (struct digest){0});
}

static inline void kit_fetched(struct kit *kit, uint64_t attempt_id)
{
    struct event event = kit_from(kit, EVENT_ATTEMPT_FETCHED, attempt_id);

    kit_step(kit, &event);
}

static inline void kit_failed(struct kit *kit, uint64_t attempt_id, enum err_kind failure)
{
    struct event event = kit_from(kit, EVENT_ATTEMPT_FAILED, attempt_id);

    event.failure = failure;
    kit_step(kit, &event);
    kit_find(kit, attempt_id)->state = KIT_OVER;
}

static inline void kit_bad(struct kit *kit, uint64_t attempt_id, uint32_t bad_count)
{
    struct event event = kit_from(kit, EVENT_RECORDS_BAD, attempt_id);

    event.failure = ERR_JOB;
    event.bad_count = bad_count;
    kit_step(kit, &event);
    kit_find(kit, attempt_id)->state = KIT_OVER;
}

/* The attempt could not have the output that `map_attempt_id` is said to have made; a commit: the
 * part of that number. */
static inline void kit_failed_peer(struct kit *kit, uint64_t attempt_id, uint32_t map,
                                   uint64_t map_attempt_id)
{
    struct event event = kit_from(kit, EVENT_ATTEMPT_FAILED, attempt_id);

    event.failure = ERR_PEER;
    event.peer_task = map;
    event.peer_attempt_id = map_attempt_id;
    kit_step(kit, &event);
    kit_find(kit, attempt_id)->state = KIT_OVER;
}

static inline void kit_tick_after(struct kit *kit, uint64_t ns)
{
    kit->now_ns += ns;
    kit_step(kit, &(struct event){.kind = EVENT_TICK});
}

/* To the next timer. */
static inline void kit_tick(struct kit *kit)
{
    uint64_t due_ns = sched_next_due_ns(kit->sched);

    assert_true(due_ns != UINT64_MAX);
    if (due_ns > kit->now_ns)
        kit->now_ns = due_ns;
    kit_step(kit, &(struct event){.kind = EVENT_TICK});
}

static inline uint64_t kit_output_of(struct kit *kit, uint32_t map)
{
    struct output_place place;

    return sched_output_of(kit->sched, 1, STAGE_MAP, map, &place) ? place.attempt_id : 0;
}

static inline uint64_t kit_part_of(struct kit *kit, uint32_t reduce)
{
    struct output_place place;

    return sched_output_of(kit->sched, 1, STAGE_REDUCE, reduce, &place) ? place.attempt_id : 0;
}

/* Does the scheduler not count on this attempt any more? By what it would send again. */
static inline void kit_see(void *context, const struct command *command)
{
    uint64_t *attempt_id = context;

    if (command->attempt_id == *attempt_id)
        *attempt_id = 0;
}

static inline bool kit_has_ended(struct kit *kit, size_t index)
{
    const struct command *start = &kit->attempts[index].start;
    uint64_t attempt_id = start->attempt_id;

    if (kit->attempts[index].state == KIT_OVER || start->worker_id == WORKER_NONE)
        return kit->attempts[index].state == KIT_OVER;
    sched_worker_attempts(kit->sched, start->worker_id, kit_see, &attempt_id);
    return attempt_id != 0;
}

/* Fetches, gets its slot, is done. */
static inline void kit_reduce(struct kit *kit, uint32_t reduce)
{
    uint64_t attempt_id = kit_attempt(kit, STAGE_REDUCE, reduce);

    kit_fetched(kit, attempt_id);
    assert_int_equal(kit_find(kit, attempt_id)->state, KIT_GRANTED);
    kit_done(kit, attempt_id);
}

/* One good word from or about each attempt that is not over. Returns how many facts came of it. */
static inline size_t kit_all_goes_well(struct kit *kit, uint32_t maps, uint32_t reduces)
{
    size_t before = kit->fact_count;

    for (size_t i = 0; i < kit->attempt_count; i++) {
        const struct kit_attempt *attempt = &kit->attempts[i];
        uint64_t id = attempt->start.attempt_id;

        if (attempt->state == KIT_OVER)
            continue;
        if (attempt->start.stage == STAGE_PLAN)
            kit_plan(kit, attempt->start.job_id, maps, reduces);
        else if (attempt->start.stage == STAGE_REDUCE && attempt->state == KIT_STARTED)
            kit_fetched(kit, id);
        else
            kit_done(kit, id);
    }
    return kit->fact_count - before;
}

/* From any state: a healthy worker comes, nothing fails any more; every job ends. */
static inline void kit_drive_to_end(struct kit *kit, uint64_t job_count)
{
    struct job_progress progress;
    bool all_ended = false;

    kit_join(kit, 9, 2);
    for (int pass = 0; !all_ended; pass++) {
        assert_true(pass < 1000);
        if (kit_all_goes_well(kit, 2, 1) == 0 && sched_next_due_ns(kit->sched) != UINT64_MAX)
            kit_tick(kit);
        all_ended = true;
        for (uint64_t job = 1; job <= job_count; job++)
            if (sched_job_progress(kit->sched, job, &progress))
                all_ended = all_ended && progress.status >= JOB_SUCCEEDED;
    }
}

static inline struct job_progress kit_progress(struct kit *kit)
{
    struct job_progress progress;

    assert_true(sched_job_progress(kit->sched, 1, &progress));
    return progress;
}

#endif
