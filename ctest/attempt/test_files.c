#include "test.h"

#include "attempt/files.h"
#include "fault/fault.h"
#include "folder.h"
#include "store/file.h"

#include <errno.h>

static struct folder folder;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

/* Readable, writable, and without a name: also where the file system has no O_TMPFILE. */
static void test_scratch(void **state)
{
    struct err err;
    char text[4];

    (void)state;
    for (int by_name = 0; by_name < 2; by_name++) {
        int fd;

        if (by_name)
            fault_arm(FAULT_OPEN, 0, EOPNOTSUPP);
        fd = files_scratch(folder.path, &err);
        assert_int_equal(fault_disarm(), by_name);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "text", 4, 0), 4);
        assert_int_equal(pread(fd, text, 4, 0), 4);
        assert_int_equal(folder_count(&folder), 0);
        close(fd);
    }
    assert_int_equal(files_scratch("/nowhere/at/all", &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
}

/* Row 24: a run has the name of its attempt, and whoever reads it reads what that one wrote. */
static void a_result_is_never_written_over(void **state)
{
    const char *path = folder_path(&folder, "result");
    struct err err;
    char text[4];
    int fd, reader;

    (void)state;
    fd = files_result(path, &err);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    reader = open(path, O_RDONLY);
    for (int is_closed = 0; is_closed < 2; is_closed++) { /* while it is written, and later */
        assert_int_equal(files_result(path, &err), -1);
        assert_int_equal(err.kind, ERR_DISK);
        assert_int_equal(pread(reader, text, sizeof text, 0), 1);
        assert_int_equal(text[0], 'x');
        if (!is_closed)
            close(fd);
    }
    close(reader);
}

/* Text of `len` bytes, no two neighbours of which are alike. */
static int make_source(size_t len)
{
    char *bytes = malloc(len);
    struct err err;
    int fd = files_scratch(folder.path, &err);

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
static void test_copy(void **state)
{
    enum { LEN = 600 * 1000, OFFSET = 1001, TO = 17 };
    int from = make_source(LEN + 2 * OFFSET), to;
    struct err err;

    (void)state;
    for (int way = 0; way < 3; way++) {
        to = files_scratch(folder.path, &err);
        if (way == 1)
            fault_arm(FAULT_WRITE, 0, EXDEV);
        if (way == 2)
            fault_shorten(FAULT_WRITE, 100 * 1000);
        assert_int_equal(files_copy(from, OFFSET, to, TO, LEN, "a source", ERR_PEER, &err), 0);
        assert_true(fault_disarm() || way != 1);
        expect_copy(from, OFFSET, to, TO, LEN);
        close(to);
    }
    close(from);
}

static void test_copy_fails(void **state)
{
    int from = make_source(1000), to;
    struct err err;

    (void)state;
    to = files_scratch(folder.path, &err);
    assert_int_equal(files_copy(from, 500, to, 0, 501, "a source", ERR_PEER, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_non_null(strstr(err.message, "a source"));
    close(from);
    assert_int_equal(files_copy(from, 0, to, 0, 10, "a source", ERR_PEER, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    from = open(folder.path, O_RDONLY);
    close(to);
    to = make_source(10);
    assert_int_equal(files_copy(to, 0, from, 0, 10, "a source", ERR_PEER, &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
    close(from);
    close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scratch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_result_is_never_written_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_fails, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
