#include "base/bytes.h"

#include "test.h"

static void little_endian_is_lowest_byte_first(void **state)
{
    unsigned char out[8];

    (void)state;
    put_u16le(out, 0x0102);
    assert_memory_equal(out, "\x02\x01", 2);
    put_u32le(out, 0x01020304);
    assert_memory_equal(out, "\x04\x03\x02\x01", 4);
    put_u64le(out, 0x0102030405060708);
    assert_memory_equal(out, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    assert_int_equal(get_u64le(out), 0x0102030405060708);
    assert_int_equal(get_u32le(out), 0x05060708);
    assert_int_equal(get_u16le(out), 0x0708);
}

static void big_endian_is_highest_byte_first(void **state)
{
    unsigned char out[8];

    (void)state;
    put_u64be(out, 0x0102030405060708);
    assert_memory_equal(out, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_int_equal(get_u64be(out), 0x0102030405060708);
}

static void numbers_need_no_alignment(void **state)
{
    unsigned char out[16] = {0};

    (void)state;
    for (size_t at = 0; at < 8; at++) {
        put_u64le(out + at, 0xfedcba9876543210);
        assert_int_equal(get_u64le(out + at), 0xfedcba9876543210);
    }
}

/* The values on both sides of every length, and the largest. */
static void varints_round_trip_at_every_length(void **state)
{
    unsigned char out[VARINT_BYTES_MAX];

    (void)state;
    for (size_t len = 1; len <= VARINT_BYTES_MAX; len++) {
        uint64_t first = len == 1 ? 0 : (uint64_t)1 << (7 * (len - 1));
        uint64_t last = len == VARINT_BYTES_MAX ? UINT64_MAX : ((uint64_t)1 << (7 * len)) - 1;
        uint64_t value;

        assert_int_equal(put_varint(out, first), len);
        assert_int_equal(get_varint(out, sizeof out, &value), len);
        assert_int_equal(value, first);
        assert_int_equal(put_varint(out, last), len);
        assert_int_equal(get_varint(out, len, &value), len);
        assert_int_equal(value, last);
    }
}

static void a_varint_that_is_cut_off_is_told(void **state)
{
    unsigned char out[VARINT_BYTES_MAX];
    uint64_t value;

    (void)state;
    assert_int_equal(put_varint(out, UINT64_MAX), VARINT_BYTES_MAX);
    for (size_t len = 0; len < VARINT_BYTES_MAX; len++)
        assert_int_equal(get_varint(out, len, &value), 0);
}

static void a_varint_beyond_64_bits_is_refused(void **state)
{
    unsigned char too_large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    unsigned char endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x00};
    uint64_t value;

    (void)state;
    assert_int_equal(get_varint(too_large, sizeof too_large, &value), VARINT_BYTES_MAX + 1);
    assert_int_equal(get_varint(endless, sizeof endless, &value), VARINT_BYTES_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_endian_is_lowest_byte_first),
        cmocka_unit_test(big_endian_is_highest_byte_first),
        cmocka_unit_test(numbers_need_no_alignment),
        cmocka_unit_test(varints_round_trip_at_every_length),
        cmocka_unit_test(a_varint_that_is_cut_off_is_told),
        cmocka_unit_test(a_varint_beyond_64_bits_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
