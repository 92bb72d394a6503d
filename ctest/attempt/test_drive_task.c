#include "attempt/drive_task.h"

#include "attempt/kit.h"

/* What the test answers to every call. */
struct shell {
    char folder[FOLDER_PATH_BYTES + 16];
    uint32_t call_count;
    Mrlua__Error *error;
    uint64_t hold_ms; /* so long it lets the driver wait */
};

static struct shell shell;

static void answer(struct attempt *attempt, const struct frame *frame)
{
    Mrlua__StepCall *call = message_unpack(&mrlua__step_call__descriptor, frame->payload, &kit.err);
    Mrlua__StepAnswer message = MRLUA__STEP_ANSWER__INIT;

    assert_non_null(call);
    assert_int_equal(call->number, ++shell.call_count);
    message.number = call->number;
    message.records = 10 * call->number;
    message.folder = shell.folder;
    message.error = shell.error;
    poll(NULL, 0, (int)shell.hold_ms);
    assert_int_equal(attempt_answer_step(attempt, &message, &kit.err), 0);
    message_free(call);
}

/* Runs the driver `body` to its end. */
static Mrlua__Done *drive(const char *body)
{
    Mrlua__Done *done = NULL;
    struct attempt attempt;
    struct buf source = {0};
    struct frame frame;
    struct err err = {0};
    int rc;

    buf_printf(&source,
               "local job = { steps = { a = function(k, v, emit) end } }\n"
               "function job.drive(mr, params)\n%s\nend\nreturn job",
               body);
    kit_job(&kit, buf_string(&source));
    buf_deinit(&source);
    kit.start.kind = MRLUA__TASK_KIND__DRIVE;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempt, &kit.err), 0);
    while ((rc = attempt_read(&attempt, &frame, &err)) >= 0) {
        struct pollfd poll_attempt = {.fd = attempt.fd, .events = POLLIN};

        if (rc == 0)
            poll(&poll_attempt, 1, -1);
        else if (frame.type == MESSAGE_STEP_CALL)
            answer(&attempt, &frame);
        else
            kit_hear(&kit, &frame, &done);
    }
    attempt_end(&attempt);
    return done;
}

static int set_up(void **state)
{
    shell = (struct shell){0};
    return kit_set_up(state);
}

/* Leaves a run file of the lines as the output of every step. */
static void make_output(const char *lines)
{
    kit_job(&kit, "return { output = 'run', map = 'identity', reduce = 'identity' }");
    kit.start.output = "run";
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", lines)));
    kit_must(&kit, kit_reduce(&kit, 0));
    folder_mkdir(&kit.folder, "step");
    snprintf(shell.folder, sizeof shell.folder, "%s/step", kit.folder.path);
    assert_int_equal(rename(kit.result_path, folder_path(&kit.folder, "step/part-00000.run")), 0);
}

static void a_driver_runs_its_steps_and_reads_their_records(void **state)
{
    (void)state;
    make_output("b\na\n");
    kit_must(&kit, drive("local step = mr.run { map = job.steps.a }\n"
                         "for offset, line in step:output() do print(offset, line) end\n"
                         "print(step.records)\n"
                         "return step"));
    assert_string_equal(buf_string(&kit.log), "0\tb\n2\ta\n10\n");
    assert_int_equal(shell.call_count, 2);
}

static void what_counts_are_the_functions_of_steps(void **state)
{
    (void)state;
    assert_null(drive("mr.count('seen', 2)\nreturn { map = job.steps.a }"));
    assert_non_null(strstr(kit.err.message, "job.lua:3: mr.count: called in drive"));
}

static void a_step_that_fails_ends_it_with_that_error(void **state)
{
    Mrlua__Error error = MRLUA__ERROR__INIT;

    (void)state;
    error.kind = ERR_JOB;
    error.message = "x.lua:3: boo";
    error.detail = "key: 7\n";
    shell.error = &error;
    assert_null(drive("pcall(mr.run, { map = job.steps.a })\nwhile true do end"));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "x.lua:3: boo");
    assert_string_equal(buf_string(&kit.detail), "key: 7\n");
}

/* Goal: the time of a step is not the driver's. Method: the step takes twice as long as the driver
 * may stand still, which is longer than a busy machine keeps it from running. */
static void its_deadline_rests_while_it_waits(void **state)
{
    (void)state;
    kit.limits.progress_ms = 2000;
    shell.hold_ms = 4000;
    kit_must(&kit, drive("return { map = job.steps.a }"));
}

static void a_driver_that_stands_still_is_ended(void **state)
{
    (void)state;
    kit.limits.progress_ms = 1000;
    assert_null(drive("while true do end"));
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    assert_non_null(strstr(kit.err.message, "drive"));
}

static void a_call_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    assert_null(drive("return { map = job.steps.a, params = { x = ('x'):rep(256 * 1024) } }"));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_non_null(strstr(kit.err.message, "more than 262144: data belongs into what it reads"));
    assert_int_equal(shell.call_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_driver_runs_its_steps_and_reads_their_records),
        TEST(what_counts_are_the_functions_of_steps),
        TEST(a_step_that_fails_ends_it_with_that_error),
        TEST(its_deadline_rests_while_it_waits),
        TEST(a_driver_that_stands_still_is_ended),
        TEST(a_call_beyond_the_limit_is_refused),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
