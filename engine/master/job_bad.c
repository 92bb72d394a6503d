#include "master/job_bad.h"

#include "base/jsontext.h"
#include "base/mem.h"
#include "master/job_plan.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 200 }; /* record/key_print.h: as much as an attempt prints */

/* ---- records ---- */

static char *copy_text(const char *text, size_t bytes_max)
{
    return mem_strndup(text, strnlen(text, bytes_max));
}

static Mrlua__BadRecord *record_copy(const Mrlua__BadRecord *from)
{
    Mrlua__BadRecord *copy = mem_alloc(sizeof *copy);

    mrlua__bad_record__init(copy);
    copy->record = from->record;
    copy->piece = from->piece;
    copy->offset = from->offset;
    copy->key = copy_text(from->key, KEY_BYTES_MAX);
    copy->error = copy_text(from->error, ERR_MESSAGE_BYTES - 1);
    return copy;
}

static void record_free(Mrlua__BadRecord *record)
{
    free(record->key);
    free(record->error);
    free(record);
}

static int compare(const struct job_bad_record *item, enum stage_kind stage, uint32_t task,
                   uint64_t record)
{
    if (item->stage != stage)
        return item->stage < stage ? -1 : 1;
    if (item->task != task)
        return item->task < task ? -1 : 1;
    return item->record->record < record ? -1 : item->record->record > record;
}

/* Where it is, or would be. */
static size_t find(const struct job_bad *bad, enum stage_kind stage, uint32_t task, uint64_t record)
{
    size_t low = 0, high = bad->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&bad->items[middle], stage, task, record) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has(const struct job_bad *bad, enum stage_kind stage, uint32_t task, uint64_t record)
{
    size_t at = find(bad, stage, task, record);

    return at < bad->count && compare(&bad->items[at], stage, task, record) == 0;
}

/* Takes `record`. */
static void insert(struct job_bad *bad, const struct job_bad_where *where, Mrlua__BadRecord *record)
{
    size_t at = find(bad, where->stage, where->task, record->record);

    bad->items = mem_realloc_array(bad->items, bad->count + 1, sizeof *bad->items);
    memmove(bad->items + at + 1, bad->items + at, (bad->count - at) * sizeof *bad->items);
    bad->items[at] = (struct job_bad_record){where->stage, where->task, record};
    bad->count++;
}

/* ---- reports ---- */

static void report_deinit(struct job_bad_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        record_free(report->records[i]);
    free(report->records);
}

static void report_remove(struct job_bad *bad, size_t at)
{
    bad->report_count--;
    memmove(bad->reports + at, bad->reports + at + 1,
            (bad->report_count - at) * sizeof *bad->reports);
}

static struct job_bad_report *report_of(const struct job_bad *bad, uint64_t attempt_id)
{
    for (size_t i = bad->report_count; i > 0; i--)
        if (bad->reports[i - 1].where.attempt_id == attempt_id)
            return &bad->reports[i - 1];
    return NULL;
}

/* What is new in it: the numbers of an honest attempt ascend. */
static struct job_bad_report
report_new(const struct job_bad *bad, const struct job_bad_where *where, const Mrlua__Error *error)
{
    struct job_bad_report report = {.where = *where};
    uint64_t last = 0;

    report.records = mem_alloc_array(error->n_bad + 1, sizeof(Mrlua__BadRecord *));
    for (size_t i = 0; i < error->n_bad && report.count <= SCHED_SKIP_BAD_MAX; i++) {
        const Mrlua__BadRecord *record = error->bad[i];

        if (record->record <= last || has(bad, where->stage, where->task, record->record))
            continue;
        last = record->record;
        report.records[report.count++] = record_copy(record);
    }
    return report;
}

static void report_keep(struct job_bad *bad, const struct job_bad_report *report)
{
    if (!bad->reports)
        bad->reports = mem_alloc_array(JOB_BAD_REPORT_COUNT_MAX, sizeof *bad->reports);
    if (bad->report_count == JOB_BAD_REPORT_COUNT_MAX) {
        report_deinit(&bad->reports[0]);
        report_remove(bad, 0);
    }
    bad->reports[bad->report_count++] = *report;
}

/* ---- suspects ---- */

