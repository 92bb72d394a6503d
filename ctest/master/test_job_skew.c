#include "master/job_skew.h"

#include "test.h"

#include "attempt/map_skew.h"
#include "base/buf.h"
#include "record/partition.h"

#include <stdio.h>
#include <string.h>

/* What a map told, made by hand. */
struct told {
    Mrlua__Done done;
    Mrlua__Skew skew;
    Mrlua__HotKey keys[MAP_SKEW_KEY_COUNT_MAX + 1], *key_list[MAP_SKEW_KEY_COUNT_MAX + 1];
    uint32_t largest[MAP_SKEW_PARTITION_COUNT_MAX + 1];
    uint64_t bytes[MAP_SKEW_PARTITION_COUNT_MAX + 1], records[MAP_SKEW_PARTITION_COUNT_MAX + 1];
};

static void told_init(struct told *told, uint64_t records, uint64_t bytes)
{
    *told = (struct told){.done = MRLUA__DONE__INIT, .skew = MRLUA__SKEW__INIT};
    told->done.skew = &told->skew;
    told->skew.records = records;
    told->skew.bytes = bytes;
    told->skew.keys = told->key_list;
    told->skew.largest = told->largest;
    told->skew.largest_bytes = told->bytes;
    told->skew.largest_records = told->records;
}

static void tell_key(struct told *told, const char *key, uint32_t partition, uint64_t records)
{
    Mrlua__HotKey *hot = &told->keys[told->skew.n_keys];

    mrlua__hot_key__init(hot);
    hot->key = (ProtobufCBinaryData){strlen(key), (uint8_t *)(uintptr_t)key};
    hot->key_bytes = (uint32_t)strlen(key);
    hot->hash = hash64(slice_of_string(key));
    hot->partition = partition;
    hot->records = records;
    told->key_list[told->skew.n_keys++] = hot;
}

static void tell_partition(struct told *told, uint32_t partition, uint64_t bytes, uint64_t records)
{
    size_t at = told->skew.n_largest++;

    told->largest[at] = partition;
    told->bytes[at] = bytes;
    told->records[at] = records;
    told->skew.n_largest_bytes = told->skew.n_largest_records = told->skew.n_largest;
}

static void take(struct job_results *results, uint32_t map, struct told *told)
{
    struct buf packed = {0};
    struct err err;
    Mrlua__Done *done;

    if (told->skew.partitions == 0)
        told->skew.partitions = results->task_counts[STAGE_REDUCE];
    message_pack(&packed, &told->done.base);
    done = message_unpack(&mrlua__done__descriptor, buf_slice(&packed), &err);
    assert_non_null(done);
    job_results_take(results, STAGE_MAP, map, 10 + map, done);
    buf_deinit(&packed);
}

static Mrlua__JobSkew *skew_of(struct job_results *results)
{
    Mrlua__JobSkew *skew = job_skew_make(results);

    assert_non_null(skew);
    return skew;
}

/* ---- adding up ---- */

static void keys_of_maps_add_up(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;

    (void)state;
    job_results_plan(&results, 3, 2);
    told_init(&told, 1000, 0);
    tell_key(&told, "sthe", 1, 100);
    tell_key(&told, "sof", 0, 50);
    take(&results, 0, &told);
    told_init(&told, 3000, 0);
    tell_key(&told, "sof", 0, 400);
    take(&results, 2, &told);

    skew = skew_of(&results);
    assert_int_equal(skew->records, 4000);
    assert_int_equal(skew->partitions, 2);
    assert_int_equal(skew->n_keys, 2);
    assert_string_equal(skew->keys[0]->text, "\"of\"");
    assert_int_equal(skew->keys[0]->records, 450);
    assert_int_equal(skew->keys[0]->partition, 0);
    assert_string_equal(skew->keys[1]->text, "\"the\"");
    assert_int_equal(skew->keys[1]->records, 100);
    message_free(skew);

    job_results_drop(&results, STAGE_MAP, 2); /* a lost output does not count */
    skew = skew_of(&results);
    assert_int_equal(skew->records, 1000);
    assert_string_equal(skew->keys[0]->text, "\"the\"");
    message_free(skew);
    job_results_deinit(&results);
}

