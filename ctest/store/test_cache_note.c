#include "store/cache_note.h"

#include "test.h"

#include <string.h>

static bool decodes(struct slice bytes, const char *expected)
{
    struct buf text = {0};
    bool is_good = cache_note_decode(bytes, &text);

    assert_string_equal(buf_string(&text), is_good ? expected : "");
    buf_deinit(&text);
    return is_good;
}

static void a_note_is_what_was_written(void **state)
{
    struct buf bytes = {0};

    (void)state;
    cache_note_encode(&bytes, slice_of_string("a text"));
    assert_int_equal(bytes.len, CACHE_NOTE_HEAD_BYTES + 6);
    assert_memory_equal(bytes.ptr, "MRN1\6\0\0\0", 8);
    assert_true(decodes(buf_slice(&bytes), "a text"));
    buf_clear(&bytes);
    cache_note_encode(&bytes, slice_of_string(""));
    assert_true(decodes(buf_slice(&bytes), ""));
    buf_deinit(&bytes);
}

static void a_note_with_any_bit_flipped_or_cut_anywhere_is_none(void **state)
{
    struct buf bytes = {0};

    (void)state;
    cache_note_encode(&bytes, slice_of_string("a text"));
    for (size_t i = 0; i < bytes.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes.ptr[i] = (char)(bytes.ptr[i] ^ (1 << bit));
            assert_false(decodes(buf_slice(&bytes), ""));
            bytes.ptr[i] = (char)(bytes.ptr[i] ^ (1 << bit));
        }
        assert_false(decodes(slice_of(bytes.ptr, i), ""));
    }
    buf_append(&bytes, "x", 1);
    assert_false(decodes(buf_slice(&bytes), ""));
    buf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_is_what_was_written),
        cmocka_unit_test(a_note_with_any_bit_flipped_or_cut_anywhere_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
