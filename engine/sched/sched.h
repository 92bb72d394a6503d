/*
 * sched: decides, never acts. Events in, commands and facts out.
 *
 *     struct sched_options options;
 *     struct sched_output out = {0};
 *
 *     sched_options_default(&options);
 *     sched = sched_open(&options);
 *     sched_restore(sched, facts, fact_count, &err);     only after a restart
 *     for (;;) {
 *         event = ... what happened, at event.now_ns ...
 *         sched_step(sched, &event, &out);
 *         keep out.facts (one transaction), then carry out out.commands, in order
 *         arm a timer for sched_next_due_ns(): it is an EVENT_TICK
 *     }
 *     sched_output_deinit(&out);
 *     sched_close(sched);
 *
 * No clock, socket, file, thread, Lua, rand() or global may be reached from here. Time is
 * event->now_ns; chance is options.seed. So the same events give the same commands, and a
 * simulator runs weeks a second.
 *
 * A job is a list of stages: plan, sample, map, reduce, commit (STAGE_TRAITS in state.h says what
 * each is allowed to do). plan and commit run in helpers of the master (worker_id WORKER_NONE) and
 * take no slot. A map gets a slot and runs. So does a sample, which some jobs need (sample_count):
 * their maps wait for what it answers, which the shell keeps. A reduce fetches first, without a
 * slot, at most `slots` of them per worker; it reports EVENT_ATTEMPT_FETCHED and is told
 * COMMAND_RUN_ATTEMPT when a slot is free: who holds a slot waits for no other task. A job without
 * reduces (reduce_count 0) ends its data path with the maps, and their outputs are its parts.
 *
 * A part has no name before the commit, and may be gone by then: a store keeps an upload that is
 * not finished for a week at most, and sometimes loses one. The commit then fails with ERR_PEER and
 * names the part; the task that made it is idle again, the job runs again (with the lost maps that
 * this task needs), and then commits again. So there is no grant and no state of its own for output
 * in a store: the first attempt whose completion is journaled is the part, there as on files.
 *
 * Several jobs share the slots: higher priorities first, then who has the least slots for its
 * weight (SCHED_FAIR) or was there first, that is, has the lower id (SCHED_FIFO). Nothing is taken
 * away from who has it.
 *
 * A slow task gets a second attempt on another worker (backup.h); the first answer is the task's,
 * the other attempt is killed and never counts. A worker that is to blame gets no work for a while
 * (aside.h).
 *
 * Records on which the job's functions fail may be set aside (rules.skip_bad of them, in all): an
 * attempt that has met some ends with EVENT_RECORDS_BAD, and its task is run again at once without
 * them. What it had reported before is forgiven with it: it may have been theirs. The shell keeps
 * which they are, as it does what a failure said, and tells each attempt of the task.
 *
 * What the shell does beside the commands: it tells fetching reduces where maps are. It reads that
 * from the facts as they come (FACT_TASK_COMPLETED, FACT_OUTPUT_LOST, FACT_OUTPUT_FOUND,
 * FACT_OUTPUTS_LOST, FACT_WORKER_LOST), and for a reduce that starts from sched_output_of().
 *
 * A worker and its master lose sight of each other:
 *
 *     the connection is cut       EVENT_WORKER_RESET; what runs there goes on, it gets no new work
 *     nothing is heard            EVENT_WORKER_HEARD is due every worker_silence_ns
 *     it is back                  EVENT_WORKER_JOINED with slot_count 0; EVENT_ATTEMPT_HELD and
 *                                 EVENT_OUTPUT_HELD for all that it names; then the commands of
 *                                 sched_worker_attempts() are sent again (a worker starts an
 *                                 attempt once, however often it is told), and EVENT_WORKER_SLOTS
 *     it stays away               after reset_grace_ns it is lost, with all that it ran and held
 *     it is back after that       the same events: what it runs is killed, what it holds counts
 *                                 again where nothing has replaced it
 *     another incarnation joins   the one before is lost at once, and for good
 *
 * Commands to a worker that is cut off are not sent: when it is back, its events say them again.
 *
 * Facts are what a restart needs. State is a fold over them: sched_step() changes what lasts only
 * through fact_apply(), which sched_restore() calls too. The first step after open or restore
 * begins a new epoch: attempts of earlier epochs are given up (uncounted), workers that hold
 * outputs are awaited for `rejoin_grace_ns`. Attempt ids carry their epoch and are never reused.
 *
 * A journal may drop the facts of a job that has ended, but for its FACT_JOB_ENDED; and when no
 * job lives, all facts but the last FACT_EPOCH_BEGUN and the FACT_JOB_ENDEDs. fact_codec.h makes
 * facts bytes.
 *
 * What is not expected is counted (sched_stale_count) and changes nothing; only a wrong caller
 * aborts: time that goes back, ids of 0, failure kinds out of range.
 *
 * Costs: O(log n) an event in the number of armed timers, and a look at each job that lives; a lost
 * worker costs its outputs. Memory: about 130 bytes a task, whatever happened to it, and 40 for
 * each failure it reported.
 *
 * Not here: what a split is, messages and counters of attempts (the shell keeps them by attempt
 * id). The master's own sleep is nobody's silence: after a long one the shell reads its sockets
 * (EVENT_WORKER_HEARD) before it says EVENT_TICK.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

/* In journals and messages: new ones go to the end. */
enum stage_kind { STAGE_PLAN, STAGE_MAP, STAGE_REDUCE, STAGE_COMMIT, STAGE_SAMPLE };

