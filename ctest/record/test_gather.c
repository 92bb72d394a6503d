#include "record/sort_kit.h"

#include "fault/fault.h"
#include "record/collector.h"
#include "record/gather.h"

#include <errno.h>

enum { MAPS_MAX = 200, PARTITION = 1 };

/* Segments of partition 1 of some maps in one scratch file, as a reduce gets them. */
struct fixture {
    struct gather_options options;
    struct gather_segment segments[MAPS_MAX];
    uint32_t map_count;
    struct kit_list records; /* of all maps, in map order, then in order of emit */
    struct digest digest;    /* what the maps reported of partition 1 */
    uint64_t bytes;
};

static struct fixture fixture_open(void)
{
    return (struct fixture){.options = {.partition = PARTITION,
                                        .id = {.job = 9, .attempt = 77, .task = 1},
                                        .scratch = {kit_file(), kit_file()},
                                        .fan_in = 2}};
}

static void fixture_close(struct fixture *fixture)
{
    close(fixture->options.scratch[0]);
    close(fixture->options.scratch[1]);
    kit_clear(&fixture->records);
}

static void copy_segment(struct fixture *fixture, int from, const struct run_segment *segment)
{
    char *bytes = mem_alloc(segment->bytes);

    assert_int_equal(pread(from, bytes, segment->bytes, (off_t)segment->offset), segment->bytes);
    assert_int_equal(
        pwrite(fixture->options.scratch[0], bytes, segment->bytes, (off_t)fixture->bytes),
        segment->bytes);
    free(bytes);
    fixture->segments[fixture->map_count].offset = fixture->bytes;
    fixture->segments[fixture->map_count].bytes = segment->bytes;
    fixture->bytes += segment->bytes;
}

/* A map of `count` random records, through a collector; two partitions, one of which we want. */
static void add_map(struct fixture *fixture, struct rand *rand, size_t count)
{
    uint32_t map = fixture->map_count;
    struct collector_options options = {.sort_buffer_bytes = SORTBUF_BYTES_MIN,
                                        .partition_count = 2,
                                        .id = {.job = 9, .attempt = 1000 + map, .task = 10 + map},
                                        .scratch = {kit_file(), kit_file()},
                                        .result = kit_file()};
    struct run_summary summary;
    struct err err;
    struct collector *collector = collector_open(&options, &err);
    char key[10], value[50];

    assert_non_null(collector);
    for (size_t i = 0; i < count; i++) {
        struct slice k = kit_bytes(rand, key, sizeof key);
        struct slice v = kit_bytes(rand, value, sizeof value);

        assert_int_equal(collector_emit(collector, PARTITION, k, v, &err), 0);
        kit_add(&fixture->records, PARTITION, k, v);
    }
    assert_int_equal(collector_finish(collector, &summary, &err), 0);
    digest_add(&fixture->digest, &summary.digest);
    fixture->segments[map].fd = fixture->options.scratch[0];
    fixture->segments[map].map = 10 + map;
    fixture->segments[map].attempt = 1000 + map;
    fixture->segments[map].id = options.id;
    copy_segment(fixture, options.result, &summary.segments[PARTITION]);
    fixture->map_count++;
    collector_close(collector);
    close(options.scratch[0]);
    close(options.scratch[1]);
    close(options.result);
}

static int gather_all(struct fixture *fixture, struct kit_list *got, struct digest *digest,
                      uint32_t *failed_map, struct err *err)
{
    struct gather *gather =
        gather_open(&fixture->options, fixture->segments, fixture->map_count, failed_map, err);
    int rc;

    if (!gather)
        return -1;
    rc = kit_read(gather_cursor(gather), PARTITION, got, err);
    *digest = *gather_digest(gather);
    *failed_map = gather_failed_map(gather);
    gather_close(gather);
    return rc;
}

/* Goal: a reduce reads the stable sort of all maps' records, ties by map, for any number of maps
 * and fan-in; and its digest is what the maps reported. */
static void a_reduce_reads_what_the_maps_wrote(void **state)
{
    struct rand rand = kit_rand("gather");

    (void)state;
    for (int round = 0; round < 20; round++) {
        struct fixture fixture = fixture_open();
        struct kit_list got = {0};
        struct digest digest;
        struct err err;
        uint32_t failed_map;

        fixture.options.fan_in = 2 + (uint32_t)rand_below(&rand, MERGE_FAN_IN_MAX - 1);
        for (uint64_t maps = rand_below(&rand, round < 2 ? MAPS_MAX : 30); maps > 0; maps--)
            add_map(&fixture, &rand, (size_t)rand_below(&rand, 40));
        assert_int_equal(gather_all(&fixture, &got, &digest, &failed_map, &err), 0);
        kit_sort(&fixture.records);
        kit_assert_equal(&got, &fixture.records);
        assert_true(digest_equal(&digest, &fixture.digest));
        assert_int_equal(failed_map, GATHER_MAP_NONE);
        kit_clear(&got);
        fixture_close(&fixture);
    }
}

/* A reduce that takes one value of each key is audited all the same. */
static void values_that_are_skipped_are_in_the_digest(void **state)
{
    struct rand rand = kit_rand("gather skip");
    struct fixture fixture = fixture_open();
    struct gather *gather;
    struct group group;
    struct slice value;
    struct err err;
    uint32_t failed_map;
    int rc;

    (void)state;
    for (int i = 0; i < 5; i++)
        add_map(&fixture, &rand, 200);
    gather = gather_open(&fixture.options, fixture.segments, fixture.map_count, &failed_map, &err);
    assert_non_null(gather);
    group_init(&group, gather_cursor(gather), 0);
    while ((rc = group_next(&group, &err)) == 1)
        assert_int_equal(group_value(&group, &value, NULL, &err), 1);
    assert_int_equal(rc, 0);
    assert_true(digest_equal(gather_digest(gather), &fixture.digest));
    group_deinit(&group);
    gather_close(gather);
    fixture_close(&fixture);
}

