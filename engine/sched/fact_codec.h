/*
 * fact_codec: a fact as bytes, for the journal.
 *
 *     fact_encode(&fact, &buf);                          appends at most FACT_BYTES_MAX
 *     rc = fact_decode(bytes, &fact, &err);              -1: not a fact that this version knows
 *
 *     0         1         2
 *     +---------+---------+----------------------------------------------+
 *     | version |  kind   | the fields that its kind names, in the order |
 *     |   u8    |   u8    | of struct fact, and nothing behind them      |
 *     +---------+---------+----------------------------------------------+
 *
 * Numbers are varints (base/bytes.h), signed ones in zigzag; a digest is two u64 little-endian and
 * a varint; a worker_id is one more than it is, so that WORKER_NONE is 0.
 *
 * What decodes is in range: kinds, counts and rules are such that sched_restore() may take it. It
 * may still not fit the facts before it, which sched_restore() says.
 *
 * The rows of a journal carry their CRC; that is the journal's. A new field makes a new version,
 * and the old ones stay readable (golden files in ctest/golden).
 */
#ifndef SCHED_FACT_CODEC_H
#define SCHED_FACT_CODEC_H

#include "base/buf.h"
#include "base/slice.h"
#include "sched/sched.h"

enum {
    FACT_VERSION = 4,     /* written; 1, which knows no samples, 2, which knows no outputs in a
                             store, and 3, which knows no bad records, are read */
    FACT_BYTES_MAX = 128, /* no kind comes near it */
};

void fact_encode(const struct fact *fact, struct buf *out);

/* Hostile bytes are refused with ERR_SETUP and one line that says what is wrong with them. */
int fact_decode(struct slice bytes, struct fact *out, struct err *err);

#endif
