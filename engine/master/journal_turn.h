/*
 * journal_turn: a file that knows the number of the journal's newest turn, and in which boot of
 * this machine it was committed. For journal.c.
 *
 *     rc = journal_turn_init(&turn, folder, number, &err);     `number`: what the journal holds
 *     rc = journal_turn_write(&turn, number + 1, &err);        after each commit
 *     journal_turn_deinit(&turn);
 *
 * A process that is killed loses nothing that it wrote. So a journal that holds less than this file
 * says, in the same boot, has been damaged. After another boot it may rightly hold less: turns that
 * are not durable go with a loss of power.
 *
 * The file, 64 bytes, overwritten in place and never synced after it was made:
 *
 *     0            8          16              52       56        60
 *     +------------+----------+---------------+--------+---------+------+
 *     | "mrluaTRN" | turn u64 | boot id, text | zeroes | version | crc  |
 *     +------------+----------+---------------+--------+---------+------+
 */
#ifndef MASTER_JOURNAL_TURN_H
#define MASTER_JOURNAL_TURN_H

#include "base/err.h"

#include <stdint.h>

enum { JOURNAL_TURN_BYTES = 64, JOURNAL_BOOT_BYTES = 36 };

struct journal_turn {
    char *path;
    int fd; /* -1: not open */
    char boot[JOURNAL_BOOT_BYTES];
};

/* Opens the file and compares; makes it if it is not there. 0, or -1 with ERR_SETUP: turns are
 * lost, or the file itself is damaged. */
int journal_turn_init(struct journal_turn *turn, const char *folder, uint64_t number,
                      struct err *err);
void journal_turn_deinit(struct journal_turn *turn);

int journal_turn_write(struct journal_turn *turn, uint64_t number, struct err *err);

#endif
