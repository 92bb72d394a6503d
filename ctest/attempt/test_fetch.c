#include "attempt/kit.h"

#include "attempt/fetch.h"
#include "attempt/files.h"
#include "fault/fault.h"

#include <errno.h>
#include <sys/resource.h>

/* A run that is gone, of another attempt, or damaged, is the map's fault, and says whose. */
static void test_lost_run(void **state)
{
    char byte;
    int fd;

    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    for (uint32_t map = 0; map < 3; map++)
        kit_must(&kit, kit_map(&kit, map, kit_file(&kit, "in.txt", "first\nsecond\n")));
    kit.maps[1].attempt += 100;
    assert_null(kit_reduce(&kit, 0));
    assert_int_equal(kit.err.kind, ERR_PEER);
    assert_int_equal(kit.failure.peer_map, 1);
    assert_true(kit.failure.peer_attempt == kit.maps[1].attempt);
    kit.maps[1].attempt -= 100;
    /* One byte inside the segment: only the child, who reads it, can find that. */
    fd = open(kit.map_paths[2], O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, 50), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 50), 1);
    close(fd);
    assert_null(kit_reduce(&kit, 0));
    assert_int_equal(kit.err.kind, ERR_PEER);
    assert_int_equal(kit.failure.peer_map, 2);
    assert_true(kit.failure.peer_attempt == kit.maps[2].attempt);
    assert_int_equal(unlink(kit.map_paths[0]), 0);
    assert_null(kit_reduce(&kit, 0));
    assert_int_equal(kit.err.kind, ERR_PEER);
    assert_int_equal(kit.failure.peer_map, 0);
}

/* Three maps, of which the second has nothing in partition 1. */
static void open_three(void)
{
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum',\n"
                  "partition = function(key, count) return key == 'one' and 1 or 0 end }");
    kit.start.partition_count = 2;
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "t0.txt", "zero\none\n")));
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "t1.txt", "zero\n")));
    kit_must(&kit, kit_map(&kit, 2, kit_file(&kit, "t2.txt", "one\n")));
    kit.start.task = 1;
}

/* The same run, so many times, as the outputs of that many maps. */
static void repeat_first_map(uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        kit.map_list[i] = &kit.maps[0];
    kit.map_count = count;
}

/* Fetches from the first `count` of kit.map_list; answers the bytes that scratch has then. */
static off_t fetch(uint32_t count, struct fetched *fetched)
{
    int scratch = files_scratch(kit.folder.path, &kit.err);
    off_t bytes;

    assert_true(scratch >= 0);
    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = count;
    assert_int_equal(fetch_segments(&kit.start, scratch, fetched, &kit.err), 0);
    kit.start.map_outputs = NULL;
    kit.start.n_map_outputs = 0;
    bytes = lseek(scratch, 0, SEEK_END);
    close(scratch);
    return bytes;
}

/* The table of a partition, in map order: maps without a record in it are left out. */
static void test_table(void **state)
{
    struct fetched fetched;

    (void)state;
    open_three();
    assert_int_equal(fetch(3, &fetched), 0); /* the segments stay where they are */
    assert_int_equal(fetched.records, 2);
    assert_true(fetched.table.in_place);
    assert_int_equal(fetched.table.n_segments, 2);
    assert_int_equal(fetched.table.segments[0]->map, 0);
    assert_int_equal(fetched.table.segments[1]->map, 2);
    /* The first run has a segment of partition 0 before it, the last one has not. */
    assert_true(fetched.table.segments[0]->offset > fetched.table.segments[1]->offset);
    assert_true(fetched.files[0] >= 0 && fetched.files[1] >= 0);
    fetch_deinit(&fetched);
    /* A partition that no run has. */
    kit.start.task = 2;
    assert_int_equal(fetch_segments(&kit.start, -1, &fetched, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    fetch_deinit(&fetched);
}

/* Lowers the limit to so many runs; answers what it was. */
static struct rlimit leave_descriptors(rlim_t count)
{
    struct rlimit limit, few;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = FETCH_OTHER_DESCRIPTORS + count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    return limit;
}

/* With few descriptors the segments are copied, one behind the other. */
static void test_few_descriptors(void **state)
{
    struct fetched fetched;
    struct rlimit limit;
    off_t bytes;

    (void)state;
    open_three();
    limit = leave_descriptors(2);
    bytes = fetch(3, &fetched);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_false(fetched.table.in_place);
    assert_null(fetched.files);
    assert_int_equal(fetched.table.n_segments, 2);
    assert_int_equal(fetched.table.segments[0]->offset, 0);
    assert_int_equal(fetched.table.segments[1]->offset, fetched.table.segments[0]->bytes);
    assert_true(bytes > 0 && (uint64_t)bytes == fetched.table.bytes);
    fetch_deinit(&fetched);
}

/* As many runs as are read in place, and one more: a reduce answers the same. */
static void test_many_runs(void **state)
{
    char expected[32];

    (void)state;
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "one.txt", "one\n")));
    for (uint32_t count = FETCH_IN_PLACE_MAX; count <= FETCH_IN_PLACE_MAX + 1; count++) {
        struct fetched fetched;

        repeat_first_map(count);
        kit.start.task = 0;
        assert_int_equal(fetch(count, &fetched) == 0, count == FETCH_IN_PLACE_MAX);
        fetch_deinit(&fetched);
        kit_must(&kit, kit_reduce(&kit, 0));
        snprintf(expected, sizeof expected, "one\t%u\n", count);
        kit_expect(&kit, expected);
    }
}

/* Fail the n-th read, write, open: the right kind each time, and in the end it works. */
static void check_faults(uint32_t map_count)
{
    static const enum fault_call calls[] = {FAULT_READ, FAULT_WRITE, FAULT_OPEN};
    static const enum err_kind kinds[] = {ERR_PEER, ERR_DISK, ERR_PEER};

    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = map_count;
    kit.start.task = 0;
    for (size_t i = 0; i < 3; i++) {
        bool fired = true;

        for (uint32_t nth = 0; fired; nth++) {
            struct fetched fetched;
            int scratch = files_scratch(kit.folder.path, &kit.err);
            int rc;

            fault_arm(calls[i], nth, calls[i] == FAULT_OPEN ? EACCES : EIO);
            rc = fetch_segments(&kit.start, scratch, &fetched, &kit.err);
            fired = fault_disarm();
            /* A copy in the kernel that failed is tried by hand. */
            assert_true(rc == 0 || (fired && kit.err.kind == kinds[i]));
            assert_true(rc != 0 || fetched.table.n_segments == map_count);
            fetch_deinit(&fetched);
            close(scratch);
        }
    }
    kit.start.map_outputs = NULL;
    kit.start.n_map_outputs = 0;
}

static void test_faults(void **state)
{
    struct rlimit limit;

    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    for (uint32_t map = 0; map < 2; map++)
        kit_must(&kit, kit_map(&kit, map, kit_file(&kit, "f.txt", "first\nsecond\n")));
    check_faults(2);
    limit = leave_descriptors(1); /* copies */
    check_faults(2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_lost_run),  KIT_TEST(test_table),  KIT_TEST(test_few_descriptors),
        KIT_TEST(test_many_runs), KIT_TEST(test_faults),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
