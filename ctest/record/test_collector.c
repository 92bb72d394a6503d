#include "record/sort_kit.h"

#include "base/hash.h"
#include "fault/fault.h"
#include "record/builtin_group.h"
#include "record/collector.h"
#include "record/key.h"
#include "record/value.h"

#include <errno.h>
#include <sys/stat.h>

enum { PARTITIONS_MAX = 20 };

struct fixture {
    struct collector_options options;
    struct kit_list emitted;
};

static struct fixture fixture_open(const struct combiner *combiner)
{
    return (struct fixture){.options = {.sort_buffer_bytes = SORTBUF_BYTES_MIN,
                                        .partition_count = 3,
                                        .combiner = combiner,
                                        .id = {.job = 1, .attempt = 2, .task = 3},
                                        .scratch = {kit_file(), kit_file()},
                                        .result = kit_file(),
                                        .fan_in = 2}};
}

static void fixture_close(struct fixture *fixture)
{
    close(fixture->options.scratch[0]);
    close(fixture->options.scratch[1]);
    close(fixture->options.result);
    kit_clear(&fixture->emitted);
}

/* Emits the fixture's records and finishes. The summary's segments are gone with the collector. */
static int collect(struct fixture *fixture, struct run_summary *summary, struct err *err)
{
    struct collector *collector = collector_open(&fixture->options, err);
    int rc = collector ? 0 : -1;

    for (size_t i = 0; rc == 0 && i < fixture->emitted.count; i++) {
        const struct kit_record *record = &fixture->emitted.records[i];

        rc = collector_emit(collector, record->partition, record->key, record->value, err);
    }
    if (rc == 0)
        rc = collector_finish(collector, summary, err);
    collector_close(collector);
    return rc;
}

/* The result as a list; the summary agrees with it. */
static void read_result(const struct fixture *fixture, const struct run_summary *summary,
                        struct kit_list *got)
{
    struct run_inspect_segment segment;
    struct run_inspect *inspect;
    struct record record;
    struct digest digest = {0};
    struct err err;
    int rc;

    inspect = run_inspect_open(fixture->options.result, summary->bytes, "the result", &err);
    assert_non_null(inspect);
    assert_int_equal(run_inspect_index(inspect)->partition_count, summary->partition_count);
    while ((rc = run_inspect_segment(inspect, &segment, &err)) == 1) {
        while ((rc = run_inspect_record(inspect, &record, &err)) == 1) {
            kit_add(got, segment.partition, record.key, record.value);
            digest_add_record(&digest, segment.partition, record.key, record.value);
        }
        assert_int_equal(rc, 0);
    }
    assert_int_equal(rc, 0);
    run_inspect_close(inspect);
    assert_true(digest_equal(&digest, &summary->digest));
    assert_int_equal(digest.record_count, got->count);
    assert_int_equal(summary->records_emitted, fixture->emitted.count);
}

/* `bytes` of records, more or less; few keys or many. */
/* Behind the partitions of keys: in the run and in the digest, but the key of parcels is not hot.
 */
static void parcels_are_in_the_run_and_not_hot(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct run_summary summary;
    struct collector *collector;
    struct err err;

    (void)state;
    fixture.options.partition_count = 1;
    fixture.options.parcel_count = 2;
    for (int i = 0; i < 150; i++)
        kit_add(&fixture.emitted, i < 50 ? 0 : 2, slice_of_string(i < 50 ? "sa" : "t"),
                slice_of_string("v"));
    collector = collector_open(&fixture.options, &err);
    for (size_t i = 0; i < fixture.emitted.count; i++)
        assert_int_equal(collector_emit(collector, fixture.emitted.records[i].partition,
                                        fixture.emitted.records[i].key,
                                        fixture.emitted.records[i].value, &err),
                         0);
    assert_int_equal(collector_finish(collector, &summary, &err), 0);
    assert_int_equal(summary.partition_count, 1);
    assert_int_equal(summary.segments[2].record_count, 100);
    assert_int_equal(summary.digest.record_count, 150);
    assert_int_equal(summary.hot_keys->count, 1);
    assert_int_equal(summary.hot_keys->items[0].partition, 0);
    collector_close(collector);
    fixture_close(&fixture);
}

