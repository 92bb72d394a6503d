#include "format/split.h"

#include "base/hash.h"
#include "seed.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024ULL * 1024)

static struct file file_of(const char *name, uint64_t size)
{
    return (struct file){
        .name = (char *)(uintptr_t)name, .path = (char *)(uintptr_t)name, .identity.size = size};
}

static struct split_plan plan_of(const struct file *files, size_t count,
                                 struct split_options options)
{
    struct split_plan plan;
    struct err err = {0};

    if (split_plan_init(&plan, files, count, &options, &err) != 0)
        fail_msg("%s", err.message);
    return plan;
}

static void default_sizes_follow_from_the_total_alone(void **state)
{
    static const struct {
        uint64_t total, split_bytes, reducers;
    } cases[] = {
        {0, SPLIT_BYTES_MIN, 1},
        {32 * MIB, MIB, 1},
        {256 * MIB, 8 * MIB, 1},
        {320 * MIB, 10 * MIB, 2},
        {320 * MIB + 4, 10 * MIB + 1, 2}, /* rounded up, or a 33rd split would hold 4 bytes */
        {2048 * MIB, 64 * MIB, 8},
        {4096 * MIB, 64 * MIB, 16},
        {1024 * 1024 * MIB, 64 * MIB, 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file files[2] = {file_of("a", cases[i].total / 4),
                                file_of("b", cases[i].total / 4 * 3)};
        struct split_plan plan = plan_of(files, 2, (struct split_options){0});

        assert_int_equal(plan.split_bytes, cases[i].split_bytes);
        assert_int_equal(plan.reducer_count, cases[i].reducers);
        assert_int_equal(plan.bytes_total, cases[i].total);
        split_plan_deinit(&plan);
    }
}

static void flags_come_before_defaults(void **state)
{
    struct file file = file_of("a", 1000);
    struct split_plan plan =
        plan_of(&file, 1, (struct split_options){.split_bytes = 300, .reducer_count = 7});

    (void)state;
    assert_int_equal(plan.split_bytes, 300);
    assert_int_equal(plan.reducer_count, 7);
    assert_int_equal(plan.split_count, 4);
    split_plan_deinit(&plan);
}

static void an_object_that_is_gzip_is_one_piece_whatever_its_name(void **state)
{
    struct file file = file_of("gs://b/a.txt", 1000);
    struct split_plan plan;

    (void)state;
    file.identity.is_gzip = true;
    plan = plan_of(&file, 1, (struct split_options){.split_bytes = 300});
    assert_int_equal(plan.split_count, 1);
    split_plan_deinit(&plan);
}

/* Every byte of every file is in one piece, in input order. */
static void check_cover(const struct split_plan *plan, const struct file *files, size_t count)
{
    size_t file = 0, piece_count, seen = 0;
    uint64_t offset = 0;

    for (uint32_t i = 0; i < plan->split_count; i++) {
        const struct split_piece *pieces = split_plan_pieces(plan, i, &piece_count);
        uint64_t bytes = 0;

        for (size_t j = 0; j < piece_count; j++, seen++) {
            while (file < pieces[j].file_index) {
                assert_int_equal(offset, files[file].identity.size);
                file++;
                offset = 0;
            }
            assert_int_equal(pieces[j].file_index, file);
            assert_int_equal(pieces[j].offset, offset);
            offset += pieces[j].length;
            bytes += pieces[j].length;
        }
        assert_true(piece_count <= SPLIT_PIECES_MAX);
        assert_true(piece_count == 1 || bytes <= plan->split_bytes);
    }
    assert_int_equal(seen, plan->piece_count);
    for (; file < count; offset = 0)
        assert_int_equal(offset, files[file++].identity.size);
}

static void pieces_cover_every_byte_once(void **state)
{
    struct rand rand = seed_rand();
    struct file files[2000];

    (void)state;
    for (int round = 0; round < 60; round++) {
        size_t count = 1 + rand_below(&rand, round % 3 ? 30 : 2000);
        uint64_t most = 1 + rand_below(&rand, 500);
        struct split_plan plan;

        for (size_t i = 0; i < count; i++)
            files[i] = file_of("name", rand_below(&rand, 3) ? rand_below(&rand, most) : 0);
        plan = plan_of(files, count,
                       (struct split_options){.split_bytes = 1 + rand_below(&rand, 300)});
        check_cover(&plan, files, count);
        split_plan_deinit(&plan);
    }
}

static void files_share_a_split_only_above_a_thousand(void **state)
{
    static struct file files[3000];
    struct split_plan plan;

    (void)state;
    for (size_t i = 0; i < 3000; i++)
        files[i] = file_of("name", 10);
    plan = plan_of(files, 1000, (struct split_options){.split_bytes = 100});
    assert_int_equal(plan.split_count, 1000);
    split_plan_deinit(&plan);
    plan = plan_of(files, 1001, (struct split_options){.split_bytes = 100});
    assert_int_equal(plan.split_count, 101);
    check_cover(&plan, files, 1001);
    split_plan_deinit(&plan);
    plan = plan_of(files, 3000, (struct split_options){.split_bytes = 1 << 20});
    assert_int_equal(plan.split_count, 3); /* SPLIT_PIECES_MAX each */
    split_plan_deinit(&plan);
}

static void long_names_end_a_split(void **state)
{
    static struct file files[1500];
    static char name[4000];
    struct split_plan plan;
    size_t count;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    for (size_t i = 0; i < 1500; i++)
        files[i] = file_of(name, 1);
    plan = plan_of(files, 1500, (struct split_options){.split_bytes = 1 << 20});
    for (uint32_t i = 0; i < plan.split_count; i++) {
        split_plan_pieces(&plan, i, &count);
        assert_true(count * strlen(name) <= SPLIT_NAME_BYTES_MAX);
    }
    assert_true(plan.split_count < 50);
    split_plan_deinit(&plan);
}

static void what_is_read_whole_is_not_cut(void **state)
{
    struct file files[4] = {file_of("a.gz", 1000), file_of("b.zst", 1000), file_of("c", 1000),
                            file_of("empty", 0)};
    struct split_plan plan = plan_of(files, 4, (struct split_options){.split_bytes = 400});

    (void)state;
    assert_int_equal(plan.split_count, 1 + 1 + 3);
    check_cover(&plan, files, 4);
    split_plan_deinit(&plan);
    plan = plan_of(files, 4, (struct split_options){.reader = READER_RUN, .split_bytes = 400});
    assert_int_equal(plan.split_count, 4);
    split_plan_deinit(&plan);
}

/* For "run" so that a run file cut to nothing is the reader's error, not silence. */
static void empty_file_is_a_piece_for_file_and_run(void **state)
{
    const enum reader_kind kinds[] = {READER_FILE, READER_RUN};
    struct file files[2] = {file_of("a", 0), file_of("b", 0)};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct split_plan plan = plan_of(files, 2, (struct split_options){.reader = kinds[i]});
        size_t count;

        assert_int_equal(plan.split_count, 2);
        assert_int_equal(split_plan_pieces(&plan, 1, &count)->file_index, 1);
        assert_int_equal(count, 1);
        split_plan_deinit(&plan);
    }
}

