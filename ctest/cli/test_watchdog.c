#include "cli/watchdog.h"

#include "cli/kit.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int set(int64_t milliseconds, int64_t memory_bytes, const char *text, struct err *err)
{
    struct buf args = {0}, result = {0};
    int rc;

    value_write_table_begin(&args);
    field_integer(&args, "milliseconds", (uint64_t)milliseconds);
    field_integer(&args, "memory_bytes", (uint64_t)memory_bytes);
    field_string(&args, "text", text);
    value_write_table_end(&args);
    rc = watchdog_set(NULL, NULL, buf_slice(&args), &result, err);
    buf_deinit(&args);
    buf_deinit(&result);
    return rc;
}

/* What a child says that hangs, up to `size` bytes; its exit code. */
static int hang(const char *text, char *said, size_t size)
{
    int ends[2], status = 0;
    size_t len = 0;
    ssize_t count;
    pid_t child;
    struct err err;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (set(20, 1LL << 40, text, &err) != 0)
            _exit(99);
        for (;;)
            pause();
    }
    close(ends[1]);
    while ((count = read(ends[0], said + len, size - 1 - len)) > 0)
        len += (size_t)count;
    said[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_process_that_hangs_says_its_last_word_and_ends(void **state)
{
    char said[64];

    (void)state;
    assert_int_equal(hang("it hangs\n", said, sizeof said), WATCHDOG_EXIT_CODE);
    assert_string_equal(said, "it hangs\n");
}

static void a_last_word_that_is_too_long_is_cut(void **state)
{
    static char text[WATCHDOG_TEXT_BYTES_MAX + 100], said[WATCHDOG_TEXT_BYTES_MAX + 100];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(hang(text, said, sizeof said), WATCHDOG_EXIT_CODE);
    assert_int_equal(strlen(said), WATCHDOG_TEXT_BYTES_MAX);
}

static void a_watchdog_without_a_deadline_or_a_limit_is_refused(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(set(0, 1 << 30, "", &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(set(1000, 0, "", &err), -1);
    assert_string_equal(err.message, "watchdog: milliseconds and memory_bytes must be above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_hangs_says_its_last_word_and_ends),
        cmocka_unit_test(a_last_word_that_is_too_long_is_cut),
        cmocka_unit_test(a_watchdog_without_a_deadline_or_a_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
