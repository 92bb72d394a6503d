#include "cli/drive_shell.h"

#include "attempt/attempt.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/interrupts.h"
#include "cli/run_config.h"
#include "cli/run_output.h"
#include "master/job_inputs.h"
#include "master/job_results.h"
#include "master/job_trail.h"
#include "record/fields.h"
#include "record/value.h"
#include "rpc/loop.h"
#include "store/temp.h"
#include "store/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { COUNTER_COUNT_MAX = JOB_USER_COUNTER_COUNT_MAX + 64 }; /* the engine's are far fewer */

enum { DRIVER_ID = 1 }; /* of its job, its attempt, its worker: there is one of each */

struct drive_shell {
    struct run_config config;
    struct loop *loop;
    struct interrupts interrupts; /* open during a step() */
    struct loop_event *step_timer, *readable;
    struct temp temp;
    struct run_output output;
    struct side_files files; /* pinned; their copies are in `temp` */
    struct buf copies[CHILD_FILE_COUNT_MAX];
    bool is_committed;
    char *keep; /* NULL: steps are in `temp` */
    struct attempt attempt;
    Mrlua__StepCall *call; /* waits for its answer */
    struct buf log;
    struct job_trail kept;
    uint64_t begun_ns;
    bool has_ended, has_failed;
    struct err failure;
    struct buf detail;
    int signal_number; /* 0: none came */
};

static void on_signal(void *context, int signal_number)
{
    struct drive_shell *shell = context;

    shell->signal_number = signal_number;
    loop_break(shell->loop);
}

static void on_step_timer(void *context)
{
    struct drive_shell *shell = context;

    loop_break(shell->loop);
}

/* ---- what the driver says ---- */

static void end(struct drive_shell *shell, const struct err *failure, const char *detail)
{
    shell->has_ended = true;
    if (!failure || shell->has_failed)
        return;
    shell->has_failed = true;
    shell->failure = *failure;
    buf_append_string(&shell->detail, detail ? detail : "");
}

static void take_failed(struct drive_shell *shell, const Mrlua__Failed *failed)
{
    struct err err;

    if (failed->error)
        message_to_err(failed->error, &err);
    else
        err_set(&err, ERR_RETRY, "the driver failed without a reason");
    end(shell, &err, failed->error ? failed->error->detail : NULL);
}

/* The request comes from the child, as it is. */
static int take_call(struct drive_shell *shell, struct slice payload, struct err *err)
{
    Mrlua__StepCall *call = message_unpack(&mrlua__step_call__descriptor, payload, err);

    if (!call)
        return -1;
    if (value_check(slice_of(call->request.data, call->request.len), err) != 0) {
        message_free(call);
        err_prefix(err, "the driver's process sent no request");
        err->kind = ERR_LIMIT;
        return -1;
    }
    shell->call = call;
    return 0;
}

/* What cannot be kept its steps tell, which keep theirs in the same place. */
static void take_log(struct drive_shell *shell, const Mrlua__Log *log)
{
    struct job_trail_who who = {.stage = STAGE_PLAN, .is_driver = true, .attempt_id = DRIVER_ID};
    struct err ignored;

    buf_printf(&shell->log, "%s\n", log->text);
    job_trail_print(&shell->kept, &who, log->text, &ignored);
}

static void take_frame(struct drive_shell *shell, const struct frame *frame)
{
    struct err err;
    void *message = NULL;

    switch (frame->type) {
    case MESSAGE_STEP_CALL:
        if (take_call(shell, frame->payload, &err) != 0)
            end(shell, &err, NULL);
        return;
    case MESSAGE_LOG:
        message = message_unpack(&mrlua__log__descriptor, frame->payload, &err);
        if (message)
            take_log(shell, message);
        break;
    case MESSAGE_FAILED:
        message = message_unpack(&mrlua__failed__descriptor, frame->payload, &err);
        if (message)
            take_failed(shell, message);
        else
            end(shell, &err, NULL);
        break;
    case MESSAGE_DONE:
        end(shell, NULL, NULL);
        break;
    default:
        break;
    }
    message_free(message);
}

static void on_readable(void *context)
{
    struct drive_shell *shell = context;
    struct frame frame;
    struct err err = {0};
    int rc;

    while ((rc = attempt_read(&shell->attempt, &frame, &err)) == 1)
        take_frame(shell, &frame);
    if (rc < 0) {
        if (!shell->has_ended)
            end(shell, &err, NULL);
        loop_event_close(shell->readable);
        shell->readable = NULL;
    }
    if (shell->call || shell->has_ended)
        loop_break(shell->loop);
}

/* ---- opening ---- */

