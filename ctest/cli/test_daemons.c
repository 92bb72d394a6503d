#include "cli/daemons.h"

#include "attempt/nursery.h"
#include "cli/functions.h"
#include "cli/kit.h"
#include "folder.h"

static struct functions functions;
static struct folder folder;
static struct buf args, result;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    value_write_table_begin(&args);
    field_string(&args, "listen", "127.0.0.1:0");
    field_string(&args, "master", "127.0.0.1:1");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    functions_deinit(&functions);
    buf_deinit(&args);
    buf_deinit(&result);
    folder_remove(&folder);
    return 0;
}

/* The key is read before a folder or a port is touched. */
static void a_daemon_without_its_key_does_not_start(void **state)
{
    (void)state;
    field_string(&args, "state", folder_path(&folder, "state"));
    field_string(&args, "dir", folder_path(&folder, "dir"));
    field_string(&args, "key_file", folder_path(&folder, "no-key"));
    value_write_table_end(&args);
    assert_int_equal(daemons_master(&functions, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "no-key"));
    assert_int_equal(daemons_worker(&functions, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(result.len, 0);
    assert_int_not_equal(access(folder_path(&folder, "state"), F_OK), 0);
    assert_int_not_equal(access(folder_path(&folder, "dir"), F_OK), 0);
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    setenv("XDG_STATE_HOME", folder_path(&folder, "xdg"), 1);
    folder_write(&folder, "file", "x", 1);
    field_string(&args, "state", folder_path(&folder, "file/state"));
    field_string(&args, "dir", folder_path(&folder, "file/dir"));
    field_integer(&args, "slots", 1);
    value_write_table_end(&args);
    assert_int_equal(daemons_master(&functions, NULL, buf_slice(&args), &result, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(daemons_worker(&functions, NULL, buf_slice(&args), &result, &err), -1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_daemon_without_its_key_does_not_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_is_an_error, set_up,
                                        tear_down),
    };

    if (nursery_is_asked(argc, argv))
        return nursery_main();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
