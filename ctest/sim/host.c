#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct host *host_open(struct cluster *cluster, uint32_t node)
{
    struct host *host = mem_alloc(sizeof *host);

    host->cluster = cluster;
    host->node = node;
    host->index = node - NODE_WORKER;
    return host;
}

void host_close(struct host *host)
{
    if (!host)
        return;
    if (host->agent)
        host_stop(host);
    free(host->runs);
    free(host->procs);
    free(host);
}

/* What a heartbeat and a join say of this worker. */
static void add_running(const struct host *host, struct say *say, bool as_heartbeat)
{
    size_t count;
    const struct agent_attempt *attempts = agent_attempts(host->agent, &count);

    for (size_t i = 0; i < count; i++) {
        const struct proc *proc = proc_get(host, attempts[i].id);

        if (attempts[i].state == AGENT_ATTEMPT_DYING || attempts[i].state == AGENT_ATTEMPT_ENDING)
            continue;
        if (as_heartbeat && (!proc || proc->is_mute))
            continue;
        say_add(say, (struct say_item){.list = SAY_RUNNING,
                                       .job_id = attempts[i].job_id,
                                       .attempt_id = attempts[i].id,
                                       .task = attempts[i].task});
    }
}

static void say_join(struct host *host)
{
    struct say say = {.slot_count = host->cluster->setup.slots[host->index],
                      .epoch = agent_epoch(host->agent),
                      .draining = agent_is_draining(host->agent)};
    size_t count;
    const struct agent_held *held = agent_held_outputs(host->agent, &count);

    add_running(host, &say, false);
    for (size_t i = 0; i < count; i++)
        say_add(&say, (struct say_item){.list = SAY_HELD,
                                        .job_id = held[i].job_id,
                                        .attempt_id = held[i].attempt_id,
                                        .task = held[i].task});
    host_say_to_master(host, SAY_JOIN, &say);
}

void host_say_to_master(struct host *host, enum say_kind kind, struct say *say)
{
    say->incarnation = host->incarnation;
    if (host->conn != 0)
        say_send(&host->cluster->net, host->conn, host->node, kind, say);
}

static void say_report(struct host *host, const struct agent_action *action)
{
    const struct proc *proc = proc_get(host, action->attempt_id);
    struct say say = {0};

    if (proc && action->report == AGENT_REPORT_DONE)
        say = proc->result;
    if (proc && action->report == AGENT_REPORT_FAILED)
        say.bad_count = proc->result.bad_count;
    say.attempt_id = action->attempt_id;
    say.report = action->report;
    say.failure = action->failure;
    host_say_to_master(host, SAY_REPORT, &say);
}

static void hang_up(struct host *host)
{
    if (host->conn != 0)
        net_close(&host->cluster->net, host->conn, host->node);
    host->conn = 0;
}

static void connect_to_master(struct host *host, uint64_t number)
{
    assert(host->conn == 0 || !net_is_open(&host->cluster->net, host->conn, host->node));
    host->conn = net_connect(&host->cluster->net, host->node, NODE_MASTER);
    host->conn_number = number;
}

static void pass_sources(struct host *host, uint64_t job_id)
{
    assert(host->sources.job_id == job_id);
    for (size_t i = 0; i < host->proc_count; i++)
        if (host->procs[i]->job_id == job_id && host->procs[i]->state == PROC_FETCHING)
            fetch_sources(host, host->procs[i], &host->sources);
}

static void act_for_attempt(struct host *host, const struct agent_action *action)
{
    struct proc *proc = proc_get(host, action->attempt_id);

    assert(proc != NULL);
    if (action->kind == AGENT_START_ATTEMPT)
        proc_start(host, proc);
    else if (action->kind == AGENT_RUN_ATTEMPT)
        proc_run(host, proc);
    else
        proc_kill(host, proc);
}

