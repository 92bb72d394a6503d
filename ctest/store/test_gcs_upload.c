#include "store/gcs_upload.h"

#include "base/hash.h"
#include "folder.h"
#include "store/gcs_kit.h"
#include "store/http_headers.h"

/* An object resource of `size` bytes that "me" has written. */
#define OURS                                                                                       \
    "{\"name\":\"o\",\"size\":\"600000\",\"generation\":\"9\",\"crc32c\":\"@@@@@@@@\","            \
    "\"metadata\":{\"mrlua-upload\":\"me\"}}"
#define THEIRS                                                                                     \
    "{\"name\":\"o\",\"size\":\"600000\",\"generation\":\"9\",\"crc32c\":\"AAAAAA==\","            \
    "\"metadata\":{\"mrlua-upload\":\"you\"}}"
#define STORED(last) "HTTP/1.1 308 Resume\r\nContent-Length: 0\r\nRange: bytes=0-" last "\r\n\r\n"
#define NOTHING      GCS_EMPTY("308 Resume")

enum { SIZE = 600000, TAIL_AT = 524288 };

/* The file that is written, and a session of it with nothing stored. */
struct world {
    struct folder folder;
    struct gcs_kit kit;
    struct gcs *gcs;
    int fd;
    uint32_t crc32c;
    struct gcs_session session;
};

static const struct gcs_put PUT = {.condition = GCS_IF_ABSENT, .upload_id = "me"};

/* `answers` may hold the text of OURS: its checksum is put in. */
static void begin_world(struct world *world, const struct gcs_answer *answers, size_t count)
{
    static struct gcs_answer script[GCS_KIT_ANSWERS_MAX];
    static char texts[GCS_KIT_ANSWERS_MAX][1024], bytes[SIZE];
    char host[64], sum[HTTP_CRC32C_BYTES];

    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 1000);
    world->crc32c = crc32c(0, bytes, SIZE);
    http_crc32c_encode(world->crc32c, sum);
    for (size_t i = 0; i < count; i++) {
        char *mark;

        script[i] = answers[i];
        snprintf(texts[i], sizeof texts[i], "%s", answers[i].answer);
        mark = strstr(texts[i], "@@@@@@@@");
        if (mark)
            memcpy(mark, sum, 8);
        script[i].answer = texts[i];
    }
    gcs_kit_start(&world->kit, script, count);
    world->gcs = gcs_kit_open(&world->kit);
    folder_make(&world->folder);
    folder_write(&world->folder, "f", bytes, SIZE);
    world->fd = open(folder_path(&world->folder, "f"), O_RDONLY);
    snprintf(host, sizeof host, "http://127.0.0.1:%d/session", world->kit.port);
    world->session = (struct gcs_session){.bucket = strdup("bkt"),
                                          .object = strdup("o"),
                                          .uri = strdup(host),
                                          .upload_id = strdup("me"),
                                          .size = SIZE,
                                          .crc32c = world->crc32c,
                                          .is_known = true};
}

static void end_world(struct world *world)
{
    gcs_session_deinit(&world->session);
    close(world->fd);
    folder_remove(&world->folder);
    gcs_close(world->gcs);
    gcs_kit_stop(&world->kit);
}

