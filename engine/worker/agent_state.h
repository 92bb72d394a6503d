/*
 * agent_state: the inside of an agent, shared by the files of agent.h alone.
 *
 *     agent.c           events in, the connection, what is due when
 *     agent_attempt.c   the life of an attempt and of what it leaves
 *     agent_view.c      what callers see; the invariants
 *
 * One life, as agent_attempt.c has it (end: AGENT_ATTEMPT_ENDED; due: the report is not heard):
 *
 *                 START        slot             done, failed
 *     map    ───────────► QUEUED ───► RUNNING ─────────────────┐
 *                                        ▲                     ▼       heard            end
 *     reduce ──► FETCHING ──► WAITING ──► ALLOWED             OVER ────────────► ENDING ───► gone
 *                      fetched       RUN                       │       heard, after its end
 *                                                              └───────────────────────────► gone
 *     driver ──► RUNNING, without a slot
 *     any of them: KILL, JOB_OVER ──► DYING ──end──► gone;  without a process: gone at once
 */
#ifndef WORKER_AGENT_STATE_H
#define WORKER_AGENT_STATE_H

#include "base/rand.h"
#include "worker/agent.h"
#include "worker/recent.h"

enum agent_link {
    LINK_WAITING,    /* until due_ns, then it connects */
    LINK_CONNECTING, /* until due_ns at most */
    LINK_JOINING,    /* the same moment: the welcome is to come by then */
    LINK_JOINED,
};

struct agent {
    struct agent_options options;
    struct rand rand;
    uint64_t now_ns;
    struct agent_output *out; /* of this step */

    enum agent_link link;
    uint64_t connection;    /* the number of the last one */
    uint64_t link_due_ns;   /* not LINK_JOINED */
    uint32_t failure_count; /* of connections since the last welcome */
    uint64_t heartbeat_due_ns;
    uint64_t repeat_due_ns; /* of reports; UINT64_MAX: none is to be heard */
    uint64_t epoch;
    uint32_t worker_id;

    struct agent_attempt *attempts; /* in order of their START */
    size_t attempt_count, attempt_capacity;
    struct agent_held *held; /* in order of being heard */
    size_t held_count, held_capacity;
    struct recent gone;      /* attempts that must not start again */
    struct recent over_jobs; /* jobs of which nothing must start */
    uint64_t *closing_jobs;  /* over, DELETE_JOB is to come */
    size_t closing_count, closing_capacity;

    uint32_t slots_used;
    bool disk_is_full;
    bool is_draining;
    bool has_exited;
    uint64_t drain_due_ns;
    uint64_t stale_count;
};

/* ---- agent.c ---- */

struct agent_action *agent_act(struct agent *agent, enum agent_action_kind kind);

/* The same about an attempt. */
struct agent_action *agent_act_on(struct agent *agent, enum agent_action_kind kind,
                                  const struct agent_attempt *attempt);

/* ---- agent_attempt.c. False: it changed nothing. ---- */

struct agent_attempt *agent_find(const struct agent *agent, uint64_t attempt_id);

bool agent_on_start(struct agent *agent, const struct agent_event *event);
bool agent_on_run(struct agent *agent, uint64_t attempt_id);
bool agent_on_kill(struct agent *agent, uint64_t attempt_id);
bool agent_on_forget(struct agent *agent, uint64_t attempt_id);
bool agent_on_job_over(struct agent *agent, uint64_t job_id);
bool agent_on_heard(struct agent *agent, uint64_t attempt_id, enum agent_report report);

bool agent_on_fetched(struct agent *agent, uint64_t attempt_id);
bool agent_on_done(struct agent *agent, uint64_t attempt_id);
bool agent_on_failed(struct agent *agent, uint64_t attempt_id, enum err_kind failure);
bool agent_on_ended(struct agent *agent, uint64_t attempt_id);
bool agent_on_broken(struct agent *agent, uint64_t attempt_id);

/* Says all that is to be heard, if there is somebody to hear it. */
void agent_report_all(struct agent *agent);

/* Hands back what holds no slot, and with `all` what holds one too. */
void agent_hand_back(struct agent *agent, bool all);

/* Gives free slots to who waits for one, and removes jobs that are over. The end of each step. */
void agent_settle(struct agent *agent);

#endif
