#include "store/trail.h"

#include "fault/fault.h"
#include "home_of_test.h"

#include <errno.h>

static struct err err;

static int write_text(struct trail *trail, const char *name, const char *text)
{
    return trail_write(trail, name, slice_of_string(text), &err);
}

static void expect_file(const char *name, const char *expected)
{
    char *text = folder_read(&folder, name);

    assert_string_equal(text, expected);
    free(text);
}

/* A run that writes one file; its number. */
static uint64_t leave_one(void)
{
    struct trail trail;
    uint64_t number;

    trail_init(&trail);
    assert_int_equal(write_text(&trail, "job.json", "{}"), 0);
    number = strtoull(trail.id + 1, NULL, 10);
    trail_deinit(&trail);
    return number;
}

static void nothing_is_made_before_something_is_written(void **state)
{
    struct trail trail;

    (void)state;
    trail_init(&trail);
    assert_string_equal(trail.id, "");
    trail_deinit(&trail);
    assert_int_equal(folder_count(&folder), 0);
}

static void what_is_written_is_replaced_and_what_is_appended_stays(void **state)
{
    struct trail trail;
    struct stat status;

    (void)state;
    trail_init(&trail);
    assert_int_equal(write_text(&trail, "a", "one, and longer"), 0);
    assert_int_equal(write_text(&trail, "a", "two"), 0);
    assert_int_equal(trail_append(&trail, "b", slice_of_string("one "), &err), 0);
    assert_int_equal(trail_append(&trail, "b", slice_of_string("two"), &err), 0);
    assert_string_equal(trail.id, "r1");
    trail_deinit(&trail);
    expect_file("mrlua/runs/r1/a", "two");
    expect_file("mrlua/runs/r1/b", "one two");
    assert_int_equal(folder_count(&folder), 5);
    assert_int_equal(stat(folder_path(&folder, "mrlua/runs/r1"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(folder_path(&folder, "mrlua/runs/r1/a"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void the_newest_hundred_stay(void **state)
{
    char *root = trail_root(&err);
    uint64_t *list;
    size_t count;

    (void)state;
    for (uint64_t i = 1; i <= TRAIL_COUNT_MAX; i++)
        assert_int_equal(leave_one(), i);
    assert_true(folder_has(&folder, "mrlua/runs/r1"));
    assert_int_equal(leave_one(), TRAIL_COUNT_MAX + 1);
    assert_int_equal(leave_one(), TRAIL_COUNT_MAX + 2);
    list = trail_list(root, &count);
    assert_int_equal(count, TRAIL_COUNT_MAX);
    assert_int_equal(list[0], TRAIL_COUNT_MAX + 2);
    assert_int_equal(list[count - 1], 3);
    free(list);
    free(root);
}

static void other_names_are_left_alone(void **state)
{
    char *root = trail_root(&err);
    static const char *const names[] = {"r", "r0", "r01", "r5x", "r-5", "x7", "r+5", "r 5"};
    uint64_t *list;
    size_t count;

    (void)state;
    assert_int_equal(leave_one(), 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];

        snprintf(path, sizeof path, "mrlua/runs/%s", names[i]);
        folder_mkdir(&folder, path);
    }
    list = trail_list(root, &count);
    assert_int_equal(count, 1);
    assert_int_equal(list[0], 1);
    free(list);
    free(root);
}

static void of_runs_that_begin_together_each_has_its_own(void **state)
{
    struct trail one, two;

    (void)state;
    trail_init(&one);
    trail_init(&two);
    assert_int_equal(write_text(&one, "a", "1"), 0);
    assert_int_equal(write_text(&two, "a", "2"), 0);
    assert_int_equal(write_text(&one, "b", "1"), 0);
    assert_string_equal(one.id, "r1");
    assert_string_equal(two.id, "r2");
    trail_deinit(&one);
    trail_deinit(&two);
    expect_file("mrlua/runs/r1/b", "1");
    expect_file("mrlua/runs/r2/a", "2");
}

/* A run that is so old that others have taken its place. */
static void one_that_is_gone_fails_once_and_stays_gone(void **state)
{
    struct trail trail;

    (void)state;
    trail_init(&trail);
    assert_int_equal(write_text(&trail, "a", "1"), 0);
    for (uint32_t i = 0; i < TRAIL_COUNT_MAX; i++)
        leave_one();
    assert_int_equal(trail_append(&trail, "a", slice_of_string("2"), &err), -1);
    assert_int_equal(trail_append(&trail, "a", slice_of_string("2"), &err), 0);
    assert_false(folder_has(&folder, "mrlua/runs/r1"));
    trail_deinit(&trail);
}

static void a_state_folder_that_cannot_be_written_is_told_once(void **state)
{
    struct trail trail;

    (void)state;
    folder_write(&folder, "mrlua", "a file", 6);
    trail_init(&trail);
    assert_int_equal(write_text(&trail, "a", "1"), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "mrlua"));
    assert_int_equal(write_text(&trail, "a", "1"), 0);
    assert_string_equal(trail.id, "");
    trail_deinit(&trail);
}

static void a_full_disk_leaves_what_was_there(void **state)
{
    struct trail trail;

    (void)state;
    trail_init(&trail);
    assert_int_equal(write_text(&trail, "a", "before"), 0);
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(write_text(&trail, "a", "after"), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    trail_deinit(&trail);
    expect_file("mrlua/runs/r1/a", "before");
    assert_false(folder_has(&folder, "mrlua/runs/r1/a.new"));
}

/* A master's job has its number, and what it left stays its own in the next life of the master. */
static void a_trail_with_a_number_is_found_again(void **state)
{
    const char *root = folder_path(&folder, "jobs");
    struct trail trail;

    (void)state;
    for (int life = 0; life < 2; life++) {
        trail_init_at(&trail, root, 17);
        assert_int_equal(trail_append(&trail, "a", slice_of_string("x"), &err), 0);
        assert_string_equal(trail.id, "r17");
        trail_deinit(&trail);
    }
    expect_file("jobs/r17/a", "xx");
}

static void of_numbered_trails_the_greatest_stay(void **state)
{
    const char *root = folder_path(&folder, "jobs");
    struct trail trail;

    (void)state;
    for (uint64_t i = 1; i <= TRAIL_COUNT_MAX + 1; i++) {
        trail_init_at(&trail, root, 2 * i);
        assert_int_equal(trail_begin(&trail, &err), 0);
        trail_deinit(&trail);
    }
    assert_false(folder_has(&folder, "jobs/r2"));
    assert_true(folder_has(&folder, "jobs/r4"));
    assert_true(folder_has(&folder, "jobs/r202"));
}

static void a_begun_trail_has_its_id(void **state)
{
    struct trail trail;

    (void)state;
    trail_init(&trail);
    assert_int_equal(trail_begin(&trail, &err), 0);
    assert_string_equal(trail.id, "r1");
    assert_int_equal(trail_begin(&trail, &err), 0);
    assert_string_equal(trail.id, "r1");
    trail_deinit(&trail);
    assert_int_equal(folder_count(&folder), 3);
}

static void files_are_named_as_they_were_written(void **state)
{
    static const char *const names[] = {"m3-10", "m3-9", "b", "a"};
    static const struct timespec times[] = {{5, 0}, {5, 0}, {6, 1}, {6, 0}};
    static const char *const expected[] = {"m3-9", "m3-10", "a", "b"};
    char **found;
    size_t count;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct timespec both[2] = {times[i], times[i]};

        folder_write(&folder, names[i], "x", 1);
        assert_int_equal(utimensat(AT_FDCWD, folder_path(&folder, names[i]), both, 0), 0);
    }
    folder_mkdir(&folder, "folder");
    found = trail_names(folder.path, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(found[i], expected[i]);
        free(found[i]);
    }
    free(found);
    found = trail_names(folder_path(&folder, "nothing"), &count);
    assert_int_equal(count, 0);
    free(found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_set_up, home_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_made_before_something_is_written),
        TEST(what_is_written_is_replaced_and_what_is_appended_stays),
        TEST(the_newest_hundred_stay),
        TEST(other_names_are_left_alone),
        TEST(of_runs_that_begin_together_each_has_its_own),
        TEST(one_that_is_gone_fails_once_and_stays_gone),
        TEST(a_state_folder_that_cannot_be_written_is_told_once),
        TEST(a_full_disk_leaves_what_was_there),
        TEST(a_trail_with_a_number_is_found_again),
        TEST(of_numbered_trails_the_greatest_stay),
        TEST(a_begun_trail_has_its_id),
        TEST(files_are_named_as_they_were_written),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
