#include "cli/submit.h"

#include "cli/master_kit.h"
#include "sched/sched.h"

static struct master_kit kit;
static struct submit *submit;
static struct buf args;
static struct err err;

static int tear_down(void **state)
{
    (void)state;
    submit_close(submit);
    submit = NULL;
    buf_deinit(&args);
    master_kit_end(&kit);
    return 0;
}

/* What Lua would give. */
static void make_args(void)
{
    static const char *const inputs[] = {"in", NULL};
    struct buf bundle = {0}, view = {0};

    kit_bundle(&bundle, "job.lua", "return {}");
    value_write_table_begin(&view);
    value_write_table_end(&view);
    kit_args_begin(&args, buf_slice(&bundle), buf_slice(&view), inputs);
    field_integer(&args, "slots", 1);
    field_string(&args, "output", "/out");
    field_string(&args, "folder", "/home/me");
    field_string(&args, "master", kit.address);
    field_string(&args, "key_file", kit.key_file);
    value_write_table_end(&args);
    buf_deinit(&bundle);
    buf_deinit(&view);
}

static void send_event(struct conn *conn, const struct frame *frame, uint64_t number, bool ended,
                       const char *log)
{
    Mrlua__JobEvent event = MRLUA__JOB_EVENT__INIT;
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;

    info.job = 7;
    info.name = "job";
    info.status = ended ? JOB_SUCCEEDED : JOB_RUNNING;
    info.output_folder = "/out";
    event.info = &info;
    event.number = number;
    event.ended = ended;
    event.log = (char *)log;
    master_kit_send(conn, frame, MESSAGE_JOB_EVENT, &event.base);
}

/* A master that has no blob, takes what comes, and ends the job at once. */
static void answer_all(struct conn *conn, const struct frame *frame)
{
    static uint64_t have[3];
    struct err ignored;

    if (frame->type == MESSAGE_BLOB_PUT) {
        Mrlua__BlobPut *put =
            message_unpack(&mrlua__blob_put__descriptor, frame->payload, &ignored);
        Mrlua__BlobHave answer = MRLUA__BLOB_HAVE__INIT;

        have[frame->request_id] += put->bytes.len;
        answer.bytes = have[frame->request_id];
        answer.complete = answer.bytes == put->total_bytes;
        master_kit_send(conn, frame, MESSAGE_BLOB_HAVE, &answer.base);
        message_free(put);
    } else if (frame->type == MESSAGE_JOB_SUBMIT) {
        Mrlua__Answer answer = MRLUA__ANSWER__INIT;

        answer.job = have[0] && have[2] ? 7 : 0;
        master_kit_send(conn, frame, MESSAGE_ANSWER, &answer.base);
    } else if (frame->type == MESSAGE_JOB_WATCH) {
        send_event(conn, frame, 1, false, "a line");
        send_event(conn, frame, 2, true, "");
    }
}

static void send_step(struct conn *conn, const struct frame *frame, uint32_t step, bool ended)
{
    Mrlua__JobEvent event = MRLUA__JOB_EVENT__INIT;
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;

    info.job = 7;
    info.name = "job";
    info.status = ended ? JOB_SUCCEEDED : JOB_RUNNING;
    info.output_folder = "/out";
    info.step = step;
    info.step_count = 3;
    event.info = &info;
    event.ended = ended;
    master_kit_send(conn, frame, MESSAGE_JOB_EVENT, &event.base);
}

/* All steps end before their user has looked once. */
static void answer_with_steps(struct conn *conn, const struct frame *frame)
{
    if (frame->type != MESSAGE_JOB_WATCH) {
        answer_all(conn, frame);
        return;
    }
    for (uint32_t step = 1; step <= 3; step++) {
        send_step(conn, frame, step, false);
        send_step(conn, frame, step, false);
    }
    send_step(conn, frame, 3, true);
}

/* The same, but hangs up at a first piece, a second blob, the job and the watch. */
static void answer_and_hang_up(struct conn *conn, const struct frame *frame)
{
    static int count;

    count++;
    if (count == 2 || count == 5 || count == 9 || count == 13)
        conn_close(conn);
    else
        answer_all(conn, frame);
}

static void answer_refused(struct conn *conn, const struct frame *frame)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;

    if (frame->type != MESSAGE_JOB_SUBMIT) {
        answer_all(conn, frame);
        return;
    }
    error.kind = ERR_SETUP;
    error.message = "/out is not empty";
    answer.error = &error;
    master_kit_send(conn, frame, MESSAGE_ANSWER, &answer.base);
}

