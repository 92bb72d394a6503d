/*
 * replay: what `mrlua replay` and `mrlua inspect` need of C (lua/mrlua/cli/replay.lua): capsules,
 * and the records of an input as the attempt's reader saw them.
 *
 *     engine.capsule_read{path}, or {bytes}        -> the capsule (attempt/capsule.h), or {error}
 *     engine.value_decode{bytes}                   -> the value; nil and a message: it is none
 *     engine.value_check{value = any}              -> true; nil and why it cannot be emitted
 *     engine.replay_open{capsule = table, piece = number, tmp}     -> {}, or {error}
 *     engine.replay_next{}                         -> {key, value, offset}; {ended = true}; {error}
 *
 * A piece is that of the capsule's list, from 1 on. One is open at a time; the next one closes it.
 * What reads JSON or by a grammar needs the job, which is loaded in this process then: without a
 * sandbox, like all that `mrlua replay` runs.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;
struct replay;

int replay_capsule_read(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err);
int replay_value_decode(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err);
int replay_value_check(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err);
int replay_open_piece(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err);
int replay_next_record(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err);

void replay_close(struct replay *replay); /* NULL is fine */

#endif
