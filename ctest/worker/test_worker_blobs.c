/*
 * Bundles and side files: from the master into the folder, once.
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

/* The frame was whole, so the master's copy is not, or this machine's memory. */
static void what_comes_damaged_is_asked_for_once_more(void **state)
{
    struct shell shell;
    Mrlua__BlobGet *get;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell.refuses_blobs = true;
    start(&shell, 11);
    get = shell_await(&shell, MESSAGE_BLOB_GET);
    assert_false(get->came_damaged);
    put(&shell, (struct slice){0}, 0, 0); /* it is empty now */
    get = shell_await(&shell, MESSAGE_BLOB_GET);
    assert_true(get->came_damaged);
    assert_int_equal(get->offset, 0);
    put(&shell, slice_of(shell.bundle.ptr, 10), 0, shell.bundle.len);
    get = shell_await(&shell, MESSAGE_BLOB_GET);
    assert_false(get->came_damaged);
    assert_int_equal(get->offset, 10);
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

/* The master has not got it: that is the end of the job, by its kind. */
static void fails_with(struct shell *shell, uint64_t attempt, const char *trouble,
                       const char *message)
{
    Mrlua__BlobData data = MRLUA__BLOB_DATA__INIT;
    Mrlua__AttemptFailed *failed;

    start(shell, attempt);
    shell_await(shell, MESSAGE_BLOB_GET);
    data.hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, shell->bundle_hash};
    data.unknown = true;
    data.trouble = (char *)(uintptr_t)trouble;
    shell_send(shell, MESSAGE_BLOB_DATA, &data.base);
    failed = shell_await(shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->error->kind, ERR_SETUP);
    assert_string_equal(failed->error->message, message);
}

static void a_bundle_that_nobody_has_fails_the_attempt(void **state)
{
    struct shell shell;

    (void)state;
    shell_open(&shell);
    begin(&shell);
    shell.bundle_hash[0] ^= 1;
    shell.refuses_blobs = true;
    fails_with(&shell, 11, "", "the master has lost a file of this job (code): submit it again");
    fails_with(&shell, 12, "its copy was damaged",
               "a file of this job (code) cannot be had: its copy was damaged");
    shell_close(&shell);
}

/* ---- side files ---- */

static const char READ_A[] =
    "return { map = function(_, _, emit) emit(mr.open('a'):read 'a', 1) end,"
    "reduce = 'sum' }";

static void begin_side(struct shell *shell)
{
    shell_open(shell);
    shell_job(shell, READ_A);
    shell_worker(shell);
    shell_welcome(shell);
    shell_file(shell, "in", "a\n");
    shell_side_file(shell, "text of the side file");
}

static const char *side_name(const struct shell *shell)
{
    static char name[128];
    char hash[BLOB_HASH_TEXT_BYTES];

    blob_hash_print(shell->side_hash, hash);
    snprintf(name, sizeof name, "dir/blobs/%s", hash);
    return name;
}

static void a_side_file_comes_in_pieces_and_is_kept(void **state)
{
    struct shell shell;

    (void)state;
    begin_side(&shell);
    start(&shell, 11);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.blob_count, 4);
    assert_true(folder_has(&shell.folder, side_name(&shell)));
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);
    start(&shell, 12);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.blob_count, 4);
    shell_close(&shell);
}

/* Bytes that changed on the disk: the attempt finds them, the next one has good ones. (P5) */
static void a_side_file_that_rotted_in_the_folder_is_fetched_again(void **state)
{
    Mrlua__AttemptFailed *failed;
    struct shell shell;

    (void)state;
    begin_side(&shell);
    start(&shell, 11);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_heard(&shell, 11, MESSAGE_ATTEMPT_DONE);
    shell_file(&shell, side_name(&shell), "text of the side filE");
    start(&shell, 12);
    failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->error->kind, ERR_RETRY);
    assert_non_null(strstr(failed->error->message, "side file a: its copy on this machine"));
    shell_heard(&shell, 12, MESSAGE_ATTEMPT_FAILED);
    start(&shell, 13);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    assert_int_equal(shell.blob_count, 6);
    shell_close(&shell);
}

static void put_side(struct shell *shell, const char *bytes, uint64_t offset)
{
    Mrlua__BlobData data = MRLUA__BLOB_DATA__INIT;

    data.hash = shell->side.hash;
    data.offset = offset;
    data.total_bytes = shell->side.size;
    data.bytes = (ProtobufCBinaryData){strlen(bytes), (uint8_t *)(uintptr_t)bytes};
    shell_send(shell, MESSAGE_BLOB_DATA, &data.base);
}

