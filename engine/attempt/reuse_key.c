#include "attempt/reuse_key.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "rpc/blob.h"
#include "rpc/message.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)REUSE_KEY_BYTES <= (int)BLOB_HASH_BYTES, "a key is the head of a hash");

static char nothing[] = "";

/* A copy of a TaskStart without what decides nothing. */
struct normal {
    Mrlua__TaskStart start;
    Mrlua__Piece *pieces, **piece_list;
    Mrlua__SideFile *files, **file_list;
};

/* Of a file only what decides what is read; of an object all is left. */
static void normalise_piece(Mrlua__Piece *piece)
{
    if (piece->checksum.len == 0)
        return;
    piece->path = nothing;
    piece->mtime_ns = 0;
    piece->inode = 0;
    piece->device = 0;
}

static void normalise_file(Mrlua__SideFile *file)
{
    file->copy = nothing;
    if (file->checksum.len == 0 && file->hash.len == 0)
        return;
    file->path = nothing;
    file->mtime_ns = 0;
    file->inode = 0;
    file->device = 0;
}

static void normalise_lists(struct normal *normal, const Mrlua__TaskStart *start)
{
    normal->pieces = mem_alloc_array(start->n_pieces + 1, sizeof *normal->pieces);
    normal->piece_list = mem_alloc_array(start->n_pieces + 1, sizeof *normal->piece_list);
    normal->files = mem_alloc_array(start->n_files + 1, sizeof *normal->files);
    normal->file_list = mem_alloc_array(start->n_files + 1, sizeof *normal->file_list);
    for (size_t i = 0; i < start->n_pieces; i++) {
        normal->pieces[i] = *start->pieces[i];
        normal->piece_list[i] = &normal->pieces[i];
        normalise_piece(&normal->pieces[i]);
    }
    for (size_t i = 0; i < start->n_files; i++) {
        normal->files[i] = *start->files[i];
        normal->file_list[i] = &normal->files[i];
        normalise_file(&normal->files[i]);
    }
    normal->start.pieces = normal->piece_list;
    normal->start.files = normal->file_list;
}

static void normal_init(struct normal *normal, const Mrlua__TaskStart *start)
{
    Mrlua__TaskStart out = *start;

    out.job = 0;
    out.task = 0;
    out.attempt = 0;
    out.worker = 0;
    out.limits = NULL;
    out.output = nothing;
    out.plan = NULL;
    out.commit = NULL;
    out.shuffle = nothing;
    out.tmp_folder = nothing;
    out.result_path = nothing;
    out.reuse = NULL;
    normal->start = out;
    normalise_lists(normal, start);
}

static void normal_deinit(struct normal *normal)
{
    free(normal->pieces);
    free(normal->piece_list);
    free(normal->files);
    free(normal->file_list);
}

void reuse_key_make(struct reuse_key *key, const Mrlua__TaskStart *start, struct slice build)
{
    struct normal normal;
    uint8_t hash[BLOB_HASH_BYTES];
    struct buf text = {0};

    normal_init(&normal, start);
    buf_printf(&text, "mrlua map run, build of %zu bytes\n", build.len);
    buf_append(&text, build.ptr, build.len);
    message_pack(&text, &normal.start.base);
    blob_hash(buf_slice(&text), hash);
    memcpy(key->bytes, hash, REUSE_KEY_BYTES);
    buf_deinit(&text);
    normal_deinit(&normal);
}

struct run_id reuse_key_id(const struct reuse_key *key)
{
    return (struct run_id){.job = get_u64be(key->bytes) & INT64_MAX,
                           .attempt = get_u64be(key->bytes + 8) & INT64_MAX,
                           .task = get_u32be(key->bytes + 16)};
}

struct reuse_key reuse_key_of_id(const struct run_id *id)
{
    struct reuse_key key;

    put_u64be(key.bytes, id->job);
    put_u64be(key.bytes + 8, id->attempt);
    put_u32be(key.bytes + 16, id->task);
    return key;
}

void reuse_key_print(const struct reuse_key *key, char out[REUSE_KEY_TEXT_BYTES])
{
    for (size_t i = 0; i < REUSE_KEY_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", key->bytes[i]);
}
