/*
 * program: another program run to its end, as a host function (vm/host.h).
 *
 *     engine.program_run{argv = {"/usr/share/mrlua/gce/up.sh", "--dry-run"}}   -> {code}
 *     engine.program_run{argv = {"gcloud", "--version"}, capture = true}       -> {code, output}
 *
 * There is no shell in between: an argument is what the program gets, byte for byte. argv[0] is
 * looked for in PATH unless it has a slash. It has our standard input, output and error, but for
 * output with `capture`, which is answered as text.
 *
 * While it runs, Ctrl-C is its own business, as in a shell's command: what it does about it is seen
 * from its code, 128 + n when signal n ended it. That it cannot be started is an error (ERR_SETUP);
 * more output than PROGRAM_OUTPUT_BYTES_MAX, too (ERR_LIMIT), and it is killed.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
    PROGRAM_ARGUMENT_COUNT_MAX = 4096,           /* the inputs of a job are among them */
    PROGRAM_OUTPUT_BYTES_MAX = 64 * 1024 * 1024, /* listings; it is held in memory */
};

struct vm_host;

int program_run(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err);

#endif