/* Goal (P5): one flipped byte anywhere in the fetched segments is found, is the map's fault, and
 * names that map, whether a step or the last merge reads it. */
static void every_flipped_byte_names_its_map(void **state)
{
    struct rand rand = kit_rand("gather flips");
    struct fixture fixture = fixture_open();
    char *bytes;
    int fd = fixture.options.scratch[0];

    (void)state;
    for (int i = 0; i < 5; i++)
        add_map(&fixture, &rand, 4);
    bytes = mem_alloc(fixture.bytes);
    assert_int_equal(pread(fd, bytes, fixture.bytes, 0), fixture.bytes);
    for (uint32_t map = 0; map < fixture.map_count; map++) {
        const struct gather_segment *segment = &fixture.segments[map];

        for (uint64_t at = segment->offset; at < segment->offset + segment->bytes; at++) {
            struct kit_list got = {0};
            struct digest digest;
            struct err err = {0};
            uint32_t failed_map;
            char good = bytes[at];

            bytes[at] = (char)(good ^ (1 << rand_below(&rand, 8)));
            assert_int_equal(ftruncate(fd, 0), 0); /* what steps of the round before left */
            assert_int_equal(ftruncate(fixture.options.scratch[1], 0), 0);
            assert_int_equal(pwrite(fd, bytes, fixture.bytes, 0), fixture.bytes);
            assert_int_equal(gather_all(&fixture, &got, &digest, &failed_map, &err), -1);
            assert_int_equal(err.kind, ERR_PEER);
            assert_int_equal(failed_map, 10 + map);
            kit_clear(&got);
            bytes[at] = good;
        }
    }
    free(bytes);
    fixture_close(&fixture);
}

static void a_segment_in_anothers_place_is_found(void **state)
{
    struct rand rand = kit_rand("gather swap");
    struct fixture fixture = fixture_open();
    struct kit_list got = {0};
    struct gather_segment segment;
    struct digest digest;
    struct err err = {0};
    uint32_t failed_map;

    (void)state;
    add_map(&fixture, &rand, 10);
    add_map(&fixture, &rand, 10);
    segment = fixture.segments[0];
    fixture.segments[0].offset = fixture.segments[1].offset;
    fixture.segments[0].bytes = fixture.segments[1].bytes;
    fixture.segments[1].offset = segment.offset;
    fixture.segments[1].bytes = segment.bytes;
    assert_int_equal(gather_all(&fixture, &got, &digest, &failed_map, &err), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_int_equal(failed_map, 10);
    fixture.segments[0] = segment; /* and a stale attempt's */
    fixture.segments[0].id.attempt++;
    fixture.map_count = 1;
    assert_int_equal(gather_all(&fixture, &got, &digest, &failed_map, &err), -1);
    assert_int_equal(failed_map, 10);
    assert_int_equal(got.count, 0);
    fixture_close(&fixture);
}

static void every_failure_is_reported(void **state)
{
    static const struct {
        enum fault_call call;
        int error;
        enum err_kind kind;
    } faults[] = {{FAULT_READ, EIO, ERR_DISK},
                  {FAULT_WRITE, ENOSPC, ERR_DISK},
                  {FAULT_ALLOC, ENOMEM, ERR_LIMIT}};
    struct rand rand;
    struct fixture fixture = fixture_open();
    char *bytes;

    (void)state;
    rand_init(&rand, 5);
    for (int i = 0; i < 7; i++)
        add_map(&fixture, &rand, 5);
    bytes = mem_alloc(fixture.bytes);
    assert_int_equal(pread(fixture.options.scratch[0], bytes, fixture.bytes, 0), fixture.bytes);
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t nth = 0;; nth++) {
            uint32_t failed_map;
            struct gather *gather;
            struct slice value;
            struct err err = {0};
            bool has_failed;
            int rc = -1;

            assert_int_equal(pwrite(fixture.options.scratch[0], bytes, fixture.bytes, 0),
                             fixture.bytes);
            fault_arm(faults[i].call, nth, faults[i].error);
            gather = gather_open(&fixture.options, fixture.segments, fixture.map_count, &failed_map,
                                 &err);
            while (gather && (rc = cursor_next(gather_cursor(gather), &err)) == 1)
                assert_int_equal(cursor_value(gather_cursor(gather), &value, &err), 0);
            has_failed = fault_disarm();
            if (!has_failed) {
                assert_int_equal(rc, 0);
                assert_true(digest_equal(gather_digest(gather), &fixture.digest));
            } else {
                assert_int_equal(rc, -1);
                assert_int_equal(err.kind, faults[i].kind);
                assert_int_equal(gather ? gather_failed_map(gather) : failed_map, GATHER_MAP_NONE);
            }
            gather_close(gather);
            if (!has_failed)
                break;
            assert_true(nth < 100000);
        }
    }
    free(bytes);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reduce_reads_what_the_maps_wrote),
        cmocka_unit_test(values_that_are_skipped_are_in_the_digest),
        cmocka_unit_test(every_flipped_byte_names_its_map),
        cmocka_unit_test(a_segment_in_anothers_place_is_found),
        cmocka_unit_test(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
