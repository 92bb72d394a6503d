#include "test.h"

#include "rpc/address.h"

#include <stdio.h>
#include <string.h>

static void expect(const char *text, const char *printed, const char *host, uint16_t port,
                   bool is_loopback)
{
    struct address address;
    char out[ADDRESS_TEXT_BYTES];
    struct err err;

    if (address_resolve(&address, 1, text, &err) != 1)
        fail_msg("%s: %s", text, err.message);
    address_print(&address, out);
    assert_string_equal(out, printed);
    address_print_host(&address, out);
    assert_string_equal(out, host);
    assert_int_equal(address_port(&address), port);
    assert_int_equal(address_is_loopback(&address), is_loopback);
    address_set_port(&address, 4242);
    assert_int_equal(address_port(&address), 4242);
    address_print_host(&address, out);
    assert_string_equal(out, host);
}

static void test_numbers(void **state)
{
    (void)state;
    expect("127.0.0.1:7070", "127.0.0.1:7070", "127.0.0.1", 7070, true);
    expect("127.9.9.9:0", "127.9.9.9:0", "127.9.9.9", 0, true);
    expect("0.0.0.0:1", "0.0.0.0:1", "0.0.0.0", 1, false);
    expect("10.1.2.3:65535", "10.1.2.3:65535", "10.1.2.3", 65535, false);
    expect("128.0.0.1:1", "128.0.0.1:1", "128.0.0.1", 1, false);
    expect("[::1]:7070", "[::1]:7070", "::1", 7070, true);
    expect("[::]:7070", "[::]:7070", "::", 7070, false);
    expect("[fe80::1]:1", "[fe80::1]:1", "fe80::1", 1, false);
    expect("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1, true);
    expect("[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1", 1, false);
    expect("[127.0.0.1]:1", "127.0.0.1:1", "127.0.0.1", 1, true);
}

static void test_name(void **state)
{
    struct address addresses[ADDRESS_COUNT_MAX];
    struct err err;
    int count = address_resolve(addresses, ADDRESS_COUNT_MAX, "localhost:7070", &err);

    (void)state;
    assert_true(count >= 1);
    for (int i = 0; i < count; i++) {
        assert_true(address_is_loopback(&addresses[i]));
        assert_int_equal(address_port(&addresses[i]), 7070);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",         ":",     ":7070", "127.0.0.1", "127.0.0.1:",
        "h:65536",  "h:+1",  "h: 1",  "h:1x",      "h:http",
        "::1:7070", "[::1]", "[]:1",  "[::1]7070", "h:99999999999",
    };
    char long_name[400];
    struct address address;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (address_resolve(&address, 1, texts[i], &err) != -1)
            fail_msg("\"%s\" is an address", texts[i]);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, "HOST:PORT"));
    }
    memset(long_name, 'x', sizeof long_name);
    strncpy(long_name + 390, ":1", 3);
    assert_int_equal(address_resolve(&address, 1, long_name, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

static void test_join(void **state)
{
    char out[ADDRESS_HOST_BYTES + 8];

    (void)state;
    address_join("10.0.0.1", 7070, out);
    assert_string_equal(out, "10.0.0.1:7070");
    address_join("::1", 7070, out);
    assert_string_equal(out, "[::1]:7070");
    address_join("master.example", 1, out);
    assert_string_equal(out, "master.example:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
