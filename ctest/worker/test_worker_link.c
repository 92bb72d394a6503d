/*
 * The connection to the master: cut and had again.
 */
#include "worker/shell_kit.h"

static const char IDENTITY[] =
    "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }";

static void a_cut_worker_comes_back_with_all_it_has(void **state)
{
    struct shell shell;
    uint64_t incarnation;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, IDENTITY);
    shell_worker(&shell);
    shell_welcome(&shell);
    incarnation = shell.join->incarnation;
    assert_int_equal(shell.join->epoch_seen, 0);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n"));
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);
    shell_map(&shell, 12, folder_path(&shell.folder, "in"));
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_cut(&shell);

    shell_welcome(&shell);
    assert_true(shell.join->incarnation == incarnation);
    assert_int_equal(shell.join->epoch_seen, SHELL_EPOCH);
    assert_int_equal(shell.join->worker_id_seen, 3);
    assert_int_equal(shell.join->n_held, 1);
    assert_int_equal(shell.join->held[0]->attempt, 11);
    assert_int_equal(shell.join->n_running, 1);
    assert_int_equal(shell.join->running[0], 12);
    assert_int_equal(shell.join->n_attempts, 1);
    assert_int_equal(shell.join->attempts[0]->job, 1);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE); /* was not heard */
    shell_close(&shell);
}

/* A worker that is cut has 1 s. A busy machine makes a few late; more are the worker's own. */
static void it_comes_back_in_time_however_often_it_is_cut(void **state)
{
    struct shell shell;
    int late_count = 0;

    (void)state;
    shell_open(&shell);
    shell_worker(&shell);
    for (int i = 0; i < 20; i++) {
        uint64_t begin_ns = clock_monotonic_ns();

        shell_welcome(&shell);
        late_count += i > 0 && clock_monotonic_ns() - begin_ns >= NS_PER_S;
        while (!shell.heartbeat) /* sent at once: it has taken the welcome */
            shell_turn(&shell);
        message_free(shell.heartbeat);
        shell.heartbeat = NULL;
        shell_cut(&shell);
    }
    assert_int_equal(shell.connect_count, 20);
    assert_in_range(late_count, 0, 4);
    shell_close(&shell);
}

static bool has_ended(const struct shell *shell)
{
    siginfo_t info = {0};

    assert_int_equal(waitid(P_PID, (id_t)shell->worker, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
}

static void a_wrong_key_ends_it_with_a_reason(void **state)
{
    uint8_t secret[KEY_BYTES] = {9};
    struct keys other;
    struct shell shell;
    struct err err;

    (void)state;
    keys_of_secret(&other, secret);
    shell_open(&shell);
    shell.options.keys = &other;
    shell_worker(&shell);
    while (!has_ended(&shell)) {
        loop_timer_start(shell.timer, 10 * NS_PER_MS);
        assert_int_equal(loop_run(shell.loop, &err), 0);
    }
    assert_int_equal(shell_exit_code(&shell), 10 + ERR_SETUP);
    assert_int_equal(shell.connect_count, 0);
    shell_close(&shell);
}

static void damaged_and_foreign_messages_are_not_taken(void **state)
{
    struct frame damaged = {.type = MESSAGE_ATTEMPT_START, .payload = slice_of("\xff\xff", 2)};
    Mrlua__AttemptStart empty = MRLUA__ATTEMPT_START__INIT;
    struct shell shell;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, IDENTITY);
    shell_worker(&shell);
    shell_welcome(&shell);
    conn_send_frame(shell.conn, &damaged);
    shell_send(&shell, MESSAGE_ATTEMPT_START, &empty.base);
    shell_heard(&shell, 99, MESSAGE_ATTEMPT_DONE);
    shell_run(&shell, 99);
    shell_kill(&shell, 99);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n")); /* and it goes on */
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.connect_count, 1);
    shell_close(&shell);
}

enum { FAILING = 20, RECORD_BYTES = 250 * 1024 };

static void map_json(struct shell *shell, uint64_t attempt, const char *path)
{
    Mrlua__AttemptStart start;
    Mrlua__TaskStart task;
    Mrlua__Piece piece, *pieces[] = {&piece};

    shell_start(shell, &task, attempt, &start);
    shell_piece(&piece, path);
    task.kind = MRLUA__TASK_KIND__MAP;
    task.input = "jsonl";
    task.pieces = pieces;
    task.n_pieces = 1;
    shell_send(shell, MESSAGE_ATTEMPT_START, &start.base);
}

/* There is room for new ones: what was looked at goes. */
static void forget(struct shell *shell)
{
    size_t count = 0;

    for (size_t i = 0; i < shell->kept_count; i++)
        if (shell->kept[i].is_new)
            shell->kept[count++] = shell->kept[i];
        else
            message_free(shell->kept[i].message);
    shell->kept_count = count;
}

/* Awaits the failures of all, on one connection; answers the bytes of their capsules. */
static size_t await_failures(struct shell *shell)
{
    int connect_count = shell->connect_count;
    bool has_come[FAILING + 1] = {false}; /* by attempt, from 1 on */
    size_t bytes = 0;

    for (int count = 0; count < FAILING;) {
        const Mrlua__AttemptFailed *failed = shell_await(shell, MESSAGE_ATTEMPT_FAILED);

        if (failed->error->kind != ERR_JOB)
            fail_msg("%s", failed->error->message);
        assert_true(failed->attempt <= FAILING);
        if (!has_come[failed->attempt]) {
            has_come[failed->attempt] = true;
            bytes += failed->error->capsule.len;
            count++;
        }
        forget(shell);
    }
    assert_int_equal(shell->connect_count, connect_count);
    return bytes;
}

/* Capsules of all attempts that nobody has heard of are more than may wait on a connection. */
static void failures_with_large_capsules_are_told_after_a_cut(void **state)
{
    struct shell shell;
    struct buf line = {0};
    const char *path;

    (void)state;
#ifdef MRLUA_TINY
    skip(); /* its nursery has not as many children at a time */
#endif
    shell_open(&shell);
    shell_job(&shell, "return { map = function() error('no such day') end, reduce = 'sum' }");
    shell.options.slots = FAILING;
    shell_worker(&shell);
    shell_welcome(&shell);
    buf_append_string(&line, "{\"a\":\"");
    memset(buf_reserve(&line, RECORD_BYTES), 'x', RECORD_BYTES);
    line.len += RECORD_BYTES;
    buf_append_string(&line, "\"}\n");
    path = shell_file(&shell, "in", buf_string(&line));
    for (uint64_t attempt = 1; attempt <= FAILING; attempt++)
        map_json(&shell, attempt, path);
    assert_true(await_failures(&shell) > 0);
    shell_cut(&shell);
    shell_welcome(&shell);
    assert_true(await_failures(&shell) < CONN_OUTPUT_BYTES_MAX);
    buf_deinit(&line);
    shell_close(&shell);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_worker_comes_back_with_all_it_has),
        cmocka_unit_test(it_comes_back_in_time_however_often_it_is_cut),
        cmocka_unit_test(failures_with_large_capsules_are_told_after_a_cut),
        cmocka_unit_test(a_wrong_key_ends_it_with_a_reason),
        cmocka_unit_test(damaged_and_foreign_messages_are_not_taken),
    };

    SHELL_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
