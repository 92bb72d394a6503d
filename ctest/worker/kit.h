/*
 * kit: an agent and the little one needs to tell it a story.
 *
 *     kit_init(&kit, SLOTS);
 *     kit_join(&kit);                                connected, welcomed by epoch 1
 *     kit_start_map(&kit, ATTEMPT);                  of job 1
 *     kit_attempt(&kit, AGENT_ATTEMPT_DONE, ATTEMPT);
 *     assert_non_null(kit_did(&kit, AGENT_SEND_REPORT, ATTEMPT));
 *     kit_master(&kit, AGENT_KILL, ATTEMPT);
 *     kit_deinit(&kit);
 *
 * Every step is followed by agent_check().
 */
#ifndef CTEST_WORKER_KIT_H
#define CTEST_WORKER_KIT_H

#include "test.h"

#include "base/clock.h"
#include "worker/agent.h"

struct kit {
    struct agent *agent;
    struct agent_options options;
    struct agent_output out; /* of the last step */
    uint64_t now_ns;
    uint64_t connection; /* of the last AGENT_CONNECT */
    uint64_t epoch;      /* that messages come from */
};

static inline void kit_step(struct kit *kit, const struct agent_event *event)
{
    struct agent_event timed = *event;

    timed.now_ns = kit->now_ns;
    agent_step(kit->agent, &timed, &kit->out);
    agent_check(kit->agent);
    for (size_t i = 0; i < kit->out.action_count; i++) {
        if (kit->out.actions[i].kind == AGENT_CONNECT)
            kit->connection = kit->out.actions[i].connection;
    }
}

static inline void kit_init(struct kit *kit, uint32_t slot_count)
{
    *kit = (struct kit){.now_ns = 1, .epoch = 1};
    agent_options_default(&kit->options);
    kit->options.incarnation = 100;
    kit->options.slot_count = slot_count;
    kit->agent = agent_open(&kit->options);
}

static inline void kit_deinit(struct kit *kit)
{
    agent_output_deinit(&kit->out);
    agent_close(kit->agent);
}

/* The action of that kind in the last step; attempt_id 0: about any. */
static inline const struct agent_action *kit_did(const struct kit *kit, enum agent_action_kind kind,
                                                 uint64_t attempt_id)
{
    for (size_t i = 0; i < kit->out.action_count; i++) {
        const struct agent_action *action = &kit->out.actions[i];

        if (action->kind == kind && (attempt_id == 0 || action->attempt_id == attempt_id))
            return action;
    }
    return NULL;
}

/* Time passes, as far as `ns` from now. */
static inline void kit_wait(struct kit *kit, uint64_t ns)
{
    struct agent_event event = {.kind = AGENT_TICK};

    kit->now_ns += ns;
    kit_step(kit, &event);
}

/* Until something is due. */
static inline void kit_wait_due(struct kit *kit)
{
    uint64_t due_ns = agent_next_due_ns(kit->agent);

    assert_int_not_equal(due_ns, UINT64_MAX);
    kit_wait(kit, due_ns > kit->now_ns ? due_ns - kit->now_ns : 0);
}

static inline struct agent_event kit_message(const struct kit *kit, enum agent_event_kind kind,
                                             uint64_t attempt_id)
{
    return (struct agent_event){.kind = kind,
                                .connection = kit->connection,
                                .epoch = kit->epoch,
                                .incarnation = kit->options.incarnation,
                                .attempt_id = attempt_id,
                                .job_id = 1};
}

/* A message of the master. */
static inline void kit_master(struct kit *kit, enum agent_event_kind kind, uint64_t attempt_id)
{
    struct agent_event event = kit_message(kit, kind, attempt_id);

    kit_step(kit, &event);
}

static inline void kit_heard(struct kit *kit, uint64_t attempt_id, enum agent_report report)
{
    struct agent_event event = kit_message(kit, AGENT_HEARD, attempt_id);

    event.report = report;
    kit_step(kit, &event);
}

/* What an attempt or the machine says; a failure is ERR_JOB. */
static inline void kit_attempt(struct kit *kit, enum agent_event_kind kind, uint64_t attempt_id)
{
    struct agent_event event = {.kind = kind, .attempt_id = attempt_id, .failure = ERR_JOB};

    kit_step(kit, &event);
}

static inline void kit_connect(struct kit *kit)
{
    while (!kit_did(kit, AGENT_CONNECT, 0))
        kit_wait_due(kit);
    kit_master(kit, AGENT_CONNECTED, 0);
    assert_non_null(kit_did(kit, AGENT_SEND_JOIN, 0));
}

static inline void kit_join(struct kit *kit)
{
    struct agent_event event;

    kit_wait(kit, 0);
    kit_connect(kit);
    event = kit_message(kit, AGENT_WELCOME, 0);
    event.worker_id = 7;
    kit_step(kit, &event);
    assert_true(agent_is_joined(kit->agent));
}

/* Cuts the connection, and it is back. */
static inline void kit_rejoin(struct kit *kit)
{
    kit_master(kit, AGENT_DISCONNECTED, 0);
    assert_false(agent_is_joined(kit->agent));
    kit_join(kit);
}

static inline void kit_start_of(struct kit *kit, uint64_t job_id, uint64_t attempt_id, bool fetches)
{
    struct agent_event event = kit_message(kit, AGENT_START, attempt_id);

    event.job_id = job_id;
    event.fetches = fetches;
    event.keeps_output = !fetches;
    kit_step(kit, &event);
}

static inline void kit_start_map(struct kit *kit, uint64_t attempt_id)
{
    kit_start_of(kit, 1, attempt_id, false);
}

static inline void kit_start_reduce(struct kit *kit, uint64_t attempt_id)
{
    kit_start_of(kit, 1, attempt_id, true);
}

/* The state of an attempt that there is. */
static inline enum agent_attempt_state kit_state(const struct kit *kit, uint64_t attempt_id)
{
    const struct agent_attempt *attempt = agent_attempt_of(kit->agent, attempt_id);

    assert_non_null(attempt);
    return attempt->state;
}

/* A map that is done and heard of, its process gone: held. */
static inline void kit_hold(struct kit *kit, uint64_t attempt_id)
{
    kit_start_map(kit, attempt_id);
    kit_attempt(kit, AGENT_ATTEMPT_DONE, attempt_id);
    kit_attempt(kit, AGENT_ATTEMPT_ENDED, attempt_id);
    kit_heard(kit, attempt_id, AGENT_REPORT_DONE);
    assert_true(agent_holds(kit->agent, attempt_id));
}

#endif
