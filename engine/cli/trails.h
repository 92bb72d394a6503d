/*
 * trails: what runs leave behind (store/trail.h), for the commands in Lua. There is one for each
 * process; the first that writes to it, C or Lua, gives it its number.
 */
#ifndef CLI_TRAILS_H
#define CLI_TRAILS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

/* {name, text}: the file `name` of this run, whole. -> {run = "r17"}, or {error}, once: what
 * cannot be kept fails no job. {} when that was told before. */
int trails_write(void *context, struct vm_host *host, struct slice args, struct buf *result,
                 struct err *err);

/* -> {folder, runs = {"r17", "r16", ...}}, newest first; or {error}. */
int trails_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err);

/* {path}: the folder of a run. -> {names}: of its files, in the order of writing. */
int trails_names(void *context, struct vm_host *host, struct slice args, struct buf *result,
                 struct err *err);

#endif
