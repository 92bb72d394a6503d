/*
 * master_state: the inside of a master, shared by the files of master.h alone.
 *
 *     master.c            opens and closes, waits, signals, who is connected
 *     master_turn.c       events in, facts into the journal, commands out
 *     master_log.c        facts as lines of the log
 *     master_account.c    facts as numbers, and the timelines of jobs
 *     master_metrics.c    what /metrics says
 *     master_page.c       the page and what it asks for
 *     master_restore.c    the journal into a scheduler and jobs
 *     master_jobs.c       jobs: accepted, planned, ended
 *     master_info.c       what is told of them
 *     master_workers.c    workers: they join, are told, leave
 *     master_reports.c    what workers tell
 *     master_helpers.c    PLAN and COMMIT, which the master runs itself
 *     master_aborts.c     removes the outputs of jobs that failed
 *     master_drives.c     jobs of several steps: where their drivers run
 *     master_steps.c      ... and what these ask for
 *     master_clients.c    requests of users, and of workers for blobs
 *     master_watch.c      users who watch a job
 *     master_status.c     users who ask about one
 *     master_trail.c      what attempts leave for later, and who asks for it
 *
 * One direction: what is heard becomes an event in the queue; master_turn() steps the scheduler
 * until the queue is empty, commits, and then carries out the commands, which may queue events.
 */
#ifndef MASTER_MASTER_STATE_H
#define MASTER_MASTER_STATE_H

#include "attempt/attempt.h"
#include "format/publish.h"
#include "master/blobs.h"
#include "master/job_bad.h"
#include "master/job_effort.h"
#include "master/job_faults.h"
#include "master/job_log.h"
#include "master/job_plan.h"
#include "master/job_results.h"
#include "master/job_task.h"
#include "master/job_timeline.h"
#include "master/job_trail.h"
#include "master/journal.h"
#include "master/master.h"
#include "master/metrics.h"
#include "rpc/listener.h"
#include "sched/idtable.h"
#include "sched/list.h"
#include "sched/sched.h"

enum {
    MASTER_SIGNAL_COUNT = 2,
    MASTER_WATCH_MS = 100,       /* between two looks of a client at its job */
    MASTER_LATE_MS = 1000,       /* the loop slept for so long: sockets are read first ... */
    MASTER_REST_MS = 250,        /* ... for so long */
    MASTER_LINGER_MS = 5 * 1000, /* once: so long may clients take to leave */
    MASTER_LINGER_LOOK_MS = 10,  /* how often that is looked at */
    MASTER_PULSE_MS = 10 * 1000, /* helpers that have a process are alive */
    MASTER_TRAIL_MS = 1000,      /* what was printed is written once a second at least */
    MASTER_SOURCES_MS = 20,      /* between two tellings of who holds what */
    MASTER_WORKER_COUNT_MAX = 60000,
    MASTER_JOB_COUNT_MAX = 10000, /* live; more are refused */
    MASTER_DRIVER_COUNT_MAX = 32, /* on one worker, which takes no more (worker/agent.h) */
    MASTER_WATCH_COUNT_MAX = 64,  /* of one client */
    MASTER_JOB_BLOB_COUNT_MAX = 3 + CHILD_FILE_COUNT_MAX, /* its code and its side files */
    MASTER_TIMELINE_COUNT_MAX = 16, /* ended jobs whose attempts are remembered */
    MASTER_ABORT_AGAIN_COUNT = 8,   /* jobs that may have ended in one turn, and none be cleaned */
};

struct master;
struct master_worker;

/* Workers' outputs of one job: what a fetching reduce is told. */
struct master_source {
    uint32_t worker_id;
    uint64_t incarnation;
    uint32_t count; /* maps that ended there, those that are gone again too */
};

/* What a step had done when it ended. Not journaled: of one before a restart there are no tasks. */
struct master_step_stages {
    Mrlua__StageProgress map, reduce;
};