static void nothing_to_read_is_one_split_without_pieces(void **state)
{
    struct file files[2] = {file_of("a", 0), file_of("b", 0)};

    (void)state;
    for (size_t file_count = 0; file_count <= 2; file_count++) {
        struct split_plan plan = plan_of(files, file_count, (struct split_options){0});
        size_t count = 99;

        assert_int_equal(plan.split_count, 1);
        split_plan_pieces(&plan, 0, &count);
        assert_int_equal(count, 0);
        split_plan_deinit(&plan);
    }
}

/* So many files that they are packed. */
static void no_split_has_files_of_two_kinds(void **state)
{
    static struct file files[1500];
    struct split_kind kinds[] = {
        {READER_LINES, 700}, {READER_LINES, 0}, {READER_FILE, 300}, {READER_LINES, 500}};
    struct split_plan plan;
    size_t count;

    (void)state;
    for (size_t i = 0; i < 1500; i++)
        files[i] = file_of(i % 100 == 5 ? "empty" : "a", i % 100 == 5 ? 0 : 10);
    plan = plan_of(files, 1500,
                   (struct split_options){.kinds = kinds, .kind_count = 4, .split_bytes = 1 << 20});
    assert_int_equal(plan.split_count, 3); /* each would fit all */
    assert_int_equal(plan.bytes_total, 1500 * 10 - 15 * 10);
    assert_int_equal(split_plan_pieces(&plan, 0, &count)->file_index, 0);
    assert_int_equal(count, 693);
    assert_int_equal(split_plan_pieces(&plan, 1, &count)->file_index, 700);
    assert_int_equal(count, 300); /* empty files are records of it */
    assert_int_equal(split_plan_pieces(&plan, 2, &count)->file_index, 1000);
    assert_int_equal(count, 495);
    split_plan_deinit(&plan);
}

