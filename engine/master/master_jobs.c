#include "master/master_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "master/job_shuffle.h"

#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS_DEFAULT = 4 };

struct master_job *master_job_find(const struct master *master, uint64_t id)
{
    return id ? idtable_get(&master->jobs_by_id, id) : NULL;
}

/* When it was submitted, on the clock that does not go back; it may have been before a restart. */
static uint64_t submit_moment_ns(const Mrlua__JobRecord *record)
{
    uint64_t now_ns = clock_monotonic_ns(), real_ns = clock_realtime_ns();
    uint64_t submitted_ns = record->submitted_ns > 0 ? (uint64_t)record->submitted_ns : real_ns;
    uint64_t age_ns = real_ns > submitted_ns ? real_ns - submitted_ns : 0;

    return now_ns > age_ns ? now_ns - age_ns : 1;
}

struct master_job *master_job_add_take(struct master *master, uint64_t id, Mrlua__JobRecord *record)
{
    struct master_job *job = mem_alloc(sizeof *job);
    struct err ignored;

    *job = (struct master_job){
        .master = master, .id = id, .record = record, .begun_ns = submit_moment_ns(record)};
    publish_init(&job->publish, record->submit->output_folder, record->publish_id,
                 record->submit->overwrite);
    job_shuffle_prefix(record->submit->shuffle, record->submit->output_folder, record->publish_id,
                       &job->shuffle, &ignored); /* it was checked when it was submitted */
    if (record->submit->reuse)
        job_shuffle_cache(record->submit->shuffle, record->submit->output_folder, &job->reuse,
                          &ignored); /* the same */
    buf_string(&job->reuse);
    if (record->submit->drive) { /* its own maps are none */
        buf_clear(&job->shuffle);
        master_drive_folder(record->submit, record->publish_id, &job->shuffle);
    }
    buf_string(&job->shuffle);
    master_trail_open(job);
    list_init(&job->link);
    list_append(&master->jobs, &job->link);
    idtable_put(&master->jobs_by_id, id, job);
    if (id > master->job_id_last)
        master->job_id_last = id;
    return job;
}

void master_job_remove(struct master_job *job)
{
    idtable_remove(&job->master->jobs_by_id, job->id);
    list_remove(&job->link);
    publish_deinit(&job->publish);
    buf_deinit(&job->shuffle);
    buf_deinit(&job->reuse);
    job_results_deinit(&job->results);
    job_faults_deinit(&job->faults);
    job_bad_deinit(&job->bad);
    job_log_deinit(&job->log);
    job_timeline_deinit(&job->timeline);
    master_trail_close(job);
    message_free(job->plan_done);
    message_free(job->record);
    for (uint32_t i = 0; i < job->step_count; i++)
        message_free(job->steps[i]);
    free(job->steps);
    free(job->step_stages);
    free(job->sources);
    free(job);
}

size_t master_submit_blobs(const Mrlua__JobSubmit *submit,
                           const uint8_t *out[MASTER_JOB_BLOB_COUNT_MAX])
{
    const ProtobufCBinaryData *code[] = {&submit->bundle_hash, &submit->params_hash,
                                         &submit->view_hash};
    size_t count = 0;

    for (size_t i = 0; i < sizeof code / sizeof *code; i++)
        if (code[i]->len == BLOB_HASH_BYTES)
            out[count++] = code[i]->data;
    for (size_t i = 0; i < submit->n_files && i < CHILD_FILE_COUNT_MAX; i++)
        if (submit->files[i]->hash.len == BLOB_HASH_BYTES)
            out[count++] = submit->files[i]->hash.data;
    return count;
}

void master_job_leave_blobs(const struct master_job *job)
{
    const uint8_t *hashes[MASTER_JOB_BLOB_COUNT_MAX];
    size_t count = master_submit_blobs(job->record->submit, hashes);

    for (size_t i = 0; i < count; i++)
        blobs_leave(&job->master->blobs, hashes[i], clock_monotonic_ns());
}

/* Who looks back at a job asks for its source and its params. */
static bool past_names(const struct master_past *past, const uint8_t hash[BLOB_HASH_BYTES])
{
    const Mrlua__JobFacts *facts = past->history->facts;
    const Mrlua__JobSubmit *submit = facts ? facts->submit : NULL;

    return submit && ((submit->bundle_hash.len == BLOB_HASH_BYTES &&
                       memcmp(submit->bundle_hash.data, hash, BLOB_HASH_BYTES) == 0) ||
                      (submit->params_hash.len == BLOB_HASH_BYTES &&
                       memcmp(submit->params_hash.data, hash, BLOB_HASH_BYTES) == 0));
}

