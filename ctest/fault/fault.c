#include "fault/fault.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

static struct {
    bool armed, fired;
    enum fault_call call;
    uint32_t left;
    int error;
    size_t bytes_max[FAULT_CALL_COUNT]; /* 0: as many as asked for */
} fault;

void fault_arm(enum fault_call call, uint32_t nth, int error)
{
    fault.armed = true;
    fault.fired = false;
    fault.call = call;
    fault.left = nth;
    fault.error = error;
}

void fault_shorten(enum fault_call call, size_t bytes_max)
{
    assert(bytes_max > 0);
    fault.bytes_max[call] = bytes_max;
}

bool fault_disarm(void)
{
    memset(fault.bytes_max, 0, sizeof fault.bytes_max);
    fault.armed = false;
    return fault.fired;
}

/* True: this call is the one to fail, and errno is set. */
static bool fails(enum fault_call call)
{
    if (!fault.armed || fault.fired || fault.call != call)
        return false;
    if (fault.left-- > 0)
        return false;
    fault.fired = true;
    errno = fault.error;
    return true;
}

static size_t shorter(enum fault_call call, size_t len)
{
    size_t bytes_max = fault.bytes_max[call];

    return bytes_max && len > bytes_max ? bytes_max : len;
}

/* The linker sends our objects' calls to __wrap_x and leaves libc's own as __real_x. */
#define WRAP(result, name, call, failure, parameters, arguments)                                   \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        return fails(call) ? (failure) : __real_##name arguments;                                  \
    }

WRAP(void *, malloc, FAULT_ALLOC, NULL, (size_t bytes), (bytes))
WRAP(void *, calloc, FAULT_ALLOC, NULL, (size_t count, size_t bytes), (count, bytes))
WRAP(void *, realloc, FAULT_ALLOC, NULL, (void *ptr, size_t bytes), (ptr, bytes))
WRAP(ssize_t, read, FAULT_READ, -1, (int fd, void *to, size_t len),
     (fd, to, shorter(FAULT_READ, len)))
WRAP(ssize_t, pread, FAULT_READ, -1, (int fd, void *to, size_t len, off_t offset),
     (fd, to, shorter(FAULT_READ, len), offset))
WRAP(ssize_t, write, FAULT_WRITE, -1, (int fd, const void *from, size_t len),
     (fd, from, shorter(FAULT_WRITE, len)))
WRAP(ssize_t, pwrite, FAULT_WRITE, -1, (int fd, const void *from, size_t len, off_t offset),
     (fd, from, shorter(FAULT_WRITE, len), offset))
WRAP(ssize_t, copy_file_range, FAULT_WRITE, -1,
     (int from, off64_t *from_offset, int to, off64_t *to_offset, size_t len, unsigned flags),
     (from, from_offset, to, to_offset, shorter(FAULT_WRITE, len), flags))
WRAP(int, fsync, FAULT_FSYNC, -1, (int fd), (fd))
WRAP(int, rename, FAULT_RENAME, -1, (const char *from, const char *to), (from, to))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return fails(FAULT_OPEN) ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return fails(FAULT_OPEN) ? -1 : __real_openat(folder, path, flags, mode);
}
