/*
 * Bundles: from the master into the folder, once.
 */
#include "worker/shell_kit.h"

static const char SUM[] =
    "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum' }";

static void begin(struct shell *shell)
{
    shell_job(shell, SUM);
    shell_worker(shell);
    shell_welcome(shell);
    shell_file(shell, "in", "a\n");
}

static void start(struct shell *shell, uint64_t attempt)
{
    shell_map(shell, attempt, folder_path(&shell->folder, "in"));
}

static void a_bundle_comes_in_pieces_and_is_kept(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    start(&shell, 11);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.blob_count, 2);
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);
    start(&shell, 12);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.blob_count, 2);
    shell_close(&shell);
}

static void put(struct shell *shell, struct slice bytes, uint64_t offset, uint64_t total)
{
    Mrlua__BlobData data = MRLUA__BLOB_DATA__INIT;

    data.hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, shell->bundle_hash};
    data.offset = offset;
    data.total_bytes = total;
    data.bytes = (ProtobufCBinaryData){bytes.len, (uint8_t *)(uintptr_t)bytes.ptr};
    shell_send(shell, MESSAGE_BLOB_DATA, &data.base);
}

/* The first piece is here, then the connection is cut: the rest is asked for, not all of it. */
static void a_cut_bundle_goes_on_where_it_was(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell.refuses_blobs = true;
    start(&shell, 11);
    shell_await(&shell, MESSAGE_BLOB_GET);
    put(&shell, slice_of(shell.bundle.ptr, 10), 0, shell.bundle.len);
    assert_int_equal(((Mrlua__BlobGet *)shell_await(&shell, MESSAGE_BLOB_GET))->offset, 10);
    shell_cut(&shell);
    shell_welcome(&shell);
    assert_int_equal(((Mrlua__BlobGet *)shell_await(&shell, MESSAGE_BLOB_GET))->offset, 10);
    put(&shell, slice_of(shell.bundle.ptr, 10), 0, shell.bundle.len); /* again: ignored */
    put(&shell, slice_of(shell.bundle.ptr + 10, shell.bundle.len - 10), 10, shell.bundle.len);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

static void a_damaged_bundle_is_not_run(void **state)
{
    struct shell shell;
    Mrlua__AttemptFailed *failed;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell.refuses_blobs = true;
    start(&shell, 11);
    shell_await(&shell, MESSAGE_BLOB_GET);
    put(&shell, slice_of_string("return nil"), 0, 10);
    failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->error->kind, ERR_RETRY);
    assert_non_null(strstr(failed->error->message, "damaged"));
    shell.refuses_blobs = false;
    start(&shell, 12); /* asked for anew */
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

/* A flipped bit in the folder: it is noticed when it is read, and had again. */
static void a_bundle_that_rotted_in_the_folder_is_fetched_again(void **state)
{
    char hash[BLOB_HASH_TEXT_BYTES], name[128];
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    start(&shell, 11);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);
    blob_hash_print(shell.bundle_hash, hash);
    snprintf(name, sizeof name, "dir/blobs/%s", hash);
    shell_file(&shell, name, "return nil");
    start(&shell, 12);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.blob_count, 4);
    shell_close(&shell);
}

static void a_bundle_that_nobody_has_fails_the_attempt(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell.bundle_hash[0] ^= 1;
    shell.refuses_blobs = true;
    start(&shell, 11);
    shell_await(&shell, MESSAGE_BLOB_GET);
    {
        Mrlua__BlobData data = MRLUA__BLOB_DATA__INIT;
        Mrlua__AttemptFailed *failed;

        data.hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, shell.bundle_hash};
        data.unknown = true;
        shell_send(&shell, MESSAGE_BLOB_DATA, &data.base);
        failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
        assert_int_equal(failed->error->kind, ERR_RETRY);
    }
    shell_close(&shell);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_comes_in_pieces_and_is_kept),
        cmocka_unit_test(a_cut_bundle_goes_on_where_it_was),
        cmocka_unit_test(a_damaged_bundle_is_not_run),
        cmocka_unit_test(a_bundle_that_rotted_in_the_folder_is_fetched_again),
        cmocka_unit_test(a_bundle_that_nobody_has_fails_the_attempt),
    };

    SHELL_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