static void a_key_that_is_hot_in_few_maps_only_is_left_out(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;

    (void)state;
    job_results_plan(&results, 100, 1);
    for (uint32_t i = 0; i < 100; i++) {
        told_init(&told, 1000, 0);
        tell_key(&told, "sthe", 0, 20);
        if (i == 5)
            tell_key(&told, "srare", 0, 900);
        take(&results, i, &told);
    }
    skew = skew_of(&results);
    assert_int_equal(skew->n_keys, 1);
    assert_int_equal(skew->keys[0]->records, 2000);
    message_free(skew);
    job_results_deinit(&results);
}

static void no_more_keys_and_partitions_are_told_than_a_page_has_room_for(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;
    char keys[MAP_SKEW_KEY_COUNT_MAX][4];

    (void)state;
    job_results_plan(&results, 1, 100);
    told_init(&told, 1000, 100 * 1000);
    for (uint32_t i = 0; i < MAP_SKEW_KEY_COUNT_MAX; i++) {
        snprintf(keys[i], sizeof keys[i], "s%c", 'a' + (int)i);
        tell_key(&told, keys[i], 0, 20 + i);
    }
    take(&results, 0, &told);
    skew = skew_of(&results);
    assert_int_equal(skew->n_keys, JOB_SKEW_KEY_COUNT_MAX);
    assert_int_equal(skew->n_largest, JOB_SKEW_PARTITION_COUNT_MAX);
    message_free(skew);
    job_results_deinit(&results);
}

static void few_partitions_are_added_up_exactly(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;

    (void)state;
    job_results_plan(&results, 2, 3);
    told_init(&told, 60, 600);
    tell_partition(&told, 2, 300, 30);
    tell_partition(&told, 0, 200, 20);
    tell_partition(&told, 1, 100, 10);
    take(&results, 0, &told);
    told_init(&told, 12, 1000);
    tell_partition(&told, 1, 900, 6);
    tell_partition(&told, 2, 60, 4);
    tell_partition(&told, 0, 40, 2);
    take(&results, 1, &told);

    skew = skew_of(&results);
    assert_int_equal(skew->bytes, 1600);
    assert_int_equal(skew->n_largest, 3);
    assert_int_equal(skew->largest[0]->partition, 1);
    assert_int_equal(skew->largest[0]->bytes, 1000);
    assert_int_equal(skew->largest[0]->records, 16);
    assert_int_equal(skew->largest[1]->partition, 2);
    assert_int_equal(skew->largest[1]->bytes, 360);
    assert_int_equal(skew->largest[2]->bytes, 240);
    message_free(skew);
    job_results_deinit(&results);
}

static void what_a_map_did_not_tell_is_the_mean_of_the_rest(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;

    (void)state;
    job_results_plan(&results, 2, 100);
    told_init(&told, 1000, 10000); /* 5,000 of it in one, 5,000 in 99 */
    tell_partition(&told, 42, 5000, 500);
    take(&results, 0, &told);
    told_init(&told, 1000, 10000);
    tell_partition(&told, 7, 1090, 109);
    take(&results, 1, &told);

    skew = skew_of(&results);
    assert_int_equal(skew->largest[0]->partition, 42);
    assert_int_equal(skew->largest[0]->bytes, 5000 + 90);
    assert_int_equal(skew->largest[0]->records, 500 + 9);
    assert_int_equal(skew->largest[1]->partition, 7);
    assert_int_equal(skew->largest[1]->bytes, 1090 + 50);
    assert_int_equal(skew->largest[2]->bytes, 50 + 90);
    message_free(skew);
    job_results_deinit(&results);
}

/* Each further output of a job has a reduce, too, and no keys. */
static void further_outputs_are_no_partitions(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;

    (void)state;
    job_results_plan(&results, 1, 5);
    told_init(&told, 100, 1000);
    told.skew.partitions = 3;
    tell_partition(&told, 4, 1 << 30, 100); /* a lie */
    take(&results, 0, &told);
    skew = skew_of(&results);
    assert_int_equal(skew->partitions, 3);
    assert_int_equal(skew->n_largest, 3);
    for (size_t i = 0; i < skew->n_largest; i++)
        assert_true(skew->largest[i]->partition < 3);
    message_free(skew);
    job_results_deinit(&results);
}

