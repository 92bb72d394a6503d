#include "fault/fault.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Calls of every wrapped kind, told apart from each other by what they return. */
static bool call_fails(enum fault_call call)
{
    char byte = 'x';
    void *volatile memory; /* a compiler may leave out an allocation that nobody looks at */
    int fd;

    switch (call) {
    case FAULT_ALLOC:
        memory = malloc(1);
        free(memory);
        return memory == NULL;
    case FAULT_READ:
        return read(STDIN_FILENO, &byte, 0) < 0;
    case FAULT_WRITE:
        return write(STDERR_FILENO, &byte, 0) < 0;
    case FAULT_FSYNC:
        return fsync(-1) < 0 && errno != EBADF;
    case FAULT_RENAME:
        return rename("", "") < 0 && errno != ENOENT;
    case FAULT_OPEN:
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            close(fd);
        return fd < 0;
    case FAULT_CALL_COUNT:
        break;
    }
    abort();
}

static void the_nth_call_fails_once_with_the_given_errno(void **state)
{
    (void)state;
    for (int call = 0; call < FAULT_CALL_COUNT; call++) {
        fault_arm((enum fault_call)call, 2, ETXTBSY);
        assert_false(call_fails((enum fault_call)call));
        assert_false(call_fails((enum fault_call)call));
        errno = 0;
        assert_true(call_fails((enum fault_call)call));
        assert_int_equal(errno, ETXTBSY);
        assert_false(call_fails((enum fault_call)call));
        assert_true(fault_disarm());
    }
}

static void calls_of_other_kinds_are_left_alone(void **state)
{
    (void)state;
    for (int armed = 0; armed < FAULT_CALL_COUNT; armed++) {
        fault_arm((enum fault_call)armed, 0, ETXTBSY);
        for (int call = 0; call < FAULT_CALL_COUNT; call++)
            assert_int_equal(call_fails((enum fault_call)call), call == armed);
        assert_true(fault_disarm());
    }
}

static void disarm_tells_that_nothing_was_failed(void **state)
{
    (void)state;
    fault_arm(FAULT_OPEN, 1, EMFILE);
    assert_false(call_fails(FAULT_OPEN));
    assert_false(fault_disarm());
    assert_false(call_fails(FAULT_OPEN));
}

static void shortened_calls_move_fewer_bytes_until_disarm(void **state)
{
    char out[8] = "";
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fault_shorten(FAULT_WRITE, 5);
    assert_int_equal(write(fds[1], "abcdefg", 7), 5);
    fault_shorten(FAULT_READ, 2);
    assert_int_equal(read(fds[0], out, sizeof out), 2);
    assert_false(fault_disarm());
    assert_int_equal(read(fds[0], out + 2, sizeof out - 2), 3);
    assert_string_equal(out, "abcde");
    assert_int_equal(write(fds[1], "abcdefg", 7), 7);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_call_fails_once_with_the_given_errno),
        cmocka_unit_test(calls_of_other_kinds_are_left_alone),
        cmocka_unit_test(disarm_tells_that_nothing_was_failed),
        cmocka_unit_test(shortened_calls_move_fewer_bytes_until_disarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
