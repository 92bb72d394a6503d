#include "store/temp.h"

#include "fault/fault.h"
#include "folder.h"

#include <errno.h>
#include <sys/wait.h>

static void flag_comes_before_environment(void **state)
{
    char *was = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;

    (void)state;
    setenv("TMPDIR", "/from/environment", 1);
    assert_string_equal(temp_choose("/flag"), "/flag");
    assert_string_equal(temp_choose(NULL), "/from/environment");
    unsetenv("TMPDIR");
    assert_string_equal(temp_choose(""), "/var/tmp");
    if (was)
        setenv("TMPDIR", was, 1);
    free(was);
}

static void folder_in_memory_is_seen(void **state)
{
    (void)state;
    assert_false(temp_is_memory("/proc"));
    assert_false(temp_is_memory("/nowhere"));
    if (access("/dev/shm", F_OK) == 0)
        assert_true(temp_is_memory("/dev/shm"));
}

static void deinit_removes_all_and_follows_no_link(void **state)
{
    struct folder folder;
    struct temp temp;
    struct err err = {0};
    char path[2 * FOLDER_PATH_BYTES];

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "kept");
    folder_write(&folder, "kept/file", "x", 1);
    assert_int_equal(temp_init(&temp, folder.path, &err), 0);
    snprintf(path, sizeof path, "%.4000s/a", temp.path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/a/link", temp.path);
    assert_int_equal(symlink(folder_path(&folder, "kept"), path), 0);
    snprintf(path, sizeof path, "%s/a/b", temp.path);
    assert_int_equal(mkdir(path, 0700), 0);
    temp_deinit(&temp);
    assert_int_equal(folder_count(&folder), 2);
    assert_true(folder_has(&folder, "kept/file"));
    temp_deinit(&temp);
    folder_remove(&folder);
}

static void missing_parent_is_a_setup_error(void **state)
{
    struct temp temp;
    struct err err = {0};

    (void)state;
    assert_int_equal(temp_init(&temp, "/nowhere/at/all", &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    temp_deinit(&temp);
}

/* A child makes a folder and dies without removing it, as after kill -9. */
static void leave_a_folder(const char *parent)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct temp temp;
        struct err err;

        _exit(temp_init(&temp, parent, &err) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void sweep_removes_what_dead_processes_left_and_nothing_else(void **state)
{
    struct folder folder;
    struct temp temp;
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "mrlua-abcdef"); /* no lock: not known to be ours */
    folder_mkdir(&folder, "other-abcdef");
    folder_write(&folder, "other-abcdef/lock", "", 0);
    leave_a_folder(folder.path);
    leave_a_folder(folder.path);
    assert_int_equal(temp_init(&temp, folder.path, &err), 0);
    assert_int_equal(folder_count(&folder), 3 + 3 * 2);
    temp_sweep(folder.path);
    assert_int_equal(folder_count(&folder), 3 + 2);
    assert_int_equal(access(temp.path, F_OK), 0);
    temp_deinit(&temp);
    folder_remove(&folder);
}

static void child_keeps_the_folder_and_does_not_remove_it(void **state)
{
    struct folder folder;
    struct temp temp;
    struct err err = {0};
    pid_t child;

    (void)state;
    folder_make(&folder);
    assert_int_equal(temp_init(&temp, folder.path, &err), 0);
    child = fork();
    if (child == 0) {
        temp_forget(&temp);
        temp_deinit(&temp);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    temp_sweep(folder.path);
    assert_int_equal(access(temp.path, F_OK), 0);
    temp_deinit(&temp);
    folder_remove(&folder);
}

static void failed_init_leaves_nothing(enum fault_call call, uint32_t count)
{
    uint32_t nth;

    for (nth = 0;; nth++) {
        struct folder folder;
        struct temp temp;
        struct err err = {0};
        int rc;

        folder_make(&folder);
        fault_arm(call, nth, ENOSPC);
        rc = temp_init(&temp, folder.path, &err);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            temp_deinit(&temp);
            folder_remove(&folder);
            break;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_DISK);
        assert_int_equal(folder_count(&folder), 0);
        folder_remove(&folder);
    }
    assert_int_equal(nth, count);
}

static void every_failure_of_init_leaves_nothing(void **state)
{
    (void)state;
    failed_init_leaves_nothing(FAULT_OPEN, 1);
    failed_init_leaves_nothing(FAULT_WRITE, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flag_comes_before_environment),
        cmocka_unit_test(folder_in_memory_is_seen),
        cmocka_unit_test(deinit_removes_all_and_follows_no_link),
        cmocka_unit_test(missing_parent_is_a_setup_error),
        cmocka_unit_test(sweep_removes_what_dead_processes_left_and_nothing_else),
        cmocka_unit_test(child_keeps_the_folder_and_does_not_remove_it),
        cmocka_unit_test(every_failure_of_init_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
