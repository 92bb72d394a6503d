#include "format/reader.h"

#include "fault/fault.h"
#include "pack.h"

#include <errno.h>
#include <string.h>

static void reads_one(const struct source_input *input, struct slice contents)
{
    struct err err = {0};
    struct reader *reader = reader_open(READER_FILE, input, READER_DEFAULTS, &err);
    struct reader_record record;

    assert_non_null(reader);
    if (reader_next(reader, &record, &err) != 1)
        fail_msg("%s", err.message);
    assert_int_equal(record.form, RECORD_AS_READ);
    assert_true(slice_equal(record.key.string, slice_of_string(input->name)));
    assert_true(slice_equal(record.value.string, contents));
    assert_int_equal(record.offset, 0);
    assert_int_equal(reader_next(reader, &record, &err), 0);
    assert_int_equal(reader_bytes_read(reader), input->size);
    reader_close(reader);
}

static void file_is_one_record(void **state)
{
    struct buf gzip = {0};
    struct source_input input = pack_input("dir/x", slice_of("a\n\0b", 4));

    (void)state;
    reads_one(&input, slice_of("a\n\0b", 4));
    close(input.fd);
    input = pack_input("empty", slice_of("", 0));
    reads_one(&input, slice_of("", 0));
    close(input.fd);
    pack_gzip(&gzip, slice_of_string("packed"));
    input = pack_input("x.gz", buf_slice(&gzip));
    reads_one(&input, slice_of_string("packed"));
    close(input.fd);
    buf_deinit(&gzip);
}

static void largest_file_passes_and_a_larger_one_is_named(void **state)
{
    struct source_input input = pack_input("big", slice_of("", 0));
    struct buf text = {0}, gzip = {0};

    (void)state;
    memset(buf_reserve(&text, READER_FILE_BYTES_MAX + 1), 'x', READER_FILE_BYTES_MAX + 1);
    text.len = READER_FILE_BYTES_MAX;
    close(input.fd);
    input = pack_input("big", buf_slice(&text));
    reads_one(&input, buf_slice(&text));
    close(input.fd);
    text.len++;
    pack_gzip(&gzip, buf_slice(&text));
    for (int i = 0; i < 2; i++) {
        struct reader_record record;
        struct reader *reader;
        struct err err = {0};

        input = i ? pack_input("big.gz", buf_slice(&gzip)) : pack_input("big", buf_slice(&text));
        reader = reader_open(READER_FILE, &input, READER_DEFAULTS, &err);
        assert_int_equal(reader_next(reader, &record, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.message, "larger than 16777216 bytes"));
        assert_non_null(strstr(err.message, "input = \"lines\""));
        reader_close(reader);
        close(input.fd);
    }
    buf_deinit(&text);
    buf_deinit(&gzip);
}

static void every_failure_is_reported(void **state)
{
    struct source_input input = pack_input("x", slice_of_string("text"));
    uint32_t nth;

    (void)state;
    for (nth = 0;; nth++) {
        struct reader_record record;
        struct err err = {0};
        struct reader *reader = reader_open(READER_FILE, &input, READER_DEFAULTS, &err);
        int rc;

        fault_arm(nth % 2 ? FAULT_ALLOC : FAULT_READ, nth / 2, nth % 2 ? ENOMEM : EIO);
        rc = reader_next(reader, &record, &err);
        reader_close(reader);
        if (!fault_disarm()) {
            assert_int_equal(rc, 1);
            break;
        }
        assert_int_equal(rc, -1);
    }
    assert_int_equal(nth, 2);
    close(input.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_one_record),
        cmocka_unit_test(largest_file_passes_and_a_larger_one_is_named),
        cmocka_unit_test(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