static void each_kind_is_cut_as_it_is_read(void **state)
{
    struct file files[3] = {file_of("a", 1000), file_of("b", 1000), file_of("c", 1000)};
    struct split_kind kinds[] = {{READER_CSV, 1}, {READER_LINES, 1}, {READER_RUN, 1}};
    struct split_plan plan = plan_of(
        files, 3, (struct split_options){.kinds = kinds, .kind_count = 3, .split_bytes = 400});
    struct split_plan alike;

    (void)state;
    assert_int_equal(plan.split_count, 1 + 3 + 1);
    check_cover(&plan, files, 3);
    split_plan_deinit(&plan);
    plan = plan_of(files, 3, (struct split_options){.kinds = kinds, .kind_count = 3});
    alike = plan_of(files, 3, (struct split_options){0});
    assert_int_equal(plan.split_bytes, alike.split_bytes); /* of all bytes */
    split_plan_deinit(&alike);
    assert_int_equal(plan.bytes_total, 3000);
    split_plan_deinit(&plan);
}

static void kinds_without_files_are_one_split_without_pieces(void **state)
{
    struct split_kind kinds[] = {{READER_LINES, 0}, {READER_CSV, 1}};
    struct file file = file_of("empty", 0);
    struct split_plan plan =
        plan_of(&file, 1, (struct split_options){.kinds = kinds, .kind_count = 2});
    size_t count;

    (void)state;
    assert_int_equal(plan.split_count, 1);
    split_plan_pieces(&plan, 0, &count);
    assert_int_equal(count, 0);
    split_plan_deinit(&plan);
}

