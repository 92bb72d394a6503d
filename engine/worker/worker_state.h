/*
 * worker_state: the inside of a worker, shared by the files of worker.h alone.
 *
 *     worker.c           opens and closes, the queue, the agent's actions, signals, the disk
 *     worker_link.c      the connection to the master: messages in and out
 *     worker_attempt.c   one attempt's process and what it says
 *     worker_start.c     what an attempt is started with, and what a worker refuses
 *     worker_blobs.c     bundles, parameters and side files: from the master into the folder
 *
 * One direction: what happens becomes an event in the queue; worker_pump() steps the agent until
 * the queue is empty; its actions start and kill attempts and send messages, and may queue events.
 * Every callback of the loop ends with worker_pump().
 */
#ifndef WORKER_WORKER_STATE_H
#define WORKER_WORKER_STATE_H

#include "attempt/attempt.h"
#include "rpc/blob.h"
#include "rpc/conn.h"
#include "worker/agent.h"
#include "worker/notice.h"
#include "worker/segment_server.h"
#include "worker/storage.h"
#include "worker/worker.h"

#include <assert.h>

enum {
    WORKER_SIGNAL_COUNT = 2,                  /* SIGTERM, SIGINT */
    WORKER_DISK_MS = 1000,                    /* between two looks at how full it is */
    WORKER_LOG_QUEUED_BYTES_MAX = 256 * 1024, /* lines of jobs are lost rather than the master */
    WORKER_CAPSULE_QUEUED_BYTES_MAX = 2 * 1024 * 1024, /* and so are capsules of failed attempts */
};

/* Of all blobs and copies of objects that are kept; those that attempts need are kept anyway. */
#define WORKER_BLOB_BYTES_MAX (2ULL * 1024 * 1024 * 1024)
static_assert(WORKER_BLOB_BYTES_MAX > (3ULL + CHILD_FILE_COUNT_MAX) * BLOB_BYTES_MAX,
              "those of one attempt are kept together");

/* From its START to AGENT_DROP_ATTEMPT. */
struct worker_attempt {
    struct worker *worker;
    struct worker_attempt *next;
    uint64_t id, job;
    uint32_t task;
    Mrlua__AttemptStart *start;
    struct attempt attempt;
    struct loop_event *readable; /* NULL: it has no process (yet) */
    bool waits_for_blobs;
    bool has_answered;         /* Done or Failed, or we have answered for it */
    bool is_killed;            /* what it still says is of no interest */
    Mrlua__Progress *progress; /* the last one; NULL: none yet */
    Mrlua__Fetched *fetched;   /* what is reported: */
    Mrlua__Done *done;
    Mrlua__Failed *failed;
    struct err failure; /* instead of `failed`, when this worker says so itself */
};

/* One that is on its way. */
struct worker_blob {
    struct worker_blob *next;
    uint8_t hash[BLOB_HASH_BYTES];
    int fd;         /* of its file, under another name; -1: nothing has come */
    uint64_t bytes; /* that have come */
    struct blob_hasher *hasher;
    bool came_damaged; /* once: it comes again, or the master says what is wrong with it */
};

/* The newest of one job. */
struct worker_sources {
    struct worker_sources *next;
    Mrlua__Sources *message;
};

struct worker {
    struct worker_options options; /* strings are its own */
    const struct nursery *nursery;
    uint64_t incarnation;
    struct loop *loop;
    struct loop_event *signals[WORKER_SIGNAL_COUNT];
    struct loop_event *timer;      /* a TICK is due */
    struct loop_event *disk_timer; /* only with a limit */
    struct notice *notice;         /* NULL: nobody tells */
    struct storage storage;
    struct segment_server *server;

    struct agent *agent;
    struct agent_output actions;
    struct agent_event *queue; /* events not stepped yet */
    size_t queue_count, queue_capacity;
    bool disk_is_full;
    uint64_t disk_look_due_ns; /* not before: a look takes a tenth of our time at most */

    struct conn *conn;
    uint64_t connection; /* the agent's number of it */
    uint64_t epoch;      /* of the master at its other end, once it has said welcome */

