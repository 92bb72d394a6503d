#include "vm/reader_json.h"

#include "record/value.h"
#include "vm/reader_kit.h"

#include <string.h>

static void load_show(struct kit *kit)
{
    struct buf source = {0};

    buf_printf(&source,
               "%sreturn { input = 'jsonl', reduce = 'identity',\n"
               "  map = function(key, v, emit) emit(key, show(v)) end }",
               show_source);
    if (kit_load(kit, buf_string(&source)) != 0)
        fail_msg("%s", kit->err.message);
    buf_deinit(&source);
}

static struct slice floats(void)
{
    static struct buf out;

    if (out.len == 0) {
        value_write_table_begin(&out);
        value_write_string(&out, slice_of_string("big_integers"));
        value_write_string(&out, slice_of_string("float"));
        value_write_table_end(&out);
    }
    return buf_slice(&out);
}

static int map_text(struct kit *kit, const char *text, struct slice options)
{
    struct source_input input = pack_input("x.jsonl", slice_of_string(text));
    int rc = kit_map_reader(kit, reader_json_open(kit->vm, &input, options, &kit->err));

    close(input.fd);
    return rc;
}

static void reads(const char *text, struct slice options, const char *expected)
{
    struct kit kit = {0};

    load_show(&kit);
    if (map_text(&kit, text, options) != 0)
        fail_msg("%s: %s", text, kit.err.message);
    assert_string_equal(buf_string(&kit.output), expected);
    kit_close(&kit);
}

static void a_line_is_a_value(void **state)
{
    (void)state;
    reads("{\"a\":[1,\"x\",true]}\n", READER_DEFAULTS, "0='{a={1=1,2=\"x\",3=true}}';");
    reads("1\n\"s\"\nfalse\n[]\n{}", READER_DEFAULTS, "0='1';2='\"s\"';6='false';12='{}';15='{}';");
    reads("\xef\xbb\xbf[1]\r\n\n \t\n[2]\n", READER_DEFAULTS, "0='{1=1}';12='{1=2}';");
    reads("", READER_DEFAULTS, "");
    reads("{\"a\":1,\"a\":2}", READER_DEFAULTS, "0='{a=2}';");
}

static void null_is_null_at_any_depth(void **state)
{
    (void)state;
    reads("null\n[1,null]\n{\"a\":{\"b\":null}}", READER_DEFAULTS,
          "0='null';5='{1=1,2=null}';14='{a={b=null}}';");
}

static void numbers_are_integers_where_a_double_has_them(void **state)
{
    (void)state;
    reads("[1,1.0,-0,1.5,1e3,9007199254740991,-9007199254740991,1e300]", READER_DEFAULTS,
          "0='{1=1,2=1,3=0,4=1.5,5=1000,6=9007199254740991,7=-9007199254740991,8=1e+300}';");
    reads("9007199254740993", floats(), "0='9.007199254741e+15';");
    reads("{\"9007199254740993\":1e17,\"x\":\"-9007199254740993\"}", READER_DEFAULTS,
          "0='{9007199254740993=1e+17,x=\"-9007199254740993\"}';");
}

static void refuses(const char *text, const char *message)
{
    struct kit kit = {0};

    load_show(&kit);
    assert_int_equal(map_text(&kit, text, READER_DEFAULTS), -1);
    assert_int_equal(kit.err.kind, ERR_INPUT);
    if (!strstr(kit.err.message, message))
        fail_msg("\"%s\" is not in \"%s\"", message, kit.err.message);
    kit_close(&kit);
}

static void what_is_no_json_is_named_with_its_place(void **state)
{
    (void)state;
    refuses("1\n{\"a\":}\n", "input x.jsonl: the line at byte 2 is no JSON: Expected value but "
                             "found T_OBJ_END at character 6");
    refuses("[NaN]", "the line at byte 0 is no JSON");
    refuses("[0x10]", "the line at byte 0 is no JSON");
    refuses("1 2", "the line at byte 0 is no JSON");
}

static void integers_that_would_lose_digits_are_refused(void **state)
{
    (void)state;
    refuses("[1]\n[1,9007199254740992]",
            "the line at byte 4 has an integer beyond 2^53 at its byte 3, which would lose digits; "
            "the job can say big_integers = \"float\"");
    refuses("-12345678901234567890", "an integer beyond 2^53 at its byte 0");
    refuses("{\"a\\\"1\":[9007199254740993]}", "an integer beyond 2^53 at its byte 9");
}

static void depth_has_a_limit(void **state)
{
    char text[2 * VALUE_DEPTH_MAX + 8] = "";

    (void)state;
    memset(text, '[', VALUE_DEPTH_MAX);
    memset(text + VALUE_DEPTH_MAX, ']', VALUE_DEPTH_MAX);
    struct kit kit = {0};
    load_show(&kit);
    assert_int_equal(map_text(&kit, text, READER_DEFAULTS), 0);
    kit_close(&kit);
    memset(text, '[', VALUE_DEPTH_MAX + 1);
    memset(text + VALUE_DEPTH_MAX + 1, ']', VALUE_DEPTH_MAX + 1);
    refuses(text, "Found too many nested data structures (65)");
}

static void a_job_cannot_change_the_decoder(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_load(&kit, "local cjson = require 'cjson'\n"
                                    "cjson.decode_max_depth(1)\n"
                                    "cjson.decode, cjson.new = nil, nil\n"
                                    "return { input = 'jsonl', reduce = 'sum',\n"
                                    "  map = function(key, v, emit) emit(v[1][1], 1) end }"),
                     0);
    assert_int_equal(map_text(&kit, "[[\"x\"]]", READER_DEFAULTS), 0);
    assert_string_equal(buf_string(&kit.output), "\"x\"=1;");
    kit_close(&kit);
}

#ifndef MRLUA_SANITIZE /* lua-cjson leaves its buffer behind when Lua raises; a child ends then */
static void out_of_memory_is_a_limit_and_no_bad_input(void **state)
{
    struct kit kit = {.options.memory_bytes_max = 2 * 1024 * 1024};
    struct buf text = {0};

    (void)state;
    load_show(&kit);
    buf_append_byte(&text, '[');
    for (int i = 0; i < 400000; i++)
        buf_append_string(&text, "1,");
    buf_append_string(&text, "1]");
    assert_int_equal(map_text(&kit, buf_string(&text), READER_DEFAULTS), -1);
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    buf_deinit(&text);
    kit_close(&kit);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_value),
        cmocka_unit_test(null_is_null_at_any_depth),
        cmocka_unit_test(numbers_are_integers_where_a_double_has_them),
        cmocka_unit_test(what_is_no_json_is_named_with_its_place),
        cmocka_unit_test(integers_that_would_lose_digits_are_refused),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(a_job_cannot_change_the_decoder),
#ifndef MRLUA_SANITIZE
        cmocka_unit_test(out_of_memory_is_a_limit_and_no_bad_input),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
