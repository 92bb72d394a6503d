/*
 * fetch_plan: what a reduce attempt asks of which worker, and when. Pure: facts in, steps out. No
 * clock, socket or file is reached from here; time is `now_ns`, chance the seed.
 *
 *     plan = fetch_plan_open(&options);
 *     fetch_plan_sources(plan, now_ns, sources, count);     whenever the master says who holds maps
 *     for (;;) {
 *         while (fetch_plan_next(plan, now_ns, &step))
 *             do(&step);
 *         if (fetch_plan_is_complete(plan))
 *             break;
 *         wait for a message, a socket, or fetch_plan_wake_ns(plan)
 *     }
 *     ... fetch_plan_segments(plan) ...
 *     fetch_plan_close(plan);
 *
 * and as answers to a step FETCH_ASK come, each with the request's number:
 *
 *     use = fetch_plan_head(plan, now_ns, source, request, &head, &place);
 *     fetch_plan_bytes(plan, now_ns, source, request, count);     after FETCH_TAKE, FETCH_SKIP
 *     fetch_plan_end(plan, now_ns, source, request, is_good);     all its bytes are here
 *     fetch_plan_cut(plan, now_ns, source, request);              no more answers will come
 *
 * What carries another number than the source's request in hand is late or double: it changes
 * nothing, and bytes behind such a head are thrown away. A request is over after a head that is
 * NO_MORE, BUSY or UNKNOWN of everything (attempt 0), and after a cut; a source has one request at
 * a time.
 *
 * Policy. Each worker numbers the runs it holds of a job in the order they ended; it is asked for
 * our partition of all of them, from the first we have not seen. The first good segment of each map
 * is taken; another one is skipped. A worker that has answered all it said it holds is asked again
 * when the master says it holds more, and after a while in any case.
 *
 * A cut segment goes on where it was cut. One that came damaged, or that the worker does not have,
 * is asked for once more; then it is told (FETCH_LOST), as is one that was cut three times at one
 * place; it is left to whoever has another run of its map, and asked for, and told, again every
 * `tell_ns`. A worker that
 * cannot be reached, or has never heard of the job, is told (FETCH_UNREACHABLE) in the same way.
 * Between failures of one worker the waits double, with jitter. So an attempt ends complete, or has
 * said which map or worker it waits for.
 *
 * A worker that the master no longer lists, or lists with another incarnation, is closed, and what
 * had come only in part is taken from another. What is complete stays good: it is here.
 *
 * Bounded: `in_flight_max` requests at a time, each for at most `segments_max` segments, on at most
 * `connections_max` connections. Memory: per map and per worker, a few words.
 */
#ifndef ATTEMPT_FETCH_PLAN_H
#define ATTEMPT_FETCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define FETCH_ATTEMPT_NONE 0ULL /* of a head: it is about all of the job's runs */

struct fetch_options {
    uint32_t map_count;
    uint64_t seed;
    /* 0: the constants below. */
    uint32_t in_flight_max;   /* requests */
    uint32_t connections_max; /* at least in_flight_max */
    uint32_t segments_max;    /* of one request */
    uint64_t answer_ns;       /* a request that says nothing for so long is cut */
    uint64_t retry_ns_min;    /* after the first failure of a worker; doubles ... */
    uint64_t retry_ns_max;    /* ... up to this */
    uint64_t tell_ns;         /* between two reports of one loss */
    uint64_t look_ns;         /* a worker that has answered all is asked again after this */
};

enum {
    FETCH_IN_FLIGHT = 8,     /* enough to fill a link from workers that are slow at times */
    FETCH_CONNECTIONS = 64,  /* kept open between requests */
    FETCH_SEGMENTS = 64,     /* so that one worker cannot hold a place for long */
    FETCH_ANSWER_MS = 10000, /* as long as a silent worker counts as alive */
    FETCH_RETRY_MS_MIN = 50,
    FETCH_RETRY_MS_MAX = 5000,
    FETCH_TELL_MS = 10000,
    FETCH_LOOK_MS = 15000,
    /* Failures of a worker in a row until it is told: so many, or two if they took so long. */
    FETCH_TELL_FAILURES = 6,
    FETCH_TELL_AFTER_MS = 3000, /* a worker whose link was cut has come back by then */
};

/* A worker that holds runs of the job. */
struct fetch_source {
    uint32_t worker_id;
    uint64_t incarnation;
    const char *host; /* copied */
    uint32_t port;
    uint32_t tls;   /* enum tls_use; passed on */
    uint32_t count; /* runs it holds; those are numbered from 0 on, some may be gone again */
};

