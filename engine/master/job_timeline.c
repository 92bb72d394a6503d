#include "master/job_timeline.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

void job_timeline_deinit(struct job_timeline *timeline)
{
    free(timeline->entries);
    *timeline = (struct job_timeline){0};
}

static void grow(struct job_timeline *timeline)
{
    size_t capacity = timeline->capacity ? 2 * timeline->capacity : 16;

    if (timeline->count < timeline->capacity || timeline->capacity == JOB_TIMELINE_COUNT_MAX)
        return;
    if (capacity > JOB_TIMELINE_COUNT_MAX)
        capacity = JOB_TIMELINE_COUNT_MAX;
    timeline->entries = mem_realloc_array(timeline->entries, capacity, sizeof *timeline->entries);
    timeline->capacity = capacity;
}

void job_timeline_add(struct job_timeline *timeline, const struct timeline_entry *entry)
{
    grow(timeline);
    timeline->entries[timeline->count % timeline->capacity] = *entry;
    timeline->count++;
}

uint64_t job_timeline_first(const struct job_timeline *timeline)
{
    return timeline->count > timeline->capacity ? timeline->count - timeline->capacity : 0;
}

const struct timeline_entry *job_timeline_get(const struct job_timeline *timeline, uint64_t number)
{
    assert(number >= job_timeline_first(timeline));
    assert(number < timeline->count);
    return &timeline->entries[number % timeline->capacity];
}

const struct timeline_entry *job_timeline_find(const struct job_timeline *timeline,
                                               uint64_t attempt_id)
{
    for (uint64_t i = timeline->count; i > job_timeline_first(timeline); i--) {
        const struct timeline_entry *entry = job_timeline_get(timeline, i - 1);

        if (entry->attempt_id == attempt_id)
            return entry;
    }
    return NULL;
}

bool attempt_outcome_of(const struct fact *fact, const struct fact *next,
                        enum attempt_outcome *outcome)
{
    switch (fact->kind) {
    case FACT_PLAN_MADE:
    case FACT_TASK_COMPLETED:
        *outcome = OUTCOME_COMPLETED;
        return true;
    case FACT_ATTEMPT_ENDED:
        *outcome = fact->failure != ERR_NONE       ? OUTCOME_FAILED
                   : fact_is_lost_race(fact, next) ? OUTCOME_LOST_RACE
                                                   : OUTCOME_GIVEN_UP;
        return true;
    case FACT_RECORDS_BAD:
        *outcome = OUTCOME_FAILED;
        return true;
    case FACT_EPOCH_BEGUN:
    case FACT_JOB_ACCEPTED:
    case FACT_ATTEMPT_STARTED:
    case FACT_OUTPUT_LOST:
    case FACT_OUTPUT_FOUND:
    case FACT_WORKER_LOST:
    case FACT_OUTPUTS_LOST:
    case FACT_JOB_ENDED:
        return false;
    }
    return false;
}

const char *attempt_outcome_name(enum attempt_outcome outcome)
{
    static const char *const names[] = {"completed", "failed", "given_up", "worker_lost",
                                        "lost_race"};

    return names[outcome];
}
