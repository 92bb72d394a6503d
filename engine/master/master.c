#include "master/master.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/master_state.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

/* ---- connections ---- */

static void on_opened(void *context, struct conn *conn)
{
    struct master *master = context;
    struct master_peer *peer = mem_alloc(sizeof *peer);

    *peer = (struct master_peer){.master = master, .conn = conn};
    list_init(&peer->link);
    list_append(&master->peers, &peer->link);
    conn_set_context(conn, peer);
}

static void on_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct master_peer *peer = context;

    if (peer->master->has_failed)
        return; /* what is said to a master that cannot write has not been heard */
    if (conn_role(conn) == ROLE_WORKER && frame->type != MESSAGE_BLOB_GET)
        master_worker_hears(peer, frame);
    else
        master_client_hears(peer, frame);
}

/* The connection is gone already. */
static void forget_peer(struct master_peer *peer)
{
    struct master *master = peer->master;
    struct event cut = {.kind = EVENT_WORKER_RESET};

    for (size_t i = 0; i < master->letter_count; i++)
        if (master->letters[i].peer == peer)
            master->letters[i].peer = NULL;
    if (peer->worker) {
        cut.worker_id = peer->worker->id;
        cut.incarnation = peer->worker->incarnation;
        master_worker_cut(peer->worker);
        master_drives_cut(master, peer->worker);
        master_queue(master, &cut);
    }
    list_remove(&peer->link);
    free(peer->watches);
    free(peer);
}

static void on_closed(void *context, struct conn *conn, const struct err *err)
{
    (void)conn, (void)err;
    forget_peer(context);
}

void master_peer_close(struct master_peer *peer)
{
    conn_close(peer->conn);
    forget_peer(peer);
}

const struct conn_ops MASTER_CONN_OPS = {
    .opened = on_opened,
    .message = on_message,
    .closed = on_closed,
};

/* ---- timers and signals ---- */

static void on_signal(void *context)
{
    struct master *master = context;

    loop_break(master->loop);
}

static void on_turn(void *context)
{
    master_turn(context);
}

/* After a sleep of our own what was sent meanwhile is read first: nobody was silent. */
static void on_sched(void *context)
{
    struct master *master = context;
    struct event tick = {.kind = EVENT_TICK};
    uint64_t now_ns = clock_monotonic_ns();

    if (!master->tick_rest_ns && now_ns > master->tick_due_ns + MASTER_LATE_MS * NS_PER_MS) {
        master->tick_rest_ns = now_ns + MASTER_REST_MS * NS_PER_MS;
        loop_timer_start(master->sched_timer, MASTER_REST_MS * NS_PER_MS);
    } else if (now_ns >= master->tick_rest_ns) {
        master->tick_rest_ns = 0;
        master_queue(master, &tick);
    } else {
        loop_timer_start(master->sched_timer, master->tick_rest_ns - now_ns);
    }
}

static void on_watch(void *context)
{
    master_watch_look(context);
}

static void on_pulse(void *context)
{
    struct master *master = context;

    master_helpers_pulse(master);
    master_blobs_expire(master, clock_monotonic_ns());
    loop_timer_start(master->pulse_timer, MASTER_PULSE_MS * NS_PER_MS);
}

static void on_trail(void *context)
{
    master_trails_write(context);
}

static void on_sources(void *context)
{
    master_workers_sources(context);
}

/* Once: clients take what they are told, and leave. */
static void on_linger(void *context)
{
    struct master *master = context;
    bool is_busy = false;

    for (struct list *at = master->peers.next; at != &master->peers; at = at->next) {
        const struct master_peer *peer = CONTAINER_OF(at, struct master_peer, link);

        is_busy = is_busy || !peer->worker || conn_output_bytes(peer->conn) > 0;
    }
    if (!is_busy || clock_monotonic_ns() >= master->linger_until_ns)
        loop_break(master->loop);
    else
        loop_timer_start(master->linger_timer, MASTER_LINGER_LOOK_MS * NS_PER_MS);
}

static int open_loop(struct master *master, struct err *err)
{
    static const int signals[MASTER_SIGNAL_COUNT] = {SIGINT, SIGTERM};

    master->loop = loop_open(err);
    if (!master->loop)
        return -1;
    for (int i = 0; i < MASTER_SIGNAL_COUNT; i++) {
        master->signals[i] = loop_signal_open(master->loop, signals[i], on_signal, master, err);
        if (!master->signals[i])
            return -1;
    }
    master->sched_timer = loop_timer_open(master->loop, on_sched, master);
    master->turn_timer = loop_timer_open(master->loop, on_turn, master);
    master->watch_timer = loop_timer_open(master->loop, on_watch, master);
    master->linger_timer = loop_timer_open(master->loop, on_linger, master);
    master->pulse_timer = loop_timer_open(master->loop, on_pulse, master);
    master->sources_timer = loop_timer_open(master->loop, on_sources, master);
    master->trail_timer = loop_timer_open(master->loop, on_trail, master);
    loop_timer_start(master->pulse_timer, MASTER_PULSE_MS * NS_PER_MS);
    return 0;
}

/* ---- open, run, close ---- */

/* 2020-01-01: attempt ids, epoch * 2^32, are below 2^63 to 2088. */
enum { EPOCH_BEGIN_S = 1577836800 };

