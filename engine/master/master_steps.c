#include "master/master_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "format/reader.h"
#include "record/partition.h"
#include "record/value.h"
#include "rpc/blob.h"
#include "store/uri.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The steps of a job, each a job of its own: its record names the parent and the call that it was
 * made for (JobStep). What its driver asks for is a value (lua/mrlua/driver.lua): the view of the
 * step, which goes to its attempts as it is, and a few fields that are read here.
 *
 *     a call N                 it is recorded        the request is the same: answered at once
 *     of a job with n          N = n + 1, it runs    the same: answered when it has ended
 *     steps that have ended    N = n + 1             the step is submitted
 *
 * and an answer with an error ends the driver, and with it the job: a step that failed, or a
 * request that is not the one of the first time. Records of steps (StepRecord) are rows of the
 * parent in the journal, in the turn that ends the step: so a step that has ended is never run
 * again, whoever is killed. When the parent ends they go with its other rows.
 *
 * A step's output is FOLDER/step-N (master_drive_folder()), run files; that of the last one is the
 * parent's, under the claim that the parent holds.
 */

/* ---- which step is which ---- */

struct master_job *master_step_running(const struct master_job *job)
{
    for (struct list *at = job->master->jobs.next; at != &job->master->jobs; at = at->next) {
        struct master_job *other = CONTAINER_OF(at, struct master_job, link);
        const Mrlua__JobStep *step = other->record->submit->step;

        if (step && step->parent == job->id)
            return other;
    }
    return NULL;
}

void master_step_take(struct master_job *job, Mrlua__StepRecord *record)
{
    if (job->step_count == job->step_capacity) {
        job->step_capacity = job->step_capacity ? 2 * job->step_capacity : 8;
        job->steps = mem_realloc_array(job->steps, job->step_capacity, sizeof(*job->steps));
        job->step_stages =
            mem_realloc_array(job->step_stages, job->step_capacity, sizeof *job->step_stages);
    }
    mrlua__stage_progress__init(&job->step_stages[job->step_count].map);
    mrlua__stage_progress__init(&job->step_stages[job->step_count].reduce);
    job->steps[job->step_count++] = record;
}

void master_steps_cancel(struct master *master, uint64_t job_id)
{
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);
        struct event event = {.kind = EVENT_JOB_CANCELLED, .job_id = job->id};

        if (job->record->submit->step && job->record->submit->step->parent == job_id)
            master_queue(master, &event);
    }
}

static struct slice bytes_of(const ProtobufCBinaryData *data)
{
    return slice_of(data->data, data->len);
}

/* What a request says of one step: the fields that its functions are among. */
static bool call_fields(struct slice request, struct slice *out)
{
    struct slice view, call;

    return value_field_table(request, "view", &view) && value_field_table(view, "call", &call) &&
           value_field_table(call, "fields", out);
}

static bool is_same(const struct datum *a, const struct datum *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == DATUM_STRING)
        return slice_equal(a->string, b->string);
    if (a->type == DATUM_FLOAT)
        return memcmp(&a->number, &b->number, sizeof a->number) == 0;
    return a->type != DATUM_INTEGER || a->integer == b->integer;
}

/* The name of a field that is not the same in both, in `out`. */
static void find_difference(struct slice before, struct slice now, struct buf *out)
{
    struct slice fields, other;
    struct value_reader reader;
    struct datum key, value, same;
    struct err ignored;

    if (!call_fields(before, &fields) || !call_fields(now, &other) || !value_open(&reader, fields))
        return;
    while (value_read_pair(&reader, &key, &value, &ignored) == 1) {
        char name[64];
        struct slice table, other_table;

        if (key.type != DATUM_STRING || key.string.len >= sizeof name)
            continue;
        memcpy(name, key.string.ptr, key.string.len);
        name[key.string.len] = '\0';
        if (value_field_table(fields, name, &table)) {
            if (value_field_table(other, name, &other_table) && slice_equal(table, other_table))
                continue;
        } else if (value_field(other, name, &same) && is_same(&value, &same)) {
            continue;
        }
        buf_printf(out, ": field '%s' was another", name);
        return;
    }
}

