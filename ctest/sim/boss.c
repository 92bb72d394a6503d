#include "boss.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "content.h"

enum { HELPERS_MAX = 2 * CLUSTER_JOBS_MAX, LATE_NS = 1000000000 };

/* A plan or a commit that runs. */
struct helper {
    struct command start; /* attempt_id 0: none */
    uint32_t steps_done;
};

struct member {
    uint64_t conn; /* 0: not connected */
    uint64_t incarnation;
    uint32_t slot_count; /* as it said last; 0 when it drains */
    bool is_welcome;     /* commands may be sent */
};

struct boss {
    struct cluster *cluster;
    struct sched *sched;
    struct sched_output out;
    struct member members[CLUSTER_WORKERS_MAX];
    struct helper helpers[HELPERS_MAX];
    struct say welcome; /* of the join in hand: what it is to kill and to forget */
    bool sources_changed[CLUSTER_JOBS_MAX];
    uint64_t wake_ns;
};

struct sched *boss_sched(struct boss *boss)
{
    return boss->sched;
}

/* What is needed of a job's map outputs is in `say` afterwards. */
static void add_sources(const struct boss *boss, const struct sim_job *job, struct say *say)
{
    struct output_place place;

    for (uint32_t map = 0; map < job->plan.map_count; map++) {
        struct say_item *item = NULL;

        if (!sched_output_of(boss->sched, job->id, STAGE_MAP, map, &place))
            continue;
        for (uint32_t i = 0; i < say->item_count && !item; i++)
            if (say->items[i].worker_id == place.worker_id)
                item = &say->items[i];
        if (!item) {
            say_add(say, (struct say_item){.list = SAY_SOURCE,
                                           .worker_id = place.worker_id,
                                           .incarnation = place.incarnation});
            item = &say->items[say->item_count - 1];
        }
        item->count++;
    }
}

static void send(struct boss *boss, uint32_t worker, enum say_kind kind, struct say *say)
{
    struct member *member = &boss->members[worker];

    if (member->conn == 0)
        return;
    say->epoch = boss->cluster->epoch_last;
    say->incarnation = member->incarnation;
    say_send(&boss->cluster->net, member->conn, NODE_MASTER, kind, say);
}

/* Which jobs a worker fetches for. */
struct fetched_jobs {
    bool of[CLUSTER_JOBS_MAX + 1]; /* by id */
};

static void see_fetch(void *context, const struct command *command)
{
    struct fetched_jobs *jobs = context;

    if (command->stage == STAGE_REDUCE)
        jobs->of[command->job_id] = true;
}

static void send_sources(struct boss *boss, uint32_t worker, bool all)
{
    struct cluster *cluster = boss->cluster;
    struct fetched_jobs jobs = {0};

    if (!boss->members[worker].is_welcome)
        return;
    sched_worker_attempts(boss->sched, worker, see_fetch, &jobs);
    for (uint32_t i = 0; i < cluster->setup.job_count; i++) {
        const struct sim_job *job = &cluster->jobs[i];
        struct say say = {.job_id = job->id, .map_count = job->plan.map_count};

        if (job->id == 0 || !jobs.of[job->id] || !(all || boss->sources_changed[i]))
            continue;
        add_sources(boss, job, &say);
        send(boss, worker, SAY_SOURCES, &say);
    }
}

static void look_for_sources(struct boss *boss)
{
    bool changed = false;

    for (size_t i = 0; i < boss->out.fact_count; i++) {
        const struct fact *fact = &boss->out.facts[i];
        bool all = fact->kind == FACT_WORKER_LOST || fact->kind == FACT_OUTPUTS_LOST;

        if (fact->kind == FACT_EPOCH_BEGUN || fact->kind == FACT_JOB_ENDED)
            continue;
        for (uint32_t job = 0; job < CLUSTER_JOBS_MAX; job++)
            if (all || fact->job_id == job + 1)
                boss->sources_changed[job] = changed = true;
    }
    for (uint32_t i = 0; changed && i < boss->cluster->setup.worker_count; i++)
        send_sources(boss, i, false);
    memset(boss->sources_changed, 0, sizeof boss->sources_changed);
}

/* Who was given up but still has a connection does not know: it is to join again. */
static void hang_up_on_lost(struct boss *boss)
{
    for (size_t i = 0; i < boss->out.fact_count; i++) {
        const struct fact *fact = &boss->out.facts[i];
        struct member *member = &boss->members[fact->worker_id % CLUSTER_WORKERS_MAX];

        if (fact->kind != FACT_WORKER_LOST || member->incarnation != fact->incarnation ||
            member->conn == 0)
            continue;
        net_close(&boss->cluster->net, member->conn, NODE_MASTER);
        member->conn = 0;
        member->is_welcome = false;
    }
}

