/*
 * home: where this user's files are, as the XDG base directory specification has it.
 *
 *     if (!home_state(&path))
 *         return err_set(err, ERR_SETUP, "no place for it: set HOME");
 *     buf_append_string(&path, "/secret");
 */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include "base/buf.h"

#include <stdbool.h>

/* Appends the folder. False: the environment names none. */
bool home_state(struct buf *out); /* $XDG_STATE_HOME/mrlua, else ~/.local/state/mrlua */
bool home_cache(struct buf *out); /* $XDG_CACHE_HOME/mrlua, else ~/.cache/mrlua */

#endif