static int open_folders(struct drive_shell *shell, struct err *err)
{
    const struct run_config *config = &shell->config;
    const char *parent = temp_choose(config->tmp);
    const char *claimed = config->output && !uri_is_gs(config->output) ? config->output : NULL;

    if (config->output && config->overwrite &&
        job_inputs_check(config->output, "", config->inputs, config->input_count, err) != 0)
        return -1;
    if (shell->keep && mkdir(shell->keep, 0777) != 0 && errno != EEXIST)
        return err_set(err, ERR_SETUP, "create %s: %s", shell->keep, strerror(errno));
    temp_sweep(parent);
    if (temp_init(&shell->temp, parent, err) != 0)
        return -1;
    return run_output_init(&shell->output, NULL, claimed, config->overwrite, "local",
                           shell->temp.path, err);
}

/* Before there is anything that a signal would leave behind: a store may take its time. */
static int pin_files(struct drive_shell *shell, struct err *err)
{
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;

    request.n_files = shell->config.files.count;
    request.files = shell->config.files.list;
    return side_files_pin(&request, &shell->files, err);
}

/* One copy of an object for all steps. */
static void place_files(struct drive_shell *shell)
{
    for (size_t i = 0; i < shell->files.count; i++) {
        if (shell->files.items[i].generation == 0)
            continue;
        buf_printf(&shell->copies[i], "%s/file-%zu", shell->temp.path, i);
        shell->files.items[i].copy = (char *)(uintptr_t)buf_string(&shell->copies[i]);
    }
}

void drive_shell_files(const struct drive_shell *shell, struct buf *out)
{
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;

    request.n_files = shell->files.count;
    request.files = (Mrlua__SideFile **)(uintptr_t)shell->files.list;
    if (request.n_files > 0)
        message_pack(out, &request.base);
}

static ProtobufCBinaryData bytes_of(struct slice slice)
{
    return (ProtobufCBinaryData){.len = slice.len, .data = (uint8_t *)(uintptr_t)slice.ptr};
}

static int start(struct drive_shell *shell, const struct nursery *nursery, struct err *err)
{
    const struct run_config *config = &shell->config;
    Mrlua__Limits limits = MRLUA__LIMITS__INIT;
    Mrlua__TaskStart task = MRLUA__TASK_START__INIT;

    place_files(shell);
    limits.memory_bytes = config->memory_bytes;
    limits.progress_ms = config->progress_ms;
    limits.record_ms = config->record_ms;
    task.kind = MRLUA__TASK_KIND__DRIVE;
    task.job = task.attempt = task.worker = DRIVER_ID;
    task.unsafe = config->unsafe;
    task.bundle = bytes_of(config->bundle);
    task.params = bytes_of(config->params);
    task.view = bytes_of(config->view);
    task.limits = &limits;
    task.tmp_folder = shell->temp.path;
    task.n_files = shell->files.count;
    task.files = shell->files.list;
    if (attempt_start(nursery, &task, &shell->attempt, err) != 0)
        return -1;
    shell->readable = loop_fd_open(shell->loop, shell->attempt.fd, on_readable, shell, err);
    return shell->readable ? 0 : -1;
}

struct drive_shell *drive_shell_open(const struct nursery *nursery, struct slice args,
                                     struct err *err)
{
    struct drive_shell *shell = mem_alloc(sizeof *shell);
    int rc;

    shell->temp.lock_fd = shell->attempt.fd = -1;
    shell->begun_ns = clock_monotonic_ns();
    shell->keep = field_text(args, "keep");
    rc = run_config_init(&shell->config, args, err) == 0 ? pin_files(shell, err) : -1;
    interrupts_hold();
    shell->loop = rc == 0 ? loop_open(err) : NULL;
    if (!shell->loop || open_folders(shell, err) != 0 || start(shell, nursery, err) != 0) {
        drive_shell_close(shell);
        return NULL;
    }
    shell->step_timer = loop_timer_open(shell->loop, on_step_timer, shell);
    return shell;
}

void drive_shell_leave(struct drive_shell *shell, struct trail *trail)
{
    job_trail_init(&shell->kept, trail);
}

static void flush(struct drive_shell *shell)
{
    struct err ignored;

    job_trail_flush(&shell->kept, &ignored);
}

void drive_shell_close(struct drive_shell *shell)
{
    if (!shell)
        return;
    flush(shell);
    job_trail_deinit(&shell->kept);
    loop_event_close(shell->readable);
    attempt_end(&shell->attempt);
    run_output_deinit(&shell->output, shell->is_committed);
    temp_deinit(&shell->temp);
    for (size_t i = 0; i < CHILD_FILE_COUNT_MAX; i++)
        buf_deinit(&shell->copies[i]);
    loop_event_close(shell->step_timer);
    loop_close(shell->loop);
    run_config_deinit(&shell->config);
    message_free(shell->call);
    buf_deinit(&shell->log);
    buf_deinit(&shell->detail);
    free(shell->keep);
    free(shell);
    interrupts_release();
}

