#include "cli/submit_blob.h"

#include "folder.h"

static struct folder folder;
static struct submit_blob blob;
static Mrlua__SideFile file;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    blob = (struct submit_blob){.fd = -1};
    mrlua__side_file__init(&file);
    file.name = (char *)(uintptr_t) "words";
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    submit_blob_deinit(&blob);
    folder_remove(&folder);
    return 0;
}

static int open_file(const char *name)
{
    file.path = (char *)(uintptr_t)folder_path(&folder, name);
    return submit_blob_open(&blob, &file, &err);
}

static void code_is_sent_from_memory(void **state)
{
    uint8_t hash[BLOB_HASH_BYTES];
    struct slice piece;

    (void)state;
    blob_hash(slice_of_string("source"), hash);
    submit_blob_init(&blob, slice_of_string("source"));
    assert_memory_equal(blob.hash, hash, sizeof hash);
    assert_int_equal(blob.total_bytes, 6);
    assert_int_equal(submit_blob_piece(&blob, 2, &piece, &err), 0);
    assert_int_equal(piece.len, 4);
    assert_memory_equal(piece.ptr, "urce", 4);
}

static void a_file_is_sent_piece_by_piece(void **state)
{
    static char bytes[2 * BLOB_PIECE_BYTES + 5];
    uint8_t hash[BLOB_HASH_BYTES];
    struct slice piece;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 1000);
    folder_write(&folder, "words", bytes, sizeof bytes);
    blob_hash(slice_of(bytes, sizeof bytes), hash);
    assert_int_equal(open_file("words"), 0);
    assert_memory_equal(blob.hash, hash, sizeof hash);
    assert_int_equal(blob.total_bytes, sizeof bytes);
    assert_int_equal(submit_blob_piece(&blob, 10, &piece, &err), 0);
    assert_int_equal(piece.len, BLOB_PIECE_BYTES);
    assert_memory_equal(piece.ptr, bytes + 10, piece.len);
    assert_int_equal(submit_blob_piece(&blob, sizeof bytes - 3, &piece, &err), 0);
    assert_int_equal(piece.len, 3);
    assert_memory_equal(piece.ptr, bytes + sizeof bytes - 3, 3);
    assert_int_equal(submit_blob_piece(&blob, sizeof bytes, &piece, &err), 0);
    assert_int_equal(piece.len, 0);
}

static void what_cannot_be_read_is_named(void **state)
{
    char expected[2 * FOLDER_PATH_BYTES];

    (void)state;
    assert_int_equal(open_file("none"), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    snprintf(expected, sizeof expected, "side file words: %s: No such file or directory",
             file.path);
    assert_string_equal(err.message, expected);
    folder_mkdir(&folder, "folder");
    assert_int_equal(open_file("folder"), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "not a regular file"));
}

static void a_file_has_64_megabytes_and_no_more(void **state)
{
    (void)state;
    folder_write(&folder, "large", "", 0);
    assert_int_equal(truncate(folder_path(&folder, "large"), BLOB_BYTES_MAX), 0);
    assert_int_equal(open_file("large"), 0);
    assert_int_equal(blob.total_bytes, BLOB_BYTES_MAX);
    submit_blob_deinit(&blob);
    assert_int_equal(truncate(folder_path(&folder, "large"), BLOB_BYTES_MAX + 1), 0);
    assert_int_equal(open_file("large"), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "has 64 MB, and 64 MB are the most that a master hands on"
                                        ": put it into a bucket and name it gs://BUCKET/OBJECT "
                                        "(--file words=gs://...)"));
}

/* Its name is that of what it was. */
static void a_file_that_changes_is_not_sent(void **state)
{
    struct slice piece;

    (void)state;
    folder_write(&folder, "words", "before", 6);
    assert_int_equal(open_file("words"), 0);
    assert_int_equal(truncate(folder_path(&folder, "words"), 5), 0);
    assert_int_equal(submit_blob_piece(&blob, 0, &piece, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "side file words: "));
    assert_non_null(strstr(err.message, "changed while it was sent"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(code_is_sent_from_memory),        TEST(a_file_is_sent_piece_by_piece),
        TEST(what_cannot_be_read_is_named),    TEST(a_file_has_64_megabytes_and_no_more),
        TEST(a_file_that_changes_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