/* A job that lives. */
struct master_job {
    struct list link; /* master->jobs */
    struct master *master;
    uint64_t id;
    Mrlua__JobRecord *record;
    Mrlua__Done *plan_done; /* holds the plan; NULL before */
    struct publish publish;
    struct buf shuffle; /* gs://BUCKET/PREFIX/ of its maps' outputs; empty: they are on workers */
    struct buf reuse;   /* gs://BUCKET/PREFIX/ of those that are kept; empty: none are */
    struct job_results results;
    struct job_faults faults;
    struct job_bad bad;
    struct master_source *sources;
    size_t source_count;
    bool sources_changed;
    uint64_t stage_begun_ns[STAGE_COUNT], stage_ended_ns[STAGE_COUNT]; /* monotonic; 0: not yet */
    uint64_t begun_ns;                                                 /* monotonic */
    Mrlua__StepRecord **steps; /* of a job of several steps: those that have ended, in order */
    struct master_step_stages *step_stages; /* of each */
    uint32_t step_count, step_capacity;
    uint64_t change_count; /* moves when a watcher may see something new */
    struct job_log log;
    struct job_timeline timeline;
    struct trail trail;
    struct job_trail kept;    /* what goes there */
    struct job_effort effort; /* its work: of steps that have ended, or empty */
};

/* A live attempt. */
struct master_attempt {
    struct list by_master; /* master->attempts */
    struct master *master;
    uint64_t id, job_id;
    enum stage_kind stage;
    uint32_t task, worker_id;
    uint64_t begun_ns; /* monotonic: when this life of the master heard of it */
    uint64_t ran_ns;   /* of a reduce: when it got its slot; 0: it has none */
    Mrlua__Done *done; /* until the scheduler has taken it */
    struct buf plan;   /* PLAN: the same as it came, for the journal: packing it again takes time */
    double fraction;
    uint64_t records_in;
    bool has_fetched;

    /* Of a driver, which stands for the plan of its job. */
    bool is_driver;
    uint32_t driver_worker;   /* where it runs; 0: it waits for a worker */
    uint32_t step_waited_for; /* the step that it has asked for; 0: none */

    /* Of a helper. */
    struct attempt process;
    struct loop_event *readable; /* NULL: it has no process */
    bool has_answered, is_killed, works_on_store;
    bool pins, has_pinned; /* the side files of a driver, which starts when this has ended */
};

/* A worker that has joined in this life of the master. */
struct master_worker {
    uint32_t id;
    uint64_t incarnation;
    struct conn *conn;          /* NULL: cut off */
    char *name, *host;          /* where its segments are */
    uint32_t port, segment_tls; /* enum tls_use */
    uint32_t slots;
    uint64_t disk_free_bytes;
    uint64_t heard_ns;
    bool draining;
};

struct master_watch {
    uint64_t request_id, job_id;
    uint64_t change_seen;
    uint32_t step_seen; /* of a job of several: told how it ended */
    uint64_t line_seen; /* of the job's log */
};

/* A connection. */
struct master_peer {
    struct list link; /* master->peers */
    struct master *master;
    struct conn *conn;
    struct master_worker *worker; /* once it has joined */
    struct master_watch *watches;
    size_t watch_count;
};

/* What leaves when the turn is committed: a command, or the answer to a report or a request. */
struct master_letter {
    enum { LETTER_COMMAND, LETTER_HEARD, LETTER_ACCEPTED } kind;
    struct command command;
    uint32_t worker_id; /* HEARD */
    uint64_t attempt_id;
    enum message_type report;
    uint64_t job_id, request_id; /* ACCEPTED */
    struct master_peer *peer;    /* ACCEPTED; NULL: it has left */
};

/* What the log is to say. */
struct master_line {
    struct fact fact;
    bool is_with_worker;        /* an attempt that ended because its worker was lost */
    uint32_t attempts, outputs; /* of a lost worker, as far as jobs that live have them */
};

