#include "worker/worker_state.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_of(const struct worker *worker, const uint8_t *hash, struct buf *out)
{
    char text[BLOB_HASH_TEXT_BYTES];

    blob_hash_print(hash, text);
    storage_blob_path(&worker->storage, text, out);
}

static bool is_named(struct slice bytes, const uint8_t *hash)
{
    uint8_t found[BLOB_HASH_BYTES];

    blob_hash(bytes, found);
    return memcmp(found, hash, sizeof found) == 0;
}

static void ask(struct worker *worker, const struct worker_blob *blob)
{
    Mrlua__BlobGet get = MRLUA__BLOB_GET__INIT;

    if (!agent_is_joined(worker->agent) || !worker->conn)
        return;
    get.hash = (ProtobufCBinaryData){sizeof blob->hash, (uint8_t *)(uintptr_t)blob->hash};
    get.offset = blob->bytes.len;
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
    memcpy(blob->hash, hash, sizeof blob->hash);
    blob->next = worker->blobs;
    worker->blobs = blob;
    ask(worker, blob);
}

static void drop(struct worker *worker, struct worker_blob *blob)
{
    struct worker_blob **link = &worker->blobs;

    while (*link != blob)
        link = &(*link)->next;
    *link = blob->next;
    buf_deinit(&blob->bytes);
    free(blob);
}

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
        return 1;
    }
    out->len = before;
    unlink(buf_string(&path)); /* not there, or not what it is named */
    buf_deinit(&path);
    want(worker, hash->data);
    return 0;
}

void worker_blobs_ask(struct worker *worker)
{
    for (const struct worker_blob *blob = worker->blobs; blob; blob = blob->next)
        ask(worker, blob);
}

/* Under another name first: a blob is whole or not there. Its name is checked when it is read. */
static int save(struct worker *worker, const struct worker_blob *blob, struct err *err)
{
    struct buf path = {0}, part = {0};
    int fd, rc = -1;

    storage_limit_blobs(&worker->storage, WORKER_BLOB_BYTES_MAX - blob->bytes.len);
    path_of(worker, blob->hash, &path);
    buf_printf(&part, "%s.part", buf_string(&path));
    fd = open(buf_string(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        err_set_errno(err, ERR_DISK, "create %s", buf_string(&part));
    else if (io_write(fd, blob->bytes.ptr, blob->bytes.len, buf_string(&part), ERR_DISK, err) == 0)
        rc = io_rename(buf_string(&part), buf_string(&path), err);
    io_close(&fd);
    buf_deinit(&path);
    buf_deinit(&part);
    return rc;
}

/* Who waits for it cannot go on. */
static void fail_waiting(struct worker *worker, const struct worker_blob *blob,
                         const struct err *err)
{
    for (struct worker_attempt *at = worker->attempts, *next; at; at = next) {
        const ProtobufCBinaryData *hashes[] = {&at->start->bundle_hash, &at->start->params_hash,
                                               &at->start->view_hash};

        next = at->next;
        for (size_t i = 0; at->waits_for_blobs && i < 3; i++) {
            if (hashes[i]->len == sizeof blob->hash &&
                memcmp(hashes[i]->data, blob->hash, sizeof blob->hash) == 0)
                worker_attempt_fail(at, err);
        }
    }
}

static void complete(struct worker *worker, struct worker_blob *blob)
{
    struct err err;
    int rc = 0;

    if (!is_named(buf_slice(&blob->bytes), blob->hash))
        rc = err_set(&err, ERR_RETRY, "a blob came damaged from the master");
    if (rc == 0)
        rc = save(worker, blob, &err);
    if (rc != 0)
        fail_waiting(worker, blob, &err);
    drop(worker, blob);
    worker_attempts_go_on(worker);
}

void worker_blobs_take(struct worker *worker, const Mrlua__BlobData *data)
{
    struct worker_blob *blob =
        data->hash.len == BLOB_HASH_BYTES ? find(worker, data->hash.data) : NULL;
    struct err err;

    if (!blob || (!data->unknown && data->offset != blob->bytes.len))
        return; /* asked for twice */
    if (data->unknown || data->total_bytes > BLOB_BYTES_MAX ||
        data->offset + data->bytes.len > data->total_bytes) {
        err_set(&err, ERR_RETRY, "the master has not got the job's code");
        fail_waiting(worker, blob, &err);
        drop(worker, blob);
        return;
    }
    buf_append(&blob->bytes, data->bytes.data, data->bytes.len);
    if (blob->bytes.len == data->total_bytes)
        complete(worker, blob);
    else if (data->bytes.len > 0)
        ask(worker, blob);
}

void worker_blobs_deinit(struct worker *worker)
{
    while (worker->blobs)
        drop(worker, worker->blobs);
}
