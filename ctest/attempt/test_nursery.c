/* The nursery and its children: who lives, who dies, and what they know. */
#include "attempt/kit.h"

#include "base/clock.h"
#include "in_time.h"
#include "processes.h"
#include "rpc/channel.h"
#include "rpc/loop.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

extern char **environ;

#ifdef MRLUA_SANITIZE
enum { CRASH_COUNT = 20, PROCESS_COUNT = 5 };
#else
enum { CRASH_COUNT = 200, PROCESS_COUNT = 30 };
#endif

/* The goal: what lost a race is gone a second after the winner has ended. */
enum { GONE_MS_MAX = 1000 };
static_assert((int)ATTEMPT_END_MS < (int)GONE_MS_MAX, "there is time for SIGKILL to work");

static struct loop *stop_loop;

static int open_fd_count(pid_t pid)
{
    char path[64];
    int count = 0;
    DIR *folder;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* The only child of this process, when no attempt runs. */
static pid_t nursery_pid(void)
{
    pid_t pid = 0;

    assert_int_equal(children_of(getpid(), &pid), 1);
    return pid;
}

static void await_children_of(pid_t parent, int count)
{
    uint64_t until_ns = clock_monotonic_ns() + 10 * NS_PER_S;
    pid_t pid;

    while (children_of(parent, &pid) != count)
        assert_true(clock_monotonic_ns() < until_ns);
}

static bool says_map(const struct frame *frame)
{
    Mrlua__Progress *progress;
    bool answer;

    if (frame->type != MESSAGE_PROGRESS)
        return false;
    progress = message_unpack(&mrlua__progress__descriptor, frame->payload, &kit.err);
    answer = strcmp(progress->phase, "map") == 0;
    message_free(progress);
    return answer;
}

static void await_fd_count(pid_t pid, int count)
{
    uint64_t until_ns = clock_monotonic_ns() + 10 * NS_PER_S;

    while (open_fd_count(pid) != count)
        assert_true(clock_monotonic_ns() < until_ns);
}

/* Returns when the job's map runs. */
static void start_endless_map(struct attempt *attempt)
{
    static Mrlua__Piece piece, *pieces[] = {&piece};
    struct frame frame;
    Mrlua__Done *done = NULL;
    bool is_mapping = false;
    int rc = 0;

    kit_job(&kit, "return { reduce = 'sum', map = function() while true do end end }");
    kit_piece(&piece, kit_file(&kit, "endless.txt", "x\n"), 0, UINT64_MAX);
    snprintf(kit.result_path, sizeof kit.result_path, "%s/endless.run", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.result_path = kit.result_path;
    kit.start.pieces = pieces;
    kit.start.n_pieces = 1;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, attempt, &kit.err), 0);
    while (!is_mapping && rc >= 0) {
        struct pollfd poll_attempt = {.fd = attempt->fd, .events = POLLIN};

        rc = attempt_read(attempt, &frame, &kit.err);
        if (rc == 1)
            kit_hear(&kit, &frame, &done);
        else
            poll(&poll_attempt, 1, -1);
        is_mapping = rc == 1 && says_map(&frame);
    }
    assert_true(is_mapping && kit.started_pid > 0);
}

/* Asked to stop: the child dies, the result is removed, nothing more is said. */
static void test_kill(void **state)
{
    pid_t nursery = nursery_pid();
    struct attempt attempt;
    Mrlua__Done *done;

    (void)state;
    start_endless_map(&attempt);
    assert_int_equal(access(kit.result_path, F_OK), 0);
    attempt_kill(&attempt, NULL);
    done = kit_await(&kit, &attempt);
    assert_null(done);
    assert_int_equal(kit.err.kind, ERR_RETRY); /* it ended without a word */
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
    await_children_of(nursery, 0);
}

/* attempt_end() on a running attempt does the same and waits. */
static void test_end(void **state)
{
    pid_t nursery = nursery_pid();
    struct attempt attempt;

    (void)state;
    start_endless_map(&attempt);
    attempt_end(&attempt);
    attempt_end(&attempt);
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
    await_children_of(nursery, 0);
}

/* kill -9 of the trusted process: the shell hears of it, and the child does not outlive it. */
static void test_trusted_process_dies(void **state)
{
    pid_t nursery = nursery_pid();
    struct attempt attempt;

    (void)state;
    start_endless_map(&attempt);
    kit.err.kind = ERR_NONE;
    assert_int_equal(kill(attempt.pid, SIGKILL), 0);
    assert_null(kit_await(&kit, &attempt));
    assert_string_equal(kit.err.message, "the attempt's process ended unexpectedly");
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
    await_children_of(nursery, 0);
}

/* Reads until the attempt has ended. */
static void on_readable(void *context)
{
    struct attempt *attempt = context;
    struct frame frame;
    struct err err;
    int rc;

    while ((rc = attempt_read(attempt, &frame, &err)) == 1)
        assert_int_equal(frame.type, MESSAGE_PROGRESS);
    if (rc < 0)
        loop_break(stop_loop);
}

