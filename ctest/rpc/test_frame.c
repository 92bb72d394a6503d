#include "test.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "fault/fault.h"
#include "rpc/frame.h"

#include <stdlib.h>

static const struct frame_limits LIMITS = {.frame_bytes_max = 64, .message_bytes_max = 200};

static struct buf encoded(uint8_t type, uint64_t request_id, const char *payload, size_t len)
{
    struct buf out = {0};

    frame_encode(
        &out,
        &(struct frame){.type = type, .request_id = request_id, .payload = slice_of(payload, len)});
    return out;
}

/* A frame as it stands on the wire, with a right checksum, whatever else is wrong with it. */
static void put_frame(struct buf *out, uint8_t version, uint8_t type, uint16_t flags,
                      uint64_t request_id, const char *payload)
{
    char head[FRAME_HEADER_BYTES], crc[FRAME_CRC_BYTES];
    size_t len = strlen(payload), start = out->len;

    put_u32le(head, (uint32_t)(FRAME_HEADER_BYTES - 4 + len + FRAME_CRC_BYTES));
    head[4] = (char)version;
    head[5] = (char)type;
    put_u16le(head + 6, flags);
    put_u64le(head + 8, request_id);
    buf_append(out, head, sizeof head);
    buf_append(out, payload, len);
    put_u32le(crc, crc32c(0, out->ptr + start, out->len - start));
    buf_append(out, crc, sizeof crc);
}

/* Decodes `bytes` fed whole: the rc of the first next(). */
static int decode(struct slice bytes, const struct frame_limits *limits, struct err *err)
{
    struct frame_decoder decoder;
    struct frame frame;
    int rc;

    frame_decoder_init(&decoder, limits);
    frame_decoder_feed(&decoder, bytes);
    rc = frame_decoder_next(&decoder, &frame, err);
    frame_decoder_deinit(&decoder);
    return rc;
}

/* The bytes are part of the format: an older process must understand them. */
static void test_golden(void **state)
{
    static const unsigned char golden[] = {
        0x13, 0, 0, 0, 1, 7, 0, 0, 0x2a, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c', 0xec, 0x15, 0x98, 0x6d,
    };
    struct buf out = encoded(7, 42, "abc", 3);

    (void)state;
    assert_int_equal(out.len, FRAME_HEADER_BYTES + 3 + FRAME_CRC_BYTES);
    assert_memory_equal(out.ptr, golden, sizeof golden);
    buf_deinit(&out);
}

/* Two messages cut into two feeds at every byte. */
static void test_cut_anywhere(void **state)
{
    struct buf all = encoded(1, 5, "first", 5), second = encoded(2, 6, "", 0);

    (void)state;
    buf_append(&all, second.ptr, second.len);
    for (size_t cut = 0; cut <= all.len; cut++) {
        struct frame_decoder decoder;
        struct frame frame;
        struct err err;
        int seen = 0;

        frame_decoder_init(&decoder, &LIMITS);
        for (int half = 0; half < 2; half++) {
            struct slice part =
                half == 0 ? slice_of(all.ptr, cut) : slice_of(all.ptr + cut, all.len - cut);
            int rc;

            frame_decoder_feed(&decoder, part);
            while ((rc = frame_decoder_next(&decoder, &frame, &err)) == 1) {
                assert_int_equal(frame.type, seen == 0 ? 1 : 2);
                assert_int_equal(frame.request_id, seen == 0 ? 5 : 6);
                assert_true(slice_equal(frame.payload, slice_of_string(seen == 0 ? "first" : "")));
                seen++;
            }
            assert_int_equal(rc, 0);
        }
        assert_int_equal(seen, 2);
        assert_true(frame_decoder_is_empty(&decoder));
        frame_decoder_deinit(&decoder);
    }
    buf_deinit(&all);
    buf_deinit(&second);
}

/* One byte at a time, and the stream ends early at each of them. */
static void test_ends_early(void **state)
{
    struct buf all = encoded(1, 5, "payload", 7);
    struct frame_decoder decoder;
    struct frame frame;
    struct err err;

    (void)state;
    frame_decoder_init(&decoder, &LIMITS);
    assert_true(frame_decoder_is_empty(&decoder));
    for (size_t i = 0; i + 1 < all.len; i++) {
        frame_decoder_feed(&decoder, slice_of(all.ptr + i, 1));
        assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 0);
        assert_false(frame_decoder_is_empty(&decoder));
    }
    frame_decoder_feed(&decoder, slice_of(all.ptr + all.len - 1, 1));
    assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 1);
    frame_decoder_deinit(&decoder);
    buf_deinit(&all);
}

