/*
 * host: the trusted Lua state of the command line. Full libraries, `require` of the embedded
 * modules (mrlua.*, argparse), lpeg and cjson; never a user's job.
 *
 *     static const struct host_function functions[] = {{"run_job", cli_run_job}, {0}};
 *
 *     rc = vm_host_run("mrlua.cli.main", argc, argv, functions, context, &exit_code, &err);
 *
 * The module answers a function, or a table with `main`: it is called with a list of the
 * arguments after argv[0], and answers the exit code (nothing is 0).
 *
 * Lua calls C as fields of `require "mrlua.engine"`: one table of named arguments in (or
 * nothing), one value out, both by the value codec:
 *
 *     local engine = require "mrlua.engine"
 *     local answer, message, kind = engine.run_job { inputs = paths, slots = 2 }
 *
 * A function that fails answers nil, the message and the kind's name ("input"); one that leaves
 * `result` empty answers true. engine.on("progress", f) registers what vm_host_call(host,
 * "progress", ...) calls; engine.on("progress", nil) takes it away.
 */
#ifndef VM_HOST_H
#define VM_HOST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct vm_host;

struct host_function {
    const char *name;
    /* `args`: an encoded table (read it with value_field()), good for the call. `result`: empty;
     * append at most one encoded value. 0, or -1 with *err set. */
    int (*call)(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err);
};

/*
 * Runs `module` to its end. `functions` ends with a null name. 0: *exit_code is set. -1: it
 * raised or does not load, and err->message says where (ERR_SETUP).
 */
int vm_host_run(const char *module, int argc, char **argv, const struct host_function functions[],
                void *context, int *exit_code, struct err *err);

/*
 * Calls what was registered under `name` with one encoded value (empty: nothing), from inside a
 * host function. The first value it answers is appended to `result`, unless that is NULL or it
 * answered nothing. Nobody registered: 0. It raised: -1 (ERR_SETUP).
 */
int vm_host_call(struct vm_host *host, const char *name, struct slice arg, struct buf *result,
                 struct err *err);

/* Raises "interrupted!" where Lua is, at its next step: for a signal handler, which may call this.
 * A C function that Lua has called is left alone until it returns. */
void vm_host_interrupt(struct vm_host *host);

#endif
