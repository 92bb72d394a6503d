#include "store/manifest.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MANIFEST_VERSION = 1,
    MANIFEST_BYTES_MAX = 1024 * 1024 * 1024, /* a million inputs with long names */
    CHECK_BUFFER_BYTES = 256 * 1024,
};

/* How many bytes at `text` are one well-formed character; 0: none are. */
static size_t character_bytes(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80) /* the end of the string, too */
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

static json_t *string_of(const char *bytes)
{
    struct buf text = {0};
    json_t *string;

    while (*bytes) {
        size_t len = character_bytes(bytes);

        if (len > 0)
            buf_append(&text, bytes, len);
        else
            buf_append_string(&text, "\xef\xbf\xbd"); /* U+FFFD */
        bytes += len > 0 ? len : 1;
    }
    string = json_string(buf_string(&text));
    buf_deinit(&text);
    return string;
}

static json_t *integer_of(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Puts one value, as compact JSON, behind `prefix`. Takes `json`. */
static void put_take(struct buf *out, const char *prefix, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    /* Only memory can be short: all strings are UTF-8 and all objects our own. */
    buf_append_string(out, prefix);
    buf_append_string(out, text ? text : mem_alloc(SIZE_MAX));
    free(text);
    json_decref(json);
}

static void put_numbers(struct buf *out, const char *name, const struct manifest_number *numbers,
                        size_t count)
{
    json_t *object = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, numbers[i].name, integer_of(numbers[i].value));
    buf_printf(out, ",\n \"%s\":", name);
    put_take(out, "", object);
}

static void put_part(struct buf *out, const char *prefix, const struct manifest_part *part)
{
    char crc[9];

    snprintf(crc, sizeof crc, "%08" PRIx32, part->crc32c);
    put_take(out, prefix,
             json_pack("{s:o, s:o, s:o, s:s}", "name", string_of(part->name), "bytes",
                       integer_of(part->bytes), "records", integer_of(part->records), "crc32c",
                       crc));
}

static void put_parts(struct buf *out, const struct manifest *manifest)
{
    buf_append_string(out, ",\n \"parts\":[");
    for (size_t i = 0; i < manifest->part_count; i++)
        put_part(out, i ? ",\n  " : "\n  ", &manifest->parts[i]);
    buf_append_string(out, "]");
    if (manifest->bad.name)
        put_part(out, ",\n \"bad_records\":", &manifest->bad);
}

static void put_inputs(struct buf *out, const struct manifest *manifest)
{
    buf_append_string(out, ",\n \"inputs\":[");
    for (size_t i = 0; i < manifest->input_count; i++) {
        const struct manifest_input *input = &manifest->inputs[i];

        json_t *json = json_pack("{s:o, s:o, s:I}", "path", string_of(input->path), "bytes",
                                 integer_of(input->bytes), "mtime_ns", (json_int_t)input->mtime_ns);

        if (input->generation)
            json_object_set_new(json, "generation", integer_of(input->generation));
        put_take(out, i ? ",\n  " : "\n  ", json);
    }
    buf_append_string(out, "]");
}

void manifest_encode(const struct manifest *manifest, struct buf *out)
{
    buf_printf(out, "{\"format\":\"mrlua-manifest\",\"version\":%d", MANIFEST_VERSION);
    put_take(out, ",\n \"job\":",
             json_pack("{s:o, s:o}", "id", string_of(manifest->job_id), "name",
                       string_of(manifest->job_name)));
    put_take(out, ",\n \"plan\":",
             json_pack(
                 "{s:o, s:o, s:o, s:o, s:o, s:o}", "split_count", integer_of(manifest->split_count),
                 "split_bytes", integer_of(manifest->split_bytes), "reducer_count",
                 integer_of(manifest->reducer_count), "sort_buffer_bytes",
                 integer_of(manifest->sort_buffer_bytes), "input",
                 string_of(manifest->input_format), "output", string_of(manifest->output_format)));
    put_parts(out, manifest);
    put_numbers(out, "counters", manifest->counters, manifest->counter_count);
    put_numbers(out, "times_ms", manifest->times_ms, manifest->time_count);
    put_inputs(out, manifest);
    buf_append_string(out, "}\n");
}

