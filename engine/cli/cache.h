/*
 * cache: what `mrlua cache` asks of store/cache_list.h (lua/mrlua/cli/cache.lua).
 */
#ifndef CLI_CACHE_H
#define CLI_CACHE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

/* {folder, files, file_bytes, sums, sum_bytes, oldest_seconds, newest_seconds}, ages only if there
 * is an entry; or {error}. */
int cache_command_look(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err);

/* `older_seconds`: only what was not used for so long; below 0: all. {folder, files, file_bytes,
 * sums, sum_bytes} of what it removed; or {error}. */
int cache_command_clear(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err);

#endif
