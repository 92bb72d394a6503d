#include "cli/inspect.h"

#include "base/mem.h"
#include "cli/fields.h"
#include "format/text.h"
#include "record/run.h"
#include "record/value.h"
#include "store/manifest.h"

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

static int print_records(struct run_inspect *inspect, struct err *err)
{
    struct record record;
    struct buf line = {0};
    int rc;

    while ((rc = run_inspect_record(inspect, &record, err)) == 1) {
        buf_clear(&line);
        rc = text_tsv_key(&line, record.key, err);
        if (rc == 0) {
            buf_append_byte(&line, '\t');
            rc = text_tsv_value(&line, record.value, err);
        }
        if (rc != 0)
            break;
        buf_append_byte(&line, '\n');
        rc = print(&line, err);
        if (rc != 1)
            break;
    }
    buf_deinit(&line);
    return rc;
}

static int print_segments(struct run_inspect *inspect, bool is_summary, struct err *err)
{
    struct run_inspect_segment segment;
    int rc;

    while ((rc = run_inspect_segment(inspect, &segment, err)) == 1) {
        printf("# partition %u: %" PRIu64 " records, %" PRIu64 " bytes at %" PRIu64 ", %u block%s"
               " of %" PRIu64 " raw bytes\n",
               segment.partition, segment.extent.record_count, segment.extent.bytes,
               segment.extent.offset, segment.block_count, segment.block_count == 1 ? "" : "s",
               segment.raw_bytes);
        if (!is_summary && print_records(inspect, err) < 0)
            return -1;
    }
    return rc;
}

static int print_run(int fd, const char *path, bool is_summary, struct err *err)
{
    struct run_inspect *inspect;
    const struct run_index *index;
    struct stat stat;
    int rc;

    if (fstat(fd, &stat) != 0)
        return err_set_errno(err, ERR_INPUT, "stat %s", path);
    inspect = run_inspect_open(fd, (uint64_t)stat.st_size, path, err);
    if (!inspect)
        return -1;
    index = run_inspect_index(inspect);
    printf("# run file: job %" PRIu64 ", task %u, attempt %" PRIu64 ", %u partition%s, %" PRIu64
           " records, %" PRIu64 " bytes\n",
           index->id.job, index->id.task, index->id.attempt, index->partition_count,
           index->partition_count == 1 ? "" : "s", index->record_count, (uint64_t)stat.st_size);
    rc = print_segments(inspect, is_summary, err);
    run_inspect_close(inspect);
    return rc;
}

int inspect_run(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err)
{
    char *path = string_of(args, "path");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    (void)context, (void)host, (void)result;
    if (fd < 0) {
        rc = err_set_errno(err, ERR_INPUT, "open %s", path);
    } else {
        rc = print_run(fd, path, value_field_boolean(args, "summary", false), err);
        close(fd);
    }
    free(path);
    return rc;
}

static void write_part(const struct manifest *manifest, size_t index, const char *folder,
                       struct buf *out)
{
    const struct manifest_part *part = &manifest->parts[index];
    struct err err;
    bool is_good = manifest_check_part(manifest, index, folder, &err) == 0;
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
    char *folder = string_of(args, "folder");
    struct manifest *manifest = manifest_open(folder, err);

    (void)context, (void)host;
    if (!manifest) {
        free(folder);
        return -1;
    }
    value_write_table_begin(result);
    field_string(result, "job_id", manifest->job_id);
    field_string(result, "job_name", manifest->job_name);
    field_name(result, "parts");
    value_write_table_begin(result);
    for (size_t i = 0; i < manifest->part_count; i++) {
        value_write_integer(result, (int64_t)i + 1);
        write_part(manifest, i, folder, result);
    }
    value_write_table_end(result);
    value_write_table_end(result);
    manifest_close(manifest);
    free(folder);
    return 0;
}
