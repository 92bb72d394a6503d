#include "worker/agent_state.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

/* ---- what there is ---- */

struct agent_attempt *agent_find(const struct agent *agent, uint64_t attempt_id)
{
    for (size_t i = 0; i < agent->attempt_count; i++) {
        if (agent->attempts[i].id == attempt_id)
            return &agent->attempts[i];
    }
    return NULL;
}

static struct agent_held *find_held(const struct agent *agent, uint64_t attempt_id)
{
    for (size_t i = agent->held_count; i-- > 0;) {
        if (agent->held[i].attempt_id == attempt_id)
            return &agent->held[i];
    }
    return NULL;
}

static struct agent_attempt *add(struct agent *agent, const struct agent_event *event)
{
    struct agent_attempt *attempt;

    if (agent->attempt_count == agent->attempt_capacity) {
        agent->attempt_capacity = agent->attempt_capacity ? 2 * agent->attempt_capacity : 4;
        agent->attempts =
            mem_realloc_array(agent->attempts, agent->attempt_capacity, sizeof *agent->attempts);
    }
    attempt = &agent->attempts[agent->attempt_count++];
    *attempt = (struct agent_attempt){.id = event->attempt_id,
                                      .job_id = event->job_id,
                                      .task = event->task,
                                      .fetches = event->fetches,
                                      .drives = event->drives,
                                      .keeps_output = event->keeps_output};
    return attempt;
}

/* Nothing is left of it but its id, and perhaps its output. */
static void remove_attempt(struct agent *agent, struct agent_attempt *attempt)
{
    size_t index = (size_t)(attempt - agent->attempts);

    assert(!attempt->has_process && !attempt->has_slot);
    agent_act_on(agent, AGENT_DROP_ATTEMPT, attempt);
    recent_add(&agent->gone, attempt->id);
    agent->attempt_count--;
    memmove(attempt, attempt + 1, (agent->attempt_count - index) * sizeof *attempt);
}

static void add_held(struct agent *agent, const struct agent_attempt *attempt)
{
    if (agent->held_count == agent->held_capacity) {
        agent->held_capacity = agent->held_capacity ? 2 * agent->held_capacity : 16;
        agent->held = mem_realloc_array(agent->held, agent->held_capacity, sizeof *agent->held);
    }
    agent->held[agent->held_count++] = (struct agent_held){
        .attempt_id = attempt->id, .job_id = attempt->job_id, .task = attempt->task};
}

static void remove_held(struct agent *agent, struct agent_held *held)
{
    size_t index = (size_t)(held - agent->held);

    agent->held_count--;
    memmove(held, held + 1, (agent->held_count - index) * sizeof *held);
}

static void act_on_held(struct agent *agent, enum agent_action_kind kind,
                        const struct agent_held *held)
{
    struct agent_action *action = agent_act(agent, kind);

    action->attempt_id = held->attempt_id;
    action->job_id = held->job_id;
    action->task = held->task;
}

static bool drop_held(struct agent *agent, uint64_t attempt_id)
{
    struct agent_held *held = find_held(agent, attempt_id);

    if (!held)
        return false;
    act_on_held(agent, AGENT_DELETE_OUTPUT, held);
    remove_held(agent, held);
    return true;
}

/* ---- reports ---- */

static void say(struct agent *agent, const struct agent_attempt *attempt)
{
    struct agent_action *action;

    if (attempt->report == AGENT_REPORT_NONE || agent->link != LINK_JOINED)
        return;
    action = agent_act_on(agent, AGENT_SEND_REPORT, attempt);
    action->report = attempt->report;
    action->failure = attempt->failure;
    if (attempt->output_is_lost)
        agent_act_on(agent, AGENT_SEND_OUTPUT_LOST, attempt);
    if (agent->repeat_due_ns == UINT64_MAX)
        agent->repeat_due_ns = agent->now_ns + agent->options.report_repeat_ns;
}

