/*
 * fetch_state: what a fetch plan knows, and the changes that facts (fetch_plan.c) and steps
 * (fetch_step.c) have in common. Pure, as fetch_plan.h says; only those two include this.
 */
#ifndef ATTEMPT_FETCH_STATE_H
#define ATTEMPT_FETCH_STATE_H

#include "attempt/fetch_plan.h"
#include "base/rand.h"

#define FETCH_NEVER       UINT64_MAX
#define FETCH_NO_SEQUENCE UINT64_MAX
#define FETCH_NOBODY      UINT32_MAX

enum {
    FETCH_TIMES_BEFORE_LOST = 2, /* a segment that failed so often is told ... */
    FETCH_CUTS_BEFORE_LOST = 3,  /* ... and one that was cut so often at one place */
    FETCH_LOOKS_DOUBLE = 4,      /* the first look without news comes after look_ns / 2^4 */
    FETCH_UNKNOWN_FAILURES = 3,  /* what a worker counts that has never heard of the job */
};

enum holder_state {
    HOLDER_RESTS, /* no request is out */
    HOLDER_ASKED, /* the next fact is a head, or a cut */
    HOLDER_TAKES, /* bytes of part.map come */
    HOLDER_SKIPS, /* bytes come that nobody needs */
    HOLDER_GONE,  /* the master does not list it */
};

/* What has come of a segment, in hand or cut. */
struct part {
    uint32_t map;
    uint64_t attempt, sequence;
    uint64_t bytes, here;
    uint32_t cuts; /* since the last byte */
};

/* A worker that holds runs, in one incarnation. */
struct holder {
    struct fetch_source about;
    char *host;
    enum holder_state state;
    bool is_listed; /* in the update that is being applied */
    bool is_connected, must_close, must_tell;
    bool has_part;
    struct part part;

    uint64_t request;
    bool is_single; /* the request is for one segment that failed before: single_sequence */
    uint64_t single_sequence;
    uint64_t first, at; /* the lowest sequences that may be answered: first, next */
    uint64_t skip_left; /* SKIPS: bytes */
    uint64_t deadline_ns;

    uint64_t sequence;      /* to be asked for next */
    uint64_t due_ns;        /* when */
    uint64_t not_before_ns; /* after failures, or when it was busy: nothing is asked before */
    uint64_t rewind_to;     /* the lowest one passed over that may be needed after all */
    bool must_rewind;
    uint32_t count_asked; /* of what the master said it holds */
    uint32_t looks;       /* in a row that found nothing */
    uint32_t failures;    /* in a row ... */
    uint64_t failing_ns;  /* ... since that request was sent */
    uint64_t asked_ns;
    uint64_t tell_ns; /* when it may be told again */
};

/* A segment that was asked for and could not be had. */
struct missed {
    uint32_t source, map;
    uint64_t sequence, attempt;
    uint32_t times;
    uint64_t due_ns; /* FETCH_NEVER: it is being asked for */
    bool must_tell;
};

struct fetch_plan {
    struct fetch_options options;
    struct rand rand;
    struct fetch_segment *segments;
    uint32_t *takers; /* by map: the source that brings it, or FETCH_NOBODY */
    struct holder *sources;
    uint32_t source_count, source_room;
    struct missed *missed;
    uint32_t missed_count, missed_room;
    uint32_t in_flight, connected;
    uint32_t cursor; /* the source to be thought of first */
    uint64_t last_request;
    uint64_t wake_ns; /* before this there is nothing to do; 0: look */
    struct fetch_counts counts;
};

uint32_t fetch_state_number(const struct fetch_plan *plan, const struct holder *source);

/* A segment that could not be had, `times` times more than before: to be asked for again, alone. */
void fetch_state_miss(struct fetch_plan *plan, uint64_t now_ns, uint32_t source, uint64_t sequence,
                      uint32_t map, uint64_t attempt, uint32_t times);
void fetch_state_miss_again(struct fetch_plan *plan, uint64_t now_ns, struct missed *missed);
struct missed *fetch_state_find_missed(struct fetch_plan *plan, uint32_t source, uint64_t sequence);

/* A segment that was left out because another source brings its map: if that fails, all who passed
 * one over go back to it (fetch_state_rewind(), which does nothing while a request is out). */
void fetch_state_pass_over(struct holder *source, uint64_t sequence);
void fetch_state_rewind(struct holder *source, uint64_t now_ns);

/* Nobody brings this map any more. */
void fetch_state_release_map(struct fetch_plan *plan, uint64_t now_ns, uint32_t map);

/* What the source has of a segment is of no use. */
void fetch_state_drop_part(struct fetch_plan *plan, uint64_t now_ns, struct holder *source);

void fetch_state_end_request(struct fetch_plan *plan, uint64_t now_ns, struct holder *source);

/* It has failed: it is not asked for a while, and told if it goes on so. */
void fetch_state_hold_off(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                          uint32_t failures);

/* The connection is of no more use, its request is over. */
void fetch_state_cut(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                     uint32_t failures);

/* Somewhere in the second half of `ns`: who failed together shall not return together. */
uint64_t fetch_state_jittered(struct fetch_plan *plan, uint64_t ns);

#endif