static bool is_suspect(const struct job_bad_suspect *suspect, const struct job_bad_where *where,
                       uint64_t record)
{
    return suspect->where.stage == where->stage && suspect->where.task == where->task &&
           suspect->record->record == record;
}

static void suspect_remove(struct job_bad *bad, size_t at)
{
    record_free(bad->suspects[at].record);
    bad->suspect_count--;
    memmove(bad->suspects + at, bad->suspects + at + 1,
            (bad->suspect_count - at) * sizeof *bad->suspects);
}

/* True: another attempt has died of it before. */
static bool is_second_time(struct job_bad *bad, const struct job_bad_where *where,
                           const Mrlua__BadRecord *record)
{
    for (size_t i = 0; i < bad->suspect_count; i++)
        if (is_suspect(&bad->suspects[i], where, record->record))
            return bad->suspects[i].where.attempt_id != where->attempt_id;
    if (!bad->suspects)
        bad->suspects = mem_alloc_array(JOB_BAD_SUSPECT_COUNT_MAX, sizeof *bad->suspects);
    if (bad->suspect_count == JOB_BAD_SUSPECT_COUNT_MAX)
        suspect_remove(bad, 0);
    bad->suspects[bad->suspect_count++] =
        (struct job_bad_suspect){.where = *where, .record = record_copy(record)};
    return false;
}

static void forget_suspect(struct job_bad *bad, const struct job_bad_where *where, uint64_t record)
{
    for (size_t i = bad->suspect_count; i > 0; i--)
        if (is_suspect(&bad->suspects[i - 1], where, record))
            suspect_remove(bad, i - 1);
}

/* ---- what attempts say ---- */

void job_bad_deinit(struct job_bad *bad)
{
    for (size_t i = 0; i < bad->count; i++)
        record_free(bad->items[i].record);
    for (size_t i = 0; i < bad->report_count; i++)
        report_deinit(&bad->reports[i]);
    while (bad->suspect_count > 0)
        suspect_remove(bad, bad->suspect_count - 1);
    free(bad->items);
    free(bad->reports);
    free(bad->suspects);
    *bad = (struct job_bad){0};
}

uint32_t job_bad_report(struct job_bad *bad, const struct job_bad_where *where,
                        const Mrlua__Error *error)
{
    struct job_bad_report report;

    if (error->kind != ERR_JOB && error->kind != ERR_LIMIT)
        return 0;
    report = report_new(bad, where, error);
    if (report.count == 0 || report_of(bad, where->attempt_id)) { /* it says so again */
        report_deinit(&report);
        return 0;
    }
    if (error->kind == ERR_LIMIT && where->attempts_max > 1 &&
        !is_second_time(bad, where, report.records[0])) {
        report_deinit(&report);
        return 0;
    }
    report_keep(bad, &report);
    return (uint32_t)report.count;
}

void job_bad_take(struct job_bad *bad, uint64_t attempt_id)
{
    struct job_bad_report *report = report_of(bad, attempt_id);

    if (!report)
        return;
    for (size_t i = 0; i < report->count; i++) {
        forget_suspect(bad, &report->where, report->records[i]->record);
        insert(bad, &report->where, report->records[i]);
    }
    free(report->records);
    report_remove(bad, (size_t)(report - bad->reports));
}

void job_bad_tell(const struct job_bad *bad, uint64_t attempt_id, Mrlua__Error *out)
{
    const struct job_bad_report *report = report_of(bad, attempt_id);

    out->n_bad = report ? report->count : 0;
    out->bad = report ? report->records : NULL;
    for (size_t i = 0; i < bad->suspect_count && !report; i++) {
        if (bad->suspects[i].where.attempt_id != attempt_id)
            continue;
        out->n_bad = 1;
        out->bad = &bad->suspects[i].record;
    }
}

/* ---- what is set aside ---- */

uint64_t *job_bad_of(const struct job_bad *bad, enum stage_kind stage, uint32_t task, size_t *count)
{
    size_t first = find(bad, stage, task, 0), end = find(bad, stage, task, UINT64_MAX);
    uint64_t *list;

    *count = end - first;
    if (*count == 0)
        return NULL;
    list = mem_alloc_array(*count, sizeof *list);
    for (size_t i = 0; i < *count; i++)
        list[i] = bad->items[first + i].record->record;
    return list;
}

