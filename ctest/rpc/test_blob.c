#include "rpc/blob.h"

#include "base/hash.h"
#include "fault/fault.h"
#include "folder.h"

#include <errno.h>

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

static void a_name_does_not_depend_on_the_pieces(void **state)
{
    static const char text[] = "some bytes of some length";
    uint8_t whole[BLOB_HASH_BYTES], pieces[BLOB_HASH_BYTES];

    (void)state;
    blob_hash(slice_of(text, sizeof text), whole);
    for (size_t len = 1; len <= sizeof text; len++) {
        struct blob_hasher *hasher = blob_hasher_open();

        for (size_t at = 0; at < sizeof text; at += len)
            blob_hasher_add(hasher,
                            slice_of(text + at, at + len < sizeof text ? len : sizeof text - at));
        blob_hasher_close(hasher, pieces);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
    blob_hasher_close(blob_hasher_open(), NULL);
    blob_hasher_close(NULL, NULL);
}

/* An open file of `len` zero bytes, without a name. */
static int file_of(uint64_t len)
{
    struct folder folder;
    int fd;

    folder_make(&folder);
    fd = open(folder_path(&folder, "file"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    folder_remove(&folder);
    return fd;
}

static void a_file_has_the_name_of_its_bytes(void **state)
{
    static const char zeros[BLOB_PIECE_BYTES + 7];
    uint8_t expected[BLOB_HASH_BYTES], found[BLOB_HASH_BYTES];
    int fd = file_of(sizeof zeros);
    uint64_t bytes;
    uint32_t crc;
    struct err err;

    (void)state;
    blob_hash(slice_of(zeros, sizeof zeros), expected);
    assert_int_equal(blob_hash_file(fd, "f", ERR_DISK, found, &crc, &bytes, &err), 0);
    assert_memory_equal(found, expected, sizeof found);
    assert_int_equal(crc, crc32c(0, zeros, sizeof zeros));
    assert_int_equal(bytes, sizeof zeros);
    fault_arm(FAULT_READ, 1, EIO);
    assert_int_equal(blob_hash_file(fd, "f", ERR_DISK, found, NULL, &bytes, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    close(fd);
}

static void a_name_is_read_as_it_is_printed(void **state)
{
    uint8_t hash[BLOB_HASH_BYTES], read[BLOB_HASH_BYTES];
    char text[BLOB_HASH_TEXT_BYTES];

    (void)state;
    blob_hash(slice_of_string("x"), hash);
    blob_hash_print(hash, text);
    assert_true(blob_hash_parse(text, read));
    assert_memory_equal(read, hash, sizeof hash);
    text[3] = 'G';
    assert_false(blob_hash_parse(text, read));
    assert_false(blob_hash_parse("ab", read));
    assert_false(blob_hash_parse("", read));
}

static void a_blob_has_64_megabytes_and_no_more(void **state)
{
    uint8_t hash[BLOB_HASH_BYTES];
    int fd = file_of(BLOB_BYTES_MAX);
    uint64_t bytes;
    struct err err;

    (void)state;
    assert_int_equal(blob_hash_file(fd, "f", ERR_DISK, hash, NULL, &bytes, &err), 0);
    assert_int_equal(bytes, BLOB_BYTES_MAX);
    assert_int_equal(ftruncate(fd, BLOB_BYTES_MAX + 1), 0);
    assert_int_equal(blob_hash_file(fd, "f", ERR_DISK, hash, NULL, &bytes, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "f has more than 64 MB");
    close(fd);
}

static const struct CMUnitTest TESTS[] = {
    cmocka_unit_test(a_name_is_the_sha256_of_the_bytes),
    cmocka_unit_test(nothing_has_a_name_too),
    cmocka_unit_test(a_name_does_not_depend_on_the_pieces),
    cmocka_unit_test(a_file_has_the_name_of_its_bytes),
    cmocka_unit_test(a_name_is_read_as_it_is_printed),
    cmocka_unit_test(a_blob_has_64_megabytes_and_no_more),
};

int main(void)
{
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
