#include "record/group.h"

#include <assert.h>

void group_init(struct group *group, struct cursor *cursor, uint32_t prefix_parts)
{
    *group = (struct group){.cursor = cursor, .prefix_parts = prefix_parts};
}

void group_deinit(struct group *group)
{
    room_deinit(&group->copy);
}

static int prefix_of(const struct group *group, struct slice key, struct slice *prefix,
                     struct err *err)
{
    *prefix = key;
    return group->prefix_parts ? key_prefix(key, group->prefix_parts, prefix, err) : 0;
}

/* Moves the cursor on; tells whether its record still belongs to the group. */
static int step(struct group *group, struct err *err)
{
    struct slice prefix;
    int rc = cursor_next(group->cursor, err);

    if (rc == 1 && prefix_of(group, group->cursor->key, &prefix, err) != 0)
        rc = -1;
    if (rc != 1) {
        group->state = GROUP_END;
        return rc;
    }
    if (slice_equal(prefix, group->prefix))
        return 1;
    group->state = GROUP_PENDING;
    return 0;
}

/* Copies the key of the record the cursor is at: the cursor's own is gone with its next record. */
static int begin(struct group *group, struct err *err)
{
    struct slice key = group->cursor->key;

    group->state = GROUP_END; /* unless the rest goes well */
    assert(key.len <= RECORD_KEY_BYTES_MAX + 4);
    if (room_reserve(&group->copy, key.len + 1, err) != 0)
        return -1;
    if (key.len > 0)
        memcpy(group->copy.ptr, key.ptr, key.len);
    group->key = slice_of(group->copy.ptr, key.len);
    if (prefix_of(group, group->key, &group->prefix, err) != 0)
        return -1;
    group->state = GROUP_FIRST;
    return 1;
}

int group_next(struct group *group, struct err *err)
{
    int rc = 1;

    if (group->state == GROUP_START) {
        rc = cursor_next(group->cursor, err);
        if (rc != 1)
            group->state = GROUP_END;
    }
    while (rc == 1 && (group->state == GROUP_FIRST || group->state == GROUP_INSIDE)) {
        group->state = GROUP_INSIDE;
        rc = step(group, err);
    }
    if (rc < 0)
        return -1;
    return group->state == GROUP_END ? 0 : begin(group, err);
}

int group_value(struct group *group, struct slice *value, struct slice *key, struct err *err)
{
    int rc = 1;

    if (group->state == GROUP_INSIDE)
        rc = step(group, err);
    else if (group->state != GROUP_FIRST)
        return 0;
    if (rc != 1)
        return rc;
    group->state = GROUP_INSIDE;
    if (cursor_value(group->cursor, value, err) != 0) {
        group->state = GROUP_END;
        return -1;
    }
    if (key)
        *key = group->cursor->key;
    return 1;
}
