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
    struct map_input input = {0};
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
    assert_int_equal(map_input_use(&input, kit.vm, buf_slice(&kit.view), format, NULL, &kit.err),
                     0);
    assert_true(input.is_identity);
    assert_int_equal(input.runs_job, runs_job);
    reader = map_input_open(&input, kit.vm, &message, source.fd, &kit.err);
    assert_non_null(reader);
    assert_int_equal(reader_next(reader, &record, &kit.err), 1);
    assert_int_equal(record.form, form);
    reader_close(reader);
    map_input_deinit(&input);
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
    struct map_input input = {0};
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity' }"), 0);
    assert_int_equal(map_input_use(&input, kit.vm, buf_slice(&kit.view), "xml", NULL, &kit.err),
                     -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    kit_close(&kit);
}

/* One input of a job that has three: what is mapped, and how it is read. */
static void uses(struct map_input *input, struct kit *kit, const char *format, const char *name)
{
    if (map_input_use(input, kit->vm, buf_slice(&kit->view), format, name, &kit->err) != 0)
        fail_msg("%s", kit->err.message);
}

static void each_input_of_a_job_has_its_map_and_format(void **state)
{
    struct map_input input = {0};
    struct kit kit = {0};

    (void)state;
    if (kit_load(&kit, "local l = require 'lpeg'\n"
                       "return { map = 'words', inputs = { a = { map = 'identity' },\n"
                       "  b = { map = print, input = { format = 'fixed', bytes = 2 } },\n"
                       "  c = {}, d = { map = print, input = { format = 'grammar',\n"
                       "    record = l.P'1\\n' } } } }") != 0)
        fail_msg("%s", kit.err.message);
    uses(&input, &kit, "lines", "a");
    assert_true(input.is_identity && !input.is_builtin && input.options.len == 0);
    uses(&input, &kit, "fixed", "b");
    assert_true(!input.is_identity && !input.is_builtin && input.kind == READER_FIXED);
    assert_int_equal(value_field_integer(input.options, "bytes", 0), 2);
    uses(&input, &kit, "lines", "c");
    assert_true(!input.is_identity && input.is_builtin);
    uses(&input, &kit, "grammar-whole", "d");
    assert_true(input.runs_job && !input.is_builtin);
    uses(&input, &kit, "lines", "a"); /* and back: nothing of another input is left */
    assert_true(input.is_identity && !input.runs_job);
    map_input_deinit(&input);
    kit_close(&kit);
}

static void an_input_that_the_job_does_not_have_is_refused(void **state)
{
    struct map_input input = {0};
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "return { map = 'identity', inputs = { a = {} } }"), 0);
    assert_int_equal(map_input_use(&input, kit.vm, buf_slice(&kit.view), "lines", "b", &kit.err),
                     -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "the job has no input 'b'");
    map_input_deinit(&input);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_opened_with_its_options),
        cmocka_unit_test(an_unknown_format_is_refused),
        cmocka_unit_test(each_input_of_a_job_has_its_map_and_format),
        cmocka_unit_test(an_input_that_the_job_does_not_have_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
