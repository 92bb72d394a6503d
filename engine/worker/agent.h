/*
 * agent: the worker's half of the protocol with its master. Decides, never acts: events in,
 * actions out.
 *
 *     struct agent_options options;
 *     struct agent_output out = {0};
 *
 *     agent_options_default(&options);
 *     options.incarnation = ..., options.slot_count = ...;
 *     agent = agent_open(&options);
 *     event = {AGENT_TICK, now}                            the first one: it asks to connect
 *     for (;;) {
 *         agent_step(agent, &event, &out);
 *         carry out out.actions, in order
 *         event = ... what happened: a message of the master, of an attempt, a signal, or
 *                 AGENT_TICK at agent_next_due_ns() at the latest ...
 *     }
 *     agent_output_deinit(&out);
 *     agent_close(agent);
 *
 * No clock, socket, file or process may be reached from here: time is event->now_ns, chance is
 * options.seed. The shell (worker.h) and the simulator (ctest/sim) drive the same code.
 *
 * Who it believes. An event that a message caused carries the number of its connection, and the
 * epoch of the master and the incarnation of the worker it was meant for. What comes from another
 * connection than the open one, from an older epoch than one seen before, for another incarnation,
 * or before the welcome, changes nothing and is counted (agent_stale_count). A master of an older
 * epoch is hung up on.
 *
 * What it promises. An attempt is started at most once. After the master heard of an end it may
 * forget; until then the end is reported: at once, after each welcome, and every report_repeat_ns.
 * What the master hears twice is the master's to ignore. A START that is repeated is answered with
 * the report that is due, if one is. What was killed, or heard of, is not started again: the last
 * AGENT_MEMORY_COUNT ids are remembered.
 *
 * Slots. An attempt holds a slot from its start (one that fetches: from RUN) until its process has
 * ended, so a new one may wait for the process of a killed one: half a second at most
 * (ATTEMPT_END_MS), or for as long as the kernel does not let go of it. The master is not told: for
 * it a slot is free as soon as it has said KILL, so what waits counts as started there. It never
 * gives more live attempts than there are slots; what it gives beyond that is handed back. A driver
 * has no slot, or it would wait for its own steps.
 *
 * Drain: nothing is started any more. What holds no slot is handed back at once, what does hold
 * one is after drain_ns. Then held outputs are served until their jobs are over, but without a
 * connection no longer than drain_ns. Handing back is a failed report that blames nobody.
 *
 * Not here: what a task is, where its files are, messages as bytes, segments (the shell).
 *
 * Costs: an event looks through the live attempts and, when it names none of them, the outputs.
 */
#ifndef WORKER_AGENT_H
#define WORKER_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    AGENT_SLOT_COUNT_MAX = 4096,
    AGENT_MEMORY_COUNT = 1024,   /* ids of attempts that are gone */
    AGENT_OVER_JOB_COUNT = 256,  /* ids of jobs that are over */
    AGENT_DRIVER_COUNT_MAX = 32, /* they wait, mostly; each may take the memory of a slot */
};

struct agent_options {
    uint64_t seed;        /* of the jitter */
    uint64_t incarnation; /* of this life of the worker, never 0 */
    uint32_t slot_count;  /* 1 to AGENT_SLOT_COUNT_MAX */
    uint64_t heartbeat_ns;
    uint64_t report_repeat_ns; /* what was not heard is said again */
    uint64_t welcome_ns;       /* from connecting to the welcome; longer: hang up, try again */
    uint64_t reconnect_ns_min; /* after a first failure at most this, full jitter ... */
    uint64_t reconnect_ns_max; /* ... doubled by each further one, up to this */
    uint64_t drain_ns;         /* what runs may go on for so long after AGENT_DRAIN */
};

/* 1 s, 5 s, 10 s, 50 ms, 2 s, 30 s; incarnation and slot_count are the caller's. A worker whose
 * connection was cut has 1 s to come back: so the first try is early. */
void agent_options_default(struct agent_options *options);

enum agent_event_kind {
    AGENT_TICK, /* time has passed */

    /* The connection. */
    AGENT_CONNECTED,    /* connection: it is open and authenticated */
    AGENT_DISCONNECTED, /* connection: it is gone, or could not be had */

