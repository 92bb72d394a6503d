#include "master/job_plan.h"

#include "base/content.h"
#include "sched/sched.h"

static bool inputs_agree(const Mrlua__Plan *plan)
{
    const ProtobufCBinaryData *texts = &plan->input_texts;
    size_t count = plan->n_input_paths;

    if (plan->n_input_names != count || plan->n_input_sizes != count ||
        plan->n_input_mtimes_ns != count || plan->n_input_inodes != count ||
        plan->n_input_devices != count)
        return false;
    if (plan->n_input_generations != plan->n_input_is_gzip ||
        (plan->n_input_generations != 0 && plan->n_input_generations != count))
        return false;
    if (plan->input_checksums.len != 0 && plan->input_checksums.len != count * CONTENT_SUM_BYTES)
        return false;
    if (plan->n_input_groups != 0 && plan->n_input_groups != count)
        return false;
    if (texts->len > 0 && texts->data[texts->len - 1] != '\0')
        return false;
    for (size_t i = 0; i < count; i++)
        if (plan->input_paths[i] >= texts->len || plan->input_names[i] >= texts->len)
            return false;
    return true;
}

/* Of so many groups; and a split is of one. */
static bool groups_agree(const Mrlua__Plan *plan, size_t group_count)
{
    size_t piece = 0;

    if (plan->n_input_groups == 0)
        return group_count == 0 || plan->n_input_paths == 0;
    for (size_t i = 0; i < plan->n_input_groups; i++)
        if (plan->input_groups[i] >= group_count)
            return false;
    for (size_t i = 0; i < plan->n_split_ends; i++) {
        uint32_t group = job_plan_split_group(plan, (uint32_t)i);

        for (; piece < plan->split_ends[i]; piece++)
            if (plan->input_groups[plan->piece_inputs[piece]] != group)
                return false;
    }
    return true;
}

static bool splits_agree(const Mrlua__Plan *plan)
{
    size_t count = plan->n_piece_inputs, last = 0;

    if (plan->n_piece_offsets != count || plan->n_piece_lengths != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (plan->piece_inputs[i] >= plan->n_input_paths)
            return false;
    for (size_t i = 0; i < plan->n_split_ends; i++) {
        if (plan->split_ends[i] < last)
            return false;
        last = plan->split_ends[i];
    }
    return last == count;
}

int job_plan_check(const Mrlua__Plan *plan, size_t group_count, bool map_only, struct err *err)
{
    if (!plan || plan->n_split_ends == 0 || (plan->reducers == 0) != map_only)
        return err_set(err, ERR_RETRY, "the plan is empty");
    if (plan->n_split_ends > SCHED_TASK_COUNT_MAX)
        return err_set(err, ERR_RETRY, "the plan has %zu splits, at most %d can be held",
                       plan->n_split_ends, SCHED_TASK_COUNT_MAX);
    if (!inputs_agree(plan) || !splits_agree(plan) || !groups_agree(plan, group_count))
        return err_set(err, ERR_RETRY, "the plan contradicts itself");
    return 0;
}

size_t job_plan_input_count(const Mrlua__Plan *plan)
{
    return plan->n_input_paths;
}

void job_plan_input(const Mrlua__Plan *plan, size_t input, Mrlua__Piece *out)
{
    char *texts = (char *)plan->input_texts.data;

    mrlua__piece__init(out);
    out->path = texts + plan->input_paths[input];
    out->name = texts + plan->input_names[input];
    out->size = plan->input_sizes[input];
    out->mtime_ns = plan->input_mtimes_ns[input];
    out->inode = plan->input_inodes[input];
    out->device = plan->input_devices[input];
    if (plan->n_input_generations > 0) {
        out->generation = plan->input_generations[input];
        out->is_gzip = plan->input_is_gzip[input];
    }
    if (plan->input_checksums.len > 0 && out->generation == 0)
        out->checksum = (ProtobufCBinaryData){CONTENT_SUM_BYTES, plan->input_checksums.data +
                                                                     input * CONTENT_SUM_BYTES};
    if (plan->n_input_groups > 0)
        out->group = plan->input_groups[input];
    out->length = out->size;
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

    job_plan_input(plan, plan->piece_inputs[at], out);
    out->offset = plan->piece_offsets[at];
    out->length = plan->piece_lengths[at];
}

uint32_t job_plan_split_group(const Mrlua__Plan *plan, uint32_t split)
{
    if (plan->n_input_groups == 0 || job_plan_piece_count(plan, split) == 0)
        return 0;
    return plan->input_groups[plan->piece_inputs[first_piece(plan, split)]];
}

uint64_t job_plan_split_bytes(const Mrlua__Plan *plan, uint32_t split)
{
    uint64_t bytes = 0;

    for (size_t i = first_piece(plan, split); i < plan->split_ends[split]; i++)
        bytes += plan->piece_lengths[i];
    return bytes;
}