bool master_blob_is_named(const struct master *master, const uint8_t hash[BLOB_HASH_BYTES])
{
    const uint8_t *hashes[MASTER_JOB_BLOB_COUNT_MAX];

    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        const struct master_job *job = CONTAINER_OF(at, struct master_job, link);
        size_t count = master_submit_blobs(job->record->submit, hashes);

        for (size_t i = 0; i < count; i++)
            if (memcmp(hashes[i], hash, BLOB_HASH_BYTES) == 0)
                return true;
    }
    for (size_t i = 0; i < master->past_count; i++)
        if (past_names(&master->past[i], hash))
            return true;
    return false;
}

static bool is_named(void *context, const uint8_t hash[BLOB_HASH_BYTES])
{
    return master_blob_is_named(context, hash);
}

void master_blobs_expire(struct master *master, uint64_t now_ns)
{
    blobs_expire(&master->blobs, now_ns, is_named, master);
}

void master_job_pin(struct master_job *job, const Mrlua__Plan *plan)
{
    for (size_t i = 0; i < plan->n_files; i++) {
        const Mrlua__SideFile *found = plan->files[i];

        for (size_t j = 0; j < job->record->submit->n_files; j++) {
            Mrlua__SideFile *file = job->record->submit->files[j];

            if (found->generation == 0 || strcmp(file->name, found->name) != 0)
                continue;
            file->size = found->size;
            file->crc32c = found->crc32c;
            file->generation = found->generation;
        }
    }
}

void master_job_plan_take(struct master_job *job, Mrlua__Done *done)
{
    message_free(job->plan_done);
    job->plan_done = done;
    job_parts_plan(&job->results, job_plan_split_count(done->plan), done->plan->reducers,
                   job->record->submit->n_outputs);
}

struct job_outputs master_job_outputs(const struct master_job *job)
{
    const Mrlua__JobSubmit *submit = job->record->submit;

    return (struct job_outputs){.format = submit->output,
                                .items = submit->outputs,
                                .count = submit->n_outputs,
                                .map_only = submit->map_only};
}

uint32_t master_job_attempts_max(const Mrlua__JobSubmit *submit)
{
    return submit->attempts ? submit->attempts : ATTEMPTS_DEFAULT;
}

uint32_t master_job_report_bad(struct master_job *job, const struct fact *attempt,
                               const Mrlua__Error *error, bool is_sure)
{
    const Mrlua__JobSubmit *submit = job->record->submit;
    struct job_bad_where where = {.attempt_id = attempt->attempt_id,
                                  .stage = attempt->stage,
                                  .task = attempt->task,
                                  .attempts_max = is_sure ? 1 : master_job_attempts_max(submit)};

    return submit->skip_bad > 0 ? job_bad_report(&job->bad, &where, error) : 0;
}

static uint64_t stage_ms(const struct master_job *job, enum stage_kind stage)
{
    uint64_t begun_ns = job->stage_begun_ns[stage], ended_ns = job->stage_ended_ns[stage];

    return begun_ns && ended_ns > begun_ns ? (ended_ns - begun_ns) / NS_PER_MS : 0;
}

struct job_source master_job_source(const struct master_job *job)
{
    const Mrlua__JobSubmit *submit = job->record->submit;
    const Mrlua__Limits *limits = submit->limits;

    return (struct job_source){
        .job = job->id,
        .name = submit->name,
        .input_format = submit->input,
        .outputs = master_job_outputs(job),
        .inputs = submit->inputs,
        .input_count = submit->n_inputs,
        .files = submit->files,
        .file_count = submit->n_files,
        .groups = submit->groups,
        .group_count = submit->n_groups,
        .input_folder = submit->folder,
        .output_folder = submit->output_folder,
        .publish_id = job->record->publish_id,
        .shuffle = job->shuffle.len ? job->shuffle.ptr : NULL,
        .reuse_store = job->reuse.len ? job->reuse.ptr : NULL,
        .reuse_folder = job->reuse.len ? job->master->sums_folder : NULL,
        .publish = &job->publish,
        .overwrite = submit->overwrite,
        .unsafe = submit->unsafe,
        .ranged = submit->ranged,
        .reducers = submit->reducers,
        .split_bytes = submit->split_bytes,
        .sort_buffer_bytes = submit->sort_buffer_bytes,
        .memory_bytes = limits ? limits->memory_bytes : 0,
        .progress_ms = limits ? limits->progress_ms : 0,
        .record_ms = limits ? limits->record_ms : 0,
        .results = &job->results,
        .bad = &job->bad,
        .skip_bad = submit->skip_bad,
        .plan = job->plan_done ? job->plan_done->plan : NULL,
        .map_ms = stage_ms(job, STAGE_MAP),
        .reduce_ms = stage_ms(job, STAGE_REDUCE),
    };
}

