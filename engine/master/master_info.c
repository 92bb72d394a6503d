/*
 * What is told of a job that lives, and kept of one that has ended: JobInfo
 * (rpc/messages_job.proto); and of workers: WorkerInfo.
 */
#include "master/master_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "format/writer.h"
#include "master/job_running.h"
#include "master/job_skew.h"

#include <stdlib.h>

/* A JobInfo and what it points to. */
struct info {
    Mrlua__JobInfo message;
    Mrlua__StageProgress stages[STAGE_COUNT], *stage_list[STAGE_COUNT];
    Mrlua__Error error;
    Mrlua__Cause causes[SCHED_FAILURE_COUNT_MAX], *cause_list[SCHED_FAILURE_COUNT_MAX];
    Mrlua__Error cause_errors[SCHED_FAILURE_COUNT_MAX];
    Mrlua__Counter *counters, **counter_list;
    Mrlua__PartInfo *parts, **part_list;
    struct buf *part_names;
    uint32_t part_count;
    struct job_counters sums;
    struct err err;
    struct buf detail;
    struct job_effort effort;
};

static double seconds_between(uint64_t begun_ns, uint64_t ended_ns)
{
    return begun_ns && ended_ns > begun_ns ? (double)(ended_ns - begun_ns) / (double)NS_PER_S : 0;
}

static double map_bytes(const struct master_job *job, uint32_t map)
{
    return (double)job_plan_split_bytes(job->plan_done->plan, map);
}

/* The attempts of a stage that run, of tasks that are not done; for free(). */
static struct job_running *list_running(const struct master_job *job, enum stage_kind stage,
                                        size_t *count)
{
    const struct list *all = &job->master->attempts;
    struct job_running *running = NULL;
    size_t capacity = 0;

    *count = 0;
    for (const struct list *at = all->next; at != all; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->job_id != job->id || attempt->stage != stage || attempt->done ||
            job_results_of(&job->results, stage, attempt->task))
            continue;
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            running = mem_realloc_array(running, capacity, sizeof running[0]);
        }
        running[(*count)++] = (struct job_running){
            .task = attempt->task, .fraction = attempt->fraction, .records = attempt->records_in};
    }
    return running;
}

static void add_running(const struct master_job *job, enum stage_kind stage,
                        Mrlua__StageProgress *out)
{
    double share = job->results.task_counts[STAGE_REDUCE]
                       ? out->bytes / job->results.task_counts[STAGE_REDUCE]
                       : 0;
    size_t count;
    struct job_running *running = list_running(job, stage, &count);

    count = job_running_furthest(running, count);
    for (size_t i = 0; i < count; i++) {
        double bytes = stage == STAGE_MAP ? map_bytes(job, running[i].task) : share;

        out->bytes_done += running[i].fraction * bytes;
        out->records += running[i].records;
    }
    free(running);
}

/* As `mrlua run` tells its own progress (cli/run_report.c). */
static void fill_data_stage(const struct master_job *job, enum stage_kind stage,
                            Mrlua__StageProgress *out)
{
    uint32_t count = job->results.task_counts[stage];

    if (stage == STAGE_MAP) {
        for (uint32_t i = 0; i < count; i++) {
            out->bytes += map_bytes(job, i);
            out->bytes_done += job_results_of(&job->results, stage, i) ? map_bytes(job, i) : 0;
        }
        out->records = (uint64_t)job_results_sum(&job->results, stage, "map_records_in");
    } else if (count > 0 && job->stage_begun_ns[stage]) {
        out->bytes = (double)job_results_bytes(&job->results, STAGE_MAP);
        out->bytes_done = out->bytes * out->completed / count;
        out->records = (uint64_t)job_results_sum(&job->results, stage, "reduce_records_in");
    }
    add_running(job, stage, out);
}

