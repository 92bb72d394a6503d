#include "store/file.h"

#include "fault/fault.h"
#include "folder.h"
#include "store/gcs_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void add(struct file_list *list, struct folder *folder, const char *name)
{
    struct err err = {0};

    if (file_list_add(list, folder_path(folder, name), &err) != 0)
        fail_msg("%s", err.message);
}

/* The names in the list, without the folder, each followed by a blank. */
static const char *names(const struct file_list *list, const struct folder *folder)
{
    static char out[4096];

    out[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        assert_memory_equal(list->items[i].name, folder->path, strlen(folder->path));
        strcat(out, list->items[i].name + strlen(folder->path) + 1);
        strcat(out, " ");
    }
    return out;
}

static void make_tree(struct folder *folder)
{
    folder_make(folder);
    folder_write(folder, "b.txt", "bb", 2);
    folder_write(folder, "a.txt", "a", 1);
    folder_write(folder, ".hidden", "x", 1);
    folder_write(folder, "_SUCCESS", "x", 1);
    folder_mkdir(folder, "sub");
    folder_write(folder, "sub/z", "", 0);
    folder_write(folder, "sub/B", "", 0);
    folder_mkdir(folder, "_temporary");
    folder_write(folder, "_temporary/part-0", "x", 1);
}

static void arguments_keep_their_order_and_repeat(void **state)
{
    struct folder folder;
    struct file_list list = {0};

    (void)state;
    make_tree(&folder);
    add(&list, &folder, "b.txt");
    add(&list, &folder, "a.txt");
    add(&list, &folder, "b.txt");
    assert_string_equal(names(&list, &folder), "b.txt a.txt b.txt ");
    assert_int_equal(list.items[0].identity.size, 2);
    file_list_deinit(&list);
    folder_remove(&folder);
}

static void folder_is_its_files_sorted_without_hidden_ones(void **state)
{
    struct folder folder;
    struct file_list list = {0};

    (void)state;
    make_tree(&folder);
    add(&list, &folder, ".");
    assert_int_equal(list.count, 4);
    file_list_deinit(&list);
    add(&list, &folder, "sub///");
    assert_string_equal(names(&list, &folder), "sub/B sub/z ");
    file_list_deinit(&list);
    folder_remove(&folder);
}

static void what_is_named_is_read_though_it_is_hidden(void **state)
{
    struct folder folder;
    struct file_list list = {0};

    (void)state;
    make_tree(&folder);
    add(&list, &folder, ".hidden");
    add(&list, &folder, "_temporary");
    assert_string_equal(names(&list, &folder), ".hidden _temporary/part-0 ");
    file_list_deinit(&list);
    folder_remove(&folder);
}

static void pattern_is_its_matches_sorted_unless_a_file_has_that_name(void **state)
{
    struct folder folder;
    struct file_list list = {0};

    (void)state;
    make_tree(&folder);
    add(&list, &folder, "[ab].t?t");
    add(&list, &folder, "s*");
    assert_string_equal(names(&list, &folder), "a.txt b.txt sub/B sub/z ");
    file_list_deinit(&list);
    folder_write(&folder, "*", "", 0);
    add(&list, &folder, "*");
    assert_string_equal(names(&list, &folder), "* ");
    file_list_deinit(&list);
    folder_remove(&folder);
}

/* The names of what `pattern` stands for, without the folder. */
static const char *matches(struct folder *folder, const char *pattern)
{
    struct file_list list = {0};
    const char *found;

    add(&list, folder, pattern);
    found = names(&list, folder);
    file_list_deinit(&list);
    return found;
}

static void make_deep_tree(struct folder *folder)
{
    folder_make(folder);
    folder_mkdir(folder, "g");
    folder_mkdir(folder, "g/a");
    folder_mkdir(folder, "g/a/b");
    folder_mkdir(folder, "g/_a");
    folder_mkdir(folder, "g/.a");
    folder_write(folder, "g/t.h", "", 0);
    folder_write(folder, "g/_t.h", "", 0);
    folder_write(folder, "g/t.c", "", 0);
    folder_write(folder, "g/a/o.h", "", 0);
    folder_write(folder, "g/a/b/t.h", "", 0);
    folder_write(folder, "g/a.h", "", 0);
    folder_write(folder, "g/_a/x.h", "", 0);
    folder_write(folder, "g/.a/x.h", "", 0);
}