/* What a manifest must have; the first that it has not is remembered. */
struct reading {
    const char *missing;
};

static const char *read_string(struct reading *reading, json_t *object, const char *name)
{
    json_t *field = json_object_get(object, name);

    if (!json_is_string(field)) {
        reading->missing = name;
        return "";
    }
    return json_string_value(field);
}

static int64_t read_integer(struct reading *reading, json_t *object, const char *name)
{
    json_t *field = json_object_get(object, name);

    if (!json_is_integer(field))
        reading->missing = name;
    return json_integer_value(field);
}

static uint64_t read_number(struct reading *reading, json_t *object, const char *name)
{
    int64_t value = read_integer(reading, object, name);

    if (value < 0)
        reading->missing = name;
    return (uint64_t)value;
}

/* A name that leads out of the folder would make a checker read what it should not. */
static const char *read_part_name(struct reading *reading, json_t *object)
{
    const char *name = read_string(reading, object, "name");

    if (strchr(name, '/') || name[0] == '.' || !name[0])
        reading->missing = "name";
    return name;
}

static uint32_t read_crc(struct reading *reading, json_t *object)
{
    const char *text = read_string(reading, object, "crc32c");

    if (strlen(text) != 8 || strspn(text, "0123456789abcdef") != 8) {
        reading->missing = "crc32c";
        return 0;
    }
    return (uint32_t)strtoul(text, NULL, 16);
}

static struct manifest_part read_part(struct reading *reading, json_t *item)
{
    return (struct manifest_part){
        .name = read_part_name(reading, item),
        .bytes = read_number(reading, item, "bytes"),
        .records = read_number(reading, item, "records"),
        .crc32c = read_crc(reading, item),
    };
}

static void read_parts(struct reading *reading, struct manifest *manifest, json_t *list)
{
    if (!json_is_array(list))
        reading->missing = "parts";
    manifest->part_count = json_array_size(list);
    manifest->parts = mem_alloc_array(manifest->part_count, sizeof *manifest->parts);
    for (size_t i = 0; i < manifest->part_count; i++)
        manifest->parts[i] = read_part(reading, json_array_get(list, i));
}

static void read_inputs(struct reading *reading, struct manifest *manifest, json_t *list)
{
    if (!json_is_array(list))
        reading->missing = "inputs";
    manifest->input_count = json_array_size(list);
    manifest->inputs = mem_alloc_array(manifest->input_count, sizeof *manifest->inputs);
    for (size_t i = 0; i < manifest->input_count; i++) {
        json_t *item = json_array_get(list, i);

        manifest->inputs[i] = (struct manifest_input){
            .path = read_string(reading, item, "path"),
            .bytes = read_number(reading, item, "bytes"),
            .mtime_ns = read_integer(reading, item, "mtime_ns"),
        };
        if (json_object_get(item, "generation"))
            manifest->inputs[i].generation = read_number(reading, item, "generation");
    }
}

static struct manifest_number *read_numbers(struct reading *reading, json_t *root, const char *name,
                                            size_t *count)
{
    json_t *object = json_object_get(root, name), *value;
    struct manifest_number *numbers;
    const char *key;
    size_t i = 0;

    if (!json_is_object(object))
        reading->missing = name;
    *count = json_object_size(object);
    numbers = mem_alloc_array(*count, sizeof *numbers);
    json_object_foreach(object, key, value)
    {
        (void)value;
        numbers[i].name = key;
        numbers[i++].value = read_number(reading, object, key);
    }
    return numbers;
}

static void read_all(struct reading *reading, struct manifest *manifest, json_t *root)
{
    json_t *job = json_object_get(root, "job"), *plan = json_object_get(root, "plan");

    manifest->job_id = read_string(reading, job, "id");
    manifest->job_name = read_string(reading, job, "name");
    manifest->split_count = read_number(reading, plan, "split_count");
    manifest->split_bytes = read_number(reading, plan, "split_bytes");
    manifest->reducer_count = read_number(reading, plan, "reducer_count");
    manifest->sort_buffer_bytes = read_number(reading, plan, "sort_buffer_bytes");
    manifest->input_format = read_string(reading, plan, "input");
    manifest->output_format = read_string(reading, plan, "output");
    read_parts(reading, manifest, json_object_get(root, "parts"));
    if (json_object_get(root, "bad_records"))
        manifest->bad = read_part(reading, json_object_get(root, "bad_records"));
    read_inputs(reading, manifest, json_object_get(root, "inputs"));
    manifest->counters = read_numbers(reading, root, "counters", &manifest->counter_count);
    manifest->times_ms = read_numbers(reading, root, "times_ms", &manifest->time_count);
}

