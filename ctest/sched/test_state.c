#include "test.h"

#include "sched/state.h"

static const struct job_rules RULES = {.attempts_max = 4};

static struct sched *open_default(void)
{
    struct sched_options options;

    sched_options_default(&options);
    return sched_open(&options);
}

static void worker_is_listed_as_long_as_it_has_room(void **state)
{
    struct sched *sched = open_default();
    struct worker *worker = worker_get_or_add(sched, 40);
    struct job *job = job_open(sched, 1, &RULES);
    struct task *task;

    (void)state;
    assert_ptr_equal(worker_get(sched, 40), worker);
    assert_null(worker_get(sched, 41));
    assert_null(worker_get(sched, SCHED_WORKER_ID_MAX));
    stage_open(&job->stages[STAGE_MAP], 1, OUTPUT_ON_WORKER);
    task = task_get(job, STAGE_MAP, 0);
    assert_null(task_get(job, STAGE_MAP, 1));
    assert_true(list_is_empty(&sched->with_slot));
    worker->state = WORKER_UP;
    worker->slot_count = 1;
    worker->slot_ceiling = 1;
    worker_refresh(sched, worker);
    assert_ptr_equal(LIST_FIRST(&sched->with_slot, struct worker, with_slot), worker);
    task_unqueue(sched, task);
    task_set_state(task, TASK_IN_PROGRESS);
    attempt_open(sched, task, 9, worker);
    assert_true(list_is_empty(&sched->with_slot));   /* a map takes the slot ... */
    assert_false(list_is_empty(&sched->with_fetch)); /* ... and no place of a fetch */
    attempt_close(sched, task->attempt);
    assert_false(list_is_empty(&sched->with_slot));
    sched_close(sched);
}

static void reduce_takes_a_fetch_and_then_a_slot(void **state)
{
    struct sched *sched = open_default();
    struct worker *worker = worker_get_or_add(sched, 0);
    struct job *job = job_open(sched, 1, &RULES);
    struct task *task;

    (void)state;
    stage_open(&job->stages[STAGE_REDUCE], 1, OUTPUT_IS_PART);
    task = task_get(job, STAGE_REDUCE, 0);
    worker->state = WORKER_UP;
    worker->slot_count = 1;
    worker->slot_ceiling = 1;
    task_unqueue(sched, task);
    task_set_state(task, TASK_IN_PROGRESS);
    attempt_open(sched, task, 9, worker);
    assert_true(list_is_empty(&sched->with_fetch));
    assert_false(list_is_empty(&sched->with_slot));
    attempt_set_phase(sched, task->attempt, ATTEMPT_FETCHED);
    assert_int_equal(job->stages[STAGE_REDUCE].held_count, 1);
    assert_false(list_is_empty(&sched->with_runnable));
    attempt_set_phase(sched, task->attempt, ATTEMPT_RUNNING);
    assert_int_equal(job->stages[STAGE_REDUCE].held_count, 1);
    assert_true(list_is_empty(&sched->with_slot));
    assert_false(list_is_empty(&sched->with_fetch));
    assert_true(list_is_empty(&sched->with_runnable));
    attempt_close(sched, task->attempt);
    assert_int_equal(job->stages[STAGE_REDUCE].held_count, 0);
    assert_false(list_is_empty(&sched->with_slot));
    sched_close(sched);
}

static void queue_is_in_order_but_for_what_is_urgent(void **state)
{
    struct sched *sched = open_default();
    struct job *job = job_open(sched, 1, &RULES);
    struct stage *maps = &job->stages[STAGE_MAP];

    (void)state;
    stage_open(maps, 3, OUTPUT_ON_WORKER);
    assert_int_equal(task_index(LIST_FIRST(&maps->queue, struct task, link)), 0);
    task_queue_first(sched, &maps->tasks[2]);
    assert_int_equal(task_index(LIST_FIRST(&maps->queue, struct task, link)), 2);
    task_unqueue(sched, &maps->tasks[2]);
    assert_int_equal(task_index(LIST_FIRST(&maps->queue, struct task, link)), 0);
    assert_int_equal(task_index(LIST_LAST(&maps->queue, struct task, link)), 1);
    sched_close(sched);
}

/* The header of sched.h promises about 130 bytes. */
static void task_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct task) <= 136);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_is_listed_as_long_as_it_has_room),
        cmocka_unit_test(reduce_takes_a_fetch_and_then_a_slot),
        cmocka_unit_test(queue_is_in_order_but_for_what_is_urgent),
        cmocka_unit_test(task_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
