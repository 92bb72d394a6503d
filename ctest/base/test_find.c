#include "test.h"

#include "base/find.h"
#include "seed.h"

#include <string.h>

static void expect_memmem(struct slice text, struct slice needle)
{
    const char *expected = memmem(text.ptr, text.len, needle.ptr, needle.len);

    if (find_bytes(text, needle) != expected)
        fail_msg("\"%.*s\" in %d bytes \"%.*s\"", (int)needle.len, needle.ptr, (int)text.len,
                 (int)text.len, text.ptr);
}

/* Goal: it is found at every place of texts of every length around a step, and nowhere else. */
static void a_needle_is_found_wherever_it_stands(void **state)
{
    static const char *const needles[] = {"n", "ne", "needle", "a needle of twenty b", "nnnnn"};
    char text[70];

    (void)state;
    for (size_t i = 0; i < sizeof needles / sizeof *needles; i++) {
        struct slice needle = slice_of_string(needles[i]);

        for (size_t len = 0; len <= sizeof text; len++) {
            memset(text, '.', sizeof text);
            expect_memmem(slice_of(text, len), needle);
            for (size_t at = 0; at + needle.len <= len; at++) {
                memset(text, '.', sizeof text);
                memcpy(text + at, needle.ptr, needle.len);
                assert_ptr_equal(find_bytes(slice_of(text, len), needle), text + at);
                expect_memmem(slice_of(text, at + needle.len - 1), needle); /* cut off */
            }
        }
    }
}

static void an_empty_needle_stands_at_the_start(void **state)
{
    const char text[] = "text";

    (void)state;
    assert_ptr_equal(find_bytes(slice_of(text, 4), slice_of("", 0)), text);
    assert_ptr_equal(find_bytes(slice_of(text, 0), slice_of("", 0)), text);
}

/* Of two letters, so that first and last bytes are right where the rest is not. */
static void random_needles_are_where_memmem_finds_them(void **state)
{
    struct rand rand = seed_rand();
    char bytes[200];

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)rand_below(&rand, sizeof bytes);
        size_t needle_len = 1 + (size_t)rand_below(&rand, 12);
        char needle[12];
        char *exact;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)rand_below(&rand, 2);
        for (size_t i = 0; i < needle_len; i++)
            needle[i] = (char)rand_below(&rand, 2);
        exact = malloc(len + 1); /* of its size but one: a sanitizer sees who reads on */
        memcpy(exact + 1, bytes, len);
        expect_memmem(slice_of(exact + 1, len), slice_of(needle, needle_len));
        free(exact);
    }
}

/* Lengths around a step, and around the 255 steps that are counted in one go. */
static void lines_are_counted(void **state)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 255 * 16 - 1, 255 * 16, 255 * 16 + 1, 9000};
    char text[9000];

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t every = 1; every < 40; every++) {
            size_t len = lengths[i], lines = 0;

            for (size_t at = 0; at < len; at++) {
                text[at] = at % every ? 'x' : '\n';
                lines += text[at] == '\n' || at + 1 == len;
            }
            assert_int_equal(count_lines(slice_of(text, len)), lines);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_needle_is_found_wherever_it_stands),
        cmocka_unit_test(an_empty_needle_stands_at_the_start),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(random_needles_are_where_memmem_finds_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
