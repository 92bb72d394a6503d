#include "cli/functions.h"

#include "attempt/attempt.h"
#include "cli/fields.h"
#include "cli/inspect.h"
#include "cli/run_shell.h"
#include "record/value.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

enum { STEP_MS_DEFAULT = 100 };

/* NULL with *err: there can be no attempt. */
static struct nursery *nursery_of(struct functions *functions, struct err *err)
{
    if (!functions->nursery)
        functions->nursery = nursery_start(err);
    return functions->nursery;
}

static int environment(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    cpu_set_t cpus;
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

    (void)context, (void)host, (void)args, (void)err;
    value_write_table_begin(result);
    field_integer(result, "cpu_count", (uint64_t)count);
    field_boolean(result, "stderr_is_terminal", isatty(STDERR_FILENO));
    value_write_table_end(result);
    return 0;
}

static void write_lines(struct buf *out, const char *name, const struct buf *text)
{
    size_t at = 0;

    field_name(out, name);
    value_write_table_begin(out);
    for (int64_t i = 1; at < text->len; i++) {
        const char *newline = memchr(text->ptr + at, '\n', text->len - at);
        size_t len = newline ? (size_t)(newline - text->ptr) - at : text->len - at;

        value_write_integer(out, i);
        value_write_string(out, slice_of(text->ptr + at, len));
        at += len + 1;
    }
    value_write_table_end(out);
}

static struct slice table_field(struct slice args, const char *name)
{
    struct slice table = {0};

    value_field_table(args, name, &table);
    return table;
}

static int load_job(void *context, struct vm_host *host, struct slice args, struct buf *result,
                    struct err *err)
{
    struct buf view = {0}, detail = {0}, log = {0};
    struct attempt_load load = {
        .bundle = table_field(args, "bundle"),
        .params = table_field(args, "params"),
        .memory_bytes = (uint64_t)value_field_integer(args, "memory_bytes", 0),
        .deadline_ms = (uint64_t)value_field_integer(args, "deadline_ms", 0),
        .unsafe = value_field_boolean(args, "unsafe", false),
    };
    struct nursery *nursery = nursery_of(context, err);

    (void)host;
    if (!nursery)
        return -1;
    value_write_table_begin(result);
    if (attempt_load_job(nursery, &load, &view, &detail, &log, err) == 0) {
        field_name(result, "view");
        buf_append(result, view.ptr, view.len);
    } else {
        field_name(result, "error");
        run_shell_error(err, buf_string(&detail), true, result);
    }
    write_lines(result, "log", &log);
    value_write_table_end(result);
    buf_deinit(&view);
    buf_deinit(&detail);
    buf_deinit(&log);
    return 0;
}

static int run_begin(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err)
{
    struct functions *functions = context;
    struct nursery *nursery = nursery_of(functions, err);

    (void)host;
    if (!nursery)
        return -1;
    if (functions->shell)
        return err_set(err, ERR_SETUP, "run_begin: a run is open");
    functions->shell = run_shell_open(nursery, args, err);
    value_write_table_begin(result);
    if (!functions->shell) {
        field_name(result, "error");
        run_shell_error(err, NULL, true, result);
    } else if (run_shell_warning(functions->shell)) {
        field_string(result, "warning", run_shell_warning(functions->shell));
    }
    value_write_table_end(result);
    return 0;
}

static int run_step(void *context, struct vm_host *host, struct slice args, struct buf *result,
                    struct err *err)
{
    struct functions *functions = context;
    int64_t milliseconds = value_field_integer(args, "milliseconds", STEP_MS_DEFAULT);

    (void)host;
    if (!functions->shell)
        return err_set(err, ERR_SETUP, "run_step: no run is open");
    if (run_shell_step(functions->shell, (uint32_t)milliseconds, err) != 0)
        return -1;
    run_shell_report(functions->shell, result);
    return 0;
}

static int run_end(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err)
{
    struct functions *functions = context;
    int rc;

    (void)host, (void)args;
    if (!functions->shell)
        return err_set(err, ERR_SETUP, "run_end: no run is open");
    rc = run_shell_print(functions->shell, err);
    run_shell_outcome(functions->shell, rc == 0 ? NULL : err, result);
    run_shell_close(functions->shell);
    functions->shell = NULL;
    return 0;
}

void functions_deinit(struct functions *functions)
{
    run_shell_close(functions->shell);
    nursery_stop(functions->nursery);
    *functions = (struct functions){0};
}

const struct host_function FUNCTIONS[] = {
    {"environment", environment},
    {"load_job", load_job},
    {"run_begin", run_begin},
    {"run_step", run_step},
    {"run_end", run_end},
    {"inspect_run", inspect_run},
    {"check_output", inspect_check_output},
    {0},
};
