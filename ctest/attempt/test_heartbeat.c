#include "test.h"

#include "attempt/heartbeat.h"
#include "base/clock.h"
#include "folder.h"
#include "rpc/channel.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that is stuck in a blocking call, with a heart. */
static pid_t start(int shell, const char *result_path, int blocked_fd)
{
    pid_t pid = fork();
    char byte;

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    heartbeat_start(shell, "fetch", result_path);
    if (read(blocked_fd, &byte, 1) != 1) /* begun again after each beat */
        _exit(3);
    heartbeat_stop();
    _exit(send(shell, &byte, 1, 0) == 1 ? 0 : 4);
}

static void expect_beat(struct channel *shell)
{
    Mrlua__Progress *progress;
    struct frame frame;
    struct err err;

    assert_int_equal(channel_receive(shell, &frame, &err), 1);
    assert_int_equal(frame.type, MESSAGE_PROGRESS);
    progress = message_unpack(&mrlua__progress__descriptor, frame.payload, &err);
    assert_non_null(progress);
    assert_string_equal(progress->phase, "fetch");
    assert_true(progress->moved);
    message_free(progress);
}

/* It beats while the call blocks, and the call gets what it waited for. */
static void test_beats(void **state)
{
    struct channel shell;
    struct err err;
    int ends[2], blocked[2], status;
    pid_t pid;

    (void)state;
    assert_int_equal(channel_pair(ends, &err), 0);
    assert_int_equal(pipe(blocked), 0);
    pid = start(ends[1], NULL, blocked[0]);
    close(ends[1]);
    channel_init_take(&shell, ends[0]);
    for (int i = 0; i < 3; i++)
        expect_beat(&shell);
    assert_int_equal(write(blocked[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    channel_deinit(&shell);
    close(blocked[0]);
    close(blocked[1]);
}

/* A shell that reads nothing: the process does not block on it. */
static void test_full_socket(void **state)
{
    struct err err;
    int ends[2], blocked[2], status, bytes = 1;
    char junk[4096] = {0};
    pid_t pid;

    (void)state;
    assert_int_equal(channel_pair(ends, &err), 0);
    assert_int_equal(pipe(blocked), 0);
    while (send(ends[1], junk, sizeof junk, MSG_DONTWAIT) > 0)
        bytes++;
    pid = start(ends[1], NULL, blocked[0]);
    while (waitpid(pid, &status, WNOHANG) == 0 && bytes > 0) {
        uint64_t until_ns = clock_monotonic_ns() + 300 * NS_PER_MS; /* some beats are due */

        while (clock_monotonic_ns() < until_ns)
            continue;
        assert_int_equal(write(blocked[1], "x", 1), 1);
        while (bytes > 0) /* room for its answer */
            bytes = recv(ends[0], junk, sizeof junk, MSG_DONTWAIT) > 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        break;
    }
    close(ends[0]);
    close(ends[1]);
    close(blocked[0]);
    close(blocked[1]);
}

/* The shell hangs up: the process ends and its result is gone. */
static void test_hang_up(void **state)
{
    struct folder folder;
    struct err err;
    int ends[2], blocked[2], status;
    pid_t pid;

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "result", "x", 1);
    assert_int_equal(channel_pair(ends, &err), 0);
    assert_int_equal(pipe(blocked), 0);
    pid = start(ends[1], folder_path(&folder, "result"), blocked[0]);
    close(ends[1]);
    assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(folder_has(&folder, "result"));
    close(ends[0]);
    close(blocked[0]);
    close(blocked[1]);
    folder_remove(&folder);
}

static void wind_down(void)
{
    static const char said[] = "asked to end";

    if (write(STDOUT_FILENO, said, 1) != 1)
        _exit(5);
}

/* A gentle one goes on, and is asked to end. */
static void test_gentle_hang_up(void **state)
{
    struct err err;
    int ends[2], asked[2], status;
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal(channel_pair(ends, &err), 0);
    assert_int_equal(pipe(asked), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(asked[1], STDOUT_FILENO);
        heartbeat_start_gentle(ends[1], "commit", wind_down);
        for (;;)
            pause();
    }
    close(ends[1]);
    assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(read(asked[0], &byte, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(ends[0]);
    close(asked[0]);
    close(asked[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beats),
        cmocka_unit_test(test_full_socket),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_gentle_hang_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