enum fetch_step_kind {
    FETCH_ASK,         /* source, request, sequence, offset, segments_max; connect if need be */
    FETCH_CLOSE,       /* source: close its connection; its request, if any, is over */
    FETCH_LOST,        /* source, map, attempt: its segment cannot be had there */
    FETCH_UNREACHABLE, /* source: nothing can be had there */
};

struct fetch_step {
    enum fetch_step_kind kind;
    uint32_t source; /* a small number: the worker in one incarnation; never another's later */
    uint32_t worker_id;
    uint64_t incarnation;
    const char *host; /* good until the next fetch_plan_sources() */
    uint32_t port, tls;
    uint64_t request; /* names the request: answers come with it */
    uint64_t sequence, offset;
    uint32_t segments_max;
    uint32_t map;
    uint64_t attempt;
};

enum fetch_head_state {
    FETCH_DATA,    /* bytes - offset bytes follow */
    FETCH_EMPTY,   /* the segment has no records; nothing follows */
    FETCH_UNKNOWN, /* it cannot be had; attempt FETCH_ATTEMPT_NONE: nothing of the job can */
    FETCH_BUSY,    /* ask again after retry_ns */
    FETCH_NO_MORE, /* the request is over; `sequence` is the next one to ask for */
};

struct fetch_head {
    enum fetch_head_state state;
    uint64_t incarnation; /* of who answers */
    uint64_t sequence;
    uint32_t map;
    uint64_t attempt;
    uint64_t records;
    uint64_t bytes, offset;
    uint64_t retry_ns;
    bool has_more; /* NO_MORE: there is one at `sequence`, only this request has ended */
};

enum fetch_use {
    FETCH_NOTHING, /* no bytes follow */
    FETCH_TAKE,    /* the bytes that follow go to *place */
    FETCH_SKIP,    /* the bytes that follow are thrown away */
    FETCH_REFUSE,  /* this peer is not what it should be: close; the request counts as cut */
};

/* Where a segment's bytes go. */
struct fetch_place {
    uint32_t map;
    uint64_t attempt;
    uint64_t offset; /* of the whole segment in the scratch file */
    uint64_t bytes;  /* of the whole segment */
    uint64_t from;   /* bytes of it that are there already: 0, or what came before a cut */
};

/* The segment of one map, once it is here. */
struct fetch_segment {
    bool is_here;
    uint64_t attempt;
    uint64_t offset, bytes; /* in the scratch file; bytes 0: it has no records */
    uint64_t records;
};

struct fetch_counts {
    uint32_t maps_here;
    uint64_t records;    /* of those */
    uint64_t bytes;      /* taken so far, those of segments that were damaged too */
    uint64_t file_bytes; /* how long the scratch file may be by now */
    uint64_t cuts, damaged, skipped, refused, stale;
    uint32_t lost, unreachable; /* reports */
};

struct fetch_plan;

struct fetch_plan *fetch_plan_open(const struct fetch_options *options);
void fetch_plan_close(struct fetch_plan *plan);

/* All workers that hold runs of the job by now, in any order; a worker at most once. */
void fetch_plan_sources(struct fetch_plan *plan, uint64_t now_ns,
                        const struct fetch_source *sources, uint32_t count);

enum fetch_use fetch_plan_head(struct fetch_plan *plan, uint64_t now_ns, uint32_t source,
                               uint64_t request, const struct fetch_head *head,
                               struct fetch_place *place);
void fetch_plan_bytes(struct fetch_plan *plan, uint64_t now_ns, uint32_t source, uint64_t request,
                      uint64_t count);
void fetch_plan_end(struct fetch_plan *plan, uint64_t now_ns, uint32_t source, uint64_t request,
                    bool is_good);
void fetch_plan_cut(struct fetch_plan *plan, uint64_t now_ns, uint32_t source, uint64_t request);

/* The next thing to do now; false: nothing until a fact or fetch_plan_wake_ns(). */
bool fetch_plan_next(struct fetch_plan *plan, uint64_t now_ns, struct fetch_step *step);

/* When fetch_plan_next() may have something to say without a fact. UINT64_MAX: never. */
uint64_t fetch_plan_wake_ns(const struct fetch_plan *plan);

bool fetch_plan_is_complete(const struct fetch_plan *plan);

/* By map number, map_count of them. */
const struct fetch_segment *fetch_plan_segments(const struct fetch_plan *plan);
const struct fetch_counts *fetch_plan_counts(const struct fetch_plan *plan);

/* One sentence about what is missing, for the attempt's last word. Returns `text`. */
const char *fetch_plan_missing(const struct fetch_plan *plan, char *text, uint32_t text_bytes);

#endif
