/*
 * look: the records of inputs, one after the other, for whoever wants to see some of them, as host
 * functions (vm/host.h).
 *
 *     engine.look_open{inputs = list, format, bytes_max, tmp}   -> {names}, or {error}
 *     engine.look_next{count}      -> {records = {{key, value}, ...}, is_ended, is_cut}, or {error}
 *     engine.look_close()
 *
 * `inputs` are those of a job: files, folders, globs, gs:// (store/file.h). `format`: one of
 * format/reader.h that needs no Lua; "lines" by default. One look is open at a time; the next
 * open closes it. `names`: of the files that the inputs stand for, the first LOOK_NAME_COUNT_MAX.
 *
 * Of an object of lines the first `bytes_max` bytes are fetched (0: all), to the end of a line,
 * into a file without a name below `tmp`; of others all. When records end because of that, `is_cut`
 * says so.
 *
 * look_next answers at most `count` records and stops at LOOK_BYTES_MAX; fewer are no end.
 */
#ifndef CLI_LOOK_H
#define CLI_LOOK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    LOOK_BYTES_MAX = 4 * 1024 * 1024, /* one answer is held twice */
    LOOK_NAME_COUNT_MAX = 1000,       /* who asks wants one of the first */
};

struct vm_host;
struct look;

int look_open(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err);
int look_next(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err);
int look_close(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err);

void look_release(struct look *look); /* NULL is fine */

#endif
