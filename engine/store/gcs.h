/*
 * gcs: objects in Google Cloud Storage, by its JSON API. For processes that may wait: the trusted
 * process of an attempt, a helper of a master, the command line. An event loop never calls it.
 *
 *     struct gcs *gcs = gcs_open();                 no request, no library: costs nothing
 *     rc = gcs_stat(gcs, "bucket", "a/b", 0, &object, &err);        1: there, 0: not there, -1
 *     rc = gcs_list(gcs, &(struct gcs_listing){.bucket = "bucket", .prefix = "a/"},
 *                   each, context, &err);
 *     rc = gcs_put_text(gcs, "bucket", "a/_SUCCESS", text, &options, NULL, &err);
 *     gcs_close(gcs);
 *
 * Reading many ranges with read-ahead: gcs_read.h. Writing from a descriptor, resumable sessions:
 * gcs_upload.h. Copying from bucket to bucket: gcs_copy.h.
 *
 * Every call blocks until it has an answer. It tries again as store/retry.h says, with one budget
 * per call; what is still failing then is ERR_RETRY. What no retry can help (a missing bucket, a
 * permission, credentials) is ERR_SETUP, or ERR_INPUT where an input is read. Messages name
 * operation, object, status and the server's reason, never a secret.
 *
 * Credentials are looked for on the first request (credentials.h). STORAGE_EMULATOR_HOST,
 * "http://host:port" or "host:port", names another server, which gets no credentials.
 * MRLUA_GCS_EXTRA_HEADERS ("name: value" lines) is added to every request to it. libcurl is loaded
 * on the first request. A client is used by one process; a forked child opens its own.
 *
 * Generations: a generation names one version of an object; 0 means the live one.
 */
#ifndef STORE_GCS_H
#define STORE_GCS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GCS_TEXT_BYTES_MAX = 64 * 1024 * 1024, /* of gcs_get_text(): manifests, not data */
    GCS_METADATA_COUNT_MAX = 16,
    GCS_UPLOAD_ID_BYTES_MAX = 128,
};

struct gcs;

/* A pair of custom metadata. */
struct gcs_metadata {
    const char *key;
    const char *value;
};

struct gcs_object {
    char *name;
    uint64_t size; /* as stored */
    uint64_t generation;
    uint32_t crc32c; /* of the bytes as stored; if has_crc32c */
    bool has_crc32c;
    bool is_gzip;       /* Content-Encoding: gzip: what is read is to be inflated, from its start */
    char *content_type; /* "" if it has none */
    char *updated;      /* "2026-11-29T18:00:00.000Z", "" if not told */
    struct gcs_metadata metadata[GCS_METADATA_COUNT_MAX]; /* more are not kept */
    size_t metadata_count;
};

/* Safe on a zeroed struct. */
void gcs_object_deinit(struct gcs_object *object);

/* The value of the custom metadata `key`, or NULL. */
const char *gcs_object_metadata(const struct gcs_object *object, const char *key);

/* Loads libcurl now, in a process whose forked children will need it: 9 ms that each would pay.
 * Without it there is no error yet: whoever asks for something hears of it. */
void gcs_prepare(void);

struct gcs *gcs_open(void);
void gcs_close(struct gcs *gcs);

/* Metadata. 1: *out is set, to be released. 0: there is no such object (or generation). */
int gcs_stat(struct gcs *gcs, const char *bucket, const char *object, uint64_t generation,
             struct gcs_object *out, struct err *err);

struct gcs_listing {
    const char *bucket;
    const char *prefix;    /* NULL: all */
    const char *delimiter; /* NULL: everything below the prefix; "/": this level only */
    const char *start;     /* NULL, or the first name that counts (startOffset) */
    uint32_t page_count;   /* 0: as many a page as the service gives (1000) */
};

/*
 * Calls `each` for every object in byte order of names and, with a delimiter, for every common
 * prefix ("folder"), page by page: exactly one of `object` and `prefix` is not NULL, both are good
 * for the call only. Within a page prefixes come behind the objects. `each` answers 0: go on,
 * 1: enough, -1: failed, *err is set. gcs_list answers 0, 1 if it was enough, or -1.
 */
int gcs_list(struct gcs *gcs, const struct gcs_listing *listing,
             int (*each)(void *context, const struct gcs_object *object, const char *prefix,
                         struct err *err),
             void *context, struct err *err);

/* 1: deleted (by us, as far as anyone can tell). 0: it was not there, or another generation is.
 * Generation 0 deletes whatever is live, and is not tried again when an answer is lost. */
int gcs_delete(struct gcs *gcs, const char *bucket, const char *object, uint64_t generation,
               struct err *err);

/* Appends the object's bytes to `out`, checked against its CRC32C; of a gzip one as they are
 * stored. 1: done; *object, unless NULL, is set: size, generation, crc32c. 0: it is not there.
 * ERR_INPUT: it has more than bytes_max (at most GCS_TEXT_BYTES_MAX). */
int gcs_get_text(struct gcs *gcs, const char *bucket, const char *object, uint64_t generation,
                 size_t bytes_max, struct buf *out, struct gcs_object *meta, struct err *err);

enum gcs_condition {
    GCS_ALWAYS,        /* whatever is there is replaced. A lost answer is not tried again */
    GCS_IF_ABSENT,     /* ifGenerationMatch=0 */
    GCS_IF_GENERATION, /* ifGenerationMatch=generation */
};

/* How an object is written. Zeroed: replaces, application/octet-stream, nothing else. */
struct gcs_put {
    enum gcs_condition condition;
    uint64_t generation;          /* GCS_IF_GENERATION */
    const char *content_type;     /* NULL: application/octet-stream */
    const char *content_encoding; /* NULL: none */
    const struct gcs_metadata *metadata;
    size_t metadata_count;
    /* Who writes, kept as the custom metadata "mrlua-upload": when an answer is lost, this and the
     * checksum tell our own success from another's. NULL: one is made up. */
    const char *upload_id;
};

/* Small objects, in one request. 1: written (also when only a later look says so); *out, unless
 * NULL, is the new object. 0: the condition does not hold: another's object is (or none is). */
int gcs_put_text(struct gcs *gcs, const char *bucket, const char *object, struct slice text,
                 const struct gcs_put *put, struct gcs_object *out, struct err *err);

#endif
