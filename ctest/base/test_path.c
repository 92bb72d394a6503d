#include "base/path.h"

#include "folder.h"

static struct folder folder;

static bool is_below(const char *name)
{
    return path_is_below(folder_path(&folder, "root"), folder_path(&folder, name));
}

static void what_is_there_is_judged_by_where_it_leads(void **state)
{
    (void)state;
    assert_true(is_below("root"));
    assert_true(is_below("root/in"));
    assert_true(is_below("root/sub/../in"));
    assert_false(is_below("rootless"));
    assert_false(is_below("root/../rootless"));
    assert_false(is_below("root/out")); /* a link that leads away */
    assert_true(path_is_below("/", folder_path(&folder, "root/in")));
    assert_false(path_is_below(folder_path(&folder, "nowhere"), folder_path(&folder, "nowhere")));
}

static void what_is_not_there_is_judged_by_its_nearest_folder(void **state)
{
    (void)state;
    assert_true(is_below("root/new/part"));
    assert_true(is_below("root/*.txt"));
    assert_true(is_below("root/..new"));
    assert_false(is_below("other/new"));
    assert_false(is_below("root/out/new"));
    assert_false(is_below("root/new/../../rootless"));
    assert_false(is_below("root/*/../../rootless"));
    assert_false(path_is_below("/", "relative/not/there"));
}

static void expect_join(const char *at, const char *path, const char *expected)
{
    char *joined = path_join(at, path);

    assert_string_equal(joined, expected);
    free(joined);
}

static void a_path_is_joined_unless_it_starts_at_the_root(void **state)
{
    (void)state;
    expect_join("/home/me", "a", "/home/me/a");
    expect_join("/home/me", "../a", "/home/me/../a");
    expect_join("/", "a", "/a");
    expect_join("/home/me", "/a", "/a");
    expect_join("", "a", "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_judged_by_where_it_leads),
        cmocka_unit_test(what_is_not_there_is_judged_by_its_nearest_folder),
        cmocka_unit_test(a_path_is_joined_unless_it_starts_at_the_root),
    };
    int failed;

    folder_make(&folder);
    folder_mkdir(&folder, "root");
    folder_mkdir(&folder, "root/sub");
    folder_write(&folder, "root/in", "a\n", 2);
    folder_write(&folder, "rootless", "a\n", 2);
    if (symlink("..", folder_path(&folder, "root/out")) != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    folder_remove(&folder);
    return failed;
}
