/*
 * Attempts: what they say reaches the master, and they end when they are told to.
 */
#include "worker/shell_kit.h"

#include "in_time.h"
#include "processes.h"

/* The goal: what lost a race is gone a second after the winner has ended. */
enum { GONE_MS_MAX = 1000 };

static void what_a_job_prints_and_raises_is_passed_on(void **state)
{
    struct shell shell;
    Mrlua__AttemptFailed *failed;
    Mrlua__AttemptLog *line;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, "return { map = function() print('hello') error('no such day') end, "
                      "reduce = 'sum' }");
    shell_worker(&shell);
    shell_welcome(&shell);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n"));
    line = shell_await(&shell, MESSAGE_ATTEMPT_LOG);
    assert_string_equal(line->text, "hello");
    failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->attempt, 11);
    assert_int_equal(failed->error->kind, ERR_JOB);
    assert_non_null(strstr(failed->error->message, "no such day"));
    assert_non_null(strstr(failed->error->detail, "traceback"));
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_FAILED);
    shell_end(&shell);
    shell_close(&shell);
}

/* Goes on when attempt 11 runs, which does not end by itself. */
static void begin_to_spin(struct shell *shell)
{
    shell_job(shell, "return { map = function(_, line) while line == 'spin' do end "
                     "error('reached') end, reduce = 'sum' }");
    shell_worker(shell);
    shell_welcome(shell);
    shell_map(shell, 11, shell_file(shell, "spin", "spin\n"));
    while (!shell->heartbeat || shell->heartbeat->n_attempts == 0)
        shell_turn(shell);
    assert_int_equal(shell->heartbeat->attempts[0]->attempt, 11);
}

/* One slot: this map can only start when the process of attempt 11 has ended. */
static void expect_slot_and_disk_given_back(struct shell *shell)
{
    Mrlua__AttemptFailed *failed;

    shell_map(shell, 12, shell_file(shell, "go", "go\n"));
    failed = shell_await(shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->attempt, 12);
    assert_int_equal(access(folder_path(&shell->folder, "dir/runs/1/0.11"), F_OK), -1);
}

static void a_killed_attempt_gives_its_slot_to_the_next(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin_to_spin(&shell);
    shell_kill(&shell, 11);
    expect_slot_and_disk_given_back(&shell);
    shell_close(&shell);
}

/* The one process that `parent` has, as soon as it has it. */
static pid_t await_child_of(pid_t parent)
{
    uint64_t until_ns = clock_monotonic_ns() + SHELL_MS_MAX * NS_PER_MS;
    pid_t pid = 0;

    while (children_of(parent, &pid) != 1)
        assert_true(clock_monotonic_ns() < until_ns);
    return pid;
}

static uint64_t stop_attempt(void)
{
    struct shell shell;
    pid_t nursery, trusted, child;
    uint64_t begun_ns, took_ns;

    shell_open(&shell);
    nursery = await_child_of(getpid());
    begin_to_spin(&shell);
    trusted = await_child_of(shell.worker);
    child = await_child_of(nursery);
    assert_int_equal(access(folder_path(&shell.folder, "dir/runs/1/0.11"), F_OK), 0);
    assert_int_equal(kill(trusted, SIGSTOP), 0);
    assert_int_equal(kill(child, SIGSTOP), 0);
    begun_ns = clock_monotonic_ns();
    shell_kill(&shell, 11);
    while (kill(trusted, 0) == 0 || kill(child, 0) == 0) {
        assert_true(clock_monotonic_ns() - begun_ns < SHELL_MS_MAX * NS_PER_MS);
        shell_pass(&shell);
    }
    took_ns = clock_monotonic_ns() - begun_ns;
    expect_slot_and_disk_given_back(&shell);
    shell_close(&shell);
    return took_ns;
}

/* It cannot do what it is told: the worker kills it, removes what it made, and its slot is free. */
static void a_stopped_attempt_is_killed(void **state)
{
    (void)state;
    await_in_time(GONE_MS_MAX, stop_attempt);
}

static void progress_travels_with_heartbeats(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, "return { map = function() while true do end end, reduce = 'sum' }");
    shell_worker(&shell);
    shell_welcome(&shell);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n"));
    while (!shell.heartbeat || shell.heartbeat->n_attempts == 0 ||
           !shell.heartbeat->attempts[0]->progress)
        shell_turn(&shell);
    assert_true(shell.heartbeat->disk_free_bytes > 0);
    shell_close(&shell);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_job_prints_and_raises_is_passed_on),
        cmocka_unit_test(a_killed_attempt_gives_its_slot_to_the_next),
        cmocka_unit_test(a_stopped_attempt_is_killed),
        cmocka_unit_test(progress_travels_with_heartbeats),
    };

    SHELL_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
