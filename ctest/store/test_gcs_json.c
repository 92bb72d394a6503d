#include "store/gcs_json.h"

#include "test.h"

#include <stdio.h>

static int parse(const char *text, struct gcs_object *object)
{
    struct err err;
    int rc = gcs_json_object(slice_of_string(text), object, &err);

    if (rc != 0)
        assert_int_equal(err.kind, ERR_RETRY);
    return rc;
}

static void an_object_has_a_name_a_size_and_a_generation_at_least(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"name\":\"a\",\"size\":\"5\"}",
        "{\"name\":\"a\",\"generation\":\"5\"}",
        "{\"size\":\"1\",\"generation\":\"5\"}",
        "{\"name\":\"a\",\"size\":\"-5\",\"generation\":\"5\"}",
        "{\"name\":\"a\",\"size\":\"5x\",\"generation\":\"5\"}",
        "{\"name\":\"a\",\"size\":\"5\",\"generation\":\"0\"}",
        "{\"name\":\"a\",\"size\":\"99999999999999999999\",\"generation\":\"5\"}",
        "{\"name\":\"a\",\"size\":\"5\",\"generation\":\"5\"",
    };
    struct gcs_object object;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(parse(wrong[i], &object), -1);
    assert_int_equal(
        parse("{\"name\":\"a\",\"size\":5,\"generation\":\"18446744073709551615\"}", &object), 0);
    assert_int_equal(object.size, 5);
    assert_true(object.generation == UINT64_MAX);
    assert_false(object.has_crc32c);
    assert_string_equal(object.updated, "");
    gcs_object_deinit(&object);
}

static void metadata_beyond_the_limit_is_not_kept(void **state)
{
    struct buf text = {0};
    struct gcs_object object;

    (void)state;
    buf_append_string(&text, "{\"name\":\"a\",\"size\":\"5\",\"generation\":\"1\",\"metadata\":{");
    for (int i = 0; i < GCS_METADATA_COUNT_MAX + 3; i++)
        buf_printf(&text, "%s\"k%d\":\"v%d\"", i ? "," : "", i, i);
    buf_append_string(&text, "}}");
    assert_int_equal(parse(buf_string(&text), &object), 0);
    assert_int_equal(object.metadata_count, GCS_METADATA_COUNT_MAX);
    gcs_object_deinit(&object);
    buf_deinit(&text);
}

static int count_up(void *context, const struct gcs_object *object, const char *prefix,
                    struct err *err)
{
    (void)object, (void)prefix, (void)err;
    ++*(int *)context;
    return 0;
}

static void a_page_may_have_neither_items_nor_prefixes(void **state)
{
    struct buf token = {0};
    struct err err;
    int count = 0;

    (void)state;
    assert_int_equal(gcs_json_page(slice_of_string("{\"kind\":\"storage#objects\"}"), count_up,
                                   &count, &token, &err),
                     0);
    assert_int_equal(token.len, 0);
    assert_int_equal(count, 0);
    assert_int_equal(
        gcs_json_page(slice_of_string("{\"nextPageToken\":\"x\",\"prefixes\":[\"p/\"]}"), count_up,
                      &count, &token, &err),
        0);
    assert_string_equal(buf_string(&token), "x");
    assert_int_equal(count, 1);
    assert_int_equal(gcs_json_page(slice_of_string("<html>"), count_up, &count, &token, &err), -1);
    assert_int_equal(
        gcs_json_page(slice_of_string("{\"items\":[{}]}"), count_up, &count, &token, &err), -1);
    buf_deinit(&token);
}

static void what_an_upload_says_is_what_it_was_told(void **state)
{
    const struct gcs_metadata pairs[] = {{"task", "3"}};
    struct gcs_put put = {.content_type = "text/plain",
                          .content_encoding = "gzip",
                          .metadata = pairs,
                          .metadata_count = 1};
    struct buf out = {0};
    uint32_t crc = 1;

    (void)state;
    gcs_json_put(&out, "a/\"b", &put, "id", &crc);
    assert_string_equal(buf_string(&out),
                        "{\"name\":\"a/\\\"b\",\"contentType\":\"text/plain\",\"contentEncoding\":"
                        "\"gzip\",\"crc32c\":\"AAAAAQ==\",\"metadata\":{\"task\":\"3\","
                        "\"mrlua-upload\":\"id\"}}");
    buf_deinit(&out);
}

static void a_reason_is_one_short_line(void **state)
{
    char text[1024] = "{\"error\":{\"message\":\"a\\nb";
    struct buf out = {0};
    size_t at = strlen(text);

    (void)state;
    memset(text + at, 'x', 500);
    snprintf(text + at + 500, 8, "\"}}");
    gcs_json_reason(slice_of_string(text), &out);
    assert_int_equal(out.len, 200);
    assert_memory_equal(out.ptr, "a bxx", 5);
    buf_clear(&out);
    gcs_json_reason(slice_of_string("{\"error\":\"invalid_grant\"}"), &out);
    assert_string_equal(buf_string(&out), "invalid_grant");
    buf_clear(&out);
    gcs_json_reason(slice_of_string("<html>"), &out);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

static void a_rewrite_is_done_or_goes_on(void **state)
{
    struct gcs_object object;
    struct buf token = {0};
    struct err err;
    uint64_t bytes;

    (void)state;
    assert_int_equal(gcs_json_rewrite(slice_of_string("{\"done\":false,\"rewriteToken\":\"t\","
                                                      "\"totalBytesRewritten\":\"5\"}"),
                                      &object, &token, &bytes, &err),
                     0);
    assert_string_equal(buf_string(&token), "t");
    assert_int_equal(bytes, 5);
    assert_int_equal(
        gcs_json_rewrite(slice_of_string("{\"done\":true,\"resource\":{\"name\":\"a\",\"size\":"
                                         "\"5\",\"generation\":\"2\"}}"),
                         &object, &token, &bytes, &err),
        1);
    assert_int_equal(object.generation, 2);
    gcs_object_deinit(&object);
    assert_int_equal(gcs_json_rewrite(slice_of_string("{}"), &object, &token, &bytes, &err), -1);
    buf_deinit(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_has_a_name_a_size_and_a_generation_at_least),
        cmocka_unit_test(metadata_beyond_the_limit_is_not_kept),
        cmocka_unit_test(a_page_may_have_neither_items_nor_prefixes),
        cmocka_unit_test(what_an_upload_says_is_what_it_was_told),
        cmocka_unit_test(a_reason_is_one_short_line),
        cmocka_unit_test(a_rewrite_is_done_or_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
