/*
 * io: reads and writes that are whole or failed. Signals and short counts end here.
 *
 * `what` names the object in the error message ("read <what>: ..."). Writing to a full or broken
 * disk is ERR_DISK; everything else has the kind the caller gives.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Reads up to `len` bytes, fewer only at the end of the file. Returns the count, or -1. */
ssize_t io_read(int fd, void *to, size_t len, const char *what, enum err_kind kind,
                struct err *err);
ssize_t io_pread(int fd, void *to, size_t len, uint64_t offset, const char *what,
                 enum err_kind kind, struct err *err);

/* Writes all of it. 0 or -1. */
int io_write(int fd, const void *from, size_t len, const char *what, enum err_kind kind,
             struct err *err);
int io_pwrite(int fd, const void *from, size_t len, uint64_t offset, const char *what,
              struct err *err);

int io_fsync(int fd, const char *what, struct err *err);

/* Makes the names in folder `path` last: fsync of the folder. */
int io_fsync_folder(const char *path, struct err *err);

/* Makes the folders that `path` lies in, as far as they are missing, with this mode less the umask.
 * 0 or -1 (ERR_SETUP). */
int io_make_folders(const char *path, mode_t mode, struct err *err);

int io_rename(const char *from, const char *to, struct err *err);

/* Reads a whole small file, at most `bytes_max`, into `out`. */
struct buf;
int io_read_file(const char *path, size_t bytes_max, struct buf *out, enum err_kind kind,
                 struct err *err);

/* Closes *fd if it is open and sets it to -1. */
void io_close(int *fd);

#endif
