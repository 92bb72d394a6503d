/*
 * segment_server: gives the segments of the runs that this worker holds to the reduces that fetch
 * them, on a port of its own.
 *
 *     options = (struct segment_server_options){.listen = "127.0.0.1:0", .keys = &keys,
 *                                               .incarnation = incarnation, ...};
 *     server = segment_server_open(loop, &options, &err);
 *     segment_server_hold(server, job, map, attempt, path);     a map ended here
 *     segment_server_forget(server, job, attempt);              its run is not wanted any more
 *     segment_server_forget_job(server, job);                   nor any of this job
 *     segment_server_close(server);
 *
 * Runs of a job are numbered from 0 in the order of segment_server_hold(); a number is never used
 * again. A request (MESSAGE_SEGMENT_FETCH) names a partition and
 * the first number; it is answered by a head for each run from there on, in order, with the bytes
 * of the segment behind it (DATA), or without any: EMPTY: no record is in it, as an index that is
 * intact says. UNKNOWN: the run cannot be read (options.lost hears of it too). Forgotten runs are
 * left out. A last head ends the answer: NO_MORE, with the number to go on from; BUSY; or UNKNOWN
 * with attempt 0: this worker holds nothing of this job, or is not the one that was meant.
 *
 * Who asks proves that it holds the job's key, on this connection (rpc/keys.h); who cannot is
 * hung up on and learns nothing.
 *
 * Costs. A run file is opened for each segment and sent by the kernel, over TLS read and encrypted;
 * it must not change. Indexes
 * are kept, SEGMENT_INDEX_BYTES_MAX in all, the one used longest ago goes first. At most
 * SEGMENT_FILES_QUEUED files wait on a connection, and requests_max requests are served at a time:
 * so descriptors are bounded. More are told BUSY, to come back in SEGMENT_BUSY_MS.
 */
#ifndef WORKER_SEGMENT_SERVER_H
#define WORKER_SEGMENT_SERVER_H

#include "base/err.h"
#include "rpc/keys.h"
#include "rpc/loop.h"
#include "rpc/tls.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SEGMENT_REQUESTS_MAX = 64, /* and their files no more than an eighth of RLIMIT_NOFILE */
    SEGMENT_FILES_QUEUED = 8,
    SEGMENT_BYTES_QUEUED = 4 * 1024 * 1024, /* of files on one connection, then it must drain */
    SEGMENT_INDEX_BYTES_MAX = 64 * 1024 * 1024,
    SEGMENT_BUSY_MS = 100,
    SEGMENT_COUNT_MAX = 1024, /* of one request */
};

struct segment_server;

struct segment_server_options {
    const char *listen;      /* "HOST:PORT"; port 0 takes a free one */
    const struct keys *keys; /* borrowed; with the secret */
    uint64_t incarnation;
    bool key_is_given; /* as in rpc/listener.h */
    enum tls_use tls;
    uint32_t requests_max; /* 0: SEGMENT_REQUESTS_MAX */

    /* A held run cannot be read. Told once for each; it may call segment_server_forget(). May be
     * NULL. */
    void (*lost)(void *context, uint64_t job, uint32_t map, uint64_t attempt,
                 const struct err *err);
    void *context;
};

struct segment_server *segment_server_open(struct loop *loop,
                                           const struct segment_server_options *options,
                                           struct err *err);
void segment_server_close(struct segment_server *server); /* NULL is fine */

const char *segment_server_address(const struct segment_server *server);
uint16_t segment_server_port(const struct segment_server *server);

/* Once for each attempt. `path` is copied. */
void segment_server_hold(struct segment_server *server, uint64_t job, uint32_t map,
                         uint64_t attempt, const char *path);
void segment_server_forget(struct segment_server *server, uint64_t job, uint64_t attempt);
void segment_server_forget_job(struct segment_server *server, uint64_t job);

/* How many runs of a job it holds. */
uint32_t segment_server_count(const struct segment_server *server, uint64_t job);

struct segment_server_counts {
    uint64_t requests, busy, unknown, refused; /* refused: no proof, no sense */
    uint64_t segments, empty, lost;
    uint64_t bytes;       /* queued for sending */
    uint64_t index_bytes; /* kept now */
    uint32_t serving;     /* requests now */
};
const struct segment_server_counts *segment_server_counts(struct segment_server *server);

#endif
