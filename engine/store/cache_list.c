#include "store/cache_list.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/cache.h"
#include "store/temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 512 }; /* of st_blocks */

struct item {
    char *name; /* of an entry, or the path of a sum below sums/ */
    bool is_sum;
    uint64_t bytes;
    int64_t used_ns;
};

struct list {
    struct item *items;
    size_t count, capacity;
};

static void list_deinit(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
}

static void list_add(struct list *list, const struct item *item)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = mem_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = *item;
}

static int64_t modified_ns(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

static uint64_t bytes_of(const struct stat *status)
{
    return (uint64_t)status->st_blocks * BLOCK_BYTES;
}

/* ---- walking ---- */

/* Calls `look` with each name in a folder, whose descriptor is `at`. What is not there is empty. */
static int each(int at, const char *folder, void (*look)(void *context, int at, const char *name),
                void *context, struct err *err)
{
    int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    if (!entries) {
        int error = errno;

        io_close(&fd);
        errno = error;
        return error == ENOENT ? 0 : err_set_errno(err, ERR_DISK, "list %s", folder);
    }
    while ((entry = readdir(entries)))
        if (entry->d_name[0] != '.')
            look(context, fd, entry->d_name);
    closedir(entries);
    return 0;
}

struct walk {
    struct list *list;
    const char *shard; /* files/NN or sums/NN: the NN */
    void (*look)(void *context, int at, const char *name);
    int rc;
    struct err *err;
};

static void look_at_entry(void *context, int at, const char *name)
{
    struct walk *walk = context;
    struct item item = {0};
    struct stat folder, file, note;
    struct buf path = {0};

    buf_printf(&path, "%s/file", name);
    if (fstatat(at, name, &folder, 0) == 0 && fstatat(at, buf_string(&path), &file, 0) == 0) {
        buf_clear(&path);
        buf_printf(&path, "%s/note", name);
        if (fstatat(at, buf_string(&path), &note, 0) == 0) {
            item.name = mem_strdup(name);
            item.bytes = bytes_of(&folder) + bytes_of(&file) + bytes_of(&note);
            item.used_ns = modified_ns(&note);
            list_add(walk->list, &item);
        }
    }
    buf_deinit(&path);
}

static void look_at_sum(void *context, int at, const char *name)
{
    struct walk *walk = context;
    struct item item = {.is_sum = true};
    struct stat status;
    struct buf path = {0};

    if (fstatat(at, name, &status, 0) != 0)
        return;
    buf_printf(&path, "%s/%s", walk->shard, name);
    buf_string(&path);
    item.name = path.ptr; /* passed on */
    item.bytes = bytes_of(&status);
    item.used_ns = modified_ns(&status);
    list_add(walk->list, &item);
}

static void look_at_shard(void *context, int at, const char *name)
{
    struct walk *walk = context;

    walk->shard = name;
    if (each(at, name, walk->look, walk, walk->err) != 0)
        walk->rc = -1;
}

static int list_all(const char *folder, struct list *list, struct err *err)
{
    static const struct {
        const char *name;
        void (*look)(void *context, int at, const char *name);
    } parts[] = {{"files", look_at_entry}, {"sums", look_at_sum}};
    struct walk walk = {.list = list, .err = err};

    for (size_t i = 0; i < sizeof parts / sizeof *parts && walk.rc == 0; i++) {
        struct buf path = {0};

        walk.look = parts[i].look;
        buf_printf(&path, "%s/%s", folder, parts[i].name);
        if (each(AT_FDCWD, buf_string(&path), look_at_shard, &walk, err) != 0)
            walk.rc = -1;
        buf_deinit(&path);
    }
    return walk.rc;
}

/* ---- what there is ---- */

static void count(struct cache_use *use, const struct item *item)
{
    if (item->is_sum) {
        use->sum_count++;
        use->sum_bytes += item->bytes;
        return;
    }
    use->file_count++;
    use->file_bytes += item->bytes;
    if (use->oldest_ns == 0 || item->used_ns < use->oldest_ns)
        use->oldest_ns = item->used_ns;
    if (item->used_ns > use->newest_ns)
        use->newest_ns = item->used_ns;
}

int cache_look(const char *folder, struct cache_use *use, struct err *err)
{
    struct list list = {0};
    int rc = list_all(folder, &list, err);

    *use = (struct cache_use){0};
    for (size_t i = 0; i < list.count; i++)
        count(use, &list.items[i]);
    list_deinit(&list);
    return rc;
}

/* ---- what goes ---- */

static int by_use(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    if (left->used_ns != right->used_ns)
        return left->used_ns < right->used_ns ? -1 : 1;
    return strcmp(left->name, right->name);
}

static int drop(const char *folder, const struct item *item, struct err *err)
{
    struct buf path = {0};
    int rc = 0;

    if (!item->is_sum)
        return cache_drop(folder, item->name, err);
    buf_printf(&path, "%s/sums/%s", folder, item->name);
    if (unlink(buf_string(&path)) != 0 && errno != ENOENT)
        rc = err_set_errno(err, ERR_DISK, "remove %s", path.ptr);
    buf_deinit(&path);
    return rc;
}

struct sweep {
    const char *folder;
    int64_t before_ns;
};

/* Of a process that was killed. What cannot be removed is tried again next time. */
static void look_at_temp(void *context, int at, const char *name)
{
    struct sweep *sweep = context;
    struct buf path = {0};
    struct stat status;
    struct err ignored;

    if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        modified_ns(&status) >= sweep->before_ns)
        return;
    buf_printf(&path, "%s/tmp/%s", sweep->folder, name);
    temp_remove_tree(buf_string(&path), &ignored);
    buf_deinit(&path);
}

static int sweep_temp(const char *folder, struct err *err)
{
    struct sweep sweep = {folder, (int64_t)clock_realtime_ns() - CACHE_TEMP_NS};
    struct buf path = {0};
    int rc;

    buf_printf(&path, "%s/tmp", folder);
    rc = each(AT_FDCWD, buf_string(&path), look_at_temp, &sweep, err);
    buf_deinit(&path);
    return rc;
}

int cache_trim(const char *folder, uint64_t bytes_max, int64_t older_than_ns,
               struct cache_use *gone, struct err *err)
{
    struct list list = {0};
    uint64_t bytes = 0;
    int rc = list_all(folder, &list, err);

    *gone = (struct cache_use){0};
    for (size_t i = 0; i < list.count; i++)
        bytes += list.items[i].bytes;
    if (list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, by_use);
    for (size_t i = 0; i < list.count && rc == 0; i++) {
        const struct item *item = &list.items[i];

        if (bytes <= bytes_max && item->used_ns >= older_than_ns)
            break;
        rc = drop(folder, item, err);
        bytes -= item->bytes;
        if (rc == 0)
            count(gone, item);
    }
    list_deinit(&list);
    return rc == 0 ? sweep_temp(folder, err) : rc;
}
