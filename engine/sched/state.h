/*
 * state: what the scheduler remembers, and the only ways to change it. Not for shells.
 *
 * Two kinds of memory. What lasts (jobs, tasks, attempts, outputs, failures) is changed only by
 * fact_apply(). What serves the moment (slots, queues, timers, phases) is changed by the steps and
 * is built anew after a restart. An idle task is queued by the fact that makes it idle, so after a
 * fold every idle task is in its queue; a step that wants it to wait takes it out (task_delay).
 *
 *     sched.c     the entry points, what is asked        event.c     one function per event
 *     fact.c      the fold                               dispatch.c  who gets which slot
 *     life.c      the transition tables                  check.c     invariants, hash
 *     rejoin.c    workers come and go                    aside.c     workers that are to blame
 *     backup.c    second attempts                        say.c       commands and facts, filled in
 *     skip.c      records that are set aside
 */
#ifndef SCHED_STATE_H
#define SCHED_STATE_H

#include "base/rand.h"
#include "sched/idtable.h"
#include "sched/life.h"
#include "sched/list.h"
#include "sched/runtime.h"
#include "sched/sched.h"
#include "sched/timer.h"

struct failure {
    struct failure *older;
    struct cause cause;
};

struct task {
    struct list link;   /* idle: stage->queue, unless delayed. Completed: worker->outputs */
    struct timer retry; /* armed: idle and delayed */
    struct stage *stage;
    struct attempt *attempt;  /* in progress: the live one, or the newer of two */
    struct worker *worker;    /* completed: who holds the output; NULL: the store, the master */
    uint64_t attempt_id;      /* completed: whose output it is. It stays when that is lost with its
                                 worker, which may come back; 0: there is none to come back */
    struct digest digest;     /* of the last answer; it stays when the output is lost */
    struct failure *failures; /* newest first */
    enum task_state state;
    uint8_t failure_count; /* reported, of any kind */
    uint8_t fault_count;   /* of these, the job's own */
    bool has_answered;     /* `digest` is set */
    bool is_named;         /* completed: its worker said that it has the output when it joined */
};

struct stage {
    struct job *job;
    struct task *tasks;
    struct list queue; /* idle tasks, what is urgent first */
    enum stage_kind kind;
    uint32_t task_count;
    uint32_t counts[TASK_STATE_COUNT]; /* tasks by state */
    uint32_t failure_count;            /* of all tasks */
    uint32_t answered_count;           /* tasks that have completed at least once */
    uint32_t bad_count;                /* records that its tasks leave out */
    uint32_t held_count;               /* tasks with a live attempt that holds all its inputs */
    struct list live;                  /* attempts on workers, by since_ns */
    struct runtime runtime;            /* of those that answered */
    struct digest digest;              /* the sum over the last answers */
    enum output_home home;             /* of its outputs */
};

struct job {
    struct list link; /* sched->jobs, in the order of submission */
    uint64_t id;
    struct job_rules rules;
    enum job_status status;
    uint32_t slots_used;       /* attempts RUNNING on workers */
    uint32_t fetch_count;      /* attempts FETCHING or FETCHED */
    uint64_t attempt_differed; /* the last one that answered another thing than its task had; 0 */
    uint32_t task_differed;    /* ... its task, a map */
    struct stage stages[STAGE_COUNT];
};

struct attempt {
    uint64_t id;
    struct task *task;
    struct attempt *other; /* the older one of the same task; NULL: there is none */
    struct worker *worker; /* NULL: a helper of the master */
    struct list by_stage;  /* stage->live */
    struct list by_worker; /* worker->attempts */
    struct list fetched;   /* phase FETCHED: worker->fetched, in order of arrival */
    struct timer silence;  /* armed unless FETCHED: then it waits for us */
    uint64_t since_ns;     /* when it was started; RUNNING: when it got its slot */
    uint64_t moved_ns;     /* when progress_count last moved */
    uint64_t progress_count;
    uint32_t progress_permille;
    enum attempt_phase phase;
    bool was_run;   /* it is RUNNING because it was told so */
    bool was_early; /* FETCHING: has fetched, from maps that have not all been heard of */
};

enum { DOUBT_COUNT_MAX = 3 }; /* tasks that failed on a worker and completed elsewhere */

/* Which task: a job's number, and the task's within it. */
struct doubt {
    uint64_t job_id; /* 0: none */
    uint32_t task;
    enum stage_kind stage;
};

struct worker {
    uint32_t id;
    enum worker_state state;
    uint64_t incarnation;
    uint32_t slot_count;    /* that it offers now */
    uint32_t slot_ceiling;  /* slots_used and fetch_count are not above it: slot_count, or what was
                               in use when that became less */
    uint32_t slots_counted; /* of sched->slot_count */
    uint32_t slots_used;    /* attempts RUNNING */
    uint32_t fetch_count;   /* attempts FETCHING or FETCHED */
    struct list attempts;   /* live */
    struct list outputs;    /* completed tasks whose output is here */
    struct list fetched;
    struct list with_slot;     /* sched->with_slot: UP, not aside, and a slot is free */
    struct list with_fetch;    /* sched->with_fetch: UP, not aside, and may begin another fetch */
    struct list with_runnable; /* sched->with_runnable: a slot is free and `fetched` is not empty */
    bool is_joining;           /* until it says its slots: outputs it has not named are lost then */
    struct timer rejoin;       /* armed: AWAITED or CUT, or UP and slots are not yet said */
    struct timer heard;        /* armed: UP, if options.worker_silence_ns */
    uint64_t heard_ns;         /* when it last said anything */
    struct list aside;         /* sched->aside */
    struct timer aside_end;    /* armed: it is in that list */
    uint64_t attempt_id_before; /* attempts up to this one are of earlier incarnations */
    struct doubt doubts[DOUBT_COUNT_MAX];
    uint32_t reporter;          /* who said last that an output here cannot be had ... */
    uint64_t reporter_until_ns; /* ... and until when that counts */
};

