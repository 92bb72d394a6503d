#include "store/file.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "store/gcs_find.h"
#include "store/uri.h"
#include "store/wildcard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where an entry stands. */
struct place {
    const struct wildcard *wildcard; /* NULL: no pattern, so all below is input */
    uint64_t at;                     /* in the wildcard */
    bool is_input;                   /* it is named or matched, or lies in what is */
};

/* A folder that is read, and those above it, to see a symbolic link that leads back. */
struct folder {
    const struct folder *above;
    struct place place;
    dev_t device;
    ino_t inode;
    unsigned depth;
};

static int add_path(struct file_list *list, const char *path, struct place place,
                    const struct folder *above, struct err *err);

static struct file_identity identity_of(const struct stat *stat)
{
    return (struct file_identity){
        .size = (uint64_t)stat->st_size,
        .mtime_ns = (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec,
        .inode = stat->st_ino,
        .device = stat->st_dev,
    };
}

void file_list_append(struct file_list *list, const char *name, const char *path,
                      const struct file_identity *identity)
{
    struct file *file;

    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->items = mem_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    file = &list->items[list->count++];
    *file = (struct file){0};
    file->path = mem_strdup(path);
    file->name = strcmp(name, path) == 0 ? file->path : mem_strdup(name);
    file->identity = *identity;
}

void file_list_set_folder(struct file_list *list, const char *folder)
{
    for (size_t i = 0; i < list->count; i++) {
        struct file *file = &list->items[i];
        char *path;

        if (file->path[0] == '/' || uri_is_gs(file->path))
            continue;
        path = path_join(folder, file->path);
        if (file->path != file->name)
            free(file->path);
        file->path = path;
    }
}

void file_list_deinit(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].name != list->items[i].path)
            free(list->items[i].name);
        free(list->items[i].path);
    }
    free(list->items);
    gcs_close(list->gcs);
    *list = (struct file_list){0};
}

static int add_file(struct file_list *list, const char *path, struct err *err)
{
    struct stat stat;
    struct file_identity identity;
    int rc = -1;
    /* Non-blocking: if a pipe took the file's place since it was looked at, we do not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return err_set_errno(err, ERR_SETUP, "input %s", path);
    if (fstat(fd, &stat) != 0) {
        err_set_errno(err, ERR_SETUP, "input %s", path);
    } else {
        identity = identity_of(&stat);
        file_list_append(list, path, path, &identity);
        rc = 0;
    }
    io_close(&fd);
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* The folder that is read where a path has no part yet. */
static const char *here_if_empty(const char *path)
{
    return path[0] == '\0' ? "." : path;
}

/* The names in a folder, sorted. */
static int read_names(const char *path, char ***names, size_t *count, struct err *err)
{
    size_t capacity = 0;
    struct dirent *entry;
    DIR *folder = opendir(here_if_empty(path));
    int error;

    *names = NULL;
    *count = 0;
    if (!folder)
        return err_set_errno(err, ERR_SETUP, "input %s", path);
    while (errno = 0, (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            *names = mem_realloc_array(*names, capacity, sizeof **names);
        }
        (*names)[(*count)++] = mem_strdup(entry->d_name);
    }
    error = errno;
    closedir(folder);
    if (error) {
        free_names(*names, *count);
        errno = error;
        return err_set_errno(err, ERR_SETUP, "input %s", path);
    }
    if (*count > 0)
        qsort(*names, *count, sizeof **names, compare_names);
    return 0;
}

static struct place place_of(const struct folder *folder, const char *name)
{
    struct place place = folder->place;

    if (wildcard_is_hidden(name))
        place.is_input = false;
    if (place.wildcard) {
        place.at = wildcard_step(place.wildcard, place.at, name);
        place.is_input = place.is_input || wildcard_is_end(place.wildcard, place.at);
    }
    return place;
}

static int add_name(struct file_list *list, const char *path, const char *name,
                    const struct folder *folder, struct err *err)
{
    struct place place = place_of(folder, name);
    size_t len = strlen(path);
    struct buf child = {0};
    int rc;

    if (!place.is_input && place.at == 0)
        return 0;
    while (len > 1 && path[len - 1] == '/')
        len--;
    buf_append(&child, path, len);
    if (len > 0 && path[len - 1] != '/')
        buf_append_byte(&child, '/');
    buf_append_string(&child, name);
    rc = add_path(list, buf_string(&child), place, folder, err);
    buf_deinit(&child);
    return rc;
}

static int add_folder(struct file_list *list, const char *path, const struct folder *here,
                      struct err *err)
{
    size_t count;
    char **names;
    int rc = 0;

    if (here->depth >= FILE_FOLDER_DEPTH_MAX)
        return err_set(err, ERR_SETUP, "input %s: more than %d folders within each other", path,
                       FILE_FOLDER_DEPTH_MAX);
    for (const struct folder *above = here->above; above; above = above->above)
        if (above->device == here->device && above->inode == here->inode)
            return err_set(err, ERR_SETUP, "input %s: a symbolic link to a folder above it", path);
    if (read_names(path, &names, &count, err) != 0)
        return -1;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_name(list, path, names[i], here, err);
    free_names(names, count);
    return rc;
}

static int add_path(struct file_list *list, const char *path, struct place place,
                    const struct folder *above, struct err *err)
{
    struct stat status;

    if (stat(here_if_empty(path), &status) != 0)
        return place.is_input ? err_set_errno(err, ERR_SETUP, "input %s", path) : 0;
    if (S_ISDIR(status.st_mode)) {
        struct folder here = {.above = above,
                              .place = place,
                              .device = status.st_dev,
                              .inode = status.st_ino,
                              .depth = above ? above->depth + 1 : 0};

        return add_folder(list, path, &here, err);
    }
    if (!place.is_input)
        return 0;
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_SETUP,
                       "input %s: not a regular file; a pipe can be given as standard input: -",
                       path);
    return add_file(list, path, err);
}

