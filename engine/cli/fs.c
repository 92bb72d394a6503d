#include "cli/fs.h"

#include "base/mem.h"
#include "cli/fs_copy.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/gcs_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_DEPTH_MAX = 128 };

/* ---- what is answered ---- */

static void put_object(struct buf *out, const char *bucket, const struct gcs_object *object)
{
    struct buf uri = {0};
    char crc32c[16] = "";

    if (object->has_crc32c)
        snprintf(crc32c, sizeof crc32c, "%08x", object->crc32c);
    uri_print(&uri, bucket, object->name);
    value_write_table_begin(out);
    field_string(out, "uri", buf_string(&uri));
    field_integer(out, "size", object->size);
    field_integer(out, "generation", object->generation);
    field_string(out, "crc32c", crc32c);
    field_string(out, "updated", object->updated);
    field_string(out, "type", object->content_type);
    field_boolean(out, "is_gzip", object->is_gzip);
    value_write_table_end(out);
    buf_deinit(&uri);
}

/* A list that is being answered. */
struct listing {
    struct buf *out;
    const char *bucket;
    int64_t count;
};

static int add_object(void *context, const struct gcs_object *object, struct err *err)
{
    struct listing *listing = context;

    (void)err;
    value_write_integer(listing->out, ++listing->count);
    put_object(listing->out, listing->bucket, object);
    return 0;
}

static int add_entry(void *context, const struct gcs_object *object, const char *prefix,
                     struct err *err)
{
    struct listing *listing = context;
    struct buf uri = {0};

    if (object)
        return add_object(context, object, err);
    uri_print(&uri, listing->bucket, prefix);
    value_write_integer(listing->out, ++listing->count);
    value_write_table_begin(listing->out);
    field_string(listing->out, "prefix", buf_string(&uri));
    value_write_table_end(listing->out);
    buf_deinit(&uri);
    return 0;
}

static int parse_uri(struct slice args, struct uri *uri, struct err *err)
{
    char *text = field_text(args, "uri");
    int rc = uri_parse(text ? text : "", uri, err);

    free(text);
    return rc;
}

int fs_stat(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err)
{
    struct gcs_object object;
    struct gcs *gcs;
    struct uri uri;
    int rc;

    (void)context, (void)host;
    if (parse_uri(args, &uri, err) != 0)
        return -1;
    gcs = gcs_open();
    rc = gcs_stat(gcs, uri.bucket, uri.object, 0, &object, err);
    value_write_table_begin(result);
    if (rc == 1) {
        field_name(result, "object");
        put_object(result, uri.bucket, &object);
    }
    value_write_table_end(result);
    gcs_object_deinit(&object);
    gcs_close(gcs);
    uri_deinit(&uri);
    return rc < 0 ? -1 : 0;
}

static int answer_list(struct slice args, bool is_folder, struct buf *result, struct err *err)
{
    struct listing listing = {.out = result};
    struct gcs *gcs;
    struct uri uri;
    int rc;

    if (parse_uri(args, &uri, err) != 0)
        return -1;
    listing.bucket = uri.bucket;
    gcs = gcs_open();
    value_write_table_begin(result);
    if (is_folder) {
        struct gcs_listing what = {.bucket = uri.bucket, .prefix = uri.object, .delimiter = "/"};

        rc = gcs_list(gcs, &what, add_entry, &listing, err);
    } else {
        rc = gcs_find(gcs, &uri, GCS_FIND_ALL, add_object, &listing, err);
    }
    value_write_table_end(result);
    gcs_close(gcs);
    uri_deinit(&uri);
    return rc < 0 ? -1 : 0;
}

int fs_find(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err)
{
    (void)context, (void)host;
    return answer_list(args, false, result, err);
}

int fs_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err)
{
    (void)context, (void)host;
    return answer_list(args, true, result, err);
}

/* ---- files of this machine ---- */

static int walk(const char *path, unsigned depth, struct listing *listing, struct err *err);

static int walk_folder(const char *path, unsigned depth, struct listing *listing, struct err *err)
{
    struct dirent **names;
    int count, rc = 0;

    if (depth > FOLDER_DEPTH_MAX)
        return err_set(err, ERR_SETUP, "%s: more than %d folders within each other", path,
                       FOLDER_DEPTH_MAX);
    count = scandir(path, &names, NULL, alphasort);
    if (count < 0)
        return err_set_errno(err, ERR_SETUP, "read %s", path);
    for (int i = 0; i < count; i++) {
        struct buf child = {0};

        buf_printf(&child, "%s/%s", path, names[i]->d_name);
        if (rc == 0 && strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            rc = walk(buf_string(&child), depth + 1, listing, err);
        buf_deinit(&child);
        free(names[i]);
    }
    free(names);
    return rc;
}

/* Links are followed; what is neither file nor folder is an error. */
static int walk(const char *path, unsigned depth, struct listing *listing, struct err *err)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return err_set_errno(err, ERR_SETUP, "read %s", path);
    if (S_ISDIR(status.st_mode))
        return walk_folder(path, depth, listing, err);
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_SETUP, "read %s: neither a file nor a folder", path);
    value_write_integer(listing->out, ++listing->count);
    value_write_table_begin(listing->out);
    field_string(listing->out, "path", path);
    field_integer(listing->out, "size", (uint64_t)status.st_size);
    value_write_table_end(listing->out);
    return 0;
}

