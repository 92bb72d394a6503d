#include "worker/worker_state.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of(const struct worker *worker, const uint8_t *hash, struct buf *out)
{
    char text[BLOB_HASH_TEXT_BYTES];

    blob_hash_print(hash, text);
    storage_blob_path(&worker->storage, text, out);
}

static void touch(const struct worker *worker, const uint8_t *hash)
{
    char text[BLOB_HASH_TEXT_BYTES];

    blob_hash_print(hash, text);
    storage_touch_blob(&worker->storage, text);
}

static bool is_named(struct slice bytes, const uint8_t *hash)
{
    uint8_t found[BLOB_HASH_BYTES];

    blob_hash(bytes, found);
    return memcmp(found, hash, sizeof found) == 0;
}

/* ---- those that come ---- */

static void ask(struct worker *worker, const struct worker_blob *blob)
{
    Mrlua__BlobGet get = MRLUA__BLOB_GET__INIT;

    if (!agent_is_joined(worker->agent) || !worker->conn)
        return;
    get.hash = (ProtobufCBinaryData){sizeof blob->hash, (uint8_t *)(uintptr_t)blob->hash};
    get.offset = blob->bytes;
    get.came_damaged = blob->came_damaged && blob->bytes == 0;
    conn_send(worker->conn, MESSAGE_BLOB_GET, 0, &get.base);
}

static struct worker_blob *find(const struct worker *worker, const uint8_t *hash)
{
    struct worker_blob *blob = worker->blobs;

    while (blob && memcmp(blob->hash, hash, sizeof blob->hash) != 0)
        blob = blob->next;
    return blob;
}

static void want(struct worker *worker, const uint8_t *hash)
{
    struct worker_blob *blob;

    if (find(worker, hash))
        return;
    blob = mem_alloc(sizeof *blob);
    *blob = (struct worker_blob){.next = worker->blobs, .fd = -1};
    memcpy(blob->hash, hash, sizeof blob->hash);
    worker->blobs = blob;
    ask(worker, blob);
}

static void part_path_of(const struct worker *worker, const struct worker_blob *blob,
                         struct buf *out)
{
    path_of(worker, blob->hash, out);
    buf_append_string(out, ".part");
}

/* What has come is thrown away, unless it has got its name. */
static void rewind_blob(const struct worker *worker, struct worker_blob *blob)
{
    struct buf part = {0};

    if (blob->fd >= 0) {
        part_path_of(worker, blob, &part);
        unlink(buf_string(&part));
        buf_deinit(&part);
    }
    io_close(&blob->fd);
    blob_hasher_close(blob->hasher, NULL);
    blob->hasher = NULL;
    blob->bytes = 0;
}

static void drop(struct worker *worker, struct worker_blob *blob)
{
    struct worker_blob **link = &worker->blobs;

    while (*link != blob)
        link = &(*link)->next;
    *link = blob->next;
    rewind_blob(worker, blob);
    free(blob);
}

/* ---- what attempts need ---- */

int worker_blob_read(struct worker *worker, const ProtobufCBinaryData *hash, struct buf *out,
                     struct err *err)
{
    struct buf path = {0};
    size_t before = out->len;
    struct err failure;

    if (hash->len == 0)
        return 1;
    if (hash->len != BLOB_HASH_BYTES)
        return err_set(err, ERR_RETRY, "a blob's name of %zu bytes", hash->len);
    path_of(worker, hash->data, &path);
    if (io_read_file(buf_string(&path), BLOB_BYTES_MAX, out, ERR_DISK, &failure) == 0 &&
        is_named(slice_of(out->ptr + before, out->len - before), hash->data)) {
        buf_deinit(&path);
        touch(worker, hash->data);
        return 1;
    }
    out->len = before;
    unlink(buf_string(&path)); /* not there, or not what it is named */
    buf_deinit(&path);
    want(worker, hash->data);
    return 0;
}

/* Address and generation name an object for ever. */
static void object_name(const Mrlua__SideFile *file, char out[sizeof "object-" + 64])
{
    uint8_t hash[BLOB_HASH_BYTES];
    char text[BLOB_HASH_TEXT_BYTES];
    struct buf name = {0};

    buf_printf(&name, "%s\n%llu", file->path, (unsigned long long)file->generation);
    blob_hash(buf_slice(&name), hash);
    buf_deinit(&name);
    blob_hash_print(hash, text);
    snprintf(out, sizeof "object-" + 64, "object-%s", text);
}

