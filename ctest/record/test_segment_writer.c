#include "record/sort_kit.h"

#include "fault/fault.h"
#include "record/segment_writer.h"

#include <errno.h>

static const struct run_id ID = {.job = 1, .attempt = 2, .task = 3};

/* Segments of one record each, of growing size, one behind the other from `offset` on. */
static int write_segments(int fd, uint64_t offset, uint32_t count, struct run_segment *extents,
                          struct err *err)
{
    struct segment_writer writer;
    char *value = NULL;
    int rc = segment_writer_init(&writer, fd, offset, "a test", (struct pulse){0}, err);

    if (rc != 0)
        return -1;
    value = mem_alloc(count * 1000 + 1);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        rc = segment_writer_begin(&writer, &ID, i, err);
        if (rc == 0)
            rc = segment_writer_append(&writer, slice_of("k", 1), slice_of(value, i * 1000), err);
        if (rc == 0)
            rc = segment_writer_end(&writer, &extents[i], err);
    }
    if (rc == 0)
        rc = segment_writer_put(&writer, "tail", 4, err);
    if (rc == 0)
        rc = segment_writer_flush(&writer, err);
    if (rc == 0)
        assert_int_equal(segment_writer_offset(&writer),
                         extents[count - 1].offset + extents[count - 1].bytes + 4);
    segment_writer_deinit(&writer);
    free(value);
    return rc;
}

static void segments_lie_one_behind_the_other(void **state)
{
    enum { COUNT = 50 };
    struct run_segment extents[COUNT];
    uint64_t offset = 12345;
    struct err err;
    char tail[5] = {0};
    int fd = kit_file();

    (void)state;
    assert_int_equal(write_segments(fd, offset, COUNT, extents, &err), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct segment segment = {.fd = fd,
                                  .offset = offset,
                                  .bytes = extents[i].bytes,
                                  .partition = i,
                                  .expected = &ID,
                                  .what = "a test"};
        struct cursor *cursor = segment_cursor_open(&segment, &err);
        struct slice value;

        assert_non_null(cursor);
        assert_int_equal(extents[i].offset, offset);
        assert_int_equal(extents[i].record_count, 1);
        assert_int_equal(cursor_next(cursor, &err), 1);
        assert_int_equal(cursor_value(cursor, &value, &err), 0);
        assert_int_equal(value.len, i * 1000);
        assert_int_equal(cursor_next(cursor, &err), 0);
        cursor_close(cursor);
        offset += extents[i].bytes;
    }
    assert_int_equal(pread(fd, tail, 5, (off_t)offset), 4);
    assert_string_equal(tail, "tail");
    close(fd);
}

static void what_does_not_compress_is_stored_plain(void **state)
{
    enum { BYTES = 10 * RUN_BLOCK_BYTES };
    struct segment_writer writer;
    struct run_segment extent;
    struct rand rand;
    struct err err;
    char *noise = mem_alloc(BYTES);
    int fd = kit_file();

    (void)state;
    rand_init(&rand, 1);
    for (size_t i = 0; i < BYTES; i++)
        noise[i] = (char)rand_next(&rand);
    assert_int_equal(segment_writer_init(&writer, fd, 0, "x", (struct pulse){0}, &err), 0);
    assert_int_equal(segment_writer_begin(&writer, &ID, 0, &err), 0);
    assert_int_equal(segment_writer_append(&writer, slice_of("", 0), slice_of(noise, BYTES), &err),
                     0);
    assert_int_equal(segment_writer_end(&writer, &extent, &err), 0);
    assert_in_range(extent.bytes, BYTES,
                    BYTES + RUN_SEGMENT_BYTES_MIN + 12 * RUN_BLOCK_HEADER_BYTES);
    segment_writer_deinit(&writer);
    free(noise);
    close(fd);
}

/* How many bytes `count` records of `key` and a value are, packed or not. */
static uint64_t bytes_of(bool packs_all, struct slice key, struct slice value, uint32_t count)
{
    struct segment_writer writer;
    struct run_segment extent;
    struct err err;
    int fd = kit_file();

    assert_int_equal(segment_writer_init(&writer, fd, 0, "x", (struct pulse){0}, &err), 0);
    writer.packs_all = packs_all;
    assert_int_equal(segment_writer_begin(&writer, &ID, 0, &err), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(segment_writer_append(&writer, key, value, &err), 0);
    assert_int_equal(segment_writer_end(&writer, &extent, &err), 0);
    segment_writer_deinit(&writer);
    close(fd);
    return extent.bytes;
}

/* Goal: what is read once is compressed where that halves it, what is kept wherever it helps. */
static void compressing_must_pay(void **state)
{
    enum { HALF = RUN_BLOCK_BYTES / 2, COUNT = 50 };
    struct rand rand;
    char *bytes = mem_alloc(2 * HALF);
    uint64_t raw = (uint64_t)COUNT * RUN_BLOCK_BYTES;
    struct slice noise = slice_of(bytes, HALF), zeros = slice_of(bytes + HALF, HALF);

    (void)state;
    rand_init(&rand, 2);
    for (size_t i = 0; i < HALF; i++)
        bytes[i] = (char)rand_next(&rand);
    assert_true(bytes_of(true, noise, zeros, COUNT) < bytes_of(false, noise, zeros, COUNT));
    assert_true(bytes_of(false, noise, zeros, COUNT) > raw * 9 / 10);
    assert_true(bytes_of(false, slice_of("k", 1), zeros, COUNT) < raw / 2);
    free(bytes);
}

static void every_failing_write_is_a_full_disk(void **state)
{
    (void)state;
    for (uint32_t nth = 0;; nth++) {
        struct run_segment extents[9];
        struct err err = {0};
        int fd = kit_file(), rc;

        fault_arm(FAULT_WRITE, nth, ENOSPC);
        rc = write_segments(fd, 0, 9, extents, &err);
        close(fd);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_DISK);
        assert_non_null(strstr(err.message, "write a test"));
    }
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    for (uint32_t nth = 0; nth < 3; nth++) { /* two buffers and a compressor */
        struct segment_writer writer;
        struct err err = {0};

        fault_arm(FAULT_ALLOC, nth, ENOMEM);
        assert_int_equal(segment_writer_init(&writer, 0, 0, "x", (struct pulse){0}, &err), -1);
        assert_true(fault_disarm());
        assert_int_equal(err.kind, ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_lie_one_behind_the_other),
        cmocka_unit_test(what_does_not_compress_is_stored_plain),
        cmocka_unit_test(compressing_must_pay),
        cmocka_unit_test(every_failing_write_is_a_full_disk),
        cmocka_unit_test(no_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
