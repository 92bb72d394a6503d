/*
 * reuse_key: what a map's run is of. Pure: two maps of one key leave the same run, byte for byte.
 *
 *     reuse_key_make(&key, start, build_id());
 *     id = reuse_key_id(&key);             who wrote the run, as its bytes say (record/run.h)
 *     reuse_key_print(&key, text);         its name in a cache
 *     key = reuse_key_of_id(&id);          the same id, in bytes
 *
 * The key is SHA-256, cut to 160 bits, over the build of the engine and all of the TaskStart but
 * for what is named below and cannot decide a byte. So a field that is added to the message is part
 * of the key until somebody says that it may not be; at worst a map runs once more.
 *
 *   left out                           why
 *   job, task, attempt, worker         the child is told numbers made of the key instead
 *   limits                             whoever keeps them has not been changed by them
 *   output, plan, commit, shuffle      what reduces, plan and commit do with it; where it goes
 *   tmp_folder, result_path            where it is made
 *   of a file's piece: path, mtime,    its checksum says what is in it, and its name what the
 *   inode, device                      format "file" and suffixes make of it
 *   of a side file: the same, and      the same; a blob is told by its hash, an object by path and
 *   copy                               generation
 *
 * So in the key are: bundle (all sources), params, view (the whole job table), the format of the
 * input; sort buffer, number of partitions, cut points; and of each piece name, size, range, and
 * the checksum of the file's content, or path and generation of the object. A file without a
 * checksum is told by its path and identity.
 */
#ifndef ATTEMPT_REUSE_KEY_H
#define ATTEMPT_REUSE_KEY_H

#include "base/slice.h"
#include "record/run.h"
#include "rpc/messages.pb-c.h"

#include <stdint.h>

enum {
    REUSE_KEY_BYTES = 20, /* as many as are in a run's ids */
    REUSE_KEY_TEXT_BYTES = 2 * REUSE_KEY_BYTES + 1,
};

struct reuse_key {
    uint8_t bytes[REUSE_KEY_BYTES];
};

void reuse_key_make(struct reuse_key *key, const Mrlua__TaskStart *start, struct slice build);

/* 158 bits of it: job and attempt are never negative to Lua. */
struct run_id reuse_key_id(const struct reuse_key *key);

/* The key of such an id, but for the other 2 bits: how its run is told of. */
struct reuse_key reuse_key_of_id(const struct run_id *id);

/* In hexadecimal. */
void reuse_key_print(const struct reuse_key *key, char out[REUSE_KEY_TEXT_BYTES]);

#endif
