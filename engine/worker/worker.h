/*
 * worker: the shell around the agent (worker/agent.h): a daemon that runs attempts for a master and
 * serves the runs of its maps to the reduces of others.
 *
 *     worker = worker_open(&options, nursery, &err);      locks its folder, opens the segment port
 *     rc = worker_run(worker, &err);                      until it has drained
 *     worker_close(worker);
 *
 * One thread, one event loop. What happens becomes events in a queue; the agent is stepped through
 * it and its actions are carried out, so all that is decided is decided there. Whether the master
 * is there when the worker starts does not matter: it tries again for as long as it lives.
 *
 * Every slot has an equal share of its memory. A worker whose slots have less than a small attempt
 * takes does not start, and an attempt whose limits are beyond a share is refused: both are said at
 * once, instead of by the kernel's killer of processes in the middle of a job.
 *
 * SIGTERM and SIGINT drain it (agent.h); a second one ends it at once. So does the notice that its
 * machine is about to be taken away: attempts then have WORKER_NOTICE_MS, of the machine's 30 s.
 *
 * Its folder: what storage.h says. Files of inputs and outputs are opened by the attempts under
 * the paths that the master names; with a root, only below it.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "base/err.h"
#include "rpc/tls.h"

#include <stdbool.h>
#include <stdint.h>

struct keys;
struct nursery;
struct worker;

enum {
    WORKER_SLOT_BYTES_MIN =
        128 << 20,                /* a sort buffer (64 MB by default), two processes, some Lua */
    WORKER_NOTICE_MS = 25 * 1000, /* then what is not done is handed back, in 5 s */
};

/* Strings are copied; NULL and 0 where not said otherwise: none. */
struct worker_options {
    const char *master;        /* "HOST:PORT" */
    const char *dir;           /* made if it is not there; storage.h */
    const char *listen;        /* the segment server: "HOST:PORT"; NULL: "127.0.0.1:0" */
    const char *segment_host;  /* where others reach it; NULL: where the master sees this worker */
    const char *name;          /* for people; NULL: the host's name */
    const char *root;          /* files of jobs are below it */
    const struct keys *keys;   /* with the secret; borrowed until worker_close() */
    bool key_is_given;         /* as in rpc/listener.h */
    enum tls_use tls;          /* to the master, and of its segment server */
    bool allow_unsafe;         /* runs jobs without a sandbox */
    uint32_t slots;            /* at least 1 */
    uint64_t memory_bytes;     /* of all its attempts; 0: what the machine has */
    uint64_t disk_limit_bytes; /* of its folder, scratch files of attempts with it */
    uint64_t drain_ns;         /* 0: nothing may go on after SIGTERM */
    const char *metadata;      /* "HOST:PORT" that says when the machine goes (notice.h) */
};

/* `nursery` is borrowed. NULL with *err (ERR_SETUP). */
struct worker *worker_open(const struct worker_options *options, const struct nursery *nursery,
                           struct err *err);

/* 0: it has drained. -1: the master refuses it for good (ERR_SETUP), or waiting failed. */
int worker_run(struct worker *worker, struct err *err);

/* Ends what still runs and removes its runs. NULL is fine. */
void worker_close(struct worker *worker);

#endif
