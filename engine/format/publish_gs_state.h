/*
 * publish_gs_state: what the files of publish_gs.h share.
 *
 *     publish_gs.c           names, the claim, what an attempt leaves
 *     publish_gs_commit.c    the commit, and giving up
 */
#ifndef FORMAT_PUBLISH_GS_STATE_H
#define FORMAT_PUBLISH_GS_STATE_H

#include "format/publish_gs.h"

enum { PUBLISH_GS_NAME_BYTES = 1100 };

/* Custom metadata of tickets: of the whole part. */
#define PUBLISH_GS_BYTES_KEY "mrlua-bytes"
#define PUBLISH_GS_CRC_KEY   "mrlua-crc32c"

/* Names of objects; `name` has PUBLISH_GS_NAME_BYTES. */
void publish_gs_name(const char *folder, const char *rest, char *name);
void publish_gs_part_name(const struct publish_gs *out, const struct publish_part *part,
                          char *name);
void publish_gs_ticket_name(const struct publish_gs *out, const struct publish_part *part,
                            char *name);

/* Did this job write it? */
bool publish_gs_is_ours(const struct publish_gs *out, const struct gcs_object *object);

/* What an object of this job says about itself: a part, or a ticket. */
struct publish_label {
    char id[GCS_UPLOAD_ID_BYTES_MAX], task[16], attempt[32], bytes[32], crc[16];
    struct gcs_metadata metadata[6];
    struct gcs_put put;
};

/* The label points into itself: it is not to be copied. */
void publish_label_init(struct publish_label *label, const struct publish_gs *out,
                        const struct publish_part *part);

/* A small object, its bytes and its metadata, of one generation. 1: *object is set, to be released.
 * 0: it is not there. */
int publish_gs_read(struct gcs *gcs, const char *bucket, const char *name, size_t bytes_max,
                    struct buf *out, struct gcs_object *object, struct err *err);

/* If it is ours. */
int publish_gs_drop_claim(struct publish_gs *out, struct err *err);

#endif
