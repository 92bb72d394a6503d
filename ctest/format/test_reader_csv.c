#include "format/reader.h"

#include "fault/fault.h"
#include "format/csv_row.h"
#include "pack.h"
#include "seed.h"
#include "table_text.h"

#include <errno.h>
#include <string.h>

/* Appends "<offset>:<row> " per record. */
static int read_rows(enum reader_kind kind, const struct source_input *input, struct slice options,
                     struct buf *out, struct err *err)
{
    struct reader *reader = reader_open(kind, input, options, err);
    struct reader_record record;
    int rc;

    if (!reader)
        return -1;
    assert_false(reader_has_blocks(reader));
    while ((rc = reader_next(reader, &record, err)) == 1) {
        assert_int_equal(record.form, RECORD_VALUE_ENCODED);
        assert_int_equal(record.key.integer, record.offset);
        assert_true(record.text.len > 0);
        buf_printf(out, "%d:", (int)record.offset);
        table_text(out, record.value_bytes);
        buf_append_byte(out, ' ');
    }
    reader_close(reader);
    return rc;
}

/* No header: a boolean option as value table. */
static struct slice no_header(void)
{
    static struct buf out;

    if (out.len == 0) {
        value_write_table_begin(&out);
        value_write_string(&out, slice_of_string("header"));
        value_write_boolean(&out, false);
        value_write_string(&out, slice_of_string("separator"));
        value_write_string(&out, slice_of_string(";"));
        value_write_table_end(&out);
    }
    return buf_slice(&out);
}

static void reads(enum reader_kind kind, const char *text, struct slice options,
                  const char *expected)
{
    struct source_input input = pack_input("x.csv", slice_of_string(text));
    struct buf out = {0};
    struct err err = {0};

    if (read_rows(kind, &input, options, &out, &err) != 0)
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(buf_string(&out), expected);
    buf_deinit(&out);
    close(input.fd);
}

static void rows_are_tables_by_the_names_of_the_header(void **state)
{
    (void)state;
    reads(READER_CSV, "b,a\n1,2\n3,4", READER_DEFAULTS, "4:{a='2',b='1'} 8:{a='4',b='3'} ");
    reads(READER_CSV, "b,a\r\n\"1\n\",2\r\n", READER_DEFAULTS, "5:{a='2',b='1\n'} ");
    reads(READER_CSV, "\n\nb\n\n\"\"\n\r\n1\n", READER_DEFAULTS, "5:{b=''} 10:{b='1'} ");
    reads(READER_CSV,
          "\xef\xbb\xbf"
          "b\n1\n",
          READER_DEFAULTS, "5:{b='1'} ");
    reads(READER_CSV, "", READER_DEFAULTS, "");
    reads(READER_CSV, "b,a\n", READER_DEFAULTS, "");
}

static void rows_without_names_are_lists(void **state)
{
    (void)state;
    reads(READER_CSV, "1;2\n3\n", no_header(), "0:['1','2'] 4:['3'] ");
    reads(READER_CSV_LINES, "1;\"2\"\n\n;\n", no_header(), "0:['1','2'] 7:['',''] ");
    reads(READER_CSV,
          "\xef\xbb\xbf"
          "1\n",
          no_header(), "3:['1'] ");
}

static void names_of_the_job_leave_no_row_out(void **state)
{
    static const char *const names[] = {"x", "a"};
    struct buf options = {0};

    (void)state;
    table_text_columns(&options, names, 2);
    reads(READER_CSV, "1,2\n3,4\n", buf_slice(&options), "0:{a='2',x='1'} 4:{a='4',x='3'} ");
    buf_deinit(&options);
}

