#include "attempt/kit.h"

#include "attempt/map_builtin.h"
#include "record/key_print.h"

/* A sink that writes what it gets as text; what is counted in angle brackets. */
struct list {
    struct sink sink;
    struct buf text;
    int fail_at; /* the emit that fails, from 1; 0: none */
    int count;
};

static int list_fail(struct list *list, struct err *err)
{
    return ++list->count == list->fail_at ? err_set(err, ERR_JOB, "not this one") : 0;
}

static int list_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct list *list = (struct list *)sink;
    struct value_reader reader;
    struct datum datum;
    char text[KEY_PRINT_BYTES];

    value_reader_init(&reader, value);
    assert_int_equal(value_read(&reader, &datum, err), 1);
    buf_printf(&list->text, "%s=", key_print(text, sizeof text, key));
    if (datum.type == DATUM_STRING)
        buf_append(&list->text, datum.string.ptr, datum.string.len);
    else if (datum.type == DATUM_INTEGER)
        buf_printf(&list->text, "%d", (int)datum.integer);
    else
        buf_append_string(&list->text, datum.type == DATUM_TRUE ? "true" : "?");
    buf_append_byte(&list->text, ';');
    return list_fail(list, err);
}

static int list_emit_counted(struct sink *sink, struct slice text, int64_t number, struct err *err)
{
    struct list *list = (struct list *)sink;

    buf_printf(&list->text, "<%.*s=%d>", (int)text.len, text.ptr, (int)number);
    return list_fail(list, err);
}

/* As if by list_emit_counted(), in brackets. */
static int list_emit_each(struct sink *sink, const struct slice *texts, size_t count,
                          size_t *emitted, struct err *err)
{
    struct list *list = (struct list *)sink;

    for (*emitted = 0; *emitted < count; ++*emitted) {
        buf_printf(&list->text, "[%.*s]", (int)texts[*emitted].len, texts[*emitted].ptr);
        if (list_fail(list, err) != 0)
            return -1;
    }
    return 0;
}

/* Params as a Lua list of name, text: "field" is a number. */
static void params_of(struct buf *out, const char *const *params)
{
    value_write_table_begin(out);
    for (; params && params[0]; params += 2) {
        value_write_string(out, slice_of_string(params[0]));
        if (strcmp(params[0], "field") == 0)
            value_write_integer(out, atoi(params[1]));
        else
            value_write_string(out, slice_of_string(params[1]));
    }
    value_write_table_end(out);
}

/* Maps a block at byte 100. */
static int map_block(struct list *list, const char *name, const char *const *params, bool counts,
                     struct slice block, size_t *at, struct err *err)
{
    struct map_builtin map;
    struct buf encoded = {0};
    int rc;

    list->sink.emit = list_emit;
    params_of(&encoded, params);
    assert_true(map_builtin_init(&map, slice_of_string(name), buf_slice(&encoded), counts));
    rc = map_builtin_block(&map, block, 100, &list->sink, err);
    *at = map.at;
    map_builtin_deinit(&map);
    buf_deinit(&encoded);
    return rc;
}

static void maps(const char *name, const char *const *params, struct slice block,
                 const char *expected)
{
    struct list list = {0};
    struct err err;
    size_t at;

    assert_int_equal(map_block(&list, name, params, false, block, &at, &err), 0);
    assert_string_equal(buf_string(&list.text), expected);
    buf_deinit(&list.text);
}

#define PARAMS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MAPS(name, params, block, expected)                                                        \
    maps(name, params, slice_of(block, sizeof(block) - 1), expected)

static void words_are_runs_of_letters(void **state)
{
    (void)state;
    MAPS("words", NULL, "To be, or\r\n\nnot2be", "\"To\"=1;\"be\"=1;\"or\"=1;\"not\"=1;\"be\"=1;");
    MAPS("words", NULL, "\n", "");
    MAPS("words", NULL,
         "a\0b\xe4"
         "c\n",
         "\"a\"=1;\"b\"=1;\"c\"=1;");
}

