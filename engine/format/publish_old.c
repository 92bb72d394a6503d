#include "format/publish_old.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Takes `name`. */
static void add_take(struct publish_old *old, char *name, uint64_t generation)
{
    if (old->count == old->capacity) {
        old->capacity = old->capacity ? 2 * old->capacity : 64;
        old->objects = mem_realloc_array(old->objects, old->capacity, sizeof *old->objects);
    }
    old->objects[old->count++] =
        (struct publish_old_object){.name = name, .generation = generation};
}

void publish_old_add(struct publish_old *old, const char *name, uint64_t generation)
{
    add_take(old, mem_strdup(name), generation);
}

void publish_old_print(const struct publish_old *old, struct buf *out)
{
    for (size_t i = 0; i < old->count; i++)
        buf_printf(out, "%" PRIu64 " %s\n", old->objects[i].generation, old->objects[i].name);
}

int publish_old_parse(struct publish_old *old, struct slice text, struct err *err)
{
    const char *at = text.ptr, *end = at + text.len;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *digit = at;
        uint64_t generation = 0;

        while (line_end && digit < line_end && *digit >= '0' && *digit <= '9')
            generation = generation * 10 + (uint64_t)(*digit++ - '0');
        if (!line_end || digit == at || *digit != ' ' || digit + 1 == line_end)
            return err_set(err, ERR_SETUP,
                           "the list of what the job replaces is damaged at its line %zu",
                           old->count + 1);
        add_take(old, mem_strndup(digit + 1, (size_t)(line_end - digit - 1)), generation);
        at = line_end + 1;
    }
    return 0;
}

static int compare(const void *key, const void *object)
{
    return strcmp(key, ((const struct publish_old_object *)object)->name);
}

uint64_t publish_old_find(const struct publish_old *old, const char *name)
{
    const struct publish_old_object *found =
        old->count == 0 ? NULL
                        : bsearch(name, old->objects, old->count, sizeof *old->objects, compare);

    return found ? found->generation : 0;
}

void publish_old_deinit(struct publish_old *old)
{
    for (size_t i = 0; i < old->count; i++)
        free(old->objects[i].name);
    free(old->objects);
    *old = (struct publish_old){0};
}
