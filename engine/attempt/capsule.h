/*
 * capsule: what a failed attempt leaves, so that it can be looked at and done again elsewhere
 * (`mrlua replay`): a file, little-endian:
 *
 *     0       4            8             12
 *     +-------+------------+-------------+--------------------------+
 *     | "MRC1"| bytes: u32 | crc32c: u32 | a value (record/value.h) |
 *     +-------+------------+-------------+--------------------------+
 *
 * and the value is a table:
 *
 *     version   1
 *     job       id ("r17", "17"), name, bundle, params, view: what its processes are given; folder
 *               that relative paths are in, if there are any
 *     attempt   stage, task, attempt, worker, job, seed, partitions, unsafe; input, groups, pieces:
 *               what it read, up to the piece in hand; skip; files; phase, bytes_in, records_in,
 *               records_out; mrlua, lua: versions; and
 *       mark    record, piece, offset: the last one it began, also when its process was killed
 *       scene   what the process itself could tell when its functions raised:
 *         hand    vm/scene.h
 *         record  number, piece, offset, key, value, text: the record in hand, of a map; key and
 *                 value are strings, encoded values
 *     error     kind, message, detail
 *
 * The part `attempt` is made where the attempt was, and travels with its failure (Error.capsule);
 * who has the job's code makes it whole. The child's scene is hostile: it is a value, checked, and
 * not larger than it may be, and nothing else is believed of it.
 *
 * Limits: a record's key, value and text are kept up to CAPSULE_RECORD_BYTES_MAX each, a longer
 * string is cut, any other value left out, and value_bytes says how long it was; pieces before the
 * one in hand up to CAPSULE_PIECE_COUNT_MAX; a part up to CAPSULE_PART_BYTES_MAX, without a scene
 * if that is what makes it larger. Code and params are as large as they are (8 MiB of code).
 */
#ifndef ATTEMPT_CAPSULE_H
#define ATTEMPT_CAPSULE_H

#include "attempt/page.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "rpc/message.h"

enum {
    CAPSULE_VERSION = 1,
    CAPSULE_RECORD_BYTES_MAX = 256 * 1024, /* more than anybody reads of one record */
    CAPSULE_SCENE_BYTES_MAX = 900 * 1024,  /* three of those; frames; values that were taken */
    CAPSULE_PIECE_COUNT_MAX = 1000,        /* a map of many small files has more of them */
    CAPSULE_PART_BYTES_MAX = 1024 * 1024,  /* goes with a report of a failure */
    CAPSULE_BYTES_MAX = 32 * 1024 * 1024,  /* with code and params: what is read of a file */
};

/* Appends the part `attempt`. `page` NULL: it had no child. `scene` empty: nothing was told, or it
 * is not one. */
void capsule_part(const Mrlua__TaskStart *start, const struct page *page, struct slice scene,
                  struct buf *out);

/* A job as its capsules tell it. Encoded values may be empty: unknown. */
struct capsule_job {
    const char *id, *name;
    const char *folder; /* NULL: all paths are from the root */
    struct slice bundle, params, view;
};

/* Appends a whole capsule. An empty or broken `part` is left out. */
void capsule_encode(struct buf *out, const struct capsule_job *job, struct slice part,
                    const struct err *err, const char *detail);

/* The table in a file of these bytes; borrowed. 0, or -1 (ERR_INPUT). */
int capsule_decode(struct slice bytes, struct slice *table, struct err *err);

#endif
