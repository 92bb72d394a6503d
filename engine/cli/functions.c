#include "cli/functions.h"

#include "attempt/attempt.h"
#include "cli/answer.h"
#include "cli/cache.h"
#include "cli/cache_store.h"
#include "cli/cluster.h"
#include "cli/cluster_trail.h"
#include "cli/daemons.h"
#include "cli/drive_shell.h"
#include "cli/fs.h"
#include "cli/inspect.h"
#include "cli/line.h"
#include "cli/look.h"
#include "cli/program.h"
#include "cli/replay.h"
#include "cli/run_shell.h"
#include "cli/scratch.h"
#include "cli/submit.h"
#include "cli/trails.h"
#include "cli/watchdog.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/temp.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEP_MS_DEFAULT = 100 };

struct nursery *functions_nursery(struct functions *functions, struct err *err)
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
    char *folder = getcwd(NULL, 0), executable[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", executable, sizeof executable - 1);

    (void)context, (void)host, (void)args;
    if (!folder)
        return err_set(err, ERR_SETUP, "the current folder: %s", strerror(errno));
    executable[len > 0 ? len : 0] = '\0';
    value_write_table_begin(result);
    field_string(result, "folder", folder);
    field_string(result, "executable", executable);
    field_integer(result, "cpu_count", (uint64_t)count);
    field_boolean(result, "stderr_is_terminal", isatty(STDERR_FILENO));
    field_integer(result, "columns", answer_columns());
    value_write_table_end(result);
    free(folder);
    return 0;
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
    struct nursery *nursery = functions_nursery(context, err);

    (void)host;
    if (!nursery)
        return -1;
    value_write_table_begin(result);
    if (attempt_load_job(nursery, &load, &view, &detail, &log, err) == 0) {
        field_name(result, "view");
        buf_append(result, view.ptr, view.len);
    } else {
        field_name(result, "error");
        answer_error(err, buf_string(&detail), true, result);
    }
    field_name(result, "log");
    answer_log(&log, result);
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
    struct nursery *nursery = functions_nursery(functions, err);

    (void)host;
    if (!nursery)
        return -1;
    if (functions->shell)
        return err_set(err, ERR_SETUP, "run_begin: a run is open");
    functions->shell = run_shell_open(nursery, args, err);
    value_write_table_begin(result);
    if (!functions->shell) {
        field_name(result, "error");
        answer_error(err, NULL, true, result);
    } else if (run_shell_warning(functions->shell)) {
        field_string(result, "warning", run_shell_warning(functions->shell));
    }
    if (functions->shell)
        run_shell_leave(functions->shell, &functions->trail);
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

static int drive_begin(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    struct functions *functions = context;
    struct nursery *nursery = functions_nursery(functions, err);
    struct buf files = {0};

    (void)host;
    if (!nursery)
        return -1;
    if (functions->drive)
        return err_set(err, ERR_SETUP, "drive_begin: a driver is open");
    functions->drive = drive_shell_open(nursery, args, err);
    value_write_table_begin(result);
    if (functions->drive) {
        drive_shell_leave(functions->drive, &functions->trail);
        drive_shell_files(functions->drive, &files);
        field_name(result, "pinned_files");
        value_write_string(result, buf_slice(&files));
        buf_deinit(&files);
        field_string(result, "folder", drive_shell_folder(functions->drive));
        field_string(result, "publish_id", drive_shell_publish_id(functions->drive));
    } else {
        field_name(result, "error");
        answer_error(err, NULL, true, result);
    }
    value_write_table_end(result);
    return 0;
}

static int drive_step(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    struct functions *functions = context;
    int64_t milliseconds = value_field_integer(args, "milliseconds", STEP_MS_DEFAULT);

    (void)host;
    if (!functions->drive)
        return err_set(err, ERR_SETUP, "drive_step: no driver is open");
    if (drive_shell_step(functions->drive, (uint32_t)milliseconds, err) != 0)
        return -1;
    drive_shell_report(functions->drive, result);
    return 0;
}

static int drive_answer(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    struct functions *functions = context;
    char *over = field_text(args, "over");
    int rc = functions->drive ? 0 : err_set(err, ERR_SETUP, "drive_answer: no driver is open");

    (void)host, (void)result;
    if (rc == 0)
        rc = drive_shell_answer(functions->drive, args, err);
    if (rc == 0 && over)
        rc = temp_remove_tree(over, err);
    free(over);
    return rc;
}

static int drive_end(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err)
{
    struct functions *functions = context;

    (void)host, (void)args;
    if (!functions->drive)
        return err_set(err, ERR_SETUP, "drive_end: no driver is open");
    drive_shell_outcome(functions->drive, result);
    drive_shell_close(functions->drive);
    functions->drive = NULL;
    return 0;
}

static int submit_begin(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    struct functions *functions = context;

    (void)host;
    if (functions->submit)
        return err_set(err, ERR_SETUP, "submit_begin: a job is open");
    functions->submit = submit_open(args, err);
    value_write_table_begin(result);
    if (functions->submit) {
        field_integer(result, "id", submit_job(functions->submit));
    } else {
        field_name(result, "error");
        answer_error(err, NULL, false, result);
    }
    value_write_table_end(result);
    return 0;
}

static int submit_next(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    struct functions *functions = context;
    int64_t milliseconds = value_field_integer(args, "milliseconds", STEP_MS_DEFAULT);

    (void)host;
    if (!functions->submit)
        return err_set(err, ERR_SETUP, "submit_step: no job is open");
    if (submit_step(functions->submit, (uint32_t)milliseconds, err) != 0)
        return -1;
    submit_report(functions->submit, result);
    return 0;
}

static int submit_end(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    struct functions *functions = context;

    (void)host, (void)args;
    if (!functions->submit)
        return err_set(err, ERR_SETUP, "submit_end: no job is open");
    submit_outcome(functions->submit, result);
    submit_close(functions->submit);
    functions->submit = NULL;
    return 0;
}

void functions_deinit(struct functions *functions)
{
    line_release(functions->line);
    look_release(functions->look);
    scratch_release(functions->scratch);
    submit_close(functions->submit);
    run_shell_close(functions->shell);
    drive_shell_close(functions->drive);
    nursery_stop(functions->nursery);
    trail_deinit(&functions->trail);
    replay_close(functions->replay);
    *functions = (struct functions){0};
}

const struct host_function FUNCTIONS[] = {
    {"environment", environment},
    {"load_job", load_job},
    {"run_begin", run_begin},
    {"run_step", run_step},
    {"run_end", run_end},
    {"drive_begin", drive_begin},
    {"drive_step", drive_step},
    {"drive_answer", drive_answer},
    {"drive_end", drive_end},
    {"submit_begin", submit_begin},
    {"submit_step", submit_next},
    {"submit_end", submit_end},
    {"job_list", cluster_job_list},
    {"job_status", cluster_job_status},
    {"job_facts", cluster_job_facts},
    {"job_cancel", cluster_job_cancel},
    {"worker_list", cluster_worker_list},
    {"job_trail", cluster_job_trail},
    {"role_key", cluster_role_key},
    {"master_serve", daemons_master},
    {"worker_serve", daemons_worker},
    {"inspect_run", inspect_run},
    {"check_output", inspect_check_output},
    {"program_run", program_run},
    {"watchdog", watchdog_set},
    {"cache_look", cache_command_look},
    {"cache_clear", cache_command_clear},
    {"cache_store_look", cache_store_look},
    {"cache_store_clear", cache_store_clear},
    {"trail_write", trails_write},
    {"trail_list", trails_list},
    {"trail_names", trails_names},
    {"capsule_read", replay_capsule_read},
    {"value_decode", replay_value_decode},
    {"value_check", replay_value_check},
    {"replay_open", replay_open_piece},
    {"replay_next", replay_next_record},
    {"fs_stat", fs_stat},
    {"fs_find", fs_find},
    {"fs_list", fs_list},
    {"fs_walk", fs_walk},
    {"fs_cat", fs_cat},
    {"fs_remove", fs_remove},
    {"fs_copy", fs_copy},
    {"line_open", line_open},
    {"line_read", line_read},
    {"line_paths", line_paths},
    {"line_pause", line_pause},
    {"line_close", line_close},
    {"look_open", look_open},
    {"look_next", look_next},
    {"look_close", look_close},
    {"scratch_folder", scratch_folder},
    {0},
};