static void fill_stage(const struct master_job *job, enum stage_kind stage,
                       const struct stage_progress *progress, Mrlua__StageProgress *out)
{
    bool is_done = progress->task_count > 0 && progress->completed_count == progress->task_count;
    uint64_t until_ns = is_done ? job->stage_ended_ns[stage] : clock_monotonic_ns();

    mrlua__stage_progress__init(out);
    out->tasks = progress->task_count;
    out->idle = progress->idle_count;
    out->in_progress = progress->in_progress_count;
    out->completed = progress->completed_count;
    out->failures = progress->failure_count;
    out->seconds = seconds_between(job->stage_begun_ns[stage], until_ns);
    if (job->plan_done && (stage == STAGE_MAP || stage == STAGE_REDUCE))
        fill_data_stage(job, stage, out);
}

static void fill_plan(const struct master_job *job, struct info *info)
{
    const Mrlua__Plan *plan = job->plan_done->plan;

    info->message.bytes_in = plan->bytes;
    info->message.split_count = job_plan_split_count(plan);
    info->message.split_bytes = plan->split_bytes;
    info->message.reducer_count = plan->reducers;
    info->message.records_in =
        (uint64_t)job_results_sum(&job->results, STAGE_MAP, "map_records_in");
}

static void fill_error(const struct master_job *job, const struct job_progress *progress,
                       struct info *info)
{
    struct cause causes[SCHED_FAILURE_COUNT_MAX];
    size_t count = sched_causes(job->master->sched, job->id, causes, SCHED_FAILURE_COUNT_MAX);

    job_faults_explain(&job->faults, progress, causes, count, &info->err, &info->detail);
    job_bad_explain(&job->bad, job->plan_done ? job->plan_done->plan : NULL,
                    job->record->submit->skip_bad, progress, &info->err, &info->detail);
    master_trail_advise(job, progress, info->err.kind, &info->detail);
    message_of_err(&info->error, &info->err, buf_string(&info->detail));
    info->message.error = &info->error;
    info->message.detail = (char *)(uintptr_t)buf_string(&info->detail);
    info->message.error_is_setup = info->err.kind == ERR_SETUP ||
                                   (progress->stage == STAGE_PLAN && info->err.kind == ERR_INPUT);
    for (size_t i = 0; i < count; i++) {
        const struct master_worker *worker = master_worker_find(job->master, causes[i].worker_id);

        mrlua__cause__init(&info->causes[i]);
        mrlua__error__init(&info->cause_errors[i]);
        info->cause_errors[i].kind = (uint32_t)causes[i].failure;
        info->causes[i].attempt = causes[i].attempt_id;
        info->causes[i].worker_id = causes[i].worker_id;
        info->causes[i].worker = worker ? worker->name : info->causes[i].worker;
        info->causes[i].error = &info->cause_errors[i];
        info->cause_list[i] = &info->causes[i];
    }
    info->message.n_causes = count;
    info->message.causes = info->cause_list;
}

static void tell_sums(struct info *info)
{
    info->counters = mem_alloc_array(info->sums.count, sizeof *info->counters);
    info->counter_list = mem_alloc_array(info->sums.count, sizeof *info->counter_list);
    for (size_t i = 0; i < info->sums.count; i++) {
        mrlua__counter__init(&info->counters[i]);
        info->counters[i].name = (char *)(uintptr_t)info->sums.items[i].name;
        info->counters[i].value = info->sums.items[i].value;
        info->counter_list[i] = &info->counters[i];
    }
    info->message.n_counters = info->sums.count;
    info->message.counters = info->counter_list;
}

static void fill_counters(const struct master_job *job, struct info *info)
{
    job_results_counters(&job->results, &info->sums);
    tell_sums(info);
}

static void fill_user_counters(const struct master_job *job, struct info *info)
{
    const struct master_job *step = job->record->submit->drive ? master_step_running(job) : NULL;

    job_results_user_counters(step ? &step->results : &job->results, &info->sums);
    tell_sums(info);
}

