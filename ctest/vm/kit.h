/*
 * kit: a vm with one job, records in memory, and a sink that writes what it gets as text.
 *
 *     struct kit kit = {0};
 *     assert_int_equal(kit_load(&kit, "return { map = ..., reduce = ... }"), 0);
 *     kit_map(&kit, 0, "a line");
 *     assert_string_equal(buf_string(&kit.output), "\"a\"=1;");
 *     kit_close(&kit);
 */
#ifndef CTEST_VM_KIT_H
#define CTEST_VM_KIT_H

#include "test.h"

#include "format/reader.h"
#include "record/cursor.h"
#include "record/group.h"
#include "record/key_print.h"
#include "record/value.h"
#include "vm/vm.h"

#include <string.h>

struct kit {
    struct sink sink; /* first: the sink is the kit */
    struct vm_options options;
    struct vm *vm;
    struct buf bundle, view, output, log;
    struct err err;
    uint32_t fail_at; /* the sink fails from this emit on; 0: never */
    uint32_t emit_count;
    uint32_t combine_at; /* the sink combines {"a", 1}, {"a", 2} at this emit; 0: never */
};

/* Records in memory as a cursor. */
struct list_cursor {
    struct cursor cursor;
    const struct record *records;
    size_t count, next;
    bool fails; /* at its end, with ERR_PEER */
};

static inline int list_next(struct cursor *cursor, struct err *err)
{
    struct list_cursor *list = (struct list_cursor *)cursor;

    if (list->next == list->count)
        return list->fails ? err_set(err, ERR_PEER, "segment of map 3: checksum") : 0;
    cursor->key = list->records[list->next++].key;
    return 1;
}

static inline int list_value(struct cursor *cursor, struct slice *value, struct err *err)
{
    struct list_cursor *list = (struct list_cursor *)cursor;

    (void)err;
    *value = list->records[list->next - 1].value;
    return 0;
}

static inline void list_close(struct cursor *cursor)
{
    (void)cursor;
}

static const struct cursor_ops list_ops = {list_next, list_value, list_close};

static inline void kit_print_value(struct buf *out, struct slice value)
{
    struct value_reader reader;
    struct datum datum;
    struct err err;

    value_reader_init(&reader, value);
    while (value_read(&reader, &datum, &err) == 1) {
        if (datum.type == DATUM_INTEGER)
            buf_printf(out, "%lld", (long long)datum.integer);
        else if (datum.type == DATUM_FLOAT)
            buf_printf(out, "%.17gf", datum.number);
        else if (datum.type == DATUM_STRING)
            buf_printf(out, "'%.*s'", (int)datum.string.len, datum.string.ptr);
        else if (datum.type == DATUM_TABLE_BEGIN)
            buf_append_byte(out, '{');
        else if (datum.type == DATUM_TABLE_END)
            buf_append_byte(out, '}');
        else
            buf_append_string(out, datum.type == DATUM_TRUE ? "true" : "false");
        if (datum.type != DATUM_TABLE_BEGIN)
            buf_append_byte(out, ' ');
    }
    if (out->len > 0 && out->ptr[out->len - 1] == ' ')
        out->len--;
}

static inline int kit_next_group(void *context, struct err *err)
{
    return group_next(context, err);
}

/* Calls vm_reduce_all over `records`. */
static inline int kit_reduce_records(struct kit *kit, const struct record *records, size_t count,
                                     uint32_t prefix_parts, bool fails)
{
    struct list_cursor list = {{&list_ops, {0}}, records, count, 0, fails};
    struct group group = {0};
    int rc;

    group_init(&group, &list.cursor, prefix_parts);
    rc = vm_reduce_all(kit->vm, &group, kit_next_group, &group, &kit->sink, &kit->err);
    group_deinit(&group);
    return rc;
}

/* Calls vm_combine over `records`, from group to group. */
static inline int kit_combine(struct kit *kit, const struct record *records, size_t count)
{
    struct list_cursor list = {{&list_ops, {0}}, records, count, 0, false};
    struct group group = {0};
    int rc;

    group_init(&group, &list.cursor, 0);
    while ((rc = group_next(&group, &kit->err)) == 1)
        if ((rc = vm_combine(kit->vm, group.key, &group, &kit->sink, &kit->err)) != 0)
            break;
    group_deinit(&group);
    return rc;
}

static const struct record kit_ones[] = {
    {{"sa", 2}, {"\x01", 1}},
    {{"sa", 2}, {"\x02", 1}},
};

static inline int kit_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct kit *kit = (struct kit *)sink;
    char text[KEY_PRINT_BYTES];

    kit->emit_count++;
    if (kit->fail_at != 0 && kit->emit_count >= kit->fail_at)
        return err_set(err, ERR_DISK, "write scratch: No space left on device");
    if (kit->combine_at != 0 && kit->emit_count == kit->combine_at) {
        if (kit_combine(kit, kit_ones, 2) != 0) {
            *err = kit->err;
            return -1;
        }
    }
    buf_printf(&kit->output, "%s=", key_print(text, sizeof text, key));
    kit_print_value(&kit->output, value);
    buf_append_byte(&kit->output, ';');
    return 0;
}

