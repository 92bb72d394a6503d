#include "record/hot_keys.h"

#include <string.h>

struct hot_key hot_key_of(uint64_t hash, uint32_t partition, struct slice key)
{
    struct hot_key made = {.hash = hash, .partition = partition, .key_bytes = (uint32_t)key.len};

    if (key.len > HOT_KEY_BYTES_MAX)
        key.len = HOT_KEY_BYTES_MAX;
    if (key.len > 0)
        memcpy(made.bytes, key.ptr, key.len);
    return made;
}

struct slice hot_key_bytes(const struct hot_key *key)
{
    return slice_of(key->bytes,
                    key->key_bytes < HOT_KEY_BYTES_MAX ? key->key_bytes : HOT_KEY_BYTES_MAX);
}

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Where it is, or where the next one goes. */
static uint32_t find(const struct hot_keys *keys, uint64_t hash)
{
    uint32_t i = 0;

    while (i < keys->count && keys->hashes[i] != hash)
        i++;
    return i;
}

static uint32_t find_rarest(const struct hot_keys *keys)
{
    uint32_t rarest = 0;

    for (uint32_t i = 1; i < keys->count; i++)
        if (keys->items[i].count < keys->items[rarest].count)
            rarest = i;
    return rarest;
}

void hot_keys_add(struct hot_keys *keys, const struct hot_key *key, uint64_t count)
{
    uint32_t at = find(keys, key->hash);
    uint64_t error = 0;

    if (at < keys->count) {
        keys->items[at].count = sum_of(keys->items[at].count, count);
        return;
    }
    if (at == HOT_KEY_COUNT) { /* it may have come as often as the one that makes room for it */
        at = find_rarest(keys);
        error = keys->items[at].count;
    } else {
        keys->count++;
    }
    keys->hashes[at] = key->hash;
    keys->items[at] = *key;
    keys->items[at].count = sum_of(error, count);
    keys->items[at].error = error;
}

static int goes_before(const struct hot_key *a, const struct hot_key *b)
{
    uint64_t sure = hot_key_sure(a), other = hot_key_sure(b);

    return sure != other ? sure > other : a->hash < b->hash;
}

/* By inserting: they are few. (qsort(3) asks how much memory there is: record/cut_points.c.) */
void hot_keys_sort(struct hot_keys *keys)
{
    for (uint32_t i = 1; i < keys->count; i++) {
        struct hot_key key = keys->items[i];
        uint32_t at = i;

        for (; at > 0 && goes_before(&key, &keys->items[at - 1]); at--)
            keys->items[at] = keys->items[at - 1];
        keys->items[at] = key;
    }
    for (uint32_t i = 0; i < keys->count; i++)
        keys->hashes[i] = keys->items[i].hash;
}
