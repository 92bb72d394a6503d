#include "attempt/map_input.h"

#include "vm/reader_kit.h"

#include <string.h>

/* The first record of "1\n" in this format, with the view of a job that has `input`. */
static void reads_one(const char *job_input, const char *format, bool runs_job,
                      enum record_form form)
{
    struct source_input source = pack_input("x", slice_of_string("1\n"));
    Mrlua__Piece piece = MRLUA__PIECE__INIT;
    Mrlua__Input message = MRLUA__INPUT__INIT;
    struct reader_record record;
    struct map_input input;
    struct reader *reader;
    struct kit kit = {0};
    struct buf job = {0};
    char name[] = "x";

    buf_printf(&job,
               "local l = require 'lpeg'\n"
               "return { map = 'identity', reduce = 'identity', input = %s }",
               job_input);
    if (kit_load(&kit, buf_string(&job)) != 0)
        fail_msg("%s", kit.err.message);
    message.piece = &piece;
    piece.name = name;
    piece.length = piece.size = source.size;
    assert_int_equal(map_input_init(&input, format, buf_slice(&kit.view), &kit.err), 0);
    assert_int_equal(input.runs_job, runs_job);
    reader = map_input_open(&input, kit.vm, &message, source.fd, &kit.err);
    assert_non_null(reader);
    assert_int_equal(reader_next(reader, &record, &kit.err), 1);
    assert_int_equal(record.form, form);
    reader_close(reader);
    kit_close(&kit);
    buf_deinit(&job);
    close(source.fd);
}

static void each_format_is_opened_with_its_options(void **state)
{
    (void)state;
    reads_one("'lines'", "lines", false, RECORD_AS_READ);
    reads_one("{ format = 'fixed', bytes = 2 }", "fixed", false, RECORD_AS_READ);
    reads_one("{ format = 'csv', header = false }", "csv", false, RECORD_VALUE_ENCODED);
    reads_one("'jsonl'", "jsonl", false, RECORD_IN_LUA);
    reads_one("{ format = 'grammar', record = l.P'1\\n' }", "grammar-whole", true, RECORD_IN_LUA);
    reads_one("{ format = 'grammar', record = l.P'1\\n', resync = '\\n' }", "grammar", true,
              RECORD_IN_LUA);
}

static void an_unknown_format_is_refused(void **state)
{
    struct map_input input;
    struct err err = {0};

    (void)state;
    assert_int_equal(map_input_init(&input, "xml", READER_DEFAULTS, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_opened_with_its_options),
        cmocka_unit_test(an_unknown_format_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
