/*
 * build: which build of the engine this is.
 *
 *     struct slice id = build_id();      20 bytes, the same wherever this executable runs
 *
 * What an older or newer mrlua has left behind may have been made in another way than this one
 * would make it: whoever keeps such things names the build with them. It is what the linker writes
 * into an executable (--build-id): a hash of all that is in it.
 */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

#include "base/slice.h"

/* Never empty. It is the process's own, for good. */
struct slice build_id(void);

#endif
