#include "record/sort_kit.h"

#include "base/bytes.h"
#include "fault/fault.h"
#include "record/key.h"
#include "record/sortbuf.h"
#include "record/value.h"

#include <errno.h>

/* All of a sorted buffer, its placed keys taken apart. */
static void read_all(struct sortbuf *buf, struct kit_list *got)
{
    struct cursor *cursor = sortbuf_sort(buf, (struct pulse){0});
    struct slice value;
    struct err err;
    int rc;

    while ((rc = cursor_next(cursor, &err)) == 1) {
        assert_int_equal(cursor_value(cursor, &value, &err), 0);
        kit_add(got, get_u32be(cursor->key.ptr), slice_of(cursor->key.ptr + 4, cursor->key.len - 4),
                value);
    }
    assert_int_equal(rc, 0);
}

static void records_come_out_in_the_order_of_a_naive_stable_sort(void **state)
{
    struct rand rand = kit_rand("sortbuf");

    (void)state;
    for (int round = 0; round < 50; round++) {
        struct kit_list list = {0}, got = {0};
        struct sortbuf buf;
        struct err err;
        char key[40], value[30];
        size_t key_max = 1 + (size_t)rand_below(&rand, sizeof key);
        uint32_t partitions = 1 + (uint32_t)rand_below(&rand, 5);

        assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_NONE, &err), 0);
        for (uint64_t n = rand_below(&rand, 3000); n > 0; n--) {
            uint32_t partition = (uint32_t)rand_below(&rand, partitions);
            struct slice k = kit_bytes(&rand, key, key_max);
            struct slice v = kit_bytes(&rand, value, sizeof value);

            if (!sortbuf_add(&buf, partition, k, v))
                break;
            kit_add(&list, partition, k, v);
        }
        kit_sort(&list);
        read_all(&buf, &got);
        kit_assert_equal(&got, &list);
        sortbuf_deinit(&buf);
        kit_clear(&list);
        kit_clear(&got);
    }
}

static void a_full_buffer_takes_nothing_until_it_is_cleared(void **state)
{
    struct sortbuf buf;
    struct err err;
    char value[100] = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_NONE, &err), 0);
    for (int round = 0; round < 2; round++) {
        struct kit_list got = {0};

        for (count = 0; sortbuf_add(&buf, 0, slice_of("k", 1), slice_of(value, 100)); count++)
            ;
        assert_int_equal(count, SORTBUF_BYTES_MIN / (16 + 8 + 4 + 1 + 100)); /* entries included */
        assert_false(sortbuf_add(&buf, 0, slice_of("k", 1), slice_of(value, 100)));
        read_all(&buf, &got);
        assert_int_equal(got.count, count);
        sortbuf_clear(&buf);
        kit_clear(&got);
    }
    sortbuf_deinit(&buf);
}

static struct slice integer(char out[VALUE_NUMBER_BYTES_MAX], int64_t number)
{
    return slice_of(out, value_encode_integer(out, number));
}

static void numbers_fold_into_one_record_per_key(void **state)
{
    struct kit_list got = {0};
    struct sortbuf buf;
    struct err err;
    char number[VALUE_NUMBER_BYTES_MAX];

    (void)state;
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_SUM, &err), 0);
    for (int i = 0; i < 100000; i++) { /* far more than would fit one by one */
        char key = (char)('a' + i % 10);

        assert_true(sortbuf_add(&buf, (uint32_t)i % 2, slice_of(&key, 1), integer(number, i % 3)));
    }
    read_all(&buf, &got);
    assert_int_equal(got.count, 10);
    for (size_t i = 0; i < 10; i++) {
        int64_t sum = 0;

        for (int j = 0; j < 100000; j++)
            if (got.records[i].key.ptr[0] == 'a' + j % 10)
                sum += j % 3;
        kit_assert_slice(got.records[i].value, integer(number, sum));
    }
    sortbuf_deinit(&buf);
    kit_clear(&got);
}

/* Goal: what cannot fold stays where it was emitted: 1 2 "x" 3 4 is 3 "x" 7. */
static void what_is_no_number_keeps_its_place(void **state)
{
    struct kit_list got = {0};
    struct sortbuf buf;
    struct err err;
    char number[VALUE_NUMBER_BYTES_MAX];
    char text[] = "\xff not a value";

    (void)state;
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_SUM, &err), 0);
    sortbuf_add(&buf, 0, slice_of("k", 1), integer(number, 1));
    sortbuf_add(&buf, 0, slice_of("k", 1), integer(number, 2));
    sortbuf_add(&buf, 0, slice_of("k", 1), slice_of_string(text));
    sortbuf_add(&buf, 0, slice_of("k", 1), integer(number, 3));
    sortbuf_add(&buf, 0, slice_of("k", 1), integer(number, 4));
    read_all(&buf, &got);
    assert_int_equal(got.count, 3);
    kit_assert_slice(got.records[0].value, integer(number, 3));
    kit_assert_slice(got.records[1].value, slice_of_string(text));
    kit_assert_slice(got.records[2].value, integer(number, 7));
    sortbuf_deinit(&buf);
    kit_clear(&got);
}

