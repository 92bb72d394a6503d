/*
 * world: everything around a scheduler, made up: workers, attempts, wires, time, a journal, and
 * what goes wrong with them. One seed is one history.
 *
 *     world_init(&world, seed);
 *     while (!world_has_ended(&world))
 *         world_turn(&world);              one thing happens; invariants are checked
 *     world_deinit(&world);
 *
 * Until WORLD_FAULTS_END_NS messages are lost, doubled and late, workers die, are cut off and come
 * back (as themselves or as others), runs vanish, attempts fail in every way, and the master dies
 * before or after it has journaled a turn. After that all goes well, and every job must end.
 *
 * Attempts repeat what they have to say until they are heard or killed, as the agent of a worker
 * does. A worker that joins runs nothing. What each attempt wrote and read is kept, so that a
 * success can be checked record by record.
 */
#ifndef CTEST_SIM_WORLD_H
#define CTEST_SIM_WORLD_H

#include "bad.h"
#include "base/clock.h"
#include "base/rand.h"
#include "sched/sched.h"

enum {
    WORLD_WORKERS_MAX = 4,
    WORLD_JOBS_MAX = 2,
    WORLD_MAPS_MAX = 12,
    WORLD_REDUCES_MAX = 6,
    WORLD_TASKS_MAX = WORLD_MAPS_MAX + WORLD_REDUCES_MAX + 3, /* with plan, sample, commit */
};
#define WORLD_FAULTS_END_NS (120 * NS_PER_S)
#define WORLD_END_NS        (3600 * NS_PER_S) /* a job that has not ended by then never will */

struct sim_job {
    uint64_t id;
    uint32_t map_count, reduce_count, sample_count;
    struct job_rules rules;
    bool is_random; /* its maps answer differently each time */
    bool has_ended;
    struct fact end;                             /* FACT_JOB_ENDED */
    uint64_t reduce_attempts[WORLD_REDUCES_MAX]; /* who completed it; 0: nobody yet */
    uint32_t faults[WORLD_TASKS_MAX];            /* of the job, injected, by task */
    struct bad bad;
};

struct sim_worker {
    bool is_alive;
    uint64_t incarnation;
    uint32_t slot_count;
    uint64_t runs[WORLD_JOBS_MAX][WORLD_MAPS_MAX]; /* attempt ids; 0: none */
};

enum proc_state { PROC_FETCHING, PROC_HOLDING, PROC_RUNNING, PROC_FINISHED, PROC_DEAD };

struct proc {
    struct command start;
    enum proc_state state;
    uint32_t steps_left;
    uint32_t left_out;               /* bad records that it was told of */
    bool is_stored;                  /* a map of a job with outputs in a store: its run is there */
    struct event report;             /* FINISHED: what it says */
    uint64_t inputs[WORLD_MAPS_MAX]; /* reduce: the attempt whose segment it has */
};

enum note_kind { NOTE_EVENT, NOTE_COMMAND, NOTE_PROC, NOTE_REVIVE };

/* Something that will happen. */
struct note {
    uint64_t due_ns;
    uint64_t number; /* breaks ties */
    enum note_kind kind;
    uint32_t master; /* the life of the master it belongs to; 0: any */
    struct event event;
    struct command command;
    uint32_t left_out; /* COMMAND, of a start: bad records that it names */
    size_t index;      /* of the proc or worker */
};

struct world {
    uint64_t seed;
    struct rand rand;
    uint64_t now_ns;
    struct sched *sched;
    struct sched_options options;
    struct sched_output out;
    uint32_t master; /* which life */
    uint64_t restart_count, fact_check_count;
    bool is_restoring;  /* facts come that may end within a turn, and were checked before */
    struct fact *facts; /* the journal */
    size_t fact_count, fact_capacity;
    struct note *notes;
    size_t note_count, note_capacity;
    uint64_t note_number;
    struct proc *procs;
    size_t proc_count, proc_capacity;
    struct sim_worker workers[WORLD_WORKERS_MAX];
    uint32_t worker_count;
    struct sim_job jobs[WORLD_JOBS_MAX];
    uint32_t job_count;
};

void world_init(struct world *world, uint64_t seed);
void world_deinit(struct world *world);
bool world_has_ended(const struct world *world);
void world_turn(struct world *world);

/* Aborts unless each job ended as it had to, with what it had to. */
void world_check_ends(const struct world *world);

/* I10: restores the first `fact_count` facts and lets all go well from there: every job ends. */
void world_finish_prefix(const struct world *world, size_t fact_count);

/* Between world.c and world_end.c. */
struct digest world_reduce_digest(const struct sim_job *job, const struct proc *proc);
struct digest world_map_digest(const struct sim_job *job, uint32_t map, uint64_t attempt_id);
struct sim_job *world_job_of(struct world *world, uint64_t id);
struct proc *world_proc_of(const struct world *world, uint64_t attempt_id);
size_t world_task_slot(const struct sim_job *job, enum stage_kind stage, uint32_t task);
struct sched *world_restored(const struct world *world, size_t fact_count);
void world_journal(struct world *world, const struct fact *facts, size_t fact_count);
/* The same facts make the same state. */
void world_check_fold(struct world *world);

#endif