static void wait_until_finished(struct buf *report)
{
    for (int i = 0; i < 1000 && !submit_finished(submit); i++)
        assert_int_equal(submit_step(submit, 20, &err), 0);
    submit_report(submit, report);
    assert_int_equal(value_check(buf_slice(report), &err), 0);
    assert_true(value_field_boolean(buf_slice(report), "finished", false));
}

static void assert_done(void)
{
    struct buf out = {0};

    submit_outcome(submit, &out);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    assert_true(
        slice_equal(value_field_string(buf_slice(&out), "output", ""), slice_of_string("/out")));
    buf_deinit(&out);
}

static void a_job_is_sent_with_its_blobs_and_watched(void **state)
{
    struct buf report = {0};

    (void)state;
    master_kit_start(&kit, answer_all);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_non_null(submit);
    assert_int_equal(submit_job(submit), 7);
    wait_until_finished(&report);
    assert_non_null(memmem(report.ptr, report.len, "a line", 6));
    assert_done();
    buf_deinit(&report);
}

static void each_step_is_reported_before_the_next(void **state)
{
    uint32_t seen = 0;
    bool is_finished = false;

    (void)state;
    master_kit_start(&kit, answer_with_steps);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_non_null(submit);
    while (!is_finished) {
        struct buf report = {0};
        char expected[32];
        struct slice title;

        assert_int_equal(submit_step(submit, 20, &err), 0);
        submit_report(submit, &report);
        is_finished = value_field_boolean(buf_slice(&report), "finished", false);
        title = value_field_string(buf_slice(&report), "title", "");
        snprintf(expected, sizeof expected, "step %u/3", seen + 1);
        if (slice_equal(title, slice_of_string(expected)))
            seen++;
        snprintf(expected, sizeof expected, "step %u/3", seen);
        if (seen > 0)
            assert_true(slice_equal(title, slice_of_string(expected)));
        buf_deinit(&report);
    }
    assert_int_equal(seen, 3);
    assert_done();
}

static void connections_that_are_lost_are_made_again(void **state)
{
    struct buf report = {0};

    (void)state;
    master_kit_start(&kit, answer_and_hang_up);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_non_null(submit);
    wait_until_finished(&report);
    assert_done();
    buf_deinit(&report);
}

static void a_refusal_is_an_error_of_the_set_up(void **state)
{
    (void)state;
    master_kit_start(&kit, answer_refused);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_null(submit);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "/out is not empty");
}

static void nobody_listens_is_told_at_once(void **state)
{
    (void)state;
    master_kit_start(&kit, answer_all);
    master_kit_kill(&kit);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_null(submit);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "no master answers"));
}

/* Accepts the job and never says that it has ended. */
static void answer_but_the_end(struct conn *conn, const struct frame *frame)
{
    if (frame->type == MESSAGE_JOB_WATCH)
        send_event(conn, frame, 1, false, "");
    else
        answer_all(conn, frame);
}

static void a_signal_ends_the_waiting(void **state)
{
    struct buf report = {0}, out = {0};

    (void)state;
    master_kit_start(&kit, answer_but_the_end);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_non_null(submit);
    raise(SIGINT);
    wait_until_finished(&report);
    submit_outcome(submit, &out);
    assert_int_equal(value_field_integer(buf_slice(&out), "signal", 0), SIGINT);
    buf_deinit(&report);
    buf_deinit(&out);
}

/* Interrupts its client instead of accepting the job. */
static void answer_with_a_signal(struct conn *conn, const struct frame *frame)
{
    if (frame->type == MESSAGE_JOB_SUBMIT)
        kill(getppid(), SIGINT);
    else
        answer_all(conn, frame);
}

static void a_signal_before_there_is_a_job_ends_it_too(void **state)
{
    struct buf out = {0};

    (void)state;
    master_kit_start(&kit, answer_with_a_signal);
    make_args();
    submit = submit_open(buf_slice(&args), &err);
    assert_non_null(submit);
    assert_int_equal(submit_job(submit), 0);
    assert_true(submit_finished(submit));
    submit_outcome(submit, &out);
    assert_int_equal(value_field_integer(buf_slice(&out), "signal", 0), SIGINT);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_job_is_sent_with_its_blobs_and_watched, tear_down),
        cmocka_unit_test_teardown(each_step_is_reported_before_the_next, tear_down),
        cmocka_unit_test_teardown(connections_that_are_lost_are_made_again, tear_down),
        cmocka_unit_test_teardown(a_refusal_is_an_error_of_the_set_up, tear_down),
        cmocka_unit_test_teardown(nobody_listens_is_told_at_once, tear_down),
        cmocka_unit_test_teardown(a_signal_ends_the_waiting, tear_down),
        cmocka_unit_test_teardown(a_signal_before_there_is_a_job_ends_it_too, tear_down),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
