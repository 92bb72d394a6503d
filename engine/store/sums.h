/*
 * sums: the checksum of an input's content, without reading it again when it was read before.
 *
 *     rc = sums_of_file(folder, &file, clock_realtime_ns(), sum, &err);     folder: store/cache.h
 *
 * A row per path remembers size, times of change (mtime, ctime), inode, device and the sum, and
 * when the content was read for it. When a file is asked for again and all of them are the same, so
 * is its content, with one exception, as in the index of git: a file may be written twice within
 * one tick of its clock. So a row is trusted only if both times are older, by such a tick, than the
 * moment at which its content was read; else the file is read again. A tick is SUMS_FINE_NS if the
 * time has a fraction of a second, and SUMS_COARSE_NS if not. What nobody can see then
 * is a program that sets the machine's clock back; a mtime that is set back is seen by the ctime.
 *
 *     sums/NN/NNNNNNNNNNNNNN     hash64() of the path, in hexadecimal; little-endian:
 *
 *     0        4      12      20      28      36       44        52    68       72
 *     +--------+------+-------+-------+-------+--------+---------+-----+--------+
 *     | "MRC1" | size | mtime | ctime | inode | device | read at | sum | crc32c |
 *     | magic  | u64  |  i64  |  i64  |  u64  |  u64   |   u64   | 16  | of it  |
 *     +--------+------+-------+-------+-------+--------+---------+-----+--------+
 *
 * A row that is damaged, or cannot be written, costs a reading and is no error.
 */
#ifndef STORE_SUMS_H
#define STORE_SUMS_H

#include "base/content.h"
#include "base/err.h"
#include "store/file.h"

#include <stdbool.h>
#include <stdint.h>

enum { SUMS_ROW_BYTES = 72 };

/* Linux gives the time of its last timer interrupt, 100 to 1000 of them a second; some file systems
 * keep only seconds of it, and FAT every other. */
#define SUMS_FINE_NS   50000000LL
#define SUMS_COARSE_NS 2000000000LL

/* What is known of a file without reading it. */
struct sums_state {
    struct file_identity identity;
    int64_t ctime_ns;
};

struct sums_row {
    struct sums_state state;
    uint64_t read_ns; /* when the reading of its content began */
    uint8_t sum[CONTENT_SUM_BYTES];
};

/* Pure. */
void sums_encode(uint8_t out[SUMS_ROW_BYTES], const struct sums_row *row);
bool sums_decode(const uint8_t in[SUMS_ROW_BYTES], struct sums_row *row);

/* Pure: is the content of a file in `state` surely that of the row? */
bool sums_is_sure(const struct sums_row *row, const struct sums_state *state);

/* Of `file` as it was listed: ERR_INPUT if it has changed since, or while it was read. `now_ns` is
 * the wall clock. "-" (a copy of standard input, seen once) is read and not remembered. */
int sums_of_file(const char *folder, const struct file *file, uint64_t now_ns,
                 uint8_t sum[CONTENT_SUM_BYTES], struct err *err);

enum {
#ifdef MRLUA_TINY
    SUMS_AGAIN_BYTES_MAX = 16 * 1024,
#else
    SUMS_AGAIN_BYTES_MAX = 64 * 1024 * 1024, /* every map of a file may have to read all of it */
#endif
};

/*
 * After the fact: has `file` still the content `sum`, which it had at `since_ns`, with the same
 * identity? It is read again only where its times do not say so, and is then too large for that
 * above SUMS_AGAIN_BYTES_MAX. 1, 0: no, or nobody knows, or -1: it cannot be read.
 */
int sums_still(const struct file *file, uint64_t since_ns, const uint8_t sum[CONTENT_SUM_BYTES],
               struct err *err);

#endif
