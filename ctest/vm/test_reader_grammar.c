#include "vm/reader_grammar.h"

#include "record/value.h"
#include "seed.h"
#include "vm/reader_kit.h"

#include <string.h>

/* Records begin with "#" at the start of a line and a number, and go on over other lines. */
#define HEADED                                                                                     \
    "record = l.P'#' * l.C(l.R'09' ^ 1) * '\\n' * l.C(((1 - l.P'#') * (1 - l.P'\\n') ^ 0 * "       \
    "'\\n') "                                                                                      \
    "^ 0), resync = l.B'\\n' * l.P'#', bytes_max = 100"

static void load(struct kit *kit, const char *grammar)
{
    struct buf source = {0};

    buf_printf(&source,
               "%slocal l = require 'lpeg'\n"
               "return { input = { format = 'grammar', %s }, reduce = 'identity',\n"
               "  map = function(key, v, emit) emit(key, show(v)) end }",
               show_source, grammar);
    if (kit_load(kit, buf_string(&source)) != 0)
        fail_msg("%s: %s", grammar, kit->err.message);
    buf_deinit(&source);
}

static int map_piece(struct kit *kit, const struct source_input *input)
{
    struct slice options = {0};

    value_field_table(buf_slice(&kit->view), "input_options", &options);
    return kit_map_reader(kit, reader_grammar_open(kit->vm, input, options, &kit->err));
}

static int map_text(struct kit *kit, const char *text)
{
    struct source_input input = pack_input("x.log", slice_of_string(text));
    int rc = map_piece(kit, &input);

    close(input.fd);
    return rc;
}

static void reads(const char *grammar, const char *text, const char *expected)
{
    struct kit kit = {0};

    load(&kit, grammar);
    if (map_text(&kit, text) != 0)
        fail_msg("%s: %s", grammar, kit.err.message);
    assert_string_equal(buf_string(&kit.output), expected);
    kit_close(&kit);
}

static void the_value_is_the_captures(void **state)
{
    (void)state;
    reads("record = l.R'az' ^ 1 * '\\n'", "ab\nc\n", "0='\"ab\n\"';3='\"c\n\"';");
    reads("record = l.C(l.R'az' ^ 1) * '\\n'", "ab\nc\n", "0='\"ab\"';3='\"c\"';");
    reads("record = l.C(l.R'az' ^ 1) * '=' * (l.R'09' ^ 1 / tonumber) * '\\n'", "ab=1\nc=2\n",
          "0='{1=\"ab\",2=1}';5='{1=\"c\",2=2}';");
    reads("record = l.Ct(l.Cg(l.R'az' ^ 1, 'n') * '\\n')", "ab\n", "0='{n=\"ab\"}';");
    reads("record = l.Ct(l.Cg(l.R'az' ^ 1, 'n') * '\\n')", "", "");
    reads(HEADED, "#1\na\nb\n#2\n#3\nc\n",
          "0='{1=\"1\",2=\"a\nb\n\"}';7='{1=\"2\",2=\"\"}';10='{1=\"3\",2=\"c\n\"}';");
}

static void refuses(const char *grammar, const char *text, enum err_kind kind, const char *message)
{
    struct kit kit = {0};

    load(&kit, grammar);
    assert_int_equal(map_text(&kit, text), -1);
    assert_int_equal(kit.err.kind, kind);
    if (!strstr(kit.err.message, message))
        fail_msg("\"%s\" is not in \"%s\"", message, kit.err.message);
    kit_close(&kit);
}

static void errors_name_file_offset_and_bytes(void **state)
{
    (void)state;
    refuses("record = l.R'az' ^ 1 * '\\n'", "ab\n12\tx\n", ERR_INPUT,
            "input x.log: what begins at byte 3 is no record: \"12\\x09x\\x0a\"");
    refuses("record = l.R'az' ^ 0", "1", ERR_INPUT,
            "input x.log: the record at byte 0 has no bytes");
    refuses("record = (l.R'az' ^ 1 * '\\n') / function() error 'no!' end", "ab\n", ERR_JOB,
            "input x.log: the record at byte 0: ");
    refuses("record = l.P'a' * l.Cc(nil)", "a", ERR_JOB, "the only capture is nil");
}

