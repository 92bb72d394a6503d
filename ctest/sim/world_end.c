/* What the attempts of a world write and read, and so how its history must end. */
#include <assert.h>
#include <stdlib.h>

#include "world.h"

/* Which records a map attempt made for a reduce: a digest that no other pair has. */
static struct digest segment_digest(const struct sim_job *job, uint32_t map, uint32_t reduce,
                                    uint64_t attempt_id)
{
    uint64_t ids[4] = {job->id, map, reduce, job->is_random ? attempt_id : 0};
    uint64_t hash = hash64(slice_of(ids, sizeof ids));

    return (struct digest){.low = hash, .high = ~hash * 31, .record_count = hash % 7};
}

struct digest world_map_digest(const struct sim_job *job, uint32_t map, uint64_t attempt_id)
{
    struct digest sum = {0};

    for (uint32_t reduce = 0; reduce < job->reduce_count; reduce++) {
        struct digest segment = segment_digest(job, map, reduce, attempt_id);

        digest_add(&sum, &segment);
    }
    return sum;
}

struct digest world_reduce_digest(const struct sim_job *job, const struct proc *proc)
{
    struct digest sum = {0};

    for (uint32_t map = 0; map < job->map_count; map++) {
        struct digest segment = segment_digest(job, map, proc->start.task, proc->inputs[map]);

        digest_add(&sum, &segment);
    }
    return sum;
}

/* A number for each task of a job. */
size_t world_task_slot(const struct sim_job *job, enum stage_kind stage, uint32_t task)
{
    switch (stage) {
    case STAGE_PLAN:
        return 0;
    case STAGE_COMMIT:
        return 1;
    case STAGE_MAP:
        return 2 + task;
    case STAGE_REDUCE:
        return 2 + job->map_count + task;
    case STAGE_SAMPLE:
        return 2 + job->map_count + job->reduce_count;
    }
    abort(); /* unreachable */
}

/* I4, I5: every reduce read each map once, and all of them the same attempt's records. */
static void check_success(const struct world *world, const struct sim_job *job)
{
    struct digest seen[WORLD_MAPS_MAX];

    for (uint32_t reduce = 0; reduce < job->reduce_count; reduce++) {
        const struct proc *proc = world_proc_of(world, job->reduce_attempts[reduce]);

        assert(proc != NULL);
        for (uint32_t map = 0; map < job->map_count; map++) {
            struct digest answer = world_map_digest(job, map, proc->inputs[map]);

            assert(proc->inputs[map] != 0);
            assert(reduce == 0 || digest_equal(&answer, &seen[map]));
            seen[map] = answer;
        }
    }
}

/* A sample of no maps is begun, and not waited for. */
static bool has_too_many_bad(const struct sim_job *job, bool is_sampled)
{
    return bad_is_too_many(&job->bad, job->rules.skip_bad, job->map_count + job->reduce_count,
                           is_sampled);
}

static void check_end(const struct world *world, const struct sim_job *job)
{
    const struct fact *end = &job->end;
    uint32_t faults = job->faults[world_task_slot(job, end->stage, end->task)];

    switch (end->reason) {
    case END_NONE:
        assert(!has_too_many_bad(job, job->sample_count > 0 && job->map_count > 0));
        check_success(world, job);
        return;
    case END_CANCELLED:
    case END_FAILURES:
        return;
    case END_FAULT:
        assert(faults >= 1); /* I11: somebody did raise */
        return;
    case END_ATTEMPTS:
        assert(faults >= job->rules.attempts_max);
        return;
    case END_NOT_DETERMINISTIC:
        assert(job->is_random);
        return;
    case END_BAD_RECORDS:
        assert(has_too_many_bad(job, job->sample_count > 0));
        return;
    case END_AUDIT:
        abort(); /* no record is ever lost in this world */
    }
}

void world_check_ends(const struct world *world)
{
    for (uint32_t i = 0; i < world->job_count; i++)
        check_end(world, &world->jobs[i]);
}

void world_finish_prefix(const struct world *world, size_t fact_count)
{
    struct world other;

    world_init(&other, world->seed);
    sched_close(other.sched);
    other.now_ns = WORLD_FAULTS_END_NS;
    for (size_t i = 0; i < other.note_count; i++)
        other.notes[i].due_ns += other.now_ns;
    other.sched = world_restored(world, fact_count);
    other.is_restoring = true;
    world_journal(&other, world->facts, fact_count);
    other.is_restoring = false;
    while (!world_has_ended(&other))
        world_turn(&other);
    world_deinit(&other);
}
