#include "store/uri.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static void check_parts(const char *text, const char *bucket, const char *object)
{
    struct buf printed = {0};
    struct uri uri;
    struct err err;

    assert_int_equal(uri_parse(text, &uri, &err), 0);
    assert_string_equal(uri.bucket, bucket);
    assert_string_equal(uri.object, object);
    uri_print(&printed, uri.bucket, uri.object);
    if (text[strlen(text) - 1] == '/' || strchr(text + 5, '/'))
        assert_string_equal(buf_string(&printed), text);
    buf_deinit(&printed);
    uri_deinit(&uri);
}

static void bucket_and_object_are_told_apart_by_the_first_slash(void **state)
{
    (void)state;
    check_parts("gs://bucket/object", "bucket", "object");
    check_parts("gs://b-1_x.com/a/b//c", "b-1_x.com", "a/b//c");
    check_parts("gs://bucket", "bucket", "");
    check_parts("gs://bucket/", "bucket", "");
    check_parts("gs://bucket//a", "bucket", "/a");
}

static void a_name_is_taken_byte_for_byte(void **state)
{
    (void)state;
    check_parts("gs://bucket/a%2Fb c#1?x=\xc3\xa9*", "bucket", "a%2Fb c#1?x=\xc3\xa9*");
}

static void check_refused(const char *text, const char *said)
{
    struct uri uri;
    struct err err;

    assert_int_equal(uri_parse(text, &uri, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, said));
    assert_null(uri.bucket);
    assert_null(uri.object);
}

static void names_the_service_would_refuse_are_refused_with_their_reason(void **state)
{
    (void)state;
    check_refused("s3://bucket/a", "not of the form gs://BUCKET/OBJECT");
    check_refused("gs://", "has 3 to 222 bytes, not 0");
    check_refused("gs:///a", "has 3 to 222 bytes, not 0");
    check_refused("gs://Bucket/a", "made of a-z");
    check_refused("gs://buck et/a", "made of a-z");
    check_refused("gs://bucket/a\nb", "no line ends");
    check_refused("gs://bucket/a\rb", "no line ends");
    check_refused("gs://bucket/.", "no names of objects");
    check_refused("gs://bucket/..", "no names of objects");
}

static void limits_of_the_service_are_kept_to_the_byte(void **state)
{
    char text[2 * URI_OBJECT_BYTES_MAX] = "gs://";
    size_t at = strlen(text);
    struct uri uri;
    struct err err;

    (void)state;
    memset(text + at, 'b', URI_BUCKET_BYTES_MAX);
    assert_int_equal(uri_parse(text, &uri, &err), 0);
    uri_deinit(&uri);
    text[at + URI_BUCKET_BYTES_MAX] = 'b';
    check_refused(text, "not 223");
    snprintf(text, sizeof text, "gs://bbb/");
    at = strlen(text);
    memset(text + at, 'o', URI_OBJECT_BYTES_MAX);
    assert_int_equal(uri_parse(text, &uri, &err), 0);
    uri_deinit(&uri);
    text[at + URI_OBJECT_BYTES_MAX] = 'o';
    check_refused(text, "at most 1024 bytes");
}

static void all_but_unreserved_bytes_are_encoded(void **state)
{
    struct buf out = {0};

    (void)state;
    uri_encode(&out, "aZ09-._~/ %+&=#?\xc3\xa9");
    assert_string_equal(buf_string(&out), "aZ09-._~%2F%20%25%2B%26%3D%23%3F%C3%A9");
    buf_deinit(&out);
}

static void only_gs_uris_are_taken_for_some(void **state)
{
    (void)state;
    assert_true(uri_is_gs("gs://"));
    assert_false(uri_is_gs("gs:/b/o"));
    assert_false(uri_is_gs("GS://b/o"));
    assert_false(uri_is_gs("./gs://b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_and_object_are_told_apart_by_the_first_slash),
        cmocka_unit_test(a_name_is_taken_byte_for_byte),
        cmocka_unit_test(names_the_service_would_refuse_are_refused_with_their_reason),
        cmocka_unit_test(limits_of_the_service_are_kept_to_the_byte),
        cmocka_unit_test(all_but_unreserved_bytes_are_encoded),
        cmocka_unit_test(only_gs_uris_are_taken_for_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
