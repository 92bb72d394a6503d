#include "cli/cache_store.h"

#include "attempt/reuse_store.h"
#include "base/clock.h"
#include "cli/answer.h"
#include "master/job_shuffle.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/gcs_sweep.h"
#include "store/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is counted, and which of it. */
struct counting {
    size_t prefix_len;
    int64_t since_s; /* only what was made before; INT64_MAX: all */
    uint64_t count, bytes;
    char oldest[32], newest[32]; /* "": none */
};

static int64_t now_seconds(void)
{
    return (int64_t)(clock_realtime_ns() / NS_PER_S);
}

static bool is_wanted(void *context, const struct gcs_object *object)
{
    struct counting *counting = context;

    if (!reuse_store_is_name(object->name + counting->prefix_len) ||
        (counting->since_s != INT64_MAX &&
         !reuse_store_is_before(object->updated, counting->since_s)))
        return false;
    if (counting->count == 0 || strcmp(object->updated, counting->oldest) < 0)
        snprintf(counting->oldest, sizeof counting->oldest, "%s", object->updated);
    if (strcmp(object->updated, counting->newest) > 0)
        snprintf(counting->newest, sizeof counting->newest, "%s", object->updated);
    counting->count++;
    counting->bytes += object->size;
    return true;
}

static int count_object(void *context, const struct gcs_object *object, const char *prefix,
                        struct err *err)
{
    (void)prefix, (void)err;
    if (object)
        is_wanted(context, object);
    return 0;
}

/* "gs://BUCKET/PREFIX/cache/" of the arguments. */
static int find_place(struct slice args, struct buf *out, struct err *err)
{
    char *place = field_text(args, "place");
    struct uri uri = {0};
    int rc;

    if (!place)
        return err_set(err, ERR_SETUP, "cache: an argument is missing");
    if (uri_parse(place, &uri, err) != 0)
        rc = err_prefix(err, "--gcs %s", place);
    else if (!strchr(place + strlen("gs://"), '/'))
        rc = job_shuffle_cache("gcs", place, out, err);
    else
        rc = job_shuffle_cache(place, NULL, out, err);
    uri_deinit(&uri);
    free(place);
    return rc;
}

/* Lists, or removes, what is wanted. */
static int count_all(const char *place, bool removes, struct counting *counting, struct err *err)
{
    struct gcs *gcs;
    struct uri uri;
    int rc;

    if (uri_parse(place, &uri, err) != 0)
        return -1;
    gcs = gcs_open();
    counting->prefix_len = strlen(uri.object);
    if (removes)
        rc = gcs_sweep(gcs, uri.bucket, uri.object, is_wanted, counting, err);
    else
        rc = gcs_list(gcs, &(struct gcs_listing){.bucket = uri.bucket, .prefix = uri.object},
                      count_object, counting, err);
    gcs_close(gcs);
    uri_deinit(&uri);
    return rc;
}

static void add_use(const char *place, const struct counting *counting, struct buf *out)
{
    field_string(out, "place", place);
    field_integer(out, "files", counting->count);
    field_integer(out, "file_bytes", counting->bytes);
}

/* A clock that is behind the store's makes no age below 0. */
static void add_age(const char *name, const char *moment, struct buf *out)
{
    struct tm utc = {0};
    double age;

    if (!strptime(moment, "%Y-%m-%dT%H:%M:%S", &utc))
        return;
    age = (double)now_seconds() - (double)timegm(&utc);
    field_number(out, name, age > 0 ? age : 0);
}

static int answer(struct slice args, bool removes, struct counting *counting, struct buf *result,
                  struct err *err)
{
    struct buf place = {0};

    value_write_table_begin(result);
    if (find_place(args, &place, err) != 0 ||
        count_all(buf_string(&place), removes, counting, err) != 0) {
        field_name(result, "error");
        answer_error(err, NULL, true, result);
    } else {
        add_use(place.ptr, counting, result);
        if (!removes)
            field_integer(result, "limit_seconds", REUSE_STORE_AGE_S);
        if (!removes && counting->count > 0) {
            add_age("oldest_seconds", counting->oldest, result);
            add_age("newest_seconds", counting->newest, result);
        }
    }
    value_write_table_end(result);
    buf_deinit(&place);
    return 0;
}

int cache_store_look(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err)
{
    struct counting counting = {.since_s = INT64_MAX};

    (void)context, (void)host;
    return answer(args, false, &counting, result, err);
}

int cache_store_clear(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    int64_t seconds = value_field_integer(args, "older_seconds", -1);
    struct counting counting = {.since_s = seconds < 0 ? INT64_MAX : now_seconds() - seconds};

    (void)context, (void)host;
    return answer(args, true, &counting, result, err);
}
