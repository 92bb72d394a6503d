#include "test.h"

#include "attempt/files.h"
#include "fault/fault.h"
#include "folder_of_test.h"
#include "store/file.h"

#include <errno.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scratch, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(a_result_is_never_written_over, folder_set_up,
                                        folder_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