    struct worker_attempt *attempts;
    struct worker_blob *blobs;
    struct worker_sources *sources;
    Mrlua__Sources *passing; /* the message of the step, until the agent says what to do with it */

    bool has_drained;
    bool has_failed;
    struct err failure;
};

/* ---- worker.c ---- */

/* Adds an event; worker_pump() steps it. */
void worker_queue(struct worker *worker, const struct agent_event *event);
void worker_pump(struct worker *worker);

/* Is more in use than the limit, if there is one? A stat for each run that is held. */
void worker_look_at_disk(struct worker *worker);

/* Ends worker_run() with this error. */
void worker_fail(struct worker *worker, const struct err *err);

/* ---- worker_link.c ---- */

void worker_connect(struct worker *worker, uint64_t connection);
void worker_disconnect(struct worker *worker);
void worker_send_join(struct worker *worker);
void worker_send_heartbeat(struct worker *worker);
void worker_send_report(struct worker *worker, const struct agent_action *action);
void worker_send_output_lost(struct worker *worker, const struct agent_action *action);

/* Passes on what an attempt said; it is lost when nobody is there. */
void worker_send_log(struct worker *worker, uint64_t attempt_id, const char *text);
void worker_send_call(struct worker *worker, uint64_t attempt_id, Mrlua__StepCall *call);
void worker_forward(struct worker *worker, const struct frame *frame);

/* ---- worker_attempt.c ---- */

/* Takes `start`. */
struct worker_attempt *worker_attempt_add(struct worker *worker, Mrlua__AttemptStart *start);
struct worker_attempt *worker_attempt_find(const struct worker *worker, uint64_t attempt_id);

/* One line in the log, with what names the attempt; `reason` may be NULL. */
void worker_attempt_log(const struct worker_attempt *attempt, const char *event,
                        const struct err *reason);

/* Forks its process if all its blobs are here; asks for them if not. */
void worker_attempt_start(struct worker_attempt *attempt);

/* Blobs have come. */
void worker_attempts_go_on(struct worker *worker);

/* It has failed, and we say so: its process, if there is one, is told to end. */
void worker_attempt_fail(struct worker_attempt *attempt, const struct err *err);

/* Tells its process to end (attempt_kill()): AGENT_ATTEMPT_ENDED comes when it has. Of one without
 * a process it is queued at once. */
void worker_attempt_stop(struct worker_attempt *attempt);

/* Ends its process if there is one, waits for it, and releases everything. */
void worker_attempt_remove(struct worker_attempt *attempt);

/* Is it a map? Then its output stays here. */
bool worker_attempt_is_map(const struct worker_attempt *attempt);
bool worker_attempt_leaves_run(const struct worker_attempt *attempt); /* for reduces, here */
bool worker_attempt_leaves_part(const struct worker_attempt *attempt);
bool worker_attempt_is_reduce(const struct worker_attempt *attempt);

/* ---- worker_start.c ---- */

/* Starts attempt->attempt. 1: it runs. 0: blobs are awaited. -1: *err. */
int worker_start(struct worker_attempt *attempt, struct err *err);

/* Keeps the newest Sources of a job and passes them to its attempts. Takes `sources`. */
void worker_sources_keep(struct worker *worker, Mrlua__Sources *sources);
void worker_sources_drop(struct worker *worker, uint64_t job);

/* ---- worker_blobs.c ---- */

/* 1: appended to `out`. 0: it was asked for. -1: *err. An empty name is an empty blob. */
int worker_blob_read(struct worker *worker, const ProtobufCBinaryData *hash, struct buf *out,
                     struct err *err);

/* A side file of an attempt: sets `out` to where this machine has it. 1: there. 0: it was
 * asked for. Of an object: where the first attempt that needs it puts it; there is room. -1. */
int worker_side_file(struct worker *worker, const Mrlua__SideFile *file, struct buf *out,
                     struct err *err);

/* Asks for all that are on their way, from where they are. For a new connection. */
void worker_blobs_ask(struct worker *worker);

/* A piece came. */
void worker_blobs_take(struct worker *worker, const Mrlua__BlobData *data);
void worker_blobs_deinit(struct worker *worker);

#endif
