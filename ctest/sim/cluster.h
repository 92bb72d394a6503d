/*
 * cluster: a whole cluster under virtual time: the real scheduler (sched/), the real protocol of
 * workers (worker/agent.h) and the real plan of fetches (attempt/fetch_plan.h). Made up are the
 * network (net.h), the machines with their disks and attempts (host.h), the rest of the master
 * (boss.h), the client, and what goes wrong with all of them. One seed is one history.
 *
 *     cluster_setup_random(&setup, seed);        or a story of one's own
 *     cluster_init(&cluster, &setup);
 *     while (!cluster_has_ended(&cluster))
 *         cluster_turn(&cluster);                one thing happens; invariants are checked
 *     cluster_check_ends(&cluster);
 *     cluster_deinit(&cluster);
 *
 * Until setup.faults_end_ns things go wrong as often as setup.weather says. After that all goes
 * well, and every job must end within CLUSTER_PATIENCE_NS.
 *
 * What each attempt wrote and read is kept, so that a success is checked record by record.
 */
#ifndef CTEST_SIM_CLUSTER_H
#define CTEST_SIM_CLUSTER_H

#include "attempt/fetch_plan.h"
#include "bad.h"
#include "base/clock.h"
#include "base/rand.h"
#include "net.h"
#include "sched/sched.h"
#include "worker/agent.h"

enum {
    CLUSTER_WORKERS_MAX = 4,
    CLUSTER_JOBS_MAX = 3,
    CLUSTER_MAPS_MAX = 12,
    CLUSTER_REDUCES_MAX = 6,
    NODE_MASTER = 0,
    NODE_WORKER = 1,                                 /* the first one */
    NODE_SERVER = NODE_WORKER + CLUSTER_WORKERS_MAX, /* their segment servers */
    NODE_CLIENT = NODE_SERVER + CLUSTER_WORKERS_MAX,
};
#define CLUSTER_PATIENCE_NS (3600 * NS_PER_S)

/* How often, in a thousand, each kind of thing goes wrong when it could; all 0: never. */
struct weather {
    uint32_t conn_cut;       /* each message */
    uint32_t conn_mute;      /* of those: nobody learns of it for long */
    uint32_t worker_crash;   /* these: each look around */
    uint32_t worker_power;   /* of those: its peers are not told */
    uint32_t worker_restart; /* SIGTERM */
    uint32_t worker_sleep;
    uint32_t master_crash;
    uint32_t master_sleep;
    uint32_t parted;
    uint32_t disk_full;
    uint32_t run_lost;
    uint32_t run_rots;
    uint32_t job_cancelled;
    uint32_t crash_in_turn; /* each turn of the master: dies before or after it has journaled */
    uint32_t bytes_flip;    /* each piece of a segment */
    uint32_t server_busy;   /* each request for segments */
    uint32_t part_lost;     /* each name that a commit gives: the store has dropped the part */
    uint32_t attempt_fails; /* these: each step of an attempt */
    uint32_t attempt_limit;
    uint32_t attempt_raises;
    uint32_t attempt_dies;
    uint32_t attempt_hangs;
};

struct job_plan {
    uint32_t map_count, reduce_count, sample_count;
    struct job_rules rules;
    bool is_random; /* its maps answer differently each time */
    struct bad bad;
};

/* One blow at one moment: for trying them all. */
enum crash {
    CRASH_NONE,
    CRASH_MASTER_UNWRITTEN, /* it has decided, and written nothing */
    CRASH_MASTER_UNTOLD,    /* it has written, and told nobody */
    CRASH_MASTER,           /* between two turns */
    CRASH_WORKER,           /* the first; the next ones follow */
};

struct cluster_setup {
    uint64_t seed;
    struct weather weather;
    uint64_t faults_end_ns;
    uint32_t worker_count;
    uint32_t slots[CLUSTER_WORKERS_MAX];
    uint32_t slowness[CLUSTER_WORKERS_MAX]; /* 1: as others */
    uint32_t job_count;
    struct job_plan jobs[CLUSTER_JOBS_MAX];
    struct sched_options sched;
    uint64_t crash_at; /* which turn of the cluster, counted from 1 */
    uint32_t crash;    /* enum crash; CRASH_WORKER + n: the n-th worker */
    uint64_t back_ns;  /* so long after it crashed such a worker is there again */
    uint64_t
        sleep_at; /* which turn: then sleep_node does, for sleep_ns; a worker with its server */
    uint32_t sleep_node;
    uint64_t sleep_ns;
    uint64_t part_at; /* which turn: then no word passes between these two for an hour */
    uint32_t part_nodes[2];
    uint64_t strike_at;
    enum net_strike strike;
};