static void a_session_is_created_with_its_condition_size_checksum_and_id(void **state)
{
    static const struct gcs_answer script[] = {
        {"POST /upload/storage/v1/b/bkt/o?uploadType=resumable",
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLocation: http://h/s?id=1\r\n\r\n", 0, 0},
        {"POST /upload/", GCS_EMPTY("412 No"), 0, 0},
        {"POST /upload/", GCS_EMPTY("200 OK"), 0, 0},
    };
    struct gcs_session session;
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 3);
    assert_int_equal(
        gcs_session_create(world.gcs, "bkt", "a/o", SIZE, world.crc32c, &PUT, &session, &err),
        GCS_WRITTEN);
    assert_string_equal(session.uri, "http://h/s?id=1");
    assert_string_equal(session.upload_id, "me");
    assert_asked(&world.kit, 0, "ifGenerationMatch=0");
    assert_asked(&world.kit, 0, "X-Upload-Content-Length: 600000\r\n");
    assert_asked(&world.kit, 0, "\"name\":\"a/o\"");
    assert_asked(&world.kit, 0, "\"crc32c\":\"");
    assert_asked(&world.kit, 0, "\"mrlua-upload\":\"me\"");
    gcs_session_deinit(&session);
    assert_int_equal(gcs_session_create(world.gcs, "bkt", "o", 1, 2, &PUT, &session, &err),
                     GCS_LOST);
    assert_int_equal(gcs_session_create(world.gcs, "bkt", "o", 1, 2, &PUT, &session, &err),
                     GCS_FAILED);
    assert_string_equal(err.message, "upload gs://bkt/o: the service names no session");
    assert_kit_done(&world.kit, 3);
    end_world(&world);
}

static void the_tail_begins_at_the_last_unit_before_the_end(void **state)
{
    (void)state;
    assert_int_equal(gcs_session_tail(0), 0);
    assert_int_equal(gcs_session_tail(1), 0);
    assert_int_equal(gcs_session_tail(GCS_CHUNK_UNIT_BYTES), 0);
    assert_int_equal(gcs_session_tail(GCS_CHUNK_UNIT_BYTES + 1), GCS_CHUNK_UNIT_BYTES);
    assert_int_equal(gcs_session_tail(SIZE), TAIL_AT);
}

static void all_but_the_tail_is_held_and_then_it_is_finished(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes 0-524287/600000", STORED("524287"), 0, 0},
        {"bytes 524288-599999/600000", GCS_BODY("200 OK", OURS), 0, 0},
    };
    struct gcs_object object;
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 2);
    assert_int_equal(gcs_session_hold(world.gcs, &world.session, world.fd, &err), GCS_WRITTEN);
    assert_int_equal(world.session.stored, TAIL_AT);
    assert_int_equal(gcs_session_finish(world.gcs, &world.session, world.fd, &object, &err),
                     GCS_WRITTEN);
    assert_int_equal(object.generation, 9);
    assert_kit_done(&world.kit, 2);
    gcs_object_deinit(&object);
    end_world(&world);
}

/* What the server has may be less than what was sent, and nothing at all. */
static void it_goes_on_from_what_the_server_has(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes 0-524287/600000", STORED("262143"), 0, 0},
        {"bytes 262144-524287/600000", GCS_EMPTY("503 Busy"), 0, 0},
        {"bytes */600000", NOTHING, 0, 0},
        {"bytes 0-524287/600000", STORED("524287"), 0, 0},
    };
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 4);
    assert_int_equal(gcs_session_hold(world.gcs, &world.session, world.fd, &err), GCS_WRITTEN);
    assert_kit_done(&world.kit, 4);
    end_world(&world);
}

static void another_process_asks_first_how_far_it_is(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes */600000", STORED("524287"), 0, 0},
        {"bytes 524288-599999/600000", GCS_BODY("200 OK", OURS), 0, 0},
    };
    char tail[SIZE - TAIL_AT];
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 2);
    world.session.is_known = false;
    assert_int_equal(pread(world.fd, tail, sizeof tail, TAIL_AT), sizeof tail);
    assert_int_equal(
        gcs_session_finish_tail(world.gcs, &world.session, slice_of(tail, sizeof tail), NULL, &err),
        GCS_WRITTEN);
    assert_kit_done(&world.kit, 2);
    end_world(&world);
}

static void a_tail_cannot_make_up_for_what_the_server_lost(void **state)
{
    static const struct gcs_answer script[] = {{"bytes */600000", STORED("262143"), 0, 0}};
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 1);
    world.session.is_known = false;
    assert_int_equal(
        gcs_session_finish_tail(world.gcs, &world.session, slice_of("x", 1), NULL, &err), GCS_GONE);
    assert_kit_done(&world.kit, 1);
    end_world(&world);
}

