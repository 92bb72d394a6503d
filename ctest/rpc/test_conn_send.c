#include "conn_kit.h"

#include <stdlib.h>

enum { FILE_BYTES = 8 * 1024 * 1024 };

/* A file of bytes that tell where they are, unlinked. */
static int make_file(size_t bytes)
{
    char block[4096];
    char path[] = "/tmp/mrlua-test-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    for (size_t at = 0; at < bytes; at += sizeof block) {
        size_t len = bytes - at < sizeof block ? bytes - at : sizeof block;

        for (size_t i = 0; i < len; i++)
            block[i] = (char)((at + i) * 2654435761U >> 13);
        assert_int_equal(write(fd, block, len), (ssize_t)len);
    }
    return fd;
}

static uint32_t crc_of_range(int fd, uint64_t offset, size_t len)
{
    char *bytes = malloc(len);
    uint32_t crc;

    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, len, (off_t)offset), (ssize_t)len);
    crc = crc32c(0, bytes, len);
    free(bytes);
    return crc;
}

/* In these tests an Answer says, in its id, how many raw bytes follow. */
static void expect_raw(struct heard *heard, const struct frame *frame)
{
    if (frame->type == MESSAGE_ANSWER && frame->request_id > 0)
        conn_expect_raw(heard->conn, frame->request_id);
}

static void announce(struct kit *kit, uint64_t bytes)
{
    Mrlua__Answer answer = MRLUA__ANSWER__INIT;

    conn_send(kit->server.conn, MESSAGE_ANSWER, bytes, &answer.base);
}

static bool number_of_messages_came(struct kit *kit)
{
    return kit->client.messages == kit->number;
}

static bool file_came(struct kit *kit)
{
    return kit->client.raw_bytes == FILE_BYTES - 1000 && kit->server.drained > 0;
}

/* 8 MB from an offset, between two messages; not a byte of it in our memory. */
static void test_file(void **state)
{
    int fd = make_file(FILE_BYTES), before;
    uint32_t crc = crc_of_range(fd, 1000, FILE_BYTES - 1000);
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    kit.client.on_message = expect_raw;
    before = open_fd_count();
    announce(&kit, FILE_BYTES - 1000);
    conn_send_file_take(kit.server.conn, dup(fd), 1000, FILE_BYTES - 1000);
    announce(&kit, 0);
    assert_true(conn_output_bytes(kit.server.conn) > FILE_BYTES - 1000);
    kit_await(&kit, file_came);
    assert_int_equal(kit.client.raw_crc, crc);
    kit.number = 2;
    kit_await(&kit, number_of_messages_came);
    assert_true(conn_output_bytes(kit.server.conn) == 0);
    assert_int_equal(open_fd_count(), before); /* the descriptor was closed */
    kit_close(&kit);
    close(fd);
}

static bool all_pieces_came(struct kit *kit)
{
    return kit->client.messages == kit->number && kit->client.raw_bytes == FILE_BYTES;
}

/* Many pieces of files: more than the limit of what may wait, because files cost nothing. */
static void test_many_pieces(void **state)
{
    enum { PIECES = 64, PIECE_BYTES = FILE_BYTES / PIECES };
    struct listener_options options = {.conn.output_bytes_max = 64 * 1024};
    int fd = make_file(FILE_BYTES);
    uint32_t crc = crc_of_range(fd, 0, FILE_BYTES);
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    kit_open_both(&kit, ROLE_WORKER);
    kit.client.on_message = expect_raw;
    kit.number = PIECES + 1;
    for (uint64_t i = 0; i < PIECES; i++) {
        announce(&kit, PIECE_BYTES);
        conn_send_file_take(kit.server.conn, dup(fd), i * PIECE_BYTES, PIECE_BYTES);
    }
    conn_send_file_take(kit.server.conn, dup(fd), 0, 0); /* nothing */
    announce(&kit, 0);
    kit_await(&kit, all_pieces_came);
    assert_int_equal(kit.client.raw_crc, crc);
    kit_close(&kit);
    close(fd);
}

/* A file that is shorter than was said: the connection ends, nothing else takes its place. */
static void test_short_file(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    kit.client.on_message = expect_raw;
    announce(&kit, 100 * 1000 + 1);
    conn_send_file_take(kit.server.conn, make_file(100 * 1000), 0, 100 * 1000 + 1);
    announce(&kit, 0);
    kit_await(&kit, both_are_closed);
    assert_non_null(strstr(kit.server.err.message, "ended early"));
    assert_non_null(strstr(kit.client.err.message, "cut inside a message"));
    assert_true(kit.client.raw_bytes <= 100 * 1000);
    assert_int_equal(kit.client.messages, 1);
    kit_close(&kit);
}

/* Closed with a file on its way: its descriptor too. */
static void test_close_with_file(void **state)
{
    int before = open_fd_count();
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    raw_authenticate(&kit, ROLE_WORKER);
    conn_send_file_take(kit.server.conn, make_file(FILE_BYTES), 0, FILE_BYTES);
    kit_await(&kit, raw_has_bytes);
    kit_close(&kit);
    assert_int_equal(open_fd_count(), before);
}

