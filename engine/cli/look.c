#include "cli/look.h"

#include "attempt/feed.h"
#include "attempt/files.h"
#include "attempt/map_input.h"
#include "base/io.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/functions.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/file.h"
#include "store/gcs_read.h"
#include "store/temp.h"
#include "store/uri.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct look {
    struct file_list files;
    size_t next; /* of the files */
    struct map_input input;
    struct vm *vm; /* NULL: keys are no encoded ones */
    char *tmp;
    uint64_t bytes_max;
    /* the file that is read */
    Mrlua__Piece piece;
    Mrlua__Input message;
    struct reader *reader;
    int fd;
    bool is_partial; /* of an object, there is more than was fetched */
};

static void close_file(struct look *look)
{
    reader_close(look->reader);
    look->reader = NULL;
    io_close(&look->fd);
}

void look_release(struct look *look)
{
    if (!look)
        return;
    close_file(look);
    vm_close(look->vm);
    file_list_deinit(&look->files);
    free(look->tmp);
    free(look);
}

static int add_inputs(struct look *look, struct slice args, struct err *err)
{
    struct value_reader reader;
    struct datum key, value;
    struct slice list;
    int rc;

    if (!value_field_table(args, "inputs", &list))
        return err_set(err, ERR_SETUP, "look_open: no inputs");
    value_reader_init(&reader, list);
    if (value_read(&reader, &value, err) != 1)
        return -1;
    while ((rc = value_read_pair(&reader, &key, &value, err)) == 1) {
        char *argument = value.type == DATUM_STRING
                             ? mem_strndup(value.string.ptr, value.string.len)
                             : mem_strdup("");

        rc = file_list_add(&look->files, argument, err);
        free(argument);
        if (rc != 0)
            return -1;
    }
    return rc;
}

static int choose_reader(struct look *look, struct slice args, struct err *err)
{
    const struct vm_options options = {.stage = "load"};
    struct slice name = value_field_string(args, "format", "lines");

    if (reader_kind_by_name(name, &look->input.kind, err) != 0)
        return -1;
    if (reader_needs_lua(look->input.kind))
        return err_set(err, ERR_SETUP, "look_open: %.*s needs the job that reads it", (int)name.len,
                       name.ptr);
    if (look->input.kind != READER_RUN)
        return 0;
    look->vm = vm_open(&options, err);
    return look->vm ? 0 : -1;
}

static void write_names(const struct file_list *files, struct buf *result)
{
    size_t count = files->count < LOOK_NAME_COUNT_MAX ? files->count : LOOK_NAME_COUNT_MAX;

    field_name(result, "names");
    value_write_list_begin(result, count);
    for (size_t i = 0; i < count; i++)
        value_write_string(result, slice_of_string(files->items[i].name));
}

int look_open(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err)
{
    struct functions *functions = context;
    struct look *look = mem_alloc(sizeof *look);
    char *tmp = field_text(args, "tmp");

    (void)host;
    look_release(functions->look);
    functions->look = look;
    look->fd = -1;
    look->tmp = mem_strdup(temp_choose(tmp));
    look->bytes_max = (uint64_t)value_field_integer(args, "bytes_max", 0);
    free(tmp);
    value_write_table_begin(result);
    if (add_inputs(look, args, err) != 0 || choose_reader(look, args, err) != 0) {
        field_name(result, "error");
        answer_error(err, NULL, true, result);
        look_release(look);
        functions->look = NULL;
    } else {
        write_names(&look->files, result);
    }
    value_write_table_end(result);
    return 0;
}

/* Takes away what may be part of a record: all behind the last newline. 0 or -1. */
static int cut_last_line(int fd, uint64_t length, struct err *err)
{
    static char tail[64 * 1024];
    size_t len = length < sizeof tail ? (size_t)length : sizeof tail;
    ssize_t count = io_pread(fd, tail, len, length - len, "a copy of an input", ERR_SETUP, err);
    const char *newline = count > 0 ? memrchr(tail, '\n', (size_t)count) : NULL;

    if (count < 0)
        return -1;
    if (newline && ftruncate(fd, (off_t)(length - len + (size_t)(newline - tail) + 1)) != 0)
        return err_set_errno(err, ERR_SETUP, "cut a copy of an input");
    return 0;
}