static void fill_parts(const struct master_job *job, struct info *info)
{
    struct job_outputs outputs = master_job_outputs(job);
    struct job_parts parts;

    job_parts_init(&parts, &outputs, &job->results);
    info->parts = mem_alloc_array(parts.count, sizeof *info->parts);
    info->part_list = mem_alloc_array(parts.count, sizeof *info->part_list);
    info->part_names = mem_alloc_array(parts.count, sizeof *info->part_names);
    info->part_count = (uint32_t)parts.count;
    for (size_t i = 0; i < parts.count; i++) {
        const struct job_part *part = &parts.items[i];

        mrlua__part_info__init(&info->parts[i]);
        publish_part_name(&info->part_names[i], &part->file);
        info->parts[i].name = (char *)(uintptr_t)buf_string(&info->part_names[i]);
        info->part_list[i] = &info->parts[i];
        info->parts[i].bytes = part->file.bytes;
        info->parts[i].records = part->records;
        info->parts[i].crc32c = part->file.crc32c;
    }
    info->message.records = parts.records;
    info->message.bytes = parts.bytes;
    info->message.parts = (uint32_t)parts.count;
    info->message.n_part_list = parts.count;
    info->message.part_list = info->part_list;
    job_parts_deinit(&parts);
}

static void fill(const struct master_job *job, const struct job_progress *progress,
                 struct info *info)
{
    const Mrlua__JobSubmit *submit = job->record->submit;
    Mrlua__JobInfo *message = &info->message;
    uint64_t now_ns = clock_monotonic_ns();
    double tasks = 0, done = 0;

    message->job = job->id;
    message->name = submit->name;
    message->status = (uint32_t)progress->status;
    message->reason = (uint32_t)progress->reason;
    message->submitted_ns = job->record->submitted_ns;
    message->started_ns = job->record->submitted_ns;
    message->output_folder = submit->output_folder;
    message->user = submit->user;
    message->priority = submit->priority;
    message->stage = (uint32_t)progress->stage;
    message->task = progress->task;
    message->sort_buffer_bytes = submit->sort_buffer_bytes;
    message->seconds = seconds_between(job->begun_ns, now_ns);
    message->parent = submit->step ? submit->step->parent : 0;
    for (int i = 0; i < STAGE_COUNT; i++) {
        fill_stage(job, (enum stage_kind)i, &progress->stages[i], &info->stages[i]);
        info->stage_list[i] = &info->stages[i];
        tasks += progress->stages[i].task_count;
        done += progress->stages[i].completed_count;
    }
    message->n_stages = STAGE_COUNT;
    message->stages = info->stage_list;
    message->fraction = tasks > 0 ? done / tasks : 0;
}

void master_info_step(const struct master_job *step, struct master_step_stages *out)
{
    struct job_progress progress = {0};

    sched_job_progress(step->master->sched, step->id, &progress);
    fill_stage(step, STAGE_MAP, &progress.stages[STAGE_MAP], &out->map);
    fill_stage(step, STAGE_REDUCE, &progress.stages[STAGE_REDUCE], &out->reduce);
}

/* Of a job of several steps people see the one that runs, or else the last one. */
static void fill_running_step(const struct master_job *job, struct info *info)
{
    const struct master_job *step = master_step_running(job);
    struct master_step_stages stages;

    info->message.step = job->step_count + (step ? 1 : 0);
    info->message.step_count = job->record->submit->steps;
    if (info->message.step == 0)
        return;
    if (step)
        master_info_step(step, &stages);
    else
        stages = job->step_stages[job->step_count - 1];
    info->stages[STAGE_MAP] = stages.map;
    info->stages[STAGE_REDUCE] = stages.reduce;
}

/* What its last step has written, it has written; what any has read, it has read, as `mrlua run`
 * says it too. Borrowed from the record of the last step. */
static void fill_last_step(const struct master_job *job, struct info *info)
{
    const Mrlua__JobInfo *last = job->step_count ? job->steps[job->step_count - 1]->info : NULL;

    if (!last)
        return;
    for (uint32_t i = 0; i < job->step_count; i++) {
        info->message.bytes_in += job->steps[i]->info ? job->steps[i]->info->bytes_in : 0;
        info->message.records_in += job->steps[i]->info ? job->steps[i]->info->records_in : 0;
    }
    info->message.split_count = last->split_count;
    info->message.split_bytes = last->split_bytes;
    info->message.reducer_count = last->reducer_count;
    info->message.records = last->records;
    info->message.bytes = last->bytes;
    info->message.parts = last->parts;
    info->message.n_counters = last->n_counters;
    info->message.counters = last->counters;
    info->message.n_part_list = last->n_part_list;
    info->message.part_list = last->part_list;
}