/* As emit() would be told, in angle brackets. */
static inline int kit_emit_counted(struct sink *sink, struct slice text, int64_t number,
                                   struct err *err)
{
    struct kit *kit = (struct kit *)sink;

    kit->emit_count++;
    if (kit->fail_at != 0 && kit->emit_count >= kit->fail_at)
        return err_set(err, ERR_DISK, "write scratch: No space left on device");
    buf_printf(&kit->output, "<%.*s=%lld>", (int)text.len, text.ptr, (long long)number);
    return 0;
}

static inline int kit_emit_ones(struct sink *sink, struct slice text, uint64_t count,
                                struct err *err)
{
    return kit_emit_counted(sink, text, (int64_t)count, err);
}

/* "#1:" in front of what emit() would be told. */
static inline int kit_emit_to(struct sink *sink, uint32_t output, struct slice key,
                              struct slice value, struct err *err)
{
    buf_printf(&((struct kit *)sink)->output, "#%u:", output);
    return kit_emit(sink, key, value, err);
}

static inline void kit_log(void *context, struct slice line)
{
    struct kit *kit = context;

    buf_append(&kit->log, line.ptr, line.len);
    buf_append_byte(&kit->log, '\n');
}

static inline void kit_string(struct buf *out, const char *text)
{
    value_write_string(out, slice_of_string(text));
}

/* Opens kit->options with `source` as jobs/x.lua, and the module "m" if there is one. */
static inline int kit_load_with(struct kit *kit, const char *source, const char *module)
{
    kit->sink.emit = kit_emit;
    value_write_table_begin(&kit->bundle);
    kit_string(&kit->bundle, "path");
    kit_string(&kit->bundle, "jobs/x.lua");
    kit_string(&kit->bundle, "source");
    kit_string(&kit->bundle, source);
    if (module) {
        kit_string(&kit->bundle, "modules");
        value_write_table_begin(&kit->bundle);
        kit_string(&kit->bundle, "m");
        value_write_table_begin(&kit->bundle);
        kit_string(&kit->bundle, "path");
        kit_string(&kit->bundle, "jobs/m.lua");
        kit_string(&kit->bundle, "source");
        kit_string(&kit->bundle, module);
        value_write_table_end(&kit->bundle);
        value_write_table_end(&kit->bundle);
    }
    value_write_table_end(&kit->bundle);
    kit->options.bundle = buf_slice(&kit->bundle);
    kit->options.log = kit_log;
    kit->options.log_context = kit;
    if (!kit->options.stage)
        kit->options.stage = "map";
    kit->vm = vm_open(&kit->options, &kit->err);
    if (!kit->vm)
        return -1;
    return vm_load_job(kit->vm, &kit->view, &kit->err);
}

static inline int kit_load(struct kit *kit, const char *source)
{
    return kit_load_with(kit, source, NULL);
}

/* Answers the record that the context points to, and NULLs it. */
static inline int kit_next_record(void *context, const struct reader_record **record,
                                  struct err *err)
{
    const struct reader_record **only = context;

    (void)err;
    *record = *only;
    *only = NULL;
    return *record ? 1 : 0;
}

/* Calls vm_map_all for one record. */
static inline int kit_map_record(struct kit *kit, const struct reader_record *record,
                                 struct sink *sink)
{
    return vm_map_all(kit->vm, kit_next_record, &record, sink, &kit->err);
}

static inline int kit_map_scalars(struct kit *kit, const struct datum *key,
                                  const struct datum *value, struct sink *sink)
{
    struct reader_record record = {.key = *key, .value = *value};

    return kit_map_record(kit, &record, sink);
}

/* A record of a run file. */
static inline int kit_map_encoded(struct kit *kit, struct slice key, struct slice value)
{
    struct reader_record record = {.form = RECORD_ENCODED, .key_bytes = key, .value_bytes = value};

    return kit_map_record(kit, &record, &kit->sink);
}

static inline int kit_map(struct kit *kit, int64_t offset, const char *line)
{
    struct datum key = {.type = DATUM_INTEGER, .integer = offset};
    struct datum value = {.type = DATUM_STRING, .string = slice_of_string(line)};

    return kit_map_scalars(kit, &key, &value, &kit->sink);
}

static inline int kit_reduce(struct kit *kit, const struct record *records, size_t count)
{
    return kit_reduce_records(kit, records, count, 0, false);
}

static inline void kit_close(struct kit *kit)
{
    vm_close(kit->vm);
    buf_deinit(&kit->bundle);
    buf_deinit(&kit->view);
    buf_deinit(&kit->output);
    buf_deinit(&kit->log);
    *kit = (struct kit){0};
}

/* Loads a job whose map is `body`, and maps one line: -1 from either. */
static inline int kit_run(struct kit *kit, const char *body)
{
    struct buf source = {0};
    int rc;

    buf_printf(&source, "return { reduce = 'identity', map = function(key, line, emit)\n%s\nend }",
               body);
    rc = kit_load(kit, buf_string(&source));
    buf_deinit(&source);
    return rc == 0 ? kit_map(kit, 7, "to be") : rc;
}

#endif
