#include "master/page_json.h"

#include "base/clock.h"
#include "base/jsontext.h"

#include <inttypes.h>
#include <stdio.h>

static void add_text(struct buf *out, const char *name, const char *text)
{
    struct slice slice = text ? slice_of_string(text) : slice_of(NULL, 0);

    if (slice.len > PAGE_TEXT_BYTES_MAX)
        slice.len = PAGE_TEXT_BYTES_MAX;
    jsontext_text(out, name, slice);
}

static void add_exactly(struct buf *out, const char *name, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, number);
    jsontext_string(out, name, text);
}

/* Enums in messages may come from an older journal, or a newer one. */
static const char *status_name(uint32_t status)
{
    return status <= JOB_CANCELLED ? job_status_name((enum job_status)status) : "unknown";
}

static void add_stage(struct buf *out, size_t number, const Mrlua__StageProgress *stage)
{
    if (number >= STAGE_COUNT)
        return;
    jsontext_object_begin(out, NULL);
    jsontext_string(out, "name", stage_kind_name((enum stage_kind)number));
    jsontext_number(out, "tasks", stage->tasks);
    jsontext_number(out, "idle", stage->idle);
    jsontext_number(out, "in_progress", stage->in_progress);
    jsontext_number(out, "completed", stage->completed);
    jsontext_number(out, "failures", stage->failures);
    jsontext_real(out, "seconds", stage->seconds);
    jsontext_real(out, "bytes", stage->bytes);
    jsontext_real(out, "bytes_done", stage->bytes_done);
    jsontext_number(out, "records", stage->records);
    jsontext_object_end(out);
}

static void add_error(struct buf *out, const char *name, const Mrlua__Error *error)
{
    uint32_t kind = error->kind < ERR_KIND_COUNT ? error->kind : ERR_RETRY;

    jsontext_object_begin(out, name);
    jsontext_string(out, "kind", err_kind_name((enum err_kind)kind));
    add_text(out, "message", error->message);
    jsontext_object_end(out);
}

static void add_causes(struct buf *out, const Mrlua__JobInfo *info)
{
    jsontext_array_begin(out, "causes");
    for (size_t i = 0; i < info->n_causes; i++) {
        const Mrlua__Cause *cause = info->causes[i];

        jsontext_object_begin(out, NULL);
        add_exactly(out, "attempt", cause->attempt);
        jsontext_signed(out, "worker", page_json_worker_id(cause->worker_id));
        add_text(out, "worker_name", cause->worker);
        if (cause->error)
            add_error(out, "error", cause->error);
        jsontext_object_end(out);
    }
    jsontext_array_end(out);
}

static void add_skew(struct buf *out, const Mrlua__JobSkew *skew)
{
    jsontext_object_begin(out, "skew");
    jsontext_number(out, "records", skew->records);
    jsontext_number(out, "bytes", skew->bytes);
    jsontext_number(out, "partitions", skew->partitions);
    jsontext_array_begin(out, "keys");
    for (size_t i = 0; i < skew->n_keys; i++) {
        jsontext_object_begin(out, NULL);
        add_text(out, "key", skew->keys[i]->text);
        jsontext_number(out, "records", skew->keys[i]->records);
        jsontext_number(out, "partition", skew->keys[i]->partition);
        jsontext_object_end(out);
    }
    jsontext_array_end(out);
    jsontext_array_begin(out, "largest");
    for (size_t i = 0; i < skew->n_largest; i++) {
        jsontext_object_begin(out, NULL);
        jsontext_number(out, "partition", skew->largest[i]->partition);
        jsontext_number(out, "bytes", skew->largest[i]->bytes);
        jsontext_number(out, "records", skew->largest[i]->records);
        jsontext_object_end(out);
    }
    jsontext_array_end(out);
    jsontext_array_begin(out, "advice");
    for (size_t i = 0; i < skew->n_advice; i++)
        add_text(out, NULL, skew->advice[i]);
    jsontext_array_end(out);
    jsontext_object_end(out);
}

static void add_effort(struct buf *out, const Mrlua__JobEffort *effort)
{
    jsontext_object_begin(out, "effort");
    jsontext_number(out, "failed", effort->failed);
    jsontext_number(out, "given_up", effort->given_up);
    jsontext_number(out, "lost", effort->lost);
    jsontext_number(out, "lost_races", effort->lost_races);
    jsontext_number(out, "outputs_lost", effort->outputs_lost);
    jsontext_number(out, "workers_lost", effort->workers_lost);
    jsontext_array_begin(out, "slowest");
    for (size_t i = 0; i < effort->n_slowest; i++) {
        const Mrlua__SlowAttempt *slow = effort->slowest[i];

        jsontext_object_begin(out, NULL);
        jsontext_number(out, "step", slow->step);
        if (slow->stage < STAGE_COUNT)
            jsontext_string(out, "stage", stage_kind_name((enum stage_kind)slow->stage));
        jsontext_number(out, "task", slow->task);
        add_text(out, "worker", slow->worker);
        jsontext_real(out, "seconds", slow->seconds);
        jsontext_object_end(out);
    }
    jsontext_array_end(out);
    jsontext_object_end(out);
}

