/*
 * file: what the user named as input, as a list of files that can be read.
 *
 *     struct file_list list = {0};
 *     for each argument
 *         if (file_list_add(&list, argument, &err) != 0)
 *             ...                                  ERR_SETUP: nothing was started
 *     fd = file_open_checked("input", file->name, file->path, &file->identity, &err);
 *     file_list_deinit(&list);
 *
 * An argument is a file, a folder or a glob:
 *   - a folder stands for the files in it and below it, sorted by path (byte order); names that
 *     begin with "." or "_" are left out (as Hadoop does), so the output of a job, with its
 *     _SUCCESS, is an input of the next;
 *   - a pattern (* ? [) that is not itself the name of a file stands for its matches in byte
 *     order, a matched folder for its files. What a pattern or the user names is read whatever
 *     it begins with, except that * does not match a leading dot;
 *   - a part of a pattern that is `**` stands for any number of folders, none as well, and at the
 *     end for all below (wildcard.h); names that begin with "." or "_" are none of them. Its
 *     matches come in the order in which the folder before it would be read, each once;
 *   - symbolic links are followed; one that leads to a folder above itself is an error;
 *   - gs://BUCKET/NAME is an object, what lies below NAME/, or a pattern: gcs_find.h.
 * Arguments keep their order, and a file that is named twice is read twice, as by cat(1).
 *
 * Every file is opened once while the list is made: what cannot be read is found before anything
 * runs. Pipes and devices are refused: an attempt must be able to read its input again (see
 * spool.h for standard input).
 *
 * Cost: one stat, one open and about 150 bytes of memory per file; a request per 1000 objects.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "base/content.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough to see that a file is not the one that was planned with. */
struct file_identity {
    uint64_t size;
    int64_t mtime_ns;
    uint64_t inode;
    uint64_t device;
    uint64_t generation; /* of an object; 0: it is a file. An object has none of the three above */
    bool is_gzip;        /* an object with Content-Encoding: gzip: its bytes are to be inflated */
};

struct file {
    char *name; /* what people and jobs are told: the path as found, "-" for standard input */
    char *path; /* what is opened; the same pointer as `name` where both are equal */
    struct file_identity identity;
    uint8_t checksum[CONTENT_SUM_BYTES]; /* whoever asks sums.h for it; else zeros */
};

struct gcs;

struct file_list {
    struct gcs *gcs; /* NULL: no object was asked for */
    struct file *items;
    size_t count;
    size_t capacity;
    uint64_t checksums_begun_ns; /* wall clock; 0: nobody has made any */
};

enum { FILE_FOLDER_DEPTH_MAX = 128 }; /* folders within folders: one open descriptor each */

/* Appends what `argument` stands for. On failure the list keeps what was appended before. */
int file_list_add(struct file_list *list, const char *argument, struct err *err);

/* Appends one entry; both names are copied. */
void file_list_append(struct file_list *list, const char *name, const char *path,
                      const struct file_identity *identity);

/* Paths that do not start at the root are in `folder`: they are made to. Names stay, and objects.
 */
void file_list_set_folder(struct file_list *list, const char *folder);

void file_list_deinit(struct file_list *list);

/* What fstat() says about an open file. -1 with ERR_INPUT: it is no regular file. `what` begins the
 * message: "input", "side file". */
int file_identify(int fd, const char *what, const char *name, struct file_identity *out,
                  struct err *err);

/* Opens `path` for reading. ERR_INPUT "<what> <name> changed since the job was planned", or that
 * it is gone or cannot be read. Returns the descriptor. */
int file_open_checked(const char *what, const char *name, const char *path,
                      const struct file_identity *identity, struct err *err);

#endif
