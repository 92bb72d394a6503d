#include "master/job_shuffle.h"

#include "base/hash.h"
#include "store/uri.h"

#include <string.h>

enum { HASH_BITS = 16, PREFIX_BYTES_MAX = 800 };

/* Below which all jobs' are. */
static int add_place(const char *option, const char *output, struct buf *out, struct err *err)
{
    bool is_named = strcmp(option, "gcs") != 0;
    struct uri uri;
    size_t len;

    if (!is_named && (!output || !uri_is_gs(output)))
        return err_set(err, ERR_SETUP,
                       "--shuffle gcs: the output is not on gs://; name a place, --shuffle "
                       "gs://BUCKET/PREFIX");
    if (uri_parse(is_named ? option : output, &uri, err) != 0)
        return err_prefix(err, "--shuffle %s", option);
    len = strlen(uri.object);
    while (len > 0 && uri.object[len - 1] == '/')
        len--;
    if (is_named && len > PREFIX_BYTES_MAX) {
        uri_deinit(&uri);
        return err_set(err, ERR_SETUP, "--shuffle: a prefix has at most %d bytes",
                       PREFIX_BYTES_MAX);
    }
    buf_printf(out, "gs://%s/", uri.bucket);
    if (!is_named)
        buf_printf(out, "mrlua-tmp/");
    else if (len > 0)
        buf_printf(out, "%.*s/", (int)len, uri.object);
    uri_deinit(&uri);
    return 0;
}

int job_shuffle_cache(const char *option, const char *output, struct buf *out, struct err *err)
{
    buf_clear(out);
    if (option[0] == '\0' || strcmp(option, "local") == 0)
        return err_set(err, ERR_SETUP,
                       "--reuse needs --shuffle gcs: what is kept for later jobs are objects; add "
                       "--shuffle gcs or --shuffle gs://BUCKET/PREFIX");
    if (add_place(option, output, out, err) != 0)
        return -1;
    buf_printf(out, "cache/");
    return 0;
}

int job_shuffle_prefix(const char *option, const char *output, const char *publish_id,
                       struct buf *out, struct err *err)
{
    uint64_t hash = hash64(slice_of_string(publish_id));

    buf_clear(out);
    if (option[0] == '\0' || strcmp(option, "local") == 0)
        return 0;
    if (strcmp(option, "gcs") != 0 && !uri_is_gs(option))
        return err_set(err, ERR_SETUP, "--shuffle %s: it is local, gcs or gs://BUCKET/PREFIX",
                       option);
    if (add_place(option, output, out, err) != 0)
        return -1;
    buf_printf(out, "%04x/%s/", (unsigned)(hash >> (64 - HASH_BITS)), publish_id);
    return 0;
}
