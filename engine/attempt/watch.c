#include "attempt/watch.h"

void watch_init(struct watch *watch, uint64_t progress_ns, uint64_t record_ns, uint64_t now_ns)
{
    *watch = (struct watch){
        .progress_ns = progress_ns,
        .record_ns = record_ns,
        .since_ns = now_ns,
        .looked_ns = now_ns,
    };
}

static bool is_over(uint64_t limit_ns, uint64_t still_ns)
{
    return limit_ns > 0 && still_ns > limit_ns;
}

enum watch_verdict watch_look(struct watch *watch, uint64_t pulse, bool in_user_code,
                              uint64_t now_ns)
{
    bool overslept = now_ns - watch->looked_ns > WATCH_GAP_NS;

    watch->looked_ns = now_ns;
    if (pulse != watch->pulse)
        watch->moved = true;
    if (pulse != watch->pulse || overslept) {
        watch->pulse = pulse;
        watch->since_ns = now_ns;
        return WATCH_GOES_ON;
    }
    if (in_user_code && is_over(watch->record_ns, now_ns - watch->since_ns))
        return WATCH_RECORD_TOO_LONG;
    if (is_over(watch->progress_ns, now_ns - watch->since_ns))
        return WATCH_NO_PROGRESS;
    return WATCH_GOES_ON;
}

bool watch_moved(struct watch *watch)
{
    bool moved = watch->moved;

    watch->moved = false;
    return moved;
}
