#include "cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "boss.h"
#include "content.h"
#include "host.h"
#include "say.h"

#define QUIET_NS (40 * NS_PER_S) /* after the last end; then nothing may be left */

bool cluster_fault(struct cluster *cluster, uint32_t per_thousand)
{
    return per_thousand > 0 && cluster->queue.now_ns < cluster->setup.faults_end_ns &&
           rand_below(&cluster->rand, 1000) < per_thousand;
}

uint64_t cluster_some_ms(struct cluster *cluster, uint64_t ms_max)
{
    return rand_below(&cluster->rand, ms_max * NS_PER_MS) + 1;
}

void cluster_timer(struct cluster *cluster, uint32_t node, uint64_t id, uint64_t after_ns)
{
    struct moment moment = {
        .kind = MOMENT_TIMER, .node = node, .life = cluster->net.nodes[node].life, .id = id};

    queue_add(&cluster->queue, &moment, after_ns);
}

struct sim_job *cluster_job(struct cluster *cluster, uint64_t job_id)
{
    assert(job_id >= 1);
    assert(job_id <= cluster->setup.job_count);
    return &cluster->jobs[job_id - 1];
}

static void revive_after(struct cluster *cluster, uint32_t node, uint64_t ns)
{
    queue_add(&cluster->queue, &(struct moment){.kind = MOMENT_REVIVE, .node = node}, ns);
}

static void worker_dies(struct cluster *cluster, uint32_t worker, uint64_t silence_ns,
                        uint64_t back_ns)
{
    trace_word(cluster, "worker dies", worker);
    host_stop(cluster->hosts[worker]);
    net_node_down(&cluster->net, NODE_WORKER + worker, silence_ns);
    net_node_down(&cluster->net, NODE_SERVER + worker, silence_ns);
    revive_after(cluster, NODE_WORKER + worker, back_ns);
    cluster->tally.worker_crashes++;
}

void cluster_worker_exits(struct cluster *cluster, uint32_t worker)
{
    worker_dies(cluster, worker, 0, cluster_some_ms(cluster, 5000));
}

static void master_dies(struct cluster *cluster)
{
    trace_word(cluster, "master dies", 0);
    cluster->master_dies = false;
    boss_close(cluster->boss);
    cluster->boss = NULL;
    net_node_down(&cluster->net, NODE_MASTER, 0);
    revive_after(cluster, NODE_MASTER, cluster_some_ms(cluster, 8000));
    cluster->tally.master_crashes++;
}

bool cluster_dies_in_turn(struct cluster *cluster, enum crash crash)
{
    const struct cluster_setup *setup = &cluster->setup;

    if (!cluster->boss)
        return false; /* it is just beginning: what is not written then is written next time */
    if (setup->crash == crash && setup->crash_at == cluster->turn_count)
        cluster->master_dies = true;
    if (cluster_fault(cluster, setup->weather.crash_in_turn))
        cluster->master_dies = true;
    return cluster->master_dies;
}

static void revive(struct cluster *cluster, uint32_t node)
{
    net_node_up(&cluster->net, node);
    if (node == NODE_MASTER) {
        cluster->boss = boss_open(cluster);
    } else {
        net_node_up(&cluster->net, node - NODE_WORKER + NODE_SERVER);
        host_start(cluster->hosts[node - NODE_WORKER]);
    }
}

/* ---- what goes wrong by itself ---- */

static void trouble_for_disk(struct cluster *cluster, struct host *host)
{
    const struct weather *weather = &cluster->setup.weather;

    if (cluster_fault(cluster, weather->disk_full) || host->disk_is_full)
        host_set_disk(host, !host->disk_is_full);
    if (!host->agent || host->run_count == 0)
        return;
    if (cluster_fault(cluster, weather->run_lost))
        host->runs[rand_below(&cluster->rand, host->run_count)].is_missing = true;
    if (cluster_fault(cluster, weather->run_rots))
        host->runs[rand_below(&cluster->rand, host->run_count)].is_rotten = true;
}