static void lines_with_the_pattern_are_kept(void **state)
{
    (void)state;
    MAPS("grep", PARAMS("pattern", "ab"), "ab\nx\n\r\nxabxab\r\na\nb\nab",
         "100=ab;107=xabxab;119=ab;");
    MAPS("grep", PARAMS("pattern", ""), "\na\r\n\r\nb", "100=;101=a;104=;106=b;");
    MAPS("grep", PARAMS("pattern", "ab"), "a\r\nb\n", "");
}

/* The carriage return of a line end is not the line's, and no line holds a newline. */
static void a_pattern_does_not_reach_into_the_line_end(void **state)
{
    (void)state;
    MAPS("grep", PARAMS("pattern", "a\r"), "a\r\na\r\r\nba\rb\na\r", "103=a\r;107=ba\rb;112=a\r;");
    MAPS("grep", PARAMS("pattern", "\r"), "\r\n\r\r\n\r", "102=\r;105=\r;");
}

static void a_pattern_that_is_no_fixed_string_is_left_to_lua(void **state)
{
    static const char *const magic[] = {"^a", "a$", "a*", "a+", "a?", ".", "(a", "[a", "%a", "a-"};
    struct map_builtin map;

    (void)state;
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++) {
        struct buf params = {0};

        params_of(&params, PARAMS("pattern", magic[i]));
        assert_false(map_builtin_init(&map, slice_of_string("grep"), buf_slice(&params), false));
        buf_deinit(&params);
    }
    MAPS("grep", PARAMS("pattern", "a)]{}|\\"), "xa)]{}|\\\n", "100=xa)]{}|\\;");
}

static void fields_are_separated_by_blanks(void **state)
{
    static const char text[] = "a bb\tccc\n  a \t bb  \n\na";

    (void)state;
    MAPS("field", PARAMS("field", "1"), text, "\"a\"=a bb\tccc;\"a\"=  a \t bb  ;\"\"=;\"a\"=a;");
    MAPS("field", PARAMS("field", "2"), text, "\"bb\"=a bb\tccc;\"bb\"=  a \t bb  ;\"\"=;\"\"=a;");
    MAPS("field", PARAMS("field", "3"), text, "\"ccc\"=a bb\tccc;\"\"=  a \t bb  ;\"\"=;\"\"=a;");
    MAPS("field", PARAMS("field", "9"), "a b\r\n", "\"\"=a b;");
}

static void fields_are_separated_by_a_byte(void **state)
{
    static const char text[] = "a:bb::c\n:\n\na";

    (void)state;
    MAPS("field", PARAMS("field", "1", "separator", ":"), text,
         "\"a\"=a:bb::c;\"\"=:;\"\"=;\"a\"=a;");
    MAPS("field", PARAMS("field", "3", "separator", ":"), text,
         "\"\"=a:bb::c;\"\"=:;\"\"=;\"\"=a;");
    MAPS("field", PARAMS("field", "4", "separator", ":"), text,
         "\"c\"=a:bb::c;\"\"=:;\"\"=;\"\"=a;");
    MAPS("field", PARAMS("field", "2", "separator", " "), "a  b\n", "\"\"=a  b;");
}

static void field_0_is_the_line(void **state)
{
    (void)state;
    MAPS("field", PARAMS("field", "0"), "b a\r\n\nx", "\"b a\"=true;\"\"=true;\"x\"=true;");
}

/* With combine = "count" every value is 1, and a sink that counts is not given encoded strings. */
static void what_is_counted_is_one(void **state)
{
    static const char text[] = "a b\na\n";
    struct list list = {.sink.emit_counted = list_emit_counted};
    struct slice block = slice_of_string(text);
    struct err err;
    size_t at;

    (void)state;
    map_block(&list, "words", NULL, true, block, &at, &err);
    map_block(&list, "field", PARAMS("field", "2"), true, block, &at, &err);
    map_block(&list, "field", PARAMS("field", "0"), true, block, &at, &err);
    map_block(&list, "grep", PARAMS("pattern", "b"), true, block, &at, &err);
    assert_string_equal(buf_string(&list.text), "<a=1><b=1><a=1><b=1><=1><a b=1><a=1>100=1;");
    buf_clear(&list.text);
    map_block(&list, "field", PARAMS("field", "1"), false, block, &at, &err);
    assert_string_equal(buf_string(&list.text), "\"a\"=a b;\"a\"=a;");
    buf_deinit(&list.text);
}