static bool is_needed_as(const Mrlua__SideFile *file, const char *name)
{
    char text[sizeof "object-" + 64];

    if (file->generation != 0)
        object_name(file, text);
    else if (file->hash.len == BLOB_HASH_BYTES)
        blob_hash_print(file->hash.data, text);
    else
        return false;
    return strcmp(text, name) == 0;
}

static size_t code_of(const struct worker_attempt *attempt, const ProtobufCBinaryData *out[3])
{
    out[0] = &attempt->start->bundle_hash;
    out[1] = &attempt->start->params_hash;
    out[2] = &attempt->start->view_hash;
    return 3;
}

/* By an attempt that runs, or waits. */
static bool is_needed(void *context, const char *name)
{
    const struct worker *worker = context;
    const ProtobufCBinaryData *code[3];
    char text[BLOB_HASH_TEXT_BYTES];

    for (const struct worker_attempt *at = worker->attempts; at; at = at->next) {
        for (size_t i = 0; i < code_of(at, code); i++) {
            if (code[i]->len != BLOB_HASH_BYTES)
                continue;
            blob_hash_print(code[i]->data, text);
            if (strcmp(text, name) == 0)
                return true;
        }
        for (size_t i = 0; i < at->start->start->n_files; i++)
            if (is_needed_as(at->start->start->files[i], name))
                return true;
    }
    return false;
}

static void make_room(struct worker *worker, uint64_t bytes)
{
    storage_limit_blobs(&worker->storage,
                        bytes < WORKER_BLOB_BYTES_MAX ? WORKER_BLOB_BYTES_MAX - bytes : 0,
                        is_needed, worker);
}

/* Is there a file of that many bytes? What is in it, the attempt looks at. */
static bool is_there(const char *path, uint64_t bytes)
{
    struct stat status;

    return stat(path, &status) == 0 && (uint64_t)status.st_size == bytes;
}

int worker_side_file(struct worker *worker, const Mrlua__SideFile *file, struct buf *out,
                     struct err *err)
{
    char name[sizeof "object-" + 64];

    if (file->generation != 0) {
        object_name(file, name);
        storage_blob_path(&worker->storage, name, out);
        if (is_there(buf_string(out), file->size))
            storage_touch_blob(&worker->storage, name);
        else
            make_room(worker, file->size);
        return 1;
    }
    if (file->hash.len != BLOB_HASH_BYTES)
        return err_set(err, ERR_SETUP, "side file %s: it is neither a blob nor an object",
                       file->name);
    path_of(worker, file->hash.data, out);
    if (is_there(buf_string(out), file->size)) {
        touch(worker, file->hash.data);
        return 1;
    }
    unlink(buf_string(out));
    want(worker, file->hash.data);
    return 0;
}

/* ---- what comes ---- */

void worker_blobs_ask(struct worker *worker)
{
    for (const struct worker_blob *blob = worker->blobs; blob; blob = blob->next)
        ask(worker, blob);
}

static bool is_of(const struct worker_blob *blob, const ProtobufCBinaryData *hash)
{
    return hash->len == sizeof blob->hash && memcmp(hash->data, blob->hash, sizeof blob->hash) == 0;
}

/* What the blob is to an attempt that waits for it, "code" or the name of a side file; else NULL.
 */
static const char *role_of(const struct worker_blob *blob, const struct worker_attempt *attempt)
{
    const Mrlua__TaskStart *start = attempt->start->start;
    const ProtobufCBinaryData *code[3];

    for (size_t i = 0; attempt->waits_for_blobs && i < code_of(attempt, code); i++)
        if (is_of(blob, code[i]))
            return "code";
    for (size_t i = 0; attempt->waits_for_blobs && i < start->n_files; i++)
        if (is_of(blob, &start->files[i]->hash))
            return start->files[i]->name;
    return NULL;
}

/* Who waits for it cannot go on. */
static void fail_waiting(struct worker *worker, const struct worker_blob *blob,
                         const struct err *err)
{
    for (struct worker_attempt *at = worker->attempts, *next; at; at = next) {
        next = at->next;
        if (role_of(blob, at))
            worker_attempt_fail(at, err);
    }
}

