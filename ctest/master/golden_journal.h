/*
 * golden_journal: a journal of version 1, as a master of that version left it when it was killed.
 *
 *     golden_journal_put(&folder);          state/journal.db, a copy; the folder is made
 *
 * ctest/golden/journal_v1.db was made by the engine of commit b7dad19, in /tmp/mrlua-golden-j: a
 * master and a worker of one slot; `mrlua submit` of "first" and then of "second", each over a.txt
 * (3000 lines "the line N") and b.txt (2000 lines "another N") with --split-size 16K and --reducers
 * 2. All maps of the second but map 0 waited for a file that never came; when map 1 did, the master
 * was killed by -9, and its write-ahead log was written into the one file with
 * PRAGMA wal_checkpoint(truncate). Without the file "turn" the turns are not checked.
 */
#ifndef CTEST_MASTER_GOLDEN_JOURNAL_H
#define CTEST_MASTER_GOLDEN_JOURNAL_H

#include "test.h"

#include "base/buf.h"
#include "base/io.h"
#include "folder.h"

#define GOLDEN_JOURNAL_PATH SOURCE_DIR "/ctest/golden/journal_v1.db"

enum {
    GOLDEN_JOURNAL_ROWS = 11,
    GOLDEN_JOURNAL_FIRST = 1,  /* the job that is done */
    GOLDEN_JOURNAL_SECOND = 2, /* the one that runs */
    GOLDEN_JOURNAL_MAPS = 5,   /* of each; one of the second is completed */
};

#define GOLDEN_JOURNAL_FOLDER "/tmp/mrlua-golden-j"

static inline void golden_journal_read(struct buf *out)
{
    struct err err;

    if (io_read_file(GOLDEN_JOURNAL_PATH, 1 << 20, out, ERR_INPUT, &err) != 0)
        fail_msg("%s", err.message);
}

static inline void golden_journal_put(const struct folder *to)
{
    struct buf bytes = {0};

    golden_journal_read(&bytes);
    folder_mkdir(to, "state");
    folder_write(to, "state/journal.db", bytes.ptr, bytes.len);
    buf_deinit(&bytes);
}

#endif
