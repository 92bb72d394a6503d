/*
 * death: says, for people and for the scheduler, why a vm child ended without an answer. Pure.
 *
 *     death_tell(&death, &err);     err is ERR_LIMIT, err->message one sentence
 *
 * Examples:
 *
 *     map took longer than 60 s for one record (limits.seconds_per_record), at byte 120 of a.txt
 *     the script's process died of SIGSEGV in map, at byte 120 of a.txt (record 7)
 *     the script called execve, which a job may not do (system call refused), in load
 */
#ifndef ATTEMPT_DEATH_H
#define ATTEMPT_DEATH_H

#include "attempt/page.h"
#include "base/err.h"

#include <stdint.h>

/* Why the trusted process killed it, if it did. */
enum death_cause {
    DEATH_BY_ITSELF,
    DEATH_RECORD_TOO_LONG,
    DEATH_NO_PROGRESS,
    DEATH_MEMORY,
    DEATH_CAUSE_COUNT,
};

struct death {
    enum death_cause cause;
    int status; /* of wait(2) */
    /* What the page said last. */
    uint64_t phase, record, input_offset;
    uint32_t denied_call;
    uint64_t piece;
    bool in_hand;      /* a function of the job had it */
    struct slice key;  /* of a reduce, or its beginning; it points into the page */
    size_t key_bytes;  /* of all of it */
    const char *input; /* name of the input in hand, or NULL: no record is in hand */
    uint64_t progress_ms, record_ms, memory_bytes; /* the limits */
};

/* Is it the fault of a record, or key, that was in hand? By what the page says. */
bool death_is_of_record(const struct death *death);

/* The key, printed. Returns `out`. */
const char *death_print_key(const struct death *death, char *out, size_t out_bytes);

/* Copies what the page says now. */
void death_look(struct death *death, const struct page *page);

/* Fills `err`, returns -1. */
int death_tell(const struct death *death, struct err *err);

#endif