/* Nobody has it but the client that put it: no other attempt will do better. */
static void fail_lost(struct worker *worker, const struct worker_blob *blob, const char *trouble)
{
    for (struct worker_attempt *at = worker->attempts, *next; at; at = next) {
        const char *role = role_of(blob, at);
        struct err err;

        next = at->next;
        if (!role)
            continue;
        if (trouble[0] != '\0')
            err_set(&err, ERR_SETUP, "a file of this job (%s) cannot be had: %s", role, trouble);
        else
            err_set(&err, ERR_SETUP, "the master has lost a file of this job (%s): submit it again",
                    role);
        worker_attempt_fail(at, &err);
    }
}

/* Under another name first: a blob is whole or not there. */
static int begin(struct worker *worker, struct worker_blob *blob, uint64_t total_bytes,
                 struct err *err)
{
    struct buf part = {0};

    make_room(worker, total_bytes);
    part_path_of(worker, blob, &part);
    blob->hasher = blob_hasher_open();
    blob->fd = open(buf_string(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (blob->fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", buf_string(&part));
    buf_deinit(&part);
    return blob->fd < 0 ? -1 : 0;
}

static int add(struct worker *worker, struct worker_blob *blob, const Mrlua__BlobData *data,
               struct err *err)
{
    if (blob->fd < 0 && begin(worker, blob, data->total_bytes, err) != 0)
        return -1;
    blob_hasher_add(blob->hasher, slice_of(data->bytes.data, data->bytes.len));
    if (io_write(blob->fd, data->bytes.data, data->bytes.len, "a blob", ERR_DISK, err) != 0)
        return -1;
    blob->bytes += data->bytes.len;
    return 0;
}

/* It is asked for from its start, once: the master looks at its own copy then. */
static int ask_again(struct worker *worker, struct worker_blob *blob, struct err *err)
{
    if (blob->came_damaged)
        return err_set(err, ERR_RETRY, "a blob came damaged from the master, where it is whole");
    rewind_blob(worker, blob);
    blob->came_damaged = true;
    return 0;
}

/* All of it is here: it gets its name, if it is its own. 1; 0: it is to come again; -1. */
static int finish(struct worker *worker, struct worker_blob *blob, struct err *err)
{
    uint8_t found[BLOB_HASH_BYTES];
    char text[BLOB_HASH_TEXT_BYTES];
    struct buf path = {0}, part = {0};
    int rc;

    blob_hasher_close(blob->hasher, found);
    blob->hasher = NULL;
    if (memcmp(found, blob->hash, sizeof found) != 0)
        return ask_again(worker, blob, err);
    path_of(worker, blob->hash, &path);
    part_path_of(worker, blob, &part);
    rc = io_rename(buf_string(&part), buf_string(&path), err);
    buf_deinit(&path);
    buf_deinit(&part);
    if (rc != 0)
        return -1;
    io_close(&blob->fd);
    blob_hash_print(blob->hash, text);
    log_event(SEVERITY_INFO, "blob_kept", log_text("blob", text), log_number("bytes", blob->bytes));
    return 1;
}

/* 1: that was the last piece. 0: there is another. -1. */
static int take_piece(struct worker *worker, struct worker_blob *blob, const Mrlua__BlobData *data,
                      struct err *err)
{
    if (data->total_bytes > BLOB_BYTES_MAX || data->offset + data->bytes.len > data->total_bytes)
        return err_set(err, ERR_RETRY, "the master sent a blob of a length that it cannot have");
    if (add(worker, blob, data, err) != 0)
        return -1;
    if (blob->bytes < data->total_bytes)
        return 0;
    return finish(worker, blob, err);
}

void worker_blobs_take(struct worker *worker, const Mrlua__BlobData *data)
{
    struct worker_blob *blob =
        data->hash.len == BLOB_HASH_BYTES ? find(worker, data->hash.data) : NULL;
    struct err err;
    int rc = -1;

    if (!blob || (!data->unknown && data->offset != blob->bytes))
        return; /* asked for twice */
    if (data->unknown) {
        fail_lost(worker, blob, data->trouble);
    } else {
        rc = take_piece(worker, blob, data, &err);
        if (rc < 0)
            fail_waiting(worker, blob, &err);
    }
    if (rc != 0) {
        drop(worker, blob);
        worker_attempts_go_on(worker);
    } else if (data->bytes.len > 0 || blob->bytes == 0) {
        ask(worker, blob);
    }
}

void worker_blobs_deinit(struct worker *worker)
{
    while (worker->blobs)
        drop(worker, worker->blobs);
}