static void emit_random(struct fixture *fixture, struct rand *rand, size_t bytes)
{
    size_t key_max = 1 + (size_t)rand_below(rand, 20);
    size_t value_max = 1 + (size_t)rand_below(rand, 200);
    char key[20], *value = mem_alloc(2 * SORTBUF_BYTES_MIN);

    for (size_t done = 0; done < bytes;) {
        uint32_t partition = (uint32_t)rand_below(rand, fixture->options.partition_count);
        struct slice k = kit_bytes(rand, key, key_max);
        struct slice v = kit_bytes(rand, value, value_max);

        if (rand_below(rand, 5000) == 0)
            v = slice_of(value, SORTBUF_BYTES_MIN + (size_t)rand_below(rand, 99));
        kit_add(&fixture->emitted, partition, k, v);
        done += k.len + v.len + 32;
    }
    free(value);
}

static void check_random(const struct combiner *combiner, const char *name)
{
    struct rand rand = kit_rand(name);

    for (int round = 0; round < 12; round++) {
        struct fixture fixture = fixture_open(combiner);
        struct kit_list got = {0}, wanted = {0};
        struct run_summary summary;
        struct err err;

        fixture.options.partition_count = 1 + (uint32_t)rand_below(&rand, PARTITIONS_MAX);
        fixture.options.sort_buffer_bytes += (size_t)rand_below(&rand, SORTBUF_BYTES_MIN);
        fixture.options.fan_in = 2 + (uint32_t)rand_below(&rand, MERGE_FAN_IN_MAX - 1);
        emit_random(&fixture, &rand, (size_t)rand_below(&rand, 8) * SORTBUF_BYTES_MIN);
        assert_int_equal(collect(&fixture, &summary, &err), 0);
        read_result(&fixture, &summary, &got);
        kit_sort(&fixture.emitted);
        if (combiner)
            kit_concat_list(&fixture.emitted, &wanted);
        kit_assert_equal(&got, combiner ? &wanted : &fixture.emitted);
        kit_clear(&got);
        kit_clear(&wanted);
        fixture_close(&fixture);
    }
}

static void a_run_is_the_naive_stable_sort_of_what_was_emitted(void **state)
{
    (void)state;
    check_random(NULL, "collector");
}

/* Concatenating values is a law only if no spill or merge changes their order. */
static void combining_changes_nothing_wherever_a_spill_cuts(void **state)
{
    struct combiner concat = {.combine = kit_concat};

    (void)state;
    check_random(&concat, "collector combined");
}

/* Goal: folding in the buffer, at spills and at merges is one sum per key in the end. */
static void sums_are_the_sums_of_all_values(void **state)
{
    enum { KEYS = 20000, EMITS = 100000 };
    struct combiner sum = builtin_combiner(&(struct builtin_call){.builtin = BUILTIN_SUM});
    struct fixture fixture = fixture_open(&sum);
    struct rand rand = kit_rand("collector sum");
    struct kit_list got = {0};
    struct run_summary summary;
    struct err err;
    int64_t *sums = mem_alloc_array(KEYS, sizeof *sums);
    char number[VALUE_NUMBER_BYTES_MAX], key[60];
    struct collector *collector = collector_open(&fixture.options, &err);
    size_t distinct = 0;

    (void)state;
    assert_non_null(collector);
    memset(key, 'k', sizeof key);
    for (int i = 0; i < EMITS; i++) {
        uint32_t k = (uint32_t)rand_below(&rand, KEYS);
        int64_t v = (int64_t)rand_below(&rand, 1000);

        memcpy(key, &k, sizeof k);
        if (sums[k] == 0)
            distinct++;
        sums[k] += v + 1;
        assert_int_equal(collector_emit(collector, k % 3, slice_of(key, sizeof key),
                                        slice_of(number, value_encode_integer(number, v + 1)),
                                        &err),
                         0);
    }
    assert_int_equal(collector_finish(collector, &summary, &err), 0);
    assert_int_equal(summary.records_emitted, EMITS);
    assert_true(summary.spill_count > 0);
    fixture.emitted.count = EMITS; /* for read_result; there is nothing behind it */
    read_result(&fixture, &summary, &got);
    fixture.emitted.count = 0;
    assert_int_equal(got.count, distinct);
    for (size_t i = 0; i < got.count; i++) {
        uint32_t k;

        memcpy(&k, got.records[i].key.ptr, sizeof k);
        assert_int_equal(got.records[i].partition, k % 3);
        kit_assert_slice(got.records[i].value,
                         slice_of(number, value_encode_integer(number, sums[k])));
    }
    collector_close(collector);
    kit_clear(&got);
    free(sums);
    fixture_close(&fixture);
}

