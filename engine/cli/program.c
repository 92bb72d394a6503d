#include "cli/program.h"

#include "base/mem.h"
#include "record/fields.h"
#include "record/value.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

/* The list `argv` as strings, in an array that ends with NULL. */
static int read_argv(struct slice args, char **argv, size_t *count, struct err *err)
{
    struct value_reader reader;
    struct datum key, value;
    int rc;

    if (!value_open_field(&reader, args, "argv"))
        return err_set(err, ERR_SETUP, "program_run: no argv");
    while ((rc = value_read_pair(&reader, &key, &value, err)) == 1) {
        if (value.type != DATUM_STRING || memchr(value.string.ptr, '\0', value.string.len))
            return err_set(err, ERR_SETUP, "program_run: an argument is no text");
        if (*count == PROGRAM_ARGUMENT_COUNT_MAX)
            return err_set(err, ERR_SETUP, "program_run: more than %d arguments",
                           PROGRAM_ARGUMENT_COUNT_MAX);
        argv[(*count)++] = mem_strndup(value.string.ptr, value.string.len);
    }
    if (rc == 0 && *count == 0)
        return err_set(err, ERR_SETUP, "program_run: no argv");
    return rc;
}

/* What we ignore, the program does not. */
static void set_signals(posix_spawnattr_t *attributes)
{
    sigset_t defaults;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGQUIT);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
}

/* Starts it with `output` as its standard output, unless that is -1. */
static pid_t start(char **argv, int output, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    int rc;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    set_signals(&attributes);
    if (output >= 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    rc = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? pid : err_set(err, ERR_SETUP, "start %s: %s", argv[0], strerror(rc));
}

static int read_output(int fd, struct buf *out, struct err *err)
{
    ssize_t got;

    do {
        got = read(fd, buf_reserve(out, READ_BYTES), READ_BYTES);
        if (got > 0)
            out->len += (size_t)got;
        if (out->len > PROGRAM_OUTPUT_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "a program printed more than %d bytes",
                           PROGRAM_OUTPUT_BYTES_MAX);
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0 ? 0 : err_set(err, ERR_SETUP, "read from a program: %s", strerror(errno));
}

/* The code that a shell would tell. */
static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void answer(int code, const struct buf *output, struct buf *result)
{
    value_write_table_begin(result);
    field_integer(result, "code", (uint64_t)code);
    if (output) {
        field_name(result, "output");
        value_write_string(result, buf_slice(output));
    }
    value_write_table_end(result);
}

static int run(char **argv, bool captures, struct buf *result, struct err *err)
{
    struct buf output = {0};
    int ends[2] = {-1, -1}, rc = -1, code;
    pid_t pid;

    if (captures && pipe2(ends, O_CLOEXEC) != 0)
        return err_set(err, ERR_SETUP, "pipe: %s", strerror(errno));
    pid = start(argv, ends[1], err);
    if (ends[1] >= 0)
        close(ends[1]);
    if (pid < 0)
        goto out;
    rc = captures ? read_output(ends[0], &output, err) : 0;
    if (rc != 0)
        kill(pid, SIGKILL);
    code = wait_for(pid);
    if (rc == 0)
        answer(code, captures ? &output : NULL, result);
out:
    if (ends[0] >= 0)
        close(ends[0]);
    buf_deinit(&output);
    return rc;
}

int program_run(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err)
{
    char **argv = mem_alloc_array(PROGRAM_ARGUMENT_COUNT_MAX + 1, sizeof argv[0]);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    size_t count = 0;
    int rc = read_argv(args, argv, &count, err);

    (void)context, (void)host;
    if (rc == 0) {
        sigaction(SIGINT, &ignore, &interrupt);
        sigaction(SIGQUIT, &ignore, &quit);
        rc = run(argv, value_field_boolean(args, "capture", false), result, err);
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
    }
    while (count > 0)
        free(argv[--count]);
    free(argv);
    return rc;
}
