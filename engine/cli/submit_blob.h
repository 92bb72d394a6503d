/*
 * submit_blob: what a job needs on the master before it is submitted: its code, in memory, and side
 * files, which stay on disk. Sent piece by piece, from any place.
 *
 *     submit_blob_init(&blob, bytes);                         or submit_blob_open(&blob, file,
 * &err) rc = submit_blob_piece(&blob, offset, &piece, &err);    good until the next call
 *     submit_blob_deinit(&blob);
 *
 * A side file is read twice: for its name, which is its hash, and to be sent. One that changes
 * meanwhile is an error.
 */
#ifndef CLI_SUBMIT_BLOB_H
#define CLI_SUBMIT_BLOB_H

#include "base/buf.h"
#include "rpc/blob.h"
#include "rpc/message.h"
#include "store/file.h"

struct submit_blob {
    struct slice bytes;          /* of one in memory, borrowed */
    const Mrlua__SideFile *file; /* of one on disk, borrowed: name and path; NULL */
    int fd;                      /* -1 */
    struct file_identity identity;
    struct buf piece;
    uint64_t total_bytes;
    uint32_t crc32c; /* of one on disk */
    uint8_t hash[BLOB_HASH_BYTES];
};

void submit_blob_init(struct submit_blob *blob, struct slice bytes);

/* ERR_SETUP: it cannot be read, or has more than BLOB_BYTES_MAX. *blob is to be released anyway. */
int submit_blob_open(struct submit_blob *blob, const Mrlua__SideFile *file, struct err *err);

/* At most BLOB_PIECE_BYTES from `offset`, which is within the blob. 0 or -1 (ERR_SETUP). */
int submit_blob_piece(struct submit_blob *blob, uint64_t offset, struct slice *out,
                      struct err *err);

/* Safe on a zeroed struct whose fd is -1. */
void submit_blob_deinit(struct submit_blob *blob);

#endif
