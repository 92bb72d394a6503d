/*
 * fetch_store: the first half of a reduce whose maps' runs are in a store (`--shuffle gcs`).
 *
 *     rc = fetch_store(start, scratch, &fetched, &err);
 *     ... fetched.table ...
 *     fetch_deinit(&fetched);                                  fetch.h
 *
 * A run is one object with a segment of every partition; of it a reduce reads two ranges: the index
 * at the end, and its own segment. The index is the same for every reduce, so the first one on a
 * machine keeps it in the worker's folder, tmp_folder/index-JOB-MAP.ATTEMPT, a file with a hole
 * where the segments would be; who comes later, or at the same time and last, finds it. Such files
 * go with the folder's sweep when the job is over.
 *
 * Why not the offsets in the object's name or metadata: they are as many as there are partitions.
 * Why not told by the master: maps times partitions are more than it may hold.
 *
 * A run that is kept for other jobs, too (reuse_store.h), has another name, is read by its
 * generation, and its bytes say other ids: run_keys and what stands beside them.
 *
 * Ranges of all maps are asked for ahead of each other (store/gcs_read.h). A segment is checked as
 * it comes, by the checksums and ids in its blocks; a damaged one is read once more, then it is the
 * map's: ERR_PEER, with peer_map and peer_attempt, as when the object is not there.
 */
#ifndef ATTEMPT_FETCH_STORE_H
#define ATTEMPT_FETCH_STORE_H

#include "attempt/fetch.h"
#include "base/buf.h"

/* Appends the segments of partition start->task to `scratch`. 0 or -1; call fetch_deinit(). */
int fetch_store(const Mrlua__TaskStart *start, int scratch, struct fetched *out, struct err *err);

/* The file of an index. `out` is cleared first. */
void fetch_store_index_path(const Mrlua__TaskStart *start, uint32_t map, uint64_t attempt,
                            struct buf *out);

#endif