enum {
    STAGE_COUNT = STAGE_SAMPLE + 1,
    SCHED_TASK_COUNT_MAX = 16 * 1000 * 1000, /* of one stage: 2 GB of task table */
    SCHED_WORKER_ID_MAX = 65535,             /* ids are indexes of a table */
    SCHED_FAILURE_COUNT_MAX = 30,            /* reported failures of one task end its job */
    SCHED_HISTORY_COUNT_MAX = 1000,          /* ended jobs that can still be asked for */
    SCHED_SKIP_BAD_MAX = 1000, /* of a job: all of them, with words, fit one message of 1 MiB; and
                                  each may cost a run of its task */
};

/* Whose turn it is among jobs of one priority. */
enum sched_order { SCHED_FAIR, SCHED_FIFO };

#define WORKER_NONE UINT32_MAX /* a helper of the master itself */

struct sched_options {
    uint64_t seed;                /* of the jitter */
    uint64_t epoch_min;           /* the next epoch is no less than this; fits 32 bits */
    uint64_t retry_delay_ns_min;  /* after a first failure at most this, full jitter ... */
    uint64_t retry_delay_ns_max;  /* ... doubled by each further failure, up to this */
    uint64_t silence_ns;          /* an attempt that says nothing for so long is given up */
    uint64_t rejoin_grace_ns;     /* after a restart workers may take so long to come back */
    uint64_t reset_grace_ns;      /* so long may a worker take whose connection was cut */
    uint64_t worker_silence_ns;   /* a worker not heard for so long is lost; 0: never */
    uint64_t aside_ns;            /* who is set aside gets no work for so long */
    uint32_t fetch_start_percent; /* of the maps are done before a first reduce fetches */
    enum sched_order order;
    bool backup; /* slow tasks get a second attempt */
};

/*
 * For one machine, which is one worker: 100 ms, 30 s, 120 s, 10 s, 1 s, never, 10 minutes, and
 * 100 %: a fetch is a copy there, and to begin it early only takes the disk away from the maps.
 * Fair, no backup attempts.
 */
void sched_options_default(struct sched_options *options);

/* For a cluster: workers are lost after 10 s of silence, fetches begin at 5 %, backup attempts. */
void sched_options_cluster(struct sched_options *options);

/* What the scheduler knows of a job. The rest of it is the shell's. */
struct job_rules {
    uint32_t attempts_max; /* tries at a task that hits a limit; for unsafe jobs, at any fault of
                              the job. 1 to SCHED_FAILURE_COUNT_MAX */
    bool unsafe;           /* full Lua: not deterministic, so a raised error is tried again */
    uint64_t silence_ns;   /* 0: as in sched_options */
    int32_t priority;      /* higher goes first */
    uint32_t weight;       /* its share of the slots among its priority; 0 is 1 */
    bool outputs_in_store; /* maps put their outputs into a store: no worker takes them along, and
                              reduces begin when all are there */
    uint32_t skip_bad;     /* bad records that may be set aside. 0 to SCHED_SKIP_BAD_MAX */
};

