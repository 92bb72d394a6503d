#include "rpc/blob.h"

#include "test.h"

#include <string.h>

static void a_name_is_the_sha256_of_the_bytes(void **state)
{
    uint8_t hash[BLOB_HASH_BYTES];
    char text[BLOB_HASH_TEXT_BYTES];

    (void)state;
    blob_hash(slice_of("abc", 3), hash);
    blob_hash_print(hash, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void nothing_has_a_name_too(void **state)
{
    uint8_t hash[BLOB_HASH_BYTES];
    char text[BLOB_HASH_TEXT_BYTES];

    (void)state;
    blob_hash(slice_of(NULL, 0), hash);
    blob_hash_print(hash, text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_name_is_the_sha256_of_the_bytes),
    cmocka_unit_test(nothing_has_a_name_too),
};

int main(void)
{
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