static void maps_that_told_nothing_are_no_skew(void **state)
{
    struct job_results results = {0};
    struct told told;

    (void)state;
    job_results_plan(&results, 1, 2);
    assert_null(job_skew_make(&results));
    told_init(&told, 100, 100);
    told.done.skew = NULL; /* a journal of an older version */
    take(&results, 0, &told);
    assert_null(job_skew_make(&results));
    job_results_deinit(&results);
}

/* It is said by a process that runs the job's Lua. */
static void numbers_that_cannot_be_do_no_harm(void **state)
{
    struct job_results results = {0};
    Mrlua__JobSkew *skew;
    struct told told;

    (void)state;
    job_results_plan(&results, 2, 3);
    told_init(&told, 1000, UINT64_MAX);
    tell_key(&told, "\xff\x01\n", 4000000000, UINT64_MAX);
    tell_partition(&told, 77, UINT64_MAX, UINT64_MAX);
    tell_partition(&told, 1, UINT64_MAX, UINT64_MAX);
    take(&results, 0, &told);
    told_init(&told, 10, 10);
    for (uint32_t i = 0; i < MAP_SKEW_PARTITION_COUNT_MAX + 1; i++)
        tell_partition(&told, 2, 1, 1);
    take(&results, 1, &told);

    skew = skew_of(&results);
    assert_int_equal(skew->n_keys, 1);
    assert_int_equal(skew->keys[0]->records, 1000);
    assert_string_equal(skew->keys[0]->text, "\"\\xff\\x01\\x0a\"");
    assert_int_equal(skew->n_largest, 3);
    message_free(skew);
    job_results_deinit(&results);
}

/* ---- advice ---- */

/* One map of 10,000,000 records, of which "the" has `records`. */
static void tell_hot(struct told *told, uint64_t records)
{
    told_init(told, 100 * (uint64_t)JOB_SKEW_KEY_RECORDS_MIN, 1000);
    tell_key(told, "sthe", 1, records);
}