static void trouble_for_worker(struct cluster *cluster, uint32_t worker)
{
    const struct weather *weather = &cluster->setup.weather;
    struct host *host = cluster->hosts[worker];
    uint64_t for_ns = cluster_some_ms(cluster, 40000);

    if (!host->agent)
        return;
    if (cluster_fault(cluster, weather->worker_crash)) {
        worker_dies(cluster, worker,
                    cluster_fault(cluster, weather->worker_power) ? 15 * NS_PER_S : 0,
                    cluster_some_ms(cluster, 20000));
    } else if (cluster_fault(cluster, weather->worker_restart)) {
        cluster_timer(cluster, NODE_WORKER + worker, 1, for_ns); /* patience has an end */
        host_drain(host);
    } else if (cluster_fault(cluster, weather->worker_sleep)) {
        net_node_sleep(&cluster->net, NODE_WORKER + worker, for_ns);
        net_node_sleep(&cluster->net, NODE_SERVER + worker, for_ns);
    } else {
        trouble_for_disk(cluster, host);
    }
}

static void trouble_for_links(struct cluster *cluster)
{
    uint32_t worker = (uint32_t)rand_below(&cluster->rand, cluster->setup.worker_count);
    uint32_t other = (uint32_t)rand_below(&cluster->rand, cluster->setup.worker_count);
    uint64_t for_ns = cluster_some_ms(cluster, 40000);

    if (!cluster_fault(cluster, cluster->setup.weather.parted))
        return;
    if (other == worker)
        net_part(&cluster->net, NODE_MASTER, NODE_WORKER + worker, for_ns);
    else
        net_part(&cluster->net, NODE_WORKER + worker, NODE_SERVER + other, for_ns);
}

static void trouble(struct cluster *cluster)
{
    const struct weather *weather = &cluster->setup.weather;
    struct say say = {.job_id = rand_below(&cluster->rand, cluster->setup.job_count)};

    trouble_for_links(cluster);
    trouble_for_worker(cluster, (uint32_t)rand_below(&cluster->rand, cluster->setup.worker_count));
    if (cluster->boss && cluster_fault(cluster, weather->master_crash))
        master_dies(cluster);
    if (cluster->boss && cluster_fault(cluster, weather->master_sleep))
        net_node_sleep(&cluster->net, NODE_MASTER, cluster_some_ms(cluster, 30000));
    if (cluster->client_conn != 0 && cluster_fault(cluster, weather->job_cancelled))
        say_send(&cluster->net, cluster->client_conn, NODE_CLIENT, SAY_CANCEL, &say);
    queue_add(&cluster->queue, &(struct moment){.kind = MOMENT_FAULT},
              cluster_some_ms(cluster, 1000));
}

/* ---- the client ---- */

static void client_speaks(struct cluster *cluster)
{
    cluster_timer(cluster, NODE_CLIENT, 0, 500 * NS_PER_MS + cluster_some_ms(cluster, 1000));
    if (cluster->client_conn == 0) {
        cluster->client_conn = net_connect(&cluster->net, NODE_CLIENT, NODE_MASTER);
        return;
    }
    for (uint32_t i = 0; i < cluster->setup.job_count; i++) {
        struct say say = {.job_id = i};

        if (!cluster->jobs[i].client_knows)
            say_send(&cluster->net, cluster->client_conn, NODE_CLIENT, SAY_SUBMIT, &say);
    }
}

static void client_happens(struct cluster *cluster, const struct moment *moment,
                           const struct say *say)
{
    if (moment->kind == MOMENT_TIMER)
        client_speaks(cluster);
    else if (moment->kind == MOMENT_CLOSED && moment->id == cluster->client_conn)
        cluster->client_conn = 0;
    else if (moment->kind == MOMENT_MESSAGE && say->has_ended)
        cluster->jobs[say->job_id].client_knows = true;
}

/* ---- time goes on ---- */

