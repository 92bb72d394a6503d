#include "base/hash.h"

#include <assert.h>
#include <isa-l/crc.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(struct slice bytes)
{
    return XXH3_64bits(bytes.ptr, bytes.len);
}

uint64_t hash64_seeded(struct slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    enum { STEP_BYTES = 1 << 30 }; /* isa-l counts in int */
    const unsigned char *from = bytes;

    crc = ~crc;
    while (len > 0) {
        size_t step = len < STEP_BYTES ? len : STEP_BYTES;

        crc = crc32_iscsi((unsigned char *)(uintptr_t)from, (int)step, crc);
        from += step;
        len -= step;
    }
    return ~crc;
}

/* The key's hash is the value's seed, so that moving bytes between the two changes the sum. */
void digest_add_record(struct digest *digest, uint32_t partition, struct slice key,
                       struct slice value)
{
    uint64_t seed = XXH3_64bits_withSeed(key.ptr, key.len, partition);
    XXH128_hash_t hash = XXH3_128bits_withSeed(value.ptr, value.len, seed);
    uint64_t low = digest->low + hash.low64;

    digest->high += hash.high64 + (low < hash.low64);
    digest->low = low;
    digest->record_count++;
}

void digest_add(struct digest *digest, const struct digest *other)
{
    uint64_t low = digest->low + other->low;

    digest->high += other->high + (low < other->low);
    digest->low = low;
    digest->record_count += other->record_count;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return a->low == b->low && a->high == b->high && a->record_count == b->record_count;
}
