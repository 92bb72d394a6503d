#include "worker/agent_state.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

void agent_options_default(struct agent_options *options)
{
    *options = (struct agent_options){
        .heartbeat_ns = 1 * NS_PER_S,
        .report_repeat_ns = 5 * NS_PER_S,
        .welcome_ns = 10 * NS_PER_S,
        .reconnect_ns_min = 50 * NS_PER_MS,
        .reconnect_ns_max = 2 * NS_PER_S,
        .drain_ns = 30 * NS_PER_S,
    };
}

struct agent *agent_open(const struct agent_options *options)
{
    struct agent *agent = mem_alloc(sizeof *agent);

    assert(options->incarnation != 0);
    assert(options->slot_count > 0 && options->slot_count <= AGENT_SLOT_COUNT_MAX);
    assert(options->reconnect_ns_min > 0 && options->heartbeat_ns > 0);
    agent->options = *options;
    agent->repeat_due_ns = UINT64_MAX;
    rand_init(&agent->rand, options->seed);
    recent_init(&agent->gone, AGENT_MEMORY_COUNT);
    recent_init(&agent->over_jobs, AGENT_OVER_JOB_COUNT);
    return agent;
}

void agent_close(struct agent *agent)
{
    if (!agent)
        return;
    recent_deinit(&agent->gone);
    recent_deinit(&agent->over_jobs);
    free(agent->attempts);
    free(agent->held);
    free(agent->closing_jobs);
    free(agent);
}

/* ---- actions ---- */

void agent_output_deinit(struct agent_output *out)
{
    free(out->actions);
    *out = (struct agent_output){0};
}

struct agent_action *agent_act(struct agent *agent, enum agent_action_kind kind)
{
    struct agent_output *out = agent->out;
    struct agent_action *action;

    if (out->action_count == out->action_capacity) {
        out->action_capacity = out->action_capacity ? 2 * out->action_capacity : 8;
        out->actions = mem_realloc_array(out->actions, out->action_capacity, sizeof *out->actions);
    }
    action = &out->actions[out->action_count++];
    *action = (struct agent_action){.kind = kind, .connection = agent->connection};
    return action;
}

struct agent_action *agent_act_on(struct agent *agent, enum agent_action_kind kind,
                                  const struct agent_attempt *attempt)
{
    struct agent_action *action = agent_act(agent, kind);

    action->attempt_id = attempt->id;
    action->job_id = attempt->job_id;
    action->task = attempt->task;
    return action;
}

/* ---- the connection ---- */

static void connect_now(struct agent *agent)
{
    agent->connection++;
    agent->link = LINK_CONNECTING;
    agent->link_due_ns = agent->now_ns + agent->options.welcome_ns;
    agent_act(agent, AGENT_CONNECT);
}

/* Full jitter: the workers of a master that is back do not all come in one moment. */
static void connect_later(struct agent *agent)
{
    uint64_t most = agent->options.reconnect_ns_min;

    for (uint32_t i = 0; i < agent->failure_count && most < agent->options.reconnect_ns_max; i++)
        most *= 2;
    if (most > agent->options.reconnect_ns_max)
        most = agent->options.reconnect_ns_max;
    agent->failure_count++;
    agent->link = LINK_WAITING;
    agent->link_due_ns = agent->now_ns + 1 + rand_below(&agent->rand, most);
    agent->repeat_due_ns = UINT64_MAX;
}

static void hang_up(struct agent *agent)
{
    agent_act(agent, AGENT_DISCONNECT);
    connect_later(agent);
}

static bool on_connected(struct agent *agent, const struct agent_event *event)
{
    if (agent->link != LINK_CONNECTING || event->connection != agent->connection)
        return false;
    agent->link = LINK_JOINING;
    agent_act(agent, AGENT_SEND_JOIN);
    return true;
}

static bool on_disconnected(struct agent *agent, const struct agent_event *event)
{
    if (agent->link == LINK_WAITING || event->connection != agent->connection)
        return false;
    connect_later(agent);
    return true;
}

/* A restarted master does not know what has fetched: it is told again whatever it had heard. */
static void repeat_fetched(struct agent *agent)
{
    for (size_t i = 0; i < agent->attempt_count; i++) {
        if (agent->attempts[i].state == AGENT_ATTEMPT_WAITING)
            agent->attempts[i].report = AGENT_REPORT_FETCHED;
    }
}

static bool on_welcome(struct agent *agent, const struct agent_event *event)
{
    if (agent->link != LINK_JOINING || event->connection != agent->connection ||
        event->incarnation != agent->options.incarnation)
        return false;
    if (event->epoch < agent->epoch) { /* it has slept while another took its place */
        hang_up(agent);
        return false;
    }
    agent->link = LINK_JOINED;
    agent->failure_count = 0;
    agent->epoch = event->epoch;
    agent->worker_id = event->worker_id;
    agent->heartbeat_due_ns = agent->now_ns; /* says at once how far the attempts are */
    for (size_t i = 0; i < event->over_job_count; i++)
        agent_on_job_over(agent, event->over_jobs[i]);
    for (size_t i = 0; i < event->kill_count; i++)
        agent_on_kill(agent, event->kill[i]);
    for (size_t i = 0; i < event->forget_count; i++)
        agent_on_forget(agent, event->forget[i]);
    repeat_fetched(agent);
    agent_report_all(agent);
    return true;
}

static bool on_sources(struct agent *agent, const struct agent_event *event)
{
    if (recent_has(&agent->over_jobs, event->job_id))
        return false;
    agent_act(agent, AGENT_PASS_SOURCES)->job_id = event->job_id;
    return true;
}

