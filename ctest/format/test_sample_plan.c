#include "format/sample_plan.h"

#include "seed.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define GIB (1024ULL * 1024 * 1024)

static struct sample_piece pieces[SAMPLE_PIECE_COUNT_MAX];

static uint32_t plan_one(const char *name, uint64_t bytes, enum reader_kind reader)
{
    struct sample_file file = {name, bytes, false, reader};

    return sample_plan(&file, 1, pieces);
}

static void little_input_is_read_whole(void **state)
{
    struct sample_file files[] = {{"a", 10, false, READER_LINES},
                                  {"b", 0, false, READER_LINES},
                                  {"c", SAMPLE_PIECE_BYTES + 1, false, READER_LINES}};
    uint32_t count = sample_plan(files, 3, pieces);

    (void)state;
    assert_int_equal(count, 3);
    assert_int_equal(pieces[0].length, 10);
    assert_int_equal(pieces[1].file_index, 2);
    assert_int_equal(pieces[2].offset, SAMPLE_PIECE_BYTES);
    assert_int_equal(pieces[2].length, 1);
    assert_int_equal(pieces[2].share_bytes, 1);
    assert_int_equal(plan_one("a", SAMPLE_BYTES, READER_LINES), SAMPLE_STRATUM_COUNT);
    assert_int_equal(pieces[SAMPLE_STRATUM_COUNT - 1].offset, SAMPLE_BYTES - SAMPLE_PIECE_BYTES);
    assert_int_equal(plan_one("a", 0, READER_LINES), 0);
    assert_int_equal(sample_plan(files, 0, pieces), 0);
}

static void much_input_is_read_at_places_all_over_it(void **state)
{
    uint64_t stratum = 100 * GIB / SAMPLE_STRATUM_COUNT;

    (void)state;
    assert_int_equal(plan_one("a", 100 * GIB, READER_LINES), SAMPLE_STRATUM_COUNT);
    for (uint32_t i = 0; i < SAMPLE_STRATUM_COUNT; i++) {
        assert_in_range(pieces[i].offset, i * stratum, (i + 1) * stratum);
        assert_int_equal(pieces[i].share_bytes, SAMPLE_PIECE_BYTES);
        assert_in_range(pieces[i].length, 1, SAMPLE_PIECE_BYTES);
    }
}

static void the_same_input_is_read_at_the_same_places(void **state)
{
    struct sample_piece before[SAMPLE_PIECE_COUNT_MAX];

    (void)state;
    plan_one("a", 100 * GIB, READER_LINES);
    memcpy(before, pieces, sizeof before);
    plan_one("renamed", 100 * GIB, READER_LINES);
    for (uint32_t i = 0; i < SAMPLE_STRATUM_COUNT; i++) {
        assert_int_equal(before[i].offset, pieces[i].offset);
        assert_int_equal(before[i].length, pieces[i].length);
    }
}

static void what_cannot_be_cut_is_read_from_its_start_for_all_of_it(void **state)
{
    struct sample_file files[] = {{"a.gz", GIB, false, READER_LINES},
                                  {"b", GIB, false, READER_LINES}};

    (void)state;
    assert_int_equal(plan_one("a.gz", GIB, READER_LINES), 1);
    assert_int_equal(pieces[0].offset, 0);
    assert_int_equal(pieces[0].length, GIB);
    assert_int_equal(pieces[0].share_bytes, SAMPLE_BYTES);
    assert_int_equal(sample_plan(files, 2, pieces), 1 + SAMPLE_STRATUM_COUNT / 2);
    assert_int_equal(pieces[0].share_bytes, SAMPLE_BYTES / 2);
    assert_int_equal(plan_one("a", GIB, READER_RUN), 1);
    files[0] = (struct sample_file){"a", GIB, true,
                                    READER_LINES}; /* an object that is gzip, whatever its name */
    assert_int_equal(sample_plan(files, 1, pieces), 1);
}

static void whole_files_are_few_enough_to_read(void **state)
{
    static struct sample_file files[1000];
    uint64_t bytes = 0;
    uint32_t count;

    (void)state;
    for (int i = 0; i < 1000; i++)
        files[i] = (struct sample_file){"a", READER_FILE_BYTES_MAX, false, READER_FILE};
    count = sample_plan(files, 1000, pieces);
    for (uint32_t i = 0; i < count; i++)
        bytes += pieces[i].length;
    assert_int_equal(bytes, SAMPLE_FILE_BYTES_MAX);
    assert_int_equal(plan_one("a", 10 * GIB, READER_FILE),
                     1); /* its map will say it is too large */
}

