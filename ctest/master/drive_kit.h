/*
 * drive_kit: a job of several steps, and a worker made by the test that runs its driver.
 *
 *     job = drive_submit(user, "out");
 *     attempt = drive_await(worker);                       the worker is told to run the driver
 *     drive_call(worker, attempt, &(struct drive_step){.number = 1});
 *     answer = drive_await_answer(worker, attempt);        message_free(answer)
 */
#ifndef CTEST_MASTER_DRIVE_KIT_H
#define CTEST_MASTER_DRIVE_KIT_H

#include "master/master_kit.h"

#include "record/value.h"

/* `file` NULL: the job has no side file. */
static inline uint64_t drive_submit_with(struct kit_peer *user, const char *output,
                                         Mrlua__SideFile *file)
{
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;
    char *input = (char *)(uintptr_t)folder_path(&user->kit->folder, "in");
    Mrlua__Answer *answer;
    uint64_t job;

    submit.idempotency_key = (char *)(uintptr_t)output;
    submit.name = (char *)(uintptr_t) "pages";
    submit.inputs = &input;
    submit.n_inputs = 1;
    submit.input = (char *)(uintptr_t) "lines";
    submit.output = (char *)(uintptr_t) "tsv";
    submit.output_folder = (char *)(uintptr_t)folder_path(&user->kit->folder, output);
    submit.attempts = 2;
    submit.limits = &limits;
    submit.map_only = submit.drive = true;
    submit.files = &file;
    submit.n_files = file != NULL;
    peer_send(user, MESSAGE_JOB_SUBMIT, 5, &submit.base);
    answer = peer_await_answer(user);
    if (answer->error)
        fail_msg("%s", answer->error->message);
    job = answer->job;
    message_free(answer);
    return job;
}

static inline uint64_t drive_submit(struct kit_peer *user, const char *output)
{
    return drive_submit_with(user, output, NULL);
}

static inline struct kit_peer *drive_worker(struct master_kit *master, uint64_t incarnation)
{
    struct kit_peer *worker = master_kit_connect(master, ROLE_WORKER);

    peer_join(worker, &(struct kit_join){.incarnation = incarnation}, NULL);
    return worker;
}

/* The attempt of the driver that the worker is to run. */
static inline uint64_t drive_await(struct kit_peer *worker)
{
    Mrlua__AttemptStart *start = peer_await_start(worker);
    uint64_t attempt = start->start->attempt;

    assert_int_equal(start->start->kind, MRLUA__TASK_KIND__DRIVE);
    message_free(start);
    return attempt;
}

struct drive_step {
    uint32_t number, reducers, reads; /* reads: a step, 0: the job's inputs */
    bool is_last;
};

static inline void drive_name(struct buf *out, const char *name)
{
    value_write_string(out, slice_of_string(name));
}

static inline void drive_text(struct buf *out, const char *name, const char *text)
{
    drive_name(out, name);
    value_write_string(out, slice_of_string(text));
}

static inline void drive_view(struct buf *out, const struct drive_step *step)
{
    drive_name(out, "view");
    value_write_table_begin(out);
    drive_text(out, "input", step->reads ? "run" : "lines");
    drive_text(out, "output", step->is_last ? "tsv" : "run");
    drive_text(out, "reduce", "sum");
    drive_name(out, "reducers");
    value_write_integer(out, 1);
    drive_name(out, "params");
    value_write_table_begin(out);
    value_write_table_end(out);
    drive_name(out, "call");
    value_write_table_begin(out);
    drive_name(out, "fields");
    value_write_table_begin(out);
    drive_text(out, "map", "words");
    drive_name(out, "reducers");
    value_write_integer(out, step->reducers);
    value_write_table_end(out);
    value_write_table_end(out);
    value_write_table_end(out);
}

static inline void drive_call(struct kit_peer *worker, uint64_t attempt,
                              const struct drive_step *step)
{
    Mrlua__AttemptCall message = MRLUA__ATTEMPT_CALL__INIT;
    Mrlua__StepCall call = MRLUA__STEP_CALL__INIT;
    struct buf request = {0};

    value_write_table_begin(&request);
    drive_view(&request, step);
    drive_name(&request, "is_last");
    value_write_boolean(&request, step->is_last);
    if (step->reads) {
        drive_name(&request, "steps");
        value_write_list_begin(&request, 1);
        value_write_integer(&request, step->reads);
    }
    value_write_table_end(&request);
    call.number = step->number;
    call.request = (ProtobufCBinaryData){request.len, (uint8_t *)request.ptr};
    message.attempt = attempt;
    message.call = &call;
    peer_send(worker, MESSAGE_ATTEMPT_CALL, 0, &message.base);
    buf_deinit(&request);
}

static inline Mrlua__AttemptAnswer *drive_await_answer(struct kit_peer *worker, uint64_t attempt)
{
    Mrlua__AttemptAnswer *answer =
        peer_await(worker, MESSAGE_ATTEMPT_ANSWER, &mrlua__attempt_answer__descriptor);

    assert_int_equal(answer->attempt, attempt);
    assert_non_null(answer->answer);
    return answer;
}

/* Does the maps and reduces of a step, and expects that its driver hears of it. */
static inline void drive_do_step(struct kit_peer *worker, uint64_t attempt,
                                 const struct drive_step *step)
{
    Mrlua__AttemptAnswer *answer;

    drive_call(worker, attempt, step);
    peer_do_map(worker);
    peer_do_reduce(worker);
    answer = drive_await_answer(worker, attempt);
    if (answer->answer->error)
        fail_msg("%s", answer->answer->error->message);
    assert_int_equal(answer->answer->number, step->number);
    assert_int_equal(answer->answer->records, 2);
    message_free(answer);
}

static inline void drive_expect_error(struct kit_peer *worker, uint64_t attempt, const char *words)
{
    Mrlua__AttemptAnswer *answer = drive_await_answer(worker, attempt);

    assert_non_null(answer->answer->error);
    if (!strstr(answer->answer->error->message, words))
        fail_msg("%s", answer->answer->error->message);
    message_free(answer);
}

static inline void drive_expect_end(struct kit_peer *user, uint64_t job, enum job_status status)
{
    Mrlua__JobEvent *event;

    peer_watch(user, job);
    event = peer_await_end(user);
    assert_int_equal(event->info->status, status);
    message_free(event);
}

#endif