/* The answer to the last piece is lost; what then is the outcome, by what is seen afterwards. */
static void check_lost_answer(const char *question, const char *look, enum gcs_outcome outcome)
{
    const struct gcs_answer script[] = {
        {"bytes 524288-599999/600000", "", 0, GCS_CLOSE},
        {"bytes */600000", question, 0, 0},
        {"GET /storage/v1/b/bkt/o/o?", look, 0, 0},
    };
    struct world world;
    struct err err;

    begin_world(&world, script, 3);
    world.session.stored = TAIL_AT;
    assert_int_equal(gcs_session_finish(world.gcs, &world.session, world.fd, NULL, &err), outcome);
    assert_kit_done(&world.kit, 3);
    end_world(&world);
}

static void a_lost_answer_is_resolved_by_the_objects_metadata(void **state)
{
    (void)state;
    check_lost_answer(GCS_BODY("200 OK", OURS), GCS_BODY("200 OK", OURS), GCS_WRITTEN);
    /* A 200 to the question is no proof. */
    check_lost_answer(GCS_BODY("200 OK", OURS), GCS_BODY("200 OK", THEIRS), GCS_LOST);
    check_lost_answer(GCS_EMPTY("410 Gone"), GCS_BODY("200 OK", OURS), GCS_WRITTEN);
    check_lost_answer(GCS_EMPTY("410 Gone"), GCS_EMPTY("404 None"), GCS_GONE);
    check_lost_answer(GCS_EMPTY("404 None"), GCS_BODY("200 OK", THEIRS), GCS_GONE);
    check_lost_answer(GCS_EMPTY("412 No"), GCS_BODY("200 OK", OURS), GCS_WRITTEN);
    check_lost_answer(GCS_EMPTY("412 No"), GCS_BODY("200 OK", THEIRS), GCS_LOST);
}

static void a_412_without_a_lost_answer_is_a_lost_race(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes 524288-599999/600000", GCS_EMPTY("412 No"), 0, 0}};
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 1);
    world.session.stored = TAIL_AT;
    assert_int_equal(gcs_session_finish(world.gcs, &world.session, world.fd, NULL, &err), GCS_LOST);
    assert_kit_done(&world.kit, 1);
    end_world(&world);
}

static void a_session_with_damaged_bytes_is_gone(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes 524288-599999/600000",
         GCS_BODY("400 Bad", "{\"error\":{\"message\":\"Provided CRC32C \\\"a\\\" "
                             "doesn't match calculated CRC32C \\\"b\\\".\"}}"),
         0, 0},
        {"bytes 524288-599999/600000", GCS_EMPTY("400 Bad"), 0, 0},
    };
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 2);
    world.session.stored = TAIL_AT;
    assert_int_equal(gcs_session_finish(world.gcs, &world.session, world.fd, NULL, &err), GCS_GONE);
    assert_int_equal(gcs_session_finish(world.gcs, &world.session, world.fd, NULL, &err),
                     GCS_FAILED);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_kit_done(&world.kit, 2);
    end_world(&world);
}

static void an_object_that_is_stored_wrong_is_deleted_and_told(void **state)
{
    static const struct gcs_answer script[] = {
        {"bytes 524288-599999/600000",
         GCS_BODY("200 OK", "{\"name\":\"o\",\"size\":\"600000\",\"generation\":\"9\","
                            "\"crc32c\":\"AAAAAA==\",\"metadata\":{\"mrlua-upload\":\"me\"}}"),
         0, 0},
        {"DELETE /storage/v1/b/bkt/o/o?ifGenerationMatch=9", GCS_EMPTY("204 No"), 0, 0},
    };
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 2);
    world.session.stored = TAIL_AT;
    assert_int_equal(gcs_session_finish(world.gcs, &world.session, world.fd, NULL, &err),
                     GCS_FAILED);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_non_null(
        strstr(err.message, "the service has stored 600000 bytes with CRC32C 00000000"));
    assert_kit_done(&world.kit, 2);
    end_world(&world);
}

