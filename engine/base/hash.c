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

/* The product of two polynomials modulo that of CRC32C, lowest power in the highest bit. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    const uint32_t polynomial = 0x82f63b78;
    uint32_t product = 0;

    for (uint32_t bit = 1U << 31; bit; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = b & 1 ? (b >> 1) ^ polynomial : b >> 1;
    }
    return product;
}

/* The first text's sum, moved `len` bytes on: times x to the power of 8 len, by squaring. */
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t len)
{
    uint32_t power = 1U << 23; /* x to the 8th: one byte */

    for (; len; len >>= 1) {
        if (len & 1)
            first = multiply(first, power);
        power = multiply(power, power);
    }
    return first ^ second;
}

/* The key's hash is the value's seed, so that moving bytes between the two changes the sum. */
uint64_t digest_add_record(struct digest *digest, uint32_t partition, struct slice key,
                           struct slice value)
{
    uint64_t seed = XXH3_64bits_withSeed(key.ptr, key.len, partition);
    XXH128_hash_t hash = XXH3_128bits_withSeed(value.ptr, value.len, seed);
    uint64_t low = digest->low + hash.low64;

    digest->high += hash.high64 + (low < hash.low64);
    digest->low = low;
    digest->record_count++;
    return seed;
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
