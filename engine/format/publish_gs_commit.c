#include "format/publish_gs_state.h"

#include "base/hash.h"
#include "base/mem.h"
#include "format/publish_old.h"
#include "store/gcs_crew.h"
#include "store/gcs_sweep.h"
#include "store/gcs_upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FINISH_TRIES = 4, /* what is in the way is looked at and, if it is ours, removed in between */
    OLD_BYTES_MAX = GCS_TEXT_BYTES_MAX,
};

struct commit {
    struct publish_gs *out;
    const struct publish_part *parts;
    size_t part_count;
    struct publish_old old; /* what was there before */
};

/* ---- what was there before ---- */

static int read_old(struct commit *commit, struct err *err)
{
    struct publish_gs *out = commit->out;
    char name[PUBLISH_GS_NAME_BYTES];
    struct gcs_object object;
    struct buf text = {0};
    int rc;

    if (!out->overwrite)
        return 0;
    publish_gs_name(out->work, "replaces", name);
    rc = publish_gs_read(out->gcs, out->bucket, name, OLD_BYTES_MAX, &text, &object, err);
    if (rc == 1)
        gcs_object_deinit(&object);
    if (rc == 0)
        err_set(err, ERR_SETUP, "gs://%s/%s is gone: what may be replaced is not known",
                out->bucket, name);
    if (rc == 1 && publish_old_parse(&commit->old, buf_slice(&text), err) != 0)
        rc = -1;
    buf_deinit(&text);
    return rc == 1 ? 0 : -1;
}

/* Before any part changes: a reader who has the old one reads no mixture. */
static int remove_old_success(struct commit *commit, struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES];
    uint64_t generation;

    publish_gs_name(commit->out->prefix, "_SUCCESS", name);
    generation = publish_old_find(&commit->old, name);
    if (generation == 0)
        return 0;
    return gcs_delete(commit->out->gcs, commit->out->bucket, name, generation, err) < 0 ? -1 : 0;
}

static int remove_old(struct gcs *gcs, void *context, size_t item, struct err *err)
{
    const struct commit *commit = context;
    const struct publish_old_object *old = &commit->old.objects[item];

    return gcs_delete(gcs, commit->out->bucket, old->name, old->generation, err) < 0 ? -1 : 0;
}

static bool is_old(void *context, const struct gcs_object *object)
{
    return publish_old_find(context, object->name) == object->generation;
}

/* What is not replaced; of jobs that were killed here their uploads, too. */
static int remove_all_old(struct commit *commit, struct err *err)
{
    struct publish_gs *out = commit->out;
    char prefix[PUBLISH_GS_NAME_BYTES];
    size_t failed;

    if (commit->old.count == 0)
        return 0;
    publish_gs_name(out->prefix, ".mrlua-", prefix);
    if (gcs_sweep(out->gcs, out->bucket, prefix, is_old, &commit->old, err) != 0)
        return -1;
    return gcs_crew_run(out->gcs, commit->old.count, remove_old, commit, &failed, err);
}

/* ---- a part ---- */

/* One part on its way to its name. */
struct finish {
    const struct commit *commit;
    struct gcs *gcs;
    const struct publish_part *part;
    char name[PUBLISH_GS_NAME_BYTES];
    struct publish_label label;
    uint64_t replaced; /* the generation that may be replaced; 0: none */
};

static int part_is_lost(const struct finish *finish, const char *why, struct err *err)
{
    return err_set(err, ERR_PEER, "gs://%s/%s, attempt %" PRIu64 ": %s",
                   finish->commit->out->bucket, finish->name, finish->part->attempt, why);
}

static bool is_this_part(const struct finish *finish, const struct gcs_object *object)
{
    const char *attempt = gcs_object_metadata(object, "mrlua-attempt");

    return publish_gs_is_ours(finish->commit->out, object) && attempt &&
           strcmp(attempt, finish->label.attempt) == 0 && object->size == finish->part->bytes &&
           object->has_crc32c && object->crc32c == finish->part->crc32c;
}

/*
 * What is at the part's name. 1: this part. 0: nothing, or what may be replaced. An object of this
 * job that is another attempt's has come from a commit that was taken for dead: it goes.
 */