/* A job that has ended, as it is asked for. */
struct past_job {
    uint64_t id; /* 0: none */
    struct job_progress progress;
    struct cause *causes;
    size_t cause_count;
};

struct sched {
    struct sched_options options;
    struct rand rand;
    uint64_t now_ns;
    uint64_t epoch;
    uint64_t attempt_id_last;
    uint64_t stale_count;
    bool has_begun; /* this epoch's first step was taken */
    struct idtable jobs_by_id, attempts_by_id;
    struct list jobs;
    struct worker **workers; /* by id; NULL: never heard of */
    uint32_t worker_capacity;
    struct list with_slot, with_fetch, with_runnable; /* workers, taken in turn */
    uint32_t slot_count;                              /* of all workers that are here */
    uint32_t present_count;                           /* workers that are here and offer slots */
    struct list aside; /* workers that get no work, who is free first first */
    uint32_t aside_count;
    uint32_t backup_count; /* tasks with two live attempts */
    struct timer backup;   /* armed: options.backup, and a job lives */
    bool backup_is_due;
    struct timer_heap timers;
    struct past_job *past; /* SCHED_HISTORY_COUNT_MAX, a ring */
    size_t past_next;
    struct sched_output *out; /* of the step in hand */
};

/* What a kind of stage may do. Where its output lives is decided by the plan (stage.home). */
struct stage_traits {
    bool on_worker;     /* a slot of a worker, not a helper of the master */
    bool fetches;       /* collects the outputs of the maps before it asks for a slot */
    bool runs_job_code; /* so unsafe jobs may fail there by chance */
};
extern const struct stage_traits STAGE_TRAITS[STAGE_COUNT];

/* fact.c. False: the fact does not fit what is there, and has changed nothing. */
bool fact_apply(struct sched *sched, const struct fact *fact);

/* state.c: the small changes that facts and steps are made of. */
struct job *job_open(struct sched *sched, uint64_t id, const struct job_rules *rules);
void job_close(struct sched *sched, struct job *job);
void stage_open(struct stage *stage, uint32_t task_count, enum output_home home);
/* The stage whose outputs are the parts: the reduces, or without any the maps. */
struct stage *job_last_stage(struct job *job);
struct worker *worker_get(const struct sched *sched, uint32_t id);
struct worker *worker_get_or_add(struct sched *sched, uint32_t id);
/* Puts the worker in the lists of those that can take work, or out of them. */
void worker_refresh(struct sched *sched, struct worker *worker);
void attempt_open(struct sched *sched, struct task *task, uint64_t id, struct worker *worker);
void attempt_close(struct sched *sched, struct attempt *attempt);
void attempt_set_phase(struct sched *sched, struct attempt *attempt, enum attempt_phase phase);
void task_set_state(struct task *task, enum task_state state);
/* Puts an idle task before all others of its stage. */
void task_queue_first(struct sched *sched, struct task *task);
void task_unqueue(struct sched *sched, struct task *task);
void task_add_failure(struct task *task, const struct cause *cause);
/* As if it had never reported a failure. */
void task_forgive(struct task *task);
/* Is a task to blame when a job ends like this? */
bool end_names_task(enum end_reason reason);
/* `job` NULL: a journal has dropped the facts of the job, but for its end. */
void past_job_add(struct sched *sched, const struct job *job, const struct fact *end);
const struct past_job *past_job_get(const struct sched *sched, uint64_t id);

static inline uint32_t task_index(const struct task *task)
{
    return (uint32_t)(task - task->stage->tasks);
}

static inline struct job *job_get(const struct sched *sched, uint64_t id)
{
    return idtable_get(&sched->jobs_by_id, id);
}

/* NULL: there is none. */
static inline struct task *task_get(struct job *job, enum stage_kind stage, uint32_t task)
{
    return task < job->stages[stage].task_count ? &job->stages[stage].tasks[task] : NULL;
}

/* Is it connected, or thought to come back at once? */
static inline bool worker_is_here(const struct worker *worker)
{
    return worker->state == WORKER_UP || worker->state == WORKER_CUT;
}

/* Is it one of its task's live attempts? */
static inline bool attempt_is_listed(const struct attempt *attempt)
{
    const struct attempt *newest = attempt->task->attempt;

    return newest && (newest == attempt || newest->other == attempt);
}

/* dispatch.c: gives work to whoever can take it, and starts helpers. */
void dispatch(struct sched *sched);
/* A new attempt of the task; worker NULL: a helper of the master. */
void task_start(struct sched *sched, struct task *task, struct worker *worker);
/* Does any unfinished task still need what this stage makes? */
bool stage_is_wanted(const struct stage *stage);
/* May tasks of this stage be started, as far as the stages before it go? */
bool stage_is_open(const struct sched *sched, const struct stage *stage);

/* event.c. False: stale. */
bool event_handle(struct sched *sched, const struct event *event);
void epoch_begin(struct sched *sched);

/* sched.c: what a step says. A fact is applied as it is said. */
struct command *say_command(struct sched *sched, enum command_kind kind);
void say_fact(struct sched *sched, const struct fact *fact);

#endif