/* A job that has ended, as the journal has it. */
struct master_past {
    uint64_t job_id;
    Mrlua__JobHistory *history;
    struct job_log log;           /* empty when it ended in an earlier life of the master */
    struct job_timeline timeline; /* of the last MASTER_TIMELINE_COUNT_MAX jobs */
    uint64_t begun_ns;            /* monotonic: where the timeline begins */
};

struct master {
    const struct nursery *nursery;
    const struct keys *keys;
    char *root;         /* NULL: files of jobs may be anywhere ... */
    char *state_folder; /* ... but here */
    char *sums_folder;  /* in it: checksums of inputs, for jobs with --reuse (store/sums.h) */
    bool once, has_ended, has_succeeded; /* a job has, in this life */
    struct loop *loop;
    struct loop_event *signals[MASTER_SIGNAL_COUNT];
    struct loop_event *sched_timer, *turn_timer, *watch_timer, *linger_timer, *pulse_timer,
        *sources_timer, *trail_timer;
    bool trail_timer_runs;
    uint64_t tick_due_ns;
    uint64_t tick_rest_ns; /* not before: we slept, and read first what was sent; 0: no rest */
    uint64_t linger_until_ns;
    uint64_t sources_due_ns; /* not before: who holds what is told in batches */
    struct listener *listener;
    struct journal *journal;
    struct blobs blobs;
    struct sched *sched;
    struct sched_output decisions;
    uint64_t epoch;
    struct fact epoch_fact; /* the last one */
    struct event *queue;
    size_t queue_count, queue_capacity;
    struct master_letter *letters;
    size_t letter_count, letter_capacity;
    struct master_line *unlogged; /* of the turn in hand, to be said when it is committed */
    size_t unlogged_count, unlogged_capacity;
    bool is_durable; /* the turn in hand */
    bool is_turning;
    bool has_failed; /* the journal cannot be written */
    bool has_pinned; /* an attempt has, and has ended (master_drives_begin) */
    struct err err;
    struct metrics_totals totals;
    uint64_t started_ns; /* wall clock */
    struct list jobs;
    struct idtable jobs_by_id;
    uint64_t job_id_last;
    struct master_past *past; /* oldest first */
    size_t past_count, past_capacity;
    struct list attempts;
    struct list aborts; /* outputs that are being removed */
    struct idtable attempts_by_id;
    struct master_worker **workers; /* by id; NULL: nobody */
    uint32_t worker_capacity;
    struct list peers;
    struct master_page *page; /* NULL: there is none */
};

/* ---- master.c ---- */

/* The connection of the worker has ended, or is of no use. */
void master_peer_close(struct master_peer *peer);
extern const struct conn_ops MASTER_CONN_OPS;

/* ---- master_turn.c ---- */

/* Adds an event; a turn follows soon. */
void master_queue(struct master *master, const struct event *event);
void master_post(struct master *master, const struct master_letter *letter);

/* Tells who watches that a job has ended, and its output is as it stays. */
void master_job_over(struct master *master, uint64_t job_id, bool has_succeeded);

/* Takes the turn now. */
void master_turn(struct master *master);

/* The event `kind` of an attempt, filled as far as every such event is. */
struct event master_event(const struct master_attempt *attempt, enum event_kind kind);

/* The attempt has failed: what it said is kept, the scheduler is told. */
void master_attempt_failed(struct master_attempt *attempt, const Mrlua__Error *error);

struct master_attempt *master_attempt_add(struct master *master, const struct command *command);
struct master_attempt *master_attempt_find(const struct master *master, uint64_t id);
void master_attempt_remove(struct master_attempt *attempt);

/* ---- master_log.c ---- */

/* One line per fact, and per attempt of a lost worker: what happened to a job, a task, a worker.
 * keep() comes before the fact has changed anything. Lines are kept until their turn is committed:
 * what the log says, a restart knows. */