static uint64_t epoch_now(void)
{
    uint64_t now_s = clock_realtime_ns() / NS_PER_S;
    uint64_t epoch = now_s > EPOCH_BEGIN_S ? now_s - EPOCH_BEGIN_S : 0;

    return epoch < INT32_MAX ? epoch : 0; /* a clock that is out of all reason is no help */
}

static int listen_at(struct master *master, const struct master_options *options, struct err *err)
{
    struct listener_options listener = {
        .conn = {.keys = options->keys,
                 .tls = options->tls,
                 .roles_accepted =
                     ROLE_BIT(ROLE_SUBMIT) | ROLE_BIT(ROLE_WORKER) | ROLE_BIT(ROLE_READ),
                 .epoch = master->epoch},
        .key_is_given = options->key_is_given,
    };

    master->listener =
        listener_open(master->loop, options->listen, &listener, &MASTER_CONN_OPS, master, err);
    return master->listener ? 0 : -1;
}

static void open_sched(struct master *master, bool fifo)
{
    struct sched_options options;

    sched_options_cluster(&options);
    options.order = fifo ? SCHED_FIFO : SCHED_FAIR;
    options.seed = clock_realtime_ns();
    options.epoch_min = epoch_now();
    master->sched = sched_open(&options);
}

/* Another master of this machine may have the port that is taken when nobody says another. */
static int show_page(struct master *master, const struct master_options *options, struct err *err)
{
    if (!options->http || master_page_open(master, options->http, err) == 0)
        return 0;
    master_page_close(master);
    if (!options->http_may_fail)
        return -1;
    log_event(SEVERITY_WARNING, "page_left_out", log_text("reason", err->message));
    return 0;
}

/* From the root: the helper that makes a plan works in the folder of the job's inputs. */
static int open_state(struct master *master, struct err *err)
{
    struct buf sums = {0};
    char *folder;

    master->journal = journal_open(master->state_folder, err);
    if (!master->journal)
        return -1;
    folder = realpath(master->state_folder, NULL);
    if (!folder)
        return err_set_errno(err, ERR_SETUP, "state folder %s", master->state_folder);
    buf_printf(&sums, "%s/reuse", folder);
    buf_string(&sums);
    master->sums_folder = sums.ptr;
    free(folder);
    return 0;
}

struct master *master_open(const struct master_options *options, const struct nursery *nursery,
                           struct err *err)
{
    struct master *master = mem_alloc(sizeof *master);

    master->nursery = nursery;
    master->keys = options->keys;
    master->once = options->once;
    master->started_ns = clock_realtime_ns();
    master->root = options->root ? mem_strdup(options->root) : NULL;
    master->state_folder = mem_strdup(options->state_folder);
    list_init(&master->jobs);
    list_init(&master->attempts);
    list_init(&master->aborts);
    list_init(&master->peers);
    open_sched(master, options->fifo);
    if (open_loop(master, err) == 0 && open_state(master, err) == 0 &&
        blobs_init(&master->blobs, options->state_folder, err) == 0 &&
        master_restore(master, err) == 0 && listen_at(master, options, err) == 0 &&
        show_page(master, options, err) == 0)
        return master;
    master_close(master);
    return NULL;
}

/* Processes end before the lock is given up: whoever comes next finds nobody at work. */
void master_close(struct master *master)
{
    struct master_peer *peer;
    struct master_job *job;

    if (!master)
        return;
    master->has_failed = true; /* no more turns */
    while ((peer = LIST_FIRST(&master->peers, struct master_peer, link))) {
        peer->worker = NULL;
        conn_close(peer->conn);
        forget_peer(peer);
    }
    master_page_close(master);
    listener_close(master->listener);
    master_helpers_close(master);
    master_aborts_close(master);
    journal_close(master->journal);
    while ((job = LIST_FIRST(&master->jobs, struct master_job, link)))
        master_job_remove(job);
    for (size_t i = 0; i < master->past_count; i++) {
        message_free(master->past[i].history);
        job_log_deinit(&master->past[i].log);
        job_timeline_deinit(&master->past[i].timeline);
    }
    master_workers_close(master);
    for (int i = 0; i < MASTER_SIGNAL_COUNT; i++)
        loop_event_close(master->signals[i]);
    free(master->root);
    free(master->state_folder);
    free(master->sums_folder);
    loop_event_close(master->sched_timer);
    loop_event_close(master->turn_timer);
    loop_event_close(master->watch_timer);
    loop_event_close(master->linger_timer);
    loop_event_close(master->pulse_timer);
    loop_event_close(master->trail_timer);
    loop_event_close(master->sources_timer);
    loop_close(master->loop);
    sched_close(master->sched);
    sched_output_deinit(&master->decisions);
    idtable_deinit(&master->jobs_by_id);
    idtable_deinit(&master->attempts_by_id);
    blobs_deinit(&master->blobs);
    free(master->past);
    free(master->queue);
    free(master->letters);
    free(master->unlogged);
    free(master);
}

uint16_t master_port(const struct master *master)
{
    return listener_port(master->listener);
}

int master_run(struct master *master, struct err *err)
{
    int rc = loop_run(master->loop, err);

    if (master->has_failed) {
        *err = master->err;
        return -1;
    }
    return rc;
}

bool master_succeeded(const struct master *master)
{
    return master->has_succeeded;
}
