/*
 * The executable's own time(): what liblua asks when it seeds the hash of strings. A job has no
 * clock, so nothing else in a vm child notices; whoever needs the time uses base/clock.h.
 *
 * Why: with time() in the seed, the order of pairs() differs in every process, and a map that
 * iterates a table emits other bytes when it is run again. Building Lua with an own
 * luai_makeseed() would do as well, but the system's liblua is what is linked here.
 */
#include "vm/vm.h"

#include <time.h>

static bool time_is_frozen;

void vm_freeze_time(void)
{
    time_is_frozen = true;
}

/* NOLINTNEXTLINE: libc's declaration */
time_t time(time_t *out)
{
    struct timespec now = {0};

    if (!time_is_frozen)
        clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