static void emit_number(struct collector *collector, uint32_t partition, struct slice key,
                        int64_t value)
{
    char number[VALUE_NUMBER_BYTES_MAX];
    struct err err;

    assert_int_equal(collector_emit(collector, partition, key,
                                    slice_of(number, value_encode_integer(number, value)), &err),
                     0);
}

/* Every tenth record has the key "the", the others have one each; enough for some spills. */
static void emit_every_tenth(struct collector *collector, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char text[16];

        snprintf(text, sizeof text, "s%08x", i);
        if (i % 10 == 0)
            emit_number(collector, 1, slice_of_string("sthe"), i);
        else
            emit_number(collector, i % 3, slice_of_string(text), i);
    }
}

static void a_hot_key_is_counted_exactly_wherever_a_spill_cuts(void **state)
{
    enum { RECORDS = 200 * 1000 };
    struct fixture fixture = fixture_open(NULL);
    struct run_summary summary;
    const struct hot_key *key;
    struct err err;
    struct collector *collector = collector_open(&fixture.options, &err);

    (void)state;
    assert_non_null(collector);
    emit_every_tenth(collector, RECORDS);
    assert_int_equal(collector_finish(collector, &summary, &err), 0);
    assert_true(summary.spill_count > 1);
    assert_int_equal(summary.hot_keys->count, 1);
    key = &summary.hot_keys->items[0];
    assert_true(hot_key_sure(key) == RECORDS / 10);
    assert_int_equal(key->partition, 1);
    assert_true(slice_equal(hot_key_bytes(key), slice_of_string("sthe")));
    collector_close(collector);
    fixture_close(&fixture);
}

static void what_a_combiner_makes_one_record_is_not_hot(void **state)
{
    struct combiner sum = builtin_combiner(&(struct builtin_call){.builtin = BUILTIN_SUM});
    struct fixture fixture = fixture_open(&sum);
    struct run_summary summary;
    struct err err;
    struct collector *collector = collector_open(&fixture.options, &err);

    (void)state;
    assert_non_null(collector);
    emit_every_tenth(collector, 200 * 1000);
    assert_int_equal(collector_finish(collector, &summary, &err), 0);
    assert_int_equal(summary.digest.record_count, 180 * 1000 + 1);
    assert_int_equal(summary.hot_keys->count, 0);
    collector_close(collector);
    fixture_close(&fixture);
}

/* With `group` hot is what a reduce gets at once: no key comes twice here, the first part does. */
static void a_hot_group_is_known_by_the_parts_it_groups_by(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct run_summary summary;
    struct buf key = {0}, group = {0};
    struct err err;
    struct collector *collector;

    (void)state;
    fixture.options.group_parts = 1;
    collector = collector_open(&fixture.options, &err);
    assert_non_null(collector);
    for (int i = 0; i < 1000; i++) {
        struct key_writer writer;

        buf_clear(&key);
        key_writer_init(&writer, &key);
        key_write_tuple_begin(&writer);
        key_write_string(&writer, slice_of_string(i % 4 ? "hot" : i % 8 ? "warm" : "rare"));
        key_write_integer(&writer, i);
        key_write_tuple_end(&writer);
        assert_int_equal(key_writer_end(&writer, &err), 0);
        if (i == 1) {
            struct slice prefix;

            assert_int_equal(key_prefix(buf_slice(&key), 1, &prefix, &err), 0);
            buf_append(&group, prefix.ptr, prefix.len);
        }
        emit_number(collector, 0, buf_slice(&key), i);
    }
    assert_int_equal(collector_finish(collector, &summary, &err), 0);
    assert_int_equal(summary.hot_keys->count, 3);
    assert_true(hot_key_sure(&summary.hot_keys->items[0]) == 750);
    assert_true(slice_equal(hot_key_bytes(&summary.hot_keys->items[0]), buf_slice(&group)));
    assert_true(hot_key_sure(&summary.hot_keys->items[2]) == 125);
    collector_close(collector);
    buf_deinit(&key);
    buf_deinit(&group);
    fixture_close(&fixture);
}