static void finish_now(struct heard *heard, const struct frame *frame)
{
    (void)frame;
    conn_finish(heard->conn);
    heard->conn = NULL;
}

/* conn_finish() sends files to their end as well. */
static void test_finish_with_file(void **state)
{
    int fd = make_file(FILE_BYTES);
    uint32_t crc = crc_of_range(fd, 0, FILE_BYTES);
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    kit.client.on_message = expect_raw;
    kit.server.on_message = finish_now;
    announce(&kit, FILE_BYTES);
    conn_send_file_take(kit.server.conn, dup(fd), 0, FILE_BYTES);
    say(kit.client.conn, 1, "enough");
    kit_await(&kit, client_is_closed);
    assert_true(kit.client.raw_bytes == FILE_BYTES);
    assert_int_equal(kit.client.raw_crc, crc);
    kit_close(&kit);
    close(fd);
}

static void say_blob(struct conn *conn, size_t bytes)
{
    static uint8_t zeros[256 * 1024];
    Mrlua__BlobData blob = MRLUA__BLOB_DATA__INIT;

    blob.bytes.data = zeros;
    blob.bytes.len = bytes;
    conn_send(conn, MESSAGE_BLOB_DATA, 1, &blob.base);
}

static bool has_stood_still(struct kit *kit)
{
    uint64_t bytes = conn_output_bytes(kit->server.conn);

    if (bytes != (uint64_t)kit->number) { /* the kernel's buffers are still being filled */
        kit->number = (int)bytes;
        kit->begin_ns = clock_monotonic_ns();
    }
    return clock_monotonic_ns() - kit->begin_ns > 20 * NS_PER_MS;
}

/* A peer that takes nothing is dropped when 8 MiB wait for it, and conn_send() never blocks. */
static void test_high_water(void **state)
{
    struct kit kit;
    int count = 0;

    (void)state;
    kit_open(&kit, NULL);
    raw_authenticate(&kit, ROLE_WORKER);
    while (conn_output_bytes(kit.server.conn) <= CONN_OUTPUT_BYTES_MAX)
        say_blob(kit.server.conn, 256 * 1024);
    kit_await(&kit, has_stood_still);
    while (conn_output_bytes(kit.server.conn) <= CONN_OUTPUT_BYTES_MAX)
        say_blob(kit.server.conn, 256 * 1024);
    assert_int_equal(kit.server.closed, 0);
    for (; count < 100; count++) /* all but the first do nothing */
        say_blob(kit.server.conn, 1);
    conn_send_file_take(kit.server.conn, make_file(10), 0, 10);
    assert_int_equal(kit.server.closed, 0); /* never from inside a call */
    kit_await(&kit, server_is_closed);
    assert_non_null(strstr(kit.server.err.message, "it does not take them"));
    assert_int_equal(kit.server.closed, 1);
    kit_close(&kit);
}

/* One message may be as large as it likes to be, within the other end's limit. */
static void test_large_message(void **state)
{
    struct listener_options options = {.conn.output_bytes_max = 1};
    static uint8_t bytes[CONN_MESSAGE_BYTES_MAX - 64];
    Mrlua__BlobData blob = MRLUA__BLOB_DATA__INIT;
    struct kit kit;

    (void)state;
    blob.bytes.data = bytes;
    blob.bytes.len = sizeof bytes;
    kit_open(&kit, &options);
    kit_open_both(&kit, ROLE_WORKER);
    conn_send(kit.server.conn, MESSAGE_BLOB_DATA, 1, &blob.base);
    kit.number = 1;
    kit_await(&kit, number_of_messages_came);
    assert_int_equal(kit.client.closed + kit.server.closed, 0);
    kit_close(&kit);
}

/* Less than the limit waits, and not a byte of it is taken. */
static void test_stalled(void **state)
{
    struct listener_options options = {.conn.stalled_ns_max = 50 * NS_PER_MS};
    struct kit kit;

    (void)state;
    kit_open(&kit, &options);
    raw_authenticate(&kit, ROLE_WORKER);
    while (conn_output_bytes(kit.server.conn) < CONN_OUTPUT_BYTES_MAX)
        say_blob(kit.server.conn, 256 * 1024);
    kit_await(&kit, server_is_closed);
    assert_non_null(strstr(kit.server.err.message, "takes nothing"));
    kit_close(&kit);
}

static bool server_drained(struct kit *kit)
{
    return kit->server.drained >= kit->number;
}

/* `drained` comes after each time that something was sent. */
static void test_drained(void **state)
{
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    kit_open_both(&kit, ROLE_WORKER);
    for (int i = 1; i <= 5; i++) {
        kit.number = kit.server.drained + 1;
        announce(&kit, 0);
        kit_await(&kit, server_drained);
    }
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_many_pieces),
        cmocka_unit_test(test_short_file),
        cmocka_unit_test(test_close_with_file),
        cmocka_unit_test(test_finish_with_file),
        cmocka_unit_test(test_high_water),
        cmocka_unit_test(test_large_message),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_drained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
