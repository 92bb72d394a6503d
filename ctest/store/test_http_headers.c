#include "store/http_headers.h"

#include "test.h"

#include <string.h>

static void read_line(struct http_headers *headers, const char *line)
{
    http_headers_line(headers, slice_of_string(line));
}

static void a_range_is_read_with_and_without_a_total(void **state)
{
    struct http_headers headers = {0};

    (void)state;
    http_headers_init(&headers);
    read_line(&headers, "Content-Range: bytes 10-19/1000\r\n");
    assert_int_equal(headers.range_first, 10);
    assert_int_equal(headers.range_last, 19);
    assert_int_equal(headers.range_total, 1000);
    http_headers_init(&headers);
    read_line(&headers, "content-range:bytes 0-0/*");
    assert_int_equal(headers.range_first, 0);
    assert_int_equal(headers.range_last, 0);
    assert_true(headers.range_total == HTTP_NO_NUMBER);
}

static void malformed_headers_are_as_if_they_were_not_there(void **state)
{
    static const char *const lines[] = {
        "Content-Range: bytes 19-10/1000",
        "Content-Range: bytes -10/1000",
        "Content-Range: bytes=0-10/1000",
        "Content-Range: bytes 0-99999999999999999999/1",
        "Content-Length: 12x",
        "Content-Length: -1",
        "Content-Length: 18446744073709551616",
        "Range: bytes=1-5",
        "Range: bytes=0-",
        "Range: bytes=0-5,7-9",
        "x-goog-generation: none",
        "x-goog-hash: crc32c=AAAA",
        "x-goog-hash: crc32c=????????",
        "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT",
        "Content-Range",
        "",
        ":",
    };
    struct http_headers headers = {0}, untouched = {0};

    (void)state;
    http_headers_init(&headers);
    http_headers_init(&untouched);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        read_line(&headers, lines[i]);
        assert_memory_equal(&headers, &untouched, sizeof headers);
    }
}

static void how_much_a_session_has_is_read(void **state)
{
    struct http_headers headers = {0};

    (void)state;
    http_headers_init(&headers);
    read_line(&headers, "Range: bytes=0-262143\r\n");
    assert_int_equal(headers.stored_last, 262143);
}

/* In one line, with blanks, and in lines of their own: all are seen of the service. */
static void checksums_are_found_however_they_are_sent(void **state)
{
    static const char *const forms[] = {
        "x-goog-hash: crc32c=AAAAAQ==,md5=CY9rzUYh03PK3k6DJie09g==",
        "x-goog-hash: md5=CY9rzUYh03PK3k6DJie09g==, crc32c=AAAAAQ==",
        "X-Goog-Hash:crc32c=AAAAAQ==\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct http_headers headers = {0};

        http_headers_init(&headers);
        read_line(&headers, forms[i]);
        read_line(&headers, "x-goog-hash: md5=CY9rzUYh03PK3k6DJie09g==");
        assert_true(headers.has_crc32c);
        assert_int_equal(headers.crc32c, 1);
    }
}

static void a_checksum_is_big_endian_base64_both_ways(void **state)
{
    char text[HTTP_CRC32C_BYTES];
    uint32_t crc = 0;

    (void)state;
    http_crc32c_encode(0xe3069283, text);
    assert_string_equal(text, "4waSgw=="); /* of "123456789" */
    assert_true(http_crc32c_decode(slice_of_string(text), &crc));
    assert_int_equal(crc, 0xe3069283);
    assert_false(http_crc32c_decode(slice_of_string("4waSgw="), &crc));
    assert_false(http_crc32c_decode(slice_of_string("4waSgwA="), &crc));
}

static void what_else_is_asked_for_is_read(void **state)
{
    struct http_headers headers = {0};

    (void)state;
    http_headers_init(&headers);
    read_line(&headers, "Content-Length:  42 ");
    read_line(&headers, "x-goog-generation: 1700000000000001");
    read_line(&headers, "Retry-After: 3");
    read_line(&headers, "Content-Encoding: gzip");
    read_line(&headers, "Metadata-Flavor: Google");
    read_line(&headers, "Location: http://host/upload?id=1");
    assert_int_equal(headers.content_length, 42);
    assert_int_equal(headers.generation, 1700000000000001);
    assert_int_equal(headers.retry_after_s, 3);
    assert_true(headers.is_gzip);
    assert_true(headers.is_metadata);
    assert_string_equal(buf_string(&headers.location), "http://host/upload?id=1");
    http_headers_init(&headers); /* the next answer begins with nothing */
    assert_int_equal(headers.location.len, 0);
    assert_false(headers.is_gzip);
    http_headers_deinit(&headers);
}

static void a_location_beyond_the_limit_is_not_kept(void **state)
{
    static char line[HTTP_LOCATION_BYTES_MAX + 32] = "location: ";
    struct http_headers headers = {0};
    size_t at = strlen(line);

    (void)state;
    http_headers_init(&headers);
    memset(line + at, 'x', HTTP_LOCATION_BYTES_MAX + 1);
    read_line(&headers, line);
    assert_int_equal(headers.location.len, 0);
    line[at + HTTP_LOCATION_BYTES_MAX] = '\0';
    read_line(&headers, line);
    assert_int_equal(headers.location.len, HTTP_LOCATION_BYTES_MAX);
    http_headers_deinit(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_read_with_and_without_a_total),
        cmocka_unit_test(malformed_headers_are_as_if_they_were_not_there),
        cmocka_unit_test(how_much_a_session_has_is_read),
        cmocka_unit_test(checksums_are_found_however_they_are_sent),
        cmocka_unit_test(a_checksum_is_big_endian_base64_both_ways),
        cmocka_unit_test(what_else_is_asked_for_is_read),
        cmocka_unit_test(a_location_beyond_the_limit_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
