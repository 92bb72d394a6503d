#include "format/publish_gs_state.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/claim.h"
#include "format/publish_old.h"
#include "store/gcs_noted.h"
#include "store/gcs_sweep.h"
#include "store/uri.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_KEY     "mrlua-job" /* custom metadata of parts and tickets */
#define TASK_KEY    "mrlua-task"
#define ATTEMPT_KEY "mrlua-attempt"

enum {
    CLAIM_TRIES = 5, /* it may be taken and given up while we look */
    CLAIM_BYTES_MAX = 1024,
};

int publish_gs_init(struct publish_gs *out, const char *output, const char *job_id, bool overwrite,
                    struct err *err)
{
    struct uri uri;
    size_t len;

    *out = (struct publish_gs){.overwrite = overwrite};
    if (uri_parse(output, &uri, err) != 0)
        return err_prefix(err, "output %s", output);
    len = strlen(uri.object);
    while (len > 0 && uri.object[len - 1] == '/')
        len--;
    if (len == 0 || len > PUBLISH_GS_PREFIX_BYTES_MAX) {
        uri_deinit(&uri);
        return err_set(err, ERR_SETUP,
                       "output %s: name a folder in the bucket, of at most %d bytes", output,
                       PUBLISH_GS_PREFIX_BYTES_MAX);
    }
    out->bucket = mem_strdup(uri.bucket);
    out->prefix = mem_alloc(len + 2);
    snprintf(out->prefix, len + 2, "%.*s/", (int)len, uri.object);
    out->job_id = mem_strdup(job_id);
    out->work = mem_alloc(PUBLISH_GS_NAME_BYTES);
    snprintf(out->work, PUBLISH_GS_NAME_BYTES, "%s.mrlua-%s/", out->prefix, job_id);
    out->gcs = gcs_open();
    uri_deinit(&uri);
    return 0;
}

void publish_gs_deinit(struct publish_gs *out)
{
    gcs_close(out->gcs);
    free(out->bucket);
    free(out->prefix);
    free(out->work);
    free(out->job_id);
    *out = (struct publish_gs){0};
}

void publish_gs_part_name(const struct publish_gs *out, const struct publish_part *part, char *name)
{
    struct buf rest = {0};

    publish_part_name(&rest, part);
    publish_gs_name(out->prefix, buf_string(&rest), name);
    buf_deinit(&rest);
}

void publish_gs_ticket_name(const struct publish_gs *out, const struct publish_part *part,
                            char *name)
{
    struct buf rest = {0};

    publish_attempt_name(&rest, part);
    publish_gs_name(out->work, buf_string(&rest), name);
    buf_deinit(&rest);
}

void publish_gs_name(const char *folder, const char *rest, char *name)
{
    snprintf(name, PUBLISH_GS_NAME_BYTES, "%s%s", folder, rest);
}

int publish_gs_read(struct gcs *gcs, const char *bucket, const char *name, size_t bytes_max,
                    struct buf *out, struct gcs_object *object, struct err *err)
{
    int rc = gcs_stat(gcs, bucket, name, 0, object, err);

    if (rc == 1) {
        rc = gcs_get_text(gcs, bucket, name, object->generation, bytes_max, out, NULL, err);
        if (rc != 1)
            gcs_object_deinit(object);
    }
    return rc;
}

bool publish_gs_is_ours(const struct publish_gs *out, const struct gcs_object *object)
{
    const char *job = gcs_object_metadata(object, JOB_KEY);

    return job && strcmp(job, out->job_id) == 0;
}

static void label_add(struct publish_label *label, const char *key, const char *value)
{
    label->metadata[label->put.metadata_count++] = (struct gcs_metadata){key, value};
}

void publish_label_init(struct publish_label *label, const struct publish_gs *out,
                        const struct publish_part *part)
{
    struct buf name = {0};

    *label = (struct publish_label){.put = {.condition = GCS_IF_ABSENT}};
    label->put.metadata = label->metadata;
    label->put.upload_id = label->id;
    publish_attempt_name(&name, part);
    snprintf(label->id, sizeof label->id, "%s.%s", out->job_id, buf_string(&name));
    buf_deinit(&name);
    snprintf(label->task, sizeof label->task, "%" PRIu32, part->number);
    snprintf(label->attempt, sizeof label->attempt, "%" PRIu64, part->attempt);
    snprintf(label->bytes, sizeof label->bytes, "%" PRIu64, part->bytes);
    snprintf(label->crc, sizeof label->crc, "%08" PRIx32, part->crc32c);
    label_add(label, JOB_KEY, out->job_id);
    label_add(label, TASK_KEY, label->task);
    label_add(label, ATTEMPT_KEY, label->attempt);
}

