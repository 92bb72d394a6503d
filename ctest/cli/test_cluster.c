#include "cli/cluster.h"

#include "cli/master_kit.h"
#include "sched/sched.h"

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

static void answer(struct conn *conn, const struct frame *frame)
{
    Mrlua__JobListAnswer jobs = MRLUA__JOB_LIST_ANSWER__INIT;
    Mrlua__WorkerListAnswer workers = MRLUA__WORKER_LIST_ANSWER__INIT;
    Mrlua__JobStatusAnswer status = MRLUA__JOB_STATUS_ANSWER__INIT;
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    Mrlua__Answer done = MRLUA__ANSWER__INIT;

    info.job = 3;
    info.status = JOB_RUNNING;
    status.info = &info;
    if (frame->type == MESSAGE_JOB_LIST)
        master_kit_send(conn, frame, MESSAGE_JOB_LIST_ANSWER, &jobs.base);
    else if (frame->type == MESSAGE_WORKER_LIST)
        master_kit_send(conn, frame, MESSAGE_WORKER_LIST_ANSWER, &workers.base);
    else if (frame->type == MESSAGE_JOB_STATUS)
        master_kit_send(conn, frame, MESSAGE_JOB_STATUS_ANSWER, &status.base);
    else if (frame->type == MESSAGE_JOB_CANCEL)
        master_kit_send(conn, frame, MESSAGE_ANSWER, &done.base);
}

static void make_args(void)
{
    value_write_table_begin(&args);
    field_string(&args, "master", kit.address);
    field_string(&args, "key_file", kit.key_file);
    field_string(&args, "role", "read");
    field_integer(&args, "job", 3);
    value_write_table_end(&args);
}

static bool has_table(const char *name)
{
    struct slice table;

    return value_field_table(buf_slice(&result), name, &table);
}

static void questions_are_answered_by_tables(void **state)
{
    (void)state;
    master_kit_start(&kit, answer);
    make_args();
    assert_int_equal(cluster_job_list(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(has_table("jobs"));
    buf_clear(&result);
    assert_int_equal(cluster_worker_list(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(has_table("workers"));
    buf_clear(&result);
    assert_int_equal(cluster_job_status(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(has_table("job"));
    assert_true(has_table("stages"));
    buf_clear(&result);
    assert_int_equal(cluster_job_cancel(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(value_field_boolean(buf_slice(&result), "ok", false));
}

static void no_master_is_an_error_in_the_table(void **state)
{
    (void)state;
    master_kit_start(&kit, answer);
    master_kit_kill(&kit);
    make_args();
    assert_int_equal(cluster_job_status(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(has_table("error"));
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
}

static void a_role_has_a_key(void **state)
{
    struct keys keys;
    const char *path;
    struct slice text;
    int fd;

    (void)state;
    master_kit_start(&kit, answer);
    make_args();
    assert_int_equal(cluster_role_key(NULL, NULL, buf_slice(&args), &result, &err), 0);
    text = value_field_string(buf_slice(&result), "key", "");
    path = folder_path(&kit.folder, "read");
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    close(fd);
    assert_int_equal(keys_load(&keys, path, &err), 0);
    assert_non_null(keys_of_role(&keys, ROLE_READ));
    assert_null(keys_of_role(&keys, ROLE_SUBMIT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(questions_are_answered_by_tables, tear_down),
        cmocka_unit_test_teardown(no_master_is_an_error_in_the_table, tear_down),
        cmocka_unit_test_teardown(a_role_has_a_key, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