    /* Messages of the master: connection, epoch, incarnation, and ... */
    AGENT_WELCOME,  /* worker_id, kill[], over_jobs[], forget[]: attempt ids. Answers the JOIN */
    AGENT_START,    /* attempt_id, job_id, task, fetches, drives, keeps_output */
    AGENT_RUN,      /* attempt_id: has fetched, may go on */
    AGENT_KILL,     /* attempt_id: stop it, whatever it has done, and forget it */
    AGENT_FORGET,   /* attempt_id: its output is not wanted any more */
    AGENT_JOB_OVER, /* job_id */
    AGENT_SOURCES,  /* job_id */
    AGENT_HEARD,    /* attempt_id, report */

    /* Attempts of this worker: attempt_id. */
    AGENT_ATTEMPT_FETCHED,
    AGENT_ATTEMPT_DONE,
    AGENT_ATTEMPT_FAILED, /* failure */
    AGENT_ATTEMPT_ENDED,  /* its process is gone. Without an answer before: it failed, ERR_RETRY */

    /* This machine. */
    AGENT_OUTPUT_BROKEN, /* attempt_id: a held output cannot be read */
    AGENT_DISK,          /* disk_is_full, or is not any more */
    AGENT_DRAIN,         /* SIGTERM; a second one: end now. With drain_within_ns the machine goes:
                            then what runs has no longer than that, and a second one is no more */
};

enum { AGENT_EVENT_KIND_COUNT = AGENT_DRAIN + 1 };

/* What the master is told about an attempt. */
enum agent_report {
    AGENT_REPORT_NONE,
    AGENT_REPORT_FETCHED,
    AGENT_REPORT_DONE,
    AGENT_REPORT_FAILED,   /* failure; the shell keeps its words, or makes some for what the agent
                              itself refused (the attempt never had a process) */
    AGENT_REPORT_RETURNED, /* handed back: nobody's fault */
};

struct agent_event {
    enum agent_event_kind kind;
    uint64_t now_ns; /* never less than in the event before */

    uint64_t connection; /* as in AGENT_CONNECT */
    uint64_t epoch;
    uint64_t incarnation;

    uint32_t worker_id;
    const uint64_t *kill, *over_jobs, *forget; /* WELCOME; borrowed for the step */
    size_t kill_count, over_job_count, forget_count;

    uint64_t attempt_id; /* never 0 */
    uint64_t job_id;     /* never 0 */
    uint32_t task;
    bool fetches;      /* it begins without a slot, says FETCHED and waits for RUN (a reduce) */
    bool drives;       /* it needs no slot, and asks for steps that do (a driver) */
    bool keeps_output; /* what it leaves stays here until FORGET or JOB_OVER (a map's run) */
    enum agent_report report;
    enum err_kind failure; /* never ERR_NONE */
    bool disk_is_full;
    uint64_t drain_within_ns; /* 0: it was a user */
};

enum agent_action_kind {
    AGENT_CONNECT,    /* connection: its number, never used before */
    AGENT_DISCONNECT, /* connection: close it; AGENT_DISCONNECTED need not follow */

    /* Messages, over `connection`, which is open. */
    AGENT_SEND_JOIN,        /* agent_options, agent_attempts(), agent_held_outputs() */
    AGENT_SEND_HEARTBEAT,   /* with agent_is_draining() */
    AGENT_SEND_REPORT,      /* attempt_id, report, failure */
    AGENT_SEND_OUTPUT_LOST, /* job_id, task, attempt_id */

    /* Attempts: attempt_id, job_id, task. */
    AGENT_START_ATTEMPT, /* as its START said */
    AGENT_RUN_ATTEMPT,   /* one that has fetched: let it go on */
    AGENT_KILL_ATTEMPT,  /* it has a process; AGENT_ATTEMPT_ENDED is to follow */
    AGENT_DROP_ATTEMPT,  /* the last word about it: release what is kept for it. It has no process,
                            and its result, if there is one, is the master's or an output */
    AGENT_DELETE_OUTPUT, /* the output it kept here is not wanted: remove it, if it is there. Of
                            what an attempt wrote elsewhere nothing is ever removed: the master
                            may have heard of it */
    AGENT_PASS_SOURCES,  /* job_id: the message is good, pass it on to who fetches */
    AGENT_DELETE_JOB,    /* job_id: no process works for it any more: remove all it left here */

