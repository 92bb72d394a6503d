#include "store/gcs.h"

#include "store/gcs_kit.h"

#define OBJECT                                                                                     \
    "{\"name\":\"a/b\",\"size\":\"5\",\"generation\":\"7\",\"crc32c\":\"mnG7TA==\","               \
    "\"metadata\":{\"k\":\"v\"},\"contentEncoding\":\"gzip\"}"
#define JSON_OBJECT GCS_BODY("200 OK", OBJECT)

static void an_object_is_looked_at_by_its_encoded_name_and_generation(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o/a%2Fb?fields=", JSON_OBJECT, 0, GCS_KEEP},
        {"GET /storage/v1/b/bkt/o/a%2Fb?fields=", JSON_OBJECT, 0, GCS_KEEP},
        {"GET /storage/v1/b/bkt/o/none", GCS_EMPTY("404 Not Found"), 0, GCS_KEEP},
    };
    struct gcs_object object;
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 3);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_stat(gcs, "bkt", "a/b", 0, &object, &err), 1);
    assert_int_equal(object.size, 5);
    assert_int_equal(object.generation, 7);
    assert_true(object.has_crc32c);
    assert_int_equal(object.crc32c, 0x9a71bb4c); /* of "hello" */
    assert_true(object.is_gzip);
    assert_string_equal(gcs_object_metadata(&object, "k"), "v");
    assert_null(gcs_object_metadata(&object, "x"));
    gcs_object_deinit(&object);
    assert_int_equal(gcs_stat(gcs, "bkt", "a/b", 7, &object, &err), 1);
    gcs_object_deinit(&object);
    assert_int_equal(gcs_stat(gcs, "bkt", "none", 0, &object, &err), 0);
    assert_kit_done(&kit, 3);
    assert_null(strstr(gcs_kit_request(&kit, 0), "generation="));
    assert_asked(&kit, 1, "&generation=7 ");
    assert_int_equal(kit.shared->connection_count, 1); /* it is kept */
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

struct seen {
    int object_count, prefix_count;
    int stop_after;
};

static int see(void *context, const struct gcs_object *object, const char *prefix, struct err *err)
{
    struct seen *seen = context;

    (void)err;
    assert_true(!object != !prefix);
    seen->object_count += object != NULL;
    seen->prefix_count += prefix != NULL;
    return seen->object_count == seen->stop_after;
}

