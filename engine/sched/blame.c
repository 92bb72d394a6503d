#include "sched/blame.h"

#include <assert.h>
#include <stdlib.h>

bool blame_is_on_job(enum err_kind failure)
{
    switch (failure) {
    case ERR_INPUT:
    case ERR_JOB:
    case ERR_LIMIT:
    case ERR_SETUP:
        return true;
    case ERR_NONE:
    case ERR_RETRY:
    case ERR_DISK:
    case ERR_PEER:
        return false;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

enum end_reason blame_verdict(const struct job_rules *rules, bool runs_job_code,
                              enum err_kind failure, uint32_t fault_count, uint32_t failure_count)
{
    assert(failure != ERR_NONE);
    assert(failure_count >= 1);
    assert(fault_count <= failure_count);
    if (blame_is_on_job(failure)) {
        bool again = failure == ERR_LIMIT || (runs_job_code && rules->unsafe);

        if (!again)
            return END_FAULT;
        if (fault_count >= rules->attempts_max)
            return END_ATTEMPTS;
    }
    return failure_count >= SCHED_FAILURE_COUNT_MAX ? END_FAILURES : END_NONE;
}

uint64_t blame_delay_ns_max(const struct sched_options *options, uint32_t failure_count)
{
    uint64_t delay_ns = options->retry_delay_ns_min;

    assert(failure_count >= 1);
    assert(options->retry_delay_ns_min <= options->retry_delay_ns_max);
    for (uint32_t i = 1; i < failure_count && delay_ns < options->retry_delay_ns_max; i++)
        delay_ns *= 2;
    return delay_ns < options->retry_delay_ns_max ? delay_ns : options->retry_delay_ns_max;
}
