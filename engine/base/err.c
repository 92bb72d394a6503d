#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void one_line(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;

    assert(kind != ERR_NONE);
    err->kind = kind;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    one_line(err->message);
    return -1;
}

int err_set_errno(struct err *err, enum err_kind kind, const char *format, ...)
{
    int error = errno;
    va_list args;
    int len;

    assert(kind != ERR_NONE);
    err->kind = kind;
    va_start(args, format);
    len = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof err->message)
        snprintf(err->message + len, sizeof err->message - (size_t)len, ": %s", strerror(error));
    one_line(err->message);
    errno = error;
    return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
    char was[ERR_MESSAGE_BYTES];
    va_list args;
    int len;

    memcpy(was, err->message, sizeof was);
    va_start(args, format);
    len = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof err->message)
        snprintf(err->message + len, sizeof err->message - (size_t)len, ": %s", was);
    one_line(err->message);
    return -1;
}

enum err_kind err_kind_of_errno(int error, enum err_kind otherwise)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EIO:
    case EROFS:
    case EFBIG:
        return ERR_DISK;
    default:
        return otherwise;
    }
}

const char *err_kind_name(enum err_kind kind)
{
    static const char *const names[ERR_KIND_COUNT] = {
        [ERR_NONE] = "none",   [ERR_RETRY] = "retry", [ERR_DISK] = "disk",   [ERR_PEER] = "peer",
        [ERR_INPUT] = "input", [ERR_JOB] = "job",     [ERR_LIMIT] = "limit", [ERR_SETUP] = "setup",
    };

    assert((int)kind >= 0 && (int)kind < ERR_KIND_COUNT);
    return names[kind];
}
