/*
 * pulse: "still alive". Whoever waits for a long sort or merge is told of every block read or
 * written and of every few thousand records sorted, so that slow work is not taken for a hang.
 */
#ifndef RECORD_PULSE_H
#define RECORD_PULSE_H

struct pulse {
    void (*beat)(void *context); /* NULL: nobody listens */
    void *context;
};

static inline void pulse_beat(struct pulse pulse)
{
    if (pulse.beat)
        pulse.beat(pulse.context);
}

#endif
