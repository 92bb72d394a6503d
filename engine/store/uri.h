/*
 * uri: names of objects, gs://BUCKET/OBJECT, and how they stand in a request.
 *
 *     if (uri_is_gs(argument) && uri_parse(argument, &uri, &err) == 0)
 *         use(uri.bucket, uri.object);
 *     uri_deinit(&uri);
 *
 * The object's name is everything behind the bucket's slash, byte for byte: nothing in it is
 * decoded, so that a name means the same object to every Google tool. It may be empty (the bucket
 * as a folder) and may hold * ? [ (whoever lists says whether they are a pattern). Limits are those
 * of the service: a bucket has 3 to 222 bytes of a-z 0-9 - _ . and a name at most 1024 bytes
 * without line ends; "." and ".." are no names.
 */
#ifndef STORE_URI_H
#define STORE_URI_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

enum {
    URI_BUCKET_BYTES_MIN = 3,
    URI_BUCKET_BYTES_MAX = 222,
    URI_OBJECT_BYTES_MAX = 1024,
};

struct uri {
    char *bucket;
    char *object; /* "": the bucket itself */
};

/* Does it begin with "gs://"? */
bool uri_is_gs(const char *text);

/* ERR_SETUP, with what is wrong with it. On failure *out is empty. */
int uri_parse(const char *text, struct uri *out, struct err *err);

/* Safe on a zeroed struct. */
void uri_deinit(struct uri *uri);

/* Appends "gs://BUCKET/OBJECT". */
void uri_print(struct buf *out, const char *bucket, const char *object);

/* Appends `text` with everything but letters, digits and - . _ ~ as %XX; "/" is %2F, as the JSON
 * API wants it in a path and in a query. */
void uri_encode(struct buf *out, const char *text);

#endif