static void helper_after(struct boss *boss, uint64_t attempt_id, uint64_t ns)
{
    struct cluster *cluster = boss->cluster;
    struct moment moment = {.kind = MOMENT_ATTEMPT,
                            .node = NODE_MASTER,
                            .life = cluster->net.nodes[NODE_MASTER].life,
                            .id = attempt_id};

    queue_add(&cluster->queue, &moment, ns);
}

static struct helper *helper_get(struct boss *boss, uint64_t attempt_id)
{
    for (size_t i = 0; i < HELPERS_MAX; i++)
        if (boss->helpers[i].start.attempt_id == attempt_id)
            return &boss->helpers[i];
    return NULL;
}

static void helper_start(struct boss *boss, const struct command *start)
{
    struct helper *helper = helper_get(boss, 0);

    assert(helper != NULL);
    for (size_t i = 0; i < HELPERS_MAX; i++) /* I2 */
        assert(boss->helpers[i].start.attempt_id == 0 ||
               boss->helpers[i].start.job_id != start->job_id);
    *helper = (struct helper){.start = *start};
    helper_after(boss, start->attempt_id, cluster_some_ms(boss->cluster, 500));
}

static void obey_for_helper(struct boss *boss, const struct command *command)
{
    struct helper *helper = helper_get(boss, command->attempt_id);

    if (command->kind == COMMAND_START_ATTEMPT)
        helper_start(boss, command);
    else if (command->kind == COMMAND_KILL_ATTEMPT && helper)
        *helper = (struct helper){0};
}

static void job_over(struct boss *boss, uint64_t job_id)
{
    struct say say = {.job_id = job_id};

    for (uint32_t i = 0; i < boss->cluster->setup.worker_count; i++)
        if (boss->members[i].is_welcome)
            send(boss, i, SAY_JOB_OVER, &say);
}

static void send_command(struct boss *boss, const struct command *command)
{
    static const enum say_kind kinds[] = {[COMMAND_START_ATTEMPT] = SAY_START,
                                          [COMMAND_RUN_ATTEMPT] = SAY_RUN,
                                          [COMMAND_KILL_ATTEMPT] = SAY_KILL,
                                          [COMMAND_FORGET_OUTPUT] = SAY_FORGET};
    const struct sim_job *job = cluster_job(boss->cluster, command->job_id);
    struct say say = {.job_id = command->job_id,
                      .attempt_id = command->attempt_id,
                      .stage = command->stage,
                      .task = command->task,
                      .map_count = job->plan.map_count,
                      .keeps_output = command->stage == STAGE_MAP && job->plan.reduce_count > 0};

    say.bad_count = job->bad.left_out[content_task_slot(job, command->stage, command->task)];
    assert(boss->members[command->worker_id].incarnation == command->incarnation); /* I6 */
    send(boss, command->worker_id, kinds[command->kind], &say);
}

static void obey(struct boss *boss, const struct command *command)
{
    enum say_list list = command->kind == COMMAND_KILL_ATTEMPT ? SAY_TO_KILL : SAY_TO_FORGET;

    if (command->kind == COMMAND_JOB_ENDED)
        job_over(boss, command->job_id);
    else if (command->worker_id == WORKER_NONE)
        obey_for_helper(boss, command);
    else if (boss->members[command->worker_id].is_welcome)
        send_command(boss, command);
    else if (command->kind == COMMAND_KILL_ATTEMPT || command->kind == COMMAND_FORGET_OUTPUT)
        say_add(&boss->welcome, (struct say_item){.list = list,
                                                  .worker_id = command->worker_id,
                                                  .job_id = command->job_id,
                                                  .attempt_id = command->attempt_id});
}

/* Who says that an output cannot be had takes away that one and no other. */
static uint64_t output_named(const struct boss *boss, const struct event *event)
{
    struct output_place place;

    return event->job_id != 0 &&
                   sched_output_of(boss->sched, event->job_id, STAGE_MAP, event->peer_task, &place)
               ? place.attempt_id
               : 0;
}

static void arm(struct boss *boss)
{
    uint64_t now_ns = boss->cluster->queue.now_ns;
    uint64_t due_ns = sched_next_due_ns(boss->sched);

    if (due_ns >= boss->wake_ns)
        return;
    boss->wake_ns = due_ns > now_ns ? due_ns : now_ns;
    cluster_timer(boss->cluster, NODE_MASTER, 0, boss->wake_ns - now_ns);
}

