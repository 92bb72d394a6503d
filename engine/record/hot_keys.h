/*
 * hot_keys: which of many keys come most often, in the memory of HOT_KEY_COUNT of them: the
 * space-saving sketch (Metwally, Agrawal, El Abbadi: Efficient computation of frequent and top-k
 * elements in data streams, 2005). Pure.
 *
 *     struct hot_keys keys = {0};
 *     hot_keys_add(&keys, &key, count);              any number of times, in any order
 *     hot_keys_sort(&keys);
 *     for (i = 0; i < keys.count; i++)
 *         hot_key_sure(&keys.items[i]) ...           the most frequent first
 *
 * Of a key that was added n times, of N in all:
 *
 *     if it is in the sketch, count - error <= n <= count and error <= N / HOT_KEY_COUNT;
 *     if it is not, n <= N / HOT_KEY_COUNT.
 *
 * So whoever tells what is sure blames no key for what others did. A key is known by the hash of
 * all its bytes; of the bytes themselves only the first are kept, for people.
 *
 * Cost of an add: a walk over the hashes, 512 bytes; where the key is new and there is no room, a
 * second one over the counts.
 */
#ifndef RECORD_HOT_KEYS_H
#define RECORD_HOT_KEYS_H

#include "base/slice.h"

#include <stdint.h>

enum {
    HOT_KEY_COUNT = 64,
    HOT_KEY_BYTES_MAX = 48, /* of a key, kept: a line of a table on a screen has no room for more */
};

struct hot_key {
    uint64_t hash;
    uint64_t count, error;
    uint32_t partition;
    uint32_t key_bytes; /* of all of it */
    char bytes[HOT_KEY_BYTES_MAX];
};

struct hot_keys {
    uint64_t hashes[HOT_KEY_COUNT]; /* by number, side by side: they are what is looked through */
    struct hot_key items[HOT_KEY_COUNT];
    uint32_t count;
};

/* A key that is cut to what is kept. */
struct hot_key hot_key_of(uint64_t hash, uint32_t partition, struct slice key);

/* The bytes that are kept. */
struct slice hot_key_bytes(const struct hot_key *key);

/* How often it has come at least. */
static inline uint64_t hot_key_sure(const struct hot_key *key)
{
    return key->count - key->error;
}

/* `key` has come `count` times more; its own count and error are not looked at. */
void hot_keys_add(struct hot_keys *keys, const struct hot_key *key, uint64_t count);

/* By how often they have come at least; of equal ones the smaller hash first. */
void hot_keys_sort(struct hot_keys *keys);

#endif
