/*
 * plan_sums: what tells later jobs that an input is the same: checksums of the contents, made while
 * the plan is (store/sums.h), where Reuse asks for them. An object is told by its generation.
 *
 * Cost: what was not read for it before, or has changed, is read once, by this one process.
 */
#ifndef ATTEMPT_PLAN_SUMS_H
#define ATTEMPT_PLAN_SUMS_H

#include "attempt/side_files.h"
#include "base/content.h"
#include "base/err.h"
#include "rpc/messages.pb-c.h"
#include "store/file.h"

#include <stdint.h>

enum {
    /* Of a cluster: where a master remembers them, its state folder, they take a block each. So it
     * knows 16,000 files; what others were is read again, as for the first job. */
    PLAN_SUMS_BYTES_MAX = 64 << 20,
};

struct plan_sums {
    uint8_t side_files[CHILD_FILE_COUNT_MAX][CONTENT_SUM_BYTES];
};

/* `reuse` NULL: makes none. Where that names a store, the folder is made if it is not there, and
 * kept within PLAN_SUMS_BYTES_MAX. `sums` holds those of `files` as long as these are used.
 * 0, or -1 (ERR_INPUT: a file cannot be read, or has changed since it was listed). */
int plan_sums_make(struct plan_sums *sums, const Mrlua__Reuse *reuse, struct file_list *list,
                   struct side_files *files, struct err *err);

#endif
