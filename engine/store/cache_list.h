/*
 * cache_list: what a cache (cache.h) holds, and how it is kept within its limit.
 *
 *     rc = cache_look(folder, &use, &err);
 *     rc = cache_trim(folder, bytes_max, 0, &gone, &err);       the longest unused go first
 *
 * Counted is what the files take on the disk, in blocks, with that of the folder of each entry, so
 * that many small ones are not free. A file that is also part of a job that still runs counts, too.
 * What a killed process left in tmp/ goes after CACHE_TEMP_NS: nothing takes as long to be kept.
 *
 * Any number of processes may do this, and use the cache, at a time: an entry is taken away in one
 * step, and whoever has begun to read it reads it to its end.
 *
 * Memory: some 100 bytes an entry. Time: some 10 us an entry.
 */
#ifndef STORE_CACHE_LIST_H
#define STORE_CACHE_LIST_H

#include "base/err.h"

#include <stdint.h>

#define CACHE_TEMP_NS (3600LL * 1000000000LL)

struct cache_use {
    uint64_t file_count, file_bytes; /* entries */
    uint64_t sum_count, sum_bytes;   /* checksums of inputs (sums.h) */
    int64_t oldest_ns, newest_ns;    /* when an entry was last used; 0: there is none */
};

/* 0, also when the folder is not there, or -1 (ERR_DISK). */
int cache_look(const char *folder, struct cache_use *use, struct err *err);

/* Removes what was not used since `older_than_ns` (wall clock; 0: nothing for that), and then the
 * longest unused until the rest takes no more than `bytes_max`. *gone is what it removed. 0 or -1
 * (ERR_DISK); what another process has removed meanwhile is no error. */
int cache_trim(const char *folder, uint64_t bytes_max, int64_t older_than_ns,
               struct cache_use *gone, struct err *err);

#endif
