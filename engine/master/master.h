/*
 * master: the shell around the scheduler (sched/sched.h) for a cluster.
 *
 *     master = master_open(&options, nursery, &err);      locks the state folder, restores, listens
 *     rc = master_run(master, &err);                      until SIGINT or SIGTERM, or once
 *     master_close(master);
 *
 * One thread, one event loop. What workers and clients say becomes events in a queue. A turn steps
 * the scheduler through the queue, journals its facts in one transaction (journal.h), and only then
 * lets its commands and answers leave; so whatever anybody was told survives a kill -9. When the
 * journal cannot be written the master ends: nothing of that turn has happened.
 *
 * PLAN and COMMIT are attempts of the master itself. It is the one reason why this layer knows
 * attempt/: their trusted process runs no Lua, opens what may block for minutes, and is the same
 * code as in `mrlua run`. (Rejected: to be handed its functions by cli/, a second name for the
 * same thing.)
 *
 * The state folder: what journal.h says; blobs/ (blobs.h): bundles and job configurations; reuse/:
 * checksums of files that were inputs of jobs with --reuse (attempt/plan_sums.h).
 * Each life of a master has an epoch, greater than that of the life before, and workers turn away a
 * master of a lower one: it has slept while another took its place. It is at least the seconds
 * since 2020 on the wall clock, so a master whose state folder was deleted is followed all the
 * same, when it did not begin in the very second of the life before.
 *
 * A job's output folder is claimed (format/publish.h) when it is submitted and given up when it has
 * ended. After a restart its commit is done again from the start, whatever was done of it.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/tls.h"

#include <stdbool.h>
#include <stdint.h>

struct keys;
struct nursery;
struct master;

struct master_options {
    const char *listen;       /* "127.0.0.1:7070"; port 0: any (master_port() says which) */
    const char *state_folder; /* made if it is not there */
    const char *http;         /* where the page is, "127.0.0.1:7080"; NULL: there is none */
    bool http_may_fail;       /* then it goes without: the user has not asked for that address */
    const char *root;         /* jobs read and write below this folder only; NULL: anywhere */
    const struct keys *keys;  /* borrowed until master_close() */
    bool key_is_given;        /* --key-file: not a secret that this user happens to have */
    bool once;                /* end with the first job that ends in this life */
    enum tls_use tls;
    bool fifo; /* jobs get slots in the order they came, not in fair shares */
};

/* NULL with ERR_SETUP: the folder is taken or damaged, the address cannot be had. */
struct master *master_open(const struct master_options *options, const struct nursery *nursery,
                           struct err *err);
void master_close(struct master *master); /* NULL is fine. Live jobs stay in the journal */

uint16_t master_port(const struct master *master);

/* Where the page is, "http://127.0.0.1:7080/TOKEN/", appended to `out`. False: there is none. */
bool master_page_address(const struct master *master, struct buf *out);

/* 0: asked to end, or once: the job has ended. -1: the journal cannot be written. */
int master_run(struct master *master, struct err *err);

/* With `once`, after master_run(): did that job succeed? */
bool master_succeeded(const struct master *master);

#endif
