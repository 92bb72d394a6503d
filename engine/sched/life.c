#include "sched/life.h"

#include <assert.h>
#include <stdlib.h>

static bool to_task(enum task_state *state, enum task_state next)
{
    assert(*state != next);
    *state = next;
    return true;
}

bool task_next(enum task_state *state, enum task_change change, enum output_home home)
{
    assert((int)change >= 0);
    assert((int)change < TASK_CHANGE_COUNT);
    switch (*state) {
    case TASK_IDLE:
        switch (change) {
        case TASK_STARTED:
            return to_task(state, TASK_IN_PROGRESS);
        case TASK_OUTPUT_FOUND:
            /* Lost with its worker, and back with it before another attempt has answered. */
            return home == OUTPUT_ON_WORKER && to_task(state, TASK_COMPLETED);
        case TASK_ENDED:
        case TASK_ANSWERED:
        case TASK_OUTPUT_LOST:
        case TASK_BACKED_UP:
        case TASK_ONE_ENDED:
            return false;
        }
        abort(); /* unreachable */
    case TASK_IN_PROGRESS:
        switch (change) {
        case TASK_ENDED:
            return to_task(state, TASK_IDLE);
        case TASK_ANSWERED:
            return to_task(state, TASK_COMPLETED);
        case TASK_BACKED_UP:
        case TASK_ONE_ENDED:
            return true;
        case TASK_STARTED:
        case TASK_OUTPUT_LOST:
        case TASK_OUTPUT_FOUND: /* its attempts are ended before */
            return false;
        }
        abort(); /* unreachable */
    case TASK_COMPLETED:
        /* Completed is not final: what lives on a worker's disk dies with it, and a store drops an
         * upload that nobody has finished. What the journal holds stays. */
        return change == TASK_OUTPUT_LOST && home != OUTPUT_WITH_MASTER &&
               to_task(state, TASK_IDLE);
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

static bool to_phase(enum attempt_phase *phase, enum attempt_phase next)
{
    assert(*phase <= next); /* an attempt goes forward only */
    *phase = next;
    return true;
}

bool attempt_next(enum attempt_phase *phase, enum attempt_change change)
{
    assert((int)change >= 0);
    assert((int)change < ATTEMPT_CHANGE_COUNT);
    switch (*phase) {
    case ATTEMPT_FETCHING:
        return change == ATTEMPT_HAS_FETCHED && to_phase(phase, ATTEMPT_FETCHED);
    case ATTEMPT_FETCHED:
        /* A result without a slot was never asked for. */
        return change == ATTEMPT_WAS_GIVEN_SLOT && to_phase(phase, ATTEMPT_RUNNING);
    case ATTEMPT_RUNNING:
        /* A doubled "fetched" comes here, and is late. */
        return change == ATTEMPT_IS_DONE;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

static bool to_worker(enum worker_state *state, enum worker_state next)
{
    assert((int)next < WORKER_STATE_COUNT);
    *state = next;
    return true;
}

bool worker_next(enum worker_state *state, enum worker_change change)
{
    assert((int)change >= 0);
    assert((int)change < WORKER_CHANGE_COUNT);
    switch (*state) {
    case WORKER_GONE:
        return change == WORKER_JOINS && to_worker(state, WORKER_UP);
    case WORKER_AWAITED:
    case WORKER_CUT:
        switch (change) {
        case WORKER_JOINS:
        case WORKER_REPLACED:
            return to_worker(state, WORKER_UP);
        case WORKER_LEAVES:
            return to_worker(state, WORKER_GONE);
        case WORKER_IS_CUT:
            return false;
        }
        abort(); /* unreachable */
    case WORKER_UP:
        switch (change) {
        case WORKER_IS_CUT:
            return to_worker(state, WORKER_CUT);
        case WORKER_JOINS: /* the same incarnation again: it never left */
            return false;
        case WORKER_REPLACED:
            return to_worker(state, WORKER_UP);
        case WORKER_LEAVES:
            return to_worker(state, WORKER_GONE);
        }
        abort(); /* unreachable */
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

static bool to_status(enum job_status *status, enum job_status next)
{
    assert(!job_status_is_end(*status)); /* a job ends once */
    assert(*status < next || next == JOB_RUNNING);
    *status = next;
    return true;
}

bool job_next(enum job_status *status, enum job_change change)
{
    assert((int)change >= 0);
    assert((int)change < JOB_CHANGE_COUNT);
    if (job_status_is_end(*status))
        return false;
    switch (change) {
    case JOB_PLAN_MADE:
        return *status == JOB_PLANNING && to_status(status, JOB_RUNNING);
    case JOB_DATA_DONE:
        return *status == JOB_RUNNING && to_status(status, JOB_COMMITTING);
    case JOB_DATA_LOST:
        /* The one way back: what is not there cannot be given a name, so it is made again. */
        return *status == JOB_COMMITTING && to_status(status, JOB_RUNNING);
    case JOB_COMMITTED:
        return *status == JOB_COMMITTING && to_status(status, JOB_SUCCEEDED);
    case JOB_BROKEN:
        return to_status(status, JOB_FAILED);
    case JOB_STOPPED:
        return to_status(status, JOB_CANCELLED);
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}