void agent_report_all(struct agent *agent)
{
    agent->repeat_due_ns = UINT64_MAX;
    for (size_t i = 0; i < agent->attempt_count; i++)
        say(agent, &agent->attempts[i]);
}

static void end_with(struct agent *agent, struct agent_attempt *attempt, enum agent_report report,
                     enum err_kind failure)
{
    attempt->state = AGENT_ATTEMPT_OVER;
    attempt->report = report;
    attempt->failure = failure;
    say(agent, attempt);
}

/* ---- messages of the master ---- */

static bool wants_slot(const struct agent_attempt *attempt)
{
    return !attempt->drives &&
           (attempt->state == AGENT_ATTEMPT_QUEUED || attempt->state == AGENT_ATTEMPT_RUNNING ||
            attempt->state == AGENT_ATTEMPT_ALLOWED);
}

static bool is_before_run(const struct agent_attempt *attempt)
{
    return attempt->state == AGENT_ATTEMPT_FETCHING || attempt->state == AGENT_ATTEMPT_WAITING;
}

static bool is_driving(const struct agent_attempt *attempt)
{
    return attempt->drives && attempt->state == AGENT_ATTEMPT_RUNNING;
}

/* As many as there are slots may run, as many may fetch, and some may drive: the master gives no
 * more. */
static bool has_room(const struct agent *agent, const struct agent_event *start)
{
    uint32_t count = 0;

    for (size_t i = 0; i < agent->attempt_count; i++) {
        const struct agent_attempt *attempt = &agent->attempts[i];

        count += start->drives    ? is_driving(attempt)
                 : start->fetches ? is_before_run(attempt)
                                  : wants_slot(attempt);
    }
    return count < (start->drives ? AGENT_DRIVER_COUNT_MAX : agent->options.slot_count);
}

bool agent_on_start(struct agent *agent, const struct agent_event *event)
{
    struct agent_attempt *attempt = agent_find(agent, event->attempt_id);

    if (attempt) {
        say(agent, attempt);
        return false;
    }
    if (find_held(agent, event->attempt_id) || recent_has(&agent->gone, event->attempt_id) ||
        recent_has(&agent->over_jobs, event->job_id))
        return false;
    if (agent->is_draining || !has_room(agent, event)) {
        end_with(agent, add(agent, event), AGENT_REPORT_RETURNED, ERR_RETRY);
        return true;
    }
    if (agent->disk_is_full) {
        end_with(agent, add(agent, event), AGENT_REPORT_FAILED, ERR_DISK);
        return true;
    }
    attempt = add(agent, event);
    attempt->state = AGENT_ATTEMPT_QUEUED; /* agent_settle() starts it */
    if (event->fetches || event->drives) {
        attempt->state = event->drives ? AGENT_ATTEMPT_RUNNING : AGENT_ATTEMPT_FETCHING;
        attempt->has_process = true;
        agent_act_on(agent, AGENT_START_ATTEMPT, attempt);
    }
    return true;
}

bool agent_on_run(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    if (!attempt || attempt->state != AGENT_ATTEMPT_WAITING)
        return false;
    attempt->state = AGENT_ATTEMPT_ALLOWED;
    attempt->report = AGENT_REPORT_NONE; /* it was heard */
    return true;
}

/* Its end is not awaited by anybody any more; what it keeps here goes with its process. */
static void discard(struct agent *agent, struct agent_attempt *attempt)
{
    attempt->report = AGENT_REPORT_NONE;
    if (attempt->has_process) {
        if (attempt->state != AGENT_ATTEMPT_DYING)
            agent_act_on(agent, AGENT_KILL_ATTEMPT, attempt);
        attempt->state = AGENT_ATTEMPT_DYING;
        return;
    }
    if (attempt->keeps_output)
        agent_act_on(agent, AGENT_DELETE_OUTPUT, attempt);
    remove_attempt(agent, attempt);
}