int fs_walk(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err)
{
    char *path = field_text(args, "path");
    struct listing listing = {.out = result};
    struct stat status;
    bool is_there = path && stat(path, &status) == 0;
    int rc = 0;

    (void)context, (void)host;
    value_write_table_begin(result);
    field_string(result, "kind", !is_there ? "none" : S_ISDIR(status.st_mode) ? "folder" : "file");
    field_name(result, "files");
    value_write_table_begin(result);
    if (is_there && value_field_boolean(args, "deep", false))
        rc = walk(path, 0, &listing, err);
    value_write_table_end(result);
    value_write_table_end(result);
    free(path);
    return rc;
}

/* ---- bytes ---- */

int fs_cat(void *context, struct vm_host *host, struct slice args, struct buf *result,
           struct err *err)
{
    struct fs_transfer transfer = {
        .from = field_text(args, "uri"),
        .size = (uint64_t)value_field_integer(args, "size", 0),
        .generation = (uint64_t)value_field_integer(args, "generation", 0),
    };
    struct gcs *gcs = gcs_open();
    int rc;

    (void)context, (void)host, (void)result;
    fflush(stdout);
    rc = transfer.from ? fs_copy_stream(gcs, &transfer, STDOUT_FILENO, "standard output", err)
                       : err_set(err, ERR_SETUP, "no object is named");
    gcs_close(gcs);
    free(transfer.from);
    return rc;
}

/* ---- many at once ---- */

/* Transfers, or objects to delete: those have no `to`. */
struct batch {
    struct fs_transfer *items;
    size_t count, capacity;
    struct vm_host *host;
};

static void add_item(struct batch *batch, struct slice item, const char *from, bool keeps)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? 2 * batch->capacity : 64;
        batch->items = mem_realloc_array(batch->items, batch->capacity, sizeof *batch->items);
    }
    batch->items[batch->count++] = (struct fs_transfer){
        .from = field_text(item, from),
        .to = field_text(item, "to"),
        .size = (uint64_t)value_field_integer(item, "size", 0),
        .generation = (uint64_t)value_field_integer(item, "generation", 0),
        .keeps = keeps,
    };
}

static int read_batch(struct batch *batch, struct slice args, const char *list, const char *from,
                      struct err *err)
{
    bool keeps = value_field_boolean(args, "keeps", false);
    struct value_reader reader;
    struct datum key, value;
    int rc;

    if (!value_open_field(&reader, args, list))
        return 0;
    while ((rc = value_read_pair(&reader, &key, &value, err)) == 1)
        if (value.type == DATUM_TABLE_BEGIN)
            add_item(batch, value.string, from, keeps);
    return rc;
}

static void free_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->items[i].from);
        free(batch->items[i].to);
    }
    free(batch->items);
}

static void tell(void *context, const struct fs_result *so_far)
{
    struct batch *batch = context;
    struct buf value = {0};
    struct err ignored; /* a progress that cannot be shown ends nothing */

    value_write_table_begin(&value);
    field_integer(&value, "done", so_far->done_count + so_far->skipped_count);
    field_integer(&value, "bytes", so_far->bytes);
    value_write_table_end(&value);
    vm_host_call(batch->host, "fs_progress", buf_slice(&value), NULL, &ignored);
    buf_deinit(&value);
}

static int copy_item(void *context, struct gcs *gcs, size_t index, struct fs_meter *meter,
                     struct err *err)
{
    const struct batch *batch = context;
    const struct fs_transfer *item = &batch->items[index];

    if (!item->from || !item->to)
        return err_set(err, ERR_SETUP, "a copy without a source or a destination");
    return fs_copy_one(gcs, item, meter, err);
}

static int remove_item(void *context, struct gcs *gcs, size_t index, struct fs_meter *meter,
                       struct err *err)
{
    const struct batch *batch = context;
    const struct fs_transfer *item = &batch->items[index];
    struct uri uri;
    int rc;

    if (uri_parse(item->from ? item->from : "", &uri, err) != 0)
        return -1;
    rc = gcs_delete(gcs, uri.bucket, uri.object, item->generation, err);
    if (rc == 1)
        fs_meter_add(meter, item->size);
    uri_deinit(&uri);
    return rc;
}

static void put_result(struct buf *out, const struct fs_result *result)
{
    value_write_table_begin(out);
    field_integer(out, "done", result->done_count);
    field_integer(out, "skipped", result->skipped_count);
    field_integer(out, "bytes", result->bytes);
    field_integer(out, "error_count", result->error_count);
    field_name(out, "errors");
    value_write_table_begin(out);
    for (int i = 0; i < FS_ERRORS_MAX && (uint64_t)i < result->error_count; i++) {
        value_write_integer(out, i + 1);
        value_write_string(out, slice_of_string(result->errors[i].message));
    }
    value_write_table_end(out);
    value_write_table_end(out);
}

static int run_batch(struct vm_host *host, struct slice args, const char *list, const char *from,
                     struct fs_work work, struct buf *out, struct err *err)
{
    struct batch batch = {.host = host};
    struct fs_result result;
    int rc = read_batch(&batch, args, list, from, err);

    for (size_t i = 0; i < batch.count; i++)
        batch.items[i].parallel_count = batch.count > 1 ? FS_PARALLEL_COUNT_MANY : 0;
    work.context = work.told_context = &batch;
    work.told = tell;
    if (rc == 0)
        rc = fs_parallel(batch.count, FS_PROCESS_COUNT, &work, &result, err);
    if (rc == 0)
        put_result(out, &result);
    free_batch(&batch);
    return rc;
}

int fs_remove(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err)
{
    (void)context;
    return run_batch(host, args, "objects", "uri", (struct fs_work){.one = remove_item}, result,
                     err);
}

int fs_copy(void *context, struct vm_host *host, struct slice args, struct buf *result,
            struct err *err)
{
    (void)context;
    return run_batch(host, args, "transfers", "from", (struct fs_work){.one = copy_item}, result,
                     err);
}
