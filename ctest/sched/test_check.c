/*
 * A checker that finds nothing proves nothing: each test breaks one thing and wants an abort, in a
 * child process.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/kit.h"

#include "sched/state.h"

/* A job whose reduce has fetched and runs, beside a fetching one. */
static void begin(struct kit *kit)
{
    kit_init(kit, NULL);
    kit_join(kit, 0, 2);
    kit_submit(kit, 1, NULL);
    kit_plan(kit, 1, 1, 2);
    kit_done_with(kit, kit_attempt(kit, STAGE_MAP, 0), kit_digest(3));
    kit_fetched(kit, kit_attempt(kit, STAGE_REDUCE, 0));
}

static struct stage *stage_of(struct kit *kit, enum stage_kind kind)
{
    return &job_get(kit->sched, 1)->stages[kind];
}

static void oversell_slots(struct kit *kit)
{
    kit->sched->workers[0]->slots_used++;
}

static void lose_a_count(struct kit *kit)
{
    stage_of(kit, STAGE_MAP)->counts[TASK_COMPLETED]--;
}

static void forget_a_deadline(struct kit *kit)
{
    timer_disarm(&kit->sched->timers, &stage_of(kit, STAGE_REDUCE)->tasks[1].attempt->silence);
}

static void forget_a_digest(struct kit *kit)
{
    stage_of(kit, STAGE_MAP)->digest = (struct digest){0};
}

static void believe_a_dead_worker(struct kit *kit)
{
    kit->sched->workers[0]->state = WORKER_GONE;
}

static void blame_without_failure(struct kit *kit)
{
    stage_of(kit, STAGE_MAP)->tasks[0].fault_count = 1;
}

static void run_without_inputs(struct kit *kit)
{
    stage_of(kit, STAGE_MAP)->task_count = 0;
}

static void end_in_place(struct kit *kit)
{
    job_get(kit->sched, 1)->status = JOB_FAILED;
}

static void reuse_an_epoch(struct kit *kit)
{
    kit->sched->epoch = 2;
}

static bool check_aborts_after(void (*spoil)(struct kit *kit))
{
    struct kit kit;
    int status;
    pid_t child;

    begin(&kit);
    child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), 2);
        signal(SIGABRT, SIG_DFL);
        spoil(&kit);
        sched_check(kit.sched);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    kit_deinit(&kit);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void each_broken_invariant_is_found(void **state)
{
    (void)state;
    assert_true(check_aborts_after(oversell_slots));
    assert_true(check_aborts_after(lose_a_count));
    assert_true(check_aborts_after(forget_a_deadline));
    assert_true(check_aborts_after(forget_a_digest));
    assert_true(check_aborts_after(believe_a_dead_worker));
    assert_true(check_aborts_after(blame_without_failure));
    assert_true(check_aborts_after(run_without_inputs));
    assert_true(check_aborts_after(end_in_place));
    assert_true(check_aborts_after(reuse_an_epoch));
}

static void hash_sees_what_lasts_and_nothing_else(void **state)
{
    struct kit kit;
    uint64_t hash;

    (void)state;
    begin(&kit);
    hash = sched_hash(kit.sched);
    kit_tick_after(&kit, 1);
    assert_int_equal(sched_hash(kit.sched), hash);
    stage_of(&kit, STAGE_MAP)->tasks[0].digest.low++;
    assert_int_not_equal(sched_hash(kit.sched), hash);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_invariant_is_found),
        cmocka_unit_test(hash_sees_what_lasts_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
