#include "format/reader.h"

#include "encode.h"
#include "fault/fault.h"
#include "format/writer.h"
#include "record/run.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RECORD_COUNT = 120 };

/* Some of no length, one that takes several blocks. */
static struct slice value_of(int i)
{
    static char text[3 * RUN_BLOCK_BYTES];

    memset(text, 'a' + i % 26, sizeof text);
    return encode_value_string(text, i == 50 ? sizeof text : (size_t)i % 50);
}

/* What output = "run" leaves, as an input. Close its .fd. */
static struct source_input written_run(void)
{
    struct writer_id id = {.job = 1, .partition = 2, .attempt = 3};
    struct part_summary summary;
    struct err err = {0};
    int fd = memfd_create("run", MFD_CLOEXEC);
    struct writer *writer =
        writer_open(&(struct writer_format){.kind = WRITER_RUN}, fd, "part-00002", &id, &err);

    assert_non_null(writer);
    for (int i = 0; i < RECORD_COUNT; i++)
        assert_int_equal(writer_write(writer, encode_key_number(i), value_of(i), &err), 0);
    assert_int_equal(writer_finish(writer, &summary, &err), 0);
    writer_close(writer);
    assert_int_equal(summary.records, RECORD_COUNT);
    return (struct source_input){
        .fd = fd, .name = "part-00002", .length = summary.bytes, .size = summary.bytes};
}

/* 0: all records were right. */
static int read_run(const struct source_input *input, struct err *err)
{
    struct reader *reader = reader_open(READER_RUN, input, READER_DEFAULTS, err);
    struct reader_record record;
    int count = 0;
    int rc = -1;

    while (reader && (rc = reader_next(reader, &record, err)) == 1) {
        assert_int_equal(record.form, RECORD_ENCODED);
        assert_true(slice_equal(record.key_bytes, encode_key_number(count)));
        assert_true(slice_equal(record.value_bytes, value_of(count)));
        count++;
    }
    if (rc == 0) {
        assert_int_equal(count, RECORD_COUNT);
        assert_true(reader_bytes_read(reader) > 0);
    }
    reader_close(reader);
    return rc;
}

static void run_is_read_as_it_was_written(void **state)
{
    struct source_input input = written_run();
    struct err err = {0};

    (void)state;
    if (read_run(&input, &err) != 0)
        fail_msg("%s", err.message);
    close(input.fd);
}

static void partitions_follow_each_other(void **state)
{
    struct run_id id = {.job = 1, .attempt = 3, .task = 2};
    struct source_input input = {.name = "map.run", .fd = memfd_create("run", MFD_CLOEXEC)};
    struct err err = {0};
    struct run_writer *writer =
        run_writer_open(input.fd, &id, 5, "map.run", (struct pulse){0}, &err);

    (void)state;
    assert_non_null(writer);
    for (int i = 0; i < RECORD_COUNT; i++) {
        if (i == 0 || i == 100) /* partitions 1 and 3; the others are empty */
            assert_int_equal(run_writer_begin(writer, i ? 3 : 1, &err), 0);
        assert_int_equal(run_writer_append(writer, encode_key_number(i), value_of(i), &err), 0);
    }
    assert_int_equal(run_writer_finish(writer, &err), 0);
    input.length = input.size = run_writer_bytes(writer);
    run_writer_close(writer);
    assert_int_equal(read_run(&input, &err), 0);
    close(input.fd);
}

static void other_files_and_streams_are_refused(void **state)
{
    struct source_input input = {.name = "x", .fd = memfd_create("text", MFD_CLOEXEC)};
    struct err err = {0};

    (void)state;
    assert_int_equal(
        write(input.fd, "not a run at all, but long enough to hold a footer of one", 57), 57);
    input.length = input.size = 57;
    assert_null(reader_open(READER_RUN, &input, READER_DEFAULTS, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.message, "x"));
    input.is_stream = true;
    assert_null(reader_open(READER_RUN, &input, READER_DEFAULTS, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    close(input.fd);
}

/* P5: no flipped bit reaches user code. */
static void every_flipped_byte_is_found(void **state)
{
    struct source_input input = written_run();

    (void)state;
    for (uint64_t at = 0; at < input.size; at++) {
        struct err err = {0};
        unsigned char byte, flipped;

        assert_int_equal(pread(input.fd, &byte, 1, (off_t)at), 1);
        flipped = (unsigned char)(byte ^ 1 << at % 8);
        assert_int_equal(pwrite(input.fd, &flipped, 1, (off_t)at), 1);
        if (read_run(&input, &err) != -1)
            fail_msg("byte %d", (int)at);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_int_equal(pwrite(input.fd, &byte, 1, (off_t)at), 1);
    }
    close(input.fd);
}

static void every_read_failure_is_reported(void **state)
{
    struct source_input input = written_run();
    uint32_t nth;

    (void)state;
    for (nth = 0;; nth++) {
        struct err err = {0};
        int rc;

        fault_arm(FAULT_READ, nth, EIO);
        rc = read_run(&input, &err);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, -1);
        assert_int_not_equal(err.kind, ERR_NONE);
    }
    assert_true(nth >= 3);
    close(input.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_is_read_as_it_was_written),
        cmocka_unit_test(partitions_follow_each_other),
        cmocka_unit_test(other_files_and_streams_are_refused),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(every_read_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
