/*
 * watch: decides, from looks at the shared page, whether a vm child has had its time. Pure.
 *
 *     watch_init(&watch, progress_ns, record_ns, now);
 *     every so often:  verdict = watch_look(&watch, pulse, in_user_code, now);
 *
 * The clock runs while the pulse stands still; each change of the pulse starts it anew. In user
 * code `record_ns` holds, and everywhere `progress_ns`.
 *
 * A watcher that itself slept (a stopped terminal job, a suspended laptop) has no right to count
 * that time against the child: after a gap of more than WATCH_GAP_NS between two looks the clock
 * starts anew.
 */
#ifndef ATTEMPT_WATCH_H
#define ATTEMPT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define WATCH_GAP_NS (2ULL * 1000 * 1000 * 1000) /* looks are ATTEMPT_PROGRESS_MS apart */

enum watch_verdict {
    WATCH_GOES_ON,
    WATCH_RECORD_TOO_LONG, /* limits.seconds_per_record */
    WATCH_NO_PROGRESS,     /* limits.seconds */
};

struct watch {
    uint64_t progress_ns, record_ns; /* limits; 0: none */
    uint64_t pulse;                  /* as last seen */
    uint64_t since_ns;               /* when it last changed */
    uint64_t looked_ns;
    bool moved; /* since watch_moved() was asked last */
};

void watch_init(struct watch *watch, uint64_t progress_ns, uint64_t record_ns, uint64_t now_ns);

enum watch_verdict watch_look(struct watch *watch, uint64_t pulse, bool in_user_code,
                              uint64_t now_ns);

/* Has the pulse changed since this was asked last? */
bool watch_moved(struct watch *watch);

#endif
