#include "attempt/kit.h"

#include "attempt/fetch.h"
#include "attempt/files.h"
#include "fault/fault.h"

#include <errno.h>

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

/* The table of a partition: maps without a record in it are left out, the others stand one behind
 * the other, in map order. */
static void test_table(void **state)
{
    struct fetched fetched;
    int scratch;

    (void)state;
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum',\n"
                  "partition = function(key, count) return key == 'one' and 1 or 0 end }");
    kit.start.partition_count = 2;
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "t0.txt", "zero\none\n")));
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "t1.txt", "zero\n")));
    kit_must(&kit, kit_map(&kit, 2, kit_file(&kit, "t2.txt", "one\n")));
    scratch = files_scratch(kit.folder.path, &kit.err);
    assert_true(scratch >= 0);
    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = 3;
    kit.start.task = 1;
    assert_int_equal(fetch_segments(&kit.start, scratch, &fetched, &kit.err), 0);
    assert_int_equal(fetched.records, 2);
    assert_int_equal(fetched.table.n_segments, 2);
    assert_int_equal(fetched.table.segments[0]->map, 0);
    assert_int_equal(fetched.table.segments[1]->map, 2);
    assert_int_equal(fetched.table.segments[0]->offset, 0);
    assert_int_equal(fetched.table.segments[1]->offset, fetched.table.segments[0]->bytes);
    assert_int_equal(lseek(scratch, 0, SEEK_END), fetched.table.bytes);
    fetch_deinit(&fetched);
    /* A partition that no run has. */
    kit.start.task = 2;
    assert_int_equal(fetch_segments(&kit.start, scratch, &fetched, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    fetch_deinit(&fetched);
    kit.start.map_outputs = NULL;
    kit.start.n_map_outputs = 0;
    close(scratch);
}

/* Fail the n-th read, write, open: the right kind each time, and in the end it works. */
static void test_faults(void **state)
{
    static const enum fault_call calls[] = {FAULT_READ, FAULT_WRITE, FAULT_OPEN};
    static const enum err_kind kinds[] = {ERR_PEER, ERR_DISK, ERR_PEER};

    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    for (uint32_t map = 0; map < 2; map++)
        kit_must(&kit, kit_map(&kit, map, kit_file(&kit, "f.txt", "first\nsecond\n")));
    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = 2;
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
            assert_true(rc != 0 || fetched.table.n_segments == 2);
            fetch_deinit(&fetched);
            close(scratch);
        }
    }
    kit.start.map_outputs = NULL;
    kit.start.n_map_outputs = 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_lost_run),
        KIT_TEST(test_table),
        KIT_TEST(test_faults),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
