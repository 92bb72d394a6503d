#include "store/gcs_noted.h"

#include "store/gcs_sweep.h"

#include <stdio.h>
#include <string.h>

enum { NOTE_BYTES = 1200 };

static int write_note(struct gcs *gcs, const struct gcs_noted *noted, int number, const char *uri,
                      struct err *err)
{
    struct gcs_metadata metadata[GCS_METADATA_COUNT_MAX];
    struct gcs_put put = {.condition = GCS_IF_ABSENT, .metadata = metadata};
    char name[NOTE_BYTES];
    int rc;

    snprintf(name, sizeof name, "%s.open%d", noted->note, number);
    metadata[put.metadata_count++] = (struct gcs_metadata){GCS_SESSION_KEY, uri};
    for (size_t i = 0; i < noted->put->metadata_count; i++)
        metadata[put.metadata_count++] = noted->put->metadata[i];
    rc = gcs_put_text(gcs, noted->bucket, name, slice_of("", 0), &put, NULL, err);
    if (rc == 0)
        err_set(err, ERR_RETRY, "gs://%s/%s is there already: an attempt was run twice",
                noted->bucket, name);
    return rc == 1 ? 0 : -1;
}

static enum gcs_outcome begin(struct gcs *gcs, const struct gcs_noted *noted, int number,
                              struct gcs_session *session, struct err *err)
{
    enum gcs_outcome outcome = gcs_session_create(gcs, noted->bucket, noted->object, noted->bytes,
                                                  noted->crc32c, noted->put, session, err);
    struct err ignored;

    if (outcome != GCS_WRITTEN)
        return outcome;
    if (write_note(gcs, noted, number, session->uri, err) == 0)
        return GCS_WRITTEN;
    gcs_session_cancel(gcs, session, &ignored);
    return GCS_FAILED;
}

int gcs_noted_hold(struct gcs *gcs, const struct gcs_noted *noted, struct gcs_session *session,
                   struct err *err)
{
    enum gcs_outcome outcome = GCS_GONE;

    *session = (struct gcs_session){0};
    for (int number = 1; number <= GCS_NOTED_TRIES && outcome == GCS_GONE; number++) {
        gcs_session_deinit(session);
        *session = (struct gcs_session){0};
        outcome = begin(gcs, noted, number, session, err);
        if (outcome == GCS_WRITTEN)
            outcome = gcs_session_hold(gcs, session, noted->fd, err);
    }
    if (outcome == GCS_GONE)
        err_set(err, ERR_RETRY, "upload gs://%s/%s: the store dropped it %d times", noted->bucket,
                noted->object, GCS_NOTED_TRIES);
    if (outcome == GCS_LOST)
        err_set(err, ERR_RETRY, "upload gs://%s/%s: another object came there while it began",
                noted->bucket, noted->object);
    return outcome == GCS_WRITTEN ? 0 : -1;
}
