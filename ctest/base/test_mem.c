#include "base/mem.h"

#include "base/buf.h"
#include "fault/fault.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void fresh_memory_is_zeroed(void **state)
{
    static const char zeros[1000];
    char *bytes, *array;

    (void)state;
    bytes = mem_alloc(sizeof zeros);
    array = mem_alloc_array(10, 100);
    assert_memory_equal(bytes, zeros, sizeof zeros);
    assert_memory_equal(array, zeros, sizeof zeros);
    free(bytes);
    free(array);
}

static void no_bytes_are_memory_too(void **state)
{
    void *none, *shrunk;

    (void)state;
    none = mem_alloc(0);
    assert_non_null(none);
    shrunk = mem_realloc(none, 0);
    assert_non_null(shrunk);
    free(shrunk);
}

static void realloc_array_keeps_what_was_there(void **state)
{
    int *numbers = mem_alloc_array(2, sizeof *numbers);

    (void)state;
    numbers[1] = 7;
    numbers = mem_realloc_array(numbers, 2000, sizeof *numbers);
    assert_int_equal(numbers[1], 7);
    free(numbers);
}

static void copies_of_strings_are_terminated(void **state)
{
    char *whole = mem_strdup("abc"), *part = mem_strndup("abcdef", 2);
    char *empty = mem_strndup(NULL, 0);

    (void)state;
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(empty, "");
    free(whole);
    free(part);
    free(empty);
}

static void alloc_something(void)
{
    free(mem_alloc(100));
}

static void alloc_overflowing_array(void)
{
    free(mem_alloc_array(SIZE_MAX / 2, 3));
}

static void grow_a_buf(void)
{
    struct buf buf = {0};

    buf_append_string(&buf, "x");
    buf_deinit(&buf);
}

/* Runs `act` in a child with the next allocation failing: its exit code, and what it said. */
static int exit_code_without_memory(void (*act)(void), char *said, size_t said_bytes)
{
    int fds[2], status;
    ssize_t len;
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        fault_arm(FAULT_ALLOC, 0, ENOMEM);
        act();
        _exit(0);
    }
    close(fds[1]);
    len = read(fds[0], said, said_bytes - 1);
    assert_true(len >= 0);
    said[len] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void running_out_ends_the_process_with_a_message(void **state)
{
    void (*const acts[])(void) = {alloc_something, alloc_overflowing_array, grow_a_buf};
    char said[200];

    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        assert_int_equal(exit_code_without_memory(acts[i], said, sizeof said), 1);
        assert_non_null(strstr(said, "mrlua: out of memory: "));
    }
}

#ifndef MRLUA_SANITIZE /* which has an allocator of its own */
static long resident_pages(void)
{
    char text[64] = "";
    long total, resident;
    int fd = open("/proc/self/statm", O_RDONLY);

    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(text, "%ld %ld", &total, &resident), 2);
    return resident;
}
#endif

/* The last block is not freed, so the heap cannot shrink at its end. */
static void what_was_freed_is_given_back(void **state)
{
#ifndef MRLUA_SANITIZE
    enum { COUNT = 4000, BYTES = 4000 };
    static void *blocks[COUNT];
    long full;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = memset(mem_alloc(BYTES), 1, BYTES);
    for (int i = 0; i + 1 < COUNT; i++)
        free(blocks[i]);
    full = resident_pages();
    mem_give_back();
    assert_true(full - resident_pages() > COUNT / 2);
    free(blocks[COUNT - 1]);
#else
    (void)state;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_memory_is_zeroed),
        cmocka_unit_test(no_bytes_are_memory_too),
        cmocka_unit_test(realloc_array_keeps_what_was_there),
        cmocka_unit_test(copies_of_strings_are_terminated),
        cmocka_unit_test(what_was_freed_is_given_back),
        cmocka_unit_test(running_out_ends_the_process_with_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
