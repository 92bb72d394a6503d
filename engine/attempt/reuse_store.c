#include "attempt/reuse_store.h"

#include "attempt/keep.h"
#include "attempt/reuse_done.h"
#include "attempt/run_of.h"
#include "base/clock.h"
#include "base/io.h"
#include "rpc/conn.h"
#include "rpc/message.h"
#include "store/cache_note.h"
#include "store/gcs_read.h"
#include "store/uri.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static_assert(REUSE_STORE_MAP_COUNT_MAX * REUSE_STORE_TOLD_BYTES_MAX * REUSE_STORE_SLOTS <=
                  CONN_OUTPUT_BYTES_MAX,
              "the reduces of a worker with many slots do not make a master drop it");

#define RUN_BYTES_KEY "mrlua-run-bytes"

enum { MOMENT_BYTES = 32, NUMBER_BYTES = 24 };

/* One object and a client. */
struct kept {
    const struct reuse *reuse;
    struct gcs *gcs;
    struct uri store;
    struct buf name;
};

static int kept_init(struct kept *kept, const struct reuse *reuse, struct err *err)
{
    *kept = (struct kept){.reuse = reuse};
    if (uri_parse(reuse->start->reuse->store, &kept->store, err) != 0)
        return -1;
    kept->gcs = gcs_open();
    reuse_store_name(kept->store.object, &reuse->id, &kept->name);
    return 0;
}

static void kept_deinit(struct kept *kept)
{
    gcs_close(kept->gcs);
    uri_deinit(&kept->store);
    buf_deinit(&kept->name);
}

void reuse_store_name(const char *prefix, const struct run_id *id, struct buf *out)
{
    struct reuse_key key = reuse_key_of_id(id);
    char text[REUSE_KEY_TEXT_BYTES];

    reuse_key_print(&key, text);
    buf_clear(out);
    buf_printf(out, "%s%s", prefix, text);
    buf_string(out);
}

bool reuse_store_is_name(const char *name)
{
    size_t len = strspn(name, "0123456789abcdef");

    return len == REUSE_KEY_TEXT_BYTES - 1 && name[len] == '\0';
}

bool reuse_store_is_before(const char *updated, int64_t since_s)
{
    time_t since = (time_t)since_s;
    char text[MOMENT_BYTES];
    struct tm moment;

    if (!gmtime_r(&since, &moment))
        return true;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &moment);
    return strcmp(updated, text) < 0; /* digits at the same places, so in their order */
}

static bool is_old(const struct gcs_object *object)
{
    int64_t now_s = (int64_t)(clock_realtime_ns() / NS_PER_S);

    return reuse_store_is_before(object->updated, now_s - REUSE_STORE_AGE_S);
}

/* ---- finding ---- */

static int bad(const struct kept *kept, const char *why, struct err *err)
{
    return err_set(err, ERR_RETRY, "the kept run gs://%s/%s is damaged (%s): it is made again",
                   kept->store.bucket, kept->name.ptr, why);
}

/* How many of the object's bytes are the run. 0: it does not say so. */
static uint64_t run_bytes_of(const struct gcs_object *object)
{
    const char *text = gcs_object_metadata(object, RUN_BYTES_KEY);
    char *end = NULL;
    uint64_t bytes;

    if (!text)
        return 0;
    errno = 0;
    bytes = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || bytes >= object->size ||
        object->size - bytes > CACHE_NOTE_HEAD_BYTES + CACHE_NOTE_BYTES_MAX)
        return 0;
    return bytes;
}

/* The note's text. 1, 0: the object is gone by now, or -1. */
static int read_note(const struct kept *kept, const struct gcs_object *object, uint64_t run_bytes,
                     struct buf *text, struct err *err)
{
    struct gcs_span span = {.bucket = kept->store.bucket,
                            .object = kept->name.ptr,
                            .generation = object->generation,
                            .offset = run_bytes,
                            .length = object->size - run_bytes,
                            .sure_bytes = object->size - run_bytes,
                            .size = object->size};
    struct buf bytes = {0};
    int rc = gcs_read_range(kept->gcs, &span, buf_reserve(&bytes, span.length), err);

    bytes.len = span.length;
    if (rc != 0)
        rc = err->kind == ERR_INPUT ? 0 : -1;
    else if (cache_note_decode(buf_slice(&bytes), text))
        rc = 1;
    else
        rc = bad(kept, "its note's checksum is wrong", err);
    buf_deinit(&bytes);
    return rc;
}

/* Is the answer one for this run? */
static bool is_answer(const struct kept *kept, const Mrlua__Done *done, uint64_t run_bytes)
{
    struct run_id id;

    if (!done->digest || !done->run || done->bytes != run_bytes)
        return false;
    id = run_of(done->run, 0, 0, 0);
    return run_is_of(&id, &kept->reuse->id);
}

