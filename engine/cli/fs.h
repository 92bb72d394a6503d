/*
 * fs: objects of Cloud Storage, for `mrlua fs`.
 *
 *     engine.fs_stat{uri}                  -> {object}, or {} if it is not there
 *     engine.fs_find{uri}                  -> a list of objects: gcs_find.h, all kinds of names
 *     engine.fs_list{uri}                  -> a list of what is in a folder: objects and {prefix}
 *     engine.fs_walk{path}                 -> {kind, files}: a file or folder of this machine
 *     engine.fs_cat{uri, size, generation} to standard output
 *     engine.fs_remove{objects}            -> a result; each has uri and generation
 *     engine.fs_copy{transfers, keeps}     -> a result; each has from, to, size, generation
 *
 * An object is {uri, size, generation, crc32c, updated, type, is_gzip}; a result {done, skipped,
 * bytes, error_count, errors}, and engine.on("fs_progress") hears {done, bytes} meanwhile.
 */
#ifndef CLI_FS_H
#define CLI_FS_H

#include "vm/host.h"

int fs_stat(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err);
int fs_find(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err);
int fs_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err);
int fs_walk(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err);
int fs_cat(void *context, struct vm_host *host, struct slice args, struct buf *result,
           struct err *err);
int fs_remove(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err);
int fs_copy(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err);

#endif