/* It has ended and was heard of, as far as this worker knows; its process may take its time. */
static void close_heard(struct agent *agent, struct agent_attempt *attempt)
{
    bool is_done = attempt->report == AGENT_REPORT_DONE;

    attempt->report = AGENT_REPORT_NONE;
    if (is_done && attempt->keeps_output && !attempt->output_is_lost)
        add_held(agent, attempt);
    attempt->state = AGENT_ATTEMPT_ENDING;
    if (!attempt->has_process)
        remove_attempt(agent, attempt);
}

/*
 * What is done and leaves its result elsewhere (a reduce) may be killed only until it is done: the
 * master may have heard of that, and then the result is the task's.
 */
bool agent_on_kill(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);
    bool held = drop_held(agent, attempt_id);

    recent_add(&agent->gone, attempt_id);
    if (!attempt || attempt->state == AGENT_ATTEMPT_DYING)
        return held;
    if (attempt->state == AGENT_ATTEMPT_ENDING)
        return held; /* its output was held, its process needs no killing */
    discard(agent, attempt);
    return true;
}

bool agent_on_forget(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    if (attempt && attempt->report == AGENT_REPORT_DONE && attempt->keeps_output) {
        discard(agent, attempt);
        return true;
    }
    return drop_held(agent, attempt_id);
}

static void close_job(struct agent *agent, uint64_t job_id)
{
    if (agent->closing_count == agent->closing_capacity) {
        agent->closing_capacity = agent->closing_capacity ? 2 * agent->closing_capacity : 4;
        agent->closing_jobs = mem_realloc_array(agent->closing_jobs, agent->closing_capacity,
                                                sizeof *agent->closing_jobs);
    }
    agent->closing_jobs[agent->closing_count++] = job_id;
}

bool agent_on_job_over(struct agent *agent, uint64_t job_id)
{
    size_t kept = 0;

    if (recent_has(&agent->over_jobs, job_id))
        return false;
    recent_add(&agent->over_jobs, job_id);
    for (size_t i = agent->attempt_count; i-- > 0;) {
        if (agent->attempts[i].job_id == job_id)
            discard(agent, &agent->attempts[i]);
    }
    for (size_t i = 0; i < agent->held_count; i++) { /* DELETE_JOB takes the files */
        if (agent->held[i].job_id != job_id)
            agent->held[kept++] = agent->held[i];
    }
    agent->held_count = kept;
    close_job(agent, job_id);
    return true;
}

bool agent_on_heard(struct agent *agent, uint64_t attempt_id, enum agent_report report)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    if (!attempt || attempt->report == AGENT_REPORT_NONE)
        return false;
    if (attempt->report == AGENT_REPORT_RETURNED && report == AGENT_REPORT_FAILED)
        report = AGENT_REPORT_RETURNED; /* one is a kind of the other */
    if (attempt->report != report)
        return false;
    if (report == AGENT_REPORT_FETCHED)
        attempt->report = AGENT_REPORT_NONE;
    else
        close_heard(agent, attempt);
    return true;
}

/* ---- attempts ---- */

bool agent_on_fetched(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    if (!attempt || attempt->state != AGENT_ATTEMPT_FETCHING)
        return false;
    attempt->state = AGENT_ATTEMPT_WAITING;
    attempt->report = AGENT_REPORT_FETCHED;
    say(agent, attempt);
    return true;
}

bool agent_on_done(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    if (!attempt || attempt->state != AGENT_ATTEMPT_RUNNING)
        return false;
    end_with(agent, attempt, AGENT_REPORT_DONE, ERR_NONE);
    return true;
}

bool agent_on_failed(struct agent *agent, uint64_t attempt_id, enum err_kind failure)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    assert(failure != ERR_NONE);
    if (!attempt || !attempt->has_process || attempt->state > AGENT_ATTEMPT_ALLOWED)
        return false;
    end_with(agent, attempt, AGENT_REPORT_FAILED, failure);
    return true;
}