static void limits_say_what_to_change(void **state)
{
    struct file file = file_of("a", 1ULL << 40);
    struct split_options options = {.split_bytes = 1};
    struct split_plan plan;
    char expected[32];
    struct err err = {0};

    (void)state;
    assert_int_equal(split_plan_init(&plan, &file, 1, &options, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "choose a larger --split-size"));
    options = (struct split_options){.reducer_count = (uint64_t)REDUCER_COUNT_MAX + 1};
    assert_int_equal(split_plan_init(&plan, &file, 1, &options, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    snprintf(expected, sizeof expected, "%d reducers", REDUCER_COUNT_MAX + 1);
    assert_non_null(strstr(err.message, expected));
}

/* ---- stable plans ---- */

enum { STABLE_FILES = 5000 };

/* What a split of one plan is of, whatever the numbers of its files: names and ranges. */
static uint64_t print_of(const struct split_plan *plan, const struct file *files, uint32_t split)
{
    size_t count;
    const struct split_piece *pieces = split_plan_pieces(plan, split, &count);
    uint64_t hash = 0;

    for (size_t i = 0; i < count; i++) {
        const struct file *file = &files[pieces[i].file_index];
        uint64_t range[3] = {pieces[i].offset, pieces[i].length, file->identity.size};

        hash = hash64_seeded(slice_of_string(file->name), hash);
        hash = hash64_seeded(slice_of(range, sizeof range), hash);
    }
    return hash;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* How many splits of `after` are none of `before`. */
static uint32_t count_new(const struct split_plan *before, const struct file *files_before,
                          const struct split_plan *after, const struct file *files_after)
{
    uint64_t *prints = malloc(before->split_count * sizeof *prints);
    uint32_t count = 0;

    assert_non_null(prints);
    for (uint32_t i = 0; i < before->split_count; i++)
        prints[i] = print_of(before, files_before, i);
    qsort(prints, before->split_count, sizeof *prints, by_value);
    for (uint32_t i = 0; i < after->split_count; i++) {
        uint64_t print = print_of(after, files_after, i);

        count += !bsearch(&print, prints, before->split_count, sizeof *prints, by_value);
    }
    free(prints);
    return count;
}

static void a_stable_plan_has_sizes_that_stay(void **state)
{
    static const struct {
        uint64_t total, reducers;
    } cases[] = {{0, 1},         {256 * MIB, 1},  {256 * MIB + 4, 2}, {512 * MIB, 2},
                 {600 * MIB, 4}, {1024 * MIB, 4}, {1025 * MIB, 8},    {1ULL << 40, 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file file = file_of("a", cases[i].total);
        struct split_plan plan =
            plan_of(&file, 1, (struct split_options){.stable = true, .split_bytes = 1 << 30});

        assert_int_equal(plan.reducer_count, cases[i].reducers);
        split_plan_deinit(&plan);
        file.identity.size = cases[i].total % (100 * MIB);
        plan = plan_of(&file, 1, (struct split_options){.stable = true});
        assert_int_equal(plan.split_bytes, SPLIT_BYTES_STABLE);
        split_plan_deinit(&plan);
    }
}

/* Goal: of files that share splits one grows, goes or comes; others than its neighbours stay where
 * they were. Without `stable` nearly all behind it would move. */
static void one_changed_file_moves_its_neighbours_alone(void **state)
{
    struct rand rand = seed_rand();
    static char names[STABLE_FILES][16];
    static struct file before[STABLE_FILES], after[STABLE_FILES + 1];
    struct split_options options = {.stable = true, .split_bytes = 4000};
    struct split_plan first;

    (void)state;
    for (size_t i = 0; i < STABLE_FILES; i++) {
        snprintf(names[i], sizeof names[i], "file-%zu", i);
        before[i] = file_of(names[i], 1 + rand_below(&rand, 1000));
    }
    first = plan_of(before, STABLE_FILES, options);
    check_cover(&first, before, STABLE_FILES);
    assert_true(first.split_count < STABLE_FILES / 3); /* they do share */
    for (int round = 0; round < 60; round++) {
        size_t at = rand_below(&rand, STABLE_FILES), count = STABLE_FILES;
        struct split_plan second;

        memcpy(after, before, sizeof before);
        if (round % 3 == 0) {
            after[at].identity.size += 1 + rand_below(&rand, 3000);
        } else if (round % 3 == 1) {
            count--;
            memmove(&after[at], &after[at + 1], (count - at) * sizeof *after);
        } else {
            count++;
            memmove(&after[at + 1], &before[at], (STABLE_FILES - at) * sizeof *after);
            after[at] = file_of("a new one", 500);
        }
        second = plan_of(after, count, options);
        check_cover(&second, after, count);
        assert_true(count_new(&first, before, &second, after) < 40);
        split_plan_deinit(&second);
    }
    split_plan_deinit(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_sizes_follow_from_the_total_alone),
        cmocka_unit_test(flags_come_before_defaults),
        cmocka_unit_test(an_object_that_is_gzip_is_one_piece_whatever_its_name),
        cmocka_unit_test(pieces_cover_every_byte_once),
        cmocka_unit_test(files_share_a_split_only_above_a_thousand),
        cmocka_unit_test(long_names_end_a_split),
        cmocka_unit_test(what_is_read_whole_is_not_cut),
        cmocka_unit_test(empty_file_is_a_piece_for_file_and_run),
        cmocka_unit_test(nothing_to_read_is_one_split_without_pieces),
        cmocka_unit_test(no_split_has_files_of_two_kinds),
        cmocka_unit_test(each_kind_is_cut_as_it_is_read),
        cmocka_unit_test(kinds_without_files_are_one_split_without_pieces),
        cmocka_unit_test(limits_say_what_to_change),
        cmocka_unit_test(a_stable_plan_has_sizes_that_stay),
        cmocka_unit_test(one_changed_file_moves_its_neighbours_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
