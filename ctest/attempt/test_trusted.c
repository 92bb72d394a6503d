/* The trusted process when its calls fail: a reason each time, and nothing left behind. */
#include "attempt/kit.h"

#include "fault/fault.h"

#include <errno.h>
#include <pthread.h>

static void take_back(void)
{
    fault_disarm();
}

/* Starts kit.start with a fault in its trusted process, and waits for it. */
static Mrlua__Done *run_with_fault(enum fault_call call, uint32_t nth, int error)
{
    struct attempt attempt;
    int rc;

    kit.err.kind = ERR_NONE;
    kit.start.attempt = ++kit.last_attempt;
    /* The forked process inherits it; in this one fork() takes it back. */
    fault_arm(call, nth, error);
    rc = attempt_start(kit.nursery, &kit.start, &attempt, &kit.err);
    return rc == 0 ? kit_await(&kit, &attempt) : NULL;
}

/* Until three in a row had nothing left to fail. */
static void fault_loop(enum fault_call call, int error, enum err_kind kind)
{
    int in_a_row = 0;

    for (uint32_t nth = 0; in_a_row < 3; nth++) {
        Mrlua__Done *done = run_with_fault(call, nth, error);

        in_a_row = done ? in_a_row + 1 : 0;
        if (!done && kit.err.kind != kind && kit.err.kind != ERR_RETRY)
            fail_msg("%s: %s", err_kind_name(kit.err.kind), kit.err.message);
        if (!done) /* who has no memory ends on the spot: it is removed all the same */
            assert_int_not_equal(access(kit.result_path, F_OK), 0);
        message_free(done);
        unlink(kit.result_path);
        assert_true(nth < 1000);
    }
}

static void test_map_faults(void **state)
{
    Mrlua__Piece piece, *pieces[] = {&piece};

    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    kit_piece(&piece, kit_file(&kit, "in.txt", "x\n"), 0, UINT64_MAX);
    snprintf(kit.result_path, sizeof kit.result_path, "%s/map", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.result_path = kit.result_path;
    kit.start.pieces = pieces;
    kit.start.n_pieces = 1;
    fault_loop(FAULT_ALLOC, ENOMEM, ERR_RETRY);
    fault_loop(FAULT_READ, EIO, ERR_INPUT);
    fault_loop(FAULT_WRITE, ENOSPC, ERR_DISK);
}

/* The third file it opens is the input: the disk is not to blame for that one. */
static void test_map_open_faults(void **state)
{
    Mrlua__Piece piece, *pieces[] = {&piece};
    static const enum err_kind kinds[] = {ERR_DISK, ERR_DISK, ERR_DISK, ERR_NONE};

    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    kit_piece(&piece, kit_file(&kit, "in.txt", "x\n"), 0, UINT64_MAX);
    snprintf(kit.result_path, sizeof kit.result_path, "%s/map", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.result_path = kit.result_path;
    kit.start.pieces = pieces;
    kit.start.n_pieces = 1;
    for (uint32_t nth = 0; nth < 3; nth++) { /* scratch A, scratch B, result */
        assert_null(run_with_fault(FAULT_OPEN, nth, EMFILE));
        assert_int_equal(kit.err.kind, kinds[nth]);
        assert_int_not_equal(access(kit.result_path, F_OK), 0);
    }
}

static void test_reduce_faults(void **state)
{
    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "x\n")));
    snprintf(kit.result_path, sizeof kit.result_path, "%s/part", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__REDUCE;
    kit.start.task = 0;
    kit.start.result_path = kit.result_path;
    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = 1;
    fault_loop(FAULT_ALLOC, ENOMEM, ERR_LIMIT);
    fault_loop(FAULT_READ, EIO, ERR_PEER);
    fault_loop(FAULT_WRITE, ENOSPC, ERR_DISK);
}

/* A task that lacks what its kind needs is refused, not run. */
static void test_incomplete(void **state)
{
    static const Mrlua__TaskKind kinds[] = {MRLUA__TASK_KIND__PLAN, MRLUA__TASK_KIND__COMMIT, 77};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        kit.start.kind = kinds[i];
        assert_null(kit_run(&kit));
        assert_int_equal(kit.err.kind, ERR_SETUP);
    }
    kit.start.kind = MRLUA__TASK_KIND__LOAD;
    kit.start.limits = NULL;
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_map_faults),
        KIT_TEST(test_map_open_faults),
        KIT_TEST(test_reduce_faults),
        KIT_TEST(test_incomplete),
    };

    KIT_NURSERY(argc, argv);
    pthread_atfork(NULL, take_back, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