static void add_whole(struct buf *out, const Mrlua__JobInfo *info)
{
    jsontext_number(out, "bytes", info->bytes);
    jsontext_number(out, "records", info->records);
    jsontext_number(out, "parts", info->parts);
    jsontext_number(out, "splits", info->split_count);
    jsontext_number(out, "split_bytes", info->split_bytes);
    jsontext_number(out, "reducers", info->reducer_count);
    jsontext_number(out, "sort_buffer_bytes", info->sort_buffer_bytes);
    add_text(out, "detail", info->detail);
    add_causes(out, info);
    if (info->skew)
        add_skew(out, info->skew);
    if (info->effort)
        add_effort(out, info->effort);
    jsontext_array_begin(out, "counters");
    for (size_t i = 0; i < info->n_counters; i++) {
        jsontext_array_begin(out, NULL);
        add_text(out, NULL, info->counters[i]->name);
        jsontext_signed(out, NULL, info->counters[i]->value);
        jsontext_array_end(out);
    }
    jsontext_array_end(out);
}

void page_json_job(struct buf *out, const char *name, const Mrlua__JobInfo *info, bool is_whole)
{
    jsontext_object_begin(out, name);
    jsontext_number(out, "id", info->job);
    if (info->parent)
        jsontext_number(out, "parent", info->parent);
    add_text(out, "name", info->name);
    add_text(out, "user", info->user);
    jsontext_string(out, "status", status_name(info->status));
    jsontext_signed(out, "priority", info->priority);
    jsontext_signed(out, "submitted_ms", info->submitted_ns / (int64_t)NS_PER_MS);
    jsontext_signed(out, "ended_ms", info->ended_ns / (int64_t)NS_PER_MS);
    jsontext_real(out, "seconds", info->seconds);
    jsontext_real(out, "fraction", info->fraction);
    jsontext_number(out, "bytes_in", info->bytes_in);
    jsontext_number(out, "records_in", info->records_in);
    add_text(out, "output", info->output_folder);
    jsontext_array_begin(out, "stages");
    for (size_t i = 0; i < info->n_stages; i++)
        add_stage(out, i, info->stages[i]);
    jsontext_array_end(out);
    if (info->error)
        add_error(out, "error", info->error);
    if (is_whole)
        add_whole(out, info);
    jsontext_object_end(out);
}

void page_json_worker(struct buf *out, const Mrlua__WorkerInfo *worker)
{
    const char *state = !worker->connected  ? "cut"
                        : worker->draining  ? "draining"
                        : worker->set_aside ? "set aside"
                                            : "ready";

    jsontext_object_begin(out, NULL);
    jsontext_number(out, "id", worker->worker_id);
    add_text(out, "name", worker->name);
    add_text(out, "address", worker->address);
    jsontext_string(out, "state", state);
    jsontext_number(out, "slots", worker->slots);
    jsontext_number(out, "running", worker->running);
    jsontext_number(out, "held", worker->held);
    jsontext_number(out, "disk_free_bytes", worker->disk_free_bytes);
    jsontext_number(out, "silent_ms", worker->silent_ms);
    jsontext_object_end(out);
}

/* ---- attempts ---- */

int64_t page_json_worker_id(uint32_t worker_id)
{
    return worker_id == WORKER_NONE ? -1 : (int64_t)worker_id;
}

static uint64_t ms_since(uint64_t begun_ns, uint64_t at_ns)
{
    return at_ns > begun_ns ? (at_ns - begun_ns) / NS_PER_MS : 0;
}

static void add_entry(struct buf *out, const struct timeline_entry *entry, uint64_t begun_ns)
{
    jsontext_array_begin(out, NULL);
    jsontext_number(out, NULL, entry->stage);
    jsontext_number(out, NULL, entry->task);
    jsontext_signed(out, NULL, page_json_worker_id(entry->worker_id));
    jsontext_number(out, NULL, ms_since(begun_ns, entry->begun_ns));
    jsontext_number(out, NULL, ms_since(begun_ns, entry->ended_ns));
    jsontext_number(out, NULL, entry->outcome);
    add_exactly(out, NULL, entry->attempt_id);
    jsontext_array_end(out);
}

void page_json_attempts(struct buf *out, const struct job_timeline *timeline, uint64_t begun_ns,
                        uint64_t from)
{
    uint64_t first = job_timeline_first(timeline);

    if (from < first)
        from = first;
    jsontext_object_begin(out, NULL);
    jsontext_number(out, "first", first);
    jsontext_number(out, "from", from);
    jsontext_number(out, "count", timeline->count);
    jsontext_array_begin(out, "items");
    for (uint64_t i = from; i < timeline->count && i - from < PAGE_ATTEMPT_COUNT_MAX; i++)
        add_entry(out, job_timeline_get(timeline, i), begun_ns);
    jsontext_array_end(out);
    jsontext_object_end(out);
}
