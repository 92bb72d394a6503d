#include "base/home.h"

#include <stdlib.h>

/* One that is relative is none, the specification says. */
static bool append(struct buf *out, const char *variable, const char *below_home)
{
    const char *parent = getenv(variable), *home = getenv("HOME");

    if (parent && parent[0] == '/')
        buf_printf(out, "%s/mrlua", parent);
    else if (home && home[0] == '/')
        buf_printf(out, "%s/%s/mrlua", home, below_home);
    else
        return false;
    return true;
}

bool home_state(struct buf *out)
{
    return append(out, "XDG_STATE_HOME", ".local/state");
}

bool home_cache(struct buf *out)
{
    return append(out, "XDG_CACHE_HOME", ".cache");
}
