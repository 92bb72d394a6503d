/*
 * gcs_noted: large uploads whose sessions can always be found again, and cancelled.
 *
 *     struct gcs_noted noted = {.bucket = "b", .object = "out/part-00000", .note = "tmp/p0.7",
 *                               .fd = fd, .bytes = bytes, .crc32c = crc, .put = &put};
 *     rc = gcs_noted_hold(gcs, &noted, &session, &err);     all but the tail is stored
 *     ... gcs_session_finish() ...
 *     gcs_sweep(gcs, "b", "tmp/", ...);                     cancels those that nobody finished
 *
 * A service lists no sessions: who is killed with one leaves it behind, for a week. So an object
 * NOTE.open1 is written as soon as there is one, whose metadata hold its URI (GCS_SESSION_KEY). A
 * session that the store drops meanwhile is begun again, at byte 0, with .open2 and .open3.
 */
#ifndef STORE_GCS_NOTED_H
#define STORE_GCS_NOTED_H

#include "store/gcs_upload.h"

enum { GCS_NOTED_TRIES = 3 }; /* one in 60,000 is dropped: three in a row are no chance */

/* All is borrowed. */
struct gcs_noted {
    const char *bucket, *object;
    const char *note; /* the begin of the names of notes, in the same bucket */
    int fd;
    uint64_t bytes;
    uint32_t crc32c;
    const struct gcs_put *put; /* of the object; a note has its metadata, too */
};

/* 0: *session has all but the tail. -1: *err. Call gcs_session_deinit() after both. */
int gcs_noted_hold(struct gcs *gcs, const struct gcs_noted *noted, struct gcs_session *session,
                   struct err *err);

#endif