uint32_t job_bad_count(const struct job_bad *bad)
{
    uint32_t count = 0;

    for (size_t i = 0; i < bad->count; i++)
        count += bad->items[i].stage != STAGE_SAMPLE;
    return count;
}

/* The name of the input that a record of a map is in; NULL: there is no such piece. */
static const char *input_of(const Mrlua__Plan *plan, const struct job_bad_record *item)
{
    Mrlua__Piece piece;

    if (item->stage != STAGE_MAP || !plan || item->task >= job_plan_split_count(plan) ||
        item->record->piece >= job_plan_piece_count(plan, item->task))
        return NULL;
    job_plan_piece(plan, item->task, item->record->piece, &piece);
    return piece.name;
}

static void encode(const struct job_bad_record *item, const Mrlua__Plan *plan, struct buf *text)
{
    const Mrlua__BadRecord *record = item->record;
    const char *input = input_of(plan, item);
    struct buf line = {0}, *out = &line; /* of one value: commas are for lists */

    jsontext_object_begin(out, NULL);
    jsontext_string(out, "stage", stage_kind_name(item->stage));
    jsontext_number(out, "task", item->task);
    jsontext_number(out, "record", record->record);
    if (input) {
        jsontext_string(out, "file", input);
        jsontext_number(out, "offset", record->offset);
    }
    if (item->stage == STAGE_REDUCE)
        jsontext_string(out, "key", record->key);
    jsontext_string(out, "error", record->error);
    jsontext_object_end(out);
    buf_append(text, line.ptr, line.len);
    buf_append_byte(text, '\n');
    buf_deinit(&line);
}

void job_bad_encode(const struct job_bad *bad, const Mrlua__Plan *plan, struct buf *out)
{
    for (size_t i = 0; i < bad->count; i++)
        if (bad->items[i].stage != STAGE_SAMPLE)
            encode(&bad->items[i], plan, out);
}

/* ---- for people ---- */

static void print(const struct job_bad_record *item, const Mrlua__Plan *plan, struct buf *out)
{
    const Mrlua__BadRecord *record = item->record;
    const char *input = input_of(plan, item);

    if (input)
        buf_printf(out, "%s, at byte %llu (map %u, record %llu): %s\n", input,
                   (unsigned long long)record->offset, item->task,
                   (unsigned long long)record->record, record->error);
    else
        buf_printf(out, "key %s (%s %u, number %llu): %s\n", record->key,
                   stage_kind_name(item->stage), item->task, (unsigned long long)record->record,
                   record->error);
}

void job_bad_print(const struct job_bad *bad, const Mrlua__Plan *plan, uint64_t attempt_id,
                   struct buf *out)
{
    const struct job_bad_report *report = attempt_id ? report_of(bad, attempt_id) : NULL;
    size_t said = report ? report->count : 0, told = 0, count = job_bad_count(bad) + said;

    for (size_t i = 0; i < bad->count && told < JOB_BAD_TOLD_COUNT_MAX; i++) {
        if (bad->items[i].stage == STAGE_SAMPLE)
            continue;
        print(&bad->items[i], plan, out);
        told++;
    }
    for (size_t i = 0; i < said && told < JOB_BAD_TOLD_COUNT_MAX; i++, told++) {
        struct job_bad_record item = {report->where.stage, report->where.task, report->records[i]};

        print(&item, plan, out);
    }
    if (told < count)
        buf_printf(out, "and %zu more\n", count - told);
}

void job_bad_explain(const struct job_bad *bad, const Mrlua__Plan *plan, uint32_t skip_bad,
                     const struct job_progress *progress, struct err *err, struct buf *detail)
{
    struct err last = *err;

    if (progress->reason != END_BAD_RECORDS)
        return;
    err_set(err, last.kind, "more bad records than skip_bad = %u sets aside, at last: %s", skip_bad,
            last.message);
    buf_append_string(detail, "bad records:\n");
    job_bad_print(bad, plan, progress->attempt_id, detail);
}

void job_bad_advise(const Mrlua__Error *error, uint32_t skip_bad, struct buf *detail)
{
    if (error && error->n_bad > 0 && skip_bad == 0)
        buf_append_string(detail, "to go on without such records: skip_bad = N in the job sets as "
                                  "many as N of them aside\n");
}
