#include "cli/job_values.h"

#include "cli/kit.h"
#include "sched/sched.h"

/* A job of 4 maps and 2 reduces. */
struct job {
    Mrlua__JobInfo info;
    Mrlua__StageProgress stages[STAGE_COUNT];
    Mrlua__StageProgress *stage_list[STAGE_COUNT];
    Mrlua__PartInfo part;
    Mrlua__PartInfo *part_list[1];
    Mrlua__Error error;
};

static void job_init(struct job *job, enum job_status status)
{
    job->info = (Mrlua__JobInfo)MRLUA__JOB_INFO__INIT;
    for (int i = 0; i < STAGE_COUNT; i++) {
        job->stages[i] = (Mrlua__StageProgress)MRLUA__STAGE_PROGRESS__INIT;
        job->stage_list[i] = &job->stages[i];
    }
    job->stages[STAGE_MAP].tasks = 4;
    job->stages[STAGE_MAP].completed = 3;
    job->stages[STAGE_MAP].in_progress = 1;
    job->stages[STAGE_REDUCE].tasks = 2;
    job->part = (Mrlua__PartInfo)MRLUA__PART_INFO__INIT;
    job->part.name = "part-00000";
    job->part_list[0] = &job->part;
    job->error = (Mrlua__Error)MRLUA__ERROR__INIT;
    job->info.job = 7;
    job->info.name = "wordcount";
    job->info.output_folder = "/out";
    job->info.status = status;
    job->info.n_stages = STAGE_COUNT;
    job->info.stages = job->stage_list;
    job->info.n_part_list = 1;
    job->info.part_list = job->part_list;
}

static void assert_text(struct slice table, const char *name, const char *expected)
{
    assert_true(slice_equal(value_field_string(table, name, ""), slice_of_string(expected)));
}

