#include "cli/run_shell.h"

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/run_state.h"
#include "master/job_facts.h"
#include "master/job_plan.h"
#include "master/job_skew.h"
#include "record/fields.h"
#include "record/value.h"

static double seconds_between(uint64_t begun_ns, uint64_t ended_ns)
{
    return (double)(ended_ns - begun_ns) / (double)NS_PER_S;
}

/* The input of a task. Of a reduce it is a guess: its share of what the maps wrote. */
static double task_bytes(const struct run_shell *shell, enum stage_kind stage, uint32_t task)
{
    if (stage == STAGE_MAP)
        return (double)job_plan_split_bytes(shell->plan_done->plan, task);
    return (double)job_results_bytes(&shell->results, STAGE_MAP) /
           (double)shell->results.task_counts[STAGE_REDUCE];
}

struct stage_report {
    const char *counter; /* records that the stage has read */
    double bytes, bytes_done;
    int64_t records;
};

static void add_completed(const struct run_shell *shell, enum stage_kind stage,
                          struct stage_report *report)
{
    for (uint32_t i = 0; i < shell->results.task_counts[stage]; i++) {
        double bytes = stage == STAGE_MAP ? task_bytes(shell, stage, i) : 0;

        report->bytes += bytes;
        if (job_results_of(&shell->results, stage, i))
            report->bytes_done += bytes;
    }
    report->records = job_results_sum(&shell->results, stage, report->counter);
}

static void add_running(const struct run_shell *shell, enum stage_kind stage,
                        struct stage_report *report)
{
    const struct run_attempt *attempt;

    for (attempt = shell->attempts; attempt; attempt = attempt->next) {
        if (attempt->stage != stage || attempt->has_answered || attempt->is_killed)
            continue;
        report->bytes_done += attempt->fraction * task_bytes(shell, stage, attempt->task);
        report->records += (int64_t)attempt->records_in;
    }
}

static void write_stage(const struct run_shell *shell, enum stage_kind stage,
                        const struct stage_progress *progress, struct buf *out)
{
    struct stage_report report = {stage == STAGE_MAP ? "map_records_in" : "reduce_records_in", 0, 0,
                                  0};
    bool is_done = progress->task_count > 0 && progress->completed_count == progress->task_count;
    uint64_t until_ns = is_done ? shell->stage_ended_ns[stage] : clock_monotonic_ns();
    uint64_t begun_ns = shell->stage_begun_ns[stage];
    struct answer_stage told;

    add_completed(shell, stage, &report);
    if (stage == STAGE_REDUCE && shell->results.task_counts[stage] > 0 && begun_ns) {
        report.bytes = (double)job_results_bytes(&shell->results, STAGE_MAP);
        report.bytes_done =
            report.bytes * progress->completed_count / shell->results.task_counts[stage];
    }
    add_running(shell, stage, &report);
    told = (struct answer_stage){
        .name = stage_kind_name(stage),
        .tasks = progress->task_count,
        .tasks_done = progress->completed_count,
        .tasks_running = progress->in_progress_count,
        .seconds = begun_ns ? seconds_between(begun_ns, until_ns) : 0,
        .bytes = report.bytes,
        .bytes_done = report.bytes_done,
        .records = (uint64_t)report.records,
    };
    answer_stage(&told, out);
}

static void write_counters(const struct job_counters *counters, struct buf *out)
{
    field_name(out, "counters");
    value_write_table_begin(out);
    for (size_t i = 0; i < counters->count; i++)
        field_integer(out, counters->items[i].name, (uint64_t)counters->items[i].value);
    value_write_table_end(out);
}

static void write_user_counters(const struct run_shell *shell, struct buf *out)
{
    struct job_counters counters;

    job_results_user_counters(&shell->results, &counters);
    write_counters(&counters, out);
    job_counters_deinit(&counters);
}

static void write_all_counters(const struct run_shell *shell, struct buf *out)
{
    struct job_counters counters;

    job_results_counters(&shell->results, &counters);
    write_counters(&counters, out);
    job_counters_deinit(&counters);
}

void run_shell_report(struct run_shell *shell, struct buf *out)
{
    struct job_progress progress = {0};

    run_trail_flush(shell);
    sched_job_progress(shell->sched, RUN_JOB_ID, &progress);
    value_write_table_begin(out);
    field_boolean(out, "finished", run_shell_finished(shell));
    field_number(out, "seconds", seconds_between(shell->begun_ns, clock_monotonic_ns()));
    field_integer(out, "columns", answer_columns());
    field_name(out, "log");
    answer_log(&shell->log, out);
    field_name(out, "notices");
    answer_log(&shell->notices, out);
    write_user_counters(shell, out);
    field_name(out, "stages");
    value_write_list_begin(out, 2);
    write_stage(shell, STAGE_MAP, &progress.stages[STAGE_MAP], out);
    write_stage(shell, STAGE_REDUCE, &progress.stages[STAGE_REDUCE], out);
    value_write_table_end(out);
}

