#include "record/segment_check.h"

#include "record/golden_run.h"

/* The segment of `partition` of the golden run; the caller frees it. */
static char *read_segment(uint32_t partition, size_t *len)
{
    int fd = kit_file();
    struct err err;
    struct run_index *index = run_index_open(fd, golden_write(fd), ERR_INPUT, "x", &err);
    char *bytes;

    assert_non_null(index);
    *len = (size_t)index->segments[partition].bytes;
    bytes = mem_alloc(*len + 1);
    assert_int_equal(pread(fd, bytes, *len, (off_t)index->segments[partition].offset), *len);
    run_index_close(index);
    close(fd);
    return bytes;
}

static bool check(const char *bytes, size_t len, size_t piece, uint32_t partition,
                  const struct run_id *id, uint64_t *records)
{
    struct segment_check check;

    segment_check_init(&check, partition, id);
    for (size_t at = 0; at < len; at += piece)
        segment_check_feed(&check, slice_of(bytes + at, len - at < piece ? len - at : piece));
    *records = check.record_count;
    return segment_check_is_good(&check);
}

static void a_good_segment_is_good_however_it_is_cut(void **state)
{
    static const uint64_t record_counts[GOLDEN_PARTITIONS] = {3, 0, 2, 1};
    uint64_t records;
    size_t len;

    (void)state;
    for (uint32_t partition = 0; partition < GOLDEN_PARTITIONS; partition++) {
        char *bytes = read_segment(partition, &len);

        for (size_t piece = 1; piece <= len; piece++) {
            assert_true(check(bytes, len, piece, partition, &GOLDEN_ID, &records));
            assert_int_equal(records, record_counts[partition]);
        }
        free(bytes);
    }
}

static void a_flipped_bit_a_cut_end_or_a_byte_more_is_found(void **state)
{
    uint64_t records;
    size_t len;
    char *bytes = read_segment(0, &len);

    (void)state;
    for (size_t i = 0; i < 8 * len; i++) {
        bytes[i / 8] ^= (char)(1 << i % 8);
        assert_false(check(bytes, len, 7, 0, &GOLDEN_ID, &records));
        bytes[i / 8] ^= (char)(1 << i % 8);
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_false(check(bytes, cut, 7, 0, &GOLDEN_ID, &records));
    assert_false(check(bytes, len + 1, 7, 0, &GOLDEN_ID, &records));
    assert_true(check(bytes, len, 7, 0, &GOLDEN_ID, &records));
    free(bytes);
}

/* Row 29, in flight: a segment of 1 MiB as it comes over a connection, in pieces. */
static void ten_thousand_flipped_bits_of_a_large_segment_are_found(void **state)
{
    enum { FLIPS = 10000, RECORDS = 9000 };
    struct rand rand = kit_rand("flips");
    char value[100], *bytes;
    struct err err;
    int fd = kit_file();
    struct run_writer *writer =
        run_writer_open(fd, &GOLDEN_ID, 1, "a run", (struct pulse){0}, &err);
    struct run_index *index;
    uint64_t records, len;

    (void)state;
    assert_non_null(writer);
    assert_int_equal(run_writer_begin(writer, 0, &err), 0);
    for (int i = 0; i < RECORDS; i++) {
        for (size_t at = 0; at < sizeof value; at++)
            value[at] = (char)rand_below(&rand, 256);
        assert_int_equal(
            run_writer_append(writer, slice_of("key", 3), slice_of(value, sizeof value), &err), 0);
    }
    assert_int_equal(run_writer_finish(writer, &err), 0);
    run_writer_close(writer);
    index = run_index_open(fd, (uint64_t)lseek(fd, 0, SEEK_END), ERR_INPUT, "x", &err);
    assert_non_null(index);
    len = index->segments[0].bytes;
    bytes = mem_alloc(len);
    assert_int_equal(pread(fd, bytes, len, (off_t)index->segments[0].offset), len);
    assert_true(check(bytes, len, 64 * 1024, 0, &GOLDEN_ID, &records));
    for (int i = 0; i < FLIPS; i++) {
        uint64_t at = rand_below(&rand, 8 * len);

        bytes[at / 8] ^= (char)(1 << at % 8);
        assert_false(check(bytes, len, 64 * 1024, 0, &GOLDEN_ID, &records));
        bytes[at / 8] ^= (char)(1 << at % 8);
    }
    run_index_close(index);
    free(bytes);
    close(fd);
}

static void another_segment_is_not_this_one(void **state)
{
    struct run_id ids[] = {GOLDEN_ID, GOLDEN_ID, GOLDEN_ID};
    uint64_t records;
    size_t len;
    char *bytes = read_segment(0, &len);

    (void)state;
    ids[0].job++;
    ids[1].attempt++;
    ids[2].task++;
    for (size_t i = 0; i < 3; i++)
        assert_false(check(bytes, len, len, 0, &ids[i], &records));
    assert_false(check(bytes, len, len, 1, &GOLDEN_ID, &records));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_segment_is_good_however_it_is_cut),
        cmocka_unit_test(a_flipped_bit_a_cut_end_or_a_byte_more_is_found),
        cmocka_unit_test(ten_thousand_flipped_bits_of_a_large_segment_are_found),
        cmocka_unit_test(another_segment_is_not_this_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
