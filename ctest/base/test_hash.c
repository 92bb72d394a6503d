#include "base/hash.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

/* RFC 3720, appendix B.4, and the check value of the CRC catalogues. */
static void crc32c_answers_the_published_vectors(void **state)
{
    unsigned char bytes[32];

    (void)state;
    assert_int_equal(crc32c(0, "", 0), 0);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned char i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
}

static void crc32c_goes_on_from_where_it_was(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= 9; cut++)
        assert_int_equal(crc32c(crc32c(0, "123456789", cut), &"123456789"[cut], 9 - cut),
                         0xe3069283);
}

static void sums_of_two_texts_combine_to_that_of_both(void **state)
{
    static char text[3000];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 31 + i / 7);
    for (size_t cut = 0; cut <= sizeof text; cut += cut < 70 || cut > 2930 ? 1 : 97)
        assert_int_equal(crc32c_combine(crc32c(0, text, cut),
                                        crc32c(0, text + cut, sizeof text - cut),
                                        sizeof text - cut),
                         crc32c(0, text, sizeof text));
}

/* As if a text of zeros lay behind it: the sums of the zeros are doubled up to that length. */
static void a_sum_is_moved_beyond_four_gigabytes(void **state)
{
    uint32_t first = crc32c(0, "a", 1), zeros = crc32c(0, "\0", 1), way = first;

    (void)state;
    for (uint64_t len = 1; len < 1ULL << 40; len *= 2) {
        way = crc32c_combine(way, zeros, len);
        zeros = crc32c_combine(zeros, zeros, len);
    }
    /* 1 + 2 + 4 + ... zeros, in 40 steps and in one. */
    {
        uint32_t all = 0, one = crc32c(0, "\0", 1), power = one;

        for (uint64_t len = 1; len < 1ULL << 40; len *= 2) {
            all = crc32c_combine(all, power, len);
            power = crc32c_combine(power, power, len);
        }
        assert_int_equal(crc32c_combine(first, all, (1ULL << 40) - 1), way);
    }
}

static void crc32c_finds_every_flipped_bit(void **state)
{
    char bytes[64] = "what is stored or sent";
    uint32_t crc = crc32c(0, bytes, sizeof bytes);

    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_not_equal(crc32c(0, bytes, sizeof bytes), crc);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
}

/* These decide partitions, so they stand in everybody's output: they must never change. */
static void hash64_is_what_it_always_was(void **state)
{
    (void)state;
    assert_int_equal(hash64(slice_of_string("")), 0x2d06800538d394c2);
    assert_int_equal(hash64(slice_of_string("word")), 0xe3ce369cf66c5c55);
    assert_int_equal(hash64_seeded(slice_of_string("word"), 7), 0x71c52c93f31338ba);
}

struct pair {
    uint32_t partition;
    const char *key, *value;
};

static struct digest digest_of(const struct pair *pairs, size_t count)
{
    struct digest digest = {0};

    for (size_t i = 0; i < count; i++)
        digest_add_record(&digest, pairs[i].partition, slice_of_string(pairs[i].key),
                          slice_of_string(pairs[i].value));
    return digest;
}

static bool same(struct digest a, struct digest b)
{
    return digest_equal(&a, &b);
}

static void a_digest_does_not_depend_on_order(void **state)
{
    struct pair there[] = {{0, "a", "1"}, {0, "b", "2"}, {1, "a", "3"}, {0, "a", "1"}};
    struct pair back[] = {{0, "a", "1"}, {1, "a", "3"}, {0, "b", "2"}, {0, "a", "1"}};

    (void)state;
    assert_true(same(digest_of(there, 4), digest_of(back, 4)));
    assert_int_equal(digest_of(there, 4).record_count, 4);
}

static void a_digest_sees_every_field_and_every_boundary(void **state)
{
    struct pair pair = {0, "ab", "c"}, moved = {0, "a", "bc"}, other_partition = {1, "ab", "c"};
    struct pair other_value = {0, "ab", "d"}, swapped = {0, "c", "ab"};
    struct pair twice[] = {{0, "ab", "c"}, {0, "ab", "c"}};

    (void)state;
    assert_false(same(digest_of(&pair, 1), digest_of(&moved, 1)));
    assert_false(same(digest_of(&pair, 1), digest_of(&other_partition, 1)));
    assert_false(same(digest_of(&pair, 1), digest_of(&other_value, 1)));
    assert_false(same(digest_of(&pair, 1), digest_of(&swapped, 1)));
    assert_false(same(digest_of(twice, 1), digest_of(twice, 2)));
    assert_false(same(digest_of(twice, 0), digest_of(twice, 1)));
}

static uint64_t key_hash(uint32_t partition, const char *key, const char *value)
{
    struct digest digest = {0};

    return digest_add_record(&digest, partition, slice_of_string(key), slice_of_string(value));
}

static void a_digest_answers_a_hash_of_key_and_partition_alone(void **state)
{
    (void)state;
    assert_true(key_hash(3, "a", "1") == key_hash(3, "a", "2"));
    assert_true(key_hash(3, "a", "1") != key_hash(3, "b", "1"));
    assert_true(key_hash(3, "a", "1") != key_hash(4, "a", "1"));
}

/* Values of two records exchanged: each field is seen somewhere, but not with its key. */
static void a_digest_sees_values_that_changed_places(void **state)
{
    struct pair right[] = {{0, "a", "1"}, {0, "b", "2"}};
    struct pair wrong[] = {{0, "a", "2"}, {0, "b", "1"}};

    (void)state;
    assert_false(same(digest_of(right, 2), digest_of(wrong, 2)));
}

/* The low half overflows often enough in 64 records for the carry to be needed. */
static void digests_of_parts_add_up(void **state)
{
    struct digest whole = {0}, parts[3] = {0}, sum = {0};

    (void)state;
    for (char i = 0; i < 64; i++) {
        digest_add_record(&whole, 0, slice_of(&i, 1), slice_of_string("v"));
        digest_add_record(&parts[i % 3], 0, slice_of(&i, 1), slice_of_string("v"));
    }
    for (int i = 0; i < 3; i++)
        digest_add(&sum, &parts[i]);
    assert_true(same(whole, sum));
    assert_int_equal(sum.record_count, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_answers_the_published_vectors),
        cmocka_unit_test(crc32c_goes_on_from_where_it_was),
        cmocka_unit_test(sums_of_two_texts_combine_to_that_of_both),
        cmocka_unit_test(a_sum_is_moved_beyond_four_gigabytes),
        cmocka_unit_test(crc32c_finds_every_flipped_bit),
        cmocka_unit_test(hash64_is_what_it_always_was),
        cmocka_unit_test(a_digest_does_not_depend_on_order),
        cmocka_unit_test(a_digest_sees_every_field_and_every_boundary),
        cmocka_unit_test(a_digest_answers_a_hash_of_key_and_partition_alone),
        cmocka_unit_test(a_digest_sees_values_that_changed_places),
        cmocka_unit_test(digests_of_parts_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