/* False: the master has died of it. */
static bool turn(struct boss *boss, struct event event)
{
    struct cluster *cluster = boss->cluster;
    uint64_t output = output_named(boss, &event);

    if (cluster->master_dies)
        return false;
    event.now_ns = cluster->queue.now_ns;
    sched_step(boss->sched, &event, &boss->out);
    trace_turn(cluster, &event, &boss->out);
    sched_check(boss->sched);
    if (event.kind == EVENT_OUTPUT_LOST && output != event.peer_attempt_id)
        assert(output_named(boss, &event) == output);
    if (cluster_dies_in_turn(cluster, CRASH_MASTER_UNWRITTEN))
        return false;
    audit_facts(cluster, &event, boss->out.facts, boss->out.fact_count);
    if (cluster_dies_in_turn(cluster, CRASH_MASTER_UNTOLD))
        return false;
    for (size_t i = 0; i < boss->out.command_count; i++)
        obey(boss, &boss->out.commands[i]);
    hang_up_on_lost(boss);
    look_for_sources(boss);
    arm(boss);
    return true;
}

static uint32_t member_of(const struct boss *boss, uint64_t conn)
{
    return net_peer(&boss->cluster->net, conn, NODE_MASTER) - NODE_WORKER;
}

static struct event event_from(const struct boss *boss, uint32_t worker, enum event_kind kind)
{
    return (struct event){
        .kind = kind, .worker_id = worker, .incarnation = boss->members[worker].incarnation};
}

/* All that a worker names which joins. */
static bool hear_items(struct boss *boss, uint32_t worker, const struct say *say)
{
    for (uint32_t i = 0; i < say->item_count; i++) {
        const struct say_item *item = &say->items[i];
        bool is_held = item->list == SAY_HELD;
        struct event event =
            event_from(boss, worker, is_held ? EVENT_OUTPUT_HELD : EVENT_ATTEMPT_HELD);

        event.job_id = item->job_id;
        event.peer_task = item->task;
        event.attempt_id = is_held ? 0 : item->attempt_id;
        event.peer_attempt_id = is_held ? item->attempt_id : 0;
        if (!turn(boss, event))
            return false;
        if (cluster_job(boss->cluster, item->job_id)->has_ended)
            say_add(
                &boss->welcome,
                (struct say_item){.list = SAY_OVER, .worker_id = worker, .job_id = item->job_id});
    }
    return true;
}

static void see_command(void *context, const struct command *command)
{
    send_command(context, command);
}

/* As sched.h says of a worker that is back. */
static void hear_join(struct boss *boss, uint64_t conn, uint32_t worker, const struct say *say)
{
    struct member *member = &boss->members[worker];
    struct event event;

    if (member->conn != 0 && member->conn != conn)
        boss_closed(boss, member->conn); /* the cut was not noticed */
    if (boss->cluster->master_dies)
        return;
    *member = (struct member){.conn = conn,
                              .incarnation = say->incarnation,
                              .slot_count = say->draining ? 0 : say->slot_count};
    boss->welcome = (struct say){.worker_id = worker + 1};
    if (!turn(boss, event_from(boss, worker, EVENT_WORKER_JOINED)) ||
        !hear_items(boss, worker, say))
        return;
    send(boss, worker, SAY_WELCOME, &boss->welcome);
    member->is_welcome = true;
    sched_worker_attempts(boss->sched, worker, see_command, boss);
    send_sources(boss, worker, true);
    event = event_from(boss, worker, EVENT_WORKER_SLOTS);
    event.slot_count = member->slot_count;
    turn(boss, event);
    boss->cluster->tally.joins++;
}

static void hear_heartbeat(struct boss *boss, uint32_t worker, const struct say *say)
{
    struct member *member = &boss->members[worker];
    struct event drains = event_from(boss, worker, EVENT_WORKER_SLOTS);

    for (uint32_t i = 0; i < say->item_count; i++) {
        struct event event = event_from(boss, worker, EVENT_ATTEMPT_PROGRESS);

        event.attempt_id = say->items[i].attempt_id;
        event.progress_count = boss->cluster->queue.now_ns;
        if (!turn(boss, event))
            return;
    }
    if (say->draining && member->slot_count > 0) {
        member->slot_count = 0;
        turn(boss, drains);
    }
}

