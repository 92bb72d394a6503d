#include "base/machine.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 64 * 1024 }; /* /proc/meminfo has 2 KB, /proc/self/cgroup a line a group */

/* False: it cannot be read. */
static bool read_file(const char *path, struct buf *out)
{
    struct err ignored;

    buf_clear(out);
    return io_read_file(path, FILE_BYTES_MAX, out, ERR_RETRY, &ignored) == 0;
}

void machine_boot_id(char out[MACHINE_BOOT_BYTES])
{
    struct buf text = {0};

    memset(out, '-', MACHINE_BOOT_BYTES);
    if (read_file("/proc/sys/kernel/random/boot_id", &text) && text.len >= MACHINE_BOOT_BYTES)
        memcpy(out, text.ptr, MACHINE_BOOT_BYTES);
    buf_deinit(&text);
}

static uint64_t total_bytes(const char *root)
{
    struct buf path = {0}, text = {0};
    unsigned long long kilobytes = 0;
    const char *line;

    buf_printf(&path, "%s/proc/meminfo", root);
    if (read_file(buf_string(&path), &text)) {
        line = strstr(buf_string(&text), "MemTotal:");
        if (!line || sscanf(line, "MemTotal: %llu kB", &kilobytes) != 1)
            kilobytes = 0;
    }
    buf_deinit(&path);
    buf_deinit(&text);
    return kilobytes * 1024;
}

/* The smaller of `bytes` (0: not known) and the limit in a file, if there is one: "max" is none. */
static uint64_t limited(uint64_t bytes, const char *path)
{
    struct buf text = {0};
    uint64_t limit = 0;

    if (read_file(path, &text))
        limit = strtoull(buf_string(&text), NULL, 10);
    buf_deinit(&text);
    return limit > 0 && (bytes == 0 || limit < bytes) ? limit : bytes;
}

/* A group and all above it, up to the root of what is mounted. */
static uint64_t limited_by_group(uint64_t bytes, const char *mount, char *group, const char *file)
{
    struct buf path = {0};
    char *slash = group + strlen(group);

    while (slash) {
        *slash = '\0';
        buf_clear(&path);
        buf_printf(&path, "%s%s/%s", mount, group, file);
        bytes = limited(bytes, buf_string(&path));
        slash = strrchr(group, '/');
    }
    buf_deinit(&path);
    return bytes;
}

/* `line`: "0::/GROUP" of version 2, "N:CONTROLLERS:/GROUP" of version 1; cgroups(7). */
static uint64_t limited_by_line(uint64_t bytes, const char *root, char *line)
{
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(++controllers, ':') : NULL;
    struct buf mount = {0};

    if (!group)
        return bytes;
    *group++ = '\0';
    buf_printf(&mount, "%s/sys/fs/cgroup", root);
    if (controllers[0] == '\0') {
        bytes = limited_by_group(bytes, buf_string(&mount), group, "memory.max");
    } else if (strcmp(controllers, "memory") == 0) {
        buf_append_string(&mount, "/memory");
        bytes = limited_by_group(bytes, buf_string(&mount), group, "memory.limit_in_bytes");
    }
    buf_deinit(&mount);
    return bytes;
}

uint64_t machine_memory_bytes(const char *root)
{
    uint64_t bytes = total_bytes(root);
    struct buf path = {0}, text = {0};
    char *rest;

    buf_printf(&path, "%s/proc/self/cgroup", root);
    if (read_file(buf_string(&path), &text)) {
        buf_string(&text);
        for (char *line = strtok_r(text.ptr, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            bytes = limited_by_line(bytes, root, line);
    }
    buf_deinit(&path);
    buf_deinit(&text);
    return bytes;
}

/* ---- this process ---- */

static uint64_t resident_bytes(void)
{
    struct buf text = {0};
    unsigned long long total, resident = 0;

    if (read_file("/proc/self/statm", &text) &&
        sscanf(buf_string(&text), "%llu %llu", &total, &resident) != 2)
        resident = 0;
    buf_deinit(&text);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!folder)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* the folder's own */
}

static uint64_t ns_of(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_usec * 1000;
}

struct machine_process machine_this_process(void)
{
    struct machine_process process = {.resident_bytes = resident_bytes(), .open_fds = open_fds()};
    struct rusage usage;
    struct rlimit limit;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        process.cpu_ns = ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process.max_fds = limit.rlim_cur;
    return process;
}
