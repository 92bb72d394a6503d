#include "store/wildcard.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

bool wildcard_is_hidden(const char *name)
{
    return name[0] == '.' || name[0] == '_';
}

bool wildcard_is_pattern(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

const char *wildcard_find_any(const char *pattern)
{
    const char *part = pattern;

    for (; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "**", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return part;
    }
    return NULL;
}

int wildcard_init(struct wildcard *wildcard, const char *pattern, bool takes_hidden,
                  struct err *err)
{
    char *slash;

    *wildcard = (struct wildcard){.text = mem_strdup(pattern), .takes_hidden = takes_hidden};
    wildcard->parts[wildcard->part_count++] = wildcard->text;
    for (slash = strchr(wildcard->text, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (wildcard->part_count == WILDCARD_PART_COUNT_MAX) {
            wildcard_deinit(wildcard);
            return err_set(err, ERR_SETUP, "a pattern of more than %d names between slashes",
                           WILDCARD_PART_COUNT_MAX);
        }
        *slash = '\0';
        wildcard->parts[wildcard->part_count++] = slash + 1;
    }
    return 0;
}

void wildcard_deinit(struct wildcard *wildcard)
{
    free(wildcard->text);
    *wildcard = (struct wildcard){0};
}

static uint64_t bit(size_t place)
{
    return UINT64_C(1) << place;
}

static bool is_any(const char *part)
{
    return strcmp(part, "**") == 0;
}

/* Adds the places behind each `**`, which may stand for nothing; at the end it stands for a name.
 */
static uint64_t pass_any(const struct wildcard *wildcard, uint64_t at)
{
    for (size_t i = 0; i + 1 < wildcard->part_count; i++)
        if (at & bit(i) && is_any(wildcard->parts[i]))
            at |= bit(i + 1);
    return at;
}

uint64_t wildcard_start(const struct wildcard *wildcard)
{
    return pass_any(wildcard, bit(0));
}

uint64_t wildcard_step(const struct wildcard *wildcard, uint64_t at, const char *name)
{
    uint64_t next = 0;

    for (size_t i = 0; i < wildcard->part_count; i++) {
        const char *part = wildcard->parts[i];

        if (!(at & bit(i)))
            continue;
        if (!is_any(part))
            next |= fnmatch(part, name, FNM_PERIOD) == 0 ? bit(i + 1) : 0;
        else if (wildcard->takes_hidden || !wildcard_is_hidden(name))
            next |= bit(i) | (i + 1 == wildcard->part_count ? bit(i + 1) : 0);
    }
    return pass_any(wildcard, next);
}

bool wildcard_is_end(const struct wildcard *wildcard, uint64_t at)
{
    return at & bit(wildcard->part_count);
}

bool wildcard_matches(const struct wildcard *wildcard, const char *path)
{
    char *text = mem_strdup(path), *name = text, *slash;
    uint64_t at = wildcard_start(wildcard);
    bool is_match = false;

    for (; name; name = slash ? slash + 1 : NULL) {
        slash = strchr(name, '/');
        if (slash)
            *slash = '\0';
        at = wildcard_step(wildcard, at, name);
        is_match = (is_match && (wildcard->takes_hidden || !wildcard_is_hidden(name))) ||
                   wildcard_is_end(wildcard, at);
    }
    free(text);
    return is_match;
}