static void hear_report(struct boss *boss, uint32_t worker, const struct say *say)
{
    static const enum event_kind kinds[] = {[AGENT_REPORT_FETCHED] = EVENT_ATTEMPT_FETCHED,
                                            [AGENT_REPORT_DONE] = EVENT_ATTEMPT_DONE,
                                            [AGENT_REPORT_FAILED] = EVENT_ATTEMPT_FAILED,
                                            [AGENT_REPORT_RETURNED] = EVENT_ATTEMPT_RETURNED};
    struct event event = event_from(boss, worker, kinds[say->report]);
    struct say heard = {.attempt_id = say->attempt_id, .report = say->report};

    uint64_t stale_count = sched_stale_count(boss->sched);

    assert(say->report != AGENT_REPORT_NONE);
    event.attempt_id = say->attempt_id;
    event.digest = say->digest;
    event.failure = say->failure;
    if (say->bad_count > 0)
        event.kind = EVENT_RECORDS_BAD;
    event.bad_count = say->bad_count;
    if (!turn(boss, event))
        return;
    /* A reduce may hold what its map's worker has not yet told: it is to say so again. */
    if (say->report != AGENT_REPORT_FETCHED || sched_stale_count(boss->sched) == stale_count)
        send(boss, worker, SAY_HEARD, &heard);
}

static bool hear_output_lost(struct boss *boss, uint32_t worker, const struct say *say)
{
    struct event event = event_from(boss, worker, EVENT_OUTPUT_LOST);

    event.job_id = say->job_id;
    event.attempt_id = say->attempt_id;
    event.peer_task = say->peer_task;
    event.peer_attempt_id = say->peer_attempt_id;
    return turn(boss, event);
}

/* Nothing of the job can be had there. */
static void hear_unreachable(struct boss *boss, uint32_t worker, const struct say *say)
{
    const struct sim_job *job = cluster_job(boss->cluster, say->job_id);
    struct output_place place;
    struct say lost = *say;

    for (uint32_t map = 0; map < job->plan.map_count; map++) {
        if (!sched_output_of(boss->sched, job->id, STAGE_MAP, map, &place))
            continue;
        lost.peer_task = map;
        lost.peer_attempt_id = place.attempt_id;
        if (place.worker_id == say->worker_id && !hear_output_lost(boss, worker, &lost))
            return;
    }
}

static void hear_worker(struct boss *boss, uint64_t conn, enum say_kind kind, const struct say *say)
{
    uint32_t worker = member_of(boss, conn);

    if (kind == SAY_JOIN) {
        hear_join(boss, conn, worker, say);
        return;
    }
    if (conn != boss->members[worker].conn ||
        !turn(boss, event_from(boss, worker, EVENT_WORKER_HEARD)))
        return;
    if (kind == SAY_HEARTBEAT)
        hear_heartbeat(boss, worker, say);
    else if (kind == SAY_REPORT)
        hear_report(boss, worker, say);
    else if (kind == SAY_OUTPUT_LOST)
        hear_output_lost(boss, worker, say);
    else if (kind == SAY_UNREACHABLE)
        hear_unreachable(boss, worker, say);
}

/* The idempotency key of a job is its number in the cluster. */
static void hear_client(struct boss *boss, uint64_t conn, enum say_kind kind, const struct say *say)
{
    struct sim_job *job = &boss->cluster->jobs[say->job_id];
    struct event event = {.job_id = say->job_id + 1, .rules = job->plan.rules};
    struct say answer = {.job_id = say->job_id};

    event.kind = kind == SAY_SUBMIT ? EVENT_JOB_SUBMITTED : EVENT_JOB_CANCELLED;
    if ((kind == SAY_SUBMIT && job->id == 0) || (kind == SAY_CANCEL && job->id != 0))
        if (!turn(boss, event))
            return;
    answer.has_ended = job->has_ended;
    say_send(&boss->cluster->net, conn, NODE_MASTER, SAY_STATUS, &answer);
}

void boss_message(struct boss *boss, uint64_t conn, enum say_kind kind, const struct say *say)
{
    if (kind >= SAY_SUBMIT)
        hear_client(boss, conn, kind, say);
    else
        hear_worker(boss, conn, kind, say);
}

void boss_closed(struct boss *boss, uint64_t conn)
{
    uint32_t worker = member_of(boss, conn);

    if (worker >= CLUSTER_WORKERS_MAX || boss->members[worker].conn != conn)
        return;
    net_close(&boss->cluster->net, conn, NODE_MASTER);
    boss->members[worker].conn = 0;
    boss->members[worker].is_welcome = false;
    turn(boss, event_from(boss, worker, EVENT_WORKER_RESET));
}

