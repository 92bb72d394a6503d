#include "cli/inspect.h"

#include "base/mem.h"
#include "format/text.h"
#include "record/fields.h"
#include "record/run.h"
#include "record/value.h"
#include "store/gcs.h"
#include "store/manifest.h"
#include "store/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The string field as C string; release with free(). */
static char *string_of(struct slice args, const char *name)
{
    struct slice string = value_field_string(args, name, "");

    return mem_strndup(string.ptr, string.len);
}

/* Lines to standard output. A reader that went away ends the command without a word: 1, 0, -1. */
static int print(const struct buf *text, struct err *err)
{
    if (fwrite(text->ptr, 1, text->len, stdout) == text->len)
        return 1;
    if (errno == EPIPE)
        return 0;
    return err_set_errno(err, ERR_DISK, "write to standard output");
}

/* How a run is printed. */
struct style {
    bool is_summary;
    bool is_json; /* an object a line */
};

static int tsv_line(const struct record *record, struct buf *line, struct err *err)
{
    if (text_tsv_key(line, record->key, err) != 0)
        return -1;
    buf_append_byte(line, '\t');
    if (text_tsv_value(line, record->value, err) != 0)
        return -1;
    buf_append_byte(line, '\n');
    return 0;
}

static int json_line(const struct record *record, struct buf *line, struct err *err)
{
    uint64_t replaced = 0; /* what is not UTF-8 is seen as U+FFFD */

    buf_append_string(line, "{\"key\":");
    if (text_json_key(line, record->key, &replaced, err) != 0)
        return -1;
    buf_append_string(line, ",\"value\":");
    if (text_json_value(line, record->value, &replaced, err) != 0)
        return -1;
    buf_append_string(line, "}\n");
    return 0;
}

static int print_records(struct run_inspect *inspect, bool is_json, struct err *err)
{
    struct record record;
    struct buf line = {0};
    int rc;

    while ((rc = run_inspect_record(inspect, &record, err)) == 1) {
        buf_clear(&line);
        rc = is_json ? json_line(&record, &line, err) : tsv_line(&record, &line, err);
        if (rc != 0)
            break;
        rc = print(&line, err);
        if (rc != 1)
            break;
    }
    buf_deinit(&line);
    return rc;
}

static void print_segment(const struct run_inspect_segment *segment, bool is_json)
{
    const struct run_segment *extent = &segment->extent;

    if (is_json)
        printf("{\"segment\":{\"partition\":%u,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"offset\":%" PRIu64 ",\"blocks\":%u,\"raw_bytes\":%" PRIu64 "}}\n",
               segment->partition, extent->record_count, extent->bytes, extent->offset,
               segment->block_count, segment->raw_bytes);
    else
        printf("# partition %u: %" PRIu64 " records, %" PRIu64 " bytes at %" PRIu64 ", %u block%s"
               " of %" PRIu64 " raw bytes\n",
               segment->partition, extent->record_count, extent->bytes, extent->offset,
               segment->block_count, segment->block_count == 1 ? "" : "s", segment->raw_bytes);
}

static int print_segments(struct run_inspect *inspect, struct style style, struct err *err)
{
    struct run_inspect_segment segment;
    int rc;

    while ((rc = run_inspect_segment(inspect, &segment, err)) == 1) {
        print_segment(&segment, style.is_json);
        if (!style.is_summary && print_records(inspect, style.is_json, err) < 0)
            return -1;
    }
    return rc;
}

static void print_index(const struct run_index *index, uint64_t bytes, bool is_json)
{
    if (is_json)
        printf("{\"run\":{\"job\":%" PRIu64 ",\"task\":%u,\"attempt\":%" PRIu64
               ",\"partitions\":%u,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 "}}\n",
               index->id.job, index->id.task, index->id.attempt, index->partition_count,
               index->record_count, bytes);
    else
        printf("# run file: job %" PRIu64 ", task %u, attempt %" PRIu64 ", %u partition%s, %" PRIu64
               " records, %" PRIu64 " bytes\n",
               index->id.job, index->id.task, index->id.attempt, index->partition_count,
               index->partition_count == 1 ? "" : "s", index->record_count, bytes);
}

static int print_run(int fd, const char *path, struct style style, struct err *err)
{
    struct run_inspect *inspect;
    struct stat stat;
    int rc;

    if (fstat(fd, &stat) != 0)
        return err_set_errno(err, ERR_INPUT, "stat %s", path);
    inspect = run_inspect_open(fd, (uint64_t)stat.st_size, path, err);
    if (!inspect)
        return -1;
    print_index(run_inspect_index(inspect), (uint64_t)stat.st_size, style.is_json);
    rc = print_segments(inspect, style, err);
    run_inspect_close(inspect);
    return rc;
}

