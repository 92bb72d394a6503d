#include "record/key_group.h"

#include "base/hash.h"
#include "record/key.h"

enum { CONTINUES = 0xff }; /* behind a part in a tuple: it goes on, and is another one (key.h) */

static bool begins_with(struct slice key, struct slice prefix)
{
    return key.len >= prefix.len && slice_equal(slice_of(key.ptr, prefix.len), prefix);
}

/* Is it in the group as far as bytes tell? False: they do not, and it may be all the same. */
static bool is_surely_in(const struct key_group *group, uint32_t partition, struct slice key)
{
    struct slice prefix = group->prefix;

    if (!group->is_begun || partition != group->partition || !begins_with(key, prefix))
        return false;
    return key.len == prefix.len ||
           (group->is_cut && (unsigned char)key.ptr[prefix.len] != CONTINUES);
}

static int begin(struct key_group *group, uint32_t partition, struct slice prefix, struct err *err)
{
    group->is_begun = false; /* unless the rest goes well */
    if (room_reserve(&group->copy, prefix.len + 1, err) != 0)
        return -1;
    if (prefix.len > 0)
        memcpy(group->copy.ptr, prefix.ptr, prefix.len);
    group->prefix = slice_of(group->copy.ptr, prefix.len);
    group->hash = hash64_seeded(prefix, partition);
    group->partition = partition;
    group->is_begun = true;
    return 0;
}

int key_group_next(struct key_group *group, uint32_t partition, struct slice key, struct err *err)
{
    struct slice prefix;

    if (is_surely_in(group, partition, key))
        return 0;
    if (key_prefix(key, group->parts, &prefix, err) != 0)
        return -1;
    group->is_cut = prefix.len < key.len;
    if (group->is_begun && partition == group->partition && slice_equal(prefix, group->prefix))
        return 0;
    return begin(group, partition, prefix, err);
}

void key_group_deinit(struct key_group *group)
{
    room_deinit(&group->copy);
}
