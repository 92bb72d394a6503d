#include "sched/backup.h"

#include <assert.h>

#include "base/clock.h"

enum {
    BACKUP_DONE_PERCENT = 90,
    BACKUP_MEDIANS = 3,
    BACKUP_SLOT_SHARE = 10, /* one slot of so many */
};
#define BACKUP_RUNTIME_NS_MIN (10 * NS_PER_S) /* what is shorter is not worth a slot */
#define BACKUP_STALL_NS       (30 * NS_PER_S)
#define BACKUP_SCAN_NS        NS_PER_S

static bool stage_is_ripe(const struct sched *sched, const struct stage *stage)
{
    const struct stage *maps = &stage->job->stages[STAGE_MAP];
    uint64_t done = stage->counts[TASK_COMPLETED];

    if (stage->counts[TASK_IDLE] > 0 || stage->counts[TASK_IN_PROGRESS] == 0)
        return false;
    if (!stage_is_open(sched, stage) || !stage_is_wanted(stage))
        return false;
    /* Who waits for a map is not slow by itself. */
    if (STAGE_TRAITS[stage->kind].fetches && maps->counts[TASK_COMPLETED] < maps->task_count)
        return false;
    return done * 100 >= (uint64_t)stage->task_count * BACKUP_DONE_PERCENT ||
           stage->task_count < sched->slot_count;
}

/* Would a fresh attempt, which takes `median_ns`, end before this one? */
static bool fresh_one_wins(const struct attempt *attempt, uint64_t runtime_ns, uint64_t median_ns)
{
    uint64_t permille = attempt->progress_permille;

    if (permille == 0)
        return true; /* nothing is known but that it is late */
    return permille < 1000 && runtime_ns / permille * (1000 - permille) > median_ns;
}

static bool is_slow(const struct sched *sched, const struct attempt *attempt, uint64_t median_ns)
{
    uint64_t runtime_ns = sched->now_ns - attempt->since_ns;

    assert(sched->now_ns >= attempt->since_ns);
    return attempt->phase == ATTEMPT_RUNNING && median_ns > 0 &&
           runtime_ns > BACKUP_RUNTIME_NS_MIN && runtime_ns / BACKUP_MEDIANS > median_ns &&
           fresh_one_wins(attempt, runtime_ns, median_ns);
}

/* The attempt that most deserves a second one, or NULL. They are listed by age. */
static struct attempt *slowest(const struct sched *sched, const struct stage *stage)
{
    uint64_t median_ns = runtime_median_ns(&stage->runtime);

    for (struct list *at = stage->live.next; at != &stage->live; at = at->next) {
        struct attempt *attempt = CONTAINER_OF(at, struct attempt, by_stage);
        bool is_stuck = sched->now_ns - attempt->moved_ns >= BACKUP_STALL_NS;

        assert(attempt->worker != NULL);
        if (attempt->phase == ATTEMPT_FETCHED || attempt->task->attempt->other)
            continue; /* it waits for us, or has its second */
        if (is_stuck || is_slow(sched, attempt, median_ns))
            return attempt;
    }
    return NULL;
}

/* A worker with room for another attempt of that task, or NULL. */
static struct worker *room_for(const struct sched *sched, const struct attempt *attempt)
{
    if (STAGE_TRAITS[attempt->task->stage->kind].fetches) {
        for (struct list *at = sched->with_fetch.next; at != &sched->with_fetch; at = at->next)
            if (CONTAINER_OF(at, struct worker, with_fetch) != attempt->worker)
                return CONTAINER_OF(at, struct worker, with_fetch);
    } else {
        for (struct list *at = sched->with_slot.next; at != &sched->with_slot; at = at->next)
            if (CONTAINER_OF(at, struct worker, with_slot) != attempt->worker)
                return CONTAINER_OF(at, struct worker, with_slot);
    }
    return NULL;
}

static void stage_back_up(struct sched *sched, struct stage *stage)
{
    struct attempt *attempt = stage_is_ripe(sched, stage) ? slowest(sched, stage) : NULL;
    struct worker *worker = attempt ? room_for(sched, attempt) : NULL;
    uint32_t count_max = sched->slot_count / BACKUP_SLOT_SHARE;

    if (!worker || sched->backup_count >= (count_max > 0 ? count_max : 1))
        return;
    assert(!stage->job->rules.unsafe);
    task_start(sched, attempt->task, worker);
    assert(attempt->task->attempt->other == attempt);
}

void backup_settle(struct sched *sched)
{
    if (!sched->options.backup)
        return;
    for (struct list *at = sched->jobs.next; sched->backup_is_due && at != &sched->jobs;
         at = at->next) {
        struct job *job = CONTAINER_OF(at, struct job, link);

        if (job->rules.unsafe)
            continue;
        stage_back_up(sched, &job->stages[STAGE_MAP]);
        stage_back_up(sched, &job->stages[STAGE_REDUCE]);
    }
    sched->backup_is_due = false;
    if (list_is_empty(&sched->jobs))
        timer_disarm(&sched->timers, &sched->backup);
    else if (!timer_is_armed(&sched->backup))
        timer_arm(&sched->timers, &sched->backup, sched->now_ns + BACKUP_SCAN_NS);
}
