/* The attempts of a host: processes that take a while, and what becomes of them. */
#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content.h"

struct proc *proc_get(const struct host *host, uint64_t attempt_id)
{
    for (size_t i = 0; i < host->proc_count; i++)
        if (host->procs[i]->attempt_id == attempt_id)
            return host->procs[i];
    return NULL;
}

void proc_add(struct host *host, const struct say *start)
{
    struct proc *proc = proc_get(host, start->attempt_id);

    if (proc)
        return; /* told again */
    if (host->proc_count == host->proc_capacity) {
        host->proc_capacity = host->proc_capacity ? 2 * host->proc_capacity : 16;
        host->procs = mem_realloc_array(host->procs, host->proc_capacity, sizeof(struct proc *));
    }
    proc = mem_alloc(sizeof *proc);
    proc->job_id = start->job_id;
    proc->attempt_id = start->attempt_id;
    proc->stage = start->stage;
    proc->task = start->task;
    proc->map_count = start->map_count;
    proc->keeps_output = start->keeps_output;
    proc->left_out = start->bad_count;
    host->procs[host->proc_count++] = proc;
}

void proc_remove(struct host *host, uint64_t attempt_id)
{
    for (size_t i = 0; i < host->proc_count; i++) {
        struct proc *proc = host->procs[i];

        if (proc->attempt_id != attempt_id)
            continue;
        assert(proc->state == PROC_TOLD || proc->state == PROC_ENDED);
        fetch_stop(host, proc);
        free(proc);
        host->procs[i] = host->procs[--host->proc_count];
        return;
    }
}

void proc_step_after(struct host *host, const struct proc *proc, uint64_t ns)
{
    struct cluster *cluster = host->cluster;
    struct moment moment = {.kind = MOMENT_ATTEMPT,
                            .node = host->node,
                            .life = cluster->net.nodes[host->node].life,
                            .id = proc->attempt_id};

    queue_add(&cluster->queue, &moment, ns);
}

/* One step of its work: the slower the host, the longer. */
static void take_a_while(struct host *host, const struct proc *proc)
{
    struct cluster *cluster = host->cluster;
    uint64_t ns = cluster_some_ms(cluster, 400);

    proc_step_after(host, proc, ns * cluster->setup.slowness[host->index]);
}

static void proc_begin(struct host *host, struct proc *proc)
{
    proc->state = PROC_RUNNING;
    proc->has_run = true;
    proc->steps_left = 1 + (uint32_t)rand_below(&host->cluster->rand, 6);
    take_a_while(host, proc);
}

void proc_start(struct host *host, struct proc *proc)
{
    assert(proc->state == PROC_TOLD); /* once only */
    host->cluster->tally.attempts++;
    if (proc->stage == STAGE_REDUCE)
        fetch_start(host, proc);
    else
        proc_begin(host, proc);
}

void proc_run(struct host *host, struct proc *proc)
{
    struct sim_job *job = cluster_job(host->cluster, proc->job_id);

    if (proc->state != PROC_HOLDING)
        return; /* it has just died, and the agent is to hear of it */
    for (uint32_t map = 0; map < job->plan.map_count; map++)
        assert(proc->inputs[map] != 0); /* I13 */
    proc_begin(host, proc);
}

void proc_kill(struct host *host, struct proc *proc)
{
    assert(proc->state != PROC_TOLD);
    if (proc->state == PROC_ENDED)
        return;
    fetch_stop(host, proc);
    proc->state = PROC_ENDING;
    proc->is_mute = false;
    proc_step_after(host, proc, cluster_some_ms(host->cluster, 100));
}

static void tell(struct host *host, const struct proc *proc, enum agent_event_kind kind,
                 enum err_kind failure)
{
    host_tell_agent(host, (struct agent_event){
                              .kind = kind, .attempt_id = proc->attempt_id, .failure = failure});
}

/* It has said all that it has to say, and ends. */
static void proc_settle(struct host *host, struct proc *proc, enum agent_event_kind kind,
                        enum err_kind failure)
{
    struct sim_job *job = cluster_job(host->cluster, proc->job_id);

    if (failure == ERR_LIMIT || failure == ERR_JOB)
        job->faults[content_task_slot(job, proc->stage, proc->task)]++;
    fetch_stop(host, proc);
    proc->state = PROC_ENDING;
    proc_step_after(host, proc, cluster_some_ms(host->cluster, 50));
    tell(host, proc, kind, failure);
}

