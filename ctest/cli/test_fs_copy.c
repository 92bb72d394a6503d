#include "cli/fs_copy.h"

#include "base/hash.h"
#include "folder.h"
#include "store/gcs_kit.h"
#include "store/gcs_read.h"
#include "store/http_headers.h"

#include <errno.h>

#define PART(range, body)                                                                          \
    "HTTP/1.1 206 Part\r\nContent-Length: @\r\nContent-Range: bytes " range "\r\n\r\n" body
#define OBJECT(name, crc)                                                                          \
    GCS_BODY("200 OK", "{\"name\":\"" name                                                         \
                       "\",\"size\":\"10\",\"generation\":\"7\",\"crc32c\":\"" crc "\"}")
#define NONE GCS_EMPTY("404 None")

/* One transfer against a script. */
struct world {
    struct folder folder;
    struct gcs_kit kit;
    struct err err;
    uint64_t bytes;
};

static int transfer(struct world *world, const struct gcs_answer *script, size_t count,
                    struct fs_transfer transfer)
{
    _Atomic uint64_t bytes = 0;
    struct fs_meter meter = {.bytes = &bytes};
    struct gcs *gcs;
    int rc;

    gcs_kit_start(&world->kit, script, count);
    gcs = gcs_kit_open(&world->kit);
    rc = fs_copy_one(gcs, &transfer, &meter, &world->err);
    world->bytes = bytes;
    assert_kit_done(&world->kit, (uint32_t)count);
    gcs_close(gcs);
    gcs_kit_stop(&world->kit);
    return rc;
}

/* The object gs://bkt/a of ten bytes into "x/a" of the folder. */
static int download(struct world *world, const struct gcs_answer *script, size_t count, bool keeps)
{
    return transfer(
        world, script, count,
        (struct fs_transfer){.from = "gs://bkt/a",
                             .to = (char *)(uintptr_t)folder_path(&world->folder, "x/a"),
                             .size = 10,
                             .generation = 7,
                             .keeps = keeps});
}

static void expect_file(struct world *world, const char *name, const char *text)
{
    char *found = folder_read(&world->folder, name);

    assert_string_equal(found, text);
    free(found);
}

static void an_object_is_written_beside_its_name_and_renamed(void **state)
{
    static const struct gcs_answer script[] = {
        {"generation=7", PART("0-9/10", "0123456789"), 0, 0}};
    struct world world;

    (void)state;
    folder_make(&world.folder);
    assert_int_equal(download(&world, script, 1, false), 1);
    assert_int_equal(world.bytes, 10);
    expect_file(&world, "x/a", "0123456789");
    assert_int_equal(folder_count(&world.folder), 2); /* the folder and the file */
    assert_int_equal(download(&world, NULL, 0, true), 0);
    folder_remove(&world.folder);
}

/* ---- copies that were interrupted ---- */

enum { STEP = GCS_RANGE_BYTES, ANSWERS_MAX = 2 * FS_PARALLEL_COUNT, TRUSTED_BYTES = 7 };

static char zeros[STEP];

/* An object of zeros: the window in which there may be holes, and a little before it. */
struct zero_object {
    uint64_t size;
    size_t answer_count; /* to the requests for all but the first seven bytes */
    char *wants[ANSWERS_MAX], *answers[ANSWERS_MAX], look[512];
    struct gcs_answer script[ANSWERS_MAX];
};

static void add_answer(struct zero_object *object, uint64_t at, uint64_t len)
{
    char *answer = calloc(1, STEP + 200), *wants = calloc(1, 64);
    unsigned long long first = at, last = at + len - 1, size = object->size;
    int head = snprintf(answer, 200, PART("%llu-%llu/%llu", ""), first, last, size);

    snprintf(wants, 64, "bytes=%llu-%llu", first, last);
    object->wants[object->answer_count] = wants;
    object->answers[object->answer_count] = answer;
    object->script[object->answer_count++] =
        (struct gcs_answer){wants, answer, (size_t)head + (size_t)len, 0};
}