/* The bundle is there, the side file is asked for. */
static void begin_waiting(struct shell *shell)
{
    begin_side(shell);
    start(shell, 11);
    shell_await(shell, MESSAGE_ATTEMPT_DONE);
    shell_heard(shell, 11, MESSAGE_ATTEMPT_DONE);
    shell_side_file(shell, "another side file");
    shell->refuses_blobs = true;
    start(shell, 12);
    assert_int_equal(((Mrlua__BlobGet *)shell_await(shell, MESSAGE_BLOB_GET))->offset, 0);
}

static void a_cut_side_file_goes_on_where_it_was(void **state)
{
    struct shell shell;

    (void)state;
    begin_waiting(&shell);
    put_side(&shell, "another", 0);
    assert_int_equal(((Mrlua__BlobGet *)shell_await(&shell, MESSAGE_BLOB_GET))->offset, 7);
    shell_cut(&shell);
    shell_welcome(&shell);
    assert_int_equal(((Mrlua__BlobGet *)shell_await(&shell, MESSAGE_BLOB_GET))->offset, 7);
    put_side(&shell, "another", 0); /* again: ignored */
    put_side(&shell, " side file", 7);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

static void a_side_file_that_comes_damaged_is_not_kept(void **state)
{
    Mrlua__AttemptFailed *failed;
    struct shell shell;

    (void)state;
    begin_waiting(&shell);
    put_side(&shell, "another sidE file", 0);
    assert_true(((Mrlua__BlobGet *)shell_await(&shell, MESSAGE_BLOB_GET))->came_damaged);
    put_side(&shell, "another sidE file", 0);
    failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->error->kind, ERR_RETRY);
    assert_non_null(strstr(failed->error->message, "damaged"));
    assert_false(folder_has(&shell.folder, side_name(&shell)));
    shell_close(&shell);
}

/* A master gives up what says nothing for two minutes, and large files take longer. */
static void an_attempt_that_waits_for_side_files_is_in_the_heartbeats(void **state)
{
    struct shell shell;

    (void)state;
    begin_waiting(&shell);
    message_free(shell.heartbeat);
    shell.heartbeat = NULL;
    shell_begin_wait(&shell);
    while (!shell.heartbeat || shell.heartbeat->n_attempts == 0)
        shell_turn(&shell);
    assert_int_equal(shell.heartbeat->attempts[0]->attempt, 12);
    assert_string_equal(shell.heartbeat->attempts[0]->progress->phase, "files");
    assert_true(shell.heartbeat->attempts[0]->progress->moved);
    put_side(&shell, "another side file", 0);
    shell_await(&shell, MESSAGE_ATTEMPT_DONE);
    shell_close(&shell);
}

/* A master that has a path for a worker to open has been taken over, or is another version. */
static void a_side_file_that_is_a_path_is_refused(void **state)
{
    Mrlua__AttemptFailed *failed;
    struct shell shell;

    (void)state;
    begin_side(&shell);
    shell.side.hash.len = 0;
    shell.side.path = shell.side.copy = (char *)(uintptr_t) "/etc/passwd";
    start(&shell, 11);
    failed = shell_await(&shell, MESSAGE_ATTEMPT_FAILED);
    assert_int_equal(failed->error->kind, ERR_SETUP);
    assert_string_equal(failed->error->message, "side file a: it is neither a blob nor an object");
    shell_close(&shell);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_comes_in_pieces_and_is_kept),
        cmocka_unit_test(a_cut_bundle_goes_on_where_it_was),
        cmocka_unit_test(what_comes_damaged_is_asked_for_once_more),
        cmocka_unit_test(a_damaged_bundle_is_not_run),
        cmocka_unit_test(a_bundle_that_rotted_in_the_folder_is_fetched_again),
        cmocka_unit_test(a_bundle_that_nobody_has_fails_the_attempt),
        cmocka_unit_test(a_side_file_comes_in_pieces_and_is_kept),
        cmocka_unit_test(a_side_file_that_rotted_in_the_folder_is_fetched_again),
        cmocka_unit_test(a_cut_side_file_goes_on_where_it_was),
        cmocka_unit_test(a_side_file_that_comes_damaged_is_not_kept),
        cmocka_unit_test(an_attempt_that_waits_for_side_files_is_in_the_heartbeats),
        cmocka_unit_test(a_side_file_that_is_a_path_is_refused),
    };

    SHELL_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
