/*
 * run_format: the fixed parts of a run file as bytes, as drawn in run.h. Pure: no file, no memory.
 *
 * A decoder answers false for bytes it would not have written; the message is the caller's.
 */
#ifndef RECORD_RUN_FORMAT_H
#define RECORD_RUN_FORMAT_H

#include "record/run.h"

#include <stdbool.h>

struct run_header {
    struct run_id id;
    uint32_t partition;
    uint32_t crc; /* also where the checksums of the segment's blocks go on from */
};

/* Fills header->crc. */
void run_header_encode(char out[RUN_HEADER_BYTES], struct run_header *header);
bool run_header_decode(const char in[RUN_HEADER_BYTES], struct run_header *header);

struct run_block {
    uint32_t stored_bytes; /* of the payload */
    bool is_plain;         /* the payload is the raw bytes */
    uint32_t raw_bytes;    /* 0: the end mark */
    uint32_t crc;
};

/* Encodes the header in front of `payload`, whose checksum it holds. */
void run_block_encode(char out[RUN_BLOCK_HEADER_BYTES], const struct run_block *block,
                      uint32_t seed, uint32_t number, const char *payload);

/* Checks what can be told without the payload: sizes, flags. */
bool run_block_decode(const char in[RUN_BLOCK_HEADER_BYTES], struct run_block *block);

/* The checksum over all but the payload, which goes on from it: for a payload that comes in
 * pieces. */
uint32_t run_block_crc_begin(const char header[RUN_BLOCK_HEADER_BYTES], uint32_t seed,
                             uint32_t number);

bool run_block_crc_is_good(const char header[RUN_BLOCK_HEADER_BYTES], uint32_t seed,
                           uint32_t number, const char *payload);

struct run_footer {
    uint64_t index_offset;
    uint64_t record_count;
};

/* `index_crc` is over the index's bytes. */
void run_footer_encode(char out[RUN_FOOTER_BYTES], const struct run_footer *footer,
                       uint32_t index_crc);

/* Only the magic is checked: the checksum needs the index, see below. */
bool run_footer_decode(const char in[RUN_FOOTER_BYTES], struct run_footer *footer);
bool run_footer_crc_is_good(const char in[RUN_FOOTER_BYTES], uint32_t index_crc);

void run_index_header_encode(char out[RUN_INDEX_HEADER_BYTES], const struct run_id *id,
                             uint32_t partition_count);
bool run_index_header_decode(const char in[RUN_INDEX_HEADER_BYTES], struct run_id *id,
                             uint32_t *partition_count);

#endif
