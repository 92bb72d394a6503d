#include "master/job_effort.h"

#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

static uint64_t took_ns(const struct timeline_entry *entry)
{
    return entry->ended_ns > entry->begun_ns ? entry->ended_ns - entry->begun_ns : 0;
}

/* Keeps the slowest; of two that took the same the one that was there. */
static void keep_slow(struct job_effort *effort, const struct job_slow *slow)
{
    uint32_t at = effort->slow_count;

    while (at > 0 && took_ns(&effort->slowest[at - 1].entry) < took_ns(&slow->entry))
        at--;
    if (at == JOB_EFFORT_SLOWEST_COUNT_MAX)
        return;
    if (effort->slow_count < JOB_EFFORT_SLOWEST_COUNT_MAX)
        effort->slow_count++;
    memmove(&effort->slowest[at + 1], &effort->slowest[at],
            (effort->slow_count - at - 1) * sizeof effort->slowest[0]);
    effort->slowest[at] = *slow;
}

void job_effort_attempt(struct job_effort *effort, const struct timeline_entry *entry,
                        const char *worker)
{
    struct job_slow slow = {.entry = *entry};

    effort->ended[entry->outcome]++;
    if (entry->outcome != OUTCOME_COMPLETED || entry->stage == STAGE_PLAN ||
        entry->stage == STAGE_COMMIT)
        return;
    if (worker)
        strncpy(slow.worker, worker, JOB_EFFORT_WORKER_BYTES_MAX);
    keep_slow(effort, &slow);
}

void job_effort_output_lost(struct job_effort *effort)
{
    effort->outputs_lost++;
}

void job_effort_worker_lost(struct job_effort *effort)
{
    effort->workers_lost++;
}

bool job_effort_may_notice(struct job_effort *effort)
{
    return effort->notice_count < JOB_EFFORT_NOTICE_COUNT_MAX && ++effort->notice_count;
}

void job_effort_add(struct job_effort *effort, const struct job_effort *of_step, uint32_t step)
{
    for (int i = 0; i < OUTCOME_COUNT; i++)
        effort->ended[i] += of_step->ended[i];
    effort->outputs_lost += of_step->outputs_lost;
    effort->workers_lost += of_step->workers_lost;
    for (int i = 0; i < STAGE_COUNT; i++)
        effort->work.seconds[i] += of_step->work.seconds[i];
    effort->work.bytes_read += of_step->work.bytes_read;
    effort->work.records_read += of_step->work.records_read;
    effort->work.bytes_shuffled += of_step->work.bytes_shuffled;
    effort->work.records_shuffled += of_step->work.records_shuffled;
    for (uint32_t i = 0; i < of_step->slow_count; i++) {
        struct job_slow slow = of_step->slowest[i];

        slow.step = step;
        keep_slow(effort, &slow);
    }
}

void job_work_of(const struct job_results *results, const Mrlua__Plan *plan,
                 const uint64_t begun_ns[STAGE_COUNT], const uint64_t ended_ns[STAGE_COUNT],
                 uint64_t now_ns, struct job_work *out)
{
    *out = (struct job_work){.bytes_read = plan ? plan->bytes : 0};
    for (int i = 0; i < STAGE_COUNT; i++) {
        uint64_t until_ns = ended_ns[i] > begun_ns[i] ? ended_ns[i] : now_ns;

        if (begun_ns[i] && until_ns > begun_ns[i])
            out->seconds[i] = (double)(until_ns - begun_ns[i]) / (double)NS_PER_S;
    }
    out->records_read = (uint64_t)job_results_sum(results, STAGE_MAP, "map_records_in");
    out->bytes_shuffled = (uint64_t)job_results_sum(results, STAGE_MAP, "map_bytes_written");
    out->records_shuffled = (uint64_t)job_results_sum(results, STAGE_MAP, "map_records_written");
}

static Mrlua__SlowAttempt *make_slow(const struct job_slow *slow)
{
    Mrlua__SlowAttempt *message = mem_alloc(sizeof *message);

    mrlua__slow_attempt__init(message);
    message->stage = (uint32_t)slow->entry.stage;
    message->task = slow->entry.task;
    message->step = slow->step;
    message->attempt = slow->entry.attempt_id;
    message->worker_id = slow->entry.worker_id;
    message->worker = mem_strdup(slow->worker);
    message->seconds = (double)took_ns(&slow->entry) / (double)NS_PER_S;
    return message;
}

Mrlua__JobEffort *job_effort_make(const struct job_effort *effort)
{
    Mrlua__JobEffort *message = mem_alloc(sizeof *message);

    mrlua__job_effort__init(message);
    message->slowest = mem_alloc_array(effort->slow_count, sizeof *message->slowest);
    for (uint32_t i = 0; i < effort->slow_count; i++)
        message->slowest[message->n_slowest++] = make_slow(&effort->slowest[i]);
    message->failed = effort->ended[OUTCOME_FAILED];
    message->given_up = effort->ended[OUTCOME_GIVEN_UP];
    message->lost = effort->ended[OUTCOME_WORKER_LOST];
    message->lost_races = effort->ended[OUTCOME_LOST_RACE];
    message->outputs_lost = effort->outputs_lost;
    message->workers_lost = effort->workers_lost;
    message->seconds = mem_alloc_array(STAGE_COUNT, sizeof *message->seconds);
    message->n_seconds = STAGE_COUNT;
    memcpy(message->seconds, effort->work.seconds, sizeof effort->work.seconds);
    message->bytes_read = effort->work.bytes_read;
    message->records_read = effort->work.records_read;
    message->bytes_shuffled = effort->work.bytes_shuffled;
    message->records_shuffled = effort->work.records_shuffled;
    return message;
}
