#include "worker/agent_state.h"

#include <stdlib.h>

const struct agent_attempt *agent_attempts(const struct agent *agent, size_t *count)
{
    *count = agent->attempt_count;
    return agent->attempts;
}

const struct agent_held *agent_held_outputs(const struct agent *agent, size_t *count)
{
    *count = agent->held_count;
    return agent->held;
}

const struct agent_attempt *agent_attempt_of(const struct agent *agent, uint64_t attempt_id)
{
    return agent_find(agent, attempt_id);
}

bool agent_holds(const struct agent *agent, uint64_t attempt_id)
{
    for (size_t i = 0; i < agent->held_count; i++) {
        if (agent->held[i].attempt_id == attempt_id)
            return true;
    }
    return false;
}

uint64_t agent_epoch(const struct agent *agent)
{
    return agent->epoch;
}

uint32_t agent_worker_id(const struct agent *agent)
{
    return agent->worker_id;
}

bool agent_is_joined(const struct agent *agent)
{
    return agent->link == LINK_JOINED;
}

bool agent_is_draining(const struct agent *agent)
{
    return agent->is_draining;
}

uint32_t agent_slots_used(const struct agent *agent)
{
    return agent->slots_used;
}

uint64_t agent_stale_count(const struct agent *agent)
{
    return agent->stale_count;
}

/* ---- invariants ---- */

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What a state says about the rest of an attempt. */
static void check_attempt(const struct agent_attempt *attempt)
{
    bool is_late = attempt->state == AGENT_ATTEMPT_ENDING || attempt->state == AGENT_ATTEMPT_DYING;

    must(attempt->id != 0 && attempt->job_id != 0);
    must(attempt->has_process || !attempt->has_slot);
    must(attempt->report == AGENT_REPORT_NONE || !is_late);
    must(attempt->has_process || !is_late);
    switch (attempt->state) {
    case AGENT_ATTEMPT_QUEUED:
        must(!attempt->fetches && !attempt->drives && !attempt->has_process);
        break;
    case AGENT_ATTEMPT_RUNNING:
        must(attempt->has_slot != attempt->drives && attempt->report == AGENT_REPORT_NONE);
        must(!attempt->drives || (!attempt->fetches && !attempt->keeps_output));
        break;
    case AGENT_ATTEMPT_FETCHING:
    case AGENT_ATTEMPT_WAITING:
    case AGENT_ATTEMPT_ALLOWED:
        must(attempt->fetches && attempt->has_process && !attempt->has_slot);
        must(attempt->report == AGENT_REPORT_NONE ||
             (attempt->report == AGENT_REPORT_FETCHED && attempt->state == AGENT_ATTEMPT_WAITING));
        break;
    case AGENT_ATTEMPT_OVER:
        must(attempt->report > AGENT_REPORT_FETCHED);
        must((attempt->report == AGENT_REPORT_DONE) == (attempt->failure == ERR_NONE));
        break;
    case AGENT_ATTEMPT_ENDING:
    case AGENT_ATTEMPT_DYING:
        break;
    }
}

void agent_check(const struct agent *agent)
{
    uint32_t slots_used = 0;
    bool is_silent = true, somebody_waits = false;

    for (size_t i = 0; i < agent->attempt_count; i++) {
        const struct agent_attempt *attempt = &agent->attempts[i];

        check_attempt(attempt);
        must(agent_find(agent, attempt->id) == attempt); /* no id twice */
        must(!agent_holds(agent, attempt->id) || attempt->state == AGENT_ATTEMPT_ENDING);
        slots_used += attempt->has_slot;
        is_silent = is_silent && attempt->report == AGENT_REPORT_NONE;
        somebody_waits = somebody_waits || attempt->state == AGENT_ATTEMPT_QUEUED ||
                         attempt->state == AGENT_ATTEMPT_ALLOWED;
        must(!agent->is_draining || attempt->has_slot || attempt->state > AGENT_ATTEMPT_ALLOWED);
    }
    must(slots_used == agent->slots_used && slots_used <= agent->options.slot_count);
    must(!somebody_waits || slots_used == agent->options.slot_count);
    must(is_silent || agent->link != LINK_JOINED || agent->repeat_due_ns != UINT64_MAX);
    for (size_t i = 0; i < agent->held_count; i++)
        must(!recent_has(&agent->over_jobs, agent->held[i].job_id));
    for (size_t i = 0; i < agent->closing_count; i++) /* or DELETE_JOB was due */
        must(recent_has(&agent->over_jobs, agent->closing_jobs[i]));
}

/* ---- names ---- */

const char *agent_event_kind_name(enum agent_event_kind kind)
{
    static const char *const names[AGENT_EVENT_KIND_COUNT] = {
        "tick",          "connected",      "disconnected",
        "welcome",       "start",          "run",
        "kill",          "forget",         "job_over",
        "sources",       "heard",          "attempt_fetched",
        "attempt_done",  "attempt_failed", "attempt_ended",
        "output_broken", "disk",           "drain",
    };

    return names[kind];
}

const char *agent_action_kind_name(enum agent_action_kind kind)
{
    static const char *const names[AGENT_ACTION_KIND_COUNT] = {
        "connect",          "disconnect",    "send_join",   "send_heartbeat", "send_report",
        "send_output_lost", "start_attempt", "run_attempt", "kill_attempt",   "drop_attempt",
        "delete_output",    "pass_sources",  "delete_job",  "exit",
    };

    return names[kind];
}

const char *agent_attempt_state_name(enum agent_attempt_state state)
{
    static const char *const names[AGENT_ATTEMPT_STATE_COUNT] = {
        "queued", "running", "fetching", "waiting", "allowed", "over", "ending", "dying",
    };

    return names[state];
}
