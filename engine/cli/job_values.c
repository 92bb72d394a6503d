#include "cli/job_values.h"

#include "cli/answer.h"
#include "record/fields.h"
#include "record/value.h"
#include "sched/sched.h"

#include <stdio.h>

static const Mrlua__StageProgress NO_STAGE = MRLUA__STAGE_PROGRESS__INIT;

static const Mrlua__StageProgress *stage_of(const Mrlua__JobInfo *info, enum stage_kind stage)
{
    return info && info->n_stages > stage ? info->stages[stage] : &NO_STAGE;
}

static void add_stage(const Mrlua__JobInfo *info, enum stage_kind kind, struct buf *out)
{
    const Mrlua__StageProgress *progress = stage_of(info, kind);
    struct answer_stage stage = {
        .name = stage_kind_name(kind),
        .tasks = progress->tasks,
        .tasks_done = progress->completed,
        .tasks_running = progress->in_progress,
        .seconds = progress->seconds,
        .bytes = progress->bytes,
        .bytes_done = progress->bytes_done,
        .records = progress->records,
    };

    answer_stage(&stage, out);
}

void job_values_stages(const Mrlua__JobInfo *info, struct buf *out)
{
    value_write_list_begin(out, 2);
    add_stage(info, STAGE_MAP, out);
    add_stage(info, STAGE_REDUCE, out);
}

static void add_error(const Mrlua__JobInfo *info, struct buf *out)
{
    struct err err;

    if (info && info->error)
        message_to_err(info->error, &err);
    else if (info && info->status == JOB_CANCELLED)
        err_set(&err, ERR_RETRY, "cancelled");
    else
        err_set(&err, ERR_RETRY, "the job failed, and the master does not say why");
    field_name(out, "error");
    answer_error(&err,
                 info && info->detail[0] ? info->detail
                 : info && info->error   ? info->error->detail
                                         : NULL,
                 info && info->error_is_setup, out);
}

void job_values_counters(const Mrlua__JobInfo *info, struct buf *out)
{
    field_name(out, "counters");
    value_write_table_begin(out);
    for (size_t i = 0; info && i < info->n_counters; i++)
        field_integer(out, info->counters[i]->name, (uint64_t)info->counters[i]->value);
    value_write_table_end(out);
}

static void add_skew(const Mrlua__JobInfo *info, struct buf *out)
{
    field_name(out, "skew");
    answer_skew(info->skew, out);
}

static void add_effort(const Mrlua__JobInfo *info, struct buf *out)
{
    field_name(out, "effort");
    answer_effort(info->effort, out);
}

static void add_parts(const Mrlua__JobInfo *info, struct buf *out)
{
    field_name(out, "parts");
    value_write_list_begin(out, (uint32_t)info->n_part_list);
    for (size_t i = 0; i < info->n_part_list; i++) {
        const Mrlua__PartInfo *part = info->part_list[i];

        answer_part(part->name, part->bytes, part->records, part->crc32c, out);
    }
    field_integer(out, "records", info->records);
    field_integer(out, "bytes", info->bytes);
}

static void add_plan(const Mrlua__JobInfo *info, struct buf *out)
{
    struct answer_plan plan = {info->split_count, info->split_bytes, info->reducer_count,
                               info->sort_buffer_bytes};

    field_integer(out, "input_bytes", info->bytes_in);
    field_name(out, "plan");
    answer_plan(&plan, out);
}

void job_values_outcome(const Mrlua__JobInfo *info, struct buf *out)
{
    value_write_table_begin(out);
    field_number(out, "seconds", info ? info->seconds : 0);
    if (!info || info->status != JOB_SUCCEEDED) {
        add_error(info, out);
    } else {
        field_string(out, "job", info->name);
        field_string(out, "output", info->output_folder);
        add_plan(info, out);
        add_parts(info, out);
        job_values_counters(info, out);
        add_skew(info, out);
        add_effort(info, out);
        if (info->step > 0)
            field_integer(out, "steps", info->step);
    }
    value_write_table_end(out);
}

/* What people are told: three of the scheduler's states are one for them. */
static const char *state_of(const Mrlua__JobInfo *info)
{
    switch ((enum job_status)info->status) {
    case JOB_PLANNING:
    case JOB_RUNNING:
    case JOB_COMMITTING:
        return "running";
    case JOB_SUCCEEDED:
        return "done";
    case JOB_FAILED:
        return "failed";
    case JOB_CANCELLED:
        return "cancelled";
    }
    return "unknown"; /* to this client, of a newer master */
}

void job_values_title(const Mrlua__JobInfo *info, struct buf *out)
{
    char title[64];
    int len;

    if (!info || info->step == 0)
        return;
    len = snprintf(title, sizeof title, "step %u", info->step);
    if (info->step_count > 0)
        snprintf(title + len, sizeof title - (size_t)len, "/%u", info->step_count);
    field_string(out, "title", title);
}