enum {
    TEXT_BUF_BYTES = 1024 * 1024, /* in a tiny build too */
    TEXT_KEYS_MAX = 8000,         /* of at most 40 bytes: they fit */
};

enum way { BY_ADD, BY_TEXT, BY_LOOKUP, WAY_COUNT };

static bool fold_by(enum way way, struct sortbuf *buf, struct slice text, int64_t number)
{
    struct sortbuf_lookup lookup;

    if (way != BY_LOOKUP)
        return way == BY_TEXT && sortbuf_fold_text(buf, text, number);
    sortbuf_look_up(buf, &text, 1, &lookup);
    return sortbuf_fold_lookup(buf, &lookup, number);
}

/* Adds the number to the string key `text`. */
static void add_text(struct sortbuf *buf, struct slice text, int64_t number, enum way way)
{
    char bytes[VALUE_NUMBER_BYTES_MAX];
    struct buf key = {0};
    struct err err;

    if (fold_by(way, buf, text, number))
        return;
    assert_int_equal(key_encode_string(&key, text, &err), 0);
    assert_true(sortbuf_add(buf, (uint32_t)text.len % 3, buf_slice(&key), integer(bytes, number)));
    buf_deinit(&key);
}

/* Goal: sortbuf_fold_text() and sortbuf_fold_lookup() are sortbuf_add() of the same, encoded, for
 * every built-in and text. */
static void a_text_folds_as_its_encoded_key_does(void **state)
{
    static const enum builtin builtins[] = {BUILTIN_SUM, BUILTIN_MIN, BUILTIN_MAX};
    struct rand rand = kit_rand("sortbuf fold text");

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct kit_list got = {0}, wanted = {0};
        struct sortbuf counting, adding;
        struct err err;
        char bytes[40];

        assert_int_equal(sortbuf_init(&counting, TEXT_BUF_BYTES, builtins[i], &err), 0);
        assert_int_equal(sortbuf_init(&adding, TEXT_BUF_BYTES, builtins[i], &err), 0);
        for (int n = 0; n < 20000; n++) {
            size_t len_max = rand_below(&rand, 9) ? 2 : sizeof bytes;
            struct slice text = kit_bytes(&rand, bytes, len_max);
            int64_t number = (int64_t)rand_below(&rand, 1000) - 500;

            add_text(&counting, text, number, (enum way)rand_below(&rand, WAY_COUNT));
            add_text(&adding, text, number, BY_ADD);
            if (adding.entry_count == TEXT_KEYS_MAX)
                break;
        }
        read_all(&counting, &got);
        read_all(&adding, &wanted);
        kit_assert_equal(&got, &wanted);
        sortbuf_deinit(&counting);
        sortbuf_deinit(&adding);
        kit_clear(&got);
        kit_clear(&wanted);
    }
}

/* Goal: sortbuf_fold_ones() is sortbuf_fold_text() of 1 so many times: a float is rounded at each.
 */
static void ones_fold_as_one_by_one(void **state)
{
    static const double starts[] = {0.0, 0.1, 9007199254740992.0, -9007199254740994.0};
    struct slice text = slice_of_string("k"), key = slice_of_string("sk");
    char bytes[VALUE_NUMBER_BYTES_MAX];
    struct err err;

    (void)state;
    for (size_t i = 0; i < 1 + sizeof starts / sizeof *starts; i++) {
        struct kit_list got = {0}, wanted = {0};
        struct sortbuf at_once, one_by_one;
        struct slice start = integer(bytes, INT64_MAX - 5); /* and over its end */

        if (i > 0)
            start = slice_of(bytes, value_encode_number(bytes, starts[i - 1]));
        assert_int_equal(sortbuf_init(&at_once, SORTBUF_BYTES_MIN, BUILTIN_SUM, &err), 0);
        assert_int_equal(sortbuf_init(&one_by_one, SORTBUF_BYTES_MIN, BUILTIN_SUM, &err), 0);
        assert_true(sortbuf_add(&at_once, 0, key, start));
        assert_true(sortbuf_add(&one_by_one, 0, key, start));
        assert_true(sortbuf_fold_ones(&at_once, text, 11));
        for (int n = 0; n < 11; n++)
            assert_true(sortbuf_fold_text(&one_by_one, text, 1));
        read_all(&at_once, &got);
        read_all(&one_by_one, &wanted);
        kit_assert_equal(&got, &wanted);
        sortbuf_deinit(&at_once);
        sortbuf_deinit(&one_by_one);
        kit_clear(&got);
        kit_clear(&wanted);
    }
}

