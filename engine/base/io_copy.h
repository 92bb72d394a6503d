/*
 * io_copy: bytes from one file to another, in the kernel where it can.
 */
#ifndef BASE_IO_COPY_H
#define BASE_IO_COPY_H

#include "base/err.h"

#include <stdint.h>

/* Copies `bytes` from `from` at `offset` to `to` at `to_offset`. `what` names the source, whose
 * failure, also that it is too short, is of kind `kind`; `to_what` the other, which fails with
 * ERR_DISK. 0 or -1. */
int io_copy(int from, uint64_t offset, int to, uint64_t to_offset, uint64_t bytes, const char *what,
            enum err_kind kind, const char *to_what, struct err *err);

#endif
