/*
 * hash: XXH3 (xxhash.com) over bytes, CRC32C (Castagnoli, RFC 3720) for what is stored or sent,
 * and the 128-bit sum that audits a set of records whatever their order.
 *
 * hash64() decides the partition of a key, so its value is part of the output's bytes: never
 * change it.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

uint64_t hash64(struct slice bytes);
uint64_t hash64_seeded(struct slice bytes, uint64_t seed);

/* CRC32C of `bytes`, going on from `crc`; start with 0. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* CRC32C of two texts behind each other, of which the second has `len` bytes. */
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t len);

/* A sum of record hashes, modulo 2^128: the same set of records gives the same digest. */
struct digest {
    uint64_t low, high;
    uint64_t record_count;
};

/* Answers the hash of the key, which is the same for the same key and partition. */
uint64_t digest_add_record(struct digest *digest, uint32_t partition, struct slice key,
                           struct slice value);
void digest_add(struct digest *digest, const struct digest *other);
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