    AGENT_EXIT, /* drained: end the worker */
};

enum { AGENT_ACTION_KIND_COUNT = AGENT_EXIT + 1 };

struct agent_action {
    enum agent_action_kind kind;
    uint64_t connection;
    uint64_t job_id;
    uint64_t attempt_id;
    uint32_t task;
    enum agent_report report;
    enum err_kind failure;
};

/* Filled anew by each step. Zeroed, it is ready for use. */
struct agent_output {
    struct agent_action *actions;
    size_t action_count, action_capacity;
};

void agent_output_deinit(struct agent_output *out);

struct agent;

/* Never NULL. close(NULL) is fine. */
struct agent *agent_open(const struct agent_options *options);
void agent_close(struct agent *agent);

/* One event. What was in `out` is gone; what is in it stays until the next step. */
void agent_step(struct agent *agent, const struct agent_event *event, struct agent_output *out);

/* When a TICK is due at the latest; UINT64_MAX: there is nothing to wait for. */
uint64_t agent_next_due_ns(const struct agent *agent);

enum agent_attempt_state {
    AGENT_ATTEMPT_QUEUED,   /* waits for the slot of a process that is ending */
    AGENT_ATTEMPT_RUNNING,  /* has a slot */
    AGENT_ATTEMPT_FETCHING, /* has none */
    AGENT_ATTEMPT_WAITING,  /* has fetched, was not told to run */
    AGENT_ATTEMPT_ALLOWED,  /* was told to run, waits for a slot as QUEUED does */
    AGENT_ATTEMPT_OVER,     /* done, failed or handed back, and not heard of yet */
    AGENT_ATTEMPT_ENDING,   /* heard of, but its process has not ended */
    AGENT_ATTEMPT_DYING,    /* killed, but its process has not ended */
};

enum { AGENT_ATTEMPT_STATE_COUNT = AGENT_ATTEMPT_DYING + 1 };

struct agent_attempt {
    uint64_t id;
    uint64_t job_id;
    uint32_t task;
    enum agent_attempt_state state;
    bool fetches, drives, keeps_output;
    bool has_process;         /* until AGENT_ATTEMPT_ENDED */
    bool has_slot;            /* RUNNING, and from then on until its process has ended. A driver
                                 has none */
    bool output_is_lost;      /* OVER and done, but its output broke before it was heard of */
    enum agent_report report; /* that is to be heard; NONE: nothing */
    enum err_kind failure;    /* of the report */
};

/* The output of an attempt of which the master has heard. */
struct agent_held {
    uint64_t attempt_id;
    uint64_t job_id;
    uint32_t task;
};

/*
 * What a JOIN says: `running` are the attempts that are neither ENDING nor DYING (what is done is
 * running for the master until it has heard of it), `held` the outputs it has heard of. A master
 * that finds an attempt there of which it has heard says HEARD again. Good until the next step.
 */
const struct agent_attempt *agent_attempts(const struct agent *agent, size_t *count);
const struct agent_held *agent_held_outputs(const struct agent *agent, size_t *count);

/* NULL: there is none, or not any more. Good until the next step. */
const struct agent_attempt *agent_attempt_of(const struct agent *agent, uint64_t attempt_id);
bool agent_holds(const struct agent *agent, uint64_t attempt_id);

/* The newest master it was welcomed by, and the number it has there; 0: none yet. */
uint64_t agent_epoch(const struct agent *agent);
uint32_t agent_worker_id(const struct agent *agent);

bool agent_is_joined(const struct agent *agent);   /* welcomed, on a connection that is open */
bool agent_is_draining(const struct agent *agent); /* takes no attempts */
uint32_t agent_slots_used(const struct agent *agent);

/* Events that changed nothing because they were late, doubled, or about nobody known. */
uint64_t agent_stale_count(const struct agent *agent);

/* Aborts when an invariant is broken. For tests: O(n). */
void agent_check(const struct agent *agent);

const char *agent_event_kind_name(enum agent_event_kind kind);
const char *agent_action_kind_name(enum agent_action_kind kind);
const char *agent_attempt_state_name(enum agent_attempt_state state);

#endif