void master_log_keep(struct master *master, const struct fact *fact);
void master_log_say(struct master *master);

/* ---- master_account.c ---- */

/* Counts the fact, before it has changed anything. */
/* `left`: it and those after it in its step. */
void master_account(struct master *master, const struct fact *fact, size_t left);

/* The same, with what the job has done so far. */
void master_job_effort(const struct master_job *job, struct job_effort *out);

/* ---- master_metrics.c ---- */

/* Appends what /metrics answers. */
void master_metrics(const struct master *master, struct buf *out);

/* ---- master_restore.c ---- */

/* What a fact's row holds: the fact, and what the shell keeps with it (may be empty). */
void master_pack_fact(const struct fact *fact, struct slice extra, struct buf *out);

/* Reads the journal, restores the scheduler and takes its first step. */
int master_restore(struct master *master, struct err *err);

/* ---- master_jobs.c ---- */

struct master_job *master_job_find(const struct master *master, uint64_t id);

/* Takes `record`. Does not claim. */
struct master_job *master_job_add_take(struct master *master, uint64_t id,
                                       Mrlua__JobRecord *record);
void master_job_remove(struct master_job *job);

/* It has ended: its blobs may go, if no other job names them (blobs.h). */
void master_job_leave_blobs(const struct master_job *job);

/* Does a job name it: one that lives, or as its code or params one that has ended? */
bool master_blob_is_named(const struct master *master, const uint8_t hash[BLOB_HASH_BYTES]);

/* The hashes of all blobs that a job names. Returns how many. */
size_t master_submit_blobs(const Mrlua__JobSubmit *submit,
                           const uint8_t *out[MASTER_JOB_BLOB_COUNT_MAX]);

void master_blobs_expire(struct master *master, uint64_t now_ns);

/* Takes `done`. */
void master_job_plan_take(struct master_job *job, Mrlua__Done *done);

/* What the plan has found the job's side files to be, in its record: its steps read them so. */
void master_job_pin(struct master_job *job, const Mrlua__Plan *plan);

/* Tries of a task, as it was submitted. */
uint32_t master_job_attempts_max(const Mrlua__JobSubmit *submit);

/* An attempt of it failed: how many records it is to set aside for that (master/job_bad.h).
 * `is_sure`: the journal says that it did. */
uint32_t master_job_report_bad(struct master_job *job, const struct fact *attempt,
                               const Mrlua__Error *error, bool is_sure);

/* What its tasks are made from; borrowed from the job. */
struct job_outputs master_job_outputs(const struct master_job *job);
struct job_source master_job_source(const struct master_job *job);

/* Keeps who holds its maps. */
void master_job_note_source(struct master_job *job, const struct fact *fact);
void master_job_drop_source(struct master_job *job, uint32_t worker_id, uint64_t incarnation);

/* By idempotency key: the job's number, ended or not; 0: there is none. */
uint64_t master_job_by_key(const struct master *master, const char *key);

/* Keeps a job that has ended. Takes `history`. */
void master_past_add_take(struct master *master, uint64_t job_id, Mrlua__JobHistory *history);
/* Of a job that ended long ago, now that one more has. */
void master_past_drop_timeline(struct master *master);
struct master_past *master_past_find(const struct master *master, uint64_t job_id);

/* The lowest number of a job that lives or is remembered; 1: there is none. */
uint64_t master_oldest_job(const struct master *master);

/* How much of a JobInfo is filled. */
enum info_extent {
    INFO_LISTED,  /* one of many */
    INFO_WATCHED, /* ... and what its functions have counted so far */
    INFO_WHOLE,   /* all, with its parts */
};

/* The job as it stands, packed as JobInfo. */
void master_job_info(const struct master_job *job, enum info_extent extent, struct buf *out);

/* Of a step: what its maps and reduces have done so far. */
void master_info_step(const struct master_job *step, struct master_step_stages *out);

