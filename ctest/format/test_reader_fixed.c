#include "format/reader.h"

#include "fault/fault.h"
#include "pack.h"
#include "record/value.h"

#include <string.h>

static void put_bytes_option(struct buf *out, int64_t bytes)
{
    buf_clear(out);
    value_write_table_begin(out);
    value_write_string(out, slice_of_string("bytes"));
    value_write_integer(out, bytes);
    value_write_table_end(out);
}

/* Appends "<offset>:<record>;" per record. */
static int read_records(const struct source_input *input, int64_t bytes, struct buf *out,
                        struct err *err)
{
    struct buf options = {0};
    struct reader_record record;
    struct reader *reader;
    int rc;

    put_bytes_option(&options, bytes);
    reader = reader_open(READER_FIXED, input, buf_slice(&options), err);
    buf_deinit(&options);
    if (!reader)
        return -1;
    while ((rc = reader_next(reader, &record, err)) == 1) {
        assert_int_equal(record.form, RECORD_AS_READ);
        assert_int_equal(record.key.integer, record.offset);
        assert_int_equal(record.value.string.len, bytes);
        buf_printf(out, "%d:", (int)record.offset);
        buf_append(out, record.value.string.ptr, record.value.string.len);
        buf_append_byte(out, ';');
    }
    reader_close(reader);
    return rc;
}

static void records_are_so_many_bytes(void **state)
{
    struct source_input input = pack_input("x", slice_of("ab\ncd\0", 6));
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_records(&input, 3, &out, &err), 0);
    assert_true(slice_equal(buf_slice(&out), slice_of("0:ab\n;3:cd\0;", 12)));
    buf_deinit(&out);
    close(input.fd);
}

static void an_input_without_bytes_has_no_records(void **state)
{
    struct source_input input = pack_input("x", slice_of("", 0));
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_records(&input, 3, &out, &err), 0);
    assert_int_equal(out.len, 0);
    close(input.fd);
}

static void pieces_give_every_record_once(void **state)
{
    struct buf text = {0};

    (void)state;
    for (int i = 0; i < 200 * 7; i++)
        buf_append_byte(&text, (unsigned char)('a' + i % 23));
    for (int64_t bytes = 1; bytes <= 200; bytes += 33) { /* larger than a tiny window, too */
        size_t len = text.len - text.len % (size_t)bytes;
        struct source_input whole = pack_input("x", slice_of(text.ptr, len));
        struct buf expected = {0};
        struct err err = {0};

        assert_int_equal(read_records(&whole, bytes, &expected, &err), 0);
        for (uint64_t step = 1; step < len; step += step) {
            struct source_input piece = whole;
            struct buf out = {0};

            fault_shorten(FAULT_READ, 17);
            for (piece.offset = 0; piece.offset < len; piece.offset += step) {
                piece.length = len - piece.offset < step ? len - piece.offset : step;
                assert_int_equal(read_records(&piece, bytes, &out, &err), 0);
            }
            fault_disarm();
            assert_true(slice_equal(buf_slice(&out), buf_slice(&expected)));
            buf_deinit(&out);
        }
        buf_deinit(&expected);
        close(whole.fd);
    }
    buf_deinit(&text);
}

static void a_short_last_record_is_named(void **state)
{
    struct source_input input = pack_input("x.bin", slice_of_string("aaabbbc"));
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_records(&input, 3, &out, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message,
                        "input x.bin: the last record, at byte 6, has 1 bytes instead of 3");
    assert_string_equal(buf_string(&out), "0:aaa;3:bbb;");
    buf_deinit(&out);
    close(input.fd);
}

static void bytes_have_a_limit(void **state)
{
    struct source_input input = pack_input("x", slice_of("", 0));
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(read_records(&input, READER_LINE_BYTES_MAX, &out, &err), 0);
    assert_int_equal(read_records(&input, READER_LINE_BYTES_MAX + 1, &out, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(read_records(&input, 0, &out, &err), -1);
    close(input.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_so_many_bytes),
        cmocka_unit_test(an_input_without_bytes_has_no_records),
        cmocka_unit_test(pieces_give_every_record_once),
        cmocka_unit_test(a_short_last_record_is_named),
        cmocka_unit_test(bytes_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
