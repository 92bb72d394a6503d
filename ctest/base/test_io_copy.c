#include "base/io_copy.h"

#include "fault/fault.h"
#include "folder_of_test.h"

#include <errno.h>

/* A new file. */
static int scratch(void)
{
    static int count;
    char name[32];
    int fd;

    snprintf(name, sizeof name, "scratch-%d", count++);
    fd = open(folder_path(&folder, name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

/* Text of `len` bytes, no two neighbours of which are alike. */
static int make_source(size_t len)
{
    char *bytes = malloc(len);
    int fd = scratch();

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    free(bytes);
    return fd;
}

static void expect_copy(int from, uint64_t offset, int to, uint64_t to_offset, size_t len)
{
    char *a = malloc(len + 1), *b = malloc(len + 1);

    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(pread(from, a, len, (off_t)offset), (ssize_t)len);
    assert_int_equal(pread(to, b, len + 1, (off_t)to_offset), (ssize_t)len);
    assert_memory_equal(a, b, len);
    free(a);
    free(b);
}

/* In the kernel, by hand, and changing over in the middle. */
static void bytes_are_copied_whichever_way(void **state)
{
    enum { LEN = 600 * 1000, OFFSET = 1001, TO = 17 };
    int from = make_source(LEN + 2 * OFFSET), to;
    struct err err;

    (void)state;
    for (int way = 0; way < 3; way++) {
        to = scratch();
        if (way == 1)
            fault_arm(FAULT_WRITE, 0, EXDEV);
        if (way == 2)
            fault_shorten(FAULT_WRITE, 100 * 1000);
        assert_int_equal(io_copy(from, OFFSET, to, TO, LEN, "a source", ERR_PEER, "a copy", &err),
                         0);
        assert_true(fault_disarm() || way != 1);
        expect_copy(from, OFFSET, to, TO, LEN);
        close(to);
    }
    close(from);
}

static void each_side_fails_in_its_own_name(void **state)
{
    int from = make_source(1000), to;
    struct err err;

    (void)state;
    to = scratch();
    assert_int_equal(io_copy(from, 500, to, 0, 501, "a source", ERR_PEER, "a copy", &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_non_null(strstr(err.message, "a source"));
    close(from);
    assert_int_equal(io_copy(from, 0, to, 0, 10, "a source", ERR_PEER, "a copy", &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    from = open(folder.path, O_RDONLY);
    close(to);
    to = make_source(10);
    assert_int_equal(io_copy(to, 0, from, 0, 10, "a source", ERR_PEER, "a copy", &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
    assert_non_null(strstr(err.message, "a copy"));
    close(from);
    close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_are_copied_whichever_way, folder_set_up,
                                        folder_tear_down),
        cmocka_unit_test_setup_teardown(each_side_fails_in_its_own_name, folder_set_up,
                                        folder_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
