/*
 * packer: bytes compressed as they come; what format/source.h decompresses.
 *
 *     struct packer *packer = packer_open(SOURCE_GZIP, &err);
 *     rc = packer_add(packer, bytes, &out, &err);          as often as there are some
 *     rc = packer_finish(packer, &out, &err);
 *     packer_close(packer);
 *
 * gzip: one member, isa-l's level 1. zstd: one frame, level 3, with a checksum. The same bytes, in
 * the same calls, give the same output (of the same version of the libraries).
 *
 * Memory: about 0.3 MiB for gzip, 2 MiB for zstd, and what is appended to `out`.
 */
#ifndef FORMAT_PACKER_H
#define FORMAT_PACKER_H

#include "base/buf.h"
#include "base/err.h"
#include "format/source.h"

struct packer;

/* Not for SOURCE_PLAIN. NULL: no memory, ERR_SETUP. */
struct packer *packer_open(enum source_kind kind, struct err *err);

/* Appends to `out` what is ready. 0, or -1: the library failed (ERR_LIMIT). */
int packer_add(struct packer *packer, struct slice bytes, struct buf *out, struct err *err);

/* Appends the rest. Only packer_close() may follow. */
int packer_finish(struct packer *packer, struct buf *out, struct err *err);

void packer_close(struct packer *packer);

#endif