static void proc_succeed(struct host *host, struct proc *proc)
{
    struct sim_job *job = cluster_job(host->cluster, proc->job_id);

    if (proc->stage == STAGE_REDUCE) {
        proc->result.digest = content_reduce(job, proc->task, proc->inputs);
        content_made(host->cluster, proc->attempt_id, proc->inputs);
    } else if (proc->stage == STAGE_MAP) { /* what a sample answers, only its job knows */
        proc->result.digest = content_map(job, proc->task, proc->attempt_id);
        if (proc->keeps_output)
            run_add(host, proc);
        else
            content_made(host->cluster, proc->attempt_id, proc->inputs);
    }
    proc_settle(host, proc, AGENT_ATTEMPT_DONE, ERR_NONE);
}

/* Any of the ways in which an attempt fails; ERR_NONE: it does not. */
static enum err_kind draw_failure(struct host *host)
{
    struct cluster *cluster = host->cluster;
    const struct weather *weather = &cluster->setup.weather;

    if (host->disk_is_full && rand_below(&cluster->rand, 3) == 0)
        return ERR_DISK;
    if (cluster_fault(cluster, weather->attempt_fails))
        return rand_below(&cluster->rand, 2) ? ERR_RETRY : ERR_DISK;
    if (cluster_fault(cluster, weather->attempt_limit))
        return ERR_LIMIT;
    if (cluster_fault(cluster, weather->attempt_raises))
        return ERR_JOB;
    return ERR_NONE;
}

/* All records that raise, or one that kills, if there is any. */
static bool proc_meets_bad(struct host *host, struct proc *proc)
{
    struct sim_job *job = cluster_job(host->cluster, proc->job_id);
    size_t slot = content_task_slot(job, proc->stage, proc->task);
    uint32_t bad_count = bad_met(&job->bad, slot, proc->left_out);
    bool kills = bad_count > 0 && rand_below(&host->cluster->rand, 2);

    if (bad_count == 0)
        return false;
    proc->result.bad_count = kills ? 1 : bad_count;
    proc_settle(host, proc, AGENT_ATTEMPT_FAILED, kills ? ERR_LIMIT : ERR_JOB);
    return true;
}

static void proc_work(struct host *host, struct proc *proc)
{
    struct cluster *cluster = host->cluster;
    enum err_kind failure = draw_failure(host);

    if (cluster_fault(cluster, cluster->setup.weather.attempt_hangs)) {
        proc->is_mute = true;
    } else if (cluster_fault(cluster, cluster->setup.weather.attempt_dies)) {
        proc->state = PROC_ENDING;
        proc_step_after(host, proc, 1);
    } else if (failure != ERR_NONE) {
        proc_settle(host, proc, AGENT_ATTEMPT_FAILED, failure);
    } else if (--proc->steps_left == 0) {
        if (!proc_meets_bad(host, proc))
            proc_succeed(host, proc);
    } else {
        take_a_while(host, proc);
    }
}

static void proc_fetched(struct host *host, struct proc *proc)
{
    const struct fetch_segment *segments = fetch_plan_segments(proc->plan);

    fetch_check(proc);
    for (uint32_t map = 0; map < proc->map_count; map++)
        proc->inputs[map] = segments[map].attempt;
    fetch_stop(host, proc);
    proc->state = PROC_HOLDING;
    tell(host, proc, AGENT_ATTEMPT_FETCHED, ERR_NONE);
}

void host_attempt_step(struct host *host, uint64_t attempt_id)
{
    struct proc *proc = proc_get(host, attempt_id);

    if (!proc || proc->is_mute)
        return;
    switch (proc->state) {
    case PROC_TOLD:
    case PROC_HOLDING:
    case PROC_ENDED:
        return;
    case PROC_FETCHING:
        if (proc->wake_ns <= host->cluster->queue.now_ns)
            proc->wake_ns = UINT64_MAX;
        fetch_go_on(host, proc);
        if (fetch_plan_is_complete(proc->plan))
            proc_fetched(host, proc);
        return;
    case PROC_RUNNING:
        proc_work(host, proc);
        return;
    case PROC_ENDING:
        fetch_stop(host, proc);
        proc->state = PROC_ENDED;
        tell(host, proc, AGENT_ATTEMPT_ENDED, ERR_NONE);
        return;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}
