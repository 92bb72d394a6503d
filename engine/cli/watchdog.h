/*
 * watchdog: ends this process at a deadline, with a last word, as a host function (vm/host.h).
 *
 *     engine.watchdog{milliseconds = 30000, memory_bytes = 1 << 31, text = "it hangs\n"}
 *
 * For commands that call a job's functions in their own process (`mrlua check`): Lua's count hook
 * does not see a library's function that does not come back. At the deadline `text` goes to
 * standard output and the process ends with WATCHDOG_EXIT_CODE. From now on it has no more than
 * memory_bytes of address space (a sanitizer build has no such limit). Set once, never taken back.
 */
#ifndef CLI_WATCHDOG_H
#define CLI_WATCHDOG_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    WATCHDOG_EXIT_CODE = 1,
    WATCHDOG_TEXT_BYTES_MAX = 4096, /* a finding or two; it must not need memory then */
};

struct vm_host;

int watchdog_set(void *context, struct vm_host *host, struct slice args, struct buf *result,
                 struct err *err);

#endif
