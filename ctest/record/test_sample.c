#include "record/sample.h"

#include "base/buf.h"
#include "record/key.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static void add(struct sample *sample, const char *text, size_t value_bytes)
{
    struct buf key = {0};
    struct err err;

    assert_int_equal(key_encode_string(&key, slice_of_string(text), &err), 0);
    assert_int_equal(sample_add(sample, buf_slice(&key), value_bytes, &err), 0);
    buf_deinit(&key);
}

static void assert_cut(struct slice cut, const char *text)
{
    struct slice string = {0};

    assert_true(key_string(cut, &string));
    assert_true(slice_equal(string, slice_of_string(text)));
}

static void a_record_weighs_its_bytes(void **state)
{
    struct sample *sample = sample_open(&(struct sample_options){.partition_count = 2});
    struct slice cuts[1];

    (void)state;
    sample_begin(sample, 100, 100);
    add(sample, "d", 30);
    add(sample, "a", 1);
    add(sample, "b", 1);
    add(sample, "c", 1);
    assert_false(sample_has_read(sample, 100));
    sample_end(sample);
    assert_int_equal(sample_cut(sample, cuts), 1);
    assert_cut(cuts[0], "d");
    sample_close(sample);
}

static void sample_two_of(struct sample *sample, const char *first, const char *second)
{
    add(sample, first, 8);
    assert_false(sample_has_read(sample, 50));
    add(sample, second, 8);
}

/* Two pieces with as many records: one was read whole, and of the other a tenth. */
static void what_was_read_in_part_stands_for_the_rest(void **state)
{
    (void)state;
    for (int early = 0; early < 2; early++) {
        struct sample *sample = sample_open(&(struct sample_options){.partition_count = 2});
        uint64_t share = early ? 1000 : 100;
        struct slice cuts[1];

        sample_begin(sample, share, share);
        sample_two_of(sample, "a", "b");
        sample_end(sample);
        sample_begin(sample, 10 * share, 100 * share);
        sample_two_of(sample, "c", "d");
        if (early) {
            assert_false(sample_has_read(sample, 50));
            sample_end_early(sample); /* 100 bytes of 10,000 */
        } else {
            assert_true(sample_has_read(sample, 950)); /* 1,000 of 10,000 */
            sample_end(sample);
        }
        assert_int_equal(sample_cut(sample, cuts), 1);
        assert_cut(cuts[0], early ? "d" : "c");
        sample_close(sample);
    }
}

static void what_comes_at_the_end_stands_for_all(void **state)
{
    struct sample *sample = sample_open(&(struct sample_options){.partition_count = 2});
    struct slice cuts[1];

    (void)state;
    for (int i = 0; i < 10; i++) {
        sample_begin(sample, 1000, 10);
        sample_end(sample);
    }
    sample_begin_rest(sample);
    sample_two_of(sample, "a", "b");
    sample_end(sample);
    assert_int_equal(sample_cut(sample, cuts), 1);
    assert_cut(cuts[0], "b");
    sample_close(sample);
}

/* Goal: no piece takes the room of another. Method: the first emits without end. */
static void each_piece_has_its_part_of_the_limits(void **state)
{
    struct sample_options options = {.partition_count = 2, .piece_count = 10};
    struct sample *sample = sample_open(&options);
    struct slice cuts[1];
    char text[16];

    (void)state;
    sample_begin(sample, 100, 100);
    for (int i = 0; i < SAMPLE_KEYS_MAX; i++) {
        assert_int_equal(sample_has_read(sample, 0), i >= SAMPLE_KEYS_MAX / 10);
        snprintf(text, sizeof text, "a%07d", i);
        add(sample, text, 0);
    }
    sample_end(sample);
    sample_begin(sample, 100, 100);
    assert_false(sample_has_read(sample, 0));
    for (int i = 0; i < SAMPLE_KEYS_MAX / 10; i++) {
        snprintf(text, sizeof text, "b%07d", i);
        add(sample, text, 0);
    }
    assert_true(sample_has_read(sample, 0));
    sample_end(sample);
    assert_int_equal(sample_cut(sample, cuts), 1);
    assert_cut(cuts[0], "b");
    sample_close(sample);
}

static void long_keys_fill_a_piece_too(void **state)
{
    struct sample *sample =
        sample_open(&(struct sample_options){.partition_count = 2, .piece_count = 128});
    size_t limit = SAMPLE_KEY_BYTES_MAX / 128;
    char *key = calloc(1, limit);
    struct err err;

    (void)state;
    key[0] = KEY_STRING_TAG;
    sample_begin(sample, 1, 1);
    assert_int_equal(sample_add(sample, slice_of(key, limit - 1), 0, &err), 0);
    assert_false(sample_has_read(sample, 0));
    assert_int_equal(sample_add(sample, slice_of(key, 1), 0, &err), 0);
    assert_true(sample_has_read(sample, 0));
    sample_close(sample);
    free(key);
}

static void add_tuple(struct sample *sample, const char *first, int64_t second)
{
    struct buf key = {0};
    struct key_writer writer;
    struct err err;

    key_writer_init(&writer, &key);
    key_write_tuple_begin(&writer);
    key_write_string(&writer, slice_of_string(first));
    key_write_integer(&writer, second);
    key_write_tuple_end(&writer);
    assert_int_equal(key_writer_end(&writer, &err), 0);
    assert_int_equal(sample_add(sample, buf_slice(&key), 0, &err), 0);
    buf_deinit(&key);
}

static void a_group_is_never_cut(void **state)
{
    struct sample_options options = {.partition_count = 4, .group_parts = 1};
    struct sample *sample = sample_open(&options);
    struct slice cuts[3];

    (void)state;
    sample_begin(sample, 1, 1);
    for (int i = 0; i < 100; i++)
        add_tuple(sample, "same", i);
    sample_end(sample);
    assert_int_equal(sample_cut(sample, cuts), 0);
    sample_close(sample);
}

static void what_is_no_key_is_refused(void **state)
{
    struct sample_options options = {.partition_count = 2, .group_parts = 1};
    struct sample *sample = sample_open(&options);
    struct err err = {0};

    (void)state;
    assert_int_equal(sample_add(sample, slice_of_string("t?"), 0, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    sample_close(sample);
    sample_close(NULL);
}

static void shares_of_any_size_are_weighed(void **state)
{
    struct sample *sample = sample_open(&(struct sample_options){.partition_count = 2});
    struct slice cuts[1];

    (void)state;
    sample_begin(sample, UINT64_MAX, 0);
    add(sample, "a", SIZE_MAX / 2);
    add(sample, "b", 1);
    sample_end(sample);
    sample_begin(sample, 0, UINT64_MAX);
    add(sample, "c", 1);
    sample_end(sample);
    assert_int_equal(sample_cut(sample, cuts), 1);
    assert_cut(cuts[0], "b");
    sample_close(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_weighs_its_bytes),
        cmocka_unit_test(what_was_read_in_part_stands_for_the_rest),
        cmocka_unit_test(what_comes_at_the_end_stands_for_all),
        cmocka_unit_test(each_piece_has_its_part_of_the_limits),
        cmocka_unit_test(long_keys_fill_a_piece_too),
        cmocka_unit_test(a_group_is_never_cut),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(shares_of_any_size_are_weighed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
