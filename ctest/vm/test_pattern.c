/* What patterns mean is tested against Lua's own functions, in test_pattern_lua.c; here are the
 * limits, and what is left to Lua. */
#include "test.h"

#include "vm/pattern.h"

static struct pattern pattern;

static bool compiles(const char *text)
{
    return pattern_compile(&pattern, slice_of_string(text));
}

static void assert_search(const char *text, const char *subject, int from, int to)
{
    struct pattern_match match = {.subject = subject, .end = subject + strlen(subject)};
    const char *at = subject, *end;

    assert_true(compiles(text));
    end = pattern_search(&pattern, &match, &at);
    if (from < 0) {
        assert_null(end);
        return;
    }
    assert_non_null(end);
    assert_int_equal(at - subject, from);
    assert_int_equal(end - subject, to);
}

static void the_first_match_is_found(void **state)
{
    (void)state;
    assert_search("%a+", "12 words", 3, 8);
    assert_search("", "x", 0, 0);
    assert_search("^b", "ab", -1, 0);
    assert_search("b$", "bab", 2, 3);
    assert_search("(%w+)=(%w+)", "a, bc=de;", 3, 8);
    assert_search("%b()", "f(a(b)) c)", 1, 7);
    assert_search("%f[%d]", "a1", 1, 1);
    assert_search("(.)%1", "abccd", 2, 4);
    assert_search("x*", "aaa", 0, 0);
    assert_search("z", "aaa", -1, 0);
}

static void one_set_repeated_is_a_run(void **state)
{
    static const char *const runs[] = {"%a+", "[^,]+", "(%S+)", "[%w']+"};
    static const char *const others[] = {"%a*", "a+", ".+", "^%a+", "%a+$", "%a+()", "()%a+", "%a"};

    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        assert_true(compiles(runs[i]) && pattern.is_run);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_true(compiles(others[i]) && !pattern.is_run);
}

static void the_bits_of_a_run_are_its_set(void **state)
{
    char bytes[64];

    (void)state;
    assert_true(compiles("[%a_]+"));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = "a_ \xff"[i * i % 7 % 4];
    for (size_t len = 0; len <= sizeof bytes; len++) {
        uint64_t wanted = 0;

        for (size_t i = 0; i < len; i++)
            wanted |= (uint64_t)(bytes[i] == 'a' || bytes[i] == '_') << i;
        assert_int_equal(pattern_run_bits(&pattern, bytes, len), wanted);
    }
}

static void what_is_malformed_is_left_to_lua(void **state)
{
    static const char *const texts[] = {"%",  "[",  "[]",  "[^]", "[a",   "[%",      "(",
                                        "(a", ")",  "%b",  "%bx", "%f",   "%fa",     "%f[",
                                        "%1", "%0", "(%1", "%z",  "[%z]", "()(%1)%2"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (compiles(texts[i]))
            fail_msg("%s", texts[i]);
}

/* `count` times `text`: at the limit, and one beyond. */
static void assert_limit(const char *text, size_t count_max)
{
    char many[1024] = "";

    for (size_t count = 1; count <= count_max + 1; count++) {
        strcat(many, text);
        assert_int_equal(compiles(many), count <= count_max);
    }
}

static void what_is_large_is_left_to_lua(void **state)
{
    (void)state;
    assert_limit("a", PATTERN_ITEM_COUNT_MAX - 1); /* and an END */
    assert_limit("%a", PATTERN_SET_COUNT_MAX);
    assert_limit("()", PATTERN_CAPTURE_COUNT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_match_is_found),
        cmocka_unit_test(one_set_repeated_is_a_run),
        cmocka_unit_test(the_bits_of_a_run_are_its_set),
        cmocka_unit_test(what_is_malformed_is_left_to_lua),
        cmocka_unit_test(what_is_large_is_left_to_lua),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
