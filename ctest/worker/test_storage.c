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

static bool needs(void *context, const char *hash)
{
    return context && strcmp(hash, context) == 0;
}

/* Each takes a block. */
static void make_blobs(struct test *test, uint64_t *block_bytes)
{
    struct stat status;

    folder_write(&test->folder, "dir/blobs/a", "x", 1);
    folder_write(&test->folder, "dir/blobs/b", "y", 1);
    folder_write(&test->folder, "dir/blobs/c", "z", 1);
    folder_write(&test->folder, "dir/blobs/d.part", "z", 1);
    assert_int_equal(stat(folder_path(&test->folder, "dir/blobs/a"), &status), 0);
    *block_bytes = (uint64_t)status.st_blocks * 512;
}

/* Used at this second of 1970. */
static void use(struct test *test, const char *name, time_t second)
{
    const struct timespec times[2] = {{.tv_sec = second}, {.tv_nsec = UTIME_OMIT}};

    assert_int_equal(utimensat(AT_FDCWD, folder_path(&test->folder, name), times, 0), 0);
}

static void blobs_that_were_not_used_for_longest_go_first(void **state)
{
    char needed[] = "b";
    uint64_t block;
    struct test test;

    (void)state;
    begin(&test);
    make_blobs(&test, &block);
    use(&test, "dir/blobs/c", 1);
    use(&test, "dir/blobs/b", 2);
    use(&test, "dir/blobs/a", 3);
    storage_limit_blobs(&test.storage, 3 * block, needs, NULL);
    assert_true(exists(&test, "dir/blobs/c"));
    storage_touch_blob(&test.storage, "c"); /* now it is the newest */
    storage_limit_blobs(&test.storage, 3 * block - 1, needs, needed);
    assert_false(exists(&test, "dir/blobs/a"));
    assert_true(exists(&test, "dir/blobs/b"));
    assert_true(exists(&test, "dir/blobs/c"));
    storage_limit_blobs(&test.storage, 0, needs, needed);
    assert_true(exists(&test, "dir/blobs/b"));
    assert_false(exists(&test, "dir/blobs/c"));
    assert_true(exists(&test, "dir/blobs/d.part")); /* it is being written */
    end(&test);
}

/* Who reads it takes that for a change. */
static void to_use_a_blob_does_not_change_its_time(void **state)
{
    struct stat before, after;
    uint64_t block;
    struct test test;

    (void)state;
    begin(&test);
    make_blobs(&test, &block);
    use(&test, "dir/blobs/a", 1);
    assert_int_equal(stat(folder_path(&test.folder, "dir/blobs/a"), &before), 0);
    storage_touch_blob(&test.storage, "a");
    storage_touch_blob(&test.storage, "nowhere");
    assert_int_equal(stat(folder_path(&test.folder, "dir/blobs/a"), &after), 0);
    assert_true(after.st_atim.tv_sec > 1);
    assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof before.st_mtim);
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
        cmocka_unit_test(blobs_that_were_not_used_for_longest_go_first),
        cmocka_unit_test(to_use_a_blob_does_not_change_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
