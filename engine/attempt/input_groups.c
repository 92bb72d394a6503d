#include "attempt/input_groups.h"

#include "format/reader.h"

#include <string.h>

static int check_one(const Mrlua__InputGroup *group, const char *before, struct err *err)
{
    enum reader_kind kind;

    if (group->name[0] == '\0' || strlen(group->name) > INPUT_GROUP_NAME_BYTES_MAX)
        return err_set(err, ERR_SETUP, "an input's name has %zu bytes, 1 to %d are allowed",
                       strlen(group->name), INPUT_GROUP_NAME_BYTES_MAX);
    if (strcmp(before, group->name) >= 0)
        return err_set(err, ERR_SETUP, "inputs are not sorted by name: '%s' follows '%s'",
                       group->name, before);
    if (group->count == 0)
        return err_set(err, ERR_SETUP, "input '%s' has no path", group->name);
    return reader_kind_by_name(slice_of_string(group->format), &kind, err);
}

int input_groups_check(Mrlua__InputGroup *const *groups, size_t count, size_t input_count,
                       struct err *err)
{
    const char *before = "";
    size_t sum = 0;

    if (count > INPUT_GROUP_COUNT_MAX)
        return err_set(err, ERR_SETUP, "%zu named inputs: %d are the most", count,
                       INPUT_GROUP_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        if (check_one(groups[i], before, err) != 0)
            return -1;
        before = groups[i]->name;
        sum += groups[i]->count;
    }
    if (count > 0 && sum != input_count)
        return err_set(err, ERR_SETUP, "%zu inputs, and names for %zu", input_count, sum);
    return 0;
}

const Mrlua__InputGroup *input_group_of(const Mrlua__TaskStart *start, const Mrlua__Piece *piece)
{
    return piece->group < start->n_groups ? start->groups[piece->group] : NULL;
}

const char *input_format_of(const Mrlua__TaskStart *start, const Mrlua__Piece *piece)
{
    const Mrlua__InputGroup *group = input_group_of(start, piece);

    return group ? group->format : start->input;
}
