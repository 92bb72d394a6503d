#include "master/blobs.h"

#include "base/clock.h"

#include "fault/fault.h"
#include "folder.h"
#include "test.h"

#include <errno.h>

static struct folder folder;
static struct blobs blobs;
static struct blob_have have;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    assert_int_equal(blobs_init(&blobs, folder.path, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    blobs_deinit(&blobs);
    folder_remove(&folder);
    return 0;
}

static const uint8_t *name_of(const char *text)
{
    static uint8_t hash[BLOB_HASH_BYTES];

    blob_hash(slice_of_string(text), hash);
    return hash;
}

static int put(const char *whole, uint64_t offset, size_t len)
{
    struct slice piece = len ? slice_of(whole + offset, len) : (struct slice){0};

    return blobs_put(&blobs, name_of(whole), offset, strlen(whole), piece, &have, &err);
}

static void assert_blob(const char *wanted)
{
    struct buf bytes = {0};
    uint64_t total = 0;

    assert_int_equal(blobs_get(&blobs, name_of(wanted), 0, 100, &bytes, &total, &err), 1);
    assert_int_equal(total, strlen(wanted));
    assert_string_equal(buf_string(&bytes), wanted);
    buf_deinit(&bytes);
}

static void a_blob_comes_in_pieces(void **state)
{
    (void)state;
    assert_int_equal(put("hello world", 0, 0), 0); /* only asks */
    assert_int_equal(have.bytes, 0);
    assert_int_equal(put("hello world", 0, 5), 0);
    assert_int_equal(have.bytes, 5);
    assert_false(have.is_complete);
    assert_false(blobs_has(&blobs, name_of("hello world")));
    assert_int_equal(put("hello world", 0, 5), 0); /* again: nothing changes */
    assert_int_equal(have.bytes, 5);
    assert_int_equal(put("hello world", 0, 0), 0);
    assert_int_equal(have.bytes, 5);
    assert_int_equal(put("hello world", 5, 6), 0);
    assert_true(have.is_complete);
    assert_true(blobs_has(&blobs, name_of("hello world")));
    assert_blob("hello world");
    assert_int_equal(put("hello world", 0, 5), 0);
    assert_true(have.is_complete);
}

static void an_empty_blob_is_one(void **state)
{
    (void)state;
    assert_int_equal(put("", 0, 0), 0);
    assert_true(have.is_complete);
    assert_blob("");
}

static void a_blob_is_what_its_name_says(void **state)
{
    (void)state;
    assert_int_equal(blobs_put(&blobs, name_of("this"), 0, 4, slice_of_string("that"), &have, &err),
                     -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_false(blobs_has(&blobs, name_of("this")));
    assert_int_equal(put("this", 0, 0), 0);
    assert_int_equal(have.bytes, 0); /* it begins anew */
}

static void a_blob_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(blobs_put(&blobs, name_of("x"), 0, (uint64_t)BLOB_BYTES_MAX + 1,
                               slice_of_string("x"), &have, &err),
                     -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

static void pieces_are_read_from_anywhere(void **state)
{
    struct buf bytes = {0};
    uint64_t total = 0;

    (void)state;
    assert_int_equal(put("hello", 0, 5), 0);
    assert_int_equal(blobs_get(&blobs, name_of("hello"), 1, 3, &bytes, &total, &err), 1);
    assert_string_equal(buf_string(&bytes), "ell");
    buf_clear(&bytes);
    assert_int_equal(blobs_get(&blobs, name_of("hello"), 9, 3, &bytes, &total, &err), 1);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(blobs_get(&blobs, name_of("other"), 0, 3, &bytes, &total, &err), 0);
    buf_deinit(&bytes);
}

static void rot(const char *whole)
{
    char hash[BLOB_HASH_TEXT_BYTES], name[128];

    blob_hash_print(name_of(whole), hash);
    snprintf(name, sizeof name, "blobs/%s", hash);
    folder_write(&folder, name, "rotten", 6);
}

static void what_was_damaged_is_removed_and_can_be_put_again(void **state)
{
    (void)state;
    assert_int_equal(blobs_check(&blobs, name_of("hello"), &err), 0); /* not there */
    assert_int_equal(put("hello", 0, 5), 0);
    assert_int_equal(blobs_check(&blobs, name_of("hello"), &err), 1);
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(blobs_check(&blobs, name_of("hello"), &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    fault_arm(FAULT_OPEN, 0, EMFILE);
    assert_int_equal(blobs_check(&blobs, name_of("hello"), &err), -1);
    assert_true(fault_disarm());
    assert_blob("hello"); /* it was not this blob's fault */
    rot("hello");
    assert_int_equal(blobs_check(&blobs, name_of("hello"), &err), 0);
    assert_false(blobs_has(&blobs, name_of("hello")));
    assert_int_equal(put("hello", 0, 5), 0);
    assert_blob("hello");
}

/* Goal: what has a blob's name is whole, and a put that failed can be made again.
 * Method: each call of a kind fails once. */
static void every_failing_call_is_told(void **state)
{
    static const enum fault_call calls[] = {FAULT_READ, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME,
                                            FAULT_OPEN};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (uint32_t nth = 0;; nth++) {
            char text[32];
            int rc;

            snprintf(text, sizeof text, "blob %zu %u", i, nth);
            fault_arm(calls[i], nth, EIO);
            rc = put(text, 0, strlen(text));
            if (!fault_disarm())
                break;
            assert_int_equal(rc, -1);
            if (blobs_has(&blobs, name_of(text)))
                assert_blob(text); /* its name may not last, but it is whole */
            assert_int_equal(put(text, strlen(text), 0), 0);
            assert_int_equal(put(text, have.bytes, strlen(text) - (size_t)have.bytes), 0);
            assert_true(have.is_complete);
            assert_blob(text);
        }
    }
}

static bool is_first(void *context, const char *hash_text)
{
    char first[BLOB_HASH_TEXT_BYTES];

    (void)context;
    blob_hash_print(name_of("first"), first);
    return strcmp(first, hash_text) == 0;
}

static void a_sweep_leaves_what_is_wanted(void **state)
{
    (void)state;
    assert_int_equal(put("first", 0, 5), 0);
    assert_int_equal(put("second", 0, 6), 0);
    assert_int_equal(put("third", 0, 2), 0);
    blobs_sweep(&blobs, is_first, NULL);
    assert_true(blobs_has(&blobs, name_of("first")));
    assert_false(blobs_has(&blobs, name_of("second")));
    assert_int_equal(put("third", 0, 0), 0);
    assert_int_equal(have.bytes, 0);
}

static bool is_hash_of_first(void *context, const uint8_t hash[BLOB_HASH_BYTES])
{
    (void)context;
    return memcmp(hash, name_of("first"), BLOB_HASH_BYTES) == 0;
}

static void what_nobody_names_goes_after_a_while(void **state)
{
    const uint64_t keep_ns = BLOBS_KEEP_MS * NS_PER_MS;
    uint8_t hash[BLOB_HASH_BYTES];

    (void)state;
    assert_int_equal(put("first", 0, 5), 0);
    assert_int_equal(put("second", 0, 6), 0);
    assert_int_equal(put("third", 0, 5), 0);
    blobs_leave(&blobs, name_of("first"), 1);
    blobs_leave(&blobs, name_of("second"), 1);
    blobs_leave(&blobs, name_of("third"), 1);
    blobs_leave(&blobs, name_of("third"), 7); /* put again: it will be named soon */
    blobs_expire(&blobs, keep_ns, is_hash_of_first, NULL);
    assert_true(blobs_has(&blobs, name_of("second")));
    blobs_expire(&blobs, keep_ns + 1, is_hash_of_first, NULL);
    assert_true(blobs_has(&blobs, name_of("first")));
    assert_false(blobs_has(&blobs, name_of("second")));
    assert_true(blobs_has(&blobs, name_of("third")));
    blobs_expire(&blobs, keep_ns + 7, is_hash_of_first, NULL);
    assert_false(blobs_has(&blobs, name_of("third")));
    assert_int_equal(blobs.leaving_count, 0);
    for (uint32_t i = 0; i <= BLOBS_LOOKED_AT_MAX; i++) { /* one more than is looked at */
        memset(hash, 0, sizeof hash);
        memcpy(hash, &i, sizeof i);
        blobs_leave(&blobs, hash, 1);
    }
    blobs_expire(&blobs, keep_ns + 1, is_hash_of_first, NULL);
    assert_int_equal(blobs.leaving_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_blob_comes_in_pieces),
        TEST(an_empty_blob_is_one),
        TEST(a_blob_is_what_its_name_says),
        TEST(a_blob_has_a_limit),
        TEST(pieces_are_read_from_anywhere),
        TEST(every_failing_call_is_told),
        TEST(what_was_damaged_is_removed_and_can_be_put_again),
        TEST(a_sweep_leaves_what_is_wanted),
        TEST(what_nobody_names_goes_after_a_while),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
