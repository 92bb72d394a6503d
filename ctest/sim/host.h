/*
 * host: a machine with a worker: the real agent and the real fetch plans; made up are its disk, the
 * processes of its attempts and its segment server.
 *
 *     host = host_open(&cluster, node);
 *     host_start(host);                           the worker's process begins; runs of before
 *     host_opened, host_message, host_closed      are gone
 *     host_timer, host_attempt_step
 *     host_stop(host);                            it is gone, with all its attempts
 *
 * Its files: host.c drives the agent, host_attempt.c the attempts, host_fetch.c what a reduce
 * fetches, host_serve.c what others fetch.
 */
#ifndef CTEST_SIM_HOST_H
#define CTEST_SIM_HOST_H

#include "cluster.h"
#include "say.h"

/* A run on the disk. They are kept in the order in which they ended; a gone one keeps its place. */
struct host_run {
    uint64_t job_id, attempt_id;
    uint32_t task;
    bool is_forgotten; /* with its file */
    bool is_missing;   /* the file has vanished */
    bool is_rotten;    /* it is there, and not what was written */
};

enum proc_state {
    PROC_TOLD, /* its START is kept; it has no process */
    PROC_FETCHING,
    PROC_HOLDING,
    PROC_RUNNING,
    PROC_ENDING, /* killed, or has said all */
    PROC_ENDED,  /* what it said is kept */
};

/* What came of a map's segment so far: in the scratch file of a reduce. */
struct piece {
    uint64_t attempt_id, got;
    bool is_bad;
};

/* Where a reduce stands with one source: by its number in the plan. */
struct peer {
    uint64_t conn; /* 0: none */
    bool is_open;
    uint64_t request;       /* the last one */
    struct fetch_step step; /* which was this */
    bool is_said, takes;
    uint32_t map;  /* of the segment in hand, if it is taken ... */
    uint64_t left; /* ... and the bytes of it that are to come */
};

enum { HOST_PEERS_MAX = 256 };

struct proc {
    uint64_t job_id, attempt_id;
    enum stage_kind stage;
    uint32_t task, map_count;
    enum proc_state state;
    uint32_t steps_left;
    uint32_t left_out; /* bad records that it was told of */
    bool keeps_output; /* a run on this disk */
    bool has_run;      /* it was given a slot; it has it until its process has ended */
    bool is_mute;      /* it hangs, and says nothing */
    struct say result; /* what the agent's report says */
    struct fetch_plan *plan;
    uint64_t wake_ns;   /* of a step that is due */
    struct peer *peers; /* HOST_PEERS_MAX */
    struct piece pieces[CLUSTER_MAPS_MAX];
    uint64_t inputs[CLUSTER_MAPS_MAX];
};

struct host {
    struct cluster *cluster;
    uint32_t node, index;
    uint64_t incarnation;
    struct agent *agent; /* NULL: the worker's process does not live */
    struct agent_output out;
    uint64_t conn, conn_number; /* to the master; the agent's number for it; 0: none */
    struct say sources;         /* the last one heard */
    struct host_run *runs;
    size_t run_count, run_capacity;
    struct proc **procs; /* with a process, or a result that may be asked for */
    size_t proc_count, proc_capacity;
    bool disk_is_full;
    bool is_acting, wants_exit;
    uint64_t wake_ns; /* of the tick that is due */
};

struct host *host_open(struct cluster *cluster, uint32_t node);
void host_close(struct host *host);

void host_start(struct host *host);
void host_stop(struct host *host);
void host_drain(struct host *host);
void host_set_disk(struct host *host, bool is_full);

void host_opened(struct host *host, uint64_t conn);
void host_message(struct host *host, uint64_t conn, enum say_kind kind, const struct say *say);
void host_closed(struct host *host, uint64_t conn);
void host_timer(struct host *host);
void host_attempt_step(struct host *host, uint64_t attempt_id);

/* Between its files. */
void host_tell_agent(struct host *host, struct agent_event event);
void host_say_to_master(struct host *host, enum say_kind kind, struct say *say);
struct proc *proc_get(const struct host *host, uint64_t attempt_id);
void proc_add(struct host *host, const struct say *start);
void proc_start(struct host *host, struct proc *proc);
void proc_run(struct host *host, struct proc *proc);
void proc_kill(struct host *host, struct proc *proc);
void proc_remove(struct host *host, uint64_t attempt_id); /* nobody asks for it any more */
void proc_step_after(struct host *host, const struct proc *proc, uint64_t ns);

void fetch_start(struct host *host, struct proc *proc);
void fetch_stop(struct host *host, struct proc *proc);
void fetch_sources(struct host *host, struct proc *proc, const struct say *sources);
void fetch_go_on(struct host *host, struct proc *proc);
void fetch_check(const struct proc *proc);
void fetch_opened(struct host *host, uint64_t conn);
void fetch_message(struct host *host, uint64_t conn, enum say_kind kind, const struct say *say);
void fetch_closed(struct host *host, uint64_t conn);

void serve_message(struct host *host, uint64_t conn, const struct say *fetch);
void run_add(struct host *host, const struct proc *proc);
void run_delete(struct host *host, uint64_t attempt_id);
void run_delete_job(struct host *host, uint64_t job_id);

#endif
