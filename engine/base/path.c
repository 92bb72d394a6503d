#include "base/path.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool has_parent_step(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")); at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'))
            return true;
    return false;
}

/* What realpath() says of the longest part of `path` that is there; NULL: of none. */
static char *resolve(const char *path)
{
    char *head = mem_strdup(path), *real = realpath(head, NULL);

    while (!real) {
        char *slash = strrchr(head, '/');

        if (!slash || has_parent_step(slash + 1))
            break;
        slash[slash == head ? 1 : 0] = '\0'; /* the root keeps its slash */
        real = realpath(head, NULL);
    }
    free(head);
    return real;
}

bool path_is_below(const char *folder, const char *path)
{
    char *real_folder = realpath(folder, NULL), *real_path = resolve(path);
    size_t len = real_folder ? strlen(real_folder) : 0;
    bool is_below = real_folder && real_path && strncmp(real_path, real_folder, len) == 0 &&
                    (len == 1 || real_path[len] == '/' || real_path[len] == '\0');

    free(real_folder);
    free(real_path);
    return is_below;
}

char *path_join(const char *folder, const char *path)
{
    size_t len = strlen(folder);
    struct buf joined = {0};
    char *copy;

    if (len == 0 || path[0] == '/')
        return mem_strdup(path);
    buf_append_string(&joined, folder);
    if (folder[len - 1] != '/')
        buf_append_byte(&joined, '/');
    buf_append_string(&joined, path);
    copy = mem_strdup(buf_string(&joined));
    buf_deinit(&joined);
    return copy;
}