/* It is done, or was, and what it left is still wanted. */
static bool has_output(const struct agent *agent, const struct agent_attempt *attempt)
{
    if (attempt->state == AGENT_ATTEMPT_ENDING)
        return find_held(agent, attempt->id) != NULL;
    return attempt->report == AGENT_REPORT_DONE && !attempt->output_is_lost;
}

bool agent_on_ended(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);

    if (!attempt || !attempt->has_process)
        return false;
    agent_on_failed(agent, attempt_id, ERR_RETRY); /* if it has not answered */
    attempt->has_process = false;
    agent->slots_used -= attempt->has_slot;
    attempt->has_slot = false;
    if (attempt->state == AGENT_ATTEMPT_DYING) {
        discard(agent, attempt);
        return true;
    }
    if (attempt->keeps_output && !has_output(agent, attempt)) /* it may have won the race */
        agent_act_on(agent, AGENT_DELETE_OUTPUT, attempt);
    if (attempt->state == AGENT_ATTEMPT_ENDING)
        remove_attempt(agent, attempt);
    return true;
}

bool agent_on_broken(struct agent *agent, uint64_t attempt_id)
{
    struct agent_attempt *attempt = agent_find(agent, attempt_id);
    struct agent_held *held = find_held(agent, attempt_id);

    if (held) {
        /* A JOIN that is under way has named it; else the next one does not. */
        if (agent->link >= LINK_JOINING)
            act_on_held(agent, AGENT_SEND_OUTPUT_LOST, held);
        return drop_held(agent, attempt_id);
    }
    if (!attempt || attempt->report != AGENT_REPORT_DONE || !attempt->keeps_output ||
        attempt->output_is_lost)
        return false;
    attempt->output_is_lost = true; /* say() tells it with each DONE: either may be the first */
    agent_act_on(agent, AGENT_DELETE_OUTPUT, attempt);
    say(agent, attempt);
    return true;
}

/* ---- drain, slots ---- */

void agent_hand_back(struct agent *agent, bool all)
{
    for (size_t i = 0; i < agent->attempt_count; i++) {
        struct agent_attempt *attempt = &agent->attempts[i];

        if (attempt->state > AGENT_ATTEMPT_ALLOWED || (attempt->has_slot && !all))
            continue;
        if (attempt->has_process)
            agent_act_on(agent, AGENT_KILL_ATTEMPT, attempt);
        end_with(agent, attempt, AGENT_REPORT_RETURNED, ERR_RETRY);
    }
}

static void take_slot(struct agent *agent, struct agent_attempt *attempt)
{
    bool has_fetched = attempt->state == AGENT_ATTEMPT_ALLOWED;

    attempt->state = AGENT_ATTEMPT_RUNNING;
    attempt->has_process = true;
    attempt->has_slot = true;
    agent->slots_used++;
    assert(agent->slots_used <= agent->options.slot_count);
    agent_act_on(agent, has_fetched ? AGENT_RUN_ATTEMPT : AGENT_START_ATTEMPT, attempt);
}

static bool job_has_process(const struct agent *agent, uint64_t job_id)
{
    for (size_t i = 0; i < agent->attempt_count; i++) {
        if (agent->attempts[i].job_id == job_id)
            return true;
    }
    return false;
}

static void delete_jobs(struct agent *agent)
{
    size_t kept = 0;

    for (size_t i = 0; i < agent->closing_count; i++) {
        uint64_t job_id = agent->closing_jobs[i];

        if (job_has_process(agent, job_id))
            agent->closing_jobs[kept++] = job_id;
        else
            agent_act(agent, AGENT_DELETE_JOB)->job_id = job_id;
    }
    agent->closing_count = kept;
}

void agent_settle(struct agent *agent)
{
    for (size_t i = 0; i < agent->attempt_count; i++) {
        struct agent_attempt *attempt = &agent->attempts[i];

        if (agent->slots_used == agent->options.slot_count)
            break;
        if (attempt->state == AGENT_ATTEMPT_QUEUED || attempt->state == AGENT_ATTEMPT_ALLOWED)
            take_slot(agent, attempt);
    }
    delete_jobs(agent);
}
