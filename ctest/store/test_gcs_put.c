#include "store/gcs_put.h"

#include "base/hash.h"
#include "folder.h"
#include "store/gcs_kit.h"

/* "hello" as "me" has written it. */
#define OURS                                                                                       \
    "{\"name\":\"o\",\"size\":\"5\",\"generation\":\"9\",\"crc32c\":\"mnG7TA==\","                 \
    "\"metadata\":{\"mrlua-upload\":\"me\"}}"
#define THEIRS                                                                                     \
    "{\"name\":\"o\",\"size\":\"5\",\"generation\":\"9\",\"crc32c\":\"mnG7TA==\","                 \
    "\"metadata\":{\"mrlua-upload\":\"you\"}}"

static const struct gcs_put ABSENT = {.condition = GCS_IF_ABSENT, .upload_id = "me"};

/* Answers the kind of the error, if that is what is expected. */
static enum err_kind check_put(const struct gcs_put *put, const struct gcs_answer *script,
                               size_t count, int rc, const char *said)
{
    struct gcs_object object;
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err = {0};

    gcs_kit_start(&kit, script, count);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_put_text(gcs, "bkt", "o", slice_of_string("hello"), put, &object, &err),
                     rc);
    if (rc == 1)
        assert_int_equal(object.generation, 9);
    if (rc == -1 && !strstr(err.message, said))
        print_error("%s\n", err.message);
    if (rc == -1)
        assert_non_null(strstr(err.message, said));
    assert_kit_done(&kit, (uint32_t)count);
    assert_asked(&kit, 0, "POST /upload/storage/v1/b/bkt/o?uploadType=multipart");
    assert_asked(&kit, 0, "\r\n\r\nhello\r\n--");
    assert_asked(&kit, 0, "\"crc32c\":\"mnG7TA==\"");
    gcs_object_deinit(&object);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
    return err.kind;
}

static void a_text_is_written_with_condition_checksum_and_id(void **state)
{
    static const struct gcs_answer script[] = {
        {"ifGenerationMatch=0", GCS_BODY("200 OK", OURS), 0, 0}};
    static const struct gcs_answer replace[] = {
        {"ifGenerationMatch=8", GCS_BODY("200 OK", OURS), 0, 0}};
    struct gcs_put put = {.condition = GCS_IF_GENERATION, .generation = 8};

    (void)state;
    check_put(&ABSENT, script, 1, 1, NULL);
    check_put(&put, replace, 1, 1, NULL);
}

static void a_412_is_anothers_object_unless_an_answer_was_lost(void **state)
{
    static const struct gcs_answer lost_race[] = {{"POST", GCS_EMPTY("412 No"), 0, 0}};
    static const struct gcs_answer own_success[] = {
        {"POST", "", 0, GCS_CLOSE},
        {"POST", GCS_EMPTY("412 No"), 0, 0},
        {"GET /storage/v1/b/bkt/o/o?", GCS_BODY("200 OK", OURS), 0, 0},
    };
    static const struct gcs_answer anothers[] = {
        {"POST", GCS_EMPTY("503 Busy"), 0, 0},
        {"POST", GCS_EMPTY("412 No"), 0, 0},
        {"GET /storage/v1/b/bkt/o/o?", GCS_BODY("200 OK", THEIRS), 0, 0},
    };

    (void)state;
    check_put(&ABSENT, lost_race, 1, 0, NULL);
    check_put(&ABSENT, own_success, 3, 1, NULL);
    check_put(&ABSENT, anothers, 3, 0, NULL);
}

static void without_a_condition_a_lost_answer_is_not_tried_again(void **state)
{
    static const struct gcs_answer script[] = {{"POST", GCS_EMPTY("503 Busy"), 0, 0}};
    static const struct gcs_put put = {.upload_id = "me"};

    (void)state;
    check_put(&put, script, 1, -1, "upload gs://bkt/o: HTTP 503");
}

static void what_is_stored_wrong_is_deleted_and_an_error(void **state)
{
    static const struct gcs_answer script[] = {
        {"POST",
         GCS_BODY("200 OK", "{\"name\":\"o\",\"size\":\"4\",\"generation\":\"9\","
                            "\"crc32c\":\"mnG7TA==\"}"),
         0, 0},
        {"DELETE /storage/v1/b/bkt/o/o?ifGenerationMatch=9", GCS_EMPTY("204 No"), 0, 0},
    };

    (void)state;
    check_put(&ABSENT, script, 2, -1, "the service has stored 4 bytes");
}

/* Any other 400 is there to stay. */
static void bytes_that_were_damaged_on_their_way_may_be_sent_again(void **state)
{
    static const struct gcs_answer damaged[] = {
        {"POST",
         GCS_BODY("400 Bad", "{\"error\":{\"message\":\"Provided CRC32C \\\"a\\\" "
                             "doesn't match calculated CRC32C \\\"b\\\".\"}}"),
         0, 0}};
    static const struct gcs_answer wrong[] = {
        {"POST", GCS_BODY("400 Bad", "{\"error\":{\"message\":\"Invalid argument.\"}}"), 0, 0}};

    (void)state;
    assert_int_equal(check_put(&ABSENT, damaged, 1, -1, "Provided CRC32C"), ERR_RETRY);
    assert_int_equal(check_put(&ABSENT, wrong, 1, -1, "Invalid argument"), ERR_SETUP);
}

static void a_files_checksum_is_computed_and_its_end_is_missed(void **state)
{
    struct folder folder;
    struct err err;
    uint32_t sum;
    int fd;

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "f", "hello", 5);
    fd = open(folder_path(&folder, "f"), O_RDONLY);
    assert_int_equal(gcs_put_checksum(fd, 5, "o", &sum, &err), 0);
    assert_int_equal(sum, crc32c(0, "hello", 5));
    assert_int_equal(gcs_put_checksum(fd, 6, "o", &sum, &err), -1);
    assert_string_equal(err.message, "upload o: the file ends at byte 5 of 6");
    close(fd);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_written_with_condition_checksum_and_id),
        cmocka_unit_test(a_412_is_anothers_object_unless_an_answer_was_lost),
        cmocka_unit_test(without_a_condition_a_lost_answer_is_not_tried_again),
        cmocka_unit_test(what_is_stored_wrong_is_deleted_and_an_error),
        cmocka_unit_test(bytes_that_were_damaged_on_their_way_may_be_sent_again),
        cmocka_unit_test(a_files_checksum_is_computed_and_its_end_is_missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
