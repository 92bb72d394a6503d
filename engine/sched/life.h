/*
 * life: the transition tables. A life is a table: states and what can happen are enums, one
 * function is the whole table, every case is visible.
 */
#ifndef SCHED_LIFE_H
#define SCHED_LIFE_H

#include <stdbool.h>

#include "sched/sched.h"

/* As users see them. */
enum task_state { TASK_IDLE, TASK_IN_PROGRESS, TASK_COMPLETED };

enum { TASK_STATE_COUNT = TASK_COMPLETED + 1 };

enum task_change {
    TASK_STARTED,      /* an attempt was given to somebody */
    TASK_ENDED,        /* its attempt ended without a result */
    TASK_ANSWERED,     /* its attempt ended with one */
    TASK_OUTPUT_LOST,  /* the output is gone: with its worker, or by itself */
    TASK_OUTPUT_FOUND, /* its worker has come back with it */
    TASK_BACKED_UP,    /* a second attempt was given to somebody else */
    TASK_ONE_ENDED,    /* one of two attempts ended without a result */
};

enum { TASK_CHANGE_COUNT = TASK_ONE_ENDED + 1 };

/* Where the output of a completed task is, so who can lose it. */
enum output_home {
    OUTPUT_WITH_MASTER, /* an answer that is journaled: nobody */
    OUTPUT_ON_WORKER,   /* reduces read it there: it goes with its worker, and may come back */
    OUTPUT_IN_STORE,    /* reduces read it there: it outlives its worker */
    OUTPUT_IS_PART,     /* of the job's output, without its name until the commit. A store may drop
                           what is not yet finished (an upload's session) */
};

enum { OUTPUT_HOME_COUNT = OUTPUT_IS_PART + 1 };

static inline bool output_is_read_by_reduces(enum output_home home)
{
    return home == OUTPUT_ON_WORKER || home == OUTPUT_IN_STORE;
}

/* False: this cannot happen in this state, and *state is what it was. */
bool task_next(enum task_state *state, enum task_change change, enum output_home home);

/* A live attempt. What is not live is not in the table of attempts. */
enum attempt_phase {
    ATTEMPT_FETCHING, /* collects its inputs; holds no slot */
    ATTEMPT_FETCHED,  /* holds them all; waits for a slot */
    ATTEMPT_RUNNING,  /* holds a slot, or is a helper */
};

enum attempt_change { ATTEMPT_HAS_FETCHED, ATTEMPT_WAS_GIVEN_SLOT, ATTEMPT_IS_DONE };

enum { ATTEMPT_PHASE_COUNT = ATTEMPT_RUNNING + 1, ATTEMPT_CHANGE_COUNT = ATTEMPT_IS_DONE + 1 };

/* False: not in this phase. An attempt can end without a result in any phase: not in here. */
bool attempt_next(enum attempt_phase *phase, enum attempt_change change);

/* A number that workers have. */
enum worker_state {
    WORKER_GONE,    /* nobody has it: nothing runs there, nothing is held there */
    WORKER_AWAITED, /* after a restart: what it is said to hold is believed for a while */
    WORKER_CUT,     /* its connection is cut: what it runs and holds is believed for a while */
    WORKER_UP,
};

enum worker_change {
    WORKER_JOINS, /* the incarnation that is awaited or was cut off, or any when none is */
    WORKER_IS_CUT,
    WORKER_REPLACED, /* another incarnation joins: the one before is lost first */
    WORKER_LEAVES,   /* it is lost, or did not come back in time */
};

enum { WORKER_STATE_COUNT = WORKER_UP + 1, WORKER_CHANGE_COUNT = WORKER_LEAVES + 1 };

bool worker_next(enum worker_state *state, enum worker_change change);

enum job_change {
    JOB_PLAN_MADE,
    JOB_DATA_DONE, /* the last stage before the commit is complete */
    JOB_DATA_LOST, /* it is not any more: the commit found a part gone */
    JOB_COMMITTED,
    JOB_BROKEN,  /* a task failed for good, or the answers do not fit each other */
    JOB_STOPPED, /* somebody asked for it */
};

enum { JOB_STATUS_COUNT = JOB_CANCELLED + 1, JOB_CHANGE_COUNT = JOB_STOPPED + 1 };

bool job_next(enum job_status *status, enum job_change change);

static inline bool job_status_is_end(enum job_status status)
{
    return status >= JOB_SUCCEEDED;
}

#endif
