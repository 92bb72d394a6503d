/*
 * A whole worker: a job on loopback, drain, and what it does not start with.
 */
#include "worker/shell_kit.h"

#include "base/machine.h"

static const char WORDS[] = "return { map = function(_, line, emit)"
                            "  for word in line:gmatch('%a+') do emit(word, 1) end "
                            "end, reduce = 'sum' }";

static void one_worker_runs_a_whole_job(void **state)
{
    struct shell shell;
    struct buf part = {0};
    struct err err;
    Mrlua__AttemptDone *done;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, WORDS);
    folder_mkdir(&shell.folder, "out");
    shell_worker(&shell);
    shell_welcome(&shell);
    assert_string_equal(shell.join->name, "w1");
    assert_int_equal(shell.join->slots, 1);
    assert_int_equal(shell.join->memory_bytes, machine_memory_bytes(""));
    assert_int_equal(strlen(shell.join->boot_id), MACHINE_BOOT_BYTES);

    shell_map(&shell, 11, shell_file(&shell, "in", "b a\na b a\n"));
    done = shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(done->attempt, 11);
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);

    shell_reduce(&shell, 12, 1);
    shell_sources(&shell, 1);
    shell_await(&shell, MESSAGE_ATTEMPT_FETCHED);
    shell_heard(&shell, 12, MESSAGE_ATTEMPT_FETCHED);
    shell_run(&shell, 12);
    done = shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(done->attempt, 12);
    shell_heard(&shell, 12, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(
        io_read_file(folder_path(&shell.folder, "out/part"), 1 << 20, &part, ERR_INPUT, &err), 0);
    assert_string_equal(buf_string(&part), "a\t3\nb\t2\n");

    shell_job_over(&shell);
    shell_end(&shell);
    assert_int_equal(access(folder_path(&shell.folder, "dir/runs/1"), F_OK), -1);
    assert_int_equal(access(folder_path(&shell.folder, "out/part"), F_OK), 0);
    buf_deinit(&part);
    shell_close(&shell);
}

static void a_drained_worker_waits_for_the_end_of_jobs_whose_runs_it_holds(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, WORDS);
    shell_worker(&shell);
    shell_welcome(&shell);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n"));
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);
    kill(shell.worker, SIGTERM);
    while (!shell.heartbeat || !shell.heartbeat->draining)
        shell_turn(&shell);
    shell_map(&shell, 12, folder_path(&shell.folder, "in"));
    assert_true(((Mrlua__AttemptFailed *)shell_await(&shell, MESSAGE_ATTEMPT_FAILED))->returned);
    shell_heard(&shell, 12, MESSAGE_ATTEMPT_FAILED);
    shell_job_over(&shell);
    while (shell.conn)
        shell_turn(&shell);
    assert_int_equal(shell_exit_code(&shell), 0);
    shell_close(&shell);
}

static void a_second_signal_ends_it_whatever_runs(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, "return { map = function() while true do end end, reduce = 'sum' }");
    shell_worker(&shell);
    shell_welcome(&shell);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n"));
    while (!shell.heartbeat || shell.heartbeat->n_attempts == 0)
        shell_turn(&shell);
    kill(shell.worker, SIGTERM);
    while (!shell.heartbeat->draining)
        shell_turn(&shell);
    shell_end(&shell);
    shell_close(&shell);
}

/* A map that would spill for ever. */
static void more_than_the_disk_limit_is_told_as_the_disk(void **state)
{
    struct shell shell;
    Mrlua__AttemptFailed *failed;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, "local n = 0 return { map = function(key, line, emit) while true do"
                      "  n = n * 69069 + 1 & 0xffffffff; emit(n, n) end end, reduce = 'sum' }");
    shell.options.disk_limit_bytes = 1 << 20;
    shell_worker(&shell);
    shell_welcome(&shell);
    shell_map(&shell, 11, shell_file(&shell, "in", "a\n"));
    failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->error->kind, ERR_DISK);
    assert_false(failed->returned);
    shell_close(&shell);
}

/* What a map leaves counts as soon as it is done, and not when the timer looks, once a second: many
 * of these maps would be done by then. A look that came just before is not repeated, so that one
 * more may be; and the timer may look while a map writes. */
static void a_disk_that_a_map_has_filled_takes_no_more(void **state)
{
    struct shell shell;
    uint8_t type = MESSAGE_ATTEMPT_DONE;

    (void)state;
    shell_open(&shell);
    shell_job(&shell, "local n = 0 return { map = function(key, line, emit) for _ = 1, 20000 do"
                      "  n = n * 69069 + 1 & 0xffffffff; emit(n, n) end end, reduce = 'sum' }");
    shell.options.disk_limit_bytes = 100 << 10;
    shell_worker(&shell);
    shell_welcome(&shell);
    shell_file(&shell, "in", "a\n");
    for (uint64_t attempt = 11; type == MESSAGE_ATTEMPT_DONE; attempt++) {
        void *message;

        assert_true(attempt <= 13);
        shell_map(&shell, attempt, folder_path(&shell.folder, "in"));
        message = shell_await_either(&shell, &type, MESSAGE_ATTEMPT_FAILED);
        if (type == MESSAGE_ATTEMPT_FAILED)
            assert_int_equal(((Mrlua__AttemptFailed *)message)->error->kind, ERR_DISK);
        shell_heard(&shell, attempt, type);
    }
    shell_close(&shell);
}

static int exit_code_of(struct shell *shell)
{
    shell_worker(shell);
    return shell_exit_code(shell);
}

static void slots_that_do_not_fit_into_memory_are_counted_for_the_user(void **state)
{
    struct shell shell;
    struct err err;

    (void)state;
    shell_open(&shell);
    shell.options.slots = 3;
    shell.options.memory_bytes = (uint64_t)3 * WORKER_SLOT_BYTES_MIN - 1;
    assert_null(worker_open(&shell.options, shell.nursery, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "3 slots take at least 384 MB, 128 each, and there are 383 MB "
                                     "of memory: enough for --slots 2");
    shell.options.memory_bytes++;
    shell_worker(&shell);
    shell_welcome(&shell);
    assert_int_equal(shell.join->memory_bytes, shell.options.memory_bytes);
    shell_end(&shell);
    shell_close(&shell);
}

static void what_it_cannot_start_with_is_told(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    shell.options.slots = 0;
    assert_int_equal(exit_code_of(&shell), 10 + ERR_SETUP);
    shell.options.slots = 1;
    shell.options.listen = "nowhere";
    assert_int_equal(exit_code_of(&shell), 10 + ERR_SETUP);
    shell.options.listen = NULL;
    shell.options.master = "nowhere";
    assert_int_equal(exit_code_of(&shell), 10 + ERR_SETUP);
    shell_close(&shell);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_runs_a_whole_job),
        cmocka_unit_test(a_drained_worker_waits_for_the_end_of_jobs_whose_runs_it_holds),
        cmocka_unit_test(a_second_signal_ends_it_whatever_runs),
        cmocka_unit_test(more_than_the_disk_limit_is_told_as_the_disk),
        cmocka_unit_test(a_disk_that_a_map_has_filled_takes_no_more),
        cmocka_unit_test(slots_that_do_not_fit_into_memory_are_counted_for_the_user),
        cmocka_unit_test(what_it_cannot_start_with_is_told),
    };

    SHELL_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
