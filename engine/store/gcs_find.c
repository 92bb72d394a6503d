#include "store/gcs_find.h"

#include "base/mem.h"
#include "store/wildcard.h"

#include <stdlib.h>

struct search {
    int (*each)(void *context, const struct gcs_object *object, struct err *err);
    void *context;
    enum gcs_find_kind kind;
    const struct wildcard *wildcard; /* NULL: everything below the prefix */
    size_t prefix_len;               /* bytes of a name that the user has said */
    bool is_found;
};

/* Does a part of this path, between slashes, begin with "." or "_"? */
static bool has_hidden_part(const char *path)
{
    for (; path; path = strchr(path, '/')) {
        path += *path == '/';
        if (wildcard_is_hidden(path))
            return true;
    }
    return false;
}

static bool is_folder_mark(const struct gcs_object *object)
{
    size_t len = strlen(object->name);

    return object->size == 0 && len > 0 && object->name[len - 1] == '/';
}

static int take(void *context, const struct gcs_object *object, const char *prefix, struct err *err)
{
    struct search *search = context;
    bool takes_hidden = search->kind == GCS_FIND_ALL;

    (void)prefix;
    if (!takes_hidden && is_folder_mark(object))
        return 0;
    if (search->wildcard ? !wildcard_matches(search->wildcard, object->name)
                         : !takes_hidden && has_hidden_part(object->name + search->prefix_len))
        return 0;
    search->is_found = true;
    return search->each(search->context, object, err);
}

static int list(struct gcs *gcs, const char *bucket, const char *prefix, struct search *search,
                struct err *err)
{
    struct gcs_listing listing = {.bucket = bucket, .prefix = prefix};

    search->prefix_len = strlen(prefix);
    if (gcs_list(gcs, &listing, take, search, err) < 0)
        return -1;
    return search->is_found;
}

static int list_folder(struct gcs *gcs, const struct uri *uri, struct search *search,
                       struct err *err)
{
    size_t len = strlen(uri->object);
    struct buf prefix = {0};
    int rc;

    buf_append_string(&prefix, uri->object);
    if (len > 0 && uri->object[len - 1] != '/')
        buf_append_byte(&prefix, '/');
    rc = list(gcs, uri->bucket, buf_string(&prefix), search, err);
    buf_deinit(&prefix);
    return rc;
}

static int list_pattern(struct gcs *gcs, const struct uri *uri, struct search *search,
                        struct err *err)
{
    struct wildcard wildcard;
    char *prefix;
    int rc;

    if (wildcard_init(&wildcard, uri->object, search->kind == GCS_FIND_ALL, err) != 0)
        return -1;
    search->wildcard = &wildcard;
    prefix = mem_strndup(uri->object, strcspn(uri->object, "*?[\\"));
    rc = list(gcs, uri->bucket, prefix, search, err);
    search->wildcard = NULL;
    free(prefix);
    wildcard_deinit(&wildcard);
    return rc;
}

int gcs_find(struct gcs *gcs, const struct uri *uri, enum gcs_find_kind kind,
             int (*each)(void *context, const struct gcs_object *object, struct err *err),
             void *context, struct err *err)
{
    struct search search = {.each = each, .context = context, .kind = kind};
    size_t len = strlen(uri->object);
    struct gcs_object object;
    int rc = 0;

    if (len > 0 && uri->object[len - 1] != '/')
        rc = gcs_stat(gcs, uri->bucket, uri->object, 0, &object, err);
    if (rc == 1) {
        rc = each(context, &object, err) == 0 ? 1 : -1;
        gcs_object_deinit(&object);
        return rc;
    }
    if (rc < 0)
        return -1;
    return wildcard_is_pattern(uri->object) ? list_pattern(gcs, uri, &search, err)
                                            : list_folder(gcs, uri, &search, err);
}
