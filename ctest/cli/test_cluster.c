#include "cli/cluster.h"

#include "cli/master_kit.h"
#include "sched/sched.h"

static struct master_kit kit;
static struct buf args, result;
static struct err err;
static struct buf bundle; /* what it tells in pieces of PIECE bytes */
static bool forgets;      /* ... but for the first */
enum { PIECE = 5 };

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&args);
    buf_deinit(&result);
    buf_deinit(&bundle);
    forgets = false;
    master_kit_end(&kit);
    return 0;
}

static void add_bundle(const struct frame *frame, Mrlua__JobStatusAnswer *answer)
{
    struct err ignored;
    Mrlua__JobStatus *asked =
        message_unpack(&mrlua__job_status__descriptor, frame->payload, &ignored);
    size_t offset = asked->bundle_offset;

    if (asked->facts && offset < bundle.len && !(forgets && offset > 0)) {
        answer->bundle.data = (uint8_t *)bundle.ptr + offset;
        answer->bundle.len = bundle.len - offset < PIECE ? bundle.len - offset : PIECE;
    }
    answer->bundle_bytes = bundle.len;
    message_free(asked);
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
    if (frame->type == MESSAGE_JOB_STATUS)
        add_bundle(frame, &status);
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

static void a_bundle_comes_in_pieces(void **state)
{
    struct slice table;

    (void)state;
    value_write_table_begin(&bundle);
    field_string(&bundle, "path", "jobs/wordcount.lua");
    value_write_table_end(&bundle);
    master_kit_start(&kit, answer);
    make_args();
    assert_int_equal(cluster_job_facts(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_int_equal(value_check(buf_slice(&result), &err), 0);
    assert_true(has_table("status"));
    assert_true(has_table("facts"));
    assert_false(has_table("params"));
    assert_true(value_field_table(buf_slice(&result), "bundle", &table));
    assert_true(
        slice_equal(value_field_string(table, "path", ""), slice_of_string("jobs/wordcount.lua")));
}

static void a_bundle_that_is_gone_meanwhile_is_none(void **state)
{
    (void)state;
    value_write_table_begin(&bundle);
    field_string(&bundle, "path", "jobs/wordcount.lua");
    value_write_table_end(&bundle);
    forgets = true;
    master_kit_start(&kit, answer);
    make_args();
    assert_int_equal(cluster_job_facts(NULL, NULL, buf_slice(&args), &result, &err), 0);
    assert_true(has_table("status"));
    assert_false(has_table("bundle"));
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
        cmocka_unit_test_teardown(a_bundle_comes_in_pieces, tear_down),
        cmocka_unit_test_teardown(a_bundle_that_is_gone_meanwhile_is_none, tear_down),
        cmocka_unit_test_teardown(no_master_is_an_error_in_the_table, tear_down),
        cmocka_unit_test_teardown(a_role_has_a_key, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
