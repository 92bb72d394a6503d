#include "record/run_format.h"

#include "base/bytes.h"
#include "base/hash.h"

#define SEGMENT_MAGIC "MRS1"
#define INDEX_MAGIC   "MRI1"
#define FOOTER_MAGIC  "MRL1"

#define BLOCK_IS_PLAIN (UINT32_C(1) << 31)

enum {
    HEADER_CRC_AT = 28,
    BLOCK_CRC_AT = 8,
    FOOTER_CRC_AT = 16,
    FOOTER_MAGIC_AT = 20,
};

void run_header_encode(char out[RUN_HEADER_BYTES], struct run_header *header)
{
    memcpy(out, SEGMENT_MAGIC, 4);
    put_u32le(out + 4, header->partition);
    put_u64le(out + 8, header->id.job);
    put_u64le(out + 16, header->id.attempt);
    put_u32le(out + 24, header->id.task);
    header->crc = crc32c(0, out, HEADER_CRC_AT);
    put_u32le(out + HEADER_CRC_AT, header->crc);
}

bool run_header_decode(const char in[RUN_HEADER_BYTES], struct run_header *header)
{
    header->partition = get_u32le(in + 4);
    header->id.job = get_u64le(in + 8);
    header->id.attempt = get_u64le(in + 16);
    header->id.task = get_u32le(in + 24);
    header->crc = get_u32le(in + HEADER_CRC_AT);
    return memcmp(in, SEGMENT_MAGIC, 4) == 0 && header->crc == crc32c(0, in, HEADER_CRC_AT);
}

uint32_t run_block_crc_begin(const char header[RUN_BLOCK_HEADER_BYTES], uint32_t seed,
                             uint32_t number)
{
    char place[4];

    put_u32le(place, number);
    return crc32c(crc32c(seed, place, sizeof place), header, BLOCK_CRC_AT);
}

static uint32_t block_crc(const char header[RUN_BLOCK_HEADER_BYTES], uint32_t seed, uint32_t number,
                          const char *payload)
{
    uint32_t stored_bytes = get_u32le(header) & ~BLOCK_IS_PLAIN;

    return crc32c(run_block_crc_begin(header, seed, number), payload, stored_bytes);
}

void run_block_encode(char out[RUN_BLOCK_HEADER_BYTES], const struct run_block *block,
                      uint32_t seed, uint32_t number, const char *payload)
{
    put_u32le(out, block->stored_bytes | (block->is_plain ? BLOCK_IS_PLAIN : 0));
    put_u32le(out + 4, block->raw_bytes);
    put_u32le(out + BLOCK_CRC_AT, block_crc(out, seed, number, payload));
}

bool run_block_decode(const char in[RUN_BLOCK_HEADER_BYTES], struct run_block *block)
{
    uint32_t stored = get_u32le(in);

    block->is_plain = (stored & BLOCK_IS_PLAIN) != 0;
    block->stored_bytes = stored & ~BLOCK_IS_PLAIN;
    block->raw_bytes = get_u32le(in + 4);
    block->crc = get_u32le(in + BLOCK_CRC_AT);
    if (block->raw_bytes == 0)
        return !block->is_plain && block->stored_bytes == RUN_END_BYTES - RUN_BLOCK_HEADER_BYTES;
    if (block->raw_bytes > RUN_BLOCK_BYTES_MAX || block->stored_bytes == 0)
        return false;
    return block->is_plain ? block->stored_bytes == block->raw_bytes
                           : block->stored_bytes < block->raw_bytes;
}

bool run_block_crc_is_good(const char header[RUN_BLOCK_HEADER_BYTES], uint32_t seed,
                           uint32_t number, const char *payload)
{
    return get_u32le(header + BLOCK_CRC_AT) == block_crc(header, seed, number, payload);
}

void run_footer_encode(char out[RUN_FOOTER_BYTES], const struct run_footer *footer,
                       uint32_t index_crc)
{
    put_u64le(out, footer->index_offset);
    put_u64le(out + 8, footer->record_count);
    put_u32le(out + FOOTER_CRC_AT, crc32c(index_crc, out, FOOTER_CRC_AT));
    memcpy(out + FOOTER_MAGIC_AT, FOOTER_MAGIC, 4);
}

bool run_footer_decode(const char in[RUN_FOOTER_BYTES], struct run_footer *footer)
{
    footer->index_offset = get_u64le(in);
    footer->record_count = get_u64le(in + 8);
    return memcmp(in + FOOTER_MAGIC_AT, FOOTER_MAGIC, 4) == 0;
}

bool run_footer_crc_is_good(const char in[RUN_FOOTER_BYTES], uint32_t index_crc)
{
    return get_u32le(in + FOOTER_CRC_AT) == crc32c(index_crc, in, FOOTER_CRC_AT);
}

void run_index_header_encode(char out[RUN_INDEX_HEADER_BYTES], const struct run_id *id,
                             uint32_t partition_count)
{
    memcpy(out, INDEX_MAGIC, 4);
    put_u32le(out + 4, partition_count);
    put_u64le(out + 8, id->job);
    put_u64le(out + 16, id->attempt);
    put_u32le(out + 24, id->task);
}

bool run_index_header_decode(const char in[RUN_INDEX_HEADER_BYTES], struct run_id *id,
                             uint32_t *partition_count)
{
    *partition_count = get_u32le(in + 4);
    id->job = get_u64le(in + 8);
    id->attempt = get_u64le(in + 16);
    id->task = get_u32le(in + 24);
    return memcmp(in, INDEX_MAGIC, 4) == 0 && *partition_count > 0 &&
           *partition_count <= PARTITION_COUNT_MAX;
}
