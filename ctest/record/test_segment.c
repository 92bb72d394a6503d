#include "record/sort_kit.h"

#include "fault/fault.h"
#include "record/segment_writer.h"

#include <errno.h>

static const struct run_id ID = {.job = 7, .attempt = 3, .task = 11};

static struct segment_writer begin(int fd, uint64_t offset, uint32_t partition)
{
    struct segment_writer writer;
    struct err err;

    assert_int_equal(segment_writer_init(&writer, fd, offset, "a test", (struct pulse){0}, &err),
                     0);
    assert_int_equal(segment_writer_begin(&writer, &ID, partition, &err), 0);
    return writer;
}

static struct run_segment end(struct segment_writer *writer)
{
    struct run_segment extent;
    struct err err;

    assert_int_equal(segment_writer_end(writer, &extent, &err), 0);
    assert_int_equal(segment_writer_flush(writer, &err), 0);
    segment_writer_deinit(writer);
    return extent;
}

static struct run_segment write_list(int fd, uint64_t offset, uint32_t partition,
                                     const struct kit_list *list)
{
    struct segment_writer writer = begin(fd, offset, partition);
    struct err err;

    for (size_t i = 0; i < list->count; i++)
        assert_int_equal(
            segment_writer_append(&writer, list->records[i].key, list->records[i].value, &err), 0);
    return end(&writer);
}

static struct segment segment_at(int fd, struct run_segment extent, uint32_t partition)
{
    return (struct segment){.fd = fd,
                            .offset = extent.offset,
                            .bytes = extent.bytes,
                            .partition = partition,
                            .expected = &ID,
                            .kind = ERR_PEER,
                            .what = "segment of map 11"};
}

/* Reads a whole segment into `got`. 0 or -1. */
static int read_list(const struct segment *segment, struct kit_list *got, struct err *err)
{
    struct cursor *cursor = segment_cursor_open(segment, err);
    int rc;

    if (!cursor)
        return -1;
    rc = kit_read(cursor, 0, got, err);
    cursor_close(cursor);
    return rc;
}

/* Some records of all shapes: empty, repeating, and across blocks. */
static void fill(struct kit_list *list, struct rand *rand, size_t count, size_t len_max)
{
    size_t key_max = len_max < RECORD_KEY_BYTES_MAX ? len_max : RECORD_KEY_BYTES_MAX;
    size_t key_short = key_max < 12 ? key_max : 12, value_short = len_max < 20 ? len_max : 20;
    char *key = mem_alloc(key_max), *value = mem_alloc(len_max);

    for (size_t i = 0; i < count; i++) {
        struct slice k = kit_bytes(rand, key, rand_below(rand, 8) ? key_short : key_max);

        kit_add(list, 0, k, kit_bytes(rand, value, rand_below(rand, 8) ? value_short : len_max));
    }
    free(key);
    free(value);
}

static void records_come_back_as_they_were_appended(void **state)
{
    struct rand rand = kit_rand("segment");

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct kit_list list = {0}, got = {0};
        struct run_segment extent;
        struct segment segment;
        struct err err;
        int fd = kit_file();
        uint64_t offset = rand_below(&rand, 1000);

        fill(&list, &rand, (size_t)rand_below(&rand, 40),
             1 + (size_t)rand_below(&rand, RECORD_KEY_BYTES_MAX));
        extent = write_list(fd, offset, 5, &list);
        assert_int_equal(extent.offset, offset);
        assert_int_equal(extent.record_count, list.count);
        segment = segment_at(fd, extent, 5);
        assert_int_equal(read_list(&segment, &got, &err), 0);
        kit_assert_equal(&got, &list);
        kit_clear(&list);
        kit_clear(&got);
        close(fd);
    }
}

/* Goal: what is not read is skipped rightly, and a key outlives the reading of its value. */
static void values_may_be_skipped_and_keys_stay_good(void **state)
{
    struct rand rand = kit_rand("segment skip");
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    struct cursor *cursor;
    struct slice value;
    struct err err;
    int fd = kit_file();

    (void)state;
    fill(&list, &rand, 300, 5000);
    extent = write_list(fd, 0, 0, &list);
    segment = segment_at(fd, extent, 0);
    cursor = segment_cursor_open(&segment, &err);
    assert_non_null(cursor);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(cursor_next(cursor, &err), 1);
        kit_assert_slice(cursor->key, list.records[i].key);
        if (rand_below(&rand, 2))
            continue;
        assert_int_equal(cursor_value(cursor, &value, &err), 0);
        kit_assert_slice(cursor->key, list.records[i].key);
        kit_assert_slice(value, list.records[i].value);
    }
    assert_int_equal(cursor_next(cursor, &err), 0);
    cursor_close(cursor);
    kit_clear(&list);
    close(fd);
}

