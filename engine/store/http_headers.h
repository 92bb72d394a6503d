/*
 * http_headers: what an answer says in its headers, as far as anyone here asks. Pure.
 *
 *     http_headers_init(&headers);
 *     for each line: http_headers_line(&headers, line);
 *     http_headers_deinit(&headers);
 *
 * Lines come from a server: what is malformed is as if it were not there.
 */
#ifndef STORE_HTTP_HEADERS_H
#define STORE_HTTP_HEADERS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_NO_NUMBER UINT64_MAX

enum { HTTP_LOCATION_BYTES_MAX = 4096 };

/* Numbers that are not there are HTTP_NO_NUMBER. */
struct http_headers {
    uint64_t content_length;
    uint64_t range_first, range_last, range_total; /* Content-Range: bytes 1-2/3 */
    uint64_t stored_last;                          /* Range: bytes=0-N, of a 308 */
    uint64_t generation;                           /* x-goog-generation */
    uint32_t retry_after_s;                        /* 0: not there; a date is not understood */
    bool is_gzip;                                  /* Content-Encoding: gzip */
    bool is_metadata;                              /* Metadata-Flavor: Google */
    bool has_crc32c;                               /* x-goog-hash, of the whole stored object */
    uint32_t crc32c;
    struct buf location; /* empty: not there, or too long */
};

/* Of a zeroed struct, or of one that was used: it is empty. */
void http_headers_init(struct http_headers *headers);
void http_headers_deinit(struct http_headers *headers);

/* A header line, with or without its line end. */
void http_headers_line(struct http_headers *headers, struct slice line);

/* A checksum as the service writes it: base64 of 4 bytes, big-endian. False: it is none. */
bool http_crc32c_decode(struct slice text, uint32_t *crc32c);

enum { HTTP_CRC32C_BYTES = 9 }; /* 8 characters and a NUL */
void http_crc32c_encode(uint32_t crc32c, char out[HTTP_CRC32C_BYTES]);

#endif