/* An input that is not there is as wrong as a flag: nothing had been started. */
static void write_job_error(struct run_shell *shell, struct buf *out)
{
    struct job_progress progress = {0};
    struct cause causes[SCHED_FAILURE_COUNT_MAX];
    struct buf detail = {0};
    struct err err;
    size_t count = sched_causes(shell->sched, RUN_JOB_ID, causes, SCHED_FAILURE_COUNT_MAX);

    sched_job_progress(shell->sched, RUN_JOB_ID, &progress);
    job_faults_explain(&shell->faults, &progress, causes, count, &err, &detail);
    job_bad_explain(&shell->bad, shell->plan_done ? shell->plan_done->plan : NULL,
                    shell->config.skip_bad, &progress, &err, &detail);
    run_trail_advise(shell, &progress, err.kind, &detail);
    field_name(out, "error");
    answer_error(&err, buf_string(&detail), progress.stage == STAGE_PLAN && err.kind == ERR_INPUT,
                 out);
    buf_deinit(&detail);
}

static void write_skew(const struct run_shell *shell, struct buf *out)
{
    Mrlua__JobSkew *skew = job_skew_make(&shell->results);

    field_name(out, "skew");
    answer_skew(skew, out);
    message_free(skew);
}

static void write_effort(struct run_shell *shell, struct buf *out)
{
    Mrlua__JobEffort *effort;

    job_work_of(&shell->results, shell->plan_done ? shell->plan_done->plan : NULL,
                shell->stage_begun_ns, shell->stage_ended_ns, clock_monotonic_ns(),
                &shell->effort.work);
    effort = job_effort_make(&shell->effort);
    field_name(out, "effort");
    answer_effort(effort, out);
    message_free(effort);
}

static void write_part(const struct job_part *part, struct buf *out)
{
    struct buf name = {0};

    publish_part_name(&name, &part->file);
    answer_part(buf_string(&name), part->file.bytes, part->records, part->file.crc32c, out);
    buf_deinit(&name);
}

static void write_parts(const struct run_shell *shell, struct buf *out)
{
    struct job_outputs outputs = run_outputs_of(&shell->config);
    struct job_parts parts;

    job_parts_init(&parts, &outputs, &shell->results);
    field_name(out, "parts");
    value_write_list_begin(out, parts.count);
    for (size_t i = 0; i < parts.count; i++)
        write_part(&parts.items[i], out);
    field_integer(out, "records", parts.records);
    field_integer(out, "bytes", parts.bytes);
    job_parts_deinit(&parts);
}

static void write_inputs(const struct run_shell *shell, struct buf *out)
{
    Mrlua__InputFacts *inputs = job_facts_inputs(shell->plan_done ? shell->plan_done->plan : NULL);

    answer_inputs(inputs, out);
    message_free(inputs);
}

static void write_plan(const struct run_shell *shell, struct buf *out)
{
    const Mrlua__Plan *plan = shell->plan_done->plan;
    struct answer_plan told = {job_plan_split_count(plan), plan->split_bytes, plan->reducers,
                               shell->config.sort_buffer_bytes};

    field_integer(out, "input_bytes", plan->bytes);
    field_name(out, "plan");
    answer_plan(&told, out);
}

/* Which records the output is without; nothing, when that is none. */
static void write_bad(const struct run_shell *shell, struct buf *out)
{
    struct buf text = {0};

    if (job_bad_count(&shell->bad) == 0)
        return;
    job_bad_print(&shell->bad, shell->plan_done->plan, 0, &text);
    field_string(out, "bad_records", buf_string(&text));
    buf_deinit(&text);
}

/* A signal that came when the output was already where it belongs changes nothing. */
static bool was_interrupted(const struct run_shell *shell)
{
    return shell->signal_number && !(shell->is_committed && shell->output.has_folder);
}

void run_shell_outcome(struct run_shell *shell, const struct err *print_err, struct buf *out)
{
    value_write_table_begin(out);
    field_number(out, "seconds", seconds_between(shell->begun_ns, clock_monotonic_ns()));
    write_inputs(shell, out);
    write_all_counters(shell, out);
    write_skew(shell, out);
    write_effort(shell, out);
    if (was_interrupted(shell)) {
        field_integer(out, "signal", (uint64_t)shell->signal_number);
    } else if (!shell->is_committed) {
        write_job_error(shell, out);
    } else if (print_err) {
        field_name(out, "error");
        answer_error(print_err, NULL, false, out);
    } else {
        field_string(out, "job", shell->config.job_name);
        if (shell->config.output)
            field_string(out, "output", shell->config.output);
        if (shell->output.has_folder)
            field_string(out, "publish_id", shell->output.job_id);
        write_plan(shell, out);
        write_parts(shell, out);
        write_bad(shell, out);
        if (shell->signal_number)
            field_integer(out, "late_signal", (uint64_t)shell->signal_number);
    }
    value_write_table_end(out);
}