enum event_kind {
    EVENT_TICK,             /* time has passed */
    EVENT_JOB_SUBMITTED,    /* job_id (new), rules */
    EVENT_JOB_CANCELLED,    /* job_id. Too late once its commit runs: it then ends as it ends */
    EVENT_PLAN_MADE,        /* attempt_id of the plan, map_count, reduce_count, sample_count: it
                               is done */
    EVENT_WORKER_JOINED,    /* worker_id, incarnation, slot_count. 0: nothing is given to it before
                               EVENT_WORKER_SLOTS, which follows within reset_grace_ns */
    EVENT_WORKER_LOST,      /* worker_id, incarnation: now, whatever grace it had */
    EVENT_WORKER_RESET,     /* worker_id, incarnation: its connection was cut */
    EVENT_WORKER_HEARD,     /* worker_id, incarnation: any sign of life */
    EVENT_WORKER_SLOTS,     /* worker_id, incarnation, slot_count: from now on. 0: it drains; what
                               holds a slot goes on, other attempts are given up. The first one
                               after JOINED with 0 ends the naming: what was not is lost */
    EVENT_ATTEMPT_PROGRESS, /* attempt_id, progress_permille, progress_count: a sign of life, at
                               least every silence_ns / 4, also of a helper and of a reduce that
                               waits for a map */
    EVENT_ATTEMPT_FETCHED,  /* attempt_id: a reduce holds one segment of every map */
    EVENT_ATTEMPT_DONE,   /* attempt_id, digest (map: of what it wrote, reduce: of what it read) */
    EVENT_ATTEMPT_FAILED, /* attempt_id, failure; for ERR_PEER job_id, peer_task and
                             peer_attempt_id: of a map, or if it is a commit that fails of a part */
    EVENT_RECORDS_BAD,    /* attempt_id, bad_count, failure: it failed on so many records of its
                             task that no attempt was told to leave out. A sample's are counted
                             apart: maps meet them again */
    EVENT_ATTEMPT_RETURNED, /* attempt_id: its worker will not run it. Nobody's fault */
    EVENT_OUTPUT_LOST,      /* job_id, peer_task, peer_attempt_id: a map's run cannot be read, told
                               by its holder or by a reduce that goes on; worker_id: by whom */
    EVENT_OUTPUT_HELD,      /* worker_id, incarnation, job_id, peer_task, peer_attempt_id: a worker
                               that joined has this run of a map. Not wanted:
                               COMMAND_FORGET_OUTPUT */
    EVENT_ATTEMPT_HELD,     /* worker_id, incarnation, job_id, peer_task, attempt_id: a worker that
                               joined has this attempt, running or ended. Not wanted:
                               COMMAND_KILL_ATTEMPT */
};

enum { EVENT_KIND_COUNT = EVENT_ATTEMPT_HELD + 1 };

struct event {
    enum event_kind kind;
    uint64_t now_ns; /* monotonic within an epoch, never less than the event before */

    uint64_t job_id; /* the caller's number for a job, never 0, never reused */
    struct job_rules rules;
    uint32_t map_count, reduce_count;
    uint32_t sample_count; /* tasks before the maps: 0 or 1 */

    uint32_t worker_id; /* of WORKER events, and of every other one: who says so */
    uint32_t slot_count;
    uint64_t incarnation; /* of worker_id; 0 for WORKER_NONE */

    uint64_t attempt_id;
    uint32_t progress_permille; /* of its input; 0: not known */
    uint64_t progress_count;    /* moves whenever it has done anything; 0: not known */
    struct digest digest;
    enum err_kind failure;    /* never ERR_NONE */
    uint32_t bad_count;       /* 1 to SCHED_SKIP_BAD_MAX + 1 */
    uint32_t peer_task;       /* the map whose segment, or the part that, could not be had ... */
    uint64_t peer_attempt_id; /* ... and the attempt that had made it */
};