static int check_same(uint32_t number, const ProtobufCBinaryData *before, struct slice now,
                      struct err *err)
{
    struct buf where = {0};

    if (slice_equal(bytes_of(before), now))
        return 0;
    find_difference(bytes_of(before), now, &where);
    err_set(err, ERR_JOB,
            "call %u of drive is not the one it was when drive ran before%s: it must ask for the "
            "same steps each time",
            number, buf_string(&where));
    buf_deinit(&where);
    return -1;
}

/* ---- answers ---- */

static void answer(const struct master_attempt *attempt, Mrlua__StepAnswer *answer)
{
    const struct master_worker *worker =
        master_worker_find(attempt->master, attempt->driver_worker);
    Mrlua__AttemptAnswer message = MRLUA__ATTEMPT_ANSWER__INIT;

    message.attempt = attempt->id;
    message.answer = answer;
    if (worker && worker->conn)
        conn_send(worker->conn, MESSAGE_ATTEMPT_ANSWER, 0, &message.base);
}

static void answer_error(const struct master_attempt *attempt, uint32_t number,
                         const struct err *err)
{
    Mrlua__StepAnswer message = MRLUA__STEP_ANSWER__INIT;
    Mrlua__Error error;

    message_of_err(&error, err, NULL);
    message.number = number;
    message.error = &error;
    answer(attempt, &message);
}

/* ---- a step is submitted ---- */

static char *text_of(struct slice table, const char *name)
{
    struct slice text = value_field_string(table, name, "");

    return mem_strndup(text.ptr, text.len);
}

/* Keeps the value as a blob, for the workers. */
static int put_blob(struct master *master, struct slice value, uint8_t *hash, struct err *err)
{
    struct blob_have have;

    blob_hash(value, hash);
    if (blobs_has(&master->blobs, hash))
        return 0;
    return blobs_put(&master->blobs, hash, 0, value.len, value, &have, err);
}

/* Numbers of steps as the folders that they have left; none: the inputs of the job. */
static int read_inputs(const struct master_job *job, struct slice request, const char *folder,
                       Mrlua__JobSubmit *submit, struct err *err)
{
    struct value_reader reader;
    struct datum key, value;
    struct err ignored;

    if (!value_open_field(&reader, request, "steps"))
        return 0;
    submit->inputs = NULL;
    submit->n_inputs = submit->n_groups = 0;
    while (value_read_pair(&reader, &key, &value, &ignored) == 1) {
        struct buf path = {0};

        if (value.type != DATUM_INTEGER || value.integer < 1 || value.integer > job->step_count)
            return err_set(err, ERR_LIMIT, "a step reads a step that has not ended");
        buf_printf(&path, "%sstep-%lld", folder, (long long)value.integer);
        submit->inputs =
            mem_realloc_array(submit->inputs, submit->n_inputs + 1, sizeof *submit->inputs);
        submit->inputs[submit->n_inputs++] = mem_strdup(buf_string(&path));
        buf_deinit(&path);
    }
    return 0;
}

/* A limit that the step has of its own; what it has not is the job's. */
static void read_limits(struct slice view, struct slice own, Mrlua__Limits *limits)
{
    struct slice of_view;

    if (!value_field_boolean(own, "limits", false) || !value_field_table(view, "limits", &of_view))
        return;
    limits->memory_bytes = (uint64_t)value_field_integer(of_view, "memory", 0);
    limits->progress_ms = (uint64_t)(value_field_number(of_view, "seconds", 0) * 1000);
    limits->record_ms = (uint64_t)(value_field_number(of_view, "seconds_per_record", 0) * 1000);
}

/* Everything that a step of this job is submitted with, while it is put together. */
struct making {
    const struct master_job *job;
    struct slice request, view, params, own;
    Mrlua__JobSubmit submit;
    Mrlua__JobStep step;
    Mrlua__Limits limits;
    struct buf folder, key, name, output;
    uint8_t params_hash[BLOB_HASH_BYTES], view_hash[BLOB_HASH_BYTES];
    char *input, *output_format;
    struct job_output_list outputs;
};