static void host_happens(struct host *host, const struct moment *moment, const struct say *say)
{
    switch (moment->kind) {
    case MOMENT_OPENED:
        host_opened(host, moment->id);
        return;
    case MOMENT_MESSAGE:
        host_message(host, moment->id, (enum say_kind)moment->type, say);
        return;
    case MOMENT_CLOSED:
        host_closed(host, moment->id);
        return;
    case MOMENT_TIMER:
        if (moment->id == 1)
            host_drain(host); /* the second SIGTERM */
        else
            host_timer(host);
        return;
    case MOMENT_ATTEMPT:
        host_attempt_step(host, moment->id);
        return;
    default:
        abort(); /* not for a host */
    }
}

static void boss_happens(struct boss *boss, const struct moment *moment, const struct say *say)
{
    switch (moment->kind) {
    case MOMENT_OPENED:
        return; /* it waits for the first word */
    case MOMENT_MESSAGE:
        boss_message(boss, moment->id, (enum say_kind)moment->type, say);
        return;
    case MOMENT_CLOSED:
        boss_closed(boss, moment->id);
        return;
    case MOMENT_TIMER:
        boss_timer(boss);
        return;
    case MOMENT_ATTEMPT:
        boss_helper_step(boss, moment->id);
        return;
    default:
        abort(); /* not for a master */
    }
}

/* The connections are cut where the weather wants it. */
static void storm(struct cluster *cluster, const struct moment *moment)
{
    const struct weather *weather = &cluster->setup.weather;

    if (moment->kind != MOMENT_MESSAGE || !cluster_fault(cluster, weather->conn_cut))
        return;
    cluster->tally.cuts++;
    net_cut(&cluster->net, moment->id,
            cluster_fault(cluster, weather->conn_mute) ? 15 * NS_PER_S : 0);
}

static void happen(struct cluster *cluster, const struct moment *moment)
{
    struct say say;

    memset(&say, 0, offsetof(struct say, items));
    if (moment->bytes)
        memcpy(&say, moment->bytes, moment->len);
    storm(cluster, moment);
    if (moment->node == NODE_MASTER)
        boss_happens(cluster->boss, moment, &say);
    else if (moment->node == NODE_CLIENT)
        client_happens(cluster, moment, &say);
    else
        host_happens(cluster->hosts[(moment->node - NODE_WORKER) % CLUSTER_WORKERS_MAX], moment,
                     &say);
}

/* The blow that was asked for, between two turns. */
static void strike(struct cluster *cluster)
{
    const struct cluster_setup *setup = &cluster->setup;
    uint32_t worker = setup->crash - CRASH_WORKER;

    if (setup->crash_at != cluster->turn_count)
        return;
    if (setup->crash == CRASH_MASTER && cluster->boss)
        master_dies(cluster);
    else if (setup->crash >= CRASH_WORKER && cluster->hosts[worker]->agent)
        worker_dies(cluster, worker, 0, setup->back_ns);
}

/* Whoever is to sleep or to be parted from somebody now. */
static void hinder(struct cluster *cluster)
{
    const struct cluster_setup *setup = &cluster->setup;

    if (setup->sleep_at == cluster->turn_count) {
        net_node_sleep(&cluster->net, setup->sleep_node, setup->sleep_ns);
        if (setup->sleep_node != NODE_MASTER)
            net_node_sleep(&cluster->net, setup->sleep_node - NODE_WORKER + NODE_SERVER,
                           setup->sleep_ns);
    }
    if (setup->part_at == cluster->turn_count)
        net_part(&cluster->net, setup->part_nodes[0], setup->part_nodes[1], 3600 * NS_PER_S);
}

void cluster_turn(struct cluster *cluster)
{
    struct moment moment;
    bool there_is_one = queue_take(&cluster->queue, &moment);
    uint64_t end_ns = cluster->setup.faults_end_ns + CLUSTER_PATIENCE_NS;

    assert(there_is_one);
    assert(cluster->queue.now_ns < end_ns); /* I7: some job never ends */
    if (moment.kind == MOMENT_REVIVE) {
        revive(cluster, moment.node);
    } else if (moment.kind == MOMENT_FAULT) {
        trouble(cluster);
    } else if (net_take(&cluster->net, &moment)) {
        cluster->turn_count++;
        happen(cluster, &moment);
        free(moment.bytes);
        hinder(cluster);
        if (!cluster->master_dies)
            strike(cluster);
    }
    if (cluster->master_dies)
        master_dies(cluster);
}

