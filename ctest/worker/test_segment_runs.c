#include "worker/segment_runs.h"

#include "fault/fault.h"
#include "worker/segment_kit.h"

#include <errno.h>

static struct kit kit;

static void hold_all(struct segment_runs *runs)
{
    for (uint32_t map = 0; map < kit.maps; map++)
        segment_runs_add(runs, KIT_JOB, map, kit_attempt(map), kit_run_path(&kit, map));
}

static int open_run(struct segment_runs *runs, uint32_t sequence, uint32_t partition,
                    struct segment_found *found)
{
    struct segment_job *job = segment_runs_job(runs, KIT_JOB);

    return segment_run_open(runs, job, job->runs[sequence], partition, found, &kit.err);
}

/* Numbers are given in order, and never again; who is forgotten is left out. */
static void test_numbers(void **state)
{
    struct segment_runs *runs = segment_runs_open(1 << 20);
    struct segment_job *job;
    uint64_t sequence = 0;

    (void)state;
    assert_null(segment_runs_job(runs, KIT_JOB));
    hold_all(runs);
    job = segment_runs_job(runs, KIT_JOB);
    assert_int_equal(job->held, 4);
    segment_runs_forget(runs, KIT_JOB, kit_attempt(0));
    segment_runs_forget(runs, KIT_JOB, kit_attempt(1));
    segment_runs_forget(runs, KIT_JOB, 99);
    segment_runs_forget(runs, 99, kit_attempt(2));
    assert_int_equal(segment_job_next(job, &sequence)->map, 2);
    assert_int_equal(sequence, 2);
    segment_runs_forget(runs, KIT_JOB, kit_attempt(3));
    segment_runs_add(runs, KIT_JOB, 0, 55, "x");
    sequence = 3;
    assert_int_equal(segment_job_next(job, &sequence)->attempt, 55);
    assert_int_equal(sequence, 4);
    sequence = 5;
    assert_null(segment_job_next(job, &sequence));
    assert_int_equal(job->held, 2);
    segment_runs_forget_job(runs, KIT_JOB);
    segment_runs_forget_job(runs, KIT_JOB);
    assert_null(segment_runs_job(runs, KIT_JOB));
    segment_runs_close(runs);
}

/* Row 10: what is needed stands behind very many that are over, and is one step away. */
static void test_many_forgotten(void **state)
{
    enum { FORGOTTEN = 100000 };
    struct segment_runs *runs = segment_runs_open(1 << 20);
    uint64_t sequence = 0;

    (void)state;
    for (uint64_t attempt = 1; attempt <= FORGOTTEN; attempt++) {
        segment_runs_add(runs, KIT_JOB, 0, attempt, "x");
        segment_runs_forget(runs, KIT_JOB, attempt);
    }
    segment_runs_add(runs, KIT_JOB, 7, FORGOTTEN + 1, "x");
    assert_int_equal(segment_job_next(segment_runs_job(runs, KIT_JOB), &sequence)->map, 7);
    assert_int_equal(sequence, FORGOTTEN);
    segment_runs_close(runs);
}

/* Indexes are kept while there is room; the one used longest ago goes. */
static void test_indexes(void **state)
{
    struct segment_runs *large = segment_runs_open(1 << 20), *small = segment_runs_open(150);
    struct segment_found found;

    (void)state;
    hold_all(large);
    hold_all(small);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < kit.maps; i++) {
            struct segment_runs *both[] = {large, small};

            for (size_t j = 0; j < 2; j++) {
                assert_int_equal(open_run(both[j], i, 0, &found), 1);
                assert_true(found.fd >= 0);
                assert_int_equal(found.extent.record_count, kit.records);
                close(found.fd);
                assert_int_equal(open_run(both[j], i, KIT_EMPTY, &found), 1);
                assert_int_equal(found.fd, -1);
            }
        }
    assert_true(segment_runs_index_bytes(large) > 4 * 24);
    assert_true(segment_runs_index_bytes(small) <= 150);
    segment_runs_close(large);
    segment_runs_close(small);
}

/* Gone, cut, another's: lost. A shortage is not. */
static void test_bad_runs(void **state)
{
    struct segment_runs *runs = segment_runs_open(1 << 20);
    struct segment_found found;

    (void)state;
    hold_all(runs);
    segment_runs_add(runs, KIT_JOB, 9, kit_attempt(0), kit_run_path(&kit, 0));
    segment_runs_add(runs, KIT_JOB, 0, kit_attempt(1), kit_run_path(&kit, 0));
    segment_runs_add(runs, KIT_JOB, 0, 3, kit_run_path(&kit, 77));
    for (uint32_t sequence = 4; sequence < 7; sequence++) {
        assert_int_equal(open_run(runs, sequence, 0, &found), -1);
        assert_int_equal(kit.err.kind, ERR_PEER);
    }
    assert_int_equal(open_run(runs, 0, kit.partitions, &found), -1);
    fault_arm(FAULT_OPEN, 0, EMFILE);
    assert_int_equal(open_run(runs, 0, 0, &found), 0);
    fault_disarm();
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(open_run(runs, 1, 0, &found), -1);
    fault_disarm();
    assert_int_equal(truncate(kit_run_path(&kit, 2), 100), 0);
    assert_int_equal(open_run(runs, 2, 0, &found), -1);
    assert_int_equal(open_run(runs, 1, 0, &found), 1);
    close(found.fd);
    segment_runs_close(runs);
}

static int set_up(void **state)
{
    (void)state;
    kit_open(&kit, 4, 3, 10);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_indexes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_runs, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