static void name_step(struct making *making, uint32_t number)
{
    const Mrlua__JobSubmit *parent = making->job->record->submit;

    buf_printf(&making->key, "%s/step-%u", parent->idempotency_key, number);
    making->submit.idempotency_key = (char *)(uintptr_t)buf_string(&making->key);
    master_drive_folder(parent, making->job->record->publish_id, &making->folder);
    buf_string(&making->folder);
    if (making->step.is_last) {
        making->submit.name = parent->name;
        making->submit.output_folder = parent->output_folder;
        making->submit.overwrite = parent->overwrite;
        return;
    }
    buf_printf(&making->name, "%s, step %u", parent->name, number);
    making->submit.name = (char *)(uintptr_t)buf_string(&making->name);
    buf_printf(&making->output, "%sstep-%u", making->folder.ptr, number);
    making->submit.output_folder = (char *)(uintptr_t)buf_string(&making->output);
    making->submit.overwrite = false;
}

static uint32_t count_of(struct slice view, const char *name)
{
    int64_t count = value_field_integer(view, name, 0);

    return count < 0 || count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

/* What the view says, in the place of what it says of the job. */
static void read_view(struct making *making)
{
    Mrlua__JobSubmit *submit = &making->submit;
    const Mrlua__JobSubmit *parent = making->job->record->submit;
    struct datum reduce;

    making->input = text_of(making->view, "input");
    making->output_format = text_of(making->view, "output");
    submit->input = making->input;
    submit->output = making->output_format;
    submit->skip_bad = count_of(making->view, "skip_bad");
    job_output_list_read(&making->outputs, making->view);
    submit->outputs = making->outputs.list;
    submit->n_outputs = making->outputs.count;
    submit->ranged = partition_kind_of(making->view) == PARTITION_BY_RANGE;
    submit->map_only = !value_field(making->view, "reduce", &reduce);
    submit->reducers = submit->map_only   ? 0
                       : parent->reducers ? parent->reducers
                                          : count_of(making->view, "reducers");
    if (value_field_boolean(making->own, "attempts", false))
        submit->attempts = count_of(making->view, "attempts");
    if (parent->limits)
        making->limits = *parent->limits;
    read_limits(making->view, making->own, &making->limits);
    submit->limits = &making->limits;
}

/* With --reuse: does it read what an earlier job may have mapped, and says nothing against it? As
 * lua/mrlua/cli/reuse.lua has it for `mrlua run`. */
static bool may_reuse(const struct making *making)
{
    const Mrlua__JobSubmit *submit = &making->submit;
    struct slice steps;

    return submit->reuse && !submit->map_only && !submit->unsafe && submit->skip_bad == 0 &&
           value_field_boolean(making->view, "deterministic", true) &&
           !value_field_table(making->request, "steps", &steps);
}

static int begin_making(struct making *making, const struct master_job *job, uint32_t number,
                        struct slice request, struct err *err)
{
    struct master *master = job->master;

    *making = (struct making){.job = job,
                              .request = request,
                              .submit = *job->record->submit,
                              .step = MRLUA__JOB_STEP__INIT,
                              .limits = MRLUA__LIMITS__INIT};
    if (value_check(request, err) != 0 || !value_field_table(request, "view", &making->view) ||
        !value_field_table(making->view, "params", &making->params))
        return err_set(err, ERR_LIMIT, "a driver asked for a step without saying what it is");
    value_field_table(request, "own", &making->own);
    making->step.parent = job->id;
    making->step.number = number;
    making->step.request = (ProtobufCBinaryData){request.len, (uint8_t *)(uintptr_t)request.ptr};
    making->step.is_last = value_field_boolean(request, "is_last", false);
    making->submit.step = &making->step;
    making->submit.drive = false;
    making->submit.steps = 0;
    name_step(making, number);
    read_view(making);
    making->submit.reuse = may_reuse(making);
    making->submit.params_hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, making->params_hash};
    making->submit.view_hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, making->view_hash};
    if (job_parts_check(making->outputs.list, making->outputs.count, err) != 0 ||
        read_inputs(job, request, making->folder.ptr, &making->submit, err) != 0)
        return -1;
    return put_blob(master, making->params, making->params_hash, err) != 0
               ? -1
               : put_blob(master, making->view, making->view_hash, err);
}