/* ---- the claim ---- */

static int refuse_claim(const struct publish_gs *out, const struct claim *holder, struct err *err)
{
    if (claim_is_stale(holder))
        return err_set(err, ERR_SETUP,
                       "output gs://%s/%s: left by job %s, which was killed: choose another folder "
                       "or add --overwrite",
                       out->bucket, out->prefix, holder->job);
    return err_set(err, ERR_SETUP,
                   "output gs://%s/%s: job %s on %s is writing to it; if that is no more: mrlua fs "
                   "rm gs://%s/%s.mrlua-claim",
                   out->bucket, out->prefix, holder->job, holder->host, out->bucket, out->prefix);
}

/* The claim as it is: 1, and *generation. 0: there is none. */
static int read_claim(struct publish_gs *out, struct claim *claim, uint64_t *generation,
                      struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES];
    struct gcs_object object;
    struct buf text = {0};
    int rc;

    publish_gs_name(out->prefix, ".mrlua-claim", name);
    rc = publish_gs_read(out->gcs, out->bucket, name, CLAIM_BYTES_MAX, &text, &object, err);
    if (rc == 1) {
        claim_parse(buf_string(&text), claim);
        *generation = object.generation;
        gcs_object_deinit(&object);
    }
    buf_deinit(&text);
    return rc;
}

static int write_claim(struct publish_gs *out, const struct claim *mine, struct gcs_put *put,
                       struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES];
    struct buf text = {0};
    int rc;

    publish_gs_name(out->prefix, ".mrlua-claim", name);
    claim_print(mine, &text);
    put->content_type = "text/plain";
    rc = gcs_put_text(out->gcs, out->bucket, name, buf_slice(&text), put, NULL, err);
    buf_deinit(&text);
    return rc;
}

/* 1: it is ours. 0: it changed while we looked. */
static int try_claim(struct publish_gs *out, const struct claim *mine, struct err *err)
{
    struct gcs_put put = {.condition = GCS_IF_ABSENT};
    struct claim holder = {0};
    int rc = write_claim(out, mine, &put, err);

    if (rc != 0)
        return rc;
    rc = read_claim(out, &holder, &put.generation, err);
    if (rc != 1)
        return rc;
    if (strcmp(holder.job, mine->job) != 0 && !(out->overwrite && claim_is_stale(&holder)))
        return refuse_claim(out, &holder, err);
    put.condition = GCS_IF_GENERATION;
    return write_claim(out, mine, &put, err);
}

int publish_gs_drop_claim(struct publish_gs *out, struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES];
    struct claim holder = {0};
    uint64_t generation;
    int rc = read_claim(out, &holder, &generation, err);

    publish_gs_name(out->prefix, ".mrlua-claim", name);
    if (rc == 1 && strcmp(holder.job, out->job_id) == 0)
        rc = gcs_delete(out->gcs, out->bucket, name, generation, err);
    return rc < 0 ? -1 : 0;
}

/* What is there that is not ours, on its way into the list of what is replaced. */
struct found {
    const struct publish_gs *out;
    struct publish_old old;
};

static int note_found(void *context, const struct gcs_object *object, const char *prefix,
                      struct err *err)
{
    struct found *found = context;
    const struct publish_gs *out = found->out;
    const char *rest = object ? object->name + strlen(out->prefix) : "";

    (void)prefix;
    if (!object || strcmp(rest, ".mrlua-claim") == 0 ||
        strncmp(object->name, out->work, strlen(out->work)) == 0 || publish_gs_is_ours(out, object))
        return 0;
    if (!out->overwrite || !publish_is_job_name(rest)) {
        struct buf output = {0};

        buf_printf(&output, "gs://%s/%s", out->bucket, out->prefix);
        publish_refuse(buf_string(&output), rest, err);
        buf_deinit(&output);
        return -1;
    }
    publish_old_add(&found->old, object->name, object->generation);
    return 0;
}