static int look(struct finish *finish, struct err *err)
{
    const struct publish_gs *out = finish->commit->out;
    struct gcs_object object;
    int rc = gcs_stat(finish->gcs, out->bucket, finish->name, 0, &object, err);

    finish->replaced = 0;
    if (rc != 1)
        return rc;
    if (is_this_part(finish, &object))
        rc = 1;
    else if (publish_gs_is_ours(out, &object))
        rc =
            gcs_delete(finish->gcs, out->bucket, finish->name, object.generation, err) < 0 ? -1 : 0;
    else if (publish_old_find(&finish->commit->old, finish->name) != object.generation)
        rc = err_set(err, ERR_SETUP,
                     "gs://%s/%s was written by somebody else while the job ran: remove it, or "
                     "choose another folder",
                     out->bucket, finish->name);
    else {
        finish->replaced = object.generation;
        rc = 0;
    }
    gcs_object_deinit(&object);
    return rc;
}

static bool ticket_is_good(const struct finish *finish, const struct gcs_object *ticket,
                           struct slice tail)
{
    const char *bytes = gcs_object_metadata(ticket, PUBLISH_GS_BYTES_KEY);
    const char *crc = gcs_object_metadata(ticket, PUBLISH_GS_CRC_KEY);

    return bytes && crc && strcmp(bytes, finish->label.bytes) == 0 &&
           strcmp(crc, finish->label.crc) == 0 &&
           tail.len == finish->part->bytes - gcs_session_tail(finish->part->bytes);
}

/* 1: the part is there. 0: something is in the way. */
static int insert(struct finish *finish, struct slice text, struct err *err)
{
    const struct publish_gs *out = finish->commit->out;

    if (crc32c(0, text.ptr, text.len) != finish->part->crc32c)
        return part_is_lost(finish, "what was stored of it has another checksum", err);
    finish->label.put.condition = finish->replaced ? GCS_IF_GENERATION : GCS_IF_ABSENT;
    finish->label.put.generation = finish->replaced;
    return gcs_put_text(finish->gcs, out->bucket, finish->name, text, &finish->label.put, NULL,
                        err);
}

/* The same of a large one, whose session knows since it was opened what it may replace. */
static int send_tail(struct finish *finish, const char *uri, struct slice tail, struct err *err)
{
    struct gcs_session session = {.bucket = finish->commit->out->bucket,
                                  .object = finish->name,
                                  .uri = (char *)(uintptr_t)uri,
                                  .upload_id = finish->label.id,
                                  .size = finish->part->bytes,
                                  .crc32c = finish->part->crc32c};

    switch (gcs_session_finish_tail(finish->gcs, &session, tail, NULL, err)) {
    case GCS_WRITTEN:
        return 1;
    case GCS_LOST:
        return 0;
    case GCS_GONE:
        return part_is_lost(finish, "the store has dropped its upload", err);
    case GCS_FAILED:
        break;
    }
    return -1;
}

static int use_ticket(struct finish *finish, struct err *err)
{
    const struct publish_gs *out = finish->commit->out;
    char name[PUBLISH_GS_NAME_BYTES];
    struct gcs_object ticket;
    struct buf tail = {0};
    const char *uri;
    int rc;

    publish_gs_ticket_name(out, finish->part, name);
    rc = publish_gs_read(finish->gcs, out->bucket, name, GCS_CHUNK_UNIT_BYTES, &tail, &ticket, err);
    if (rc == 0)
        rc = part_is_lost(finish, "its ticket is gone", err);
    if (rc != 1)
        goto out;
    buf_string(&tail); /* so that an empty one is somewhere */
    uri = gcs_object_metadata(&ticket, GCS_SESSION_KEY);
    if (!ticket_is_good(finish, &ticket, buf_slice(&tail)))
        rc = part_is_lost(finish, "its ticket is another's", err);
    else
        rc = uri ? send_tail(finish, uri, buf_slice(&tail), err)
                 : insert(finish, buf_slice(&tail), err);
    gcs_object_deinit(&ticket);
out:
    buf_deinit(&tail);
    return rc;
}

static int finish_part(struct gcs *gcs, void *context, size_t item, struct err *err)
{
    const struct commit *commit = context;
    struct finish finish = {.commit = commit, .gcs = gcs, .part = &commit->parts[item]};
    int rc = 0;

    publish_gs_part_name(commit->out, finish.part, finish.name);
    publish_label_init(&finish.label, commit->out, finish.part);
    for (int i = 0; i < FINISH_TRIES && rc == 0; i++) {
        rc = look(&finish, err);
        if (rc == 0)
            rc = use_ticket(&finish, err);
    }
    if (rc == 0) /* its session may replace what is there no more: opened anew it can */
        return part_is_lost(&finish, "its upload was begun for another state of the output", err);
    return rc < 0 ? -1 : 0;
}

