#include "master/job_plan.h"

#include "sched/sched.h"

static bool columns_agree(const Mrlua__Plan *plan)
{
    size_t count = plan->n_piece_inputs, last = 0;

    if (plan->n_piece_offsets != count || plan->n_piece_lengths != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (plan->piece_inputs[i] >= plan->n_inputs)
            return false;
    for (size_t i = 0; i < plan->n_split_ends; i++) {
        if (plan->split_ends[i] < last)
            return false;
        last = plan->split_ends[i];
    }
    return last == count;
}

int job_plan_check(const Mrlua__Plan *plan, struct err *err)
{
    if (!plan || plan->n_split_ends == 0 || plan->reducers == 0)
        return err_set(err, ERR_RETRY, "the plan is empty");
    if (plan->n_split_ends > SCHED_TASK_COUNT_MAX)
        return err_set(err, ERR_RETRY, "the plan has %zu splits, at most %d can be held",
                       plan->n_split_ends, SCHED_TASK_COUNT_MAX);
    if (!columns_agree(plan))
        return err_set(err, ERR_RETRY, "the plan contradicts itself");
    return 0;
}

uint32_t job_plan_split_count(const Mrlua__Plan *plan)
{
    return (uint32_t)plan->n_split_ends;
}

static size_t first_piece(const Mrlua__Plan *plan, uint32_t split)
{
    return split ? plan->split_ends[split - 1] : 0;
}

size_t job_plan_piece_count(const Mrlua__Plan *plan, uint32_t split)
{
    return plan->split_ends[split] - first_piece(plan, split);
}

void job_plan_piece(const Mrlua__Plan *plan, uint32_t split, size_t index, Mrlua__Piece *out)
{
    size_t at = first_piece(plan, split) + index;

    *out = *plan->inputs[plan->piece_inputs[at]];
    out->offset = plan->piece_offsets[at];
    out->length = plan->piece_lengths[at];
}

uint64_t job_plan_split_bytes(const Mrlua__Plan *plan, uint32_t split)
{
    uint64_t bytes = 0;

    for (size_t i = first_piece(plan, split); i < plan->split_ends[split]; i++)
        bytes += plan->piece_lengths[i];
    return bytes;
}
