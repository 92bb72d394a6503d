#include "cli/replay.h"

#include "attempt/capsule.h"
#include "cli/functions.h"
#include "cli/kit.h"
#include "folder_of_test.h"

static struct functions functions;
static struct err err;

static int set_up(void **state)
{
    functions = (struct functions){0};
    return folder_set_up(state);
}

static int tear_down(void **state)
{
    functions_deinit(&functions);
    return folder_tear_down(state);
}

/* What is answered is a value; release it with buf_deinit(). */
static struct buf ask(int (*call)(void *, struct vm_host *, struct slice, struct buf *,
                                  struct err *),
                      const struct buf *args)
{
    struct buf result = {0};

    assert_int_equal(call(&functions, NULL, buf_slice(args), &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    return result;
}

static bool has_error(const struct buf *result)
{
    struct slice error;

    return value_field_table(buf_slice(result), "error", &error);
}

/* The arguments of a replay of these pieces of one file. */
static struct buf capsule_of(const char *format, const char *name, const uint64_t (*pieces)[2],
                             size_t count)
{
    struct buf args = {0};
    struct stat status = {0};

    stat(folder_path(&folder, name), &status);
    value_write_table_begin(&args);
    field_name(&args, "capsule");
    value_write_table_begin(&args);
    field_name(&args, "job");
    value_write_table_begin(&args);
    field_name(&args, "bundle");
    kit_bundle(&args, "x.lua", "return { map = 'identity', reduce = 'sum' }");
    value_write_table_end(&args);
    field_name(&args, "attempt");
    value_write_table_begin(&args);
    field_string(&args, "input", format);
    field_name(&args, "pieces");
    value_write_list_begin(&args, count);
    for (size_t i = 0; i < count; i++) {
        value_write_table_begin(&args);
        field_string(&args, "name", name);
        field_string(&args, "path", folder_path(&folder, name));
        field_integer(&args, "size", (uint64_t)status.st_size);
        field_integer(&args, "mtime_ns",
                      (uint64_t)status.st_mtim.tv_sec * 1000000000U +
                          (uint64_t)status.st_mtim.tv_nsec);
        field_integer(&args, "inode", status.st_ino);
        field_integer(&args, "device", status.st_dev);
        field_integer(&args, "offset", pieces[i][0]);
        field_integer(&args, "length", pieces[i][1]);
        value_write_table_end(&args);
    }
    value_write_table_end(&args);
    value_write_table_end(&args);
    return args; /* the caller adds `piece`, and ends it */
}

static struct buf open_piece(struct buf *args, int64_t piece)
{
    struct buf result;

    field_integer(args, "piece", (uint64_t)piece);
    value_write_table_end(args);
    result = ask(replay_open_piece, args);
    buf_deinit(args);
    return result;
}

static void next_is(const char *value)
{
    struct buf result = ask(replay_next_record, &(struct buf){0});

    if (value)
        assert_true(slice_equal(value_field_string(buf_slice(&result), "value", ""),
                                slice_of_string(value)));
    else
        assert_true(value_field_boolean(buf_slice(&result), "ended", false));
    buf_deinit(&result);
}

static void a_piece_is_read_as_its_attempt_did(void **state)
{
    static const uint64_t pieces[][2] = {{0, 3}, {3, 3}};
    struct buf args, result;

    (void)state;
    folder_write(&folder, "in", "a\nbb\nc\n", 7);
    args = capsule_of("lines", "in", pieces, 2);
    result = open_piece(&args, 1);
    assert_false(has_error(&result));
    buf_deinit(&result);
    next_is("a");
    next_is("bb");
    next_is(NULL);
    args = (struct buf){0};
    value_write_table_begin(&args);
    result = open_piece(&args, 2); /* of the same capsule */
    assert_false(has_error(&result));
    buf_deinit(&result);
    next_is("c");
    next_is(NULL);
}

static void json_is_read_with_the_job(void **state)
{
    static const uint64_t pieces[][2] = {{0, 9}};
    struct buf args, result;
    struct slice value;

    (void)state;
    folder_write(&folder, "in", "{\"a\": 7}\n", 9);
    args = capsule_of("jsonl", "in", pieces, 1);
    result = open_piece(&args, 1);
    assert_false(has_error(&result));
    buf_deinit(&result);
    result = ask(replay_next_record, &(struct buf){0});
    assert_true(value_field_table(buf_slice(&result), "value", &value));
    assert_int_equal(value_field_integer(value, "a", 0), 7);
    buf_deinit(&result);
}

static void an_input_that_is_gone_or_another_one_is_told(void **state)
{
    static const uint64_t pieces[][2] = {{0, 2}};
    struct buf args, result;

    (void)state;
    args = capsule_of("lines", "in", pieces, 1);
    result = open_piece(&args, 1);
    assert_true(has_error(&result));
    buf_deinit(&result);
    functions_deinit(&functions);
    folder_write(&folder, "in", "a\n", 2);
    args = capsule_of("lines", "in", pieces, 1);
    folder_write(&folder, "in", "another\n", 8);
    result = open_piece(&args, 1);
    assert_true(has_error(&result));
    buf_deinit(&result);
}

static void a_piece_that_the_capsule_has_not_is_told(void **state)
{
    static const uint64_t pieces[][2] = {{0, 2}};
    struct buf args, result = {0};

    (void)state;
    assert_int_equal(replay_next_record(&functions, NULL, (struct slice){0}, &result, &err), -1);
    folder_write(&folder, "in", "a\n", 2);
    args = capsule_of("lines", "in", pieces, 1);
    result = open_piece(&args, 2);
    assert_true(has_error(&result));
    buf_deinit(&result);
    args = (struct buf){0};
    value_write_table_begin(&args);
    value_write_table_end(&args);
    functions_deinit(&functions);
    result = ask(replay_open_piece, &args);
    assert_true(has_error(&result));
    buf_deinit(&result);
    buf_deinit(&args);
}

static void a_capsule_is_read_from_a_file_or_from_bytes(void **state)
{
    static const struct err failure = {ERR_JOB, "no"};
    struct capsule_job job = {.id = "r1", .name = "x"};
    struct buf bytes = {0}, args = {0}, result;

    (void)state;
    capsule_encode(&bytes, &job, (struct slice){0}, &failure, NULL);
    folder_write(&folder, "x.capsule", bytes.ptr, bytes.len);
    value_write_table_begin(&args);
    field_string(&args, "path", folder_path(&folder, "x.capsule"));
    value_write_table_end(&args);
    result = ask(replay_capsule_read, &args);
    assert_int_equal(value_field_integer(buf_slice(&result), "version", 0), 1);
    buf_deinit(&result);
    buf_clear(&args);
    value_write_table_begin(&args);
    field_bytes(&args, "bytes", buf_slice(&bytes));
    value_write_table_end(&args);
    result = ask(replay_capsule_read, &args);
    assert_int_equal(value_field_integer(buf_slice(&result), "version", 0), 1);
    buf_deinit(&result);
    buf_clear(&args);
    value_write_table_begin(&args);
    field_bytes(&args, "bytes", slice_of(bytes.ptr, bytes.len - 1));
    value_write_table_end(&args);
    result = ask(replay_capsule_read, &args);
    assert_int_equal(value_field_integer(buf_slice(&result), "version", 0), 0);
    buf_deinit(&result);
    buf_deinit(&args);
    buf_deinit(&bytes);
}

static void encoded_values_are_decoded_or_refused(void **state)
{
    struct buf args = {0}, result;

    (void)state;
    value_write_table_begin(&args);
    field_bytes(&args, "bytes", slice_of("\x07", 1));
    value_write_table_end(&args);
    result = ask(replay_value_decode, &args);
    assert_int_equal(result.len, 1);
    buf_deinit(&result);
    buf_clear(&args);
    value_write_table_begin(&args);
    field_bytes(&args, "bytes", slice_of("\xff", 1));
    value_write_table_end(&args);
    assert_int_equal(replay_value_decode(NULL, NULL, buf_slice(&args), &result, &err), -1);
    buf_clear(&args);
    value_write_table_begin(&args);
    field_integer(&args, "value", 1);
    value_write_table_end(&args);
    assert_int_equal(replay_value_check(NULL, NULL, buf_slice(&args), &result, &err), 0);
    buf_clear(&args);
    value_write_table_begin(&args);
    value_write_table_end(&args);
    assert_int_equal(replay_value_check(NULL, NULL, buf_slice(&args), &result, &err), -1);
    buf_deinit(&args);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_piece_is_read_as_its_attempt_did),
        TEST(json_is_read_with_the_job),
        TEST(an_input_that_is_gone_or_another_one_is_told),
        TEST(a_piece_that_the_capsule_has_not_is_told),
        TEST(a_capsule_is_read_from_a_file_or_from_bytes),
        TEST(encoded_values_are_decoded_or_refused),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
