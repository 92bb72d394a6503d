#include "record/golden_run.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "record/run_format.h"

static void the_index_knows_every_segment(void **state)
{
    static const uint64_t record_counts[GOLDEN_PARTITIONS] = {3, 0, 2, 1};
    int fd = kit_file();
    uint64_t bytes = golden_write(fd), offset = 0;
    struct run_index *index;
    struct err err;

    (void)state;
    index = run_index_open(fd, bytes, ERR_INPUT, "x", &err);
    assert_non_null(index);
    assert_int_equal(index->partition_count, GOLDEN_PARTITIONS);
    assert_int_equal(index->record_count, 6);
    for (uint32_t i = 0; i < GOLDEN_PARTITIONS; i++) {
        assert_int_equal(index->segments[i].offset, offset);
        assert_int_equal(index->segments[i].record_count, record_counts[i]);
        offset += index->segments[i].bytes;
    }
    assert_int_equal(index->segments[1].bytes, RUN_SEGMENT_BYTES_MIN); /* empty, and says so */
    run_index_close(index);
    close(fd);
}

/* A file that is only an index and a footer, rightly checksummed, but saying `count`, `segment`
 * bytes each and `index_offset`. */
static int open_index(uint32_t count, uint32_t entries, uint64_t segment_bytes,
                      uint64_t index_offset, uint64_t record_count, struct err *err)
{
    char bytes[RUN_INDEX_HEADER_BYTES + 4 * RUN_INDEX_ENTRY_BYTES + RUN_FOOTER_BYTES];
    struct run_footer footer = {.index_offset = index_offset, .record_count = record_count};
    size_t len = RUN_INDEX_HEADER_BYTES + (size_t)entries * RUN_INDEX_ENTRY_BYTES;
    struct run_index *index;
    int fd = kit_file();

    run_index_header_encode(bytes, &GOLDEN_ID, count);
    for (uint32_t i = 0; i < entries; i++) {
        put_u64le(bytes + RUN_INDEX_HEADER_BYTES + i * RUN_INDEX_ENTRY_BYTES, segment_bytes);
        put_u64le(bytes + RUN_INDEX_HEADER_BYTES + i * RUN_INDEX_ENTRY_BYTES + 8, 1);
    }
    run_footer_encode(bytes + len, &footer, crc32c(0, bytes, len));
    assert_int_equal(pwrite(fd, bytes, len + RUN_FOOTER_BYTES, 200), len + RUN_FOOTER_BYTES);
    index = run_index_open(fd, 200 + len + RUN_FOOTER_BYTES, ERR_INPUT, "x", err);
    close(fd);
    run_index_close(index);
    return index ? 0 : -1;
}

/* Goal: a checksum is no proof of sense; numbers from a file are never trusted. */
static void an_index_that_cannot_be_is_refused(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(open_index(2, 2, 100, 200, 2, &err), 0); /* this one can */
    assert_int_equal(open_index(2, 2, 99, 200, 2, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(open_index(2, 2, 100, 200, 3, &err), -1);
    assert_int_equal(open_index(3, 2, 100, 200, 2, &err), -1);
    assert_int_equal(open_index(0, 0, 100, 200, 0, &err), -1);
    assert_int_equal(open_index(4, 4, 50, 200, 4, &err), -1); /* no segment is that short */
    assert_int_equal(open_index(2, 2, UINT64_MAX / 2 + 101, 200, 2, &err), -1);
    assert_int_equal(open_index(2, 2, 100, UINT64_MAX, 2, &err), -1);
    assert_int_equal(open_index(2, 2, 100, 0, 2, &err), -1);
    assert_int_equal(open_index(UINT32_MAX, 2, 100, 200, 2, &err), -1);
}

static void another_file_is_not_a_run_file(void **state)
{
    struct err err = {0};
    int fd = kit_file();

    (void)state;
    assert_null(run_index_open(fd, 0, ERR_INPUT, "notes.txt", &err));
    assert_string_equal(err.message, "read notes.txt: not a run file");
    assert_int_equal(ftruncate(fd, 1000), 0);
    assert_null(run_index_open(fd, 1000, ERR_PEER, "notes.txt", &err));
    assert_int_equal(err.kind, ERR_PEER);
    assert_string_equal(err.message, "read notes.txt: not a run file");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_knows_every_segment),
        cmocka_unit_test(an_index_that_cannot_be_is_refused),
        cmocka_unit_test(another_file_is_not_a_run_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
