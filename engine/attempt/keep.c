#include "attempt/keep.h"

#include "attempt/outputs.h"
#include "format/publish_gs.h"
#include "format/writer.h"
#include "rpc/message.h"
#include "store/gcs_noted.h"
#include "store/gcs_put.h"
#include "store/uri.h"

#include <inttypes.h>

/* A map of a job without reduces has no partitions, and leaves a part. */
static bool leaves_run(const Mrlua__TaskStart *start)
{
    return start->kind == MRLUA__TASK_KIND__MAP && start->partition_count > 0;
}

bool keep_is_wanted(const Mrlua__TaskStart *start)
{
    if (leaves_run(start))
        return start->shuffle[0] != '\0';
    return (start->kind == MRLUA__TASK_KIND__REDUCE || start->kind == MRLUA__TASK_KIND__MAP) &&
           start->commit && uri_is_gs(start->commit->output_folder);
}

void keep_run_name(const char *prefix, uint32_t map, uint64_t attempt, struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%smap-%" PRIu32 ".%" PRIu64, prefix, map, attempt);
}

/* The part of the task: of a reduce behind the partitions it is one of a further output. */
static struct publish_part main_part(const Mrlua__TaskStart *start, const Mrlua__Done *done)
{
    int own = outputs_own(start);
    struct publish_part part = {
        .suffix = writer_suffix(start->output), .number = start->task, .attempt = start->attempt};

    if (own >= 0)
        part = outputs_part(start, (uint32_t)own);
    part.bytes = done->bytes;
    part.crc32c = done->crc32c;
    return part;
}

static int keep_file(struct publish_gs *out, const Mrlua__TaskStart *start,
                     const Mrlua__OutputFile *file, int fd, struct err *err)
{
    struct publish_part part = outputs_part(start, file->output);

    part.bytes = file->bytes;
    part.crc32c = file->crc32c;
    return publish_gs_keep(out, &part, fd, err);
}

static int keep_parts(const Mrlua__TaskStart *start, int fd, const int *output_fds,
                      const Mrlua__Done *done, struct err *err)
{
    const Mrlua__CommitRequest *request = start->commit;
    struct publish_part part = main_part(start, done);
    struct publish_gs out;
    int rc =
        publish_gs_init(&out, request->output_folder, request->job_id, request->overwrite, err);

    if (rc == 0)
        rc = publish_gs_keep(&out, &part, fd, err);
    for (size_t i = 0; rc == 0 && i < done->n_files; i++)
        rc = keep_file(&out, start, done->files[i], output_fds[done->files[i]->output], err);
    publish_gs_deinit(&out);
    return rc;
}

/* ---- a run ---- */

/* A large one: its session is noted, so that the job's end finds it if we are killed. */
static enum gcs_outcome upload_noted(const struct keep_upload *upload, struct gcs_object *out,
                                     struct err *err)
{
    struct gcs_noted noted = {.bucket = upload->bucket,
                              .object = upload->object,
                              .note = upload->note,
                              .fd = upload->fd,
                              .bytes = upload->bytes,
                              .put = upload->put};
    struct gcs_session session = {0};
    enum gcs_outcome outcome = GCS_FAILED;

    if (gcs_put_checksum(upload->fd, upload->bytes, upload->object, &noted.crc32c, err) == 0 &&
        gcs_noted_hold(upload->gcs, &noted, &session, err) == 0)
        outcome = gcs_session_finish(upload->gcs, &session, upload->fd, out, err);
    gcs_session_deinit(&session);
    return outcome;
}

enum gcs_outcome keep_upload(const struct keep_upload *upload, struct gcs_object *out,
                             struct err *err)
{
    enum gcs_outcome outcome =
        upload->bytes > GCS_RESUMABLE_BYTES
            ? upload_noted(upload, out, err)
            : gcs_upload(upload->gcs, upload->bucket, upload->object, upload->fd, upload->bytes,
                         NULL, upload->put, out, err);

    if (outcome != GCS_GONE)
        return outcome;
    err_set(err, ERR_RETRY, "upload gs://%s/%s: the store dropped it at its last byte",
            upload->bucket, upload->object);
    return GCS_FAILED;
}

static int upload_run(const struct keep_upload *upload, struct err *err)
{
    enum gcs_outcome outcome = keep_upload(upload, NULL, err);

    if (outcome == GCS_LOST)
        err_set(err, ERR_RETRY, "gs://%s/%s is there already: an attempt was run twice",
                upload->bucket, upload->object);
    return outcome == GCS_WRITTEN ? 0 : -1;
}

static int keep_run(const Mrlua__TaskStart *start, int fd, const Mrlua__Done *done, struct err *err)
{
    struct gcs_put put = {.condition = GCS_IF_ABSENT};
    struct keep_upload upload = {.fd = fd, .bytes = done->bytes, .put = &put};
    struct buf name = {0};
    struct uri prefix;
    int rc;

    if (uri_parse(start->shuffle, &prefix, err) != 0)
        return -1;
    upload.gcs = gcs_open();
    upload.bucket = prefix.bucket;
    keep_run_name(prefix.object, start->task, start->attempt, &name);
    upload.object = upload.note = buf_string(&name);
    rc = upload_run(&upload, err);
    gcs_close(upload.gcs);
    buf_deinit(&name);
    uri_deinit(&prefix);
    return rc;
}

int keep_result(const Mrlua__TaskStart *start, int fd, const int *output_fds, struct slice done,
                struct err *err)
{
    Mrlua__Done *message = message_unpack(&mrlua__done__descriptor, done, err);
    int rc;

    if (!message)
        return -1;
    rc = leaves_run(start) ? keep_run(start, fd, message, err)
                           : keep_parts(start, fd, output_fds, message, err);
    message_free(message);
    return rc;
}
