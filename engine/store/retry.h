/*
 * retry: whether a failed request is made again, and when. Pure: told the time, asks nothing.
 *
 *     retry_init(&retry, &RETRY_POLICY, seed);
 *     for (;;) {
 *         ... the request ...
 *         verdict = retry_judge(&retry, RETRY_ALWAYS, &answer, &delay_ns);
 *         if (verdict == RETRY_AGAIN) wait delay_ns;
 *         else if (verdict == RETRY_REFRESH) get a new token;
 *         else break;
 *         if bytes came: retry_progress(&retry);
 *     }
 *
 * Retried: 408, 429, every 5xx, and connections that fail or break off. Never: other 4xx, a server
 * whose certificate is wrong. 401: once, with a new token. This is the table of Google's
 * documentation and of its clients (conformance-tests, storage/v1/retry_tests.json).
 *
 * A request that changes something is retried only when doing it twice is doing it once, that is,
 * under a precondition; without one, only if it cannot have reached the server.
 *
 * Waits double from delay_ns_min to delay_ns_max, and a wait is a random part of that ("full
 * jitter": many clients that fail at once do not come back at once). Retry-After is a lower bound,
 * up to RETRY_AFTER_S_MAX. The budget is a count of tries without progress: a body of 5 TB may
 * break off any number of times, as long as each time something came.
 *
 * A cold bucket takes a limited rate and grows under load (1,000 writes, 5,000 reads a second at
 * first). `struct ramp` is how many requests a client has under way: few at first, one more for
 * each that succeeds, half as many when the server says that it is too much.
 */
#ifndef STORE_RETRY_H
#define STORE_RETRY_H

#include "base/rand.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_AFTER_S_MAX = 120, /* a server that says "tomorrow" is not waited for */
    RAMP_START_COUNT = 4,
    RAMP_CUT_NS_MIN = 1000000000, /* one overload is many answers: it is cut once a second */
};

enum retry_operation {
    RETRY_ALWAYS,      /* reads, lists, session queries: doing it twice is doing it once */
    RETRY_CONDITIONAL, /* changes something, under a precondition */
    RETRY_NEVER,       /* changes something, whatever is there */
};

/* How a request ended, beside its status. */
enum retry_failure {
    RETRY_ANSWERED,   /* a whole answer: its status says the rest */
    RETRY_UNREACHED,  /* no connection: the server has seen nothing of it */
    RETRY_BROKEN,     /* reset, cut off, stalled: it may have seen all of it */
    RETRY_UNTRUSTED,  /* the server is not who it should be */
    RETRY_IMPOSSIBLE, /* our side: memory, a malformed URL */
};

enum retry_verdict {
    RETRY_DONE,    /* success, or an answer that no retry changes: look at the status */
    RETRY_AGAIN,   /* after *delay_ns */
    RETRY_REFRESH, /* at once, with a new token */
    RETRY_GIVE_UP, /* it could be retried, but the budget is spent, or it must not be done twice */
};

struct retry_policy {
    uint32_t try_count_max; /* without progress */
    uint64_t delay_ns_min;
    uint64_t delay_ns_max;
};

/* Twelve tries: about 95 s on average, 190 at most, before a task is given up. */
extern const struct retry_policy RETRY_POLICY;
/* For the token of a machine: on one that is not Google's nobody will ever answer. */
extern const struct retry_policy RETRY_POLICY_METADATA;

struct retry_answer {
    int status; /* of a RETRY_ANSWERED; of a broken one, what was read before; 0: none */
    enum retry_failure failure;
    uint32_t retry_after_s; /* 0: not said */
};

struct retry {
    const struct retry_policy *policy;
    struct rand rand;
    uint32_t try_count; /* failed ones since the last progress */
    bool is_refreshed;  /* a new token was asked for, and nothing has succeeded since */
};

void retry_init(struct retry *retry, const struct retry_policy *policy, uint64_t seed);

enum retry_verdict retry_judge(struct retry *retry, enum retry_operation operation,
                               const struct retry_answer *answer, uint64_t *delay_ns);

/* Something came, or was stored, since the last failure: the budget is whole again. */
void retry_progress(struct retry *retry);

/* Could another try answer differently? */
bool retry_is_transient(const struct retry_answer *answer);

struct ramp {
    uint32_t count; /* that may be under way */
    uint32_t count_max;
    uint32_t success_count; /* since count was raised */
    uint64_t cut_ns;        /* when it was cut last; 0: never */
};

void ramp_init(struct ramp *ramp, uint32_t count_max);
void ramp_success(struct ramp *ramp);
/* The server said 429 or 503. */
void ramp_overload(struct ramp *ramp, uint64_t now_ns);

#endif