static void what_fits_the_buffer_never_touches_scratch(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct run_summary summary;
    struct kit_list got = {0};
    struct stat stat;
    struct err err;

    (void)state;
    kit_add(&fixture.emitted, 2, slice_of_string("b"), slice_of_string("1"));
    kit_add(&fixture.emitted, 2, slice_of_string("a"), slice_of_string("2"));
    assert_int_equal(collect(&fixture, &summary, &err), 0);
    assert_int_equal(summary.spill_count, 0);
    read_result(&fixture, &summary, &got);
    kit_assert_slice(got.records[0].value, slice_of_string("2"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fstat(fixture.options.scratch[i], &stat), 0);
        assert_int_equal(stat.st_size, 0);
    }
    kit_clear(&got);
    fixture_close(&fixture);
}

static void no_records_are_a_run_of_empty_partitions(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct run_summary summary;
    struct kit_list got = {0};
    struct err err;

    (void)state;
    assert_int_equal(collect(&fixture, &summary, &err), 0);
    read_result(&fixture, &summary, &got);
    assert_int_equal(got.count, 0);
    fixture_close(&fixture);
}

/* Goal (P9, disk): many merge steps leave no more behind than the data, twice. */
static void scratch_stays_in_proportion_to_the_data(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct rand rand = kit_rand("collector disk");
    struct run_summary summary;
    struct err err;
    char noise[1000];
    uint64_t blocks = 0;

    (void)state;
    for (int i = 0; i < 20 * SORTBUF_BYTES_MIN / 1000; i++) {
        for (size_t j = 0; j < sizeof noise; j++)
            noise[j] = (char)rand_next(&rand);
        kit_add(&fixture.emitted, 0, slice_of(noise, 4), slice_of(noise, sizeof noise));
    }
    assert_int_equal(collect(&fixture, &summary, &err), 0);
    assert_true(summary.spill_count >= 20);
    for (int i = 0; i < 2; i++) {
        struct stat stat;

        assert_int_equal(fstat(fixture.options.scratch[i], &stat), 0);
        blocks += (uint64_t)stat.st_blocks * 512;
    }
    /* A page may be left at each end of each spill. */
    assert_true(blocks <= summary.bytes + summary.bytes / 4 + summary.spill_count * 8192);
    fixture_close(&fixture);
}

/* Goal (P5): what happens to a spill on disk is found, and is the disk's fault. Method: flip one
 * byte of scratch A between the last emit and finish. */
static void a_damaged_spill_is_found(void **state)
{
    struct rand rand = kit_rand("collector damage");

    (void)state;
    for (int round = 0; round < 20; round++) {
        struct fixture fixture = fixture_open(NULL);
        struct collector *collector;
        struct run_summary summary;
        struct err err = {0};
        struct stat stat;
        unsigned char byte;
        off_t at;

        emit_random(&fixture, &rand, 3 * SORTBUF_BYTES_MIN);
        collector = collector_open(&fixture.options, &err);
        assert_non_null(collector);
        for (size_t i = 0; i < fixture.emitted.count; i++) {
            const struct kit_record *record = &fixture.emitted.records[i];

            assert_int_equal(
                collector_emit(collector, record->partition, record->key, record->value, &err), 0);
        }
        assert_int_equal(fstat(fixture.options.scratch[0], &stat), 0);
        assert_true(stat.st_size > 0);
        at = (off_t)rand_below(&rand, (uint64_t)stat.st_size);
        assert_int_equal(pread(fixture.options.scratch[0], &byte, 1, at), 1);
        byte = (unsigned char)(byte ^ (1 << rand_below(&rand, 8)));
        assert_int_equal(pwrite(fixture.options.scratch[0], &byte, 1, at), 1);
        assert_int_equal(collector_finish(collector, &summary, &err), -1);
        assert_int_equal(err.kind, ERR_DISK);
        assert_non_null(strstr(err.message, "scratch run"));
        collector_close(collector);
        fixture_close(&fixture);
    }
}

static int emit_other_key(void *context, struct group *group, struct sink *out, struct err *err)
{
    (void)context;
    (void)group;
    return out->emit(out, slice_of_string("other"), slice_of_string(""), err);
}