static void pages_are_followed_also_through_an_empty_one(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o?",
         GCS_BODY("200 OK", "{\"nextPageToken\":\"t1\",\"items\":[" OBJECT "]}"), 0, GCS_KEEP},
        {"pageToken=t1", GCS_BODY("200 OK", "{\"nextPageToken\":\"t+\"}"), 0, GCS_KEEP},
        {"pageToken=t%2B", GCS_BODY("200 OK", "{\"prefixes\":[\"a/c/\",\"a/d/\"]}"), 0, GCS_KEEP},
    };
    struct seen seen = {0};
    struct gcs_listing listing = {
        .bucket = "bkt", .prefix = "a/", .delimiter = "/", .start = "a/a", .page_count = 2};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 3);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_list(gcs, &listing, see, &seen, &err), 0);
    assert_int_equal(seen.object_count, 1);
    assert_int_equal(seen.prefix_count, 2);
    assert_kit_done(&kit, 3);
    assert_asked(&kit, 0, "prefix=a%2F&delimiter=%2F&startOffset=a%2Fa&maxResults=2");
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_list_ends_when_its_caller_has_enough(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o?",
         GCS_BODY("200 OK", "{\"nextPageToken\":\"t1\",\"items\":[" OBJECT "," OBJECT "]}"), 0,
         GCS_KEEP},
    };
    struct seen seen = {.stop_after = 1};
    struct gcs_listing listing = {.bucket = "bkt"};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 1);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_list(gcs, &listing, see, &seen, &err), 1);
    assert_int_equal(seen.object_count, 1);
    assert_kit_done(&kit, 1);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_delete_names_its_generation_and_takes_its_own_lost_success_for_one(void **state)
{
    static const struct gcs_answer script[] = {
        {"DELETE /storage/v1/b/bkt/o/a?ifGenerationMatch=7", GCS_EMPTY("204 No Content"), 0,
         GCS_KEEP},
        {"DELETE /storage/v1/b/bkt/o/b?ifGenerationMatch=7", GCS_EMPTY("503 Busy"), 0, GCS_KEEP},
        {"DELETE /storage/v1/b/bkt/o/b?ifGenerationMatch=7", GCS_EMPTY("404 Gone"), 0, GCS_KEEP},
        {"DELETE /storage/v1/b/bkt/o/c?ifGenerationMatch=7", GCS_EMPTY("404 Gone"), 0, GCS_KEEP},
        {"DELETE /storage/v1/b/bkt/o/d?ifGenerationMatch=7", GCS_EMPTY("412 No"), 0, GCS_KEEP},
        {"DELETE /storage/v1/b/bkt/o/e ", GCS_EMPTY("503 Busy"), 0, GCS_KEEP},
    };
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 6);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_delete(gcs, "bkt", "a", 7, &err), 1);
    assert_int_equal(gcs_delete(gcs, "bkt", "b", 7, &err), 1);
    assert_int_equal(gcs_delete(gcs, "bkt", "c", 7, &err), 0);
    assert_int_equal(gcs_delete(gcs, "bkt", "d", 7, &err), 0);
    assert_int_equal(gcs_delete(gcs, "bkt", "e", 0, &err), -1); /* nothing makes it safe twice */
    assert_int_equal(err.kind, ERR_RETRY);
    assert_string_equal(err.message, "delete gs://bkt/e: HTTP 503, after 1 tries");
    assert_kit_done(&kit, 6);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_text_is_read_checked_and_bounded(void **state)
{
    static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-goog-generation: 7\r\n"
                                "x-goog-hash: crc32c=mnG7TA==\r\n\r\nhello";
    static const char wrong[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-goog-hash: crc32c=mnG7TA==\r\n\r\nhellO";
    static const struct gcs_answer script[] = {
        {"/o/a?alt=media", hello, 0, GCS_KEEP},
        {"/o/a?alt=media&generation=7", hello, 0, GCS_KEEP},
        {"/o/b?alt=media", wrong, 0, GCS_KEEP},
        {"/o/none?alt=media", GCS_EMPTY("404 Not Found"), 0, GCS_KEEP},
    };
    struct gcs_object meta;
    struct buf text = {0};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 4);
    gcs = gcs_kit_open(&kit);
    buf_append_string(&text, "> ");
    assert_int_equal(gcs_get_text(gcs, "bkt", "a", 0, 5, &text, &meta, &err), 1);
    assert_string_equal(buf_string(&text), "> hello");
    assert_int_equal(meta.generation, 7);
    assert_int_equal(meta.size, 5);
    assert_int_equal(gcs_get_text(gcs, "bkt", "a", 7, 4, &text, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message, "read gs://bkt/a: more than 4 bytes");
    assert_int_equal(gcs_get_text(gcs, "bkt", "b", 0, 5, &text, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(gcs_get_text(gcs, "bkt", "none", 0, 5, &text, NULL, &err), 0);
    assert_string_equal(buf_string(&text), "> hello"); /* failures leave nothing */
    assert_kit_done(&kit, 4);
    assert_asked(&kit, 0, "Accept-Encoding: gzip\r\n");
    buf_deinit(&text);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void a_text_that_breaks_off_is_read_from_its_start(void **state)
{
    static const struct gcs_answer script[] = {
        {"/o/a?alt=media", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 0, GCS_CLOSE},
        {"/o/a?alt=media", GCS_BODY("200 OK", "hello"), 0, GCS_KEEP},
    };
    struct buf text = {0};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 2);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_get_text(gcs, "bkt", "a", 0, 100, &text, NULL, &err), 1);
    assert_string_equal(buf_string(&text), "hello");
    assert_kit_done(&kit, 2);
    buf_deinit(&text);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void errors_name_operation_object_status_and_the_servers_reason(void **state)
{
    static const struct gcs_answer script[] = {
        {"/o/a",
         GCS_BODY("403 Forbidden", "{\"error\":{\"message\":\"no storage."
                                   "objects.get\\naccess\"}}"),
         0, GCS_KEEP},
        {"/o?", GCS_EMPTY("404 Not Found"), 0, GCS_KEEP},
    };
    struct gcs_listing listing = {.bucket = "bkt", .prefix = "p"};
    struct gcs_object object;
    struct seen seen = {0};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct err err;

    (void)state;
    gcs_kit_start(&kit, script, 2);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(gcs_stat(gcs, "bkt", "a", 0, &object, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message,
                        "look at gs://bkt/a: HTTP 403 (the account lacks the permission, or the "
                        "machine's scopes do): no storage.objects.get access");
    assert_int_equal(gcs_list(gcs, &listing, see, &seen, &err), -1);
    assert_string_equal(err.message, "list gs://bkt/p: no such object or bucket");
    assert_kit_done(&kit, 2);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void opening_and_closing_asks_nobody(void **state)
{
    (void)state;
    gcs_close(gcs_open());
    gcs_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_looked_at_by_its_encoded_name_and_generation),
        cmocka_unit_test(pages_are_followed_also_through_an_empty_one),
        cmocka_unit_test(a_list_ends_when_its_caller_has_enough),
        cmocka_unit_test(a_delete_names_its_generation_and_takes_its_own_lost_success_for_one),
        cmocka_unit_test(a_text_is_read_checked_and_bounded),
        cmocka_unit_test(a_text_that_breaks_off_is_read_from_its_start),
        cmocka_unit_test(errors_name_operation_object_status_and_the_servers_reason),
        cmocka_unit_test(opening_and_closing_asks_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
