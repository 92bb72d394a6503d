/*
 * run_cache: the cache of runs (store/cache.h) while one `mrlua run --reuse` uses it.
 *
 *     rc = run_cache_init(&cache, bytes_max, &err);       makes it, if it is not there
 *     ... cache.folder: maps look into it, and keep their runs in it ...
 *     run_cache_deinit(&cache);                           brings it back within its limit
 *
 * Between the two it may be larger by the runs that this job has made, which are on the disk
 * anyway: a kept run is a second name of the job's own file wherever the file system allows it.
 */
#ifndef CLI_RUN_CACHE_H
#define CLI_RUN_CACHE_H

#include "base/err.h"

#include <stdint.h>

struct run_cache {
    char *folder; /* NULL: none is used */
    uint64_t bytes_max;
};

/* 0, or -1: ERR_SETUP. */
int run_cache_init(struct run_cache *cache, uint64_t bytes_max, struct err *err);

/* Safe on a zeroed struct. */
void run_cache_deinit(struct run_cache *cache);

#endif
