#include "attempt/map_inputs.h"

#include "attempt/input_groups.h"

void map_inputs_init(struct map_inputs *inputs, struct child *child, struct sink *sink)
{
    *inputs = (struct map_inputs){.child = child, .sink = sink};
}

void map_inputs_deinit(struct map_inputs *inputs)
{
    map_input_deinit(&inputs->input);
}

/* `group` NULL: all inputs of the job are alike. */
static int open_input(struct map_inputs *inputs, const Mrlua__InputGroup *group, struct err *err)
{
    struct child *child = inputs->child;

    if (map_input_use(&inputs->input, child->vm, buf_slice(&child->view),
                      group ? group->format : child->start->input, group ? group->name : NULL,
                      err) != 0)
        return -1;
    inputs->is_open = true;
    page_enter(child->page, PAGE_HOOK);
    if (vm_setup(child->vm, err) != 0)
        return -1;
    page_enter(child->page, PAGE_READ);
    return 0;
}

int map_inputs_end(struct map_inputs *inputs, struct err *err)
{
    if (!inputs->is_open)
        return 0;
    inputs->is_open = false;
    page_enter(inputs->child->page, PAGE_HOOK);
    if (inputs->sample)
        sample_begin_rest(inputs->sample);
    return vm_cleanup(inputs->child->vm, inputs->sink, err);
}

int map_inputs_begin(struct map_inputs *inputs, struct err *err)
{
    const Mrlua__TaskStart *start = inputs->child->start;

    if (start->n_groups == 0)
        return open_input(inputs, NULL, err);
    return inputs->sample ? 0 : open_input(inputs, start->groups[0], err);
}

int map_inputs_enter(struct map_inputs *inputs, const Mrlua__Piece *piece, struct err *err)
{
    const Mrlua__TaskStart *start = inputs->child->start;
    const Mrlua__InputGroup *group = input_group_of(start, piece);

    if (start->n_groups == 0 || (inputs->is_open && inputs->group == piece->group))
        return 0;
    if (!group)
        return err_set(err, ERR_RETRY, "input %s is of a kind that the task is not told of",
                       piece->name);
    if (inputs->is_open) {
        if (map_inputs_end(inputs, err) != 0)
            return -1;
        sample_end(inputs->sample);
    }
    inputs->group = piece->group;
    return open_input(inputs, group, err);
}