/* The beginning of an object, in a file without a name. */
static int fetch(struct look *look, struct err *err)
{
    const Mrlua__Piece *piece = &look->piece;
    uint64_t length = piece->size;
    struct gcs_span span;
    struct uri uri;
    int fd;

    if (uri_parse(piece->path, &uri, err) != 0)
        return -1;
    if (look->bytes_max > 0 && length > look->bytes_max && !piece->is_gzip &&
        reader_is_of_lines(look->input.kind))
        length = look->bytes_max;
    look->is_partial = length < piece->size;
    span = (struct gcs_span){
        .bucket = uri.bucket,
        .object = uri.object,
        .generation = piece->generation,
        .length = length,
        .sure_bytes = length,
        .size = piece->size,
    };
    fd = files_scratch(look->tmp, err);
    if (fd >= 0 && (feed_copy_span(look->files.gcs, &span, fd, "a copy of an input", err) != 0 ||
                    (look->is_partial && cut_last_line(fd, length, err) != 0)))
        io_close(&fd);
    uri_deinit(&uri);
    return fd;
}

/* 1: a file is open. 0: there is none any more. */
static int open_next(struct look *look, struct err *err)
{
    const struct file *file;

    close_file(look);
    if (look->next == look->files.count)
        return 0;
    file = &look->files.items[look->next++];
    mrlua__piece__init(&look->piece);
    mrlua__input__init(&look->message);
    look->piece.name = file->name;
    look->piece.path = file->path;
    look->piece.size = look->piece.length = file->identity.size;
    look->piece.mtime_ns = file->identity.mtime_ns;
    look->piece.inode = file->identity.inode;
    look->piece.device = file->identity.device;
    look->piece.generation = file->identity.generation;
    look->piece.is_gzip = file->identity.is_gzip;
    look->message.piece = &look->piece;
    look->is_partial = false;
    look->fd = file->identity.generation ? fetch(look, err) : files_input(&look->piece, err);
    if (look->fd < 0)
        return -1;
    look->reader = map_input_open(&look->input, look->vm, &look->message, look->fd, err);
    return look->reader ? 1 : -1;
}

static int write_record(struct look *look, const struct reader_record *record, struct buf *out,
                        struct err *err)
{
    int rc = 0;

    value_write_list_begin(out, 2);
    if (record->form == RECORD_ENCODED)
        rc = vm_key_as_value(look->vm, record->key_bytes, out, err);
    else
        value_write_datum(out, &record->key);
    if (record->form == RECORD_AS_READ)
        value_write_datum(out, &record->value);
    else
        buf_append(out, record->value_bytes.ptr, record->value_bytes.len);
    return rc;
}

/* 1: a record was appended. 0: there are no more; *is_cut: that is only because of bytes_max. */
static int append_record(struct look *look, struct buf *out, bool *is_cut, struct err *err)
{
    struct reader_record record;
    int rc = 0;

    while (rc == 0) {
        if (!look->reader && (rc = open_next(look, err)) != 1)
            return rc;
        rc = reader_next(look->reader, &record, err);
        if (rc < 1 && look->is_partial) {
            *is_cut = true;
            return 0;
        }
        if (rc == 0)
            close_file(look);
    }
    return rc == 1 && write_record(look, &record, out, err) == 0 ? 1 : -1;
}

int look_next(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err)
{
    struct functions *functions = context;
    int64_t count = value_field_integer(args, "count", 1), got = 0;
    struct buf record = {0};
    bool is_cut = false;
    int rc = 1;

    (void)host;
    if (!functions->look)
        return err_set(err, ERR_SETUP, "look_next: nothing is open");
    value_write_table_begin(result);
    field_name(result, "records");
    value_write_table_begin(result);
    while (got < count && result->len < LOOK_BYTES_MAX) {
        buf_clear(&record);
        rc = append_record(functions->look, &record, &is_cut, err);
        if (rc != 1)
            break;
        value_write_integer(result, ++got);
        buf_append(result, record.ptr, record.len);
    }
    value_write_table_end(result);
    buf_deinit(&record);
    if (rc < 0) {
        field_name(result, "error");
        answer_error(err, NULL, false, result);
    }
    field_boolean(result, "is_ended", rc == 0);
    field_boolean(result, "is_cut", is_cut);
    value_write_table_end(result);
    return 0;
}

int look_close(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err)
{
    struct functions *functions = context;

    (void)host, (void)args, (void)result, (void)err;
    look_release(functions->look);
    functions->look = NULL;
    return 0;
}
