#include "cli/cluster_trail.h"

#include "cli/master_kit.h"

static struct master_kit kit;
static struct buf args, result;
static struct err err;

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&args);
    buf_deinit(&result);
    master_kit_end(&kit);
    return 0;
}

/* "log" is "0123456789", four bytes at a time; "huge" says that it is; nothing else is there. */
static void answer(struct conn *conn, const struct frame *frame)
{
    static char *names[] = {(char *)(uintptr_t) "a", (char *)(uintptr_t) "b"};
    static const char text[] = "0123456789";
    Mrlua__TrailData data = MRLUA__TRAIL_DATA__INIT;
    Mrlua__TrailGet *get =
        message_unpack(&mrlua__trail_get__descriptor, frame->payload, &(struct err){0});

    if (get->name[0] == '\0') {
        data.n_names = 2;
        data.names = names;
    } else if (strcmp(get->name, "log") == 0) {
        size_t left = strlen(text) - get->offset;

        data.total_bytes = strlen(text);
        data.bytes =
            (ProtobufCBinaryData){left < 4 ? left : 4, (uint8_t *)(uintptr_t)text + get->offset};
    } else if (strcmp(get->name, "huge") == 0) {
        data.total_bytes = UINT64_C(1) << 40;
    } else {
        data.unknown = true;
    }
    master_kit_send(conn, frame, MESSAGE_TRAIL_DATA, &data.base);
    message_free(get);
}

static void ask(const char *name)
{
    master_kit_start(&kit, answer);
    value_write_table_begin(&args);
    field_string(&args, "master", kit.address);
    field_string(&args, "key_file", kit.key_file);
    field_integer(&args, "job", 3);
    field_string(&args, "name", name);
    value_write_table_end(&args);
    assert_int_equal(cluster_job_trail(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
}

static void without_a_name_there_are_names(void **state)
{
    struct slice names;

    (void)state;
    ask("");
    assert_true(value_field_table(buf_slice(&result), "names", &names));
}

static void a_file_comes_in_pieces(void **state)
{
    (void)state;
    ask("log");
    assert_true(slice_equal(value_field_string(buf_slice(&result), "bytes", ""),
                            slice_of_string("0123456789")));
}

static void a_file_that_is_not_there_is_nothing(void **state)
{
    struct datum found;

    (void)state;
    ask("m0-1.capsule");
    assert_false(value_field(buf_slice(&result), "bytes", &found));
    assert_false(value_field(buf_slice(&result), "error", &found));
}

static void a_file_that_is_too_large_is_an_error(void **state)
{
    struct slice error;

    (void)state;
    ask("huge");
    assert_true(value_field_table(buf_slice(&result), "error", &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_a_name_there_are_names, tear_down),
        cmocka_unit_test_teardown(a_file_comes_in_pieces, tear_down),
        cmocka_unit_test_teardown(a_file_that_is_not_there_is_nothing, tear_down),
        cmocka_unit_test_teardown(a_file_that_is_too_large_is_an_error, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
