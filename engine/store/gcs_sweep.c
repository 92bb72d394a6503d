#include "store/gcs_sweep.h"

#include "base/mem.h"
#include "store/gcs_crew.h"
#include "store/gcs_upload.h"
#include "store/uri.h"

#include <stdlib.h>

struct leaf {
    char *name;
    uint64_t generation;
    char *session; /* NULL: none */
};

struct sweep {
    const char *bucket;
    bool (*wants)(void *context, const struct gcs_object *object);
    void *context;
    struct leaf *leaves;
    size_t count, capacity;
};

static int note(void *context, const struct gcs_object *object, const char *prefix, struct err *err)
{
    struct sweep *sweep = context;
    const char *session = object ? gcs_object_metadata(object, GCS_SESSION_KEY) : NULL;

    (void)prefix, (void)err;
    if (!object || (sweep->wants && !sweep->wants(sweep->context, object)))
        return 0;
    if (sweep->count == sweep->capacity) {
        sweep->capacity = sweep->capacity ? 2 * sweep->capacity : 64;
        sweep->leaves = mem_realloc_array(sweep->leaves, sweep->capacity, sizeof *sweep->leaves);
    }
    sweep->leaves[sweep->count++] = (struct leaf){.name = mem_strdup(object->name),
                                                  .generation = object->generation,
                                                  .session = session ? mem_strdup(session) : NULL};
    return 0;
}

static int cut(struct gcs *gcs, void *context, size_t item, struct err *err)
{
    const struct sweep *sweep = context;
    const struct leaf *leaf = &sweep->leaves[item];
    struct gcs_session session = {
        .bucket = (char *)(uintptr_t)sweep->bucket, .object = leaf->name, .uri = leaf->session};

    if (leaf->session && gcs_session_cancel(gcs, &session, err) != 0)
        return -1;
    return gcs_delete(gcs, sweep->bucket, leaf->name, leaf->generation, err) < 0 ? -1 : 0;
}

int gcs_sweep(struct gcs *gcs, const char *bucket, const char *prefix,
              bool (*wants)(void *context, const struct gcs_object *object), void *context,
              struct err *err)
{
    struct sweep sweep = {.bucket = bucket, .wants = wants, .context = context};
    struct gcs_listing listing = {.bucket = bucket, .prefix = prefix};
    size_t failed;
    int rc = gcs_list(gcs, &listing, note, &sweep, err) < 0
                 ? -1
                 : gcs_crew_run(gcs, sweep.count, cut, &sweep, &failed, err);

    for (size_t i = 0; i < sweep.count; i++) {
        free(sweep.leaves[i].name);
        free(sweep.leaves[i].session);
    }
    free(sweep.leaves);
    return rc;
}

int gcs_sweep_uri(const char *uri, struct err *err)
{
    struct uri prefix;
    struct gcs *gcs;
    int rc;

    if (uri_parse(uri, &prefix, err) != 0)
        return -1;
    gcs = gcs_open();
    rc = gcs_sweep(gcs, prefix.bucket, prefix.object, NULL, NULL, err);
    gcs_close(gcs);
    uri_deinit(&prefix);
    return rc;
}