static int take(const struct kept *kept, const struct gcs_object *object, struct buf *out,
                struct err *err)
{
    uint64_t run_bytes = run_bytes_of(object);
    struct reuse_place place = {.id = &kept->reuse->id,
                                .path = "",
                                .was_reused = true,
                                .generation = object->generation,
                                .note_bytes = (uint32_t)(object->size - run_bytes)};
    struct buf text = {0};
    Mrlua__Done *done = NULL;
    int rc = run_bytes == 0 ? bad(kept, "it does not say where its note is", err)
                            : read_note(kept, object, run_bytes, &text, err);

    if (rc != 1)
        goto out;
    done = message_unpack(&mrlua__done__descriptor, buf_slice(&text), err);
    if (!done || !is_answer(kept, done, run_bytes))
        rc = bad(kept, "its note is that of another", err);
    else
        reuse_done_pack(done, &place, out);
out:
    message_free(done);
    buf_deinit(&text);
    return rc;
}

static bool may_be_taken(const struct reuse *reuse, const struct gcs_object *object)
{
    return object->generation != reuse->start->reuse->lost && !is_old(object);
}

int reuse_store_find(struct reuse *reuse, struct buf *done, struct err *err)
{
    struct gcs_object object;
    struct kept kept;
    int rc;

    if (kept_init(&kept, reuse, err) != 0)
        return -1;
    rc = gcs_stat(kept.gcs, kept.store.bucket, kept.name.ptr, 0, &object, err);
    if (rc != 1)
        goto out;
    reuse->replaces = object.generation;
    rc = may_be_taken(reuse, &object) ? take(&kept, &object, done, err) : 0;
    gcs_object_deinit(&object);
out:
    kept_deinit(&kept);
    return rc;
}

/* ---- keeping ---- */

/* Behind the run, where nobody looks who is told its size. Its length, or -1. */
static int append_note(const struct reuse *reuse, int fd, const Mrlua__Done *done, struct err *err)
{
    struct reuse_place place = {.id = &reuse->id, .path = ""};
    struct buf text = {0}, note = {0};
    int rc = -1;

    reuse_done_pack(done, &place, &text);
    cache_note_encode(&note, buf_slice(&text));
    if (text.len > CACHE_NOTE_BYTES_MAX)
        err_set(err, ERR_LIMIT, "a note of %zu bytes, more than %d", text.len,
                CACHE_NOTE_BYTES_MAX);
    else if (io_pwrite(fd, note.ptr, note.len, done->bytes, "the note of a run", err) == 0)
        rc = (int)note.len;
    buf_deinit(&text);
    buf_deinit(&note);
    return rc;
}

/* 1, 0: another's is there, or -1. */
static int upload(const struct kept *kept, int fd, const Mrlua__Done *done, int note_bytes,
                  struct gcs_object *out, struct err *err)
{
    const struct reuse *reuse = kept->reuse;
    char run_bytes[NUMBER_BYTES];
    struct gcs_metadata metadata = {RUN_BYTES_KEY, run_bytes};
    struct gcs_put put = {.condition = reuse->replaces ? GCS_IF_GENERATION : GCS_IF_ABSENT,
                          .generation = reuse->replaces,
                          .metadata = &metadata,
                          .metadata_count = 1};
    struct keep_upload upload = {.gcs = kept->gcs,
                                 .bucket = kept->store.bucket,
                                 .object = kept->name.ptr,
                                 .fd = fd,
                                 .bytes = done->bytes + (uint64_t)note_bytes,
                                 .put = &put};
    struct buf note = {0};
    struct uri prefix;
    enum gcs_outcome outcome;

    if (uri_parse(reuse->start->shuffle, &prefix, err) != 0)
        return -1;
    snprintf(run_bytes, sizeof run_bytes, "%" PRIu64, done->bytes);
    keep_run_name(prefix.object, reuse->start->task, reuse->start->attempt, &note);
    buf_printf(&note, ".kept");
    upload.note = buf_string(&note);
    outcome = keep_upload(&upload, out, err);
    buf_deinit(&note);
    uri_deinit(&prefix);
    return outcome == GCS_WRITTEN ? 1 : outcome == GCS_LOST ? 0 : -1;
}

static int keep(const struct reuse *reuse, int fd, const Mrlua__Done *done,
                struct reuse_place *place, struct err *err)
{
    int note_bytes = append_note(reuse, fd, done, err), rc;
    struct gcs_object object;
    struct kept kept;

    if (note_bytes < 0 || kept_init(&kept, reuse, err) != 0)
        return -1;
    rc = upload(&kept, fd, done, note_bytes, &object, err);
    if (rc == 1) {
        place->generation = object.generation;
        place->note_bytes = (uint32_t)note_bytes;
        gcs_object_deinit(&object);
    }
    kept_deinit(&kept);
    return rc;
}

int reuse_store_keep(const struct reuse *reuse, int fd, struct buf *done, struct err *err)
{
    Mrlua__Done *message = message_unpack(&mrlua__done__descriptor, buf_slice(done), err);
    struct reuse_place place = {.id = &reuse->id, .path = ""};
    int rc;

    if (!message)
        return -1;
    rc = keep(reuse, fd, message, &place, err);
    if (rc == 1) {
        buf_clear(done);
        reuse_done_pack(message, &place, done);
    }
    message_free(message);
    return rc;
}
