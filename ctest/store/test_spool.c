#include "store/spool.h"

#include "fault/fault.h"
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A pipe whose write end is closed behind "text". */
static int pipe_with(const char *text)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    return ends[0];
}

static void spooled_input_is_a_file_named_dash(void **state)
{
    struct folder folder;
    struct file_list list = {0};
    struct err err = {0};
    int fd = pipe_with("one\ntwo\n");
    int copy;
    char text[16] = "";

    (void)state;
    folder_make(&folder);
    assert_int_equal(spool_input(fd, folder.path, &list, &err), 0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "-");
    assert_int_equal(list.items[0].identity.size, 8);
    copy = file_open_checked("input", "-", list.items[0].path, &list.items[0].identity, &err);
    assert_true(copy >= 0);
    assert_int_equal(read(copy, text, sizeof text), 8);
    assert_string_equal(text, "one\ntwo\n");
    close(copy);
    close(fd);
    file_list_deinit(&list);
    folder_remove(&folder);
}

/* On a terminal Ctrl-D ends one read(), and the next would wait for the user again. */
static void one_ctrl_d_ends_what_is_typed(void **state)
{
    struct folder folder;
    struct file_list list = {0};
    struct err err = {0};
    int keyboard = posix_openpt(O_RDWR | O_NOCTTY), terminal;

    (void)state;
    assert_true(keyboard >= 0);
    assert_int_equal(grantpt(keyboard), 0);
    assert_int_equal(unlockpt(keyboard), 0);
    terminal = open(ptsname(keyboard), O_RDONLY | O_NOCTTY);
    assert_true(terminal >= 0);
    assert_int_equal(write(keyboard, "a b\n\4", 5), 5);
    folder_make(&folder);
    alarm(20); /* or it waits for ever */
    assert_int_equal(spool_input(terminal, folder.path, &list, &err), 0);
    alarm(0);
    assert_int_equal(list.items[0].identity.size, 4);
    close(terminal);
    close(keyboard);
    file_list_deinit(&list);
    folder_remove(&folder);
}

static void fails_cleanly(enum fault_call call, int error)
{
    uint32_t nth;

    for (nth = 0;; nth++) {
        struct folder folder;
        struct file_list list = {0};
        struct err err = {0};
        int fd = pipe_with("text");
        bool fired;
        int rc;

        folder_make(&folder);
        fault_arm(call, nth, error);
        rc = spool_input(fd, folder.path, &list, &err);
        fired = fault_disarm();
        assert_int_equal(rc, fired ? -1 : 0);
        assert_int_equal(list.count, fired ? 0 : 1);
        assert_int_equal(folder_count(&folder), fired ? 0 : 1);
        if (fired)
            assert_int_equal(err.kind, ERR_SETUP); /* never tried again */
        close(fd);
        file_list_deinit(&list);
        folder_remove(&folder);
        if (!fired)
            break;
    }
    assert_true(nth > 0);
}

static void every_failure_leaves_no_file(void **state)
{
    (void)state;
    fails_cleanly(FAULT_READ, EIO);
    fails_cleanly(FAULT_WRITE, ENOSPC);
    fails_cleanly(FAULT_OPEN, ENOSPC);
}

/* Goal: the rest of a pipe is never taken for all of it. */
static void copy_of_a_killed_process_is_not_continued(void **state)
{
    struct folder folder;
    struct file_list list = {0};
    struct err err = {0};
    int fd = pipe_with("the rest\n");

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "stdin-0", "the beg", 7);
    assert_int_equal(spool_input(fd, folder.path, &list, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "File exists"));
    assert_int_equal(list.count, 0);
    close(fd);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spooled_input_is_a_file_named_dash),
        cmocka_unit_test(one_ctrl_d_ends_what_is_typed),
        cmocka_unit_test(every_failure_leaves_no_file),
        cmocka_unit_test(copy_of_a_killed_process_is_not_continued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
