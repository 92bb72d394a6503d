/* Heads against bytes copied one by one. */
#include "test.h"

#include "record/text_head.h"

#include "seed.h"

#include <stdlib.h>

static struct text_head copied_head(struct slice text)
{
    char bytes[TEXT_HEAD_BYTES] = {0};

    memcpy(bytes, text.ptr, text.len < TEXT_HEAD_BYTES ? text.len : TEXT_HEAD_BYTES);
    return (struct text_head){get_u64le(bytes), get_u64le(bytes + 8)};
}

/* `len` random bytes with nothing behind them that may be read. */
static char *random_bytes(struct rand *rand, size_t len)
{
    char *bytes = malloc(len > 0 ? len : 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)rand_next(rand);
    return bytes;
}

static void a_head_is_the_first_bytes(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    for (size_t len = 0; len <= TEXT_HEAD_BYTES + 3; len++) {
        char *bytes = random_bytes(&rand, len);
        struct slice text = slice_of(bytes, len);

        assert_true(text_head_equal(text_head(text), copied_head(text)));
        free(bytes);
    }
}

/* Goal: at each place of texts of each length, the shortest too. */
static void a_head_within_a_text_is_the_same(void **state)
{
    struct rand rand = seed_rand();

    (void)state;
    for (size_t all = 8; all <= 40; all++) {
        char *bytes = random_bytes(&rand, all);

        for (size_t from = 0; from < all; from++)
            for (size_t len = 1; len < TEXT_HEAD_BYTES && from + len <= all; len++) {
                struct slice text = slice_of(bytes + from, len);

                assert_true(text_head_equal(text_head_within(text, bytes + all), text_head(text)));
            }
        free(bytes);
    }
}

static void a_head_with_its_length_is_the_text(void **state)
{
    struct rand rand = seed_rand();
    char written[TEXT_HEAD_BYTES];

    (void)state;
    for (size_t len = 0; len < TEXT_HEAD_BYTES; len++) {
        char *bytes = random_bytes(&rand, len);
        struct text_head head = text_head_with_length(slice_of(bytes, len));

        assert_true(slice_equal(text_head_write(head, written), slice_of(bytes, len)));
        free(bytes);
    }
}

/* Goal: zeros at the end are bytes like others. */
static void texts_of_zeros_differ_by_length(void **state)
{
    static const char zeros[TEXT_HEAD_BYTES];

    (void)state;
    for (size_t a = 0; a < TEXT_HEAD_BYTES; a++)
        for (size_t b = 0; b < TEXT_HEAD_BYTES; b++)
            assert_int_equal(text_head_equal(text_head_with_length(slice_of(zeros, a)),
                                             text_head_with_length(slice_of(zeros, b))),
                             a == b);
    assert_false(text_head_equal(text_head_with_length(slice_of(zeros, 0)), (struct text_head){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_the_first_bytes),
        cmocka_unit_test(a_head_within_a_text_is_the_same),
        cmocka_unit_test(a_head_with_its_length_is_the_text),
        cmocka_unit_test(texts_of_zeros_differ_by_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
