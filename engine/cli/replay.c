#include "cli/replay.h"

#include "attempt/capsule.h"
#include "attempt/feed.h"
#include "attempt/files.h"
#include "attempt/map_input.h"
#include "base/io.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/functions.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/temp.h"

#include <stdlib.h>

struct replay {
    struct buf texts; /* what the reader borrows of the capsule: its bundle, params, view */
    char *name, *path, *group;
    Mrlua__Piece piece;
    Mrlua__Input message;
    struct vm *vm; /* NULL: the reader needs none */
    struct reader *reader;
    int fd;
};

static void add_error(const struct err *err, struct buf *out)
{
    field_name(out, "error");
    answer_error(err, NULL, true, out);
}

/* ---- capsules ---- */

int replay_capsule_read(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    char *path = field_text(args, "path");
    struct slice bytes = value_field_string(args, "bytes", ""), table;
    struct buf file = {0};
    int rc = path ? io_read_file(path, CAPSULE_BYTES_MAX, &file, ERR_INPUT, err) : 0;

    (void)context, (void)host;
    if (rc == 0)
        rc = capsule_decode(path ? buf_slice(&file) : bytes, &table, err);
    if (rc == 0) {
        buf_append(result, table.ptr, table.len);
    } else {
        if (path)
            err_prefix(err, "%s", path);
        value_write_table_begin(result);
        add_error(err, result);
        value_write_table_end(result);
    }
    buf_deinit(&file);
    free(path);
    return 0;
}

int replay_value_decode(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    struct slice bytes = value_field_string(args, "bytes", "");

    (void)context, (void)host;
    if (value_check(bytes, err) != 0)
        return -1;
    buf_append(result, bytes.ptr, bytes.len);
    return 0;
}

/* That it came here says that it is one. */
int replay_value_check(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    struct datum value;

    (void)context, (void)host, (void)result;
    return value_field(args, "value", &value) ? 0 : err_set(err, ERR_JOB, "value is nil");
}

/* ---- the input ---- */

static void close_piece(struct replay *replay)
{
    reader_close(replay->reader);
    replay->reader = NULL;
    io_close(&replay->fd);
    free(replay->name);
    free(replay->path);
    free(replay->group);
    replay->name = replay->path = replay->group = NULL;
}

void replay_close(struct replay *replay)
{
    if (!replay)
        return;
    close_piece(replay);
    vm_close(replay->vm);
    buf_deinit(&replay->texts);
    free(replay);
}

/* The item of a list, from 1 on. False: there is none. */
static bool item_of(struct slice list, int64_t number, struct slice *out)
{
    struct value_reader reader;
    struct datum key, value;
    struct err ignored;

    value_reader_init(&reader, list);
    if (value_read(&reader, &value, &ignored) != 1)
        return false;
    while (value_read_pair(&reader, &key, &value, &ignored) == 1) {
        if (key.type != DATUM_INTEGER || key.integer != number || value.type != DATUM_TABLE_BEGIN)
            continue;
        *out = value.string;
        return true;
    }
    return false;
}

static uint64_t number_of(struct slice table, const char *name)
{
    return (uint64_t)value_field_integer(table, name, 0);
}

static char *text_or_empty(struct slice table, const char *name)
{
    char *text = field_text(table, name);

    return text ? text : mem_strdup("");
}

static void take_piece(struct replay *replay, struct slice piece)
{
    mrlua__piece__init(&replay->piece);
    mrlua__input__init(&replay->message);
    replay->name = text_or_empty(piece, "name");
    replay->path = text_or_empty(piece, "path");
    replay->group = field_text(piece, "group");
    replay->piece.name = replay->name;
    replay->piece.path = replay->path;
    replay->piece.size = number_of(piece, "size");
    replay->piece.mtime_ns = value_field_integer(piece, "mtime_ns", 0);
    replay->piece.inode = number_of(piece, "inode");
    replay->piece.device = number_of(piece, "device");
    replay->piece.offset = number_of(piece, "offset");
    replay->piece.length = number_of(piece, "length");
    replay->piece.generation = number_of(piece, "generation");
    replay->piece.is_gzip = value_field_boolean(piece, "is_gzip", false);
    replay->message.piece = &replay->piece;
}

