#include "test.h"

#include "record/run_format.h"

#include <string.h>

static const struct run_id ID = {
    .job = 0x0102030405060708, .attempt = 0x1112131415161718, .task = 0x21222324};

static void a_header_lies_as_it_is_drawn(void **state)
{
    static const char wanted[28] = "MRS1\x34\x33\x32\x31\x08\x07\x06\x05\x04\x03\x02\x01"
                                   "\x18\x17\x16\x15\x14\x13\x12\x11\x24\x23\x22\x21";
    struct run_header header = {.id = ID, .partition = 0x31323334}, back;
    char bytes[RUN_HEADER_BYTES];

    (void)state;
    run_header_encode(bytes, &header);
    assert_memory_equal(bytes, wanted, sizeof wanted);
    assert_true(run_header_decode(bytes, &back));
    assert_int_equal(back.id.job, ID.job);
    assert_int_equal(back.id.attempt, ID.attempt);
    assert_int_equal(back.id.task, ID.task);
    assert_int_equal(back.partition, header.partition);
    assert_int_equal(back.crc, header.crc);
    for (int bit = 0; bit < RUN_HEADER_BYTES * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        assert_false(run_header_decode(bytes, &back));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
}

static void a_block_belongs_to_its_segment_and_place(void **state)
{
    struct run_block block = {.stored_bytes = 3, .is_plain = true, .raw_bytes = 3}, back;
    char bytes[RUN_BLOCK_HEADER_BYTES];

    (void)state;
    run_block_encode(bytes, &block, 77, 5, "abc");
    assert_memory_equal(bytes, "\x03\0\0\x80\x03\0\0\0", 8);
    assert_true(run_block_decode(bytes, &back));
    assert_true(back.is_plain);
    assert_int_equal(back.stored_bytes, 3);
    assert_int_equal(back.raw_bytes, 3);
    assert_true(run_block_crc_is_good(bytes, 77, 5, "abc"));
    assert_false(run_block_crc_is_good(bytes, 77, 5, "abd"));
    assert_false(run_block_crc_is_good(bytes, 77, 6, "abc"));
    assert_false(run_block_crc_is_good(bytes, 78, 5, "abc"));
}

static void sizes_that_were_never_written_are_refused(void **state)
{
    static const struct {
        struct run_block block;
        bool is_good;
    } cases[] = {
        {{.stored_bytes = 8}, true}, /* the end mark */
        {{.stored_bytes = 8, .is_plain = true}, false},
        {{.stored_bytes = 7}, false},
        {{.stored_bytes = 9}, false},
        {{.stored_bytes = 0, .raw_bytes = 1}, false},
        {{.stored_bytes = 1, .raw_bytes = 2}, true},
        {{.stored_bytes = 2, .raw_bytes = 2}, false}, /* would have been stored plain */
        {{.stored_bytes = 2, .raw_bytes = 2, .is_plain = true}, true},
        {{.stored_bytes = 1, .raw_bytes = 2, .is_plain = true}, false},
        {{.stored_bytes = 9, .raw_bytes = RUN_BLOCK_BYTES_MAX}, true},
        {{.stored_bytes = 9, .raw_bytes = RUN_BLOCK_BYTES_MAX + 1}, false},
        {{.stored_bytes = 0x7fffffff, .raw_bytes = 0xffffffff}, false},
    };
    static const char payload[16];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run_block encoded = cases[i].block, back;
        char bytes[RUN_BLOCK_HEADER_BYTES];

        encoded.stored_bytes &= 15; /* the checksum is not what is tested: few bytes will do */
        run_block_encode(bytes, &encoded, 0, 0, payload);
        memcpy(bytes,
               &(uint32_t){cases[i].block.stored_bytes |
                           (cases[i].block.is_plain ? UINT32_C(1) << 31 : 0)},
               4);
        assert_int_equal(run_block_decode(bytes, &back), cases[i].is_good);
    }
}

static void a_footer_covers_the_index(void **state)
{
    struct run_footer footer = {.index_offset = 100, .record_count = 7}, back;
    char bytes[RUN_FOOTER_BYTES];

    (void)state;
    run_footer_encode(bytes, &footer, 42);
    assert_true(run_footer_decode(bytes, &back));
    assert_int_equal(back.index_offset, 100);
    assert_int_equal(back.record_count, 7);
    assert_true(run_footer_crc_is_good(bytes, 42));
    assert_false(run_footer_crc_is_good(bytes, 43));
    bytes[8]++;
    assert_false(run_footer_crc_is_good(bytes, 42));
    bytes[RUN_FOOTER_BYTES - 1]++;
    assert_false(run_footer_decode(bytes, &back));
}

static void an_index_header_has_a_sane_count(void **state)
{
    char bytes[RUN_INDEX_HEADER_BYTES];
    struct run_id id;
    uint32_t count;

    (void)state;
    run_index_header_encode(bytes, &ID, PARTITION_COUNT_MAX);
    assert_true(run_index_header_decode(bytes, &id, &count));
    assert_int_equal(count, PARTITION_COUNT_MAX);
    assert_int_equal(id.attempt, ID.attempt);
    run_index_header_encode(bytes, &ID, PARTITION_COUNT_MAX + 1);
    assert_false(run_index_header_decode(bytes, &id, &count));
    run_index_header_encode(bytes, &ID, 0);
    assert_false(run_index_header_decode(bytes, &id, &count));
    bytes[0] = 'm';
    assert_false(run_index_header_decode(bytes, &id, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_lies_as_it_is_drawn),
        cmocka_unit_test(a_block_belongs_to_its_segment_and_place),
        cmocka_unit_test(sizes_that_were_never_written_are_refused),
        cmocka_unit_test(a_footer_covers_the_index),
        cmocka_unit_test(an_index_header_has_a_sane_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
