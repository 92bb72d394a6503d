/*
 * run_state: the inside of a run, shared by the files of run_shell.h alone.
 *
 *     run_shell.c      opens and closes, waits, signals
 *     run_steps.c      between the scheduler and the attempts: events in, commands out
 *     run_attempt.c    one attempt's process and what it says
 *     run_report.c     what Lua is told
 *     run_trail.c      what attempts leave for later
 *
 * One direction: an attempt's answer becomes an event in the queue; run_pump() steps the
 * scheduler until the queue is empty; commands start and kill attempts, and may queue events.
 */
#ifndef CLI_RUN_STATE_H
#define CLI_RUN_STATE_H

#include "attempt/attempt.h"
#include "cli/interrupts.h"
#include "cli/run_cache.h"
#include "cli/run_config.h"
#include "cli/run_output.h"
#include "master/job_bad.h"
#include "master/job_effort.h"
#include "master/job_faults.h"
#include "master/job_results.h"
#include "master/job_task.h"
#include "master/job_trail.h"
#include "rpc/loop.h"
#include "sched/sched.h"
#include "store/temp.h"

enum {
    RUN_JOB_ID = 1,              /* of the scheduler and in run files: a run has one job ... */
    RUN_WORKER_ID = 1,           /* ... and one worker, this process */
    RUN_LOG_BYTES_MAX = 1 << 16, /* what jobs print between two redraws; more: redraw now */
};

struct run_shell;

/* An attempt that the scheduler has started, until its process is gone. */
struct run_attempt {
    struct run_shell *shell;
    struct run_attempt *next;
    uint64_t id;
    enum stage_kind stage;
    uint32_t task;
    struct attempt attempt;
    struct loop_event *readable; /* NULL: it has no process (yet) */
    bool has_answered;           /* Done or Failed, or we have answered for it */
    bool is_killed;              /* what it still says is of no interest */
    Mrlua__Done *done;           /* until the scheduler has taken it */
    uint64_t *sources;           /* of a reduce: the attempts that made the maps' outputs */
    double fraction;             /* of its input */
    uint64_t records_in;
    uint64_t begun_ns; /* its process was started; 0: not yet */
};

struct run_shell {
    struct run_config config;
    const struct nursery *nursery;
    struct loop *loop;
    struct interrupts interrupts;
    struct loop_event *step_timer;  /* ends run_shell_step() */
    struct loop_event *sched_timer; /* a TICK is due */
    struct sched *sched;
    struct sched_output decisions;
    struct event *queue; /* events not stepped yet */
    size_t queue_count, queue_capacity;
    struct temp temp;
    struct run_output output;
    struct run_cache cache;
    struct run_attempt *attempts;
    struct job_results results;
    struct job_faults faults;
    struct job_bad bad;
    Mrlua__Done *plan_done; /* holds the plan */
    struct job_effort effort;
    struct buf log;     /* lines of the job, each with its newline ... */
    struct buf notices; /* ... and about it */
    struct job_trail kept;
    uint64_t begun_ns;
    uint64_t stage_begun_ns[STAGE_COUNT], stage_ended_ns[STAGE_COUNT];
    bool job_ended;
    bool is_committed; /* the output is where it belongs */
    bool is_forced;    /* a second signal: do not wait for anything */
    int signal_number; /* 0: none came */
};

/* ---- run_steps.c ---- */

/* Adds an event; run_pump() steps it. */
void run_queue(struct run_shell *shell, const struct event *event);

/* Steps the scheduler through the queue and carries out what it says. */
void run_pump(struct run_shell *shell);

/* The event `kind` of an attempt, filled as far as every such event is. */
struct event run_event(const struct run_attempt *attempt, enum event_kind kind);

/* Queues the failure of `attempt`, once, and keeps what it said: `error`, or NULL. */
void run_attempt_failed(struct run_attempt *attempt, const struct err *err,
                        const Mrlua__Error *error);

/* ---- run_attempt.c ---- */

/* Adds an attempt that has no process yet. */
struct run_attempt *run_attempt_add(struct run_shell *shell, const struct command *command);
struct run_attempt *run_attempt_find(const struct run_shell *shell, uint64_t attempt_id);

/* Forks its process. A failure to do so is queued as the attempt's. */
void run_attempt_start(struct run_attempt *attempt);

/* Tells its process to end; one without a process is gone at once. */
void run_attempt_stop(struct run_attempt *attempt);

/* Ends its process if there is one, waits for it, and releases it. */
void run_attempt_remove(struct run_attempt *attempt);

/* ---- run_trail.c ---- */

/* What it printed, and what it failed on; flushes what was printed. */
void run_trail_print(struct run_attempt *attempt, const char *text);
void run_trail_keep(struct run_attempt *attempt, const struct err *err, const Mrlua__Error *error,
                    const char *detail);
void run_trail_flush(struct run_shell *shell);

/* Appends how to look into the failure that ended the job. */
void run_trail_advise(const struct run_shell *shell, const struct job_progress *progress,
                      enum err_kind kind, struct buf *detail);

/* What tasks are made from. */
struct job_outputs run_outputs_of(const struct run_config *config);
struct job_source run_source_of(struct run_shell *shell);

#endif