/* ---- its life ---- */

const char *drive_shell_folder(const struct drive_shell *shell)
{
    return shell->keep ? shell->keep : shell->temp.path;
}

const char *drive_shell_publish_id(const struct drive_shell *shell)
{
    return shell->output.job_id;
}

bool drive_shell_finished(const struct drive_shell *shell)
{
    return shell->has_ended || shell->signal_number;
}

int drive_shell_step(struct drive_shell *shell, uint32_t milliseconds, struct err *err)
{
    int rc = 0;

    if (shell->call || drive_shell_finished(shell))
        return 0;
    if (interrupts_open(&shell->interrupts, shell->loop, on_signal, shell, err) != 0)
        rc = -1;
    if (rc == 0) {
        loop_timer_start(shell->step_timer, milliseconds * NS_PER_MS);
        rc = loop_run(shell->loop, err);
        interrupts_look(&shell->interrupts); /* no further step, if one came with the call */
    }
    interrupts_close(&shell->interrupts);
    return rc;
}

static double seconds_of(const struct drive_shell *shell)
{
    return (double)(clock_monotonic_ns() - shell->begun_ns) / (double)NS_PER_S;
}

void drive_shell_report(struct drive_shell *shell, struct buf *out)
{
    flush(shell);
    value_write_table_begin(out);
    field_boolean(out, "finished", drive_shell_finished(shell) || shell->call);
    field_number(out, "seconds", seconds_of(shell));
    field_integer(out, "columns", answer_columns());
    field_name(out, "log");
    answer_log(&shell->log, out);
    field_name(out, "notices");
    value_write_list_begin(out, 0);
    field_name(out, "counters");
    value_write_table_begin(out);
    value_write_table_end(out);
    field_name(out, "stages");
    value_write_list_begin(out, 0);
    if (shell->call && !drive_shell_finished(shell)) {
        field_name(out, "call");
        buf_append(out, shell->call->request.data, shell->call->request.len);
    }
    value_write_table_end(out);
}

/* The table `counters` of `args`, as messages. */
static size_t read_counters(struct slice args, Mrlua__Counter *counters, Mrlua__Counter **list,
                            size_t count_max)
{
    struct value_reader reader;
    struct datum key, value;
    struct err ignored;
    size_t count = 0;

    if (!value_open_field(&reader, args, "counters"))
        return 0;
    while (count < count_max && value_read_pair(&reader, &key, &value, &ignored) == 1) {
        if (key.type != DATUM_STRING || value.type != DATUM_INTEGER)
            continue;
        mrlua__counter__init(&counters[count]);
        counters[count].name = mem_strndup(key.string.ptr, key.string.len);
        counters[count].value = value.integer;
        list[count] = &counters[count];
        count++;
    }
    return count;
}

int drive_shell_answer(struct drive_shell *shell, struct slice args, struct err *err)
{
    Mrlua__Counter counters[COUNTER_COUNT_MAX], *list[COUNTER_COUNT_MAX];
    Mrlua__StepAnswer answer = MRLUA__STEP_ANSWER__INIT;
    char *folder = field_text(args, "folder");
    int rc;

    shell->is_committed = value_field_boolean(args, "is_last", false);
    if (!shell->call) {
        free(folder);
        return err_set(err, ERR_SETUP, "drive_answer: no step was asked for");
    }
    answer.number = shell->call->number;
    answer.records = (uint64_t)value_field_integer(args, "records", 0);
    answer.bytes = (uint64_t)value_field_integer(args, "bytes", 0);
    answer.n_counters = read_counters(args, counters, list, COUNTER_COUNT_MAX);
    answer.counters = list;
    if (folder)
        answer.folder = folder;
    rc = attempt_answer_step(&shell->attempt, &answer, err);
    for (size_t i = 0; i < answer.n_counters; i++)
        free(counters[i].name);
    free(folder);
    message_free(shell->call);
    shell->call = NULL;
    return rc;
}

void drive_shell_outcome(struct drive_shell *shell, struct buf *out)
{
    value_write_table_begin(out);
    field_number(out, "seconds", seconds_of(shell));
    if (shell->signal_number) {
        field_integer(out, "signal", (uint64_t)shell->signal_number);
    } else if (shell->has_failed) {
        field_name(out, "error");
        answer_error(&shell->failure, buf_string(&shell->detail), false, out);
    }
    value_write_table_end(out);
}