static void end_making(struct making *making)
{
    if (making->submit.inputs != making->job->record->submit->inputs) {
        for (size_t i = 0; i < making->submit.n_inputs; i++)
            free(making->submit.inputs[i]);
        free(making->submit.inputs);
    }
    free(making->input);
    free(making->output_format);
    job_output_list_deinit(&making->outputs);
    buf_deinit(&making->folder);
    buf_deinit(&making->key);
    buf_deinit(&making->name);
    buf_deinit(&making->output);
}

/* The record is one of its own, with nothing borrowed. */
static Mrlua__JobRecord *make_record(const struct making *making, struct err *err)
{
    Mrlua__JobRecord record = MRLUA__JOB_RECORD__INIT;
    struct buf packed = {0};
    char id[32];
    Mrlua__JobRecord *made;

    snprintf(id, sizeof id, "job-%016llx",
             (unsigned long long)hash64(slice_of_string(making->submit.idempotency_key)));
    record.submit = (Mrlua__JobSubmit *)&making->submit;
    record.publish_id = making->step.is_last ? making->job->record->publish_id : id;
    record.submitted_ns = (int64_t)clock_realtime_ns();
    message_pack(&packed, &record.base);
    made = message_unpack(&mrlua__job_record__descriptor, buf_slice(&packed), err);
    buf_deinit(&packed);
    return made;
}

/* The folder of all steps first, then that of this one; on gs:// the plan's helper claims. */
static int claim(const struct making *making, const Mrlua__JobRecord *record, struct err *err)
{
    struct publish publish;
    int rc = 0;

    if (uri_is_gs(record->submit->output_folder))
        return 0;
    if (!making->step.is_last && mkdir(making->folder.ptr, 0777) != 0 && errno != EEXIST)
        return err_set_errno(err, ERR_SETUP, "create %s", making->folder.ptr);
    publish_init(&publish, record->submit->output_folder, record->publish_id,
                 record->submit->overwrite);
    rc = publish_claim(&publish, err);
    publish_deinit(&publish);
    return rc;
}

static int submit_step(struct master_job *job, uint32_t number, struct slice request,
                       struct err *err)
{
    struct making making;
    Mrlua__JobRecord *record = NULL;
    int rc = begin_making(&making, job, number, request, err);

    if (rc == 0)
        rc = master_submit_check(job->master, &making.submit, err);
    if (rc == 0)
        record = make_record(&making, err);
    if (record && claim(&making, record, err) == 0) {
        master_job_accept_take(job->master, record);
        record = NULL;
    } else {
        rc = -1;
    }
    message_free(record);
    end_making(&making);
    return rc;
}

/* ---- calls ---- */

/* 0: it is answered later. 1: *recorded is its answer. -1: *err is. */
static int take_call(struct master_job *job, uint32_t number, struct slice request,
                     Mrlua__StepAnswer **recorded, struct err *err)
{
    const struct master_job *running = master_step_running(job);

    if (number >= 1 && number <= job->step_count) {
        *recorded = job->steps[number - 1]->answer;
        return check_same(number, &job->steps[number - 1]->request, request, err) != 0 ? -1 : 1;
    }
    if (number != job->step_count + 1)
        return err_set(err, ERR_LIMIT, "a driver asked for step %u after step %u", number,
                       job->step_count);
    if (running)
        return check_same(number, &running->record->submit->step->request, request, err);
    return submit_step(job, number, request, err);
}

void master_step_called(struct master_peer *peer, const Mrlua__AttemptCall *message)
{
    struct master *master = peer->master;
    struct master_attempt *attempt = master_attempt_find(master, message->attempt);
    struct master_job *job = attempt ? master_job_find(master, attempt->job_id) : NULL;
    Mrlua__StepAnswer *recorded = NULL;
    struct err err;
    int rc;

    if (!job || !attempt->is_driver || attempt->driver_worker != peer->worker->id || !message->call)
        return;
    rc = take_call(job, message->call->number, bytes_of(&message->call->request), &recorded, &err);
    attempt->step_waited_for = rc == 0 ? message->call->number : 0;
    if (rc == 1)
        answer(attempt, recorded);
    else if (rc < 0)
        answer_error(attempt, message->call->number, &err);
}