enum command_kind {
    COMMAND_START_ATTEMPT, /* all fields. A reduce begins to fetch, any other task to run */
    COMMAND_RUN_ATTEMPT,   /* a reduce that has fetched gets its slot */
    COMMAND_KILL_ATTEMPT,  /* and forget it, whatever it has done. Its slot is given away by the
                              commands behind this one: kill before you start. `failure` is
                              ERR_RETRY when it was silent for too long, else ERR_NONE */
    COMMAND_FORGET_OUTPUT, /* the run of this attempt is not wanted any more: delete it */
    COMMAND_JOB_ENDED,     /* job_id, status and what else JOB_ENDED says: everything that the job
                              has left on workers goes; its attempts were killed before */
};

enum job_status {
    JOB_PLANNING,
    JOB_RUNNING,
    JOB_COMMITTING,
    JOB_SUCCEEDED, /* this and those below are the end */
    JOB_FAILED,
    JOB_CANCELLED,
};

enum end_reason {
    END_NONE,              /* not ended, or succeeded */
    END_CANCELLED,         /* somebody asked for it */
    END_FAULT,             /* `failure` of stage/task/attempt_id: trying again cannot help */
    END_ATTEMPTS,          /* stage/task was tried attempts_max times, the last one attempt_id */
    END_FAILURES,          /* stage/task reported SCHED_FAILURE_COUNT_MAX failures */
    END_NOT_DETERMINISTIC, /* map `task` answered differently the second time (attempt_id), and
                              a reduce has already used the first answer */
    END_AUDIT,             /* what the reduces read is not what the maps wrote */
    END_BAD_RECORDS,       /* attempt_id of stage/task has met one bad record too many; `failure` is
                              what it failed with */
};

struct command {
    enum command_kind kind;
    enum stage_kind stage;
    uint32_t task;      /* number within its stage */
    uint32_t worker_id; /* to whom; WORKER_NONE: a helper of the master */
    uint64_t incarnation;
    uint64_t job_id;
    uint64_t attempt_id;
    enum job_status status; /* JOB_ENDED ... */
    enum end_reason reason;
    enum err_kind failure;
};

enum fact_kind {
    FACT_EPOCH_BEGUN,     /* epoch */
    FACT_JOB_ACCEPTED,    /* job_id, rules */
    FACT_PLAN_MADE,       /* job_id, attempt_id, map_count, reduce_count, sample_count */
    FACT_ATTEMPT_STARTED, /* job_id, stage, task, attempt_id, worker_id, incarnation */
    FACT_ATTEMPT_ENDED,   /* the same, failure: without a result. ERR_NONE: nobody's fault */
    FACT_TASK_COMPLETED,  /* the same, digest: the attempt's output is the task's */
    FACT_OUTPUT_LOST,     /* job_id, stage, task, attempt_id */
    FACT_WORKER_LOST,     /* worker_id, incarnation: with all it ran and held */
    FACT_JOB_ENDED,       /* job_id, status, reason, stage, task, attempt_id, failure */
    FACT_OUTPUT_FOUND,    /* as ATTEMPT_STARTED: an output of a lost worker is back with it */
    FACT_OUTPUTS_LOST,    /* worker_id, incarnation: nobody can read what it holds */
    FACT_RECORDS_BAD,     /* as ATTEMPT_ENDED, and bad_count: its task leaves them out from now */
};

enum { FACT_KIND_COUNT = FACT_RECORDS_BAD + 1 }; /* in journals: new kinds go to the end */

/* Coded field by field in the journal; a field that its kind does not name is 0. */
struct fact {
    enum fact_kind kind;
    enum stage_kind stage;
    uint32_t task;
    uint32_t worker_id;
    uint64_t incarnation;
    uint64_t epoch;
    uint64_t job_id;
    uint64_t attempt_id;
    struct digest digest;
    struct job_rules rules;
    uint32_t map_count, reduce_count, sample_count;
    uint32_t bad_count;
    enum err_kind failure;
    enum job_status status;
    enum end_reason reason;
};

/* Was the attempt that `fact` ends beaten by another one of its task? `next` is the fact after it
 * in the same step; NULL: none. */
bool fact_is_lost_race(const struct fact *fact, const struct fact *next);

/* Filled anew by each step. Zeroed, it is ready for use. */
struct sched_output {
    struct command *commands;
    size_t command_count, command_capacity;
    struct fact *facts;
    size_t fact_count, fact_capacity;
};

