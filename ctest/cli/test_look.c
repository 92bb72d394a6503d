/* Of objects: spec/mrlua/repl/records_spec.lua. */
#include "cli/look.h"

#include "cli/functions.h"
#include "cli/kit.h"
#include "folder_of_test.h"

#include <limits.h>

static struct functions functions;
static struct buf args, result, lines;
static struct err err;
static bool is_ended;

static int tear_down(void **state)
{
    functions_deinit(&functions);
    buf_deinit(&args);
    buf_deinit(&result);
    buf_deinit(&lines);
    return folder_tear_down(state);
}

/* The message of what is wrong, or NULL. */
static const char *error_of(void)
{
    static char message[256];
    struct slice error, text;

    if (!value_field_table(buf_slice(&result), "error", &error))
        return NULL;
    text = value_field_string(error, "message", "");
    snprintf(message, sizeof message, "%.*s", (int)text.len, text.ptr);
    return message;
}

static const char *open_look(const char *format, const char *const *inputs)
{
    buf_clear(&args);
    buf_clear(&result);
    value_write_table_begin(&args);
    field_string(&args, "format", format);
    kit_inputs(&args, inputs);
    value_write_table_end(&args);
    assert_int_equal(look_open(&functions, NULL, buf_slice(&args), &result, &err), 0);
    return error_of();
}

#define OPEN(format, ...) open_look(format, (const char *const[]){__VA_ARGS__, NULL})

/* At most so many values, each with a newline. */
static const char *next(int count)
{
    struct value_reader reader, pair;
    struct datum key, value, item;
    struct slice records;

    buf_clear(&args);
    buf_clear(&result);
    buf_clear(&lines);
    value_write_table_begin(&args);
    field_integer(&args, "count", (uint64_t)count);
    value_write_table_end(&args);
    assert_int_equal(look_next(&functions, NULL, buf_slice(&args), &result, &err), 0);
    is_ended = value_field_boolean(buf_slice(&result), "is_ended", false);
    assert_true(value_field_table(buf_slice(&result), "records", &records));
    value_reader_init(&reader, records);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    while (value_read_pair(&reader, &key, &value, &err) == 1) {
        value_reader_init(&pair, value.string);
        assert_int_equal(value_read(&pair, &item, &err), 1);
        while (value_read_pair(&pair, &key, &item, &err) == 1)
            if (key.integer == 2)
                buf_append(&lines, item.string.ptr, item.string.len);
        buf_append_byte(&lines, '\n');
    }
    return buf_string(&lines);
}

static void records_of_all_files_come_in_order(void **state)
{
    (void)state;
    folder_write(&folder, "a", "1\n2\n", 4);
    folder_write(&folder, "b", "", 0);
    folder_write(&folder, "c", "3", 1);
    assert_null(OPEN("lines", folder.path));
    assert_string_equal(next(2), "1\n2\n");
    assert_false(is_ended);
    assert_string_equal(next(2), "3\n");
    assert_true(is_ended);
    assert_string_equal(next(2), "");
    assert_true(is_ended);
}

/* How many names the open look has told; *last: the last of them. */
static int names_of(char last[PATH_MAX])
{
    struct value_reader reader;
    struct datum key, value;
    struct slice names;
    int count = 0;

    assert_true(value_field_table(buf_slice(&result), "names", &names));
    value_reader_init(&reader, names);
    assert_int_equal(value_read(&reader, &key, &err), 1);
    for (; value_read_pair(&reader, &key, &value, &err) == 1; count++)
        snprintf(last, PATH_MAX, "%.*s", (int)value.string.len, value.string.ptr);
    return count;
}

static void the_first_files_of_the_inputs_are_named(void **state)
{
    const char *inputs[LOOK_NAME_COUNT_MAX + 2] = {NULL};
    char name[PATH_MAX], path[PATH_MAX];

    (void)state;
    folder_mkdir(&folder, "x");
    folder_write(&folder, "x/a", "1\n", 2);
    assert_null(OPEN("lines", folder_path(&folder, "**/a")));
    assert_int_equal(names_of(name), 1);
    assert_string_equal(name, folder_path(&folder, "x/a"));
    folder_write(&folder, "b", "", 0);
    snprintf(path, sizeof path, "%s", folder_path(&folder, "x/a"));
    for (int i = 0; i < LOOK_NAME_COUNT_MAX; i++)
        inputs[i] = path;
    inputs[LOOK_NAME_COUNT_MAX] = folder_path(&folder, "b");
    assert_null(open_look("lines", inputs));
    assert_int_equal(names_of(name), LOOK_NAME_COUNT_MAX);
    assert_string_equal(name, path);
}

static void an_answer_has_a_limit(void **state)
{
    char *most = malloc(LOOK_BYTES_MAX);

    (void)state;
    memset(most, 'x', LOOK_BYTES_MAX);
    folder_write(&folder, "a", most, LOOK_BYTES_MAX);
    folder_write(&folder, "b", "1\n", 2);
    folder_write(&folder, "c", "2\n", 2);
    assert_null(OPEN("lines", folder_path(&folder, "b"), folder_path(&folder, "a"),
                     folder_path(&folder, "c")));
    assert_int_equal(strlen(next(10)), LOOK_BYTES_MAX + 3);
    assert_false(is_ended);
    assert_string_equal(next(10), "2\n");
    free(most);
}

static void a_new_look_ends_the_one_before(void **state)
{
    (void)state;
    folder_write(&folder, "a", "1\n2\n", 4);
    folder_write(&folder, "b", "3\n", 2);
    assert_null(OPEN("lines", folder_path(&folder, "a")));
    assert_string_equal(next(1), "1\n");
    assert_null(OPEN("file", folder_path(&folder, "b")));
    assert_string_equal(next(1), "3\n\n");
    assert_int_equal(look_close(&functions, NULL, buf_slice(&args), &result, &err), 0);
    assert_int_equal(look_next(&functions, NULL, buf_slice(&args), &result, &err), -1);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    folder_write(&folder, "a", "no run file", 11);
    assert_non_null(strstr(OPEN("lines", folder_path(&folder, "none")), "none"));
    assert_non_null(strstr(OPEN("xml", folder.path), "xml"));
    assert_non_null(strstr(OPEN("grammar", folder.path), "needs the job"));
    assert_null(OPEN("run", folder_path(&folder, "a")));
    next(1);
    assert_non_null(error_of());
    assert_null(OPEN("lines", folder_path(&folder, "a")));
    folder_write(&folder, "a", "changed", 7);
    next(1);
    assert_non_null(strstr(error_of(), "changed since"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_of_all_files_come_in_order),
        TEST(the_first_files_of_the_inputs_are_named),
        TEST(an_answer_has_a_limit),
        TEST(a_new_look_ends_the_one_before),
        TEST(what_is_wrong_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