/* The list is kept before anything is written, and is not changed when the job claims again. */
static int look_around(struct publish_gs *out, struct err *err)
{
    struct found found = {.out = out};
    struct gcs_listing listing = {.bucket = out->bucket, .prefix = out->prefix};
    struct gcs_put put = {.condition = GCS_IF_ABSENT, .content_type = "text/plain"};
    struct buf text = {0};
    char name[PUBLISH_GS_NAME_BYTES];
    int rc = gcs_list(out->gcs, &listing, note_found, &found, err);

    if (rc == 0 && out->overwrite) {
        publish_gs_name(out->work, "replaces", name);
        publish_old_print(&found.old, &text);
        rc = gcs_put_text(out->gcs, out->bucket, name, buf_slice(&text), &put, NULL, err);
    }
    buf_deinit(&text);
    publish_old_deinit(&found.old);
    return rc < 0 ? -1 : 0;
}

int publish_gs_claim(struct publish_gs *out, long holder, struct err *err)
{
    struct claim mine = {.pid = holder, .created = true};
    struct err ignored;
    int rc = 0;

    snprintf(mine.job, sizeof mine.job, "%s", out->job_id);
    for (int i = 0; i < CLAIM_TRIES && rc == 0; i++)
        rc = try_claim(out, &mine, err);
    if (rc == 0)
        err_set(err, ERR_RETRY, "claim gs://%s/%s: it is taken and left again and again",
                out->bucket, out->prefix);
    if (rc != 1)
        return -1;
    if (look_around(out, err) == 0)
        return 0;
    if (err->kind == ERR_SETUP)
        publish_gs_drop_claim(out, &ignored);
    return -1;
}

/* ---- what an attempt leaves ---- */

static int write_ticket(struct publish_gs *out, const struct publish_part *part,
                        const char *session, struct slice text, struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES];
    struct publish_label label;
    int rc;

    publish_label_init(&label, out, part);
    label_add(&label, PUBLISH_GS_BYTES_KEY, label.bytes);
    label_add(&label, PUBLISH_GS_CRC_KEY, label.crc);
    if (session)
        label_add(&label, GCS_SESSION_KEY, session);
    publish_gs_ticket_name(out, part, name);
    rc = gcs_put_text(out->gcs, out->bucket, name, text, &label.put, NULL, err);
    if (rc == 0)
        err_set(err, ERR_RETRY, "gs://%s/%s is there already: attempt %" PRIu64 " was run twice",
                out->bucket, name, part->attempt);
    return rc == 1 ? 0 : -1;
}

/* What stands at the part's name now; whether it may be replaced, the commit knows. */
static int set_condition(struct publish_gs *out, const char *name, struct gcs_put *put,
                         struct err *err)
{
    struct gcs_object old;
    int rc = out->overwrite ? gcs_stat(out->gcs, out->bucket, name, 0, &old, err) : 0;

    if (rc != 1)
        return rc;
    put->condition = GCS_IF_GENERATION;
    put->generation = old.generation;
    gcs_object_deinit(&old);
    return 0;
}

/* All but the tail of a large part. */
static int hold(struct publish_gs *out, const struct publish_part *part, int fd,
                struct gcs_session *session, struct err *err)
{
    char name[PUBLISH_GS_NAME_BYTES], note[PUBLISH_GS_NAME_BYTES];
    struct publish_label label;
    struct gcs_noted noted = {.bucket = out->bucket,
                              .object = name,
                              .note = note,
                              .fd = fd,
                              .bytes = part->bytes,
                              .crc32c = part->crc32c,
                              .put = &label.put};

    publish_gs_part_name(out, part, name);
    publish_gs_ticket_name(out, part, note);
    publish_label_init(&label, out, part);
    if (set_condition(out, name, &label.put, err) != 0)
        return -1;
    return gcs_noted_hold(out->gcs, &noted, session, err);
}

int publish_gs_keep(struct publish_gs *out, const struct publish_part *part, int fd,
                    struct err *err)
{
    uint64_t tail = gcs_session_tail(part->bytes);
    size_t len = (size_t)(part->bytes - tail);
    struct gcs_session session = {0};
    struct buf text = {0};
    char *to = buf_reserve(&text, len + 1);
    ssize_t count = io_pread(fd, to, len, tail, "the part", ERR_DISK, err);
    int rc = -1;

    if (count >= 0 && (size_t)count < len)
        err_set(err, ERR_DISK, "read the part: it is shorter than it was");
    if (count < 0 || (size_t)count < len)
        goto out;
    if (tail > 0 && hold(out, part, fd, &session, err) != 0)
        goto out;
    rc = write_ticket(out, part, session.uri, slice_of(to, len), err);
out:
    gcs_session_deinit(&session);
    buf_deinit(&text);
    return rc;
}