static void refuses(enum reader_kind kind, const char *text, struct slice options,
                    const char *message)
{
    struct source_input input = pack_input("x.csv", slice_of_string(text));
    struct buf out = {0};
    struct err err = {0};

    assert_int_equal(read_rows(kind, &input, options, &out, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (!strstr(err.message, message))
        fail_msg("\"%s\" is not in \"%s\"", message, err.message);
    buf_deinit(&out);
    close(input.fd);
}

static void errors_name_file_and_offset(void **state)
{
    (void)state;
    refuses(READER_CSV, "a,b,a\n1,2,3\n", READER_DEFAULTS,
            "input x.csv: columns 1 and 3 of the header at byte 0 have the same name 'a'");
    refuses(READER_CSV, "a,b\n1,2\n1\n", READER_DEFAULTS,
            "input x.csv: the row at byte 8 has 1 fields, and there are 2 columns");
    refuses(READER_CSV, "a\n\"b\"c\n", READER_DEFAULTS,
            "input x.csv: a quoted field that goes on behind its closing quote at byte 5, in the "
            "row at byte 2");
    refuses(READER_CSV, "a\n1\n\"b\n", READER_DEFAULTS,
            "a quote that is not closed at byte 4, in the row at byte 4");
    refuses(READER_CSV_HEADER, "a\n1\n\"b\nc\"\n", READER_DEFAULTS,
            "quoted_newlines = false at byte 4");
}

static void longest_row_passes_and_a_longer_one_is_named(void **state)
{
    struct buf text = {0}, out = {0};
    struct source_input input;
    struct err err = {0};

    (void)state;
    buf_append_byte(&text, '"');
    memset(buf_reserve(&text, READER_LINE_BYTES_MAX), 'x', READER_LINE_BYTES_MAX);
    text.len += READER_LINE_BYTES_MAX - 2;
    buf_append_string(&text, "\"\r\n");
    input = pack_input("big.csv", buf_slice(&text));
    assert_int_equal(read_rows(READER_CSV, &input, no_header(), &out, &err), 0);
    close(input.fd);
    text.ptr[text.len - 3] = 'x'; /* and now the quote is not closed */
    buf_append_string(&text, "xxxx");
    input = pack_input("big.csv", buf_slice(&text));
    assert_int_equal(read_rows(READER_CSV, &input, no_header(), &out, &err), -1);
    assert_non_null(strstr(err.message, "input big.csv: the row at byte 0 is longer than 16777216 "
                                        "bytes; is a quote not closed?"));
    close(input.fd);
    buf_deinit(&text);
    buf_deinit(&out);
}

/* A file of random rows, none of whose fields has a newline. */
static void fill(struct buf *text, struct rand *rand, uint64_t row_count)
{
    static const char bytes[] = {'a', ',', '"', '\r', ' ', 'b'};
    struct buf field = {0};

    buf_append_string(text, rand_below(rand, 2) ? "n,\"m\"\"\",k\r\n"
                                                : "\xef\xbb\xbf"
                                                  "n,\"m\",k\n");
    for (uint64_t row = 0; row < row_count; row++) {
        for (int i = 0; i < 3; i++) {
            buf_clear(&field);
            for (uint64_t len = rand_below(rand, 9); len > 0; len--)
                buf_append_byte(&field, (unsigned char)bytes[rand_below(rand, sizeof bytes)]);
            if (i > 0)
                buf_append_byte(text, ',');
            csv_field_put(text, buf_slice(&field), ',', false);
        }
        buf_append_string(text, row + 1 == row_count ? "" : rand_below(rand, 3) ? "\n" : "\r\n\n");
    }
    buf_deinit(&field);
}

/* Goal: pieces of any size give the rows of the whole. */
static void pieces_give_every_row_once(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    for (int round = 0; round < 100; round++) {
        struct buf text = {0}, whole = {0}, pieces = {0};
        struct source_input input, piece;
        struct err err = {0};
        uint64_t step = 1 + rand_below(&rand, 60);

        fill(&text, &rand, rand_below(&rand, 30));
        input = pack_input("x.csv", buf_slice(&text));
        assert_int_equal(read_rows(READER_CSV, &input, READER_DEFAULTS, &whole, &err), 0);
        fault_shorten(FAULT_READ, 1 + (size_t)rand_below(&rand, 100));
        piece = input;
        for (piece.offset = 0; piece.offset < text.len; piece.offset += step) {
            piece.length = text.len - piece.offset < step ? text.len - piece.offset : step;
            if (read_rows(READER_CSV_HEADER, &piece, READER_DEFAULTS, &pieces, &err) != 0)
                fail_msg("%s", err.message);
        }
        fault_disarm();
        assert_string_equal(buf_string(&pieces), buf_string(&whole));
        close(input.fd);
        buf_deinit(&text);
        buf_deinit(&whole);
        buf_deinit(&pieces);
    }
}

static void compressed_rows_are_those_of_the_text(void **state)
{
    struct buf gzip = {0}, out = {0};
    struct source_input input;
    struct err err = {0};

    (void)state;
    pack_gzip(&gzip, slice_of_string("a\n1\n2\n"));
    input = pack_input("x.csv.gz", buf_slice(&gzip));
    assert_int_equal(read_rows(READER_CSV_HEADER, &input, READER_DEFAULTS, &out, &err), 0);
    assert_string_equal(buf_string(&out), "2:{a='1'} 4:{a='2'} ");
    close(input.fd);
    buf_deinit(&gzip);
    buf_deinit(&out);
}

static void every_failure_is_reported(void **state)
{
    struct source_input input = pack_input("x.csv", slice_of_string("a,b\n1,2\n3,4\n"));
    uint32_t nth, failures = 0;

    (void)state;
    input.offset = 6;
    input.length = 6;
    for (nth = 0; nth < 20; nth++) {
        struct buf out = {0};
        struct err err = {0};
        int rc;

        fault_arm(FAULT_READ, nth, EIO);
        rc = read_rows(READER_CSV_HEADER, &input, READER_DEFAULTS, &out, &err);
        if (fault_disarm()) {
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, ERR_INPUT);
            failures++;
        } else {
            assert_string_equal(buf_string(&out), "8:{a='3',b='4'} ");
        }
        buf_deinit(&out);
    }
    assert_true(failures >= 2); /* of the header, and of the row */
    close(input.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_tables_by_the_names_of_the_header),
        cmocka_unit_test(rows_without_names_are_lists),
        cmocka_unit_test(names_of_the_job_leave_no_row_out),
        cmocka_unit_test(errors_name_file_and_offset),
        cmocka_unit_test(longest_row_passes_and_a_longer_one_is_named),
        cmocka_unit_test(pieces_give_every_row_once),
        cmocka_unit_test(compressed_rows_are_those_of_the_text),
        cmocka_unit_test(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