static void make_object(struct zero_object *object, bool is_right)
{
    struct gcs_read_options options = {.parallel_count = FS_PARALLEL_COUNT};
    char sum[HTTP_CRC32C_BYTES];
    uint32_t crc = 0;
    uint64_t at, len;

    *object = (struct zero_object){.size = gcs_reader_window(&options) + TRUSTED_BYTES};
    for (at = 0; at < object->size; at += len) {
        len = object->size - at < STEP ? object->size - at : STEP;
        crc = crc32c(crc, zeros, (size_t)len);
    }
    for (at = TRUSTED_BYTES; at < object->size; at += len) {
        len = object->size - at < STEP ? object->size - at : STEP;
        add_answer(object, at, len);
    }
    http_crc32c_encode(is_right ? crc : crc + 1, sum);
    snprintf(object->look, sizeof object->look,
             GCS_BODY("200 OK", "{\"name\":\"a\",\"size\":\"%llu\",\"generation\":\"7\","
                                "\"crc32c\":\"%s\"}"),
             (unsigned long long)object->size, sum);
    object->script[object->answer_count] =
        (struct gcs_answer){"GET /storage/v1/b/bkt/o/a?fields", object->look, 0, 0};
}

static void free_object(struct zero_object *object)
{
    for (size_t i = 0; i < object->answer_count; i++) {
        free(object->wants[i]);
        free(object->answers[i]);
    }
}

/* The part has the whole size, with holes wherever they may be. */
static int go_on(struct world *world, bool is_right)
{
    struct fs_transfer what = {.from = "gs://bkt/a", .generation = 7};
    struct zero_object object;
    int rc;

    make_object(&object, is_right);
    folder_write(&world->folder, "x/.a.7.mrlua-part", zeros, TRUSTED_BYTES);
    assert_int_equal(truncate(folder_path(&world->folder, "x/.a.7.mrlua-part"), (off_t)object.size),
                     0);
    what.size = object.size;
    what.to = (char *)(uintptr_t)folder_path(&world->folder, "x/a");
    rc = transfer(world, object.script, object.answer_count + 1, what);
    free_object(&object);
    return rc;
}

static void an_interrupted_copy_goes_on_behind_what_is_surely_there(void **state)
{
    struct world world;

    (void)state;
    folder_make(&world.folder);
    folder_mkdir(&world.folder, "x");
    assert_int_equal(go_on(&world, true), 1);
    assert_true(folder_has(&world.folder, "x/a"));
    assert_int_equal(go_on(&world, false), -1);
    assert_non_null(strstr(world.err.message, "wrong checksum"));
    assert_false(folder_has(&world.folder, "x/.a.7.mrlua-part")); /* the next begins anew */
    folder_remove(&world.folder);
}

static void of_a_small_part_nothing_is_sure(void **state)
{
    static const struct gcs_answer script[] = {{"bytes=0-9", PART("0-9/10", "0123456789"), 0, 0}};
    struct world world;

    (void)state;
    folder_make(&world.folder);
    folder_mkdir(&world.folder, "x");
    folder_write(&world.folder, "x/.a.7.mrlua-part", "012xxx7", 7);
    assert_int_equal(download(&world, script, 1, false), 1);
    expect_file(&world, "x/a", "0123456789");
    folder_remove(&world.folder);
}

static void a_copy_that_fails_leaves_the_file_that_was_there(void **state)
{
    static const struct gcs_answer script[] = {{"generation=7", NONE, 0, 0}};
    struct world world;

    (void)state;
    folder_make(&world.folder);
    folder_mkdir(&world.folder, "x");
    folder_write(&world.folder, "x/a", "old", 3);
    assert_int_equal(download(&world, script, 1, false), -1);
    expect_file(&world, "x/a", "old");
    folder_remove(&world.folder);
}