static void a_session_is_ended_by_499_and_one_that_is_gone_is_ended(void **state)
{
    static const struct gcs_answer script[] = {
        {"DELETE /session", GCS_EMPTY("499 Client Closed"), 0, 0},
        {"DELETE /session", GCS_EMPTY("404 None"), 0, 0},
        {"DELETE /session", GCS_EMPTY("403 Forbidden"), 0, 0},
    };
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 3);
    assert_int_equal(gcs_session_cancel(world.gcs, &world.session, &err), 0);
    assert_int_equal(gcs_session_cancel(world.gcs, &world.session, &err), 0);
    assert_int_equal(gcs_session_cancel(world.gcs, &world.session, &err), -1);
    assert_null(strstr(err.message, "/session")); /* it is a secret */
    assert_kit_done(&world.kit, 3);
    end_world(&world);
}

static void a_small_file_goes_in_one_request_and_a_stream_in_a_session(void **state)
{
    static const struct gcs_answer script[] = {
        {"POST /upload/storage/v1/b/bkt/o?uploadType=multipart", GCS_BODY("200 OK", OURS), 0, 0},
    };
    struct gcs_object object;
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, script, 1);
    assert_int_equal(gcs_upload(world.gcs, "bkt", "o", world.fd, SIZE, NULL, &PUT, &object, &err),
                     GCS_WRITTEN);
    assert_int_equal(object.size, SIZE);
    assert_kit_done(&world.kit, 1);
    gcs_object_deinit(&object);
    end_world(&world);
}

static void a_stream_ends_with_its_size(void **state)
{
    char location[128];
    struct gcs_answer script[] = {
        {"POST /upload/", location, 0, 0},
        {"bytes 0-599999/600000", GCS_BODY("200 OK", OURS), 0, 0},
    };
    struct world world;
    struct gcs_kit probe;
    struct err err;

    (void)state;
    /* The session's address has a port that is not known before the server runs: two of them. */
    gcs_kit_start(&probe, script + 1, 1);
    gcs_kit_stop(&probe);
    begin_world(&world, script + 1, 1);
    snprintf(location, sizeof location,
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:%d/s\r\n\r\n",
             world.kit.port);
    gcs_close(world.gcs);
    gcs_kit_start(&probe, script, 1);
    world.gcs = gcs_kit_open(&probe);
    assert_int_equal(gcs_upload_stream(world.gcs, "bkt", "o", world.fd, &PUT, NULL, &err),
                     GCS_WRITTEN);
    assert_kit_done(&probe, 1);
    assert_kit_done(&world.kit, 1);
    gcs_kit_stop(&probe);
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_created_with_its_condition_size_checksum_and_id),
        cmocka_unit_test(the_tail_begins_at_the_last_unit_before_the_end),
        cmocka_unit_test(all_but_the_tail_is_held_and_then_it_is_finished),
        cmocka_unit_test(it_goes_on_from_what_the_server_has),
        cmocka_unit_test(another_process_asks_first_how_far_it_is),
        cmocka_unit_test(a_tail_cannot_make_up_for_what_the_server_lost),
        cmocka_unit_test(a_lost_answer_is_resolved_by_the_objects_metadata),
        cmocka_unit_test(a_412_without_a_lost_answer_is_a_lost_race),
        cmocka_unit_test(a_session_with_damaged_bytes_is_gone),
        cmocka_unit_test(an_object_that_is_stored_wrong_is_deleted_and_told),
        cmocka_unit_test(a_session_is_ended_by_499_and_one_that_is_gone_is_ended),
        cmocka_unit_test(a_small_file_goes_in_one_request_and_a_stream_in_a_session),
        cmocka_unit_test(a_stream_ends_with_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