static void longest_record_passes_and_a_longer_one_does_not(void **state)
{
    (void)state;
    reads("record = l.R'az' ^ 1 * l.Cc(1) * '\\n', bytes_max = 5", "abcd\nab\n", "0='1';5='1';");
    refuses("record = l.R'az' ^ 1 * '\\n', bytes_max = 5", "ab\nabcde\n", ERR_INPUT,
            "input x.log: the record at byte 3 is longer than bytes_max = 5");
}

/* Goal: pieces of any size, and windows anywhere, give the records of the whole. */
static void pieces_give_every_record_once(void **state)
{
    struct rand rand = seed_rand();
    struct kit kit = {0};

    (void)state;
    load(&kit, HEADED);
    for (int round = 0; round < 60; round++) {
        struct buf text = {0}, whole = {0};
        struct source_input input, piece;
        uint64_t step = 1 + rand_below(&rand, 300);

        for (uint64_t i = rand_below(&rand, 100); i > 0; i--) {
            buf_printf(&text, "#%d\n", (int)rand_below(&rand, 1000));
            for (uint64_t lines = rand_below(&rand, 4); lines > 0; lines--)
                buf_printf(&text, "%.*s#\n", 1 + (int)rand_below(&rand, 20),
                           "xxxxxxxxxxxxxxxxxxxxxxxxxx");
        }
        input = piece = pack_input("x.log", buf_slice(&text));
        buf_clear(&kit.output);
        assert_int_equal(map_piece(&kit, &input), 0);
        buf_append(&whole, kit.output.ptr, kit.output.len);
        buf_clear(&kit.output);
        for (piece.offset = 0; piece.offset < text.len; piece.offset += step) {
            piece.length = text.len - piece.offset < step ? text.len - piece.offset : step;
            if (map_piece(&kit, &piece) != 0)
                fail_msg("%s", kit.err.message);
        }
        assert_string_equal(buf_string(&kit.output), buf_string(&whole));
        close(input.fd);
        buf_deinit(&text);
        buf_deinit(&whole);
    }
    kit_close(&kit);
}

/* The last of the pieces that `text` is cut into at `at` fails; or the first does. */
static void disagrees(const char *grammar, const char *text, uint64_t at, const char *message)
{
    struct source_input input = pack_input("x.log", slice_of_string(text));
    struct kit kit = {0};

    load(&kit, grammar);
    input.length = at;
    assert_int_equal(map_piece(&kit, &input), -1);
    assert_int_equal(kit.err.kind, ERR_INPUT);
    if (!strstr(kit.err.message, message))
        fail_msg("\"%s\" is not in \"%s\"", message, kit.err.message);
    close(input.fd);
    kit_close(&kit);
}

static void a_resync_that_does_not_fit_is_found_out(void **state)
{
    (void)state;
    disagrees("record = l.R'az' * l.R'az' * '\\n', resync = ';'", "ab\ncd\nef\n", 4,
              "input x.log: a record begins at byte 6, and resync does not match there");
    disagrees("record = l.R'az' * '\\n' * l.R'az' * '\\n', resync = '\\n'", "a\nb\nc\nd\n", 1,
              "input x.log: resync matches at byte 2, inside a record (the next one begins at byte "
              "4)");
}

static void a_string_is_what_stands_before_a_record(void **state)
{
    struct source_input input = pack_input("x.log", slice_of_string("ab\ncd\n"));
    struct kit kit = {0};

    (void)state;
    load(&kit, "record = l.C(l.R'az' ^ 1) * '\\n', resync = '\\n'");
    input.offset = 3;
    input.length = 3;
    assert_int_equal(map_piece(&kit, &input), 0);
    assert_string_equal(buf_string(&kit.output), "3='\"cd\"';");
    close(input.fd);
    kit_close(&kit);
}

static void without_resync_a_piece_is_the_whole(void **state)
{
    struct kit kit = {0};

    (void)state;
    load(&kit, "record = l.R'az' ^ 1 * '\\n'");
    assert_true(slice_equal(value_field_string(buf_slice(&kit.view), "input", ""),
                            slice_of_string("grammar-whole")));
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_value_is_the_captures),
        cmocka_unit_test(errors_name_file_offset_and_bytes),
        cmocka_unit_test(longest_record_passes_and_a_longer_one_does_not),
        cmocka_unit_test(pieces_give_every_record_once),
        cmocka_unit_test(a_resync_that_does_not_fit_is_found_out),
        cmocka_unit_test(a_string_is_what_stands_before_a_record),
        cmocka_unit_test(without_resync_a_piece_is_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