/* A state with the job, for readers that are written in Lua or by the job. */
static int open_vm(struct replay *replay, struct slice job, struct slice attempt, struct err *err)
{
    struct vm_options options = {.stage = "map",
                                 .unsafe = value_field_boolean(attempt, "unsafe", false)};
    struct slice view = {0};

    if (replay->vm)
        return 0;
    value_field_table(job, "bundle", &options.bundle);
    value_field_table(job, "params", &options.params);
    if (value_field_table(job, "view", &view))
        value_field_table(view, "call", &options.call);
    replay->vm = vm_open(&options, err);
    return replay->vm ? vm_load_job(replay->vm, NULL, err) : -1;
}

static int open_reader(struct replay *replay, struct slice job, struct slice attempt,
                       struct slice piece, const char *tmp, struct err *err)
{
    char *format = field_text(piece, "format");
    struct slice view = {0}, of_input, inputs;
    struct map_input input = {0};
    int rc;

    if (!format)
        format = text_or_empty(attempt, "input");
    value_field_table(job, "view", &view);
    of_input = view;
    if (replay->group && value_field_table(view, "inputs", &inputs))
        value_field_table(inputs, replay->group, &of_input);
    value_field_table(of_input, "input_options", &input.options);
    rc = reader_kind_by_name(slice_of_string(format), &input.kind, err);
    free(format);
    if (rc == 0 && (reader_needs_lua(input.kind) || input.kind == READER_RUN))
        rc = open_vm(replay, job, attempt, err);
    if (rc == 0 && replay->vm && replay->group)
        rc = vm_use_input(replay->vm, replay->group, err);
    if (rc != 0)
        return -1;
    replay->fd = replay->piece.generation ? feed_copy(&replay->piece, tmp, err)
                                          : files_input(&replay->piece, err);
    if (replay->fd < 0)
        return -1;
    replay->reader = map_input_open(&input, replay->vm, &replay->message, replay->fd, err);
    return replay->reader ? 0 : -1;
}

static int open_number(struct replay *replay, struct slice capsule, int64_t number, const char *tmp,
                       struct err *err)
{
    struct slice job, attempt, pieces, piece;

    if (!value_field_table(capsule, "job", &job) ||
        !value_field_table(capsule, "attempt", &attempt) ||
        !value_field_table(attempt, "pieces", &pieces) || !item_of(pieces, number, &piece))
        return err_set(err, ERR_SETUP, "the capsule does not say what was read");
    take_piece(replay, piece);
    return open_reader(replay, job, attempt, piece, tmp, err);
}

int replay_open_piece(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    struct functions *functions = context;
    struct replay *replay = functions->replay;
    char *tmp = field_text(args, "tmp");
    struct slice capsule = {0};
    int rc;

    (void)host;
    if (replay)
        close_piece(replay);
    else {
        functions->replay = replay = mem_alloc(sizeof *replay);
        replay->fd = -1;
        value_field_table(args, "capsule", &capsule);
        buf_append(&replay->texts, capsule.ptr, capsule.len);
    }
    rc = open_number(replay, buf_slice(&replay->texts), value_field_integer(args, "piece", 1),
                     temp_choose(tmp), err);
    free(tmp);
    value_write_table_begin(result);
    if (rc != 0)
        add_error(err, result);
    value_write_table_end(result);
    return 0;
}

static int write_record(struct replay *replay, const struct reader_record *record,
                        struct buf *result, struct err *err)
{
    int rc = 0;

    field_integer(result, "offset", record->offset);
    field_name(result, "key");
    if (record->form == RECORD_ENCODED)
        rc = vm_key_as_value(replay->vm, record->key_bytes, result, err);
    else
        value_write_datum(result, &record->key);
    field_name(result, "value");
    if (rc == 0 && record->form == RECORD_IN_LUA)
        rc = vm_record_encode(replay->vm, result, err);
    else if (record->form == RECORD_AS_READ)
        value_write_datum(result, &record->value);
    else
        buf_append(result, record->value_bytes.ptr, record->value_bytes.len);
    return rc;
}

int replay_next_record(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    struct functions *functions = context;
    struct replay *replay = functions->replay;
    struct reader_record record;
    int rc;

    (void)host, (void)args;
    if (!replay || !replay->reader)
        return err_set(err, ERR_SETUP, "replay_next: no piece is open");
    rc = reader_next(replay->reader, &record, err);
    value_write_table_begin(result);
    if (rc == 1)
        rc = write_record(replay, &record, result, err) == 0 ? 1 : -1;
    if (rc < 0) {
        buf_clear(result);
        value_write_table_begin(result);
        add_error(err, result);
    } else if (rc == 0) {
        field_boolean(result, "ended", true);
    }
    value_write_table_end(result);
    return 0;
}
