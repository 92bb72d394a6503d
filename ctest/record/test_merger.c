#include "record/sort_kit.h"

#include "record/merger.h"

#include <sys/stat.h>

static struct merger_options options_of(uint32_t fan_in)
{
    return (struct merger_options){.scratch = {kit_file(), kit_file()},
                                   .id = {.job = 1, .attempt = 2, .task = 3},
                                   .partition = RUN_PARTITION_ALL,
                                   .fan_in = fan_in};
}

static void close_files(const struct merger_options *options)
{
    close(options->scratch[0]);
    close(options->scratch[1]);
}

static uint64_t disk_bytes(const struct merger_options *options)
{
    uint64_t bytes = 0;

    for (int i = 0; i < 2; i++) {
        struct stat stat;

        assert_int_equal(fstat(options->scratch[i], &stat), 0);
        bytes += (uint64_t)stat.st_blocks * 512;
    }
    return bytes;
}

/* Goal: spills of any sizes come out as one stable sort, and the joined ones give their disk
 * back. The value is the number of the spill. */
static void spills_merge_to_the_stable_sort_of_all(void **state)
{
    struct rand rand = kit_rand("merger");

    (void)state;
    for (uint32_t count = 0; count < 40; count++) {
        struct merger_options options =
            options_of(2 + (uint32_t)rand_below(&rand, MERGE_FAN_IN_MAX - 1));
        struct kit_list all = {0}, got = {0};
        struct merger merger;
        struct cursor *cursor;
        struct err err;
        char key[3], value[20];

        merger_init(&merger, &options);
        for (uint32_t i = 0; i < count; i++) {
            struct kit_list list = {0};
            struct kit_cursor source;

            for (uint64_t n = rand_below(&rand, 100); n > 0; n--) {
                struct slice k = kit_bytes(&rand, key, sizeof key);
                int len = snprintf(value, sizeof value, "%u %zu", i, list.count);

                kit_add(&list, 0, k, slice_of(value, (size_t)len));
                kit_add(&all, 0, k, slice_of(value, (size_t)len));
            }
            kit_sort(&list);
            source = kit_cursor(&list);
            assert_int_equal(merger_spill(&merger, &source.cursor, &err), 0);
            kit_clear(&list);
        }
        cursor = merger_open(&merger, &err);
        assert_non_null(cursor);
        assert_true(merger.run_count <= merger.options.fan_in);
        assert_int_equal(kit_read(cursor, 0, &got, &err), 0);
        kit_sort(&all);
        kit_assert_equal(&got, &all);
        cursor_close(cursor);
        merger_deinit(&merger);
        close_files(&options);
        kit_clear(&all);
        kit_clear(&got);
    }
}

static void joined_runs_give_their_disk_back(void **state)
{
    enum { RUNS = 32, RUN_BYTES = 64 * 1024 };
    struct merger_options options = options_of(2);
    struct rand rand;
    struct kit_list list = {0};
    struct merger merger;
    struct cursor *cursor;
    struct err err;
    char *noise = mem_alloc(RUN_BYTES);

    (void)state;
    rand_init(&rand, 1);
    for (size_t i = 0; i < RUN_BYTES; i++)
        noise[i] = (char)rand_next(&rand);
    kit_add(&list, 0, slice_of_string("key"), slice_of(noise, RUN_BYTES));
    merger_init(&merger, &options);
    for (int i = 0; i < RUNS; i++) {
        struct kit_cursor source = kit_cursor(&list);

        assert_int_equal(merger_spill(&merger, &source.cursor, &err), 0);
    }
    assert_true(disk_bytes(&options) >= RUNS * RUN_BYTES);
    cursor = merger_open(&merger, &err);
    assert_non_null(cursor);
    assert_true(disk_bytes(&options) <= RUNS * (RUN_BYTES + RUN_BYTES / 3));
    cursor_close(cursor);
    merger_deinit(&merger);
    close_files(&options);
    kit_clear(&list);
    free(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spills_merge_to_the_stable_sort_of_all),
        cmocka_unit_test(joined_runs_give_their_disk_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