static uint64_t stop_attempt(void)
{
    pid_t nursery = nursery_pid();
    struct loop_event *readable;
    struct attempt attempt;
    uint64_t begun_ns, took_ns;

    start_endless_map(&attempt);
    assert_int_equal(kill(attempt.pid, SIGSTOP), 0);
    assert_int_equal(kill((pid_t)kit.started_pid, SIGSTOP), 0);
    stop_loop = loop_open(&kit.err);
    assert_non_null(stop_loop);
    readable = loop_fd_open(stop_loop, attempt.fd, on_readable, &attempt, &kit.err);
    assert_non_null(readable);
    begun_ns = clock_monotonic_ns();
    attempt_kill(&attempt, stop_loop);
    attempt_kill(&attempt, stop_loop);
    assert_int_equal(loop_run(stop_loop, &kit.err), 0);
    loop_event_close(readable);
    attempt_end(&attempt);
    await_children_of(nursery, 0);
    took_ns = clock_monotonic_ns() - begun_ns;
    assert_true(took_ns >= ATTEMPT_END_MS * NS_PER_MS);
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
    loop_close(stop_loop);
    return took_ns;
}

/* kill -STOP of the attempt, both processes: it cannot answer, and is killed for it. */
static void test_stopped_attempt(void **state)
{
    (void)state;
    await_in_time(GONE_MS_MAX, stop_attempt);
}

static uint64_t stop_nursery(void)
{
    pid_t nursery = nursery_pid();
    uint64_t begun_ns, took_ns;
    struct attempt attempt;

    start_endless_map(&attempt);
    assert_int_equal(kill(nursery, SIGSTOP), 0);
    assert_int_equal(kill(attempt.pid, SIGSTOP), 0);
    begun_ns = clock_monotonic_ns();
    attempt_end(&attempt);
    await_children_of(nursery, 0);
    took_ns = clock_monotonic_ns() - begun_ns;
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
    return took_ns;
}

/* Stopped with its nursery, which has to kill the child; without a loop. */
static void test_stopped_nursery(void **state)
{
    (void)state;
    await_in_time(GONE_MS_MAX, stop_nursery);
}

/* A child that is not wanted any more has ended before its trusted process has. */
static void test_child_ends_first(void **state)
{
    pid_t nursery = nursery_pid(), child;
    struct attempt attempt;

    (void)state;
    for (int i = 0; i < PROCESS_COUNT; i++) {
        start_endless_map(&attempt);
        attempt_kill(&attempt, NULL);
        assert_null(kit_await(&kit, &attempt));
        assert_int_equal(children_of(nursery, &child), 0);
    }
}

/* nursery_stop() at the end of the test does not wait for one that was stopped. */
static void test_stop_of_a_stopped_nursery(void **state)
{
    (void)state;
    assert_int_equal(kill(nursery_pid(), SIGSTOP), 0);
}

/* kill -9 of the nursery: its children die with it, and the attempt says so. */
static void test_nursery_dies(void **state)
{
    pid_t nursery = nursery_pid();
    struct attempt attempt;

    (void)state;
    start_endless_map(&attempt);
    kit.err.kind = ERR_NONE;
    assert_int_equal(kill(nursery, SIGKILL), 0);
    assert_null(kit_await(&kit, &attempt));
    assert_int_equal(kit.err.kind, ERR_RETRY);
    assert_non_null(strstr(kit.err.message, "the nursery has ended"));
    assert_null(kit_map(&kit, 0, kit_file(&kit, "x.txt", "x\n"))); /* and no later one starts */
    assert_int_equal(kit.err.kind, ERR_RETRY);
}

/* No such process, or one that is dead and not reaped: it has no command line any more. */
static bool is_gone(pid_t pid)
{
    char path[64], byte;
    bool answer;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return true;
    answer = read(fd, &byte, 1) <= 0;
    close(fd);
    return answer;
}

static void await_gone(pid_t pid)
{
    uint64_t until_ns = clock_monotonic_ns() + 10 * NS_PER_S;

    while (!is_gone(pid))
        assert_true(clock_monotonic_ns() < until_ns);
}

/* kill -9 of the shell: everything ends, trusted process, nursery and child. */
static void test_shell_dies(void **state)
{
    pid_t shell, group[3];
    int told[2];

    (void)state;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    shell = fork();
    assert_true(shell >= 0);
    if (shell == 0) {
        struct attempt attempt;

        setenv("TMPDIR", kit.folder.path, 1); /* so that the parent removes what it leaves */
        kit_open(&kit);                       /* its own; the parent's nursery is not its child */
        group[0] = nursery_pid();
        start_endless_map(&attempt);
        group[1] = attempt.pid;
        group[2] = (pid_t)kit.started_pid;
        if (write(told[1], group, sizeof group) != sizeof group)
            _exit(1);
        pause();
    }
    assert_int_equal(read(told[0], group, sizeof group), sizeof group);
    close(told[0]);
    close(told[1]);
    assert_int_equal(kill(shell, SIGKILL), 0);
    assert_int_equal(waitpid(shell, NULL, 0), shell);
    for (int i = 0; i < 3; i++)
        await_gone(group[i]);
}