void master_job_info(const struct master_job *job, enum info_extent extent, struct buf *out)
{
    struct job_progress progress = {0};
    struct info info = {.message = MRLUA__JOB_INFO__INIT, .error = MRLUA__ERROR__INIT};

    sched_job_progress(job->master->sched, job->id, &progress);
    fill(job, &progress, &info);
    if (job->plan_done)
        fill_plan(job, &info);
    if (progress.status >= JOB_SUCCEEDED)
        info.message.ended_ns = (int64_t)clock_realtime_ns();
    if (progress.status == JOB_FAILED || progress.status == JOB_CANCELLED)
        fill_error(job, &progress, &info);
    if (extent == INFO_WATCHED)
        fill_user_counters(job, &info);
    if (extent == INFO_WHOLE) {
        fill_counters(job, &info);
        master_job_effort(job, &info.effort);
        info.message.effort = job_effort_make(&info.effort);
        info.message.skew = job_skew_make(&job->results);
        if (progress.status == JOB_SUCCEEDED)
            fill_parts(job, &info);
    }
    if (job->record->submit->drive) {
        fill_running_step(job, &info);
        if (extent == INFO_WHOLE && progress.status == JOB_SUCCEEDED)
            fill_last_step(job, &info);
    }
    message_pack(out, &info.message.base);
    message_free(info.message.effort);
    message_free(info.message.skew);
    for (uint32_t i = 0; i < info.part_count; i++)
        buf_deinit(&info.part_names[i]);
    free(info.part_names);
    free(info.parts);
    free(info.part_list);
    free(info.counters);
    free(info.counter_list);
    job_counters_deinit(&info.sums);
    buf_deinit(&info.detail);
}

/* ---- workers ---- */

/* By worker, of all jobs: in one pass, as there may be thousands of workers. */
static uint32_t *count_held(const struct master *master)
{
    uint32_t *held = mem_alloc_array(master->worker_capacity + 1, sizeof *held);

    for (const struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);

        for (size_t i = 0; i < job->source_count; i++)
            if (job->sources[i].worker_id < master->worker_capacity) /* else: not back yet */
                held[job->sources[i].worker_id] += job->sources[i].count;
    }
    return held;
}

static void fill_worker(const struct master *master, const struct master_worker *worker,
                        Mrlua__WorkerInfo *out)
{
    uint64_t now_ns = clock_monotonic_ns();
    struct worker_view view;

    mrlua__worker_info__init(out);
    out->worker_id = worker->id;
    out->name = worker->name;
    out->address = worker->host;
    out->slots = worker->slots;
    out->disk_free_bytes = worker->disk_free_bytes;
    out->silent_ms = (now_ns - worker->heard_ns) / NS_PER_MS;
    out->draining = worker->draining;
    out->incarnation = worker->incarnation;
    if (!sched_worker_view(master->sched, worker->id, &view) ||
        view.incarnation != worker->incarnation)
        return; /* connected or not, it is given nothing */
    out->running = view.slots_used;
    out->connected = worker->conn && view.status == WORKER_STATUS_UP;
    out->set_aside = view.aside_until_ns > now_ns;
}

void master_info_workers(const struct master *master,
                         void (*see)(void *context, const Mrlua__WorkerInfo *info), void *context)
{
    uint32_t *held = count_held(master);
    struct worker_view view;

    for (uint32_t i = 1; i < master->worker_capacity; i++) {
        const struct master_worker *worker = master->workers[i];
        Mrlua__WorkerInfo info;

        if (!worker || (!worker->conn && (!sched_worker_view(master->sched, i, &view) ||
                                          view.status == WORKER_STATUS_GONE)))
            continue; /* not even a connection is left of it */
        fill_worker(master, worker, &info);
        info.held = held[i];
        see(context, &info);
    }
    free(held);
}