static bool is_of_our_master(const struct agent *agent, const struct agent_event *event)
{
    return agent->link == LINK_JOINED && event->connection == agent->connection &&
           event->epoch == agent->epoch && event->incarnation == agent->options.incarnation;
}

/* False: it changed nothing. */
static bool on_message(struct agent *agent, const struct agent_event *event)
{
    if (!is_of_our_master(agent, event))
        return false;
    switch (event->kind) {
    case AGENT_START:
        return agent_on_start(agent, event);
    case AGENT_RUN:
        return agent_on_run(agent, event->attempt_id);
    case AGENT_KILL:
        return agent_on_kill(agent, event->attempt_id);
    case AGENT_FORGET:
        return agent_on_forget(agent, event->attempt_id);
    case AGENT_JOB_OVER:
        return agent_on_job_over(agent, event->job_id);
    case AGENT_SOURCES:
        return on_sources(agent, event);
    case AGENT_HEARD:
        return agent_on_heard(agent, event->attempt_id, event->report);
    default:
        abort(); /* on_event() passes no others */
    }
}

/* ---- drain ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool on_drain(struct agent *agent, uint64_t within_ns)
{
    uint64_t drain_ns =
        within_ns ? earlier(within_ns, agent->options.drain_ns) : agent->options.drain_ns;

    if (agent->is_draining && within_ns) {
        agent->drain_due_ns = earlier(agent->drain_due_ns, agent->now_ns + drain_ns);
        return true;
    }
    if (agent->is_draining) {
        agent->has_exited = true;
        agent_act(agent, AGENT_EXIT);
        return true;
    }
    agent->is_draining = true;
    agent->drain_due_ns = agent->now_ns + drain_ns;
    if (agent->link == LINK_JOINED) /* before what is handed back, or it would be sent again */
        agent_act(agent, AGENT_SEND_HEARTBEAT);
    agent_hand_back(agent, false);
    return true;
}

static bool has_processes(const struct agent *agent)
{
    for (size_t i = 0; i < agent->attempt_count; i++) {
        if (agent->attempts[i].has_process)
            return true;
    }
    return false;
}

/* Nobody needs this worker any more, or nobody has been there to need it for long enough. */
static bool may_exit(const struct agent *agent)
{
    if (!agent->is_draining || has_processes(agent))
        return false;
    if (agent->attempt_count == 0 && agent->held_count == 0)
        return true;
    return agent->link != LINK_JOINED && agent->now_ns >= agent->drain_due_ns;
}

/* ---- steps ---- */

static bool on_event(struct agent *agent, const struct agent_event *event)
{
    switch (event->kind) {
    case AGENT_TICK:
        return true;
    case AGENT_CONNECTED:
        return on_connected(agent, event);
    case AGENT_DISCONNECTED:
        return on_disconnected(agent, event);
    case AGENT_WELCOME:
        return on_welcome(agent, event);
    case AGENT_START:
    case AGENT_RUN:
    case AGENT_KILL:
    case AGENT_FORGET:
    case AGENT_JOB_OVER:
    case AGENT_SOURCES:
    case AGENT_HEARD:
        return on_message(agent, event);
    case AGENT_ATTEMPT_FETCHED:
        return agent_on_fetched(agent, event->attempt_id);
    case AGENT_ATTEMPT_DONE:
        return agent_on_done(agent, event->attempt_id);
    case AGENT_ATTEMPT_FAILED:
        return agent_on_failed(agent, event->attempt_id, event->failure);
    case AGENT_ATTEMPT_ENDED:
        return agent_on_ended(agent, event->attempt_id);
    case AGENT_OUTPUT_BROKEN:
        return agent_on_broken(agent, event->attempt_id);
    case AGENT_DISK:
        agent->disk_is_full = event->disk_is_full;
        return true;
    case AGENT_DRAIN:
        return on_drain(agent, event->drain_within_ns);
    }
    abort(); /* unreachable: all kinds are above */
}

/* What is due by now. */
static void on_time(struct agent *agent)
{
    uint64_t now_ns = agent->now_ns;

    if (agent->is_draining && now_ns >= agent->drain_due_ns)
        agent_hand_back(agent, true);
    if (agent->link == LINK_JOINED) {
        if (now_ns >= agent->heartbeat_due_ns) {
            agent_act(agent, AGENT_SEND_HEARTBEAT);
            agent->heartbeat_due_ns = now_ns + agent->options.heartbeat_ns;
        }
        if (now_ns >= agent->repeat_due_ns)
            agent_report_all(agent);
        return;
    }
    if (now_ns < agent->link_due_ns)
        return;
    if (agent->link == LINK_WAITING)
        connect_now(agent);
    else
        hang_up(agent);
}

void agent_step(struct agent *agent, const struct agent_event *event, struct agent_output *out)
{
    assert(event->now_ns >= agent->now_ns);
    out->action_count = 0;
    if (agent->has_exited)
        return;
    agent->out = out;
    agent->now_ns = event->now_ns;
    if (!on_event(agent, event))
        agent->stale_count++;
    if (!agent->has_exited) {
        on_time(agent);
        agent_settle(agent);
        if (may_exit(agent)) {
            agent->has_exited = true;
            agent_act(agent, AGENT_EXIT);
        }
    }
    agent->out = NULL;
}

uint64_t agent_next_due_ns(const struct agent *agent)
{
    uint64_t due_ns = UINT64_MAX;

    if (agent->has_exited)
        return UINT64_MAX;
    if (agent->is_draining && agent->now_ns < agent->drain_due_ns)
        due_ns = agent->drain_due_ns;
    if (agent->link == LINK_JOINED)
        return earlier(due_ns, earlier(agent->heartbeat_due_ns, agent->repeat_due_ns));
    return earlier(due_ns, agent->link_due_ns);
}
