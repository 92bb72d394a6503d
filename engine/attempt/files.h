/*
 * files: what a trusted process opens for its vm child.
 *
 * Why a result is a file however small it is, and does not ride along in the answer: to create,
 * write, read and remove one of 9 KB takes 28 us, two messages' worth of bytes over a socket pair 4
 * (ext4, medians of 3,000). A job of 10 KB has two of them in its 10 ms, so 0.5 % could be won, for
 * a second way in all that reads results: the fetch, the publishing, the output of `mrlua run`.
 * In a cluster a reduce's fetch of one tiny segment, with connection and proofs, takes less than
 * 0.9 ms, of the 17 from start to exit of a submit.
 */
#ifndef ATTEMPT_FILES_H
#define ATTEMPT_FILES_H

#include "base/err.h"
#include "rpc/messages.pb-c.h"

#include <stdint.h>

/* A file without a name in `folder`: it is gone when nobody has it open. The descriptor, or -1
 * (ERR_DISK). */
int files_scratch(const char *folder, struct err *err);

/* Creates `path`, which must not exist, readable and writable. The descriptor, or -1 (ERR_DISK). */
int files_result(const char *path, struct err *err);

/* Opens an input and checks that it is what was planned with. -1: ERR_INPUT. */
int files_input(const Mrlua__Piece *piece, struct err *err);

#endif