bool cluster_has_ended(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->setup.job_count; i++)
        if (!cluster->jobs[i].client_knows)
            return false;
    if (cluster->quiet_ns == 0)
        cluster->quiet_ns = cluster->queue.now_ns;
    if (cluster->quiet_ns < cluster->setup.faults_end_ns)
        cluster->quiet_ns = cluster->setup.faults_end_ns;
    for (uint32_t node = 0; node < NET_NODES_MAX; node++) /* who sleeps has not heard of it */
        if (cluster->quiet_ns < cluster->net.nodes[node].asleep_until_ns)
            cluster->quiet_ns = cluster->net.nodes[node].asleep_until_ns;
    return cluster->queue.now_ns > cluster->quiet_ns + QUIET_NS;
}

void cluster_init(struct cluster *cluster, const struct cluster_setup *setup)
{
    *cluster = (struct cluster){.setup = *setup};
    rand_init(&cluster->rand, setup->seed);
    cluster->net = (struct net){.queue = &cluster->queue,
                                .rand = &cluster->rand,
                                .delay_ns_max = 20 * NS_PER_MS,
                                .strike_at = setup->strike_at,
                                .strike = setup->strike,
                                .stream_first = SAY_FETCH,
                                .stream_last = SAY_BYTES};
    for (uint32_t i = 0; i < setup->worker_count; i++) {
        cluster->hosts[i] = host_open(cluster, NODE_WORKER + i);
        revive_after(cluster, NODE_WORKER + i, cluster_some_ms(cluster, 1000));
    }
    for (uint32_t i = 0; i < setup->job_count; i++) {
        cluster->jobs[i].plan = setup->jobs[i];
        cluster->jobs[i].bad = setup->jobs[i].bad;
    }
    revive_after(cluster, NODE_MASTER, cluster_some_ms(cluster, 500));
    net_node_up(&cluster->net, NODE_CLIENT);
    cluster_timer(cluster, NODE_CLIENT, 0, cluster_some_ms(cluster, 1000));
    if (setup->faults_end_ns > 0)
        queue_add(&cluster->queue, &(struct moment){.kind = MOMENT_FAULT}, NS_PER_S);
}

void cluster_finish_prefix(const struct cluster *cluster, size_t fact_count)
{
    struct cluster_setup setup = cluster->setup;
    struct cluster other;
    uint64_t last_id = 0;

    setup.weather = (struct weather){0};
    setup.faults_end_ns = 0;
    cluster_init(&other, &setup);
    other.incarnation_last = cluster->incarnation_last;
    for (size_t i = 0; i < fact_count; i++)
        if (cluster->facts[i].kind == FACT_ATTEMPT_STARTED)
            last_id = cluster->facts[i].attempt_id;
    for (size_t i = 0; i < cluster->made_count; i++) /* the store is what it was */
        if (cluster->mades[i].attempt_id <= last_id)
            content_made(&other, cluster->mades[i].attempt_id, cluster->mades[i].inputs);
    audit_remember(&other, cluster->facts, fact_count);
    for (uint32_t i = 0; i < setup.job_count; i++) {
        const struct sim_job *was = &cluster->jobs[i];
        struct sim_job *job = &other.jobs[i];
        const uint64_t *parts =
            job->plan.reduce_count > 0 ? job->reduce_attempts : job->map_attempts;

        memcpy(job->faults, was->faults, sizeof job->faults);
        for (uint32_t part = 0; part < CLUSTER_MAPS_MAX; part++) /* given, or about to be */
            job->names[part] = parts[part] == was->names[part] ? parts[part] : 0;
    }
    while (!cluster_has_ended(&other))
        cluster_turn(&other);
    cluster_check_ends(&other);
    audit_leftovers(&other);
    cluster_deinit(&other);
}

void cluster_deinit(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->setup.worker_count; i++)
        host_close(cluster->hosts[i]);
    boss_close(cluster->boss);
    net_deinit(&cluster->net);
    queue_deinit(&cluster->queue);
    free(cluster->mades);
    free(cluster->facts);
}
