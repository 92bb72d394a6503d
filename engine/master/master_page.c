/*
 * The page of a master, and what it and others ask for over HTTP:
 *
 *     /metrics                        numbers for Prometheus (metrics.h)
 *     /TOKEN/, /TOKEN/page.css ...    the page (page/)
 *     /TOKEN/api/overview             jobs and workers
 *     /TOKEN/api/job/7                one job: counters, errors, the states of its tasks
 *     /TOKEN/api/attempts/7/100       its attempts that have ended, from number 100 on
 *
 * Who reaches loopback is not yet somebody who may look: other users of the machine do, too. So
 * what tells of jobs has a secret in its address, which the master prints when it starts. It is
 * made from the key of the role "read", so it stays the same when the master is started again, an
 * open page goes on, and who has the key can find it. /metrics needs none: it is for an agent of
 * the machine that is set up before there is a key, and it has numbers only, no name of a user,
 * job, file or host.
 *
 * Answers are made from the master as it stands between two events, and kept (page_cache.h).
 */
#include "master/master_state.h"

#include "base/clock.h"
#include "base/jsontext.h"
#include "base/mem.h"
#include "master/http.h"
#include "master/http_request.h"
#include "master/page_cache.h"
#include "master/page_files.h"
#include "master/page_json.h"
#include "rpc/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_BYTES = PROOF_BYTES, /* of text: half of a proof, in hex */
    JOB_COUNT_MAX = 200,       /* of an overview, newest first */
    WORKER_COUNT_MAX = 2000,
    RUNNING_COUNT_MAX = 4000,
    STATE_COUNT_MAX = 20 * 1000, /* tasks that are drawn one by one */
};

struct master_page {
    struct http *http;
    struct page_cache cache;
    char token[TOKEN_BYTES + 1];
};

/* ---- overview ---- */

static void add_jobs(const struct master *master, struct buf *out)
{
    uint64_t oldest = master_oldest_job(master);
    int count = 0;

    jsontext_array_begin(out, "jobs");
    for (uint64_t id = master->job_id_last; id >= oldest && count < JOB_COUNT_MAX; id--) {
        Mrlua__JobInfo *info = master_info_of(master, id, INFO_LISTED);

        if (!info)
            continue;
        page_json_job(out, NULL, info, false);
        message_free(info);
        count++;
    }
    jsontext_array_end(out);
}

struct workers {
    struct buf *out;
    int count;
};

static void add_worker(void *context, const Mrlua__WorkerInfo *info)
{
    struct workers *workers = context;

    if (workers->count++ < WORKER_COUNT_MAX)
        page_json_worker(workers->out, info);
}

static bool render_overview(const struct master *master, struct buf *out)
{
    struct workers workers = {.out = out};

    jsontext_object_begin(out, NULL);
    jsontext_string(out, "version", MRLUA_VERSION);
    jsontext_number(out, "epoch", master->epoch);
    jsontext_number(out, "now_ms", clock_realtime_ns() / NS_PER_MS);
    jsontext_number(out, "started_ms", master->started_ns / NS_PER_MS);
    add_jobs(master, out);
    jsontext_array_begin(out, "workers");
    master_info_workers(master, add_worker, &workers);
    jsontext_array_end(out);
    jsontext_object_end(out);
    return true;
}

/* ---- a job ---- */

/* One letter per task: "." idle, ">" in progress, "#" completed. */
static void add_states(const struct master_job *job, enum stage_kind stage, struct buf *out)
{
    uint32_t count = job->results.task_counts[stage];
    struct job_progress progress;
    struct buf states = {0};
    char *letters;

    if (!sched_job_progress(job->master->sched, job->id, &progress) || count > STATE_COUNT_MAX ||
        count != progress.stages[stage].task_count)
        return; /* a sample has room for a result, whether there is one or not */
    letters = buf_reserve(&states, count);
    for (uint32_t i = 0; i < count; i++)
        letters[i] = job_results_of(&job->results, stage, i) ? '#' : '.';
    states.len = count;
    for (struct list *at = job->master->attempts.next; at != &job->master->attempts;
         at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->job_id == job->id && attempt->stage == stage && attempt->task < count &&
            letters[attempt->task] == '.')
            letters[attempt->task] = '>';
    }
    jsontext_text(out, stage_kind_name(stage), buf_slice(&states));
    buf_deinit(&states);
}

static void add_running(const struct master_job *job, struct buf *out)
{
    const struct list *attempts = &job->master->attempts;
    uint64_t now_ns = clock_monotonic_ns();
    int count = 0;

    jsontext_array_begin(out, "running");
    for (const struct list *at = attempts->next; at != attempts; at = at->next) {
        const struct master_attempt *attempt = CONTAINER_OF(at, struct master_attempt, by_master);

        if (attempt->job_id != job->id || count == RUNNING_COUNT_MAX)
            continue;
        jsontext_array_begin(out, NULL);
        jsontext_number(out, NULL, attempt->stage);
        jsontext_number(out, NULL, attempt->task);
        jsontext_signed(out, NULL, page_json_worker_id(attempt->worker_id));
        jsontext_number(out, NULL, (now_ns - attempt->begun_ns) / NS_PER_MS);
        jsontext_real(out, NULL, attempt->fraction);
        jsontext_array_end(out);
        count++;
    }
    jsontext_array_end(out);
}

