#include "store/wildcard.h"

#include "test.h"

#include <string.h>

static const struct {
    const char *pattern, *path;
    bool inputs, all; /* without hidden names, with them */
} matches[] = {
    {"a/*", "a/b", true, true},
    {"a/*", "a/b/c", true, true},
    {"a/*", "a/b/_c", false, true},
    {"a/*", "a/.b", false, false},
    {"a/*", "a/_b", true, true},
    {"a/*", "a/b/", true, true},
    {"a/*", "a", false, false},
    {"a/*.gz", "a/b.gz", true, true},
    {"a/*.gz", "a/b/c.gz", false, false},
    {"a/?", "a/bc", false, false},
    {"a/[bc]", "a/c", true, true},
    {"*/x", "a/x", true, true},
    {"*/x", "a/b/x", false, false},
    {"*", "a/b/c", true, true},
    {"a*", "b", false, false},
    {"a//*", "a//b", true, true},
    {"a/*/", "a/b", false, false},
    {"g/**/*.h", "g/t.h", true, true},
    {"g/**/*.h", "g/a/o.h", true, true},
    {"g/**/*.h", "g/a/b/t.h", true, true},
    {"g/**/*.h", "g/a/b/t.c", false, false},
    {"g/**/*.h", "h/t.h", false, false},
    {"g/**/*.h", "g/_t.h", true, true},
    {"g/**/*.h", "g/_a/t.h", false, true},
    {"g/**/*.h", "g/.a/t.h", false, true},
    {"g/**/*.h", "g/.t.h", false, false},
    {"g/**/.t.h", "g/a/.t.h", true, true},
    {"g/**/_a/*", "g/b/_a/t.h", true, true},
    {"g/**", "g/a", true, true},
    {"g/**", "g/a/b/c", true, true},
    {"g/**", "g/a/_b", false, true},
    {"g/**", "g/_a/b", false, true},
    {"g/**", "g", false, false},
    {"**", "a", true, true},
    {"**/x", "x", true, true},
    {"**/x", "a/b/x/y", true, true},
    {"**/**/x", "x", true, true},
    {"**/**", "x", true, true},
    {"a/**/b/**/c", "a/b/c", true, true},
    {"a/**/b/**/c", "a/1/b/2/3/c", true, true},
    {"a/**/b/**/c", "a/1/2/c", false, false},
    {"a**", "a/b", true, true},
    {"a**b", "a/b", false, false},
    {"a**b", "a1b", true, true},
    /* The first `**` must not give up when the second may not stand for the next name. */
    {"**/*/**/_x/b", "c/_x/_x/b", true, true},
};

static void patterns_match_names_and_the_folders_they_are_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof matches / sizeof *matches); i++) {
        bool takes_hidden = i % 2;
        struct wildcard wildcard;
        struct err err;

        assert_int_equal(wildcard_init(&wildcard, matches[i / 2].pattern, takes_hidden, &err), 0);
        if (wildcard_matches(&wildcard, matches[i / 2].path) !=
            (takes_hidden ? matches[i / 2].all : matches[i / 2].inputs))
            fail_msg("%s %s %d", matches[i / 2].pattern, matches[i / 2].path, takes_hidden);
        wildcard_deinit(&wildcard);
    }
}

static void no_place_is_left_where_nothing_below_can_match(void **state)
{
    struct wildcard wildcard;
    struct err err;
    uint64_t at;

    (void)state;
    assert_int_equal(wildcard_init(&wildcard, "**/src/*.c", false, &err), 0);
    at = wildcard_start(&wildcard);
    assert_true(wildcard_step(&wildcard, at, ".git") == 0);
    assert_true(wildcard_step(&wildcard, at, "lib") != 0);
    wildcard_deinit(&wildcard);
    assert_int_equal(wildcard_init(&wildcard, "a/b*/**", false, &err), 0);
    at = wildcard_step(&wildcard, wildcard_start(&wildcard), "a");
    assert_true(wildcard_step(&wildcard, at, "c") == 0);
    assert_true(wildcard_step(&wildcard, at, "b1") != 0);
    assert_false(wildcard_is_end(&wildcard, wildcard_step(&wildcard, at, "b1")));
    wildcard_deinit(&wildcard);
}

static void only_a_whole_part_stands_for_any_folders(void **state)
{
    (void)state;
    assert_string_equal(wildcard_find_any("a/**/b/**"), "**/b/**");
    assert_string_equal(wildcard_find_any("**"), "**");
    assert_string_equal(wildcard_find_any("/**"), "**");
    assert_null(wildcard_find_any("a**/**b/***/*"));
    assert_null(wildcard_find_any(""));
    assert_true(wildcard_is_pattern("a[b"));
    assert_false(wildcard_is_pattern("a\\b"));
}

/* Goal: the last part that fits has a place, and the next is refused. Method: `**` and names "a",
 * as many as go; a path of as many names, and one that is longer. */
static void a_pattern_has_at_most_so_many_parts(void **state)
{
    char pattern[4 * WILDCARD_PART_COUNT_MAX] = "**", path[4 * WILDCARD_PART_COUNT_MAX] = "b";
    struct wildcard wildcard;
    struct err err;

    (void)state;
    for (size_t i = 1; i < WILDCARD_PART_COUNT_MAX; i++) {
        strcat(pattern, "/a");
        strcat(path, "/a");
    }
    assert_int_equal(wildcard_init(&wildcard, pattern, false, &err), 0);
    assert_true(wildcard_matches(&wildcard, path));
    assert_true(wildcard_matches(&wildcard, path + strlen("b/")));
    assert_false(wildcard_matches(&wildcard, path + strlen("b/a/")));
    wildcard_deinit(&wildcard);
    strcat(pattern, "/a");
    assert_int_equal(wildcard_init(&wildcard, pattern, false, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "a pattern of more than 63 names between slashes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_names_and_the_folders_they_are_in),
        cmocka_unit_test(no_place_is_left_where_nothing_below_can_match),
        cmocka_unit_test(only_a_whole_part_stands_for_any_folders),
        cmocka_unit_test(a_pattern_has_at_most_so_many_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