struct sim_job {
    struct job_plan plan;
    uint64_t id; /* 0: not accepted yet. The idempotency key is its number, and is journaled */
    bool has_ended, client_knows;
    struct fact end;                            /* FACT_JOB_ENDED */
    uint64_t map_attempts[CLUSTER_MAPS_MAX];    /* who completed it last; 0: nobody yet */
    uint64_t reduce_attempts[CLUSTER_MAPS_MAX]; /* who completed it; 0: nobody yet */
    uint64_t names[CLUSTER_MAPS_MAX];           /* whose part has the final name; 0: nobody's */
    uint32_t faults[3 + CLUSTER_MAPS_MAX + CLUSTER_REDUCES_MAX]; /* its own, injected, by task */
    struct bad bad;                                              /* of its plan, as journaled */
};

/* A part that a reduce wrote into the store, or what a map made: who made it of what. */
struct made {
    uint64_t attempt_id;
    uint64_t inputs[CLUSTER_MAPS_MAX]; /* reduce: the attempt whose segment it has */
    bool is_gone;                      /* the store has dropped it; never one that has its name */
};

struct host;
struct boss;

struct cluster {
    struct cluster_setup setup;
    struct queue queue;
    struct rand rand;
    struct net net;
    struct host *hosts[CLUSTER_WORKERS_MAX];
    struct boss *boss;
    struct sim_job jobs[CLUSTER_JOBS_MAX];
    uint64_t client_conn; /* 0: none */
    struct made *mades;   /* parts in the store */
    size_t made_count, made_capacity;
    struct fact *facts; /* the journal */
    size_t fact_count, fact_capacity;
    uint64_t epoch_last;
    uint64_t turn_count;
    uint64_t incarnation_last;
    uint64_t attempt_id_last;
    bool master_dies;  /* in this turn */
    uint64_t quiet_ns; /* since when the client knows of all ends */
    struct {
        uint64_t master_crashes, worker_crashes, attempts, cuts, joins, races;
    } tally;
};

void cluster_setup_random(struct cluster_setup *setup, uint64_t seed);
/* Two maps, two reduces, two workers; all goes well. */
void cluster_setup_small(struct cluster_setup *setup, uint64_t seed);
void cluster_init(struct cluster *cluster, const struct cluster_setup *setup);
void cluster_deinit(struct cluster *cluster);
bool cluster_has_ended(struct cluster *cluster); /* and some time has passed since */
void cluster_turn(struct cluster *cluster);

/* Aborts unless each job ended as it had to, with what it had to. */
void cluster_check_ends(const struct cluster *cluster);

/* I10: a new cluster, in which all goes well, restores the first `fact_count` facts: every job
 * that they know of ends. */
void cluster_finish_prefix(const struct cluster *cluster, size_t fact_count);

/* audit.c: the invariants. A turn's facts, about to be journaled; `event` is what it was about. */
void audit_facts(struct cluster *cluster, const struct event *event, const struct fact *facts,
                 size_t fact_count);
/* What a journal says has happened before the cluster begins. */
void audit_remember(struct cluster *cluster, const struct fact *facts, size_t fact_count);
/* Nothing runs, nothing is held, for jobs that have ended: some time after. */
void audit_leftovers(const struct cluster *cluster);

/* trace.c */
void trace_turn(const struct cluster *cluster, const struct event *event,
                const struct sched_output *out);
void trace_agent(const struct cluster *cluster, uint32_t worker, const struct agent_event *event,
                 const struct agent_output *out);
void trace_fetch(const struct cluster *cluster, uint64_t attempt_id, const struct fetch_step *step);
void trace_head(const struct cluster *cluster, uint64_t attempt_id, const struct fetch_head *head,
                enum fetch_use use);
void trace_word(const struct cluster *cluster, const char *word, uint32_t node);

/* For its parts: chance, as long as there are faults. */
bool cluster_fault(struct cluster *cluster, uint32_t per_thousand);
uint64_t cluster_some_ms(struct cluster *cluster, uint64_t ms_max);
bool cluster_dies_in_turn(struct cluster *cluster, enum crash crash); /* the master, here */
void cluster_timer(struct cluster *cluster, uint32_t node, uint64_t id, uint64_t after_ns);
/* A worker has drained: its process is gone, and later there is another. */
void cluster_worker_exits(struct cluster *cluster, uint32_t worker);
struct sim_job *cluster_job(struct cluster *cluster, uint64_t job_id); /* NULL: not one of ours */

#endif