static void the_largest_record_passes(void **state)
{
    size_t key_len = RECORD_KEY_BYTES_MAX, value_len = RECORD_VALUE_BYTES_MAX;
    char *key = mem_alloc(key_len), *value = mem_alloc(value_len);
    struct kit_list list = {0}, got = {0};
    struct run_segment extent;
    struct segment segment;
    struct err err;
    int fd = kit_file();

    (void)state;
    memset(value, 'v', value_len);
    kit_add(&list, 0, slice_of(key, key_len), slice_of(value, value_len));
    kit_add(&list, 0, slice_of(value, key_len), slice_of(key, 0));
    extent = write_list(fd, 0, 0, &list);
    segment = segment_at(fd, extent, 0);
    assert_int_equal(read_list(&segment, &got, &err), 0);
    kit_assert_equal(&got, &list);
    kit_clear(&list);
    kit_clear(&got);
    free(key);
    free(value);
    close(fd);
}

static void small_list(struct kit_list *list)
{
    char noise[90];
    struct rand rand;

    rand_init(&rand, 1);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)rand_next(&rand);
    kit_add(list, 0, slice_of_string("apple"), slice_of_string("1"));
    kit_add(list, 0, slice_of_string("pear"), slice_of(noise, sizeof noise));
    kit_add(
        list, 0, slice_of_string("plum"),
        slice_of_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

/* The damaged segment must fail, and must not show a record that was not written. */
static void assert_found(const struct segment *segment, const struct kit_list *list)
{
    struct kit_list got = {0};
    struct err err = {0};

    assert_int_equal(read_list(segment, &got, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_non_null(strstr(err.message, "segment of map 11"));
    assert_true(got.count <= list->count);
    for (size_t i = 0; i < got.count; i++) {
        kit_assert_slice(got.records[i].key, list->records[i].key);
        kit_assert_slice(got.records[i].value, list->records[i].value);
    }
    kit_clear(&got);
}

static void every_flipped_bit_is_found(void **state)
{
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    uint32_t failed = 0;
    int fd = kit_file();

    (void)state;
    small_list(&list);
    extent = write_list(fd, 0, 2, &list);
    segment = segment_at(fd, extent, 2);
    segment.expected = NULL; /* nothing but the checksums helps */
    segment.number = 11;
    segment.failed_number = &failed;
    for (uint64_t at = 0; at < extent.bytes; at++) {
        for (int bit = 0; bit < 8; bit++) {
            unsigned char byte;

            assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
            byte ^= (unsigned char)(1 << bit);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
            failed = 0;
            assert_found(&segment, &list);
            assert_int_equal(failed, 11);
            byte ^= (unsigned char)(1 << bit);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
        }
    }
    kit_clear(&list);
    close(fd);
}

/* Reads until the damage is found: what comes before it is what was written. */
static void assert_found_in_time(const struct segment *segment, const struct kit_list *list)
{
    struct err err = {0};
    struct cursor *cursor = segment_cursor_open(segment, &err);
    size_t count = 0;
    int rc = cursor ? 0 : -1;

    while (cursor && (rc = cursor_next(cursor, &err)) == 1) {
        assert_in_range(count, 0, list->count - 1);
        if (!slice_equal(cursor->key, list->records[count].key))
            fail_msg("record %zu is another one", count);
        count++;
    }
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, ERR_PEER);
    cursor_close(cursor);
}

/* Row 29, at rest; test_segment_check.c has the same for what comes over a connection. */
static void ten_thousand_flipped_bits_of_a_large_segment_are_found(void **state)
{
    enum { FLIPS = 10000, RECORDS = RUN_BLOCK_BYTES > 1024 ? 20000 : 2000 };
    struct rand rand = kit_rand("flips");
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    int fd = kit_file();

    (void)state;
    fill(&list, &rand, RECORDS, 100);
    extent = write_list(fd, 0, 2, &list);
    segment = segment_at(fd, extent, 2);
    assert_true(extent.bytes > 4 * RUN_BLOCK_BYTES);
    for (int i = 0; i < FLIPS; i++) {
        off_t at = (off_t)rand_below(&rand, extent.bytes);
        unsigned char byte, flip = (unsigned char)(1 << rand_below(&rand, 8));

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= flip;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_found_in_time(&segment, &list);
        byte ^= flip;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    kit_clear(&list);
    close(fd);
}

static void every_other_length_is_found(void **state)
{
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    int fd = kit_file();

    (void)state;
    small_list(&list);
    extent = write_list(fd, 0, 2, &list);
    segment = segment_at(fd, extent, 2);
    for (uint64_t bytes = 0; bytes < extent.bytes; bytes++) { /* the table says less */
        segment.bytes = bytes;
        assert_found(&segment, &list);
    }
    assert_int_equal(ftruncate(fd, (off_t)extent.bytes + 40), 0);
    for (uint64_t more = 1; more < 40; more++) { /* or more */
        segment.bytes = extent.bytes + more;
        assert_found(&segment, &list);
    }
    segment.bytes = extent.bytes;
    for (uint64_t bytes = extent.bytes; bytes-- > 0;) { /* the file ends early */
        assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
        assert_found(&segment, &list);
    }
    kit_clear(&list);
    close(fd);
}

static void another_segment_is_found_by_its_ids(void **state)
{
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    struct run_id job = ID, task = ID, attempt = ID;
    int fd = kit_file();

    (void)state;
    job.job++;
    task.task++;
    attempt.attempt++;
    small_list(&list);
    extent = write_list(fd, 0, 2, &list);
    segment = segment_at(fd, extent, 1);
    assert_found(&segment, &list);
    segment.partition = 2;
    segment.expected = &job;
    assert_found(&segment, &list);
    segment.expected = &task;
    assert_found(&segment, &list);
    segment.expected = &attempt;
    assert_found(&segment, &list);
    kit_clear(&list);
    close(fd);
}

/* Goal: a good block in a wrong place is found. Method: two segments that differ in one id and
 * hold the same records; the body of one goes behind the header of the other. */
static void blocks_of_another_segment_are_found(void **state)
{
    struct kit_list list = {0};
    struct run_segment one, other;
    struct segment segment;
    char body[4096];
    ssize_t len;
    int fd = kit_file();

    (void)state;
    small_list(&list);
    one = write_list(fd, 0, 1, &list);
    other = write_list(fd, one.bytes, 2, &list);
    assert_int_equal(one.bytes, other.bytes);
    len = (ssize_t)one.bytes - RUN_HEADER_BYTES;
    assert_true(len < (ssize_t)sizeof body);
    assert_int_equal(pread(fd, body, (size_t)len, (off_t)other.offset + RUN_HEADER_BYTES), len);
    assert_int_equal(pwrite(fd, body, (size_t)len, RUN_HEADER_BYTES), len);
    segment = segment_at(fd, one, 1);
    assert_found(&segment, &list);
    kit_clear(&list);
    close(fd);
}

static void swapped_blocks_are_found(void **state)
{
    size_t len = 2 * RUN_BLOCK_BYTES;
    size_t span = RUN_BLOCK_HEADER_BYTES + RUN_BLOCK_BYTES; /* of a block stored plain */
    char *noise = mem_alloc(len), *blocks = mem_alloc(2 * span);
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    struct rand rand;
    int fd = kit_file();

    (void)state;
    rand_init(&rand, 3);
    for (size_t i = 0; i < len; i++)
        noise[i] = (char)rand_next(&rand);
    kit_add(&list, 0, slice_of_string("k"), slice_of(noise, len));
    extent = write_list(fd, 0, 0, &list);
    assert_int_equal(pread(fd, blocks, 2 * span, RUN_HEADER_BYTES), (ssize_t)(2 * span));
    assert_int_equal(pwrite(fd, blocks + span, span, RUN_HEADER_BYTES), (ssize_t)span);
    assert_int_equal(pwrite(fd, blocks, span, (off_t)(RUN_HEADER_BYTES + span)), (ssize_t)span);
    segment = segment_at(fd, extent, 0);
    assert_found(&segment, &list);
    kit_clear(&list);
    free(noise);
    free(blocks);
    close(fd);
}

static void every_read_failure_is_the_disks_fault(void **state)
{
    static const enum fault_call calls[] = {FAULT_READ, FAULT_ALLOC};
    struct rand rand = kit_rand("segment faults");
    struct kit_list list = {0};
    struct run_segment extent;
    struct segment segment;
    int fd = kit_file();

    (void)state;
    fill(&list, &rand, 10, 3 * RUN_BLOCK_BYTES);
    extent = write_list(fd, 0, 0, &list);
    segment = segment_at(fd, extent, 0);
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct cursor *cursor;
            struct slice value;
            struct err err = {0};
            size_t count = 0;
            int rc = -1;

            fault_arm(calls[i], nth, calls[i] == FAULT_READ ? EIO : ENOMEM);
            cursor = segment_cursor_open(&segment, &err);
            while (cursor && (rc = cursor_next(cursor, &err)) == 1) {
                rc = cursor_value(cursor, &value, &err);
                if (rc != 0)
                    break;
                count++;
            }
            cursor_close(cursor);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                assert_int_equal(count, list.count);
                break;
            }
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, calls[i] == FAULT_READ ? ERR_DISK : ERR_LIMIT);
            assert_true(nth < 10000);
        }
    }
    kit_clear(&list);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_they_were_appended),
        cmocka_unit_test(values_may_be_skipped_and_keys_stay_good),
        cmocka_unit_test(the_largest_record_passes),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(ten_thousand_flipped_bits_of_a_large_segment_are_found),
        cmocka_unit_test(every_other_length_is_found),
        cmocka_unit_test(another_segment_is_found_by_its_ids),
        cmocka_unit_test(blocks_of_another_segment_are_found),
        cmocka_unit_test(swapped_blocks_are_found),
        cmocka_unit_test(every_read_failure_is_the_disks_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
