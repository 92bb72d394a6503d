#include "test.h"

#include "rpc/message.h"

#include <stdlib.h>

static void test_round_trip(void **state)
{
    Mrlua__Piece piece = MRLUA__PIECE__INIT, *pieces[] = {&piece, &piece};
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT, *back;
    struct buf packed = {0};
    struct err err;

    (void)state;
    piece.path = "a.txt";
    piece.offset = UINT64_MAX;
    piece.mtime_ns = -1;
    start.kind = MRLUA__TASK_KIND__MAP;
    start.attempt = 7;
    start.pieces = pieces;
    start.n_pieces = 2;
    start.bundle = (ProtobufCBinaryData){3, (uint8_t *)"a\0b"};
    message_pack(&packed, &start.base);
    back = message_unpack(&mrlua__task_start__descriptor, buf_slice(&packed), &err);
    assert_non_null(back);
    assert_int_equal(back->kind, MRLUA__TASK_KIND__MAP);
    assert_int_equal(back->n_pieces, 2);
    assert_string_equal(back->pieces[1]->path, "a.txt");
    assert_true(back->pieces[1]->offset == UINT64_MAX);
    assert_int_equal(back->pieces[1]->mtime_ns, -1);
    assert_int_equal(back->bundle.len, 3);
    assert_memory_equal(back->bundle.data, "a\0b", 3);
    message_free(back);
    buf_deinit(&packed);
}

static void test_empty_message(void **state)
{
    struct err err;
    Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, slice_of(NULL, 0), &err);

    (void)state;
    assert_non_null(done);
    assert_int_equal(done->records, 0);
    message_free(done);
}

/* Whatever the bytes are, it is a message or an error: nothing is read beyond them (ASan sees). */
static void test_hostile_bytes(void **state)
{
    Mrlua__Failed failed = MRLUA__FAILED__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;
    struct buf good = {0};
    struct err err;

    (void)state;
    error.kind = ERR_JOB;
    error.message = "message";
    error.detail = "detail";
    failed.error = &error;
    message_pack(&good, &failed.base);
    for (size_t len = 0; len < good.len; len++) {
        char *copy = malloc(len + 1);

        assert_non_null(copy);
        for (unsigned bit = 0; bit < 8 * len; bit++) {
            memcpy(copy, good.ptr, len);
            copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
            message_free(message_unpack(&mrlua__failed__descriptor, slice_of(copy, len), &err));
        }
        free(copy);
    }
    assert_null(message_unpack(&mrlua__failed__descriptor, slice_of(good.ptr, good.len - 1), &err));
    assert_int_equal(err.kind, ERR_RETRY);
    assert_string_equal(err.message, "message: 20 bytes are no Failed");
    buf_deinit(&good);
}

/* A short payload that would become a hundred times its size in memory. */
static void test_blown_up(void **state)
{
    size_t count = 100 * 1000;
    struct buf bytes = {0};
    struct err err;

    (void)state;
    /* TaskStart.pieces (17): tag 0x8a 0x01, length 0: an empty piece in three bytes. */
    for (size_t i = 0; i < count; i++)
        buf_append(&bytes, "\x8a\x01\x00", 3);
    assert_null(message_unpack(&mrlua__task_start__descriptor, buf_slice(&bytes), &err));
    /* An honest table of that many segments is fine. */
    buf_clear(&bytes);
    {
        Mrlua__Segment segment = MRLUA__SEGMENT__INIT, **list = malloc(count * sizeof *list);
        Mrlua__SegmentTable table = MRLUA__SEGMENT_TABLE__INIT, *back;

        assert_non_null(list);
        segment.map = 1;
        segment.attempt = 1;
        segment.offset = 1;
        segment.bytes = 52;
        for (size_t i = 0; i < count; i++)
            list[i] = &segment;
        table.segments = list;
        table.n_segments = count;
        message_pack(&bytes, &table.base);
        back = message_unpack(&mrlua__segment_table__descriptor, buf_slice(&bytes), &err);
        assert_non_null(back);
        assert_int_equal(back->n_segments, count);
        message_free(back);
        free(list);
    }
    buf_deinit(&bytes);
}

static void test_errors(void **state)
{
    struct err err, back;
    Mrlua__Error message;

    (void)state;
    err_set(&err, ERR_DISK, "no room");
    message_of_err(&message, &err, NULL);
    assert_string_equal(message.detail, "");
    message_to_err(&message, &back);
    assert_int_equal(back.kind, ERR_DISK);
    assert_string_equal(back.message, "no room");
    /* Of a newer version, or nonsense. */
    message.kind = ERR_KIND_COUNT;
    message_to_err(&message, &back);
    assert_int_equal(back.kind, ERR_RETRY);
    message.kind = ERR_NONE;
    message_to_err(&message, &back);
    assert_int_equal(back.kind, ERR_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_empty_message),
        cmocka_unit_test(test_hostile_bytes), cmocka_unit_test(test_blown_up),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
