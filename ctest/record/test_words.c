#include "test.h"

#include "base/buf.h"
#include "record/words.h"
#include "seed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What words are, in the plainest way: each, and where it begins. */
static void naive_words(struct slice text, struct buf *out)
{
    for (size_t start = 0, end; start < text.len; start = end + 1) {
        for (end = start; end < text.len && isalpha((unsigned char)text.ptr[end]);)
            end++;
        if (end > start)
            buf_printf(out, "%d:%.*s;", (int)start, (int)(end - start), text.ptr + start);
    }
}

static void find_words(struct slice text, struct buf *out)
{
    struct words words = {.text = text};
    struct slice found[WORDS_COUNT_MAX];
    size_t count;

    while ((count = words_next(&words, found)) > 0) {
        assert_true(count <= WORDS_COUNT_MAX);
        for (size_t i = 0; i < count; i++)
            buf_printf(out, "%d:%.*s;", (int)(found[i].ptr - text.ptr), (int)found[i].len,
                       found[i].ptr);
    }
}

static void expect_naive(struct slice text)
{
    struct buf expected = {0}, out = {0};

    naive_words(text, &expected);
    find_words(text, &out);
    if (!slice_equal(buf_slice(&out), buf_slice(&expected)))
        fail_msg("of %d bytes: %s is not %s", (int)text.len, buf_string(&out),
                 buf_string(&expected));
    buf_deinit(&expected);
    buf_deinit(&out);
}

static void a_letter_is_one_of_52_bytes(void **state)
{
    char text[2 * 256];

    (void)state;
    for (int i = 0; i < 256; i++) {
        text[2 * i] = (char)i;
        text[2 * i + 1] = ' ';
    }
    expect_naive(slice_of(text, sizeof text));
}

/* Goal: words begin and end anywhere around the 64 bytes of a step. */
static void words_cross_steps(void **state)
{
    char text[3 * WORDS_STEP_BYTES];

    (void)state;
    for (size_t start = 0; start < sizeof text; start++) {
        for (size_t end = start; end <= sizeof text; end++) {
            memset(text, '.', sizeof text);
            memset(text + start, 'w', end - start);
            expect_naive(slice_of(text, sizeof text));
            expect_naive(slice_of(text, end)); /* the text ends with the word */
        }
    }
}

static void every_second_byte_may_be_a_word(void **state)
{
    char text[4 * WORDS_STEP_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '-' : 'a';
    expect_naive(slice_of(text, sizeof text));
    expect_naive(slice_of(text + 1, sizeof text - 1));
    expect_naive(slice_of(text, 0));
}

static void words_of_random_bytes_are_the_naive_ones(void **state)
{
    struct rand rand = seed_rand();
    char text[1000];

    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t len = (size_t)rand_below(&rand, sizeof text);
        uint64_t letters = rand_below(&rand, 5); /* of four bytes, how many are letters */
        char *exact;

        for (size_t i = 0; i < len; i++) {
            bool is_letter = rand_below(&rand, 4) < letters;

            text[i] =
                (char)(is_letter ? 'A' + (int)rand_below(&rand, 2) * 32 + (int)rand_below(&rand, 26)
                                 : (int)rand_below(&rand, 256));
        }
        exact = malloc(len + 1); /* of its size but one: a sanitizer sees who reads on */
        memcpy(exact + 1, text, len);
        expect_naive(slice_of(exact + 1, len));
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_is_one_of_52_bytes),
        cmocka_unit_test(words_cross_steps),
        cmocka_unit_test(every_second_byte_may_be_a_word),
        cmocka_unit_test(words_of_random_bytes_are_the_naive_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