static void two_stars_are_any_number_of_folders_in_the_order_of_a_folder(void **state)
{
    struct folder folder;

    (void)state;
    make_deep_tree(&folder);
    assert_string_equal(matches(&folder, "g"), "g/a/b/t.h g/a/o.h g/a.h g/t.c g/t.h ");
    assert_string_equal(matches(&folder, "g/**"), "g/a/b/t.h g/a/o.h g/a.h g/t.c g/t.h ");
    assert_string_equal(matches(&folder, "**/"), "g/a/b/t.h g/a/o.h g/a.h g/t.c g/t.h ");
    assert_string_equal(matches(&folder, "g/**/*.h"), "g/_t.h g/a/b/t.h g/a/o.h g/a.h g/t.h ");
    assert_string_equal(matches(&folder, "g//**//t.h"), "g/a/b/t.h g/t.h ");
    assert_string_equal(matches(&folder, "?/**/a/**/t.?"), "g/a/b/t.h ");
    assert_string_equal(matches(&folder, "g/**/_a/*"), "g/_a/x.h ");
    assert_string_equal(matches(&folder, "g/a**"), "g/a/b/t.h g/a/o.h g/a.h ");
    assert_string_equal(matches(&folder, "g/**/**/*"),
                        "g/_a/x.h g/_t.h g/a/b/t.h g/a/o.h g/a.h g/t.c g/t.h ");
    folder_remove(&folder);
}

static void two_stars_begin_where_the_process_is(void **state)
{
    struct folder folder;
    struct file_list list = {0};
    struct err err = {0};
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    (void)state;
    make_deep_tree(&folder);
    assert_int_equal(chdir(folder.path), 0);
    rc = file_list_add(&list, "**/o.h", &err);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(rc, 0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "g/a/o.h");
    file_list_deinit(&list);
    folder_remove(&folder);
}

static void refuses(struct folder *folder, const char *name, const char *ending)
{
    struct file_list list = {0};
    struct err err = {0};
    const char *path = folder_path(folder, name);

    assert_int_equal(file_list_add(&list, path, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_memory_equal(err.message, "input ", 6);
    assert_non_null(strstr(err.message, folder->path));
    if (!strstr(err.message, ending))
        fail_msg("%s", err.message);
    file_list_deinit(&list);
}

static void what_cannot_be_read_is_refused_with_its_name(void **state)
{
    struct folder folder;

    (void)state;
    make_tree(&folder);
    refuses(&folder, "absent", ": No such file or directory");
    refuses(&folder, "absent*.txt", "absent*.txt matches nothing");
    assert_int_equal(mkfifo(folder_path(&folder, "pipe"), 0600), 0);
    refuses(&folder, "pipe", "standard input: -");
    assert_int_equal(symlink(".", folder_path(&folder, "sub/up")), 0);
    refuses(&folder, "sub", "a symbolic link to a folder above it");
    assert_int_equal(unlink(folder_path(&folder, "sub/up")), 0);
    assert_int_equal(symlink("nowhere", folder_path(&folder, "sub/dangling")), 0);
    refuses(&folder, "sub", "sub/dangling: No such file or directory");
    folder_remove(&folder);
}

static void two_stars_pass_by_what_does_not_match(void **state)
{
    struct folder folder;

    (void)state;
    make_deep_tree(&folder);
    assert_int_equal(mkfifo(folder_path(&folder, "g/pipe"), 0600), 0);
    assert_int_equal(symlink("nowhere", folder_path(&folder, "g/dangling")), 0);
    assert_int_equal(symlink("..", folder_path(&folder, "g/_a/up")), 0);
    assert_int_equal(symlink("a/b", folder_path(&folder, "g/link")), 0);
    assert_string_equal(matches(&folder, "g/**/t.h"), "g/a/b/t.h g/link/t.h g/t.h ");
    refuses(&folder, "g/**/*.none", "g/**/*.none matches nothing");
    refuses(&folder, "g/t.h/**", "g/t.h/**: Not a directory");
    refuses(&folder, "none/**", "none/** matches nothing");
    refuses(&folder, "g/**/p*", "standard input: -");
    refuses(&folder, "g/**/d*", "g/dangling: No such file or directory");
    assert_int_equal(symlink("..", folder_path(&folder, "g/a/up")), 0);
    refuses(&folder, "g/**/t.h", "g/a/up: a symbolic link to a folder above it");
    folder_remove(&folder);
}

static void two_stars_go_as_deep_as_a_folder_does(void **state)
{
    char path[3 * FILE_FOLDER_DEPTH_MAX] = "d", deep[4 * FILE_FOLDER_DEPTH_MAX];
    struct folder folder;
    struct file_list list = {0};

    (void)state;
    folder_make(&folder);
    for (int depth = 0; depth < FILE_FOLDER_DEPTH_MAX; depth++) {
        folder_mkdir(&folder, path);
        strcat(path, "/d");
    }
    snprintf(deep, sizeof deep, "%.*sx", (int)strlen(path) - 1, path);
    folder_write(&folder, deep, "", 0);
    add(&list, &folder, "d/**/x");
    assert_int_equal(list.count, 1);
    file_list_deinit(&list);
    folder_mkdir(&folder, path);
    refuses(&folder, "d/**/x", "more than 128 folders within each other");
    refuses(&folder, "d", "more than 128 folders within each other");
    folder_remove(&folder);
}

/* Goal: an unreadable file is found while the list is made. Method: the open fails (a test that
 * runs as root can read everything). */
static void every_failure_to_open_is_reported(void **state)
{
    struct folder folder;
    uint32_t nth;

    (void)state;
    make_tree(&folder);
    for (nth = 0;; nth++) {
        struct file_list list = {0};
        struct err err = {0};
        int rc;

        fault_arm(FAULT_OPEN, nth, EACCES);
        rc = file_list_add(&list, folder.path, &err);
        file_list_deinit(&list);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, ": Permission denied"));
    }
    assert_int_equal(nth, 4);
    folder_remove(&folder);
}