/* Files that are one record each are few; what is cut is read at as many places as ever. */
static void each_file_is_read_its_own_way(void **state)
{
    static struct sample_file files[101];
    uint64_t whole_bytes = 0;
    uint32_t count, cut_count = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        files[i] = (struct sample_file){"a", READER_FILE_BYTES_MAX, false, READER_FILE};
    files[100] = (struct sample_file){"b", 100 * GIB, false, READER_LINES};
    count = sample_plan(files, 101, pieces);
    for (uint32_t i = 0; i < count; i++) {
        bool is_whole = pieces[i].file_index < 100;

        whole_bytes += is_whole ? pieces[i].length : 0;
        cut_count += !is_whole;
        assert_int_equal(pieces[i].length, is_whole ? READER_FILE_BYTES_MAX : SAMPLE_PIECE_BYTES);
    }
    assert_in_range(whole_bytes, READER_FILE_BYTES_MAX, SAMPLE_FILE_BYTES_MAX);
    assert_in_range(cut_count, SAMPLE_STRATUM_COUNT / 2, SAMPLE_STRATUM_COUNT);
    files[100].reader = READER_RUN; /* from its start, for all that falls on it */
    count = sample_plan(files, 101, pieces);
    assert_int_equal(pieces[count - 1].file_index, 100);
    assert_int_equal(pieces[count - 1].offset, 0);
}

static void many_files_are_within_the_limits(void **state)
{
    enum { COUNT = 100000 };
    struct sample_file *files = calloc(COUNT, sizeof *files);
    char *name = calloc(1, 4096);
    uint32_t count;

    (void)state;
    memset(name, 'x', 4095);
    for (int i = 0; i < COUNT; i++)
        files[i] = (struct sample_file){"a", 2, false, READER_LINES};
    count = sample_plan(files, COUNT, pieces);
    assert_in_range(count, SAMPLE_STRATUM_COUNT / 2, SAMPLE_PIECE_COUNT_MAX);
    for (int i = 0; i < COUNT; i++)
        files[i].name = name;
    assert_int_equal(sample_plan(files, COUNT, pieces), SAMPLE_NAME_BYTES_MAX / 4095);
    free(files);
    free(name);
}

/* Pieces are in order, within their files, and no byte is in two of them. */
static void check(const struct sample_file *files, size_t file_count, uint32_t count)
{
    assert_true(count <= SAMPLE_PIECE_COUNT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(pieces[i].file_index < file_count);
        assert_true(pieces[i].length > 0);
        assert_true(pieces[i].share_bytes > 0);
        assert_true(pieces[i].offset + pieces[i].length <= files[pieces[i].file_index].bytes);
        if (i == 0)
            continue;
        assert_true(pieces[i].file_index >= pieces[i - 1].file_index);
        if (pieces[i].file_index == pieces[i - 1].file_index)
            assert_true(pieces[i].offset >= pieces[i - 1].offset + pieces[i - 1].length);
    }
}

static void no_byte_is_read_twice(void **state)
{
    static const char *const names[] = {"a", "b.gz", "c"};
    struct rand rand = seed_rand();
    struct sample_file files[300];

    (void)state;
    for (int round = 0; round < 500; round++) {
        size_t count = 1 + rand_below(&rand, 300);
        uint64_t most = 1ULL << rand_below(&rand, 30);

        for (size_t i = 0; i < count; i++)
            files[i] = (struct sample_file){names[rand_below(&rand, 3)],
                                            1 + rand_below(&rand, most), false, READER_LINES};
        check(files, count, sample_plan(files, count, pieces));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_input_is_read_whole),
        cmocka_unit_test(much_input_is_read_at_places_all_over_it),
        cmocka_unit_test(the_same_input_is_read_at_the_same_places),
        cmocka_unit_test(what_cannot_be_cut_is_read_from_its_start_for_all_of_it),
        cmocka_unit_test(whole_files_are_few_enough_to_read),
        cmocka_unit_test(each_file_is_read_its_own_way),
        cmocka_unit_test(many_files_are_within_the_limits),
        cmocka_unit_test(no_byte_is_read_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
