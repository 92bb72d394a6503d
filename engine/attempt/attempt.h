/*
 * attempt: one try at one task, start to end, as the shells see it.
 *
 *     struct attempt attempt;
 *     rc = attempt_start(nursery, &start, &attempt, &err);
 *     ... when attempt.fd is readable:
 *     while ((rc = attempt_read(&attempt, &frame, &err)) == 1)
 *         use(&frame);                       rpc/message.h names the types and their messages
 *     if (rc == -1)
 *         attempt_end(&attempt);
 *
 * The shell hears Started (once the job's Lua has a process), Progress (about ten a second), Log,
 * and then, last, exactly one of Done and Failed; after it, or when the attempt's process died
 * without a word, attempt_read() answers -1. Every failure arrives as Failed with a kind the
 * scheduler can act on: nothing that a job does makes attempt_read() itself fail.
 *
 * A reduce whose `start` says waits_when_fetched also says Fetched, when it holds a segment of
 * every map, and goes on when attempt_run() tells it to: until then it has no child.
 *
 * A reduce of a cluster (start.fetch is there) gets its segments from workers. attempt_sources()
 * tells it who holds maps, each time all of them; a segment that cannot be had it tells as
 * OutputLost, again every 10 s, and goes on: it ends only when it has all or is killed. OutputLost
 * with attempt 0 names a worker of which nothing can be had.
 *
 * A DRIVE says StepCall when it wants a step run, one at a time, and waits for
 * attempt_answer_step().
 *
 * An attempt is two processes. The trusted one is forked here; it opens inputs and results, and
 * watches deadlines. The vm child runs the job's Lua in its sandbox and opens nothing. Neither
 * outlives the shell. PLAN, COMMIT and ABORT are run by the trusted process itself; a plan reads
 * "-" from the shell's standard input. Claiming the output folder is the shell's
 * (format/publish.h): a claim is held by a process that lives as long as the job.
 *
 * A result file exists only while its attempt may succeed: one that fails or is killed removes
 * what it made, and where it could not (it was killed by a signal) attempt_end() does. After Done
 * the file is the shell's.
 *
 * An attempt that is told to stop and does not (it is stopped by a signal, or a disk does not
 * answer) is killed after ATTEMPT_END_MS. Signals go to children that are not waited for yet, so
 * none meets a process that has taken the number of another: the shell kills the trusted process,
 * the nursery, which is woken for it, the vm child. Of the vm child's end the shell does not hear
 * then; it comes at once, unless the kernel holds it in a call that cannot be interrupted.
 */
#ifndef ATTEMPT_ATTEMPT_H
#define ATTEMPT_ATTEMPT_H

#include "attempt/nursery.h"
#include "base/buf.h"
#include "base/err.h"
#include "rpc/frame.h"
#include "rpc/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    ATTEMPT_LOAD_MS_MAX = 10 * 1000, /* a job file is a table of functions: it loads at once */
    ATTEMPT_PROGRESS_MS = 100,       /* between two Progress messages, and two looks at the page */
    /* From being told to stop to SIGKILL. The loser of a race is to be gone a second after the
     * winner; one that answers needs some milliseconds, and what it would do others can do. */
    ATTEMPT_END_MS = 500,
};

struct loop;
struct loop_event;

struct attempt {
    const struct nursery *nursery;
    pid_t pid;             /* of the trusted process */
    int fd;                /* non-blocking; readable when attempt_read() has something to say */
    bool has_answered;     /* Done or Failed was read: nothing follows */
    struct buf unanswered; /* path of the result of one that has not answered; empty: none */
    uint64_t end_due_ns;   /* 0: it was not told to stop */
    struct loop_event *end_timer;
    struct frame_decoder decoder;
    struct buf sending; /* a message on its way to it, from `sent` on */
    size_t sent;
    struct buf next_sources; /* the newest that did not fit, packed as a frame; empty: none */
};

/* Forks the trusted process. `start` is borrowed for the call, `nursery` until attempt_end().
 * 0 or -1 (ERR_RETRY). */
int attempt_start(const struct nursery *nursery, const Mrlua__TaskStart *start,
                  struct attempt *attempt, struct err *err);

/* 1: *frame is the next message, good until the next call. 0: nothing more for now.
 * -1: the attempt has ended; nothing will follow. *err matters only if it ended without Done and
 * Failed (ERR_RETRY: "the attempt's process ended unexpectedly"). */
int attempt_read(struct attempt *attempt, struct frame *frame, struct err *err);

/* Lets a reduce that has said Fetched go on. 0, or -1: it has ended (attempt_read() says how). */
int attempt_run(struct attempt *attempt, struct err *err);

/* Answers the StepCall of a DRIVE. 0, or -1: it has ended (attempt_read() says how). */
int attempt_answer_step(struct attempt *attempt, const Mrlua__StepAnswer *answer, struct err *err);

/* Tells a fetching reduce who holds maps of its job. Never blocks: if the attempt is slow to hear,
 * the newest is kept and sent from attempt_read(). An attempt that does not fetch any more, or has
 * ended, does not mind. */
void attempt_sources(struct attempt *attempt, const Mrlua__Sources *sources);

/* Tells it to stop: it kills its child, removes its files and ends without another word, and a
 * timer of `loop` kills it if it has not done so after ATTEMPT_END_MS. Returns at once; go on
 * reading until -1. Without a loop (NULL) only attempt_end() kills. */
void attempt_kill(struct attempt *attempt, struct loop *loop);

/* Ends it if it has not ended, waits for its process and releases everything. It blocks for
 * ATTEMPT_END_MS from attempt_kill() on at most, and then until SIGKILL has worked. Safe on a
 * zeroed struct whose fd is -1, and when it was called before. */
void attempt_end(struct attempt *attempt);

/* What loading a job file needs. All borrowed. */
struct attempt_load {
    struct slice bundle; /* value codec: {main = path, files = {[path] = source}} */
    struct slice params; /* value codec: a table */
    uint64_t memory_bytes;
    uint64_t deadline_ms; /* 0: ATTEMPT_LOAD_MS_MAX */
    bool unsafe;          /* full libraries, no sandbox: only when the user allowed it */
};

/* Loads a job file in a vm child and waits for it. Appends the checked job table (value codec) to
 * `view`, and on failure what a user can act on (traceback, many lines, may be empty) to `detail`.
 * Every line that the file prints goes to `log`, which may be NULL. 0 or -1. */
int attempt_load_job(const struct nursery *nursery, const struct attempt_load *load,
                     struct buf *view, struct buf *detail, struct buf *log, struct err *err);

#endif
