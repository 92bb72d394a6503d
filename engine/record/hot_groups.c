#include "record/hot_groups.h"

void hot_groups_init(struct hot_groups *groups)
{
    *groups = (struct hot_groups){.hold_at = HOT_GROUP_RECORDS_MIN};
}

void hot_groups_take(struct hot_groups *groups)
{
    hot_keys_add(&groups->keys, &groups->held, groups->count);
}

/* Not by now, perhaps: as long as no group came this far, nobody has looked at what there is. */
void hot_groups_hold(struct hot_groups *groups, uint32_t partition, struct slice key)
{
    uint64_t least = groups->record_count / HOT_KEY_COUNT;

    if (groups->count < least)
        groups->hold_at = least; /* this group may still have so many */
    else
        groups->held = hot_key_of(groups->hash, partition, key);
}

void hot_groups_end(struct hot_groups *groups)
{
    if (groups->count >= groups->hold_at)
        hot_groups_take(groups);
    groups->record_count += groups->count;
    groups->count = 0;
    hot_keys_sort(&groups->keys);
}
