#include "cli/run_output.h"

#include "base/io.h"
#include "fault/fault.h"
#include "folder.h"
#include "test.h"

#include <errno.h>

static struct folder folder;
static struct run_output output;
static struct err err;
static volatile sig_atomic_t stopped;
static const uint64_t ATTEMPTS[] = {7, 3};

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "tmp");
    stopped = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    run_output_deinit(&output, false);
    folder_remove(&folder);
    return 0;
}

/* Two parts without a folder, in the temporary one. */
static void make_parts(void)
{
    assert_int_equal(
        run_output_init(&output, NULL, NULL, false, "local", folder_path(&folder, "tmp"), &err), 0);
    folder_write(&folder, "tmp/part-00000.7", "first\n", 6);
    folder_write(&folder, "tmp/part-00001.3", "second\n", 7);
}

/* run_output_print() with standard output on `fd`. */
static int print_to(int fd)
{
    int saved = dup(STDOUT_FILENO), rc;

    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    rc = run_output_print(&output, ATTEMPTS, 2, &stopped, &err);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    return rc;
}

static void expect_file(const char *name, const char *expected)
{
    struct buf text = {0};

    assert_int_equal(io_read_file(folder_path(&folder, name), 1000, &text, ERR_INPUT, &err), 0);
    assert_string_equal(buf_string(&text), expected);
    buf_deinit(&text);
}

static void parts_are_printed_in_order(void **state)
{
    int fd;

    (void)state;
    make_parts();
    fd = open(folder_path(&folder, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(print_to(fd), 0);
    close(fd);
    expect_file("out", "first\nsecond\n");
}

/* sendfile() refuses such a descriptor. */
static void parts_are_appended_to_a_file(void **state)
{
    int fd;

    (void)state;
    make_parts();
    folder_write(&folder, "out", "before\n", 7);
    fd = open(folder_path(&folder, "out"), O_WRONLY | O_APPEND | O_CLOEXEC);
    fault_shorten(FAULT_WRITE, 2);
    assert_int_equal(print_to(fd), 0);
    fault_disarm();
    close(fd);
    expect_file("out", "before\nfirst\nsecond\n");
}

static void a_reader_that_went_away_is_no_error(void **state)
{
    int fds[2];

    (void)state;
    make_parts();
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(print_to(fds[1]), 0);
    close(fds[1]);
}

static void a_full_standard_output_is_one(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    make_parts();
    assert_int_equal(print_to(fd), -1);
    assert_int_equal(err.kind, ERR_DISK);
    assert_string_equal(err.message, "write to standard output: No space left on device");
    close(fd);
}

static void every_failing_write_is_told(void **state)
{
    int fd;

    (void)state;
    make_parts();
    fd = open(folder_path(&folder, "out"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (uint32_t nth = 0;; nth++) {
        int rc;

        fault_arm(FAULT_WRITE, nth, EIO);
        rc = print_to(fd);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            assert_int_equal(nth, 2);
            break;
        }
        assert_int_equal(rc, -1);
    }
    close(fd);
}

static void a_part_that_is_not_there_is_an_error(void **state)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)state;
    make_parts();
    unlink(folder_path(&folder, "tmp/part-00001.3"));
    assert_int_equal(print_to(fd), -1);
    assert_int_equal(err.kind, ERR_DISK);
    close(fd);
}

static void stopping_ends_the_printing(void **state)
{
    int fd;

    (void)state;
    make_parts();
    stopped = SIGINT;
    fd = open(folder_path(&folder, "out"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(print_to(fd), 0);
    close(fd);
    expect_file("out", "");
}

static void a_folder_is_claimed_and_given_back(void **state)
{
    struct buf path = {0};

    (void)state;
    assert_int_equal(run_output_init(&output, NULL, folder_path(&folder, "out"), false, "local",
                                     folder_path(&folder, "tmp"), &err),
                     0);
    assert_true(output.has_folder);
    run_output_part_path(&output, 3, 9, &path);
    assert_non_null(strstr(buf_string(&path), "/out/.mrlua-run-"));
    assert_non_null(strstr(buf_string(&path), "/part-00003.9"));
    buf_deinit(&path);
    run_output_deinit(&output, false);
    assert_int_equal(access(folder_path(&folder, "out"), F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(parts_are_printed_in_order),          TEST(parts_are_appended_to_a_file),
        TEST(a_reader_that_went_away_is_no_error), TEST(a_full_standard_output_is_one),
        TEST(every_failing_write_is_told),         TEST(a_part_that_is_not_there_is_an_error),
        TEST(stopping_ends_the_printing),          TEST(a_folder_is_claimed_and_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