void sched_output_deinit(struct sched_output *out);

struct sched;

/* Never NULL. close(NULL) is fine. */
struct sched *sched_open(const struct sched_options *options);
void sched_close(struct sched *sched);

/*
 * Makes a fresh scheduler what the facts say. -1 when a fact does not fit those before it (a
 * journal of something else): the scheduler is then good for nothing but sched_close(). Many facts
 * may come in several calls.
 */
int sched_restore(struct sched *sched, const struct fact *facts, size_t fact_count,
                  struct err *err);

/* One event. What was in `out` is gone; what is in it stays until the next step. */
void sched_step(struct sched *sched, const struct event *event, struct sched_output *out);

/* When a TICK is due at the latest; UINT64_MAX: there is nothing to wait for. */
uint64_t sched_next_due_ns(const struct sched *sched);

/* Events that changed nothing because they were late, doubled, or about nobody known. */
uint64_t sched_stale_count(const struct sched *sched);

struct stage_progress {
    uint32_t task_count;
    uint32_t idle_count, in_progress_count, completed_count;
    uint32_t failure_count; /* reported by attempts; lost workers do not count */
};

struct job_progress {
    enum job_status status;
    struct stage_progress stages[STAGE_COUNT];
    enum end_reason reason; /* and, as far as the reason names them: */
    enum stage_kind stage;
    uint32_t task;
    uint64_t attempt_id;
    enum err_kind failure;
};

/* False: no such job, or it ended more than SCHED_HISTORY_COUNT_MAX jobs ago. */
bool sched_job_progress(const struct sched *sched, uint64_t job_id, struct job_progress *out);

/* A reported failure of an attempt; the message is with the shell. */
struct cause {
    uint64_t attempt_id;
    uint32_t worker_id;
    enum err_kind failure;
};

/*
 * The failures of the task that ended the job, newest first, at most `count_max`. Returns how
 * many; 0 while the job lives or when no task is to blame.
 */
size_t sched_causes(const struct sched *sched, uint64_t job_id, struct cause *out,
                    size_t count_max);

/* Where the output of a completed task is. */
struct output_place {
    uint64_t attempt_id;
    uint32_t worker_id;
    uint64_t incarnation;
};

/* False: there is no such task, or it is not completed. */
bool sched_output_of(const struct sched *sched, uint64_t job_id, enum stage_kind stage,
                     uint32_t task, struct output_place *out);

/*
 * Calls `see` with the commands that make a worker do what it should be doing: for each live
 * attempt its START, in no order, and right behind it its RUN if it was said. For a worker that
 * has joined again.
 */
void sched_worker_attempts(const struct sched *sched, uint32_t worker_id,
                           void (*see)(void *context, const struct command *command),
                           void *context);

enum worker_status {
    WORKER_STATUS_GONE,
    WORKER_STATUS_AWAITED, /* after a restart: not back yet */
    WORKER_STATUS_CUT,     /* its connection is cut, its grace is not over */
    WORKER_STATUS_UP,
};

struct worker_view {
    enum worker_status status;
    uint64_t incarnation;
    uint32_t slot_count, slots_used;
    uint32_t fetch_count;    /* attempts that fetch, or have fetched and wait for a slot */
    uint64_t aside_until_ns; /* on event.now_ns' clock; 0: not set aside */
    uint64_t silence_due_ns; /* when it is lost if nothing is heard; 0: never */
};

/* False: nobody has had this id. */
bool sched_worker_view(const struct sched *sched, uint32_t worker_id, struct worker_view *out);

/* A hash of all that lasts: equal after sched_restore() of the facts so far. For tests: O(n). */
uint64_t sched_hash(const struct sched *sched);

/* Aborts when an invariant of the whole state is broken (check.c lists them). For tests: O(n). */
void sched_check(const struct sched *sched);

/* "plan", "map", "reduce", "commit", "sample" */
const char *stage_kind_name(enum stage_kind stage);
const char *event_kind_name(enum event_kind kind);
const char *command_kind_name(enum command_kind kind);
const char *fact_kind_name(enum fact_kind kind);
const char *job_status_name(enum job_status status);

#endif