static void act(struct host *host, const struct agent_action *action)
{
    struct say say = {0};

    switch (action->kind) {
    case AGENT_CONNECT:
        connect_to_master(host, action->connection);
        return;
    case AGENT_DISCONNECT:
        hang_up(host);
        return;
    case AGENT_SEND_JOIN:
        say_join(host);
        return;
    case AGENT_SEND_HEARTBEAT:
        say.draining = agent_is_draining(host->agent);
        add_running(host, &say, true);
        host_say_to_master(host, SAY_HEARTBEAT, &say);
        return;
    case AGENT_SEND_REPORT:
        say_report(host, action);
        return;
    case AGENT_SEND_OUTPUT_LOST:
        say.job_id = action->job_id;
        say.peer_task = action->task;
        say.peer_attempt_id = action->attempt_id;
        host_say_to_master(host, SAY_OUTPUT_LOST, &say);
        return;
    case AGENT_START_ATTEMPT:
    case AGENT_RUN_ATTEMPT:
    case AGENT_KILL_ATTEMPT:
        act_for_attempt(host, action);
        return;
    case AGENT_DROP_ATTEMPT:
        proc_remove(host, action->attempt_id);
        return;
    case AGENT_DELETE_OUTPUT:
        run_delete(host, action->attempt_id);
        return;
    case AGENT_PASS_SOURCES:
        pass_sources(host, action->job_id);
        return;
    case AGENT_DELETE_JOB:
        run_delete_job(host, action->job_id);
        return;
    case AGENT_EXIT:
        host->wants_exit = true;
        return;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

/* I8: no slot is given twice, and I13 (proc_run) who has one has all it needs. */
static void check_slots(const struct host *host)
{
    uint32_t used = 0;

    for (size_t i = 0; i < host->proc_count; i++)
        used += host->procs[i]->has_run && host->procs[i]->state != PROC_ENDED;
    assert(used <= host->cluster->setup.slots[host->index]);
}

void host_tell_agent(struct host *host, struct agent_event event)
{
    uint64_t due_ns;

    assert(!host->is_acting); /* what follows from an action comes later, as in a loop */
    host->is_acting = true;
    event.now_ns = host->cluster->queue.now_ns;
    agent_step(host->agent, &event, &host->out);
    trace_agent(host->cluster, host->index, &event, &host->out);
    agent_check(host->agent);
    for (size_t i = 0; i < host->out.action_count; i++)
        act(host, &host->out.actions[i]);
    host->is_acting = false;
    check_slots(host);
    due_ns = agent_next_due_ns(host->agent);
    if (due_ns < host->wake_ns) {
        host->wake_ns = due_ns;
        cluster_timer(host->cluster, host->node, 0,
                      due_ns > event.now_ns ? due_ns - event.now_ns : 0);
    }
    if (host->wants_exit)
        cluster_worker_exits(host->cluster, host->index);
}

void host_start(struct host *host)
{
    struct agent_options options;

    assert(!host->agent);
    host->incarnation = ++host->cluster->incarnation_last;
    agent_options_default(&options);
    options.seed = rand_next(&host->cluster->rand);
    options.incarnation = host->incarnation;
    options.slot_count = host->cluster->setup.slots[host->index];
    host->agent = agent_open(&options);
    host->run_count = 0; /* it cleans up what its earlier lives left */
    host->conn = 0;
    host->wake_ns = UINT64_MAX;
    host->wants_exit = false;
    host->disk_is_full = false;
    host_tell_agent(host, (struct agent_event){.kind = AGENT_TICK});
}

void host_stop(struct host *host)
{
    assert(host->agent != NULL);
    assert(!host->is_acting);
    while (host->proc_count > 0) {
        host->procs[0]->state = PROC_ENDED;
        proc_remove(host, host->procs[0]->attempt_id);
    }
    agent_close(host->agent);
    host->agent = NULL;
    agent_output_deinit(&host->out);
    host->out = (struct agent_output){0};
}

void host_drain(struct host *host)
{
    host_tell_agent(host, (struct agent_event){.kind = AGENT_DRAIN});
}

void host_set_disk(struct host *host, bool is_full)
{
    host->disk_is_full = is_full;
    host_tell_agent(host, (struct agent_event){.kind = AGENT_DISK, .disk_is_full = is_full});
}

void host_timer(struct host *host)
{
    if (host->cluster->queue.now_ns < host->wake_ns)
        return; /* it was asked for before a later one was */
    host->wake_ns = UINT64_MAX;
    host_tell_agent(host, (struct agent_event){.kind = AGENT_TICK});
}

void host_opened(struct host *host, uint64_t conn)
{
    if (conn == host->conn)
        host_tell_agent(
            host, (struct agent_event){.kind = AGENT_CONNECTED, .connection = host->conn_number});
    else
        fetch_opened(host, conn);
}

void host_closed(struct host *host, uint64_t conn)
{
    if (conn != host->conn) {
        fetch_closed(host, conn);
        return;
    }
    host->conn = 0;
    host_tell_agent(
        host, (struct agent_event){.kind = AGENT_DISCONNECTED, .connection = host->conn_number});
}

/* The kind of event that a message of the master is. */
static enum agent_event_kind event_kind_of(enum say_kind kind)
{
    switch (kind) {
    case SAY_WELCOME:
        return AGENT_WELCOME;
    case SAY_START:
        return AGENT_START;
    case SAY_RUN:
        return AGENT_RUN;
    case SAY_KILL:
        return AGENT_KILL;
    case SAY_FORGET:
        return AGENT_FORGET;
    case SAY_JOB_OVER:
        return AGENT_JOB_OVER;
    case SAY_SOURCES:
        return AGENT_SOURCES;
    case SAY_HEARD:
        return AGENT_HEARD;
    default:
        abort(); /* no master says this */
    }
}

static size_t ids_of(const struct say *say, enum say_list list, uint64_t *ids)
{
    size_t count = 0;

    for (uint32_t i = 0; i < say->item_count; i++)
        if (say->items[i].list == list)
            ids[count++] = list == SAY_OVER ? say->items[i].job_id : say->items[i].attempt_id;
    return count;
}

static void hear_master(struct host *host, enum say_kind kind, const struct say *say)
{
    uint64_t kill[SAY_ITEMS_MAX], over[SAY_ITEMS_MAX], forget[SAY_ITEMS_MAX];
    struct agent_event event = {.kind = event_kind_of(kind),
                                .connection = host->conn_number,
                                .epoch = say->epoch,
                                .incarnation = say->incarnation,
                                .worker_id = say->worker_id,
                                .attempt_id = say->attempt_id,
                                .job_id = say->job_id,
                                .task = say->task,
                                .fetches = say->stage == STAGE_REDUCE,
                                .keeps_output = say->keeps_output,
                                .report = say->report,
                                .kill = kill,
                                .over_jobs = over,
                                .forget = forget,
                                .kill_count = ids_of(say, SAY_TO_KILL, kill),
                                .over_job_count = ids_of(say, SAY_OVER, over),
                                .forget_count = ids_of(say, SAY_TO_FORGET, forget)};

    if (kind == SAY_SOURCES)
        host->sources = *say;
    if (kind == SAY_START)
        proc_add(host, say);
    host_tell_agent(host, event);
    if (kind == SAY_START && host->agent && !agent_attempt_of(host->agent, say->attempt_id))
        proc_remove(host, say->attempt_id); /* it would not have it */
}

void host_message(struct host *host, uint64_t conn, enum say_kind kind, const struct say *say)
{
    if (conn == host->conn)
        hear_master(host, kind, say);
    else if (kind == SAY_FETCH)
        serve_message(host, conn, say);
    else
        fetch_message(host, conn, kind, say);
}