/* Two hundred attempts that crash leave nothing: no process, no descriptor, no file. */
static void test_crashes_leave_nothing(void **state)
{
    const char *input = kit_file(&kit, "in.txt", "x\n");
    pid_t nursery = nursery_pid();
    int ours, files;

    (void)state;
    kit.start.unsafe = true;
    kit_job(&kit, "return { reduce = 'sum', map = function() os.exit(3) end }");
    ours = open_fd_count(getpid());
    files = folder_count(&kit.folder);
    for (int i = 0; i < CRASH_COUNT; i++) {
        assert_null(kit_map(&kit, 0, input));
        assert_int_equal(kit.err.kind, ERR_LIMIT);
    }
    assert_int_equal(open_fd_count(getpid()), ours);
    assert_int_equal(folder_count(&kit.folder), files);
    await_children_of(nursery, 0);
    await_fd_count(nursery, 2 + 3 + 1);       /* . and .., the standard ones, the request socket */
    assert_int_equal(nursery_pid(), nursery); /* no trusted process is left either */
}

/* A secret in the shell's environment, in its memory and in a file that it has open. The child's
 * memory is searched, whole, while it runs. */
static void test_canary(void **state)
{
    static char secret[64];
    struct attempt attempt;
    char path[64], line[512];
    struct buf memory = {0};
    FILE *maps;
    int fd, key;
    size_t searched = 0;

    (void)state;
    kit_close(&kit);
    /* Put together here, so that the program's own text does not hold it. */
    snprintf(secret, sizeof secret, "canary-%s-%d", "3f9a61", 270182);
    setenv("MRLUA_TEST_SECRET", secret, 1);
    kit_open(&kit);
    folder_write(&kit.folder, "key", secret, strlen(secret));
    key = open(folder_path(&kit.folder, "key"), O_RDONLY); /* not closed on exec */
    start_endless_map(&attempt);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)kit.started_pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        skip(); /* only root may look */
    snprintf(path, sizeof path, "/proc/%d/maps", (int)kit.started_pid);
    maps = fopen(path, "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        unsigned long begin, end;

        if (sscanf(line, "%lx-%lx r", &begin, &end) != 2 || strstr(line, "[v") ||
            end - begin > 64 << 20)
            continue;
        buf_clear(&memory);
        if (pread(fd, buf_reserve(&memory, end - begin), end - begin, (off_t)begin) !=
            (ssize_t)(end - begin))
            continue;
        searched += end - begin;
        assert_null(memmem(memory.ptr, end - begin, secret, strlen(secret)));
    }
    assert_true(searched > 1 << 20);
    fclose(maps);
    close(fd);
    /* It has the standard descriptors, its own and the input; none of ours (and . and ..). */
    assert_int_equal(open_fd_count((pid_t)kit.started_pid), 2 + 3 + CHILD_FILE_FIRST + 1);
    close(key);
    buf_deinit(&memory);
    attempt_end(&attempt);
    unsetenv("MRLUA_TEST_SECRET");
}

/* The order of pairs() over strings, as one process answers it. */
static void pairs_order(struct buf *out)
{
    Mrlua__Done *done;

    kit_job(&kit, "return { reduce = 'identity', map = function(_, line, emit)\n"
                  "  local set, order = {}, {}\n"
                  "  for word in line:gmatch('%a+') do set[word] = true end\n"
                  "  for word in pairs(set) do order[#order + 1] = word end\n"
                  "  emit(1, table.concat(order, ' '))\n"
                  "end }");
    done = kit_map(&kit, 0,
                   kit_file(&kit, "words.txt", "alpha beta gamma delta epsilon zeta eta theta\n"));
    kit_must(&kit, done);
    kit_must(&kit, kit_reduce(&kit, 0));
    assert_int_equal(io_read_file(kit.result_path, 1 << 16, out, ERR_INPUT, &kit.err), 0);
}

/* The same in every child of every nursery, also when what the child is told has another size. */
static void test_pairs_order(void **state)
{
    struct buf first = {0}, other = {0};

    (void)state;
    pairs_order(&first);
    assert_non_null(strstr(buf_string(&first), "epsilon"));
    for (int i = 0; i < PROCESS_COUNT; i++) {
        uint64_t attempt = kit.last_attempt;

        if (i % 3 == 0) {
            kit_close(&kit);
            kit_open(&kit);
        }
        kit.last_attempt = attempt + (1ULL << (i + 10)); /* numbers of other lengths */
        buf_clear(&other);
        pairs_order(&other);
        assert_string_equal(buf_string(&other), buf_string(&first));
    }
    buf_deinit(&first);
    buf_deinit(&other);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_kill),
        KIT_TEST(test_end),
        KIT_TEST(test_trusted_process_dies),
        KIT_TEST(test_stopped_attempt),
        KIT_TEST(test_stopped_nursery),
        KIT_TEST(test_child_ends_first),
        KIT_TEST(test_stop_of_a_stopped_nursery),
        KIT_TEST(test_nursery_dies),
        KIT_TEST(test_shell_dies),
        KIT_TEST(test_crashes_leave_nothing),
        KIT_TEST(test_canary),
        KIT_TEST(test_pairs_order),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