void boss_timer(struct boss *boss)
{
    bool was_asleep = boss->cluster->queue.now_ns > boss->wake_ns + LATE_NS;

    if (boss->cluster->queue.now_ns < boss->wake_ns)
        return;       /* it was asked for before a later one was */
    if (was_asleep) { /* what has been said meanwhile is heard first: it is in the queue */
        boss->wake_ns = boss->cluster->queue.now_ns;
        cluster_timer(boss->cluster, NODE_MASTER, 0, 0);
        return;
    }
    boss->wake_ns = UINT64_MAX;
    turn(boss, (struct event){.kind = EVENT_TICK});
}

/* The final name of one part, given once or again. I3. 0, or whose part it is that the store has
 * dropped before it had its name. */
static uint64_t give_name(struct boss *boss, struct sim_job *job, uint32_t part)
{
    enum stage_kind stage = job->plan.reduce_count > 0 ? STAGE_REDUCE : STAGE_MAP;
    struct output_place place;
    bool is_there = sched_output_of(boss->sched, job->id, stage, part, &place);
    struct made *made = content_find(boss->cluster, place.attempt_id);

    assert(is_there);
    assert(made != NULL);
    assert(job->names[part] == 0 || job->names[part] == place.attempt_id);
    if (job->names[part] == 0 &&
        cluster_fault(boss->cluster, boss->cluster->setup.weather.part_lost))
        made->is_gone = true;
    if (made->is_gone)
        return place.attempt_id;
    job->names[part] = place.attempt_id;
    return 0;
}

static void helper_end(struct boss *boss, struct helper *helper, enum event_kind kind,
                       enum err_kind failure, uint64_t gone_attempt_id)
{
    struct sim_job *job = cluster_job(boss->cluster, helper->start.job_id);
    struct event event = {.kind = kind,
                          .worker_id = WORKER_NONE,
                          .attempt_id = helper->start.attempt_id,
                          .map_count = job->plan.map_count,
                          .reduce_count = job->plan.reduce_count,
                          .sample_count = job->plan.sample_count,
                          .failure = failure,
                          .peer_task = helper->steps_done,
                          .peer_attempt_id = gone_attempt_id};

    *helper = (struct helper){0};
    turn(boss, event);
}

void boss_helper_step(struct boss *boss, uint64_t attempt_id)
{
    struct cluster *cluster = boss->cluster;
    struct helper *helper = helper_get(boss, attempt_id);
    struct sim_job *job = helper ? cluster_job(cluster, helper->start.job_id) : NULL;
    bool is_plan = helper && helper->start.stage == STAGE_PLAN;
    uint32_t part_count;
    uint64_t gone;

    if (!helper)
        return;
    part_count = job->plan.reduce_count > 0 ? job->plan.reduce_count : job->plan.map_count;
    if (cluster_fault(cluster, cluster->setup.weather.attempt_fails)) {
        helper_end(boss, helper, EVENT_ATTEMPT_FAILED, ERR_RETRY, 0);
    } else if (is_plan && cluster_fault(cluster, cluster->setup.weather.attempt_raises)) {
        job->faults[0]++;
        helper_end(boss, helper, EVENT_ATTEMPT_FAILED, ERR_INPUT, 0);
    } else if (is_plan) {
        helper_end(boss, helper, EVENT_PLAN_MADE, ERR_NONE, 0);
    } else if (helper->steps_done == part_count) {
        helper_end(boss, helper, EVENT_ATTEMPT_DONE, ERR_NONE, 0);
    } else if ((gone = give_name(boss, job, helper->steps_done)) != 0) {
        helper_end(boss, helper, EVENT_ATTEMPT_FAILED, ERR_PEER, gone);
    } else {
        helper->steps_done++;
        helper_after(boss, attempt_id, cluster_some_ms(cluster, 500));
    }
}

struct boss *boss_open(struct cluster *cluster)
{
    struct boss *boss = mem_alloc(sizeof *boss);
    struct err err = {0};
    int rc;

    boss->cluster = cluster;
    boss->wake_ns = UINT64_MAX;
    boss->sched = sched_open(&cluster->setup.sched);
    rc = sched_restore(boss->sched, cluster->facts, cluster->fact_count, &err);
    assert(rc == 0);
    turn(boss, (struct event){.kind = EVENT_TICK});
    return boss;
}

void boss_close(struct boss *boss)
{
    if (!boss)
        return;
    sched_close(boss->sched);
    sched_output_deinit(&boss->out);
    free(boss);
}
