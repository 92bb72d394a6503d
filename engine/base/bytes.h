/*
 * bytes: numbers as bytes, little-endian (files and frames), big-endian (keys, whose byte order
 * is their order), and LEB128 varints.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VARINT_BYTES_MAX = 10 }; /* 64 bits in groups of 7 */

static inline void put_u16le(void *out, uint16_t value)
{
    value = htole16(value);
    memcpy(out, &value, sizeof value);
}

static inline void put_u32le(void *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof value);
}

static inline void put_u64le(void *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof value);
}

static inline void put_u32be(void *out, uint32_t value)
{
    value = htobe32(value);
    memcpy(out, &value, sizeof value);
}

static inline void put_u64be(void *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

static inline uint16_t get_u16le(const void *in)
{
    uint16_t value;

    memcpy(&value, in, sizeof value);
    return le16toh(value);
}

static inline uint32_t get_u32le(const void *in)
{
    uint32_t value;

    memcpy(&value, in, sizeof value);
    return le32toh(value);
}

static inline uint64_t get_u64le(const void *in)
{
    uint64_t value;

    memcpy(&value, in, sizeof value);
    return le64toh(value);
}

static inline uint32_t get_u32be(const void *in)
{
    uint32_t value;

    memcpy(&value, in, sizeof value);
    return be32toh(value);
}

static inline uint64_t get_u64be(const void *in)
{
    uint64_t value;

    memcpy(&value, in, sizeof value);
    return be64toh(value);
}

/* Writes at most VARINT_BYTES_MAX bytes to `out` and returns how many. */
static inline size_t put_varint(void *out, uint64_t value)
{
    unsigned char *to = out;
    size_t len = 0;

    while (value >= 0x80) {
        to[len++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    to[len++] = (unsigned char)value;
    return len;
}

/*
 * Reads a varint from `len` bytes at `in` and returns how many it took. 0: it is cut off.
 * A varint that is longer than 64 bits allow returns VARINT_BYTES_MAX + 1.
 */
static inline size_t get_varint(const void *in, size_t len, uint64_t *value)
{
    const unsigned char *from = in;
    uint64_t result = 0;

    for (size_t i = 0; i < len && i < VARINT_BYTES_MAX; i++) {
        if (i == VARINT_BYTES_MAX - 1 && from[i] > 1)
            return VARINT_BYTES_MAX + 1;
        result |= (uint64_t)(from[i] & 0x7f) << (7 * i);
        if (!(from[i] & 0x80)) {
            *value = result;
            return i + 1;
        }
    }
    return len < VARINT_BYTES_MAX ? 0 : VARINT_BYTES_MAX + 1;
}

#endif
