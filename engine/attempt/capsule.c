#include "attempt/capsule.h"

#include "attempt/child.h"
#include "attempt/input_groups.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "record/fields.h"
#include "record/value.h"
#include "vm/vm.h"

#include <string.h>

enum { HEAD_BYTES = 12 };
static const char MAGIC[4] = "MRC1";

static const char *stage_of(Mrlua__TaskKind kind)
{
    switch (kind) {
    case MRLUA__TASK_KIND__PLAN:
        return "plan";
    case MRLUA__TASK_KIND__SAMPLE:
        return "sample";
    case MRLUA__TASK_KIND__MAP:
        return "map";
    case MRLUA__TASK_KIND__REDUCE:
        return "reduce";
    case MRLUA__TASK_KIND__DRIVE:
        return "drive";
    case MRLUA__TASK_KIND__COMMIT:
    case MRLUA__TASK_KIND__ABORT:
        return "commit";
    default:
        return "load";
    }
}

/* ---- the part that the attempt knows ---- */

static void add_piece(const Mrlua__TaskStart *start, const Mrlua__Piece *piece, struct buf *out)
{
    const Mrlua__InputGroup *group = input_group_of(start, piece);

    value_write_table_begin(out);
    field_string(out, "name", piece->name);
    field_string(out, "path", piece->path);
    field_integer(out, "size", piece->size);
    field_integer(out, "mtime_ns", (uint64_t)piece->mtime_ns);
    field_integer(out, "inode", piece->inode);
    field_integer(out, "device", piece->device);
    field_integer(out, "offset", piece->offset);
    field_integer(out, "length", piece->length);
    field_integer(out, "generation", piece->generation);
    field_boolean(out, "is_gzip", piece->is_gzip);
    if (group) {
        field_string(out, "group", group->name);
        field_string(out, "format", group->format);
    }
    value_write_table_end(out);
}

/* Those up to the piece in hand: of more than there is room for the last ones, and `first` says
 * which that is. */
static void add_pieces(const Mrlua__TaskStart *start, const struct page *page, struct buf *out)
{
    uint64_t end = page ? page_get(&page->input_index) + 1 : 1;
    uint64_t first;

    if (end > start->n_pieces)
        end = start->n_pieces;
    first = end > CAPSULE_PIECE_COUNT_MAX ? end - CAPSULE_PIECE_COUNT_MAX : 0;
    if (end == 0)
        return;
    field_integer(out, "first_piece", first);
    field_integer(out, "piece_count", start->n_pieces);
    field_name(out, "pieces");
    value_write_list_begin(out, end - first);
    for (uint64_t i = first; i < end; i++)
        add_piece(start, start->pieces[i], out);
}

static void add_skip(const Mrlua__TaskStart *start, struct buf *out)
{
    if (start->n_skip == 0)
        return;
    field_name(out, "skip");
    value_write_list_begin(out, start->n_skip);
    for (size_t i = 0; i < start->n_skip; i++)
        value_write_integer(out, (int64_t)start->skip[i]);
}

static void add_files(const Mrlua__TaskStart *start, struct buf *out)
{
    if (start->n_files == 0)
        return;
    field_name(out, "files");
    value_write_table_begin(out);
    for (size_t i = 0; i < start->n_files; i++)
        field_string(out, start->files[i]->name, start->files[i]->path);
    value_write_table_end(out);
}

static void add_page(const struct page *page, struct buf *out)
{
    field_string(out, "phase", page_phase_name(page_get(&page->phase)));
    field_integer(out, "bytes_in", page_get(&page->bytes_in));
    field_integer(out, "records_in", page_get(&page->records_in));
    field_integer(out, "records_out", page_get(&page->records_out));
    if (page_get(&page->record) == 0)
        return;
    field_name(out, "mark");
    value_write_table_begin(out);
    field_integer(out, "record", page_get(&page->record));
    field_integer(out, "piece", page_get(&page->input_index));
    field_integer(out, "offset", page_get(&page->input_offset));
    value_write_table_end(out);
}

static bool is_value(struct slice bytes)
{
    struct err ignored;

    return bytes.len > 0 && value_check(bytes, &ignored) == 0;
}