static void words_are_emitted_many_at_once_where_that_is_offered(void **state)
{
    struct list list = {.sink.emit_counted = list_emit_counted, .sink.emit_each = list_emit_each};
    struct slice block = slice_of_string("a b\nc d e\n");
    struct err err;
    size_t at;

    (void)state;
    assert_int_equal(map_block(&list, "words", NULL, false, block, &at, &err), 0);
    assert_string_equal(buf_string(&list.text), "[a][b][c][d][e]");
    list.count = 0;
    list.fail_at = 4;
    assert_int_equal(map_block(&list, "words", NULL, false, block, &at, &err), -1);
    assert_int_equal(at, 4);
    buf_deinit(&list.text);
}

/* Goal: the line that could not be mapped can be named. */
static void a_failure_says_which_line(void **state)
{
    const struct {
        const char *name;
        const char *const *params;
        int fail_at;
        size_t at;
    } cases[] = {
        {"words", NULL, 1, 0},
        {"words", NULL, 4, 10},
        {"grep", PARAMS("pattern", "t"), 2, 10},
        {"field", PARAMS("field", "1"), 2, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list list = {.fail_at = cases[i].fail_at};
        struct slice block = slice_of_string("one two\r\n\nthree t\n");
        struct err err;
        size_t at;

        assert_int_equal(map_block(&list, cases[i].name, cases[i].params, false, block, &at, &err),
                         -1);
        assert_int_equal(at, cases[i].at);
        buf_deinit(&list.text);
    }
}

static void a_key_that_is_too_long_is_the_jobs_error(void **state)
{
    struct buf text = {0};
    struct list list = {.sink.emit_counted = list_emit_counted};
    struct err err;
    size_t at;

    (void)state;
    memset(buf_reserve(&text, RECORD_KEY_BYTES_MAX), 'x', RECORD_KEY_BYTES_MAX);
    text.len = RECORD_KEY_BYTES_MAX - 1;
    assert_int_equal(map_block(&list, "words", NULL, false, buf_slice(&text), &at, &err), 0);
    text.len++;
    assert_int_equal(map_block(&list, "words", NULL, false, buf_slice(&text), &at, &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "emit: key: longer than 65536 bytes");
    assert_int_equal(
        map_block(&list, "field", PARAMS("field", "1"), false, buf_slice(&text), &at, &err), -1);
    assert_string_equal(err.message, "emit: key: longer than 65536 bytes");
    buf_deinit(&text);
    buf_deinit(&list.text);
}

/* ---- whole attempts ---- */

static void run_to(struct buf *output, const char *job, Mrlua__Piece **pieces, size_t count)
{
    struct err err;

    kit_job(&kit, job);
    kit_must(&kit, kit_map_pieces(&kit, 0, pieces, count));
    kit_must(&kit, kit_reduce(&kit, 0));
    buf_clear(output);
    assert_int_equal(io_read_file(kit.result_path, 1 << 20, output, ERR_INPUT, &err), 0);
}

/* Goal: the built-in and the same in Lua leave the same bytes, wherever the input is cut. */
static void built_in_and_lua_agree_at_every_cut(void **state)
{
    static const char text[] = "ab  a\tb\r\n\n\r\nab\0ab:\xe4 x:ab\r\r\n : \nab";
    static const char *const jobs[][2] = {
        {"return { map = 'words', combine = 'sum', reduce = 'sum' }", WORDCOUNT("'sum'", "'sum'")},
        {"return { map = 'words', reduce = 'identity' }", WORDCOUNT("nil", "'identity'")},
        {"return { map = 'grep', params = { pattern = 'ab' }, reduce = 'identity' }",
         "return { reduce = 'identity', map = function(k, v, emit)\n"
         "  if v:find('ab', 1, true) then emit(k, v) end end }"},
        {"return { map = 'field', params = { field = 2, separator = ':' }, reduce = 'identity' }",
         "return { reduce = 'identity', map = function(_, v, emit)\n"
         "  emit(v:match('^[^:]*:([^:]*)') or '', v) end }"},
        {"return { map = 'field', params = { field = 1 }, combine = 'count', reduce = 'count' }",
         "return { combine = 'count', reduce = 'count', map = function(_, v, emit)\n"
         "  emit(v:match('^[ \\t]*([^ \\t]*)'), v) end }"},
    };
    const size_t len = sizeof text - 1;
    const char *path = folder_path(&kit.folder, "cut.txt");
    struct buf expected = {0}, output = {0};

    (void)state;
    folder_write(&kit.folder, "cut.txt", text, len);
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        Mrlua__Piece pieces[2], *list[] = {&pieces[0], &pieces[1]};

        kit_piece(&pieces[0], path, 0, len);
        run_to(&expected, jobs[i][1], list, 1);
        assert_true(expected.len > 0);
        for (size_t cut = 0; cut <= len; cut++) {
            kit_piece(&pieces[0], path, 0, cut);
            kit_piece(&pieces[1], path, cut, len - cut);
            run_to(&output, jobs[i][0], list, 2);
            if (!slice_equal(buf_slice(&output), buf_slice(&expected)))
                fail_msg("job %d, cut %d: %s is not %s", (int)i, (int)cut, buf_string(&output),
                         buf_string(&expected));
        }
    }
    buf_deinit(&expected);
    buf_deinit(&output);
}

/* Goal: who reads a report finds the same counters, and the place of an error. */
static void counters_and_errors_are_those_of_lines(void **state)
{
    struct buf text = {0};
    Mrlua__Done *done;

    (void)state;
    kit_job(&kit, "return { map = 'words', combine = 'sum', reduce = 'sum' }");
    done = kit_map(&kit, 0, kit_file(&kit, "n.txt", "a a\n\nb a\nc"));
    assert_non_null(done);
    assert_int_equal(kit_counter(done, "map_records_in"), 4);
    assert_int_equal(kit_counter(done, "map_bytes_in"), 10);
    assert_int_equal(kit_counter(done, "map_records_out"), 5);
    assert_int_equal(kit_counter(done, "map_records_written"), 3);
    message_free(done);
    buf_append_string(&text, "first line\nsecond ");
    memset(buf_reserve(&text, RECORD_KEY_BYTES_MAX), 'x', RECORD_KEY_BYTES_MAX);
    text.len += RECORD_KEY_BYTES_MAX;
    assert_null(kit_map(&kit, 0, kit_file(&kit, "long.txt", buf_string(&text))));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_non_null(strstr(buf_string(&kit.detail), "long.txt, at byte 11\n"));
    assert_non_null(strstr(buf_string(&kit.detail), "record: \"second xxx"));
    buf_deinit(&text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_runs_of_letters),
        cmocka_unit_test(lines_with_the_pattern_are_kept),
        cmocka_unit_test(a_pattern_does_not_reach_into_the_line_end),
        cmocka_unit_test(a_pattern_that_is_no_fixed_string_is_left_to_lua),
        cmocka_unit_test(fields_are_separated_by_blanks),
        cmocka_unit_test(fields_are_separated_by_a_byte),
        cmocka_unit_test(field_0_is_the_line),
        cmocka_unit_test(what_is_counted_is_one),
        cmocka_unit_test(words_are_emitted_many_at_once_where_that_is_offered),
        cmocka_unit_test(a_failure_says_which_line),
        cmocka_unit_test(a_key_that_is_too_long_is_the_jobs_error),
        KIT_TEST(built_in_and_lua_agree_at_every_cut),
        KIT_TEST(counters_and_errors_are_those_of_lines),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