/* ---- who holds its maps ---- */

void master_job_note_source(struct master_job *job, const struct fact *fact)
{
    struct master_source *source = NULL;

    if (fact->worker_id == WORKER_NONE)
        return;
    for (size_t i = 0; i < job->source_count && !source; i++)
        if (job->sources[i].worker_id == fact->worker_id)
            source = &job->sources[i];
    if (!source) {
        job->sources = mem_realloc_array(job->sources, job->source_count + 1, sizeof *job->sources);
        source = &job->sources[job->source_count++];
        *source =
            (struct master_source){.worker_id = fact->worker_id, .incarnation = fact->incarnation};
    }
    if (source->incarnation != fact->incarnation)
        *source =
            (struct master_source){.worker_id = fact->worker_id, .incarnation = fact->incarnation};
    source->count++;
    job->sources_changed = true;
}

void master_job_drop_source(struct master_job *job, uint32_t worker_id, uint64_t incarnation)
{
    for (size_t i = 0; i < job->source_count; i++) {
        if (job->sources[i].worker_id != worker_id || job->sources[i].incarnation != incarnation)
            continue;
        job->sources[i] = job->sources[--job->source_count];
        job->sources_changed = true;
        return;
    }
}

/* ---- jobs that have ended ---- */

/* Of a job that is forgotten. */
static void leave_past_blobs(struct master *master, const struct master_past *past)
{
    const Mrlua__JobFacts *facts = past->history->facts;
    const Mrlua__JobSubmit *submit = facts ? facts->submit : NULL;
    uint64_t now_ns = clock_monotonic_ns();

    if (submit && submit->bundle_hash.len == BLOB_HASH_BYTES)
        blobs_leave(&master->blobs, submit->bundle_hash.data, now_ns);
    if (submit && submit->params_hash.len == BLOB_HASH_BYTES)
        blobs_leave(&master->blobs, submit->params_hash.data, now_ns);
}

void master_past_add_take(struct master *master, uint64_t job_id, Mrlua__JobHistory *history)
{
    if (job_id > master->job_id_last)
        master->job_id_last = job_id;
    if (master->past_count == JOURNAL_HISTORY_COUNT_MAX) {
        leave_past_blobs(master, &master->past[0]);
        message_free(master->past[0].history);
        job_log_deinit(&master->past[0].log);
        job_timeline_deinit(&master->past[0].timeline);
        memmove(master->past, master->past + 1, --master->past_count * sizeof *master->past);
    }
    if (master->past_count == master->past_capacity) {
        master->past_capacity = master->past_capacity ? 2 * master->past_capacity : 16;
        master->past = mem_realloc_array(master->past, master->past_capacity, sizeof *master->past);
    }
    master->past[master->past_count++] = (struct master_past){.job_id = job_id, .history = history};
}

void master_past_drop_timeline(struct master *master)
{
    if (master->past_count > MASTER_TIMELINE_COUNT_MAX)
        job_timeline_deinit(
            &master->past[master->past_count - MASTER_TIMELINE_COUNT_MAX - 1].timeline);
}

/* Those of the past are in the order in which they ended: a job comes after its steps. */
uint64_t master_oldest_job(const struct master *master)
{
    uint64_t oldest = master->job_id_last;

    for (size_t i = 0; i < master->past_count; i++)
        if (master->past[i].job_id < oldest)
            oldest = master->past[i].job_id;
    if (!list_is_empty(&master->jobs) &&
        LIST_FIRST(&master->jobs, struct master_job, link)->id < oldest)
        oldest = LIST_FIRST(&master->jobs, struct master_job, link)->id;
    return oldest > 0 ? oldest : 1;
}

struct master_past *master_past_find(const struct master *master, uint64_t job_id)
{
    for (size_t i = master->past_count; i > 0; i--)
        if (master->past[i - 1].job_id == job_id)
            return &master->past[i - 1];
    return NULL;
}

uint64_t master_job_by_key(const struct master *master, const char *key)
{
    if (key[0] == '\0')
        return 0;
    for (struct list *at = master->jobs.next; at != &master->jobs; at = at->next) {
        struct master_job *job = CONTAINER_OF(at, struct master_job, link);

        if (strcmp(job->record->submit->idempotency_key, key) == 0)
            return job->id;
    }
    for (size_t i = master->past_count; i > 0; i--)
        if (strcmp(master->past[i - 1].history->idempotency_key, key) == 0)
            return master->past[i - 1].job_id;
    return 0;
}