static int upload(struct world *world, const struct gcs_answer *script, size_t count, bool keeps)
{
    return transfer(
        world, script, count,
        (struct fs_transfer){.from = (char *)(uintptr_t)folder_path(&world->folder, "f"),
                             .to = "gs://bkt/a",
                             .keeps = keeps});
}

static void a_file_is_uploaded_under_the_condition_of_what_is_there(void **state)
{
    static const struct gcs_answer fresh[] = {
        {"GET /storage/v1/b/bkt/o/a?", NONE, 0, 0},
        {"ifGenerationMatch=0", OBJECT("a", "KAwGng=="), 0, 0},
    };
    static const struct gcs_answer replaced[] = {
        {"GET /storage/v1/b/bkt/o/a?", OBJECT("a", "AAAAAA=="), 0, 0},
        {"ifGenerationMatch=7", OBJECT("a", "KAwGng=="), 0, 0},
    };
    static const struct gcs_answer lost[] = {
        {"GET /storage/v1/b/bkt/o/a?", OBJECT("a", "AAAAAA=="), 0, 0},
        {"ifGenerationMatch=7", GCS_EMPTY("412 No"), 0, 0},
    };
    static const struct gcs_answer kept[] = {
        {"GET /storage/v1/b/bkt/o/a?", OBJECT("a", "AAAAAA=="), 0, 0}};
    struct world world;

    (void)state;
    folder_make(&world.folder);
    folder_write(&world.folder, "f", "0123456789", 10);
    assert_int_equal(upload(&world, fresh, 2, false), 1);
    assert_int_equal(world.bytes, 10);
    assert_int_equal(upload(&world, replaced, 2, false), 1);
    assert_int_equal(upload(&world, lost, 2, false), -1);
    assert_string_equal(world.err.message,
                        "write gs://bkt/a: somebody else has written it meanwhile");
    assert_int_equal(upload(&world, kept, 1, true), 0);
    folder_remove(&world.folder);
}

static void an_object_is_copied_by_the_service(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o/b?", NONE, 0, 0},
        {"POST /storage/v1/b/bkt/o/a/rewriteTo/b/bkt/o/b?ifGenerationMatch=0&sourceGeneration=7",
         GCS_BODY("200 OK", "{\"done\":true,\"resource\":{\"name\":\"b\",\"size\":\"10\","
                            "\"generation\":\"8\"}}"),
         0, 0},
    };
    struct world world;

    (void)state;
    assert_int_equal(
        transfer(&world, script, 2,
                 (struct fs_transfer){
                     .from = "gs://bkt/a", .to = "gs://bkt/b", .size = 10, .generation = 7}),
        1);
    assert_int_equal(world.bytes, 10);
}

static void what_is_no_file_is_not_uploaded(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o/a?", NONE, 0, 0},
    };
    struct world world;

    (void)state;
    folder_make(&world.folder);
    folder_mkdir(&world.folder, "f");
    assert_int_equal(upload(&world, script, 1, false), -1);
    assert_non_null(strstr(world.err.message, "not a regular file"));
    folder_remove(&world.folder);
    folder_make(&world.folder);
    assert_int_equal(upload(&world, script, 1, false), -1);
    assert_non_null(strstr(world.err.message, strerror(ENOENT)));
    folder_remove(&world.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_written_beside_its_name_and_renamed),
        cmocka_unit_test(an_interrupted_copy_goes_on_behind_what_is_surely_there),
        cmocka_unit_test(of_a_small_part_nothing_is_sure),
        cmocka_unit_test(a_copy_that_fails_leaves_the_file_that_was_there),
        cmocka_unit_test(a_file_is_uploaded_under_the_condition_of_what_is_there),
        cmocka_unit_test(an_object_is_copied_by_the_service),
        cmocka_unit_test(what_is_no_file_is_not_uploaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