/* ---- the manifest, and the list of bad records ---- */

static void text_label(const struct publish_gs *out, const char *rest,
                       struct gcs_metadata *metadata, char *id, struct gcs_put *put)
{
    snprintf(id, GCS_UPLOAD_ID_BYTES_MAX, "%s.%s", out->job_id, rest);
    *metadata = (struct gcs_metadata){"mrlua-job", out->job_id};
    *put = (struct gcs_put){.condition = GCS_IF_ABSENT,
                            .content_type = "application/json",
                            .metadata = metadata,
                            .metadata_count = 1,
                            .upload_id = id};
}

/* 1: ours is there. 0: it is not. */
static int look_for(struct publish_gs *out, const char *rest, struct gcs_object *object,
                    struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES];
    int rc;

    publish_gs_name(out->prefix, rest, name);
    rc = gcs_stat(out->gcs, out->bucket, name, 0, object, err);
    if (rc == 1 && !publish_gs_is_ours(out, object)) {
        gcs_object_deinit(object);
        rc = 0;
    }
    return rc;
}

static int write_text(struct publish_gs *out, const char *rest, struct slice text, struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES], id[GCS_UPLOAD_ID_BYTES_MAX];
    struct gcs_metadata metadata;
    struct gcs_put put;
    struct gcs_object object;
    int rc;

    publish_gs_name(out->prefix, rest, name);
    text_label(out, rest, &metadata, id, &put);
    rc = gcs_put_text(out->gcs, out->bucket, name, text, &put, NULL, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    rc = look_for(out, rest, &object, err);
    if (rc == 1)
        gcs_object_deinit(&object);
    else if (rc == 0)
        err_set(err, ERR_SETUP, "gs://%s/%s was written by somebody else while the job ran",
                out->bucket, name);
    return rc == 1 ? 0 : -1;
}

/* ---- the whole ---- */

/* Tickets, with the sessions of those that lost; then the claim. */
static int clean(struct publish_gs *out, struct err *err)
{
    if (gcs_sweep(out->gcs, out->bucket, out->work, NULL, NULL, err) != 0)
        return -1;
    return publish_gs_drop_claim(out, err);
}

static int commit_all(struct commit *commit, struct slice manifest, uint32_t *lost, struct err *err)
{
    struct publish_gs *out = commit->out;
    size_t failed = 0;

    if (read_old(commit, err) != 0 || remove_old_success(commit, err) != 0)
        return -1;
    if (gcs_crew_run(out->gcs, commit->part_count, finish_part, commit, &failed, err) != 0) {
        *lost = (uint32_t)failed;
        return -1;
    }
    if (remove_all_old(commit, err) != 0)
        return -1;
    if (out->bad.len > 0 && write_text(out, PUBLISH_BAD_NAME, out->bad, err) != 0)
        return -1;
    return write_text(out, "_SUCCESS", manifest, err);
}

int publish_gs_commit(struct publish_gs *out, const struct publish_part *parts, size_t part_count,
                      struct slice manifest, uint32_t *lost, struct err *err)
{
    struct commit commit = {.out = out, .parts = parts, .part_count = part_count};
    struct gcs_object success;
    int rc = look_for(out, "_SUCCESS", &success, err);

    if (rc == 1)
        gcs_object_deinit(&success);
    else if (rc == 0)
        rc = commit_all(&commit, manifest, lost, err) == 0 ? 1 : -1;
    publish_old_deinit(&commit.old);
    return rc == 1 ? clean(out, err) : -1;
}

static bool wants_own(void *context, const struct gcs_object *object)
{
    return publish_gs_is_ours(context, object);
}

int publish_gs_abort(struct publish_gs *out, struct err *err)
{
    struct gcs_object success;
    int rc = look_for(out, "_SUCCESS", &success, err);

    if (rc == 1) { /* first: no reader may trust what goes next */
        rc = gcs_delete(out->gcs, out->bucket, success.name, success.generation, err);
        gcs_object_deinit(&success);
    }
    if (rc < 0 || gcs_sweep(out->gcs, out->bucket, out->prefix, wants_own, out, err) != 0)
        return -1;
    return clean(out, err);
}