/* What is advised on what one map told, or "". */
static const char *advice_of(struct told *told, uint32_t partitions)
{
    static char text[1024];
    struct job_results results = {0};
    Mrlua__JobSkew *skew;

    job_results_plan(&results, 1, partitions);
    take(&results, 0, told);
    skew = skew_of(&results);
    text[0] = '\0';
    for (size_t i = 0; i < skew->n_advice; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", skew->advice[i]);
    message_free(skew);
    job_results_deinit(&results);
    return text;
}

static void a_hot_key_is_named_with_its_share(void **state)
{
    struct told told;

    (void)state;
    tell_hot(&told, 1000 * 1000);
    assert_string_equal(advice_of(&told, 4),
                        "key \"the\" has 10.0 % of the records that the maps wrote (1000000 of "
                        "10000000), and one reduce reads all of them: declare a combiner, if "
                        "reduce can work on some of the values first\n");
    told.skew.combines = true;
    assert_non_null(strstr(advice_of(&told, 4), "a longer key would spread them"));
    told.skew.groups = true;
    assert_non_null(strstr(advice_of(&told, 4), "group \"the\" has"));
    assert_non_null(strstr(advice_of(&told, 4), "group by more of the key"));
}

static void further_hot_keys_are_counted(void **state)
{
    struct told told;

    (void)state;
    tell_hot(&told, 1000 * 1000);
    tell_key(&told, "sof", 0, 900 * 1000);
    tell_key(&told, "sand", 0, 500 * 1000);
    tell_key(&told, "sto", 0, 499 * 1000);
    assert_non_null(strstr(advice_of(&told, 4), " and 2 more have 5 % or more, and one reduce "
                                                "reads all of each: "));
}

static void what_does_not_matter_is_not_advised_on(void **state)
{
    struct told told;

    (void)state;
    tell_hot(&told, 5 * JOB_SKEW_KEY_RECORDS_MIN - 1); /* less than 5 % */
    assert_string_equal(advice_of(&told, 4), "");
    tell_hot(&told, 5 * JOB_SKEW_KEY_RECORDS_MIN);
    assert_string_not_equal(advice_of(&told, 4), "");

    told_init(&told, JOB_SKEW_KEY_RECORDS_MIN, 1000); /* few, if all of them */
    tell_key(&told, "sthe", 1, JOB_SKEW_KEY_RECORDS_MIN - 1);
    assert_string_equal(advice_of(&told, 4), "");
    told.keys[0].records++;
    assert_string_not_equal(advice_of(&told, 4), "");
}

/* One map of 10 partitions, of which number 3 has `bytes` and the others 16 MB each. */
static void tell_large(struct told *told, uint64_t bytes)
{
    told_init(told, 10000, bytes + 9 * (16 << 20));
    tell_partition(told, 3, bytes, 1000);
}

static void a_partition_far_above_the_mean_is_named(void **state)
{
    struct told told;

    (void)state;
    tell_large(&told, 16 << 20);
    assert_string_equal(advice_of(&told, 10), "");
    tell_large(&told, 36 << 20); /* of 180 MB: exactly twice the mean */
    assert_string_equal(advice_of(&told, 10),
                        "partition 3 has 2.0 times the bytes of the mean of 10, and the last "
                        "reduce is its: partition = \"range\" cuts where the bytes are\n");
    tell_large(&told, (36 << 20) - 1024);
    assert_string_equal(advice_of(&told, 10), "");
    tell_large(&told, 36 << 20);
    told.skew.partition = PARTITION_BY_RANGE;
    assert_non_null(strstr(advice_of(&told, 10), "more reducers would make it smaller"));
    told.skew.partition = PARTITION_BY_JOB;
    assert_non_null(strstr(advice_of(&told, 10), "the job's partition function puts it there"));
}

static void a_small_partition_is_not_advised_on(void **state)
{
    struct told told;

    (void)state;
    told_init(&told, 10, JOB_SKEW_PARTITION_BYTES_MIN);
    tell_partition(&told, 3, JOB_SKEW_PARTITION_BYTES_MIN - 1, 10);
    assert_string_equal(advice_of(&told, 10), "");
    told.bytes[0]++;
    assert_string_not_equal(advice_of(&told, 10), "");
}

static void a_partition_that_is_large_for_a_hot_key_is_not_named_too(void **state)
{
    struct told told;

    (void)state;
    told_init(&told, 10 * 1000 * 1000, (uint64_t)1 << 30);
    tell_key(&told, "sthe", 3, 1000 * 1000);
    tell_partition(&told, 3, (uint64_t)1 << 29, 2000 * 1000);
    assert_null(strstr(advice_of(&told, 10), "partition 3"));
    told.records[0] += 2; /* more than half of it is others' */
    assert_non_null(strstr(advice_of(&told, 10), "partition 3"));
    told.records[0] -= 2;
    told.keys[0].partition = 4; /* or it is somewhere else */
    assert_non_null(strstr(advice_of(&told, 10), "partition 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_maps_add_up),
        cmocka_unit_test(a_key_that_is_hot_in_few_maps_only_is_left_out),
        cmocka_unit_test(no_more_keys_and_partitions_are_told_than_a_page_has_room_for),
        cmocka_unit_test(few_partitions_are_added_up_exactly),
        cmocka_unit_test(what_a_map_did_not_tell_is_the_mean_of_the_rest),
        cmocka_unit_test(further_outputs_are_no_partitions),
        cmocka_unit_test(maps_that_told_nothing_are_no_skew),
        cmocka_unit_test(numbers_that_cannot_be_do_no_harm),
        cmocka_unit_test(a_hot_key_is_named_with_its_share),
        cmocka_unit_test(further_hot_keys_are_counted),
        cmocka_unit_test(what_does_not_matter_is_not_advised_on),
        cmocka_unit_test(a_partition_far_above_the_mean_is_named),
        cmocka_unit_test(a_small_partition_is_not_advised_on),
        cmocka_unit_test(a_partition_that_is_large_for_a_hot_key_is_not_named_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