/* ---- master_workers.c ---- */

struct master_worker *master_worker_find(const struct master *master, uint32_t id);

void master_worker_join(struct master_peer *peer, const Mrlua__WorkerJoin *join);
void master_worker_cut(struct master_worker *worker);

/* The event `kind` of a worker. */
struct event master_worker_event(const struct master_worker *worker, enum event_kind kind);

/* Tells the scheduler how many slots there are, and the worker that a report was heard. */
void master_queue_slots(struct master *master, const struct master_worker *worker);
void master_post_heard(struct master *master, const struct master_worker *worker,
                       uint64_t attempt_id, enum message_type report);

/* Commands to a worker; nothing is sent to one that is cut off. */
void master_worker_command(struct master *master, const struct command *command);
void master_worker_heard(struct master *master, const struct master_letter *letter);
void master_workers_job_over(struct master *master, uint64_t job_id);

/* Sources to whom it may concern, of all jobs whose sources have changed; or soon, when they were
 * told a moment ago: a stage of many maps would else be told a million times. */
void master_workers_sources(struct master *master);
void master_workers_close(struct master *master);

/* ---- master_reports.c ---- */

/* A message of a worker. */
void master_worker_hears(struct master_peer *peer, const struct frame *frame);

/* ---- master_helpers.c ---- */

void master_helper_start(struct master *master, const struct command *command);
void master_helper_stop(struct master_attempt *attempt);

/* Says of each helper that it lives: its process says nothing while a folder is slow. */
void master_helpers_pulse(struct master *master);
void master_helpers_close(struct master *master);

/* ---- master_aborts.c ---- */

/* Begins to remove the output of a job that has ended without success, and takes job->publish from
 * it. master_job_over() is called in the end, or before this returns. */
void master_abort_begin(struct master *master, struct master_job *job);

/* A helper of the job has ended: an abort that waits for the last one starts. */
void master_abort_go_on(struct master *master, uint64_t job_id);

/* Once more for jobs that ended in an earlier life: its master may have been killed before the
 * output was cleaned. On gs:// for the newest of them only, a process each. */
void master_aborts_again(struct master *master);

/* Who watches the job then is told nothing before it is done. */
bool master_abort_runs(const struct master *master, uint64_t job_id);

/* Ends the processes and does what they have not done. */
void master_aborts_close(struct master *master);

/* ---- master_drives.c ---- */

/* Starts the driver of the job, or lets it wait for a worker. */
void master_drive_start(struct master *master, struct master_attempt *attempt);
void master_drive_stop(struct master_attempt *attempt);

/* Must its side files be looked up before? Then a helper does that, and says what they are. */
bool master_drive_must_pin(const struct master_job *job);
int master_drive_pin(const struct master *master, const struct master_job *job,
                     struct master_attempt *attempt, struct err *err);
void master_drive_pinned(struct master_attempt *attempt, const Mrlua__Done *done,
                         struct slice packed);

/* That helper has ended: the driver begins behind the turn that writes what it has found. */
void master_drive_ready(struct master_attempt *attempt);
void master_drives_begin(struct master *master);

/* There may be room for drivers that wait. */
void master_drives_go_on(struct master *master);

/* The connection to a worker is gone, and with it what runs there of drivers. */
void master_drives_cut(struct master *master, const struct master_worker *worker);

/* It has answered: with its last step the job is done. */
void master_drive_done(struct master_attempt *attempt);

/* The output has its name: what is between the steps is removed, instead of a commit. */
int master_drive_commit(const struct master *master, const struct master_job *job,
                        struct attempt *process, struct err *err);

/* Where the folders of its steps are: "gs://.../", or a folder with a slash. Appended to `out`. */
void master_drive_folder(const Mrlua__JobSubmit *submit, const char *publish_id, struct buf *out);

/* ---- master_steps.c ---- */

/* A call of a driver. */
void master_step_called(struct master_peer *peer, const Mrlua__AttemptCall *message);

