#include "worker/storage.h"

#include "base/io.h"
#include "folder.h"

struct test {
    struct folder folder;
    struct storage storage;
    struct buf path;
    struct err err;
};

static void begin(struct test *test)
{
    *test = (struct test){.storage = {.lock_fd = -1}};
    folder_make(&test->folder);
    if (storage_init(&test->storage, folder_path(&test->folder, "dir"), &test->err) != 0)
        fail_msg("%s", test->err.message);
}

static void end(struct test *test)
{
    storage_deinit(&test->storage);
    buf_deinit(&test->path);
    folder_remove(&test->folder);
}

static bool exists(const struct test *test, const char *name)
{
    return access(folder_path(&test->folder, name), F_OK) == 0;
}

static void make_run(struct test *test, uint64_t job, uint32_t task, uint64_t attempt, size_t bytes)
{
    static char zeros[1 << 20];
    int fd;

    assert_true(bytes <= sizeof zeros);
    assert_int_equal(storage_make_job(&test->storage, job, &test->err), 0);
    storage_run_path(&test->storage, job, task, attempt, &test->path);
    fd = open(buf_string(&test->path), O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(io_write(fd, zeros, bytes, "run", ERR_DISK, &test->err), 0);
    close(fd);
}

static void runs_are_removed_alone_and_with_their_job(void **state)
{
    struct test test;

    (void)state;
    begin(&test);
    make_run(&test, 1, 0, 7, 1);
    make_run(&test, 1, 1, 8, 1);
    make_run(&test, 2, 0, 9, 1);
    storage_remove_run(&test.storage, 1, 0, 7);
    assert_false(exists(&test, "dir/runs/1/0.7"));
    assert_true(exists(&test, "dir/runs/1/1.8"));
    storage_remove_job(&test.storage, 1);
    assert_false(exists(&test, "dir/runs/1"));
    assert_true(exists(&test, "dir/runs/2/0.9"));
    storage_remove_job(&test.storage, 1);
    storage_remove_run(&test.storage, 1, 0, 7);
    end(&test);
}

static void a_new_life_removes_what_the_last_one_left_and_keeps_the_rest(void **state)
{
    struct test test;

    (void)state;
    begin(&test);
    make_run(&test, 1, 0, 7, 1);
    folder_write(&test.folder, "dir/blobs/abc", "x", 1);
    folder_write(&test.folder, "dir/blobs/def.part", "x", 1);
    folder_write(&test.folder, "dir/tmp/scratch-1", "x", 1);
    folder_write(&test.folder, "dir/mine.txt", "x", 1);
    folder_mkdir(&test.folder, "dir/runs/mine");
    io_close(&test.storage.lock_fd); /* killed */
    free(test.storage.path);
    free(test.storage.tmp_path);
    assert_int_equal(storage_init(&test.storage, folder_path(&test.folder, "dir"), &test.err), 0);
    assert_false(exists(&test, "dir/runs/1"));
    assert_false(exists(&test, "dir/blobs/def.part"));
    assert_false(exists(&test, "dir/tmp/scratch-1"));
    assert_true(exists(&test, "dir/blobs/abc"));
    assert_true(exists(&test, "dir/mine.txt"));
    assert_true(exists(&test, "dir/runs/mine"));
    end(&test);
}

static void two_workers_do_not_share_a_folder(void **state)
{
    struct storage second;
    struct test test;

    (void)state;
    begin(&test);
    make_run(&test, 1, 0, 7, 1);
    assert_int_equal(storage_init(&second, folder_path(&test.folder, "dir"), &test.err), -1);
    assert_int_equal(test.err.kind, ERR_SETUP);
    assert_non_null(strstr(test.err.message, "--dir"));
    assert_true(exists(&test, "dir/runs/1/0.7"));
    storage_deinit(&second);
    end(&test);
}

static void a_folder_that_cannot_be_is_refused_by_name(void **state)
{
    struct storage storage;
    struct test test;

    (void)state;
    begin(&test);
    folder_write(&test.folder, "file", "x", 1);
    assert_int_equal(storage_init(&storage, folder_path(&test.folder, "file/dir"), &test.err), -1);
    assert_int_equal(test.err.kind, ERR_SETUP);
    assert_non_null(strstr(test.err.message, "file/dir"));
    end(&test);
}

static void what_is_on_the_disk_is_counted(void **state)
{
    struct test test;
    int scratch;

    (void)state;
    begin(&test);
    assert_true(storage_bytes(&test.storage) < 4096);
    make_run(&test, 1, 0, 7, 1 << 20);
    assert_true(storage_bytes(&test.storage) >= 1 << 20);
    assert_true(storage_free_bytes(&test.storage) > 0);

    assert_int_equal(storage_scratch_bytes(&test.storage, getpid()), 0);
    scratch = open(test.storage.tmp_path, O_TMPFILE | O_RDWR, 0600);
    if (scratch >= 0) { /* not all file systems have such */
        assert_int_equal(posix_fallocate(scratch, 0, 1 << 20), 0);
        assert_true(storage_scratch_bytes(&test.storage, getpid()) >= 1 << 20);
        close(scratch);
    }
    end(&test);
}

static void blobs_are_kept_up_to_a_limit(void **state)
{
    struct test test;

    (void)state;
    begin(&test);
    folder_write(&test.folder, "dir/blobs/abc", "x", 1);
    folder_write(&test.folder, "dir/blobs/def", "y", 1);
    storage_limit_blobs(&test.storage, 1 << 20);
    assert_true(exists(&test, "dir/blobs/abc"));
    storage_limit_blobs(&test.storage, 0);
    assert_false(exists(&test, "dir/blobs/abc"));
    assert_false(exists(&test, "dir/blobs/def"));
    end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_removed_alone_and_with_their_job),
        cmocka_unit_test(a_new_life_removes_what_the_last_one_left_and_keeps_the_rest),
        cmocka_unit_test(two_workers_do_not_share_a_folder),
        cmocka_unit_test(a_folder_that_cannot_be_is_refused_by_name),
        cmocka_unit_test(what_is_on_the_disk_is_counted),
        cmocka_unit_test(blobs_are_kept_up_to_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
