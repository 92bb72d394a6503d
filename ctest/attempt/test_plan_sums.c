#include "attempt/plan_sums.h"

#include "folder.h"
#include "store/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;
static Mrlua__Reuse request;
static char cache[FOLDER_PATH_BYTES + 16];
static struct file_list list;
static struct side_files files;
static struct plan_sums sums;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    folder_make(&folder);
    snprintf(cache, sizeof cache, "%s/cache", folder.path);
    assert_int_equal(cache_make(cache, &err), 0);
    mrlua__reuse__init(&request);
    request.folder = cache;
    folder_write(&folder, "a", "the same", 8);
    folder_write(&folder, "b", "another!", 8);
    folder_write(&folder, "c", "the same", 8);
    list = (struct file_list){0};
    files = (struct side_files){0};
    for (const char *name = "a\0b\0c\0"; *name; name += 2)
        assert_int_equal(file_list_add(&list, folder_path(&folder, name), &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    file_list_deinit(&list);
    folder_remove(&folder);
    return 0;
}

static int make(const Mrlua__Reuse *reuse, struct err *err)
{
    return plan_sums_make(&sums, reuse, &list, &files, err);
}

static void nobody_asks_and_none_are_made(void **state)
{
    static const uint8_t zeros[CONTENT_SUM_BYTES];
    struct err err;

    (void)state;
    assert_int_equal(make(NULL, &err), 0);
    assert_int_equal(list.checksums_begun_ns, 0);
    assert_memory_equal(list.items[0].checksum, zeros, sizeof zeros);
}

static void equal_contents_have_equal_sums(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(make(&request, &err), 0);
    assert_true(list.checksums_begun_ns > 0);
    assert_memory_equal(list.items[0].checksum, list.items[2].checksum, CONTENT_SUM_BYTES);
    assert_memory_not_equal(list.items[0].checksum, list.items[1].checksum, CONTENT_SUM_BYTES);
}

/* Its path is none that could be read here. */
static void an_object_is_told_by_its_generation(void **state)
{
    static const uint8_t zeros[CONTENT_SUM_BYTES];
    struct file_identity identity = {.size = 8, .generation = 7};
    struct err err;

    (void)state;
    file_list_append(&list, "gs://b/o", "gs://b/o", &identity);
    assert_int_equal(make(&request, &err), 0);
    assert_memory_equal(list.items[3].checksum, zeros, sizeof zeros);
}

static void a_side_file_has_a_sum_unless_it_is_a_blob_or_an_object(void **state)
{
    Mrlua__SideFile *plain = side_files_add(&files, NULL), *blob, *object;
    struct err err;

    (void)state;
    plain->path = list.items[0].path;
    plain->size = list.items[0].identity.size;
    plain->mtime_ns = list.items[0].identity.mtime_ns;
    plain->inode = list.items[0].identity.inode;
    plain->device = list.items[0].identity.device;
    blob = side_files_add(&files, NULL);
    blob->hash = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "abc"};
    object = side_files_add(&files, NULL);
    object->generation = 7;
    assert_int_equal(make(&request, &err), 0);
    assert_int_equal(files.items[0].checksum.len, CONTENT_SUM_BYTES);
    assert_memory_equal(files.items[0].checksum.data, list.items[0].checksum, CONTENT_SUM_BYTES);
    assert_int_equal(files.items[1].checksum.len, 0);
    assert_int_equal(files.items[2].checksum.len, 0);
}

static void what_changed_since_it_was_listed_is_an_error(void **state)
{
    struct err err;

    (void)state;
    folder_write(&folder, "b", "longer now", 10);
    assert_int_equal(make(&request, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.message, "changed since the job was planned"));
}

/* Of a cluster: the folder is made, and what is in it may not grow without an end. */
static void a_folder_that_is_a_stores_own_is_made_and_kept_small(void **state)
{
    char row[FOLDER_PATH_BYTES + 64];
    struct err err;
    int fd;

    (void)state;
    snprintf(cache, sizeof cache, "%s/own", folder.path);
    request.store = (char *)(uintptr_t) "gs://bkt/cache/";
    assert_int_equal(make(&request, &err), 0);
    snprintf(row, sizeof row, "%s/sums/aa", cache);
    assert_true(mkdir(row, 0700) == 0 || errno == EEXIST);
    snprintf(row, sizeof row, "%s/sums/aa/00112233445566", cache);
    fd = open(row, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, PLAN_SUMS_BYTES_MAX - (1 << 20)), 0);
    assert_int_equal(make(&request, &err), 0);
    assert_int_equal(access(row, F_OK), 0);
    assert_int_equal(posix_fallocate(fd, 0, PLAN_SUMS_BYTES_MAX + 1), 0);
    assert_int_equal(make(&request, &err), 0);
    assert_int_equal(access(row, F_OK), -1);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_asks_and_none_are_made),
        TEST(equal_contents_have_equal_sums),
        TEST(an_object_is_told_by_its_generation),
        TEST(a_side_file_has_a_sum_unless_it_is_a_blob_or_an_object),
        TEST(what_changed_since_it_was_listed_is_an_error),
        TEST(a_folder_that_is_a_stores_own_is_made_and_kept_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
