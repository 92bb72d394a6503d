/*
 * side_files: the files that attempts of a job read beside their input, from what the user named
 * to descriptors that a vm child may read.
 *
 *     in the plan:         side_files_pin(request, &pinned, &err);     what each of them is
 *     in a shell:          start.files = the plan's, `copy` set where it keeps blobs and objects
 *     in an attempt:       side_files_open(start, fds, &told, &err);   before the child is made
 *
 * Every attempt reads the same bytes (DESIGN.md, P1). A plain file must be the one that the plan
 * has seen: size, time, inode. An object is read by its generation, once per machine: the first
 * attempt that needs it copies it to `copy`, those that come meanwhile wait. A copy, of an object
 * or a blob, is compared with its CRC32C by each attempt before the child can see it (P5): 0.1 ms
 * a megabyte. A damaged one is removed: an object is fetched again at once, a blob by the shell,
 * when the attempt is tried again.
 *
 * A list holds no strings of its own: who adds to it keeps them.
 */
#ifndef ATTEMPT_SIDE_FILES_H
#define ATTEMPT_SIDE_FILES_H

#include "attempt/nursery.h"
#include "base/err.h"
#include "rpc/message.h"

#include <stdbool.h>
#include <stddef.h>

/* Of an object: every worker has a copy on its disk, and each attempt reads it once for its
 * checksum, which takes some seconds then. What is larger is an input. */
#define SIDE_FILE_BYTES_MAX (16ULL * 1024 * 1024 * 1024)

/* Not to be copied once it has entries: `list` points into it. */
struct side_files {
    Mrlua__SideFile items[CHILD_FILE_COUNT_MAX];
    Mrlua__SideFile *list[CHILD_FILE_COUNT_MAX]; /* as messages want them */
    size_t count;
};

/* A new entry, like `like` if that is not NULL. There must be room. */
Mrlua__SideFile *side_files_add(struct side_files *files, const Mrlua__SideFile *like);

/* What the files of the request are now; blobs are what they are, and so is what was pinned for
 * another step of the job. `out` borrows its strings.
 * ERR_SETUP: one cannot be read, or is too large. ERR_RETRY: the store does not answer. */
int side_files_pin(const Mrlua__PlanRequest *request, struct side_files *out, struct err *err);

/* Must the store be asked for one of them? */
bool side_files_need_store(const Mrlua__TaskStart *start);

/* Opens the files of `start`: fds[i] for the i-th, read only, -1 beforehand, the caller's to close
 * also on failure. `told` is what a child is told of them: name, size, time. */
int side_files_open(const Mrlua__TaskStart *start, int fds[CHILD_FILE_COUNT_MAX],
                    struct side_files *told, struct err *err);

#endif
