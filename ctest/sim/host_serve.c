/* The disk of a host, and its segment server, as worker/segment_server.h says it answers. */
#include "host.h"

#include <assert.h>

#include "base/mem.h"
#include "content.h"

enum { BUSY_MS = 100, BYTES_PER_RECORD = 50, PIECE_BYTES = 120 };

void run_add(struct host *host, const struct proc *proc)
{
    if (host->run_count == host->run_capacity) {
        host->run_capacity = host->run_capacity ? 2 * host->run_capacity : 16;
        host->runs = mem_realloc_array(host->runs, host->run_capacity, sizeof *host->runs);
    }
    host->runs[host->run_count++] = (struct host_run){
        .job_id = proc->job_id, .attempt_id = proc->attempt_id, .task = proc->task};
}

void run_delete(struct host *host, uint64_t attempt_id)
{
    for (size_t i = 0; i < host->run_count; i++)
        if (host->runs[i].attempt_id == attempt_id)
            host->runs[i].is_forgotten = true;
}

void run_delete_job(struct host *host, uint64_t job_id)
{
    for (size_t i = 0; i < host->run_count; i++)
        if (host->runs[i].job_id == job_id)
            host->runs[i].is_forgotten = true;
}

static void say_head(struct host *host, uint64_t conn, const struct fetch_head *head)
{
    struct say say = {.head = *head};

    say.head.incarnation = host->incarnation;
    say_send(&host->cluster->net, conn, NODE_SERVER + host->index, SAY_HEAD, &say);
}

static void say_segment(struct host *host, uint64_t conn, const struct host_run *run,
                        struct fetch_head *head, uint32_t partition)
{
    struct cluster *cluster = host->cluster;
    struct digest digest =
        content_segment(cluster_job(cluster, run->job_id), run->task, partition, run->attempt_id);
    uint64_t flip = cluster->setup.weather.bytes_flip;

    head->records = digest.record_count;
    head->bytes = digest.record_count * BYTES_PER_RECORD;
    head->state = head->bytes == 0 ? FETCH_EMPTY : FETCH_DATA;
    if (head->state == FETCH_EMPTY || head->offset > head->bytes)
        head->offset = 0;
    say_head(host, conn, head);
    for (uint64_t at = head->offset; at < head->bytes;) {
        struct say say = {.bytes = head->bytes - at < PIECE_BYTES ? head->bytes - at : PIECE_BYTES};

        say.is_bad = run->is_rotten || cluster_fault(cluster, (uint32_t)flip);
        at += say.bytes;
        say_send(&cluster->net, conn, NODE_SERVER + host->index, SAY_BYTES, &say);
    }
}

/* The file is not there: its holder and who asked are told. */
static void say_missing(struct host *host, uint64_t conn, const struct host_run *run,
                        struct fetch_head *head)
{
    head->state = FETCH_UNKNOWN;
    head->offset = 0;
    say_head(host, conn, head);
    host_tell_agent(
        host, (struct agent_event){.kind = AGENT_OUTPUT_BROKEN, .attempt_id = run->attempt_id});
}

void serve_message(struct host *host, uint64_t conn, const struct say *fetch)
{
    struct cluster *cluster = host->cluster;
    uint64_t sequence = 0;
    uint32_t said_count = 0, held_count = 0;
    bool has_more = false;

    for (size_t i = 0; i < host->run_count; i++)
        held_count += host->runs[i].job_id == fetch->job_id && !host->runs[i].is_forgotten;
    if (fetch->incarnation != host->incarnation || held_count == 0) {
        say_head(host, conn, &(struct fetch_head){.state = FETCH_UNKNOWN});
        return;
    }
    if (cluster_fault(cluster, cluster->setup.weather.server_busy)) {
        say_head(host, conn,
                 &(struct fetch_head){.state = FETCH_BUSY, .retry_ns = BUSY_MS * NS_PER_MS});
        return;
    }
    for (size_t i = 0; i < host->run_count && !has_more; i++) {
        const struct host_run *run = &host->runs[i];
        struct fetch_head head = {.sequence = sequence,
                                  .map = run->task,
                                  .attempt = run->attempt_id,
                                  .offset = sequence == fetch->sequence ? fetch->offset : 0};

        if (!host->agent)
            return; /* that was the last thing it had to serve */
        if (run->job_id != fetch->job_id)
            continue;
        if (sequence++ < fetch->sequence || run->is_forgotten)
            continue;
        if (said_count == fetch->segments_max) {
            has_more = true;
            sequence--;
        } else if (run->is_missing) {
            said_count++;
            say_missing(host, conn, run, &head);
        } else {
            said_count++;
            say_segment(host, conn, run, &head, fetch->partition);
        }
    }
    if (sequence < fetch->sequence)
        sequence = fetch->sequence;
    say_head(
        host, conn,
        &(struct fetch_head){.state = FETCH_NO_MORE, .sequence = sequence, .has_more = has_more});
}