static void add_job(const Mrlua__JobInfo *info, struct buf *out)
{
    const Mrlua__StageProgress *map = stage_of(info, STAGE_MAP);
    const Mrlua__StageProgress *reduce = stage_of(info, STAGE_REDUCE);

    value_write_table_begin(out);
    field_integer(out, "id", info->job);
    field_string(out, "name", info->name);
    field_string(out, "state", state_of(info));
    field_string(out, "output", info->output_folder);
    field_string(out, "user", info->user);
    field_integer(out, "priority", (uint64_t)info->priority);
    field_number(out, "seconds", info->seconds);
    field_number(out, "submitted", (double)info->submitted_ns / 1e9);
    field_integer(out, "tasks", map->tasks + reduce->tasks);
    field_integer(out, "tasks_done", map->completed + reduce->completed);
    job_values_title(info, out);
    value_write_table_end(out);
}

void job_values_list(const Mrlua__JobListAnswer *list, struct buf *out)
{
    value_write_table_begin(out);
    field_name(out, "jobs");
    value_write_list_begin(out, (uint32_t)list->n_jobs);
    for (size_t i = 0; i < list->n_jobs; i++)
        add_job(list->jobs[i], out);
    value_write_table_end(out);
}

static void add_files(const Mrlua__JobSubmit *submit, struct buf *out)
{
    field_name(out, "files");
    value_write_list_begin(out, submit->n_files);
    for (size_t i = 0; i < submit->n_files; i++) {
        const Mrlua__SideFile *file = submit->files[i];

        value_write_table_begin(out);
        field_string(out, "name", file->name);
        field_string(out, "path", file->path);
        field_integer(out, "bytes", file->size);
        field_integer(out, "crc32c", file->crc32c);
        value_write_table_end(out);
    }
}

static void add_asked(const Mrlua__JobSubmit *submit, struct buf *out)
{
    field_string(out, "input", submit->input);
    field_string(out, "output_format", submit->output);
    field_string(out, "shuffle", submit->shuffle[0] ? submit->shuffle : "local");
    field_integer(out, "reducers", submit->reducers);
    field_integer(out, "split_bytes", submit->split_bytes);
    field_integer(out, "sort_buffer_bytes", submit->sort_buffer_bytes);
    field_integer(out, "attempts", submit->attempts);
    field_integer(out, "skip_bad", submit->skip_bad);
    field_boolean(out, "unsafe", submit->unsafe);
    field_integer(out, "priority", (uint64_t)submit->priority);
    if (!submit->limits)
        return;
    field_integer(out, "memory_bytes", submit->limits->memory_bytes);
    field_integer(out, "progress_ms", submit->limits->progress_ms);
    field_integer(out, "record_ms", submit->limits->record_ms);
}

void job_values_facts(const Mrlua__JobFacts *facts, struct buf *out)
{
    value_write_table_begin(out);
    if (facts && facts->submit) {
        add_asked(facts->submit, out);
        add_files(facts->submit, out);
    }
    if (facts) {
        field_string(out, "publish_id", facts->publish_id);
        answer_inputs(facts->inputs, out);
    }
    value_write_table_end(out);
}

void job_values_status(const Mrlua__JobInfo *info, struct buf *out)
{
    value_write_table_begin(out);
    field_name(out, "job");
    add_job(info, out);
    job_values_title(info, out);
    field_name(out, "stages");
    job_values_stages(info, out);
    job_values_counters(info, out);
    add_skew(info, out);
    add_effort(info, out);
    if (info->step > 0)
        field_integer(out, "steps", info->step);
    if (info->status >= JOB_SUCCEEDED) {
        field_name(out, "outcome");
        job_values_outcome(info, out);
    }
    value_write_table_end(out);
}

enum { SILENT_MS = 10 * 1000 }; /* its tasks are given to others: what a lease is here */

static const char *worker_state(const Mrlua__WorkerInfo *worker)
{
    if (!worker->connected)
        return "away";
    if (worker->silent_ms >= SILENT_MS)
        return "silent";
    if (worker->draining)
        return "draining";
    return worker->set_aside ? "set aside" : "ready";
}

static void add_worker(const Mrlua__WorkerInfo *worker, struct buf *out)
{
    value_write_table_begin(out);
    field_integer(out, "id", worker->worker_id);
    field_string(out, "name", worker->name[0] ? worker->name : worker->address);
    field_string(out, "address", worker->address);
    field_string(out, "state", worker_state(worker));
    field_integer(out, "slots", worker->slots);
    field_integer(out, "slots_busy", worker->running);
    field_integer(out, "disk_free", worker->disk_free_bytes);
    field_integer(out, "outputs", worker->held);
    field_integer(out, "silent_ms", worker->silent_ms);
    value_write_table_end(out);
}

void job_values_workers(const Mrlua__WorkerListAnswer *list, struct buf *out)
{
    value_write_table_begin(out);
    field_name(out, "workers");
    value_write_list_begin(out, (uint32_t)list->n_workers);
    for (size_t i = 0; i < list->n_workers; i++)
        add_worker(list->workers[i], out);
    value_write_table_end(out);
}
