/* The journal of a world: what must never be written is not, and what a restart is made of. */
#include <assert.h>

#include "base/mem.h"
#include "world.h"

/* A fact as the journal sees it: what must never be written is not. */
static void check_fact(struct world *world, const struct fact *fact, bool loses_part)
{
    struct sim_job *job = fact->job_id ? world_job_of(world, fact->job_id) : NULL;

    assert(!job || !job->has_ended); /* I9 */
    if (fact->kind == FACT_RECORDS_BAD || fact->kind == FACT_TASK_COMPLETED)
        bad_journal(&job->bad, world_task_slot(job, fact->stage, fact->task), fact);
    if (fact->kind == FACT_ATTEMPT_ENDED && fact->stage == STAGE_COMMIT)
        assert(fact->failure != ERR_NONE || loses_part); /* nobody kills one: it may have given
                                                            names */
    if (fact->kind == FACT_TASK_COMPLETED && fact->stage == STAGE_REDUCE) {
        assert(job->reduce_attempts[fact->task] == 0); /* I3 */
        job->reduce_attempts[fact->task] = fact->attempt_id;
    }
    if (fact->kind == FACT_OUTPUT_LOST && fact->stage == STAGE_REDUCE) {
        assert(job->reduce_attempts[fact->task] == fact->attempt_id);
        job->reduce_attempts[fact->task] = 0;
    }
    for (size_t i = 0; fact->kind == FACT_ATTEMPT_STARTED && i < world->fact_count; i++)
        assert(world->facts[i].kind != FACT_ATTEMPT_STARTED ||
               world->facts[i].attempt_id != fact->attempt_id); /* I1 */
    if (fact->kind == FACT_JOB_ENDED) {
        job->has_ended = true;
        job->end = *fact;
    }
}

void world_journal(struct world *world, const struct fact *facts, size_t fact_count)
{
    for (size_t i = 0; i < fact_count; i++) {
        check_fact(world, &facts[i],
                   world->is_restoring ||
                       (i + 1 < fact_count && facts[i + 1].kind == FACT_OUTPUT_LOST));
        if (world->fact_count == world->fact_capacity) {
            world->fact_capacity = world->fact_capacity ? 2 * world->fact_capacity : 256;
            world->facts =
                mem_realloc_array(world->facts, world->fact_capacity, sizeof *world->facts);
        }
        world->facts[world->fact_count++] = facts[i];
    }
}

struct sched *world_restored(const struct world *world, size_t fact_count)
{
    struct sched *sched = sched_open(&world->options);
    struct err err;
    int rc = sched_restore(sched, world->facts, fact_count, &err);

    assert(rc == 0);
    return sched;
}

void world_check_fold(struct world *world)
{
    struct sched *copy = world_restored(world, world->fact_count);
    uint64_t hash = sched_hash(copy);

    assert(hash == sched_hash(world->sched));
    sched_close(copy);
    world->fact_check_count++;
}
