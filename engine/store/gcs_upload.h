/*
 * gcs_upload: objects written from a descriptor, and resumable sessions as values.
 *
 *     rc = gcs_upload(gcs, "bucket", "a/b", fd, size, &put, &object, &err);     all of it
 *
 * Or in steps, with the tail held back until somebody says that this one may be the object:
 *
 *     struct gcs_session session = {0};
 *     rc = gcs_session_create(gcs, "bucket", "part-00000", size, crc32c, &put, &session, &err);
 *     rc = gcs_session_hold(gcs, &session, fd, &err);      all but the last <= 256 KiB are stored
 *     ... the grant ...
 *     rc = gcs_session_finish(gcs, &session, fd, &object, &err);
 *     gcs_session_deinit(&session);
 *
 * Nothing is visible before gcs_session_finish(), and after it all of it is. The bytes are read
 * with pread() and may be asked for again: the file must stay as it is. A session that is gone
 * (404, 410: it happens after 503s), or that has got damaged bytes, is GCS_GONE: make a new one and
 * begin at byte 0; gcs_upload() does that itself.
 *
 * A session is a value: strings, size and checksum can be kept elsewhere and put into another
 * process's struct gcs_session, with is_known false; gcs_session_hold() and _finish() then ask the
 * server how far it is. The session URI is a bearer capability: whoever has it can write the
 * object. It is never logged.
 *
 * Not here: what is known about the object before (the caller's condition), who may finish.
 */
#ifndef STORE_GCS_UPLOAD_H
#define STORE_GCS_UPLOAD_H

#include "store/gcs.h"

enum {
    GCS_CHUNK_UNIT_BYTES = 256 * 1024,         /* every chunk but the last is a multiple of this */
    GCS_CHUNK_BYTES = 256 * 1024 * 1024,       /* of a descriptor: what is lost is asked for */
    GCS_STREAM_CHUNK_BYTES = 16 * 1024 * 1024, /* of a stream: held in memory */
    GCS_RESUMABLE_BYTES = 8 * 1024 * 1024,     /* smaller ones go in one request */
    GCS_SESSION_URI_BYTES_MAX = 4096,
};

/* What came of writing an object. */
enum gcs_outcome {
    GCS_WRITTEN, /* the object is ours, as its metadata says */
    GCS_LOST,    /* the condition did not hold: another's object is there, or none */
    GCS_GONE,    /* the session is no more, and the object is not ours: begin again */
    GCS_FAILED,  /* *err is set */
};

struct gcs_session {
    char *bucket, *object;
    char *uri;       /* of the session */
    char *upload_id; /* struct gcs_put */
    uint64_t size;   /* of the object */
    uint32_t crc32c; /* of the object */
    uint64_t stored; /* bytes that the server is known to have, if is_known */
    bool is_known;   /* false: it is asked first. So in a session that was kept elsewhere */
};

/* Writes `size` bytes of `fd` from 0 on. `crc32c` of them: computed if NULL. GCS_WRITTEN sets *out
 * unless it is NULL. Never GCS_GONE. */
enum gcs_outcome gcs_upload(struct gcs *gcs, const char *bucket, const char *object, int fd,
                            uint64_t size, const uint32_t *crc32c, const struct gcs_put *put,
                            struct gcs_object *out, struct err *err);

/* GCS_WRITTEN: the session is there (and nothing else). GCS_LOST: the condition fails already. */
enum gcs_outcome gcs_session_create(struct gcs *gcs, const char *bucket, const char *object,
                                    uint64_t size, uint32_t crc32c, const struct gcs_put *put,
                                    struct gcs_session *out, struct err *err);

/* Stores all but the tail: gcs_session_tail() says where that begins. GCS_WRITTEN: they are. */
enum gcs_outcome gcs_session_hold(struct gcs *gcs, struct gcs_session *session, int fd,
                                  struct err *err);

/* Where the held-back tail begins: 1 to 256 KiB before the end, 0 for smaller objects. */
uint64_t gcs_session_tail(uint64_t size);

/* Stores what is left and makes the object visible. A lost answer is resolved by the object's
 * metadata: GCS_WRITTEN means that upload id, size and checksum of the live object are ours. */
enum gcs_outcome gcs_session_finish(struct gcs *gcs, struct gcs_session *session, int fd,
                                    struct gcs_object *out, struct err *err);

/* The same by another process that holds only the tail, which begins at gcs_session_tail(). If
 * the server has less than all before it: GCS_GONE. */
enum gcs_outcome gcs_session_finish_tail(struct gcs *gcs, struct gcs_session *session,
                                         struct slice tail, struct gcs_object *out,
                                         struct err *err);

/* Ends the session, so that nobody can finish it any more. 0: it is no more (or was finished
 * before: look at the object). -1: *err. */
int gcs_session_cancel(struct gcs *gcs, const struct gcs_session *session, struct err *err);

/* Safe on a zeroed struct. It cancels nothing. */
void gcs_session_deinit(struct gcs_session *session);

/* A stream whose length is not known: `fd` is read to its end, in chunks that are held in memory
 * (GCS_STREAM_CHUNK_BYTES) until the server has them. If the session is lost half way the stream
 * cannot be read again: GCS_FAILED. */
enum gcs_outcome gcs_upload_stream(struct gcs *gcs, const char *bucket, const char *object, int fd,
                                   const struct gcs_put *put, struct gcs_object *out,
                                   struct err *err);

#endif
