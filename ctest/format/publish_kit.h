/*
 * publish_kit: an output on gs://bkt/out, and what attempts leave there.
 *
 *     publish_kit_keep(&kit, partition, attempt, bytes);     a part of so many bytes
 *     publish_kit_commit(&kit, &lost, &err);                 of the parts that were kept last
 */
#ifndef CTEST_FORMAT_PUBLISH_KIT_H
#define CTEST_FORMAT_PUBLISH_KIT_H

#include "base/hash.h"
#include "format/publish_gs.h"
#include "store/gcs_server.h"
#include "store/gcs_sweep.h"

#include <fcntl.h>

enum { PUBLISH_KIT_PARTS_MAX = 64, PUBLISH_KIT_SMALL = 1000, PUBLISH_KIT_LARGE = 700000 };

struct publish_kit {
    struct gcs_server server;
    struct publish_gs out;
    struct publish_part parts[PUBLISH_KIT_PARTS_MAX];
    size_t part_count;
    const char *output, *suffix; /* of what is kept from now on; NULL: the main output, none */
};

static inline void publish_kit_open(struct publish_kit *kit, const char *job_id, bool overwrite)
{
    struct err err;

    kit->output = kit->suffix = NULL;
    publish_gs_deinit(&kit->out);
    if (publish_gs_init(&kit->out, "gs://bkt/out/", job_id, overwrite, &err) != 0)
        fail_msg("%s", err.message);
}

static inline void publish_kit_claim(struct publish_kit *kit)
{
    struct err err = {0};

    kit->part_count = 0;
    if (publish_gs_claim(&kit->out, (long)getpid(), &err) != 0)
        fail_msg("%s", err.message);
}

/* The bytes of a part: others for each attempt. */
static inline char *publish_kit_bytes(uint32_t partition, uint64_t attempt, size_t len)
{
    static char bytes[PUBLISH_KIT_LARGE];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7 + partition + attempt * 3 + i / 999);
    return bytes;
}

static inline void publish_kit_keep(struct publish_kit *kit, uint32_t partition, uint64_t attempt,
                                    size_t len)
{
    const char *bytes = publish_kit_bytes(partition, attempt, len);
    struct publish_part part = {.output = kit->output,
                                .suffix = kit->suffix,
                                .number = partition,
                                .attempt = attempt,
                                .bytes = len,
                                .crc32c = crc32c(0, bytes, len)};
    struct err err = {0};
    int fd;

    folder_write(&kit->server.folder, "part", bytes, len);
    fd = open(folder_path(&kit->server.folder, "part"), O_RDONLY | O_CLOEXEC);
    if (publish_gs_keep(&kit->out, &part, fd, &err) != 0)
        fail_msg("%s", err.message);
    close(fd);
    kit->parts[partition] = part;
    if (kit->part_count <= partition)
        kit->part_count = partition + 1;
}

static inline int publish_kit_commit(struct publish_kit *kit, uint32_t *lost, struct err *err)
{
    return publish_gs_commit(&kit->out, kit->parts, kit->part_count, slice_of_string("{}\n"), lost,
                             err);
}

static inline void publish_kit_must_commit(struct publish_kit *kit)
{
    uint32_t lost = 0;
    struct err err = {0};

    if (publish_kit_commit(kit, &lost, &err) != 0)
        fail_msg("%s", err.message);
}

/* Each part is the one that was kept, byte for byte by its checksum. */
static inline void publish_kit_check(struct publish_kit *kit)
{
    for (uint32_t i = 0; i < kit->part_count; i++) {
        struct buf name = {0};
        struct gcs_object object;
        struct err err;

        buf_append_string(&name, "out/");
        publish_part_name(&name, &kit->parts[i]);
        assert_int_equal(gcs_stat(kit->out.gcs, "bkt", buf_string(&name), 0, &object, &err), 1);
        buf_deinit(&name);
        assert_int_equal(object.size, kit->parts[i].bytes);
        assert_int_equal(object.crc32c, kit->parts[i].crc32c);
        gcs_object_deinit(&object);
    }
    assert_false(gcs_server_has_open_session(&kit->server));
}

static inline void publish_kit_put(struct publish_kit *kit, const char *name)
{
    struct gcs_put put = {0};
    struct err err;

    assert_int_equal(
        gcs_put_text(kit->out.gcs, "bkt", name, slice_of_string("old"), &put, NULL, &err), 1);
}

static inline void publish_kit_empty(struct publish_kit *kit)
{
    struct err err;

    gcs_close(kit->out.gcs);
    kit->out.gcs = gcs_open();
    assert_int_equal(gcs_sweep_uri("gs://bkt/", &err), 0);
}

#endif
