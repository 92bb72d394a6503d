/*
 * journal: what a master must not forget, in SQLite in its state folder.
 *
 *     journal = journal_open(folder, &err);             locks the folder, checks its pages
 *     rc = journal_read(journal, take, context, &err);  every row, oldest first
 *     for each turn
 *         journal_append(journal, JOURNAL_FACT, job_id, payload);
 *         journal_remove(journal, job_id);              its facts, job and plan; not its history
 *         rc = journal_commit(journal, is_durable, &err);
 *     journal_close(journal);
 *
 * Rows are gathered in memory and written by the commit, in one transaction: after a kill -9 at
 * any moment a turn is there as a whole or not at all. A durable turn also survives a loss of
 * power (synchronous=FULL); the others may then be lost, newest first (NORMAL). After a failed
 * commit the journal is of no use: the master ends, and what it has not written never happened.
 *
 * A row is {seq, version, kind, job, payload, crc32c}; the CRC covers all before it. What SQLite
 * does not check is checked here (P5):
 *   - a row that is gone or came twice: the table `head` holds the count of rows, the sum of their
 *     CRCs and the number of the turn, and is written with each turn;
 *   - turns that are gone: a damaged write-ahead log silently ends where the damage is. So the file
 *     "turn" is told the number of each committed turn, and the boot it happened in: within that
 *     boot no turn can be lost. Without the file this is not checked.
 *
 * The folder: lock, journal.db, journal.db-wal, turn. The lock is held as long as the journal is
 * open: one master, which is one process, per folder.
 *
 * A journal of an older version is made one of this version when it is opened, after its pages and
 * its head have been checked: the tables are the same. Its rows keep the version that they were
 * written with, and whoever reads them is told.
 */
#ifndef MASTER_JOURNAL_H
#define MASTER_JOURNAL_H

#include "base/err.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    JOURNAL_VERSION = 2,              /* of rows that are written, and so of the journal */
    JOURNAL_VERSION_OLDEST = 1,       /* that is read: its plans are those of job_plan_v1.h */
    JOURNAL_HISTORY_COUNT_MAX = 1000, /* ended jobs that are kept */
};

enum journal_kind {
    JOURNAL_FACT = 1,   /* of the scheduler, and what the shell keeps with it */
    JOURNAL_JOB,        /* a job as it was submitted */
    JOURNAL_PLAN,       /* its plan */
    JOURNAL_HISTORY,    /* a job that has ended, as it is asked for */
    JOURNAL_STEP,       /* a step of this job that has ended, as its driver is answered */
    JOURNAL_FILES = 80, /* what the side files of this job with a driver are, as in a plan */
};

struct journal_row {
    enum journal_kind kind;
    uint64_t job_id;  /* 0: of no job */
    uint64_t version; /* JOURNAL_VERSION_OLDEST .. JOURNAL_VERSION: how to read the payload */
    struct slice payload;
};

struct journal;

/* Makes the folder and the journal if they are not there. NULL with ERR_SETUP: another master has
 * the folder (named), it cannot be written, or the journal is damaged or of a version that is not
 * read. */
struct journal *journal_open(const char *folder, struct err *err);
void journal_close(struct journal *journal); /* NULL is fine. What was not committed is dropped */

/* Calls `take` for every row; -1 from it ends the reading. 0, or -1: a row is damaged. */
int journal_read(struct journal *journal,
                 int (*take)(void *context, const struct journal_row *row, struct err *err),
                 void *context, struct err *err);

/* Adds a row to the turn. The payload is copied. Beyond JOURNAL_HISTORY_COUNT_MAX the oldest
 * history goes. */
void journal_append(struct journal *journal, enum journal_kind kind, uint64_t job_id,
                    struct slice payload);

/* Removes every row of the job (0: of no job) that was added before, but for history. */
void journal_remove(struct journal *journal, uint64_t job_id);

/* Writes the turn. Nothing was added or removed: does nothing. 0 or -1 (ERR_DISK). */
int journal_commit(struct journal *journal, bool is_durable, struct err *err);

/* How many rows there are, of committed turns. */
uint64_t journal_row_count(const struct journal *journal);

/* What its files take on the disk, the write-ahead log with them. */
uint64_t journal_bytes(const struct journal *journal);

#endif