int inspect_run(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err)
{
    struct style style = {
        .is_summary = value_field_boolean(args, "summary", false),
        .is_json = value_field_boolean(args, "json", false),
    };
    char *path = string_of(args, "path");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    (void)context, (void)host, (void)result;
    if (fd < 0) {
        rc = err_set_errno(err, ERR_INPUT, "open %s", path);
    } else {
        rc = print_run(fd, path, style, err);
        close(fd);
    }
    free(path);
    return rc;
}

/* An output: a folder, or what is below a name in a bucket. */
struct output {
    char *folder;
    struct uri uri;
    struct gcs *gcs; /* NULL: a folder */
};

static int output_open(struct output *output, struct slice args, struct err *err)
{
    *output = (struct output){.folder = string_of(args, "folder")};
    if (!uri_is_gs(output->folder))
        return 0;
    if (uri_parse(output->folder, &output->uri, err) != 0)
        return -1;
    output->gcs = gcs_open();
    return 0;
}

static void output_close(struct output *output)
{
    gcs_close(output->gcs);
    uri_deinit(&output->uri);
    free(output->folder);
}

/* The name of an object of the output; in `out`. */
static const char *object_name(const struct output *output, const char *rest, struct buf *out)
{
    buf_printf(out, "%s/%s", output->uri.object, rest);
    return buf_string(out);
}

static struct manifest *open_manifest(const struct output *output, struct err *err)
{
    struct manifest *manifest = NULL;
    struct buf name = {0}, text = {0};
    int rc;

    if (!output->gcs)
        return manifest_open(output->folder, err);
    rc = gcs_get_text(output->gcs, output->uri.bucket, object_name(output, "_SUCCESS", &name), 0,
                      GCS_TEXT_BYTES_MAX, &text, NULL, err);
    if (rc == 1)
        manifest = manifest_decode(buf_slice(&text), "_SUCCESS", err);
    else if (rc == 0)
        err_set(err, ERR_INPUT,
                "%s/_SUCCESS: no such object: not an output that is whole; of objects nothing else "
                "can be inspected: copy a run file with mrlua fs cp",
                output->folder);
    buf_deinit(&name);
    buf_deinit(&text);
    return manifest;
}

/* What the store knows of a part is as good as its bytes, which it has compared with it. */
static int check_object(const struct output *output, const struct manifest_part *part,
                        struct err *err)
{
    struct gcs_object object;
    struct buf name = {0};
    int rc = gcs_stat(output->gcs, output->uri.bucket, object_name(output, part->name, &name), 0,
                      &object, err);

    buf_deinit(&name);
    if (rc == 0)
        return err_set(err, ERR_INPUT, "%s/%s: no such object", output->folder, part->name);
    if (rc < 0)
        return -1;
    rc = 0;
    if (object.size != part->bytes)
        rc = err_set(err, ERR_INPUT, "%s/%s: %" PRIu64 " bytes, but _SUCCESS says %" PRIu64,
                     output->folder, part->name, object.size, part->bytes);
    else if (!object.has_crc32c || object.crc32c != part->crc32c)
        rc = err_set(err, ERR_INPUT, "%s/%s: checksum %08" PRIx32 ", but _SUCCESS says %08" PRIx32,
                     output->folder, part->name, object.crc32c, part->crc32c);
    gcs_object_deinit(&object);
    return rc;
}

static void write_part(const struct manifest_part *part, const struct output *output,
                       struct buf *out)
{
    struct err err;
    int rc =
        output->gcs ? check_object(output, part, &err) : manifest_check(part, output->folder, &err);
    bool is_good = rc == 0;
    char crc[16];

    snprintf(crc, sizeof crc, "%08x", part->crc32c);
    value_write_table_begin(out);
    field_string(out, "name", part->name);
    field_integer(out, "bytes", part->bytes);
    field_integer(out, "records", part->records);
    field_string(out, "crc32c", crc);
    field_string(out, "error", is_good ? "" : err.message);
    value_write_table_end(out);
}

int inspect_check_output(void *context, struct vm_host *host, struct slice args, struct buf *result,
                         struct err *err)
{
    struct output output;
    struct manifest *manifest =
        output_open(&output, args, err) == 0 ? open_manifest(&output, err) : NULL;

    (void)context, (void)host;
    if (!manifest) {
        output_close(&output);
        return -1;
    }
    value_write_table_begin(result);
    field_string(result, "job_id", manifest->job_id);
    field_string(result, "job_name", manifest->job_name);
    field_name(result, "parts");
    value_write_table_begin(result);
    for (size_t i = 0; i < manifest->part_count; i++) {
        value_write_integer(result, (int64_t)i + 1);
        write_part(&manifest->parts[i], &output, result);
    }
    value_write_table_end(result);
    if (manifest->bad.name) {
        field_name(result, "bad_records");
        write_part(&manifest->bad, &output, result);
    }
    value_write_table_end(result);
    manifest_close(manifest);
    output_close(&output);
    return 0;
}