static int reopen(const struct file *file, struct err *err)
{
    int fd = file_open_checked("input", file->name, file->path, &file->identity, err);

    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : -1;
}

static void changed_file_is_an_input_error(void **state)
{
    struct folder folder;
    struct file_list list = {0};
    struct err err = {0};
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    (void)state;
    make_tree(&folder);
    add(&list, &folder, "a.txt");
    add(&list, &folder, "b.txt");
    assert_int_equal(reopen(&list.items[0], &err), 0);

    assert_int_equal(utimensat(AT_FDCWD, list.items[0].path, times, 0), 0);
    assert_int_equal(reopen(&list.items[0], &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.message, "a.txt changed since the job was planned"));

    list.items[1].identity.inode++;
    assert_int_equal(reopen(&list.items[1], &err), -1);
    list.items[1].identity.inode--;
    list.items[1].identity.size++;
    assert_int_equal(reopen(&list.items[1], &err), -1);
    assert_int_equal(unlink(list.items[1].path), 0);
    assert_int_equal(reopen(&list.items[1], &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.message, "b.txt: No such file"));
    file_list_deinit(&list);
    folder_remove(&folder);
}

#define ITEM "{\"name\":\"d/a\",\"size\":\"5\",\"generation\":\"7\",\"contentEncoding\":\"gzip\"}"

static void an_object_is_listed_with_its_uri_size_and_generation(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o/d?", GCS_EMPTY("404 None"), 0, 0},
        {"prefix=d%2F", GCS_BODY("200 OK", "{\"items\":[" ITEM "]}"), 0, 0},
        {"GET /storage/v1/b/bkt/o/none?", GCS_EMPTY("404 None"), 0, 0},
        {"prefix=none%2F", GCS_BODY("200 OK", "{}"), 0, 0},
        {"GET /storage/v1/b/bkt/o/no?", GCS_EMPTY("403 No"), 0, 0},
        {"GET /storage/v1/b/bkt/o/n%2A?", GCS_EMPTY("404 None"), 0, 0},
        {"prefix=n ", GCS_BODY("200 OK", "{}"), 0, 0},
    };
    struct file_list list = {0};
    struct gcs_kit kit;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 7);
    gcs_close(gcs_kit_open(&kit)); /* sets the environment */
    assert_int_equal(file_list_add(&list, "gs://bkt/d", &err), 0);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].name, "gs://bkt/d/a");
    assert_int_equal(list.items[0].identity.size, 5);
    assert_int_equal(list.items[0].identity.generation, 7);
    assert_true(list.items[0].identity.is_gzip);
    file_list_set_folder(&list, "/folder");
    assert_string_equal(list.items[0].path, "gs://bkt/d/a");
    assert_int_equal(file_list_add(&list, "gs://bkt/none", &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "input gs://bkt/none: no such object");
    assert_int_equal(file_list_add(&list, "gs://bkt/no", &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(file_list_add(&list, "gs://bkt/n*", &err), -1);
    assert_string_equal(err.message, "input gs://bkt/n* matches nothing");
    assert_int_equal(file_list_add(&list, "gs://b", &err), -1); /* a bucket has three letters */
    assert_kit_done(&kit, 7);
    file_list_deinit(&list);
    gcs_kit_stop(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_listed_with_its_uri_size_and_generation),
        cmocka_unit_test(arguments_keep_their_order_and_repeat),
        cmocka_unit_test(folder_is_its_files_sorted_without_hidden_ones),
        cmocka_unit_test(what_is_named_is_read_though_it_is_hidden),
        cmocka_unit_test(pattern_is_its_matches_sorted_unless_a_file_has_that_name),
        cmocka_unit_test(two_stars_are_any_number_of_folders_in_the_order_of_a_folder),
        cmocka_unit_test(two_stars_begin_where_the_process_is),
        cmocka_unit_test(two_stars_pass_by_what_does_not_match),
        cmocka_unit_test(two_stars_go_as_deep_as_a_folder_does),
        cmocka_unit_test(what_cannot_be_read_is_refused_with_its_name),
        cmocka_unit_test(every_failure_to_open_is_reported),
        cmocka_unit_test(changed_file_is_an_input_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
