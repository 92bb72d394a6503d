#include "cli/client.h"

#include "cli/master_kit.h"

static struct master_kit kit;
static struct client client;
static struct err err;

static int tear_down(void **state)
{
    (void)state;
    client_deinit(&client);
    master_kit_end(&kit);
    return 0;
}

static void answer_two_jobs(struct conn *conn, const struct frame *frame)
{
    Mrlua__JobListAnswer answer = MRLUA__JOB_LIST_ANSWER__INIT;
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    Mrlua__JobInfo *jobs[] = {&info, &info};

    answer.n_jobs = 2;
    answer.jobs = jobs;
    master_kit_send(conn, frame, MESSAGE_JOB_LIST_ANSWER, &answer.base);
}

static void answer_an_error(struct conn *conn, const struct frame *frame)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;

    error.kind = ERR_SETUP;
    error.message = "no such job";
    answer.error = &error;
    master_kit_send(conn, frame, MESSAGE_ANSWER, &answer.base);
}

static void answer_with_an_end(struct conn *conn, const struct frame *frame)
{
    (void)frame;
    conn_close(conn);
}

static Mrlua__JobListAnswer *ask_for_jobs(void)
{
    Mrlua__JobList list = MRLUA__JOB_LIST__INIT;
    void *answer = NULL;

    if (client_ask(&client, MESSAGE_JOB_LIST, &list.base, MESSAGE_JOB_LIST_ANSWER,
                   &mrlua__job_list_answer__descriptor, &answer, &err) != 0)
        return NULL;
    return answer;
}

static void a_question_is_answered(void **state)
{
    Mrlua__JobListAnswer *answer;

    (void)state;
    master_kit_start(&kit, answer_two_jobs);
    assert_int_equal(
        client_init(&client, kit.address, kit.key_file, TLS_BEYOND_LOOPBACK, false, &err), 0);
    answer = ask_for_jobs();
    assert_non_null(answer);
    assert_int_equal(answer->n_jobs, 2);
    message_free(answer);
    answer = ask_for_jobs(); /* and a second one */
    assert_non_null(answer);
    message_free(answer);
}

static void an_error_of_the_master_is_the_answer(void **state)
{
    (void)state;
    master_kit_start(&kit, answer_an_error);
    assert_int_equal(
        client_init(&client, kit.address, kit.key_file, TLS_BEYOND_LOOPBACK, false, &err), 0);
    assert_null(ask_for_jobs());
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "no such job");
}

static void a_master_that_hangs_up_is_an_error(void **state)
{
    (void)state;
    master_kit_start(&kit, answer_with_an_end);
    assert_int_equal(
        client_init(&client, kit.address, kit.key_file, TLS_BEYOND_LOOPBACK, false, &err), 0);
    assert_null(ask_for_jobs());
    assert_int_equal(err.kind, ERR_RETRY);
}

static void nobody_there_is_told_with_the_way_out(void **state)
{
    (void)state;
    master_kit_start(&kit, answer_two_jobs);
    master_kit_kill(&kit);
    assert_int_equal(
        client_init(&client, kit.address, kit.key_file, TLS_BEYOND_LOOPBACK, false, &err), 0);
    assert_null(ask_for_jobs());
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "no master answers at 127.0.0.1:"));
    assert_non_null(strstr(err.message, "mrlua master --listen"));
}

static void another_secret_is_refused(void **state)
{
    struct keys keys;
    const char *other;

    (void)state;
    master_kit_start(&kit, answer_two_jobs);
    other = folder_path(&kit.folder, "other");
    assert_int_equal(keys_load_or_create(&keys, other, &err), 0);
    assert_int_equal(client_init(&client, kit.address, other, TLS_BEYOND_LOOPBACK, false, &err), 0);
    assert_null(ask_for_jobs());
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "key"));
}

static void a_read_key_may_look_and_not_submit(void **state)
{
    Mrlua__JobListAnswer *answer;
    struct buf text = {0};
    struct keys keys;
    int fd;

    (void)state;
    master_kit_start(&kit, answer_two_jobs);
    assert_int_equal(keys_load(&keys, kit.key_file, &err), 0);
    assert_int_equal(keys_print_role(&keys, ROLE_READ, &text, &err), 0);
    fd = open(folder_path(&kit.folder, "read"), O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    close(fd);
    buf_deinit(&text);
    assert_int_equal(client_init(&client, kit.address, folder_path(&kit.folder, "read"),
                                 TLS_BEYOND_LOOPBACK, true, &err),
                     -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(client_init(&client, kit.address, folder_path(&kit.folder, "read"),
                                 TLS_BEYOND_LOOPBACK, false, &err),
                     0);
    answer = ask_for_jobs();
    assert_non_null(answer);
    message_free(answer);
}

static void a_key_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_int_equal(
        client_init(&client, "127.0.0.1:1", "/nowhere/key", TLS_BEYOND_LOOPBACK, false, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "/nowhere/key"));
    folder_make(&kit.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_question_is_answered, tear_down),
        cmocka_unit_test_teardown(an_error_of_the_master_is_the_answer, tear_down),
        cmocka_unit_test_teardown(a_master_that_hangs_up_is_an_error, tear_down),
        cmocka_unit_test_teardown(nobody_there_is_told_with_the_way_out, tear_down),
        cmocka_unit_test_teardown(another_secret_is_refused, tear_down),
        cmocka_unit_test_teardown(a_read_key_may_look_and_not_submit, tear_down),
        cmocka_unit_test_teardown(a_key_file_that_is_not_there_is_named, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