static int matches_nothing(const char *pattern, struct err *err)
{
    return err_set(err, ERR_SETUP, "input %s matches nothing", pattern);
}

/* What a pattern without `**` matches, in byte order. */
static int add_matches(struct file_list *list, const char *pattern, struct place place,
                       struct err *err)
{
    glob_t found = {0};
    int rc = 0;
    int answer = glob(pattern, GLOB_NOSORT, NULL, &found);

    if (answer == GLOB_NOSPACE)
        rc = err_set(err, ERR_SETUP, "input %s: not enough memory for its matches", pattern);
    else if (answer != 0 && place.is_input)
        rc = matches_nothing(pattern, err);
    if (rc == 0 && found.gl_pathc > 0)
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_names);
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
        rc = add_path(list, found.gl_pathv[i], place, NULL, err);
    globfree(&found);
    return rc;
}

/* A pattern's parts from `any` on, one slash between each two. Release with free(). */
static char *clean_parts(const char *any)
{
    char *text = mem_strdup(any), *to = text;

    for (const char *from = text; *from; from++)
        if (*from != '/' || (from[1] != '/' && from[1] != '\0'))
            *to++ = *from;
    *to = '\0';
    return text;
}

/* What stands before `**` is folders; they are searched as far as the rest can match. */
static int add_pattern_below(struct file_list *list, const char *pattern, const char *any,
                             struct err *err)
{
    size_t len = (size_t)(any - pattern), count = list->count;
    struct wildcard wildcard;
    struct place place = {.wildcard = &wildcard};
    char *text = clean_parts(any), *folders;
    int rc = wildcard_init(&wildcard, text, false, err);

    free(text);
    if (rc != 0)
        return err_prefix(err, "input %s", pattern);
    while (len > 1 && pattern[len - 1] == '/')
        len--;
    folders = mem_strndup(pattern, len);
    place.at = wildcard_start(&wildcard);
    rc = len > 0 ? add_matches(list, folders, place, err) : add_path(list, "", place, NULL, err);
    free(folders);
    wildcard_deinit(&wildcard);
    return rc == 0 && list->count == count ? matches_nothing(pattern, err) : rc;
}

static int add_pattern(struct file_list *list, const char *pattern, struct err *err)
{
    const char *any = wildcard_find_any(pattern);

    return any ? add_pattern_below(list, pattern, any, err)
               : add_matches(list, pattern, (struct place){.is_input = true}, err);
}

/* ---- objects ---- */

struct adding {
    struct file_list *list;
    const char *bucket;
};

static int add_object(void *context, const struct gcs_object *object, struct err *err)
{
    struct adding *adding = context;
    struct file_identity identity = {
        .size = object->size, .generation = object->generation, .is_gzip = object->is_gzip};
    struct buf name = {0};

    (void)err;
    uri_print(&name, adding->bucket, object->name);
    file_list_append(adding->list, buf_string(&name), buf_string(&name), &identity);
    buf_deinit(&name);
    return 0;
}

static int add_uri(struct file_list *list, const char *argument, struct err *err)
{
    struct adding adding = {.list = list};
    struct uri uri;
    int rc;

    if (uri_parse(argument, &uri, err) != 0)
        return -1;
    if (!list->gcs)
        list->gcs = gcs_open();
    adding.bucket = uri.bucket;
    rc = gcs_find(list->gcs, &uri, GCS_FIND_INPUTS, add_object, &adding, err);
    uri_deinit(&uri);
    if (rc == 0 && wildcard_is_pattern(argument))
        return matches_nothing(argument, err);
    if (rc == 0)
        return err_set(err, ERR_SETUP, "input %s: no such object", argument);
    if (rc < 0 && err->kind != ERR_RETRY) /* an answer that stays: nothing was started */
        err->kind = ERR_SETUP;
    return rc < 0 ? err_prefix(err, "input %s", argument) : 0;
}

int file_list_add(struct file_list *list, const char *argument, struct err *err)
{
    struct stat status;

    if (uri_is_gs(argument))
        return add_uri(list, argument, err);
    if (wildcard_is_pattern(argument) && lstat(argument, &status) != 0 && errno == ENOENT)
        return add_pattern(list, argument, err);
    return add_path(list, argument, (struct place){.is_input = true}, NULL, err);
}

int file_identify(int fd, const char *what, const char *name, struct file_identity *out,
                  struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return err_set_errno(err, ERR_INPUT, "%s %s", what, name);
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_INPUT, "%s %s: not a regular file", what, name);
    *out = identity_of(&status);
    return 0;
}

int file_open_checked(const char *what, const char *name, const char *path,
                      const struct file_identity *identity, struct err *err)
{
    struct file_identity now;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return err_set_errno(err, ERR_INPUT, "%s %s", what, name);
    if (file_identify(fd, what, name, &now, err) != 0) {
        io_close(&fd);
        return -1;
    }
    if (now.size != identity->size || now.mtime_ns != identity->mtime_ns ||
        now.inode != identity->inode || now.device != identity->device) {
        io_close(&fd);
        return err_set(err, ERR_INPUT, "%s %s changed since the job was planned", what, name);
    }
    return fd;
}
