/*
 * What a worker refuses to start, and how it says so.
 */
#include "worker/shell_kit.h"

static const char SUM[] =
    "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }";

static void begin(struct shell *shell)
{
    shell_job(shell, SUM);
    shell_worker(shell);
    shell_welcome(shell);
}

static void expect(struct shell *shell, enum err_kind kind, const char *text)
{
    Mrlua__AttemptFailed *failed = shell_await(shell, MESSAGE_ATTEMPT_FAILED);

    assert_int_equal(failed->error->kind, kind);
    assert_false(failed->returned);
    if (!strstr(failed->error->message, text))
        fail_msg("%s", failed->error->message);
}

static void a_path_that_it_cannot_see_is_named_with_the_worker(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell_map(&shell, 11, folder_path(&shell.folder, "nowhere"));
    expect(&shell, ERR_INPUT, "worker w1 cannot see input");
    shell_reduce(&shell, 12, 1); /* nobody made the folder of the output */
    expect(&shell, ERR_SETUP, "worker w1 cannot see the output folder");
    shell_close(&shell);
}

static void outside_of_its_root_it_opens_nothing(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    folder_mkdir(&shell.folder, "root");
    shell_file(&shell, "root/in", "a\n");
    shell_file(&shell, "rootless", "a\n");
    shell.options.root = folder_path(&shell.folder, "root");
    begin(&shell);
    shell_map(&shell, 11, folder_path(&shell.folder, "rootless"));
    expect(&shell, ERR_SETUP, "outside of its root");
    shell_map(&shell, 12, folder_path(&shell.folder, "root/../rootless"));
    expect(&shell, ERR_SETUP, "outside of its root");
    shell_map(&shell, 13, folder_path(&shell.folder, "root/in"));
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

static void its_own_folder_is_no_input(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell_map(&shell, 11, folder_path(&shell.folder, "dir/lock"));
    expect(&shell, ERR_SETUP, "is in the folder of worker w1");
    shell_close(&shell);
}

static void start_unsafe(struct shell *shell, uint64_t attempt)
{
    Mrlua__AttemptStart start;
    Mrlua__TaskStart task;

    shell_start(shell, &task, attempt, &start);
    task.kind = MRLUA__TASK_KIND__MAP;
    task.unsafe = true;
    shell_send(shell, MESSAGE_ATTEMPT_START, &start.base);
}

static void unsafe_jobs_run_only_where_that_is_allowed(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    start_unsafe(&shell, 11);
    expect(&shell, ERR_SETUP, "--allow-unsafe");
    shell_close(&shell);
    shell_open(&shell);
    shell.options.allow_unsafe = true;
    begin(&shell);
    start_unsafe(&shell, 11);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

static void limits_beyond_the_memory_of_a_slot_are_refused_by_name(void **state)
{
    struct shell shell;
    const char *in;

    (void)state;
    shell_open(&shell);
    in = shell_file(&shell, "in", "a\n");
    shell.options.slots = 2;
    shell.options.memory_bytes = 400 << 20;
    begin(&shell);
    shell.limits.memory_bytes = 200 << 20; /* and 1 MB of sort buffer */
    shell_map(&shell, 11, in);
    expect(&shell, ERR_SETUP,
           "worker w1 cannot give an attempt 200 MB of Lua and 1 MB of sort buffer: a slot has "
           "200 MB (400 MB for 2); lower --limit-memory or --sort-buffer");
    shell.limits.memory_bytes = UINT64_MAX;
    shell_map(&shell, 12, in);
    expect(&shell, ERR_SETUP, "a slot has 200 MB");
    shell.limits.memory_bytes = 199 << 20;
    shell_map(&shell, 13, in);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_that_it_cannot_see_is_named_with_the_worker),
        cmocka_unit_test(outside_of_its_root_it_opens_nothing),
        cmocka_unit_test(its_own_folder_is_no_input),
        cmocka_unit_test(unsafe_jobs_run_only_where_that_is_allowed),
        cmocka_unit_test(limits_beyond_the_memory_of_a_slot_are_refused_by_name),
    };

    SHELL_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
