#include "attempt/map_partition.h"

#include "record/partition.h"
#include "vm/kit.h"

static struct slice text_key(struct buf *buf, const char *text)
{
    struct err err;

    buf_clear(buf);
    assert_int_equal(key_encode_string(buf, slice_of_string(text), &err), 0);
    return buf_slice(buf);
}

/* Opens the partition of a job with these fields, `count` partitions, and a cut before each of the
 * letters of `cuts`. */
static void open_it(struct kit *kit, struct map_partition *partition, const char *fields,
                    uint32_t count, const char *cuts)
{
    static ProtobufCBinaryData list[8];
    static char bytes[8][2];
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    struct buf job = {0};

    buf_printf(&job, "return { map = 'identity', reduce = 'identity', %s }", fields);
    if (kit_load(kit, buf_string(&job)) != 0)
        fail_msg("%s", kit->err.message);
    start.partition_count = count;
    start.n_cut_points = strlen(cuts);
    start.cut_points = list;
    for (size_t i = 0; cuts[i]; i++) {
        bytes[i][0] = KEY_STRING_TAG;
        bytes[i][1] = cuts[i];
        list[i] = (ProtobufCBinaryData){2, (uint8_t *)bytes[i]};
    }
    assert_int_equal(
        map_partition_init(partition, &start, buf_slice(&kit->view), kit->vm, &kit->err), 0);
    buf_deinit(&job);
}

static uint32_t found(struct kit *kit, struct map_partition *partition, struct slice key)
{
    uint32_t number = UINT32_MAX;

    if (map_partition_find(partition, key, &number, &kit->err) != 0)
        fail_msg("%s", kit->err.message);
    return number;
}

static void close_it(struct kit *kit, struct map_partition *partition)
{
    map_partition_deinit(partition);
    kit_close(kit);
}

static void a_hash_spreads_whole_keys(void **state)
{
    struct map_partition partition;
    struct kit kit = {0};
    struct buf buf = {0};
    struct slice key;

    (void)state;
    open_it(&kit, &partition, "", 7, "");
    key = text_key(&buf, "some key");
    assert_int_equal(found(&kit, &partition, key), partition_of(key, 7));
    assert_false(map_partition_is_by_job(&partition));
    close_it(&kit, &partition);
    kit = (struct kit){0};
    open_it(&kit, &partition, "", 1, "");
    assert_int_equal(found(&kit, &partition, key), 0);
    close_it(&kit, &partition);
    buf_deinit(&buf);
}

static void with_group_the_first_parts_decide(void **state)
{
    static const char *const seconds[] = {"a", "b", "c", "d"};
    struct map_partition partition;
    struct kit kit = {0};

    (void)state;
    open_it(&kit, &partition, "group = 1", 1000, "");
    for (size_t i = 0; i < 4; i++) {
        struct key_writer writer;
        struct buf buf = {0};
        struct slice prefix;

        key_writer_init(&writer, &buf);
        key_write_tuple_begin(&writer);
        key_write_string(&writer, slice_of_string("first"));
        key_write_string(&writer, slice_of_string(seconds[i]));
        key_write_tuple_end(&writer);
        assert_int_equal(key_writer_end(&writer, &kit.err), 0);
        assert_int_equal(key_prefix(buf_slice(&buf), 1, &prefix, &kit.err), 0);
        assert_int_equal(found(&kit, &partition, buf_slice(&buf)), partition_of(prefix, 1000));
        buf_deinit(&buf);
    }
    close_it(&kit, &partition);
}

static void a_range_is_cut_where_the_sample_says(void **state)
{
    struct map_partition partition;
    struct kit kit = {0};
    struct buf buf = {0};

    (void)state;
    open_it(&kit, &partition, "partition = 'range'", 3, "hq");
    assert_int_equal(found(&kit, &partition, text_key(&buf, "a")), 0);
    assert_int_equal(found(&kit, &partition, text_key(&buf, "h")), 1);
    assert_int_equal(found(&kit, &partition, text_key(&buf, "zz")), 2);
    close_it(&kit, &partition);
    buf_deinit(&buf);
}

static void the_jobs_own_function_is_asked(void **state)
{
    struct map_partition partition;
    struct kit kit = {0};
    struct buf buf = {0};
    uint32_t number;

    (void)state;
    open_it(&kit, &partition,
            "partition = function(key, count) return key == 'out' and count or count - 1 end", 4,
            "");
    assert_true(map_partition_is_by_job(&partition));
    assert_int_equal(found(&kit, &partition, text_key(&buf, "in")), 3);
    assert_int_equal(map_partition_find(&partition, text_key(&buf, "out"), &number, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    close_it(&kit, &partition);
    buf_deinit(&buf);
}

static void what_are_no_cut_points_is_refused(void **state)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    ProtobufCBinaryData cut = {1, (uint8_t *)"x"};
    struct map_partition partition;
    struct err err = {0};

    (void)state;
    start.n_cut_points = 1;
    start.cut_points = &cut;
    start.partition_count = 1; /* one part has no cut */
    assert_int_equal(map_partition_init(&partition, &start, (struct slice){0}, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    map_partition_deinit(&partition);
    start.partition_count = 0; /* a map without reduces has no use for them */
    assert_int_equal(map_partition_init(&partition, &start, (struct slice){0}, NULL, &err), 0);
    map_partition_deinit(&partition);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_spreads_whole_keys),
        cmocka_unit_test(with_group_the_first_parts_decide),
        cmocka_unit_test(a_range_is_cut_where_the_sample_says),
        cmocka_unit_test(the_jobs_own_function_is_asked),
        cmocka_unit_test(what_are_no_cut_points_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