/* A job has ended: if it is a step, its parent keeps how, in the journal too ... */
void master_step_note(struct master *master, const struct master_job *step);
/* ... and when that is committed, its driver is told. */
void master_step_over(struct master *master, const Mrlua__JobStep *step);

/* Keeps a step of the job that has ended. Takes `record`. */
void master_step_take(struct master_job *job, Mrlua__StepRecord *record);

/* A helper of this job has. Of a step whose job is over: a commit is not cancelled while it runs,
 * so it was let to its end; what the steps have left can be removed now. */
void master_step_helper_ended(struct master *master, uint64_t job_id);

/* The step of this job that runs; NULL: none. */
struct master_job *master_step_running(const struct master_job *job);

/* The job is over: so are its steps. */
void master_steps_cancel(struct master *master, uint64_t job_id);

/* ---- master_clients.c ---- */

/* What a client may submit; ERR_SETUP, ERR_RETRY. */
int master_submit_check(const struct master *master, const Mrlua__JobSubmit *submit,
                        struct err *err);

/* Journals the job, takes its record and tells the scheduler. The job's number. */
uint64_t master_job_accept_take(struct master *master, Mrlua__JobRecord *record);

void master_client_hears(struct master_peer *peer, const struct frame *frame);

void master_clients_accepted(struct master *master, const struct master_letter *letter);

void master_answer_error(struct master_peer *peer, uint64_t request_id, const struct err *err);
void master_answer_no_job(struct master_peer *peer, uint64_t request_id, uint64_t job_id);

/* The job as it is or was; NULL: there is none. Release with message_free(). */
Mrlua__JobInfo *master_info_of(const struct master *master, uint64_t job_id,
                               enum info_extent extent);

/* Each worker of which anything is left; `info` is good for the call. */
void master_info_workers(const struct master *master,
                         void (*see)(void *context, const Mrlua__WorkerInfo *info), void *context);

/* ---- master_status.c ---- */

/* What the job is or was asked for (master/job_facts.h); NULL: it is not known. Release with
 * message_free(). */
Mrlua__JobFacts *master_facts_of(const struct master *master, uint64_t job_id);

/* A JobStatus. */
void master_status_take(struct master_peer *peer, const struct frame *frame);

/* ---- master_page.c ---- */

/* -1: *err (ERR_SETUP). close() is safe when it is not open. */
int master_page_open(struct master *master, const char *host_port, struct err *err);
void master_page_close(struct master *master);

/* ---- master_trail.c ---- */

/* Writes what jobs have printed. */
void master_trails_write(struct master *master);

void master_trail_open(struct master_job *job);
void master_trail_close(struct master_job *job);

/* What an attempt has printed; what it failed on. */
void master_trail_print(const struct master_attempt *attempt, struct master_job *job,
                        const char *text);
void master_trail_keep(const struct master_attempt *attempt, struct master_job *job,
                       const struct err *err, const Mrlua__Error *error, const char *detail);

/* Appends how to look into the failure that ended the job. */
void master_trail_advise(const struct master_job *job, const struct job_progress *progress,
                         enum err_kind kind, struct buf *detail);

/* Answers a TrailGet. */
void master_trail_take(struct master_peer *peer, const struct frame *frame);

/* ---- master_watch.c ---- */

void master_watch_take(struct master_peer *peer, const struct frame *frame);

/* Tells all watchers what is new since the last look; and that a job has printed, or has ended. */
void master_watch_look(struct master *master);
void master_watch_log(struct master *master, struct master_job *job, const char *text);

/* The same of a sentence about what happens to the job; of a step who watches its job is told. */
void master_watch_notice(struct master *master, struct master_job *job, const char *text);
void master_watch_job_ended(struct master *master, uint64_t job_id);

/* A step of the job has. Each is told, however short it was. */
void master_watch_step_ended(struct master *master, const struct master_job *job);

#endif