static void a_running_job_has_its_tasks(void **state)
{
    struct job job;
    struct buf out = {0};
    struct slice told;
    struct err err;

    (void)state;
    job_init(&job, JOB_COMMITTING);
    job_values_status(&job.info, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_true(value_field_table(buf_slice(&out), "job", &told));
    assert_text(told, "state", "running");
    assert_text(told, "name", "wordcount");
    assert_int_equal(value_field_integer(told, "id", 0), 7);
    assert_int_equal(value_field_integer(told, "tasks", 0), 6);
    assert_int_equal(value_field_integer(told, "tasks_done", 0), 3);
    assert_false(value_field_table(buf_slice(&out), "outcome", &told));
    buf_deinit(&out);
}

static void what_was_asked_for_has_the_names_of_its_flags(void **state)
{
    Mrlua__SideFile file = MRLUA__SIDE_FILE__INIT, *files[] = {&file};
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__InputFacts inputs = MRLUA__INPUT_FACTS__INIT;
    Mrlua__JobFacts facts = MRLUA__JOB_FACTS__INIT;
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;
    struct buf out = {0};
    struct slice table;
    struct err err;

    (void)state;
    file.name = (char *)(uintptr_t) "stop";
    submit.files = files;
    submit.n_files = 1;
    submit.reducers = 3;
    submit.limits = &limits;
    limits.memory_bytes = 512;
    inputs.count = 2;
    facts.submit = &submit;
    facts.inputs = &inputs;
    job_values_facts(&facts, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_int_equal(value_field_integer(buf_slice(&out), "reducers", 0), 3);
    assert_int_equal(value_field_integer(buf_slice(&out), "memory_bytes", 0), 512);
    assert_int_equal(value_field_integer(buf_slice(&out), "input_count", 0), 2);
    assert_text(buf_slice(&out), "shuffle", "local");
    assert_true(value_field_table(buf_slice(&out), "files", &table));
    buf_clear(&out);
    job_values_facts(NULL, &out); /* of a master that keeps none */
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_int_equal(value_field_integer(buf_slice(&out), "reducers", -1), -1);
    buf_deinit(&out);
}

static void a_running_job_has_what_it_has_counted_so_far(void **state)
{
    Mrlua__Counter counter = MRLUA__COUNTER__INIT, *list[] = {&counter};
    Mrlua__JobSkew skew = MRLUA__JOB_SKEW__INIT;
    struct job job;
    struct buf out = {0};
    struct slice told;

    (void)state;
    job_init(&job, JOB_RUNNING);
    counter.name = (char *)(uintptr_t) "user.bad";
    counter.value = 12;
    job.info.n_counters = 1;
    job.info.counters = list;
    skew.records = 77;
    job.info.skew = &skew;
    job_values_status(&job.info, &out);
    assert_true(value_field_table(buf_slice(&out), "skew", &told));
    assert_int_equal(value_field_integer(told, "records", 0), 77);
    assert_true(value_field_table(buf_slice(&out), "counters", &told));
    assert_int_equal(value_field_integer(told, "user.bad", 0), 12);
    buf_deinit(&out);
}

static void a_job_that_succeeded_has_parts(void **state)
{
    struct job job;
    struct buf out = {0};
    struct slice told;
    struct err err;

    (void)state;
    job_init(&job, JOB_SUCCEEDED);
    job_values_outcome(&job.info, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_text(buf_slice(&out), "output", "/out");
    assert_true(value_field_table(buf_slice(&out), "parts", &told));
    assert_true(value_field_table(buf_slice(&out), "plan", &told));
    assert_false(value_field_table(buf_slice(&out), "error", &told));
    buf_deinit(&out);
}

static void a_job_that_failed_says_why(void **state)
{
    struct job job;
    struct buf out = {0};
    struct slice told;

    (void)state;
    job_init(&job, JOB_FAILED);
    job.error.kind = ERR_JOB;
    job.error.message = "map: it raised";
    job.info.error = &job.error;
    job.info.detail = "traceback";
    job_values_outcome(&job.info, &out);
    assert_true(value_field_table(buf_slice(&out), "error", &told));
    assert_text(told, "message", "map: it raised");
    assert_text(told, "detail", "traceback");
    assert_false(value_field_boolean(told, "is_setup", true));
    buf_deinit(&out);
}

static void a_job_without_a_reason_is_an_error_all_the_same(void **state)
{
    struct job job;
    struct buf out = {0};
    struct slice told;

    (void)state;
    job_init(&job, JOB_CANCELLED);
    job_values_outcome(&job.info, &out);
    assert_true(value_field_table(buf_slice(&out), "error", &told));
    assert_text(told, "message", "cancelled");
    buf_clear(&out);
    job_values_outcome(NULL, &out);
    assert_true(value_field_table(buf_slice(&out), "error", &told));
    buf_deinit(&out);
}

static void stages_that_are_not_known_are_empty(void **state)
{
    struct buf out = {0};
    struct err err;

    (void)state;
    job_values_stages(NULL, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    buf_deinit(&out);
}

static void workers_have_a_state(void **state)
{
    Mrlua__WorkerInfo worker = MRLUA__WORKER_INFO__INIT;
    Mrlua__WorkerInfo *workers[] = {&worker};
    Mrlua__WorkerListAnswer list = MRLUA__WORKER_LIST_ANSWER__INIT;
    struct buf out = {0};
    struct slice told;
    struct err err;

    (void)state;
    worker.address = "10.0.0.1:99";
    worker.connected = true;
    worker.draining = true;
    list.n_workers = 1;
    list.workers = workers;
    job_values_workers(&list, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_true(value_field_table(buf_slice(&out), "workers", &told));
    assert_non_null(memmem(told.ptr, told.len, "draining", 8));
    assert_non_null(memmem(told.ptr, told.len, "10.0.0.1:99", 11));
    buf_clear(&out);
    worker.silent_ms = 60000; /* that matters more */
    job_values_workers(&list, &out);
    assert_non_null(memmem(out.ptr, out.len, "silent", 6));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_for_has_the_names_of_its_flags),
        cmocka_unit_test(a_running_job_has_its_tasks),
        cmocka_unit_test(a_running_job_has_what_it_has_counted_so_far),
        cmocka_unit_test(a_job_that_succeeded_has_parts),
        cmocka_unit_test(a_job_that_failed_says_why),
        cmocka_unit_test(a_job_without_a_reason_is_an_error_all_the_same),
        cmocka_unit_test(stages_that_are_not_known_are_empty),
        cmocka_unit_test(workers_have_a_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
