#include "content.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct digest content_segment(const struct sim_job *job, uint32_t map, uint32_t reduce,
                              uint64_t attempt_id)
{
    uint64_t ids[4] = {job->id, map, reduce, job->plan.is_random ? attempt_id : 0};
    uint64_t hash = hash64(slice_of(ids, sizeof ids));

    if (hash % 5 == 0)
        return (struct digest){0};
    return (struct digest){.low = hash, .high = ~hash * 31, .record_count = hash % 7 + 1};
}

struct digest content_map(const struct sim_job *job, uint32_t map, uint64_t attempt_id)
{
    struct digest sum = {0};

    for (uint32_t reduce = 0; reduce < job->plan.reduce_count; reduce++) {
        struct digest segment = content_segment(job, map, reduce, attempt_id);

        digest_add(&sum, &segment);
    }
    return sum;
}

struct digest content_reduce(const struct sim_job *job, uint32_t reduce, const uint64_t *inputs)
{
    struct digest sum = {0};

    for (uint32_t map = 0; map < job->plan.map_count; map++) {
        struct digest segment = content_segment(job, map, reduce, inputs[map]);

        digest_add(&sum, &segment);
    }
    return sum;
}

size_t content_task_slot(const struct sim_job *job, enum stage_kind stage, uint32_t task)
{
    switch (stage) {
    case STAGE_PLAN:
        return 0;
    case STAGE_COMMIT:
        return 1;
    case STAGE_MAP:
        return 2 + task;
    case STAGE_REDUCE:
        return 2 + job->plan.map_count + task;
    case STAGE_SAMPLE:
        return 2 + job->plan.map_count + job->plan.reduce_count;
    }
    abort(); /* unreachable */
}

void content_made(struct cluster *cluster, uint64_t attempt_id, const uint64_t *inputs)
{
    struct made *made;

    assert(!content_find(cluster, attempt_id));
    if (cluster->made_count == cluster->made_capacity) {
        cluster->made_capacity = cluster->made_capacity ? 2 * cluster->made_capacity : 64;
        cluster->mades =
            mem_realloc_array(cluster->mades, cluster->made_capacity, sizeof *cluster->mades);
    }
    made = &cluster->mades[cluster->made_count++];
    *made = (struct made){.attempt_id = attempt_id};
    memcpy(made->inputs, inputs, sizeof made->inputs);
}

struct made *content_find(const struct cluster *cluster, uint64_t attempt_id)
{
    for (size_t i = cluster->made_count; i > 0; i--)
        if (cluster->mades[i - 1].attempt_id == attempt_id)
            return &cluster->mades[i - 1];
    return NULL;
}