/* ---- ends of steps ---- */

void master_step_helper_ended(struct master *master, uint64_t job_id)
{
    const struct master_job *step = master_job_find(master, job_id);
    const Mrlua__JobStep *of = step ? step->record->submit->step : NULL;
    struct event event = {.kind = EVENT_JOB_CANCELLED, .job_id = job_id};

    if (!of || master_job_find(master, of->parent))
        return;
    master_queue(master, &event);
    master_abort_go_on(master, of->parent);
}

/* As its driver is answered. `error` is filled if it did not succeed. */
static void fill_answer(const struct master_job *step, const Mrlua__JobInfo *info,
                        Mrlua__StepAnswer *answer, Mrlua__Error *error)
{
    answer->number = step->record->submit->step->number;
    answer->records = info->records;
    answer->bytes = info->bytes;
    answer->n_counters = info->n_counters;
    answer->counters = info->counters;
    answer->folder = step->record->submit->output_folder;
    if (info->status == JOB_SUCCEEDED)
        return;
    mrlua__error__init(error);
    error->kind = ERR_JOB; /* to try again would be answered the same */
    error->detail = info->detail;
    answer->error = error;
}

/* What is read of another step is none of the job's input. */
static void add_effort(struct master_job *parent, const struct master_job *step)
{
    const ProtobufCBinaryData *request = &step->record->submit->step->request;
    struct job_effort effort;
    struct slice list;

    master_job_effort(step, &effort);
    if (value_field_table(slice_of((const char *)request->data, request->len), "steps", &list))
        effort.work.bytes_read = effort.work.records_read = 0;
    job_effort_add(&parent->effort, &effort, step->record->submit->step->number);
}

void master_step_note(struct master *master, const struct master_job *step)
{
    const Mrlua__JobStep *of = step->record->submit->step;
    struct master_job *parent = of ? master_job_find(master, of->parent) : NULL;
    Mrlua__JobInfo *info = parent ? master_info_of(master, step->id, INFO_WHOLE) : NULL;
    Mrlua__StepRecord record = MRLUA__STEP_RECORD__INIT;
    Mrlua__StepAnswer answer = MRLUA__STEP_ANSWER__INIT;
    struct buf packed = {0}, text = {0};
    Mrlua__StepRecord *kept;
    Mrlua__Error error;
    struct err err;

    if (!info)
        return;
    add_effort(parent, step);
    fill_answer(step, info, &answer, &error);
    if (answer.error) {
        buf_printf(&text, "step %u: %s", of->number,
                   info->error ? info->error->message : "it was cancelled");
        error.message = (char *)(uintptr_t)buf_string(&text);
    }
    record.number = of->number;
    record.request = of->request;
    record.answer = &answer;
    record.info = of->is_last ? info : NULL;
    message_pack(&packed, &record.base);
    journal_append(master->journal, JOURNAL_STEP, parent->id, buf_slice(&packed));
    kept = message_unpack(&mrlua__step_record__descriptor, buf_slice(&packed), &err);
    if (kept) {
        master_step_take(parent, kept);
        master_info_step(step, &parent->step_stages[parent->step_count - 1]);
    }
    parent->change_count++;
    message_free(info);
    buf_deinit(&packed);
    buf_deinit(&text);
}

void master_step_over(struct master *master, const Mrlua__JobStep *step)
{
    const struct master_job *job = master_job_find(master, step->parent);

    if (!job || step->number > job->step_count)
        return;
    master_watch_step_ended(master, job);
    for (struct list *at = master->attempts.next; at != &master->attempts; at = at->next) {
        struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->job_id != job->id || attempt->step_waited_for != step->number)
            continue;
        attempt->step_waited_for = 0;
        answer(attempt, job->steps[step->number - 1]->answer);
    }
}
