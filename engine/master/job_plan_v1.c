#include "master/job_plan_v1.h"

#include "attempt/plan_task.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Borrows the strings. */
static void fill_inputs(struct file_list *list, const Mrlua__PlanVersion1 *old)
{
    list->items = mem_alloc_array(old->n_inputs, sizeof *list->items);
    list->count = old->n_inputs;
    for (size_t i = 0; i < old->n_inputs; i++) {
        const Mrlua__Piece *input = old->inputs[i];

        list->items[i] = (struct file){.name = input->name,
                                       .path = input->path,
                                       .identity = {.size = input->size,
                                                    .mtime_ns = input->mtime_ns,
                                                    .inode = input->inode,
                                                    .device = input->device}};
    }
}

/* The input with this path, looked for from `from` on and around; the count: there is none. */
static size_t find_input(const struct file_list *list, size_t from, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t at = from + i < list->count ? from + i : from + i - list->count;

        if (strcmp(list->items[at].path, path) == 0)
            return at;
    }
    return list->count;
}

static void make_room(struct split_plan *plan, const Mrlua__PlanVersion1 *old)
{
    size_t piece_count = 0;

    for (size_t i = 0; i < old->n_splits; i++)
        piece_count += old->splits[i]->n_pieces;
    plan->pieces = mem_alloc_array(piece_count, sizeof *plan->pieces);
    plan->first_pieces = mem_alloc_array(old->n_splits + 1, sizeof *plan->first_pieces);
}

static int fill_splits(struct split_plan *plan, const Mrlua__PlanVersion1 *old,
                       const struct file_list *list, struct err *err)
{
    size_t input = 0;

    make_room(plan, old);
    for (size_t i = 0; i < old->n_splits; i++) {
        const Mrlua__SplitVersion1 *split = old->splits[i];

        for (size_t j = 0; j < split->n_pieces; j++) {
            const Mrlua__Piece *piece = split->pieces[j];

            input = find_input(list, input, piece->path);
            if (input == list->count)
                return err_set(err, ERR_SETUP, "the plan has a piece of %s, which is no input",
                               piece->path);
            plan->pieces[plan->piece_count++] = (struct split_piece){
                .file_index = (uint32_t)input, .offset = piece->offset, .length = piece->length};
        }
        plan->first_pieces[i + 1] = plan->piece_count;
    }
    plan->split_count = (uint32_t)old->n_splits;
    plan->reducer_count = old->reducers;
    plan->split_bytes = old->split_bytes;
    plan->bytes_total = old->bytes;
    return 0;
}

static Mrlua__Done *convert(const Mrlua__PlanVersion1 *old, struct err *err)
{
    struct file_list list = {0};
    struct split_plan plan = {0};
    struct split_options options = {0}; /* of then: no groups */
    struct buf packed = {0};
    Mrlua__Done *done = NULL;

    fill_inputs(&list, old);
    if (fill_splits(&plan, old, &list, err) == 0) {
        plan_task_pack(&plan, &list, &options, NULL, &packed);
        done = message_unpack(&mrlua__done__descriptor, buf_slice(&packed), err);
    }
    buf_deinit(&packed);
    split_plan_deinit(&plan);
    free(list.items);
    return done;
}

Mrlua__Done *job_plan_v1_unpack(struct slice payload, struct err *err)
{
    Mrlua__DoneVersion1 *old = message_unpack(&mrlua__done_version1__descriptor, payload, err);
    Mrlua__Done *done = NULL;

    if (!old)
        return NULL;
    if (!old->plan)
        err_set(err, ERR_SETUP, "there is no plan");
    else
        done = convert(old->plan, err);
    message_free(old);
    return done;
}