struct manifest *manifest_decode(struct slice text, const char *what, struct err *err)
{
    json_error_t error;
    struct reading reading = {0};
    struct manifest *manifest;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    const char *format = json_string_value(json_object_get(root, "format"));

    if (!root || !format || strcmp(format, "mrlua-manifest") != 0) {
        err_set(err, ERR_INPUT, "%s: not a manifest of mrlua%s%s", what, root ? "" : ": ",
                root ? "" : error.text);
        json_decref(root);
        return NULL;
    }
    if (json_integer_value(json_object_get(root, "version")) != MANIFEST_VERSION) {
        err_set(err, ERR_INPUT, "%s: a manifest of another version of mrlua", what);
        json_decref(root);
        return NULL;
    }
    manifest = mem_alloc(sizeof *manifest);
    manifest->json = root;
    read_all(&reading, manifest, root);
    if (reading.missing) {
        err_set(err, ERR_INPUT, "%s: the field \"%s\" is missing or wrong", what, reading.missing);
        manifest_close(manifest);
        return NULL;
    }
    return manifest;
}

struct manifest *manifest_open(const char *folder, struct err *err)
{
    struct buf path = {0}, text = {0};
    struct manifest *manifest = NULL;
    struct stat status;

    buf_printf(&path, "%s/_SUCCESS", folder);
    if (stat(buf_string(&path), &status) != 0)
        err_set_errno(err, ERR_INPUT, "open %s", path.ptr);
    else if (status.st_size > MANIFEST_BYTES_MAX)
        err_set(err, ERR_INPUT, "%s: not a manifest of mrlua: too large", path.ptr);
    else if (io_read_file(path.ptr, (size_t)status.st_size, &text, ERR_INPUT, err) == 0)
        manifest = manifest_decode(buf_slice(&text), path.ptr, err);
    buf_deinit(&path);
    buf_deinit(&text);
    return manifest;
}

void manifest_close(struct manifest *manifest)
{
    if (!manifest)
        return;
    free(manifest->inputs);
    free(manifest->parts);
    free(manifest->counters);
    free(manifest->times_ms);
    json_decref(manifest->json);
    free(manifest);
}

static int check_bytes(const struct manifest_part *part, int fd, const char *path, struct err *err)
{
    char *block = mem_alloc(CHECK_BUFFER_BYTES);
    uint64_t bytes = 0;
    uint32_t crc = 0;
    ssize_t count;

    while ((count = io_read(fd, block, CHECK_BUFFER_BYTES, path, ERR_INPUT, err)) > 0) {
        bytes += (uint64_t)count;
        crc = crc32c(crc, block, (size_t)count);
    }
    free(block);
    if (count < 0)
        return -1;
    if (bytes != part->bytes)
        return err_set(err, ERR_INPUT, "%s: %" PRIu64 " bytes, but _SUCCESS says %" PRIu64, path,
                       bytes, part->bytes);
    if (crc != part->crc32c)
        return err_set(err, ERR_INPUT, "%s: checksum %08" PRIx32 ", but _SUCCESS says %08" PRIx32,
                       path, crc, part->crc32c);
    return 0;
}

int manifest_check(const struct manifest_part *part, const char *folder, struct err *err)
{
    struct buf path = {0};
    int rc = -1;
    int fd;

    buf_printf(&path, "%s/%s", folder, part->name);
    fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        err_set_errno(err, ERR_INPUT, "open %s", path.ptr);
    else
        rc = check_bytes(part, fd, path.ptr, err);
    io_close(&fd);
    buf_deinit(&path);
    return rc;
}