static void a_combiner_may_emit_only_its_key(void **state)
{
    struct combiner other = {.combine = emit_other_key};
    struct fixture fixture = fixture_open(&other);
    struct run_summary summary;
    struct err err = {0};

    (void)state;
    kit_add(&fixture.emitted, 0, slice_of_string("key"), slice_of_string("1"));
    assert_int_equal(collect(&fixture, &summary, &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    fixture_close(&fixture);
}

static void a_buffer_out_of_range_is_an_error_of_the_setup(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct err err = {0};

    (void)state;
    fixture.options.sort_buffer_bytes = SORTBUF_BYTES_MIN - 1;
    assert_null(collector_open(&fixture.options, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    fixture.options.sort_buffer_bytes = SORTBUF_BYTES_MAX + 1;
    assert_null(collector_open(&fixture.options, &err));
    fixture_close(&fixture);
}

static void beat(void *context)
{
    ++*(size_t *)context;
}

static void a_long_merge_has_a_pulse(void **state)
{
    struct fixture fixture = fixture_open(NULL);
    struct rand rand = kit_rand("collector pulse");
    struct run_summary summary;
    struct err err;
    size_t beats = 0;

    (void)state;
    fixture.options.pulse = (struct pulse){beat, &beats};
    emit_random(&fixture, &rand, 6 * SORTBUF_BYTES_MIN);
    assert_int_equal(collect(&fixture, &summary, &err), 0);
    assert_true(beats > summary.bytes / RUN_BLOCK_BYTES);
    fixture_close(&fixture);
}

/* Goal: no failure of a read, write or allocation is lost, misreported or leaked (ASan watches).
 * Method: fail the 1st, the 2nd, ... until all of it gets through. Spills, merges, a result. */
static void every_failure_is_reported(void **state)
{
    static const struct {
        enum fault_call call;
        int error;
    } faults[] = {{FAULT_READ, EIO}, {FAULT_WRITE, ENOSPC}, {FAULT_ALLOC, ENOMEM}};
    struct rand rand;
    struct kit_list emitted = {0};
    char key[9], *value = mem_alloc(SORTBUF_BYTES_MIN / 4);

    (void)state;
    rand_init(&rand, 5);
    for (int i = 0; i < 24; i++)
        kit_add(&emitted, (uint32_t)i % 3, kit_bytes(&rand, key, sizeof key),
                kit_bytes(&rand, value, SORTBUF_BYTES_MIN / 4));
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct fixture fixture = fixture_open(NULL);
            struct run_summary summary;
            struct err err = {0};
            bool has_failed;
            int rc;

            fixture.emitted = emitted;
            fault_arm(faults[i].call, nth, faults[i].error);
            rc = collect(&fixture, &summary, &err);
            has_failed = fault_disarm();
            fixture.emitted = (struct kit_list){0};
            fixture_close(&fixture);
            if (!has_failed) {
                assert_int_equal(rc, 0);
                assert_true(nth > 3); /* there was something to fail */
                break;
            }
            assert_int_equal(rc, -1);
            if (faults[i].call == FAULT_ALLOC)
                assert_in_set(err.kind, ((uintmax_t[]){ERR_LIMIT, ERR_SETUP}), 2);
            else
                assert_int_equal(err.kind, ERR_DISK);
            if (faults[i].call == FAULT_WRITE)
                assert_true(strstr(err.message, "write scratch") ||
                            strstr(err.message, "write run of map 3"));
            assert_true(nth < 100000);
        }
    }
    kit_clear(&emitted);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parcels_are_in_the_run_and_not_hot),
        cmocka_unit_test(a_run_is_the_naive_stable_sort_of_what_was_emitted),
        cmocka_unit_test(combining_changes_nothing_wherever_a_spill_cuts),
        cmocka_unit_test(sums_are_the_sums_of_all_values),
        cmocka_unit_test(a_hot_key_is_counted_exactly_wherever_a_spill_cuts),
        cmocka_unit_test(what_a_combiner_makes_one_record_is_not_hot),
        cmocka_unit_test(a_hot_group_is_known_by_the_parts_it_groups_by),
        cmocka_unit_test(what_fits_the_buffer_never_touches_scratch),
        cmocka_unit_test(no_records_are_a_run_of_empty_partitions),
        cmocka_unit_test(scratch_stays_in_proportion_to_the_data),
        cmocka_unit_test(a_damaged_spill_is_found),
        cmocka_unit_test(a_combiner_may_emit_only_its_key),
        cmocka_unit_test(a_buffer_out_of_range_is_an_error_of_the_setup),
        cmocka_unit_test(a_long_merge_has_a_pulse),
        cmocka_unit_test(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