/* Goal: what is not there is not made up: no key, a value that is no number, no folding. */
static void a_text_folds_only_into_a_number(void **state)
{
    struct slice text = slice_of_string("k");
    struct sortbuf buf;
    struct err err;
    char number[VALUE_NUMBER_BYTES_MAX];

    (void)state;
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_SUM, &err), 0);
    assert_false(sortbuf_fold_text(&buf, text, 1) || sortbuf_fold_ones(&buf, text, 2));
    sortbuf_add(&buf, 0, slice_of_string("tk"), integer(number, 1)); /* a tuple, not the string */
    assert_false(sortbuf_fold_text(&buf, text, 1) || sortbuf_fold_ones(&buf, text, 2));
    sortbuf_add(&buf, 0, slice_of_string("sk"), slice_of_string("\xff"));
    assert_false(sortbuf_fold_text(&buf, text, 1) || sortbuf_fold_ones(&buf, text, 2));
    sortbuf_add(&buf, 0, slice_of_string("sk"), integer(number, 1));
    assert_true(sortbuf_fold_text(&buf, text, 1));
    sortbuf_clear(&buf);
    assert_false(sortbuf_fold_text(&buf, text, 1) || sortbuf_fold_ones(&buf, text, 2));
    sortbuf_deinit(&buf);
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_NONE, &err), 0);
    sortbuf_add(&buf, 0, slice_of_string("sk"), integer(number, 1));
    assert_false(sortbuf_fold_text(&buf, text, 1) || sortbuf_fold_ones(&buf, text, 2));
    sortbuf_deinit(&buf);
}

/* Goal: texts around the length of a head, which differ in one byte, are different keys. */
static void a_text_is_told_from_all_that_are_like_it(void **state)
{
    char text[2 * TEXT_HEAD_BYTES + TEXT_HEAD_BYTES];
    struct kit_list got = {0};
    struct sortbuf buf;
    struct err err;
    size_t count = 0;

    (void)state;
    assert_int_equal(sortbuf_init(&buf, TEXT_BUF_BYTES, BUILTIN_SUM, &err), 0);
    for (int round = 0; round < WAY_COUNT; round++) {
        for (size_t len = 0; len <= TEXT_HEAD_BYTES + 2; len++) {
            for (size_t at = 0; at <= len; at++) {
                memset(text, 0, sizeof text); /* at == len: a byte that is not the text's */
                text[at] = 'x';
                add_text(&buf, slice_of(text, len), 1, (enum way)round);
                count += round == 0;
            }
        }
    }
    read_all(&buf, &got);
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < count; i++)
        kit_assert_slice(got.records[i].value, slice_of("\x03", 1));
    sortbuf_deinit(&buf);
    kit_clear(&got);
}

/* Goal: the table grows, is full at some point, and loses no key on the way. */
static void every_distinct_key_is_found_again(void **state)
{
    struct kit_list got = {0};
    struct sortbuf buf;
    struct err err;
    char number[VALUE_NUMBER_BYTES_MAX];
    uint32_t count = 0;

    (void)state;
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_SUM, &err), 0);
    while (sortbuf_add(&buf, 0, slice_of(&count, sizeof count), integer(number, 1)))
        count++;
    assert_true(count > SORTBUF_BYTES_MIN / 100);
    for (uint32_t i = 0; i < count; i++)
        assert_true(sortbuf_add(&buf, 0, slice_of(&i, sizeof i), integer(number, 1)));
    read_all(&buf, &got);
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < count; i++)
        kit_assert_slice(got.records[i].value, integer(number, 2));
    sortbuf_deinit(&buf);
    kit_clear(&got);
}

static void no_memory_is_an_error_of_the_setup(void **state)
{
    struct sortbuf buf;
    struct err err = {0};

    (void)state;
    fault_arm(FAULT_ALLOC, 0, ENOMEM);
    assert_int_equal(sortbuf_init(&buf, SORTBUF_BYTES_MIN, BUILTIN_NONE, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_SETUP);
    sortbuf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_in_the_order_of_a_naive_stable_sort),
        cmocka_unit_test(a_full_buffer_takes_nothing_until_it_is_cleared),
        cmocka_unit_test(numbers_fold_into_one_record_per_key),
        cmocka_unit_test(what_is_no_number_keeps_its_place),
        cmocka_unit_test(a_text_folds_as_its_encoded_key_does),
        cmocka_unit_test(ones_fold_as_one_by_one),
        cmocka_unit_test(a_text_folds_only_into_a_number),
        cmocka_unit_test(a_text_is_told_from_all_that_are_like_it),
        cmocka_unit_test(every_distinct_key_is_found_again),
        cmocka_unit_test(no_memory_is_an_error_of_the_setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
