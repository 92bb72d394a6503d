#include "master/job_faults.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void job_faults_deinit(struct job_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free(faults->items[i].detail);
    free(faults->items);
    *faults = (struct job_faults){0};
}

static void drop_oldest(struct job_faults *faults)
{
    free(faults->items[0].detail);
    faults->count--;
    memmove(faults->items, faults->items + 1, faults->count * sizeof *faults->items);
}

void job_faults_add(struct job_faults *faults, uint64_t attempt_id, const struct err *err,
                    const char *detail)
{
    if (!faults->items)
        faults->items = mem_alloc_array(JOB_FAULT_COUNT_MAX, sizeof *faults->items);
    if (faults->count == JOB_FAULT_COUNT_MAX)
        drop_oldest(faults);
    faults->items[faults->count++] = (struct job_fault){
        .attempt_id = attempt_id, .err = *err, .detail = mem_strdup(detail ? detail : "")};
}

const struct job_fault *job_faults_find(const struct job_faults *faults, uint64_t attempt_id)
{
    for (size_t i = faults->count; i > 0; i--) {
        if (faults->items[i - 1].attempt_id == attempt_id)
            return &faults->items[i - 1];
    }
    return NULL;
}

static void explain_last(const struct job_faults *faults, const struct job_progress *progress,
                         struct err *err, struct buf *detail)
{
    const struct job_fault *fault = job_faults_find(faults, progress->attempt_id);

    if (!fault) {
        err_set(err, progress->failure, "%s %u failed (%s)", stage_kind_name(progress->stage),
                progress->task, err_kind_name(progress->failure));
        return;
    }
    *err = fault->err;
    buf_append_string(detail, fault->detail);
}

/* The earlier failures of the task, as far as they were others. */
static void explain_earlier(const struct job_faults *faults, const struct cause *causes,
                            size_t cause_count, const struct err *last, struct buf *detail)
{
    const char *before = last->message;

    for (size_t i = 1; i < cause_count; i++) {
        const struct job_fault *fault = job_faults_find(faults, causes[i].attempt_id);

        if (!fault || strcmp(fault->err.message, before) == 0)
            continue;
        buf_printf(detail, "before that: %s\n", fault->err.message);
        before = fault->err.message;
    }
}

int job_faults_explain(const struct job_faults *faults, const struct job_progress *progress,
                       const struct cause *causes, size_t cause_count, struct err *err,
                       struct buf *detail)
{
    struct err last;

    switch (progress->reason) {
    case END_NONE:
    case END_CANCELLED:
        return err_set(err, ERR_RETRY, "cancelled");
    case END_FAULT:
    case END_BAD_RECORDS:
        explain_last(faults, progress, err, detail);
        return -1;
    case END_ATTEMPTS:
    case END_FAILURES:
        explain_last(faults, progress, &last, detail);
        explain_earlier(faults, causes, cause_count, &last, detail);
        if (cause_count < 2) {
            *err = last;
            return -1;
        }
        return err_set(err, last.kind, "%s (%s %u failed %zu times)", last.message,
                       stage_kind_name(progress->stage), progress->task, cause_count);
    case END_NOT_DETERMINISTIC:
        return err_set(err, ERR_JOB,
                       "map %u is not deterministic: its output was lost, the second attempt gave "
                       "another one, and a reduce had already used the first",
                       progress->task);
    case END_AUDIT:
        return err_set(err, ERR_PEER,
                       "the reduces did not read what the maps wrote: the output is "
                       "not trusted and was not committed");
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}
