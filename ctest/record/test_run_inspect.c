#include "record/golden_run.h"

#include "fault/fault.h"

#include <errno.h>

static void the_golden_run_is_read(void **state)
{
    struct kit_list got = {0}, wanted = golden_records();
    struct run_inspect *inspect;
    struct run_inspect_segment segment;
    struct err err;
    int fd = open(GOLDEN_RUN_PATH, O_RDONLY | O_CLOEXEC);
    uint64_t bytes;

    (void)state;
    assert_true(fd >= 0);
    bytes = (uint64_t)lseek(fd, 0, SEEK_END);
    assert_int_equal(golden_read(fd, bytes, &got, &err), 0);
    kit_assert_equal(&got, &wanted);
    inspect = run_inspect_open(fd, bytes, "golden", &err);
    assert_non_null(inspect);
    assert_int_equal(run_inspect_index(inspect)->id.job, GOLDEN_ID.job);
    assert_int_equal(run_inspect_index(inspect)->id.attempt, GOLDEN_ID.attempt);
    assert_int_equal(run_inspect_index(inspect)->id.task, GOLDEN_ID.task);
    assert_int_equal(run_inspect_index(inspect)->partition_count, GOLDEN_PARTITIONS);
    assert_int_equal(run_inspect_index(inspect)->record_count, wanted.count);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(run_inspect_segment(inspect, &segment, &err), 1);
    assert_int_equal(segment.partition, 2);
    assert_int_equal(segment.extent.record_count, 2);
    assert_int_equal(segment.block_count, 2);
    assert_true(segment.raw_bytes > RUN_BLOCK_BYTES_MAX + 1000);
    assert_true(segment.extent.bytes < 2000);
    assert_int_equal(run_inspect_segment(inspect, &segment, &err), 1);
    assert_int_equal(run_inspect_segment(inspect, &segment, &err), 0);
    run_inspect_close(inspect);
    kit_clear(&got);
    kit_clear(&wanted);
    close(fd);
}

static void assert_found(int fd, uint64_t bytes, const struct kit_list *written)
{
    struct kit_list got = {0};
    struct err err = {0};

    assert_int_equal(golden_read(fd, bytes, &got, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.message, "run x"));
    assert_true(got.count < written->count);
    got.count == 0 ? (void)0 : kit_assert_slice(got.records[0].value, written->records[0].value);
    kit_clear(&got);
}

/* Goal (P5): there is no byte of a run file that may flip unseen. */
static void every_flipped_byte_is_found(void **state)
{
    struct kit_list written = golden_records();
    struct rand rand = kit_rand("run_inspect");
    int fd = kit_file();
    uint64_t bytes = golden_write(fd);

    (void)state;
    /* In a tiny build the file is long; the first and last parts have every kind of byte. */
    for (uint64_t at = 0; at<bytes; at += at> 1000 && at + 1000 < bytes ? 13 : 1) {
        unsigned char byte, flipped;

        assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
        flipped = (unsigned char)(byte ^ (1 << rand_below(&rand, 8)));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
        assert_found(fd, bytes, &written);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    }
    kit_clear(&written);
    close(fd);
}

static void every_truncation_is_found(void **state)
{
    struct kit_list written = golden_records();
    int fd = kit_file();

    (void)state;
    for (uint64_t bytes = golden_write(fd); bytes-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
        assert_found(fd, bytes, &written); /* the file is shorter, and so is what we were told */
        assert_found(fd, bytes + 1, &written); /* or we were told another size */
    }
    kit_clear(&written);
    close(fd);
}

static void every_failing_call_is_reported(void **state)
{
    static const enum fault_call calls[] = {FAULT_READ, FAULT_ALLOC};
    int fd = kit_file();
    uint64_t bytes = golden_write(fd);

    (void)state;
    for (int i = 0; i < 2; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct err err = {0};
            struct run_inspect_segment segment;
            struct record record;
            struct run_inspect *inspect;
            int rc = -1;

            fault_arm(calls[i], nth, calls[i] == FAULT_READ ? EIO : ENOMEM);
            inspect = run_inspect_open(fd, bytes, "run x", &err);
            while (inspect && (rc = run_inspect_segment(inspect, &segment, &err)) == 1)
                while ((rc = run_inspect_record(inspect, &record, &err)) == 1)
                    ;
            run_inspect_close(inspect);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_int_not_equal(err.kind, ERR_NONE);
            if (calls[i] == FAULT_ALLOC)
                assert_int_equal(err.kind, ERR_LIMIT);
            assert_true(nth < 100000);
        }
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_run_is_read),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(every_failing_call_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