static bool render_job(const struct master *master, uint64_t id, struct buf *out)
{
    const struct master_job *job = master_job_find(master, id);
    Mrlua__JobInfo *info = master_info_of(master, id, INFO_WHOLE);

    if (!info)
        return false;
    jsontext_object_begin(out, NULL);
    jsontext_number(out, "now_ms", clock_realtime_ns() / NS_PER_MS);
    page_json_job(out, "job", info, true);
    message_free(info);
    if (job) {
        jsontext_number(out, "age_ms", (clock_monotonic_ns() - job->begun_ns) / NS_PER_MS);
        jsontext_object_begin(out, "states");
        add_states(job, STAGE_SAMPLE, out);
        add_states(job, STAGE_MAP, out);
        add_states(job, STAGE_REDUCE, out);
        jsontext_object_end(out);
        add_running(job, out);
    }
    jsontext_object_end(out);
    return true;
}

static bool render_attempts(const struct master *master, uint64_t id, uint64_t from,
                            struct buf *out)
{
    const struct master_job *job = master_job_find(master, id);
    const struct master_past *past = job ? NULL : master_past_find(master, id);

    if (job)
        page_json_attempts(out, &job->timeline, job->begun_ns, from);
    else if (past)
        page_json_attempts(out, &past->timeline, past->begun_ns, from);
    return job || past;
}

/* ---- what is asked ---- */

/* A number of at most 18 digits and nothing else before `end`; NULL: it is not there. */
static const char *read_number(const char *text, char end, uint64_t *out)
{
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 18 || text[len] != end)
        return NULL;
    *out = strtoull(text, NULL, 10);
    return text + len + (end != '\0');
}

/* False: there is no such thing. */
static bool render(const struct master *master, const char *what, struct buf *out)
{
    uint64_t id, from;
    const char *rest;

    if (strcmp(what, "metrics") == 0) {
        master_metrics(master, out);
        return true;
    }
    if (strcmp(what, "api/overview") == 0)
        return render_overview(master, out);
    if (strncmp(what, "api/job/", 8) == 0 && read_number(what + 8, '\0', &id))
        return render_job(master, id, out);
    if (strncmp(what, "api/attempts/", 13) == 0 && (rest = read_number(what + 13, '/', &id)) &&
        read_number(rest, '\0', &from))
        return render_attempts(master, id, from, out);
    return false;
}

static void answer_made(struct master *master, const char *what, const char *type,
                        struct http_answer *answer)
{
    struct page_cache *cache = &master->page->cache;
    uint64_t begun_ns = clock_monotonic_ns(), ended_ns;
    struct buf text = {0};

    answer->type = type;
    switch (page_cache_ask(cache, what, begun_ns, &answer->body)) {
    case PAGE_CACHED:
        return;
    case PAGE_BUSY:
        answer->status = HTTP_BUSY;
        return;
    case PAGE_RENDER:
        break;
    }
    if (render(master, what, &text)) {
        ended_ns = clock_monotonic_ns();
        answer->body = page_cache_put(cache, what, &text, ended_ns, ended_ns - begun_ns);
    } else {
        answer->status = HTTP_NOT_FOUND;
    }
    buf_deinit(&text);
}

static void answer_file(const char *name, struct http_answer *answer)
{
    const struct page_file *file = page_file_find(slice_of_string(*name ? name : "page.html"));

    if (!file) {
        answer->status = HTTP_NOT_FOUND;
        return;
    }
    answer->type = page_file_type(file);
    answer->body = slice_of(file->bytes, file->len);
}

/* What is behind "/TOKEN/"; NULL: that is not there. The time it takes tells nothing of it. */
static const char *behind_token(const struct master_page *page, struct slice path)
{
    if (path.len < TOKEN_BYTES + 2 || path.ptr[TOKEN_BYTES + 1] != '/' ||
        !keys_equal((const uint8_t *)page->token, path.ptr + 1, TOKEN_BYTES))
        return NULL;
    return path.ptr + TOKEN_BYTES + 2;
}

static void on_request(void *context, struct slice path, struct http_answer *answer)
{
    struct master *master = context;
    const char *rest = behind_token(master->page, path);

    if (slice_equal(path, slice_of_string("/metrics")))
        answer_made(master, "metrics", "text/plain; version=0.0.4; charset=utf-8", answer);
    else if (!rest)
        answer->status = HTTP_NOT_FOUND;
    else if (strncmp(rest, "api/", 4) == 0 && strlen(rest) < PAGE_CACHE_KEY_BYTES)
        answer_made(master, rest, "application/json", answer);
    else
        answer_file(rest, answer);
}

/* ---- open, close ---- */

static int make_token(const struct keys *keys, char out[TOKEN_BYTES + 1], struct err *err)
{
    static const char what[] = "mrlua page";
    const uint8_t *key = keys_of_role(keys, ROLE_READ);
    uint8_t proof[PROOF_BYTES];

    if (!key)
        return err_set(err, ERR_SETUP,
                       "the page needs the secret of the cluster: --http off, or a "
                       "key file that holds it");
    keys_hmac(key, what, sizeof what - 1, proof);
    for (int i = 0; i < TOKEN_BYTES / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", proof[i]);
    return 0;
}

int master_page_open(struct master *master, const char *host_port, struct err *err)
{
    const struct http_options options = {.answer = on_request, .context = master};

    master->page = mem_alloc(sizeof *master->page);
    if (make_token(master->keys, master->page->token, err) != 0)
        return -1;
    master->page->http = http_open(master->loop, host_port, &options, err);
    return master->page->http ? 0 : -1;
}

void master_page_close(struct master *master)
{
    if (!master->page)
        return;
    http_close(master->page->http);
    page_cache_deinit(&master->page->cache);
    free(master->page);
    master->page = NULL;
}

bool master_page_address(const struct master *master, struct buf *out)
{
    if (!master->page)
        return false;
    buf_printf(out, "http://%s/%s/", http_address(master->page->http), master->page->token);
    return true;
}
