#include "record/segment_check.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "record/run_format.h"

void segment_check_init(struct segment_check *check, uint32_t partition, const struct run_id *id)
{
    *check = (struct segment_check){.partition = partition, .id = *id};
}

static enum segment_check_state begin_segment(struct segment_check *check)
{
    struct run_header header;

    if (!run_header_decode(check->head, &header) || header.partition != check->partition ||
        header.id.job != check->id.job || header.id.attempt != check->id.attempt ||
        header.id.task != check->id.task)
        return SEGMENT_CHECK_BAD;
    check->seed = header.crc;
    return SEGMENT_CHECK_BLOCK_HEADER;
}

static enum segment_check_state begin_block(struct segment_check *check)
{
    struct run_block block;

    if (!run_block_decode(check->head, &block))
        return SEGMENT_CHECK_BAD;
    check->crc = run_block_crc_begin(check->head, check->seed, check->number++);
    check->crc_expected = block.crc;
    check->payload_left = block.stored_bytes;
    check->is_end_mark = block.raw_bytes == 0;
    return SEGMENT_CHECK_PAYLOAD;
}

/* Takes what is missing of a head of `want` bytes; true: it is whole. */
static bool take_head(struct segment_check *check, struct slice *bytes, uint32_t want)
{
    uint32_t missing = want - check->head_len;
    uint32_t len = bytes->len < missing ? (uint32_t)bytes->len : missing;

    memcpy(check->head + check->head_len, bytes->ptr, len);
    check->head_len += len;
    *bytes = slice_of(bytes->ptr + len, bytes->len - len);
    if (check->head_len < want)
        return false;
    check->head_len = 0;
    return true;
}

static enum segment_check_state take_payload(struct segment_check *check, struct slice *bytes)
{
    size_t len = bytes->len < check->payload_left ? bytes->len : check->payload_left;

    check->crc = crc32c(check->crc, bytes->ptr, len);
    if (check->is_end_mark) {
        memcpy(check->head + check->head_len, bytes->ptr, len);
        check->head_len += (uint32_t)len;
    }
    check->payload_left -= (uint32_t)len;
    *bytes = slice_of(bytes->ptr + len, bytes->len - len);
    if (check->payload_left > 0)
        return SEGMENT_CHECK_PAYLOAD;
    if (check->crc != check->crc_expected)
        return SEGMENT_CHECK_BAD;
    if (!check->is_end_mark)
        return SEGMENT_CHECK_BLOCK_HEADER;
    check->record_count = get_u64le(check->head);
    return SEGMENT_CHECK_ENDED;
}

void segment_check_feed(struct segment_check *check, struct slice bytes)
{
    while (bytes.len > 0) {
        switch (check->state) {
        case SEGMENT_CHECK_HEADER:
            if (take_head(check, &bytes, RUN_HEADER_BYTES))
                check->state = begin_segment(check);
            break;
        case SEGMENT_CHECK_BLOCK_HEADER:
            if (take_head(check, &bytes, RUN_BLOCK_HEADER_BYTES))
                check->state = begin_block(check);
            break;
        case SEGMENT_CHECK_PAYLOAD:
            check->state = take_payload(check, &bytes);
            break;
        case SEGMENT_CHECK_ENDED: /* more than a segment */
        case SEGMENT_CHECK_BAD:
            check->state = SEGMENT_CHECK_BAD;
            return;
        }
    }
}

bool segment_check_is_good(const struct segment_check *check)
{
    return check->state == SEGMENT_CHECK_ENDED;
}