/* No flipped bit gets through: it is an error, or (in the length) the message never completes. */
static void test_flip_every_bit(void **state)
{
    struct buf good = encoded(3, 9, "some payload", 12);
    struct err err;

    (void)state;
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        good.ptr[bit / 8] = (char)(good.ptr[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(decode(buf_slice(&good), &LIMITS, &err), 1);
        if (bit >= 32)
            assert_int_equal(decode(buf_slice(&good), &LIMITS, &err), -1);
        good.ptr[bit / 8] = (char)(good.ptr[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(decode(buf_slice(&good), &LIMITS, &err), 1);
    buf_deinit(&good);
}

static void expect_refused(struct slice bytes, const char *because)
{
    struct err err;

    assert_int_equal(decode(bytes, &LIMITS, &err), -1);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(strstr(err.message, because));
}

static void test_refuses(void **state)
{
    struct buf bytes = {0};

    (void)state;
    buf_append(&bytes, "\x0f\0\0\0", 4); /* less than a header and a checksum */
    expect_refused(buf_slice(&bytes), "length of 15");
    buf_clear(&bytes);
    buf_append(&bytes, "\x3d\0\0\0", 4); /* 61: with itself, 65 > 64. Refused before the rest */
    expect_refused(buf_slice(&bytes), "length of 61");
    buf_clear(&bytes);
    put_frame(&bytes, 2, 1, 0, 0, "");
    expect_refused(buf_slice(&bytes), "version 2");
    buf_clear(&bytes);
    put_frame(&bytes, FRAME_VERSION, 1, 2, 0, "");
    expect_refused(buf_slice(&bytes), "unknown flags 2");
    buf_clear(&bytes);
    put_frame(&bytes, FRAME_VERSION, 1, FRAME_FLAG_MORE, 0, "a");
    put_frame(&bytes, FRAME_VERSION, 2, 0, 0, "b"); /* another type in between */
    expect_refused(buf_slice(&bytes), "type 2 inside a message of type 1");
    buf_clear(&bytes);
    put_frame(&bytes, FRAME_VERSION, 1, FRAME_FLAG_MORE, 0, "a");
    put_frame(&bytes, FRAME_VERSION, 1, 0, 1, "b"); /* another request */
    expect_refused(buf_slice(&bytes), "inside a message");
    buf_deinit(&bytes);
}

/* Frames that say "more" without end meet the limit of a message. */
static void test_message_limit(void **state)
{
    struct buf bytes = {0};

    (void)state;
    for (int i = 0; i < 6; i++)
        put_frame(&bytes, FRAME_VERSION, 1, FRAME_FLAG_MORE, 0,
                  "0123456789012345678901234567890123456789");
    expect_refused(buf_slice(&bytes), "more than 200 bytes");
    buf_deinit(&bytes);
}

/* Longer than a frame: it is sent in several, and is one message again. Twice, so that what the
 * first left behind would be seen. */
static void test_long_messages(void **state)
{
    size_t len = 3 * FRAME_PAYLOAD_BYTES_MAX + 17;
    char *payload = malloc(len);
    struct frame_decoder decoder;
    struct buf all = {0};
    struct frame frame;
    struct err err;

    (void)state;
    assert_non_null(payload);
    for (size_t i = 0; i < len; i++)
        payload[i] = (char)(i * 31);
    for (uint64_t id = 1; id <= 2; id++)
        frame_encode(
            &all,
            &(struct frame){.type = 4, .request_id = id, .payload = slice_of(payload, len - id)});
    assert_int_equal(all.len, 2 * len - 3 + 8 * (FRAME_HEADER_BYTES + FRAME_CRC_BYTES));
    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    frame_decoder_feed(&decoder, buf_slice(&all));
    for (uint64_t id = 1; id <= 2; id++) {
        assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 1);
        assert_int_equal(frame.request_id, id);
        assert_true(slice_equal(frame.payload, slice_of(payload, len - id)));
    }
    assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 0);
    assert_true(frame_decoder_is_empty(&decoder));
    frame_decoder_deinit(&decoder);
    buf_deinit(&all);
    free(payload);
}

/* Exactly full frames: no empty one behind them. */
static void test_full_frame(void **state)
{
    char *payload = calloc(1, FRAME_PAYLOAD_BYTES_MAX);
    struct buf all;
    struct err err;

    (void)state;
    assert_non_null(payload);
    all = encoded(1, 0, payload, FRAME_PAYLOAD_BYTES_MAX);
    assert_int_equal(all.len, FRAME_BYTES_MAX);
    assert_int_equal(decode(buf_slice(&all), &FRAME_LIMITS_LOCAL, &err), 1);
    buf_deinit(&all);
    free(payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_ends_early),    cmocka_unit_test(test_flip_every_bit),
        cmocka_unit_test(test_refuses),       cmocka_unit_test(test_message_limit),
        cmocka_unit_test(test_long_messages), cmocka_unit_test(test_full_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