void capsule_part(const Mrlua__TaskStart *start, const struct page *page, struct slice scene,
                  struct buf *out)
{
    size_t before = out->len;

    value_write_table_begin(out);
    field_string(out, "stage", stage_of(start->kind));
    field_integer(out, "task", start->task);
    field_integer(out, "attempt", start->attempt);
    field_integer(out, "worker", start->worker);
    field_integer(out, "job", start->job);
    field_integer(out, "seed", child_seed(start));
    field_integer(out, "partitions", start->partition_count);
    field_boolean(out, "unsafe", start->unsafe);
    field_string(out, "input", start->input);
    add_pieces(start, page, out);
    add_skip(start, out);
    add_files(start, out);
    if (page)
        add_page(page, out);
    field_string(out, "mrlua", MRLUA_VERSION);
    field_string(out, "lua", vm_lua_version());
    if (scene.len <= CAPSULE_SCENE_BYTES_MAX &&
        out->len - before + scene.len < CAPSULE_PART_BYTES_MAX && is_value(scene))
        field_value(out, "scene", scene);
    value_write_table_end(out);
}

/* ---- the file ---- */

static void add_job(const struct capsule_job *job, struct buf *out)
{
    field_name(out, "job");
    value_write_table_begin(out);
    field_string(out, "id", job->id);
    field_string(out, "name", job->name);
    if (job->folder)
        field_string(out, "folder", job->folder);
    if (is_value(job->bundle))
        field_value(out, "bundle", job->bundle);
    if (is_value(job->params))
        field_value(out, "params", job->params);
    if (is_value(job->view))
        field_value(out, "view", job->view);
    value_write_table_end(out);
}

static void add_error(const struct err *err, const char *detail, struct buf *out)
{
    field_name(out, "error");
    value_write_table_begin(out);
    field_string(out, "kind", err_kind_name(err->kind));
    field_string(out, "message", err->message);
    field_string(out, "detail", detail ? detail : "");
    value_write_table_end(out);
}

void capsule_encode(struct buf *out, const struct capsule_job *job, struct slice part,
                    const struct err *err, const char *detail)
{
    char head[HEAD_BYTES] = {0};
    size_t start = out->len, len;

    buf_append(out, head, sizeof head);
    value_write_table_begin(out);
    field_integer(out, "version", CAPSULE_VERSION);
    add_job(job, out);
    if (part.len <= CAPSULE_PART_BYTES_MAX && is_value(part))
        field_value(out, "attempt", part);
    add_error(err, detail, out);
    value_write_table_end(out);
    len = out->len - start - HEAD_BYTES;
    memcpy(out->ptr + start, MAGIC, sizeof MAGIC);
    put_u32le(out->ptr + start + 4, (uint32_t)len);
    put_u32le(out->ptr + start + 8, crc32c(0, out->ptr + start + HEAD_BYTES, len));
}

int capsule_decode(struct slice bytes, struct slice *table, struct err *err)
{
    struct datum version;

    if (bytes.len < HEAD_BYTES || memcmp(bytes.ptr, MAGIC, sizeof MAGIC) != 0)
        return err_set(err, ERR_INPUT, "no capsule: it does not begin with MRC1");
    *table = slice_of(bytes.ptr + HEAD_BYTES, bytes.len - HEAD_BYTES);
    if (get_u32le(bytes.ptr + 4) != table->len)
        return err_set(err, ERR_INPUT, "the capsule is cut: %zu bytes of %u", table->len,
                       get_u32le(bytes.ptr + 4));
    if (get_u32le(bytes.ptr + 8) != crc32c(0, table->ptr, table->len))
        return err_set(err, ERR_INPUT, "the capsule is damaged: its checksum differs");
    if (value_check(*table, err) != 0)
        return err_prefix(err, "the capsule is damaged");
    if (!value_field(*table, "version", &version) || version.type != DATUM_INTEGER ||
        version.integer != CAPSULE_VERSION)
        return err_set(err, ERR_INPUT, "the capsule is of another version than %d",
                       CAPSULE_VERSION);
    return 0;
}
