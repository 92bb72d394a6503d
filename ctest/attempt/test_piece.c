#include "attempt/piece.h"

#include "base/io.h"
#include "base/rand.h"
#include "fault/fault.h"
#include "folder.h"

#include <errno.h>

enum { FILE_BYTES = 5 * PIECE_BYTES + 7 };

static int open_file(void)
{
    struct folder folder;
    int fd;

    folder_make(&folder);
    fd = open(folder_path(&folder, "file"), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    folder_remove(&folder);
    return fd;
}

/* Puts bytes[from .. to) into the file at the same offset, in portions of at most `max`. */
static void put(struct piece *piece, const char *bytes, size_t from, size_t to, size_t max)
{
    struct err err;

    piece_begin(piece, from);
    while (from < to) {
        size_t room_bytes, count;
        void *room = piece_room(piece, &room_bytes);

        assert_in_range(room_bytes, 1, PIECE_BYTES);
        count = room_bytes < max ? room_bytes : max;
        count = count < to - from ? count : to - from;
        memcpy(room, bytes + from, count);
        assert_int_equal(piece_add(piece, count, &err), 0);
        from += count;
    }
    assert_int_equal(piece_flush(piece, &err), 0);
}

static char *random_bytes(void)
{
    char *bytes = malloc(FILE_BYTES);
    struct rand rand;

    assert_non_null(bytes);
    rand_init(&rand, 1);
    for (size_t i = 0; i < FILE_BYTES; i++)
        bytes[i] = (char)rand_below(&rand, 256);
    return bytes;
}

static void what_was_put_in_portions_is_in_the_file_whole(void **state)
{
    const size_t ends[] = {0, 1, PIECE_BYTES - 1, 3 * PIECE_BYTES, 3 * PIECE_BYTES + 5, FILE_BYTES};
    const size_t portions[] = {PIECE_BYTES / 7, PIECE_BYTES, SIZE_MAX};
    char *bytes = random_bytes(), *got = malloc(FILE_BYTES);
    struct err err;

    (void)state;
    assert_non_null(got);
    for (size_t i = 0; i < sizeof portions / sizeof portions[0]; i++) {
        struct piece piece = {.fd = open_file()};

        for (size_t end = 0; end + 1 < sizeof ends / sizeof ends[0]; end++)
            put(&piece, bytes, ends[end], ends[end + 1], portions[i]);
        piece_deinit(&piece);
        assert_int_equal(io_pread(piece.fd, got, FILE_BYTES, 0, "it", ERR_DISK, &err), FILE_BYTES);
        assert_memory_equal(got, bytes, FILE_BYTES);
        close(piece.fd);
    }
    free(bytes);
    free(got);
}

/* Every write but the first and the last is a whole piece, at a multiple of its size. So there are
 * six: a seventh would fail. */
static void all_writes_between_the_first_and_the_last_are_whole_pieces(void **state)
{
    char *bytes = random_bytes();
    struct piece piece = {.fd = open_file()};

    (void)state;
    fault_arm(FAULT_WRITE, 6, ENOSPC);
    put(&piece, bytes, 5, FILE_BYTES, PIECE_BYTES / 7);
    assert_false(fault_disarm());
    piece_deinit(&piece);
    close(piece.fd);
    free(bytes);
}

static void a_full_disk_is_told(void **state)
{
    struct piece piece = {.fd = open_file()};
    size_t room_bytes;
    struct err err = {0};

    (void)state;
    piece_begin(&piece, 0);
    memset(piece_room(&piece, &room_bytes), 'x', PIECE_BYTES);
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(piece_add(&piece, PIECE_BYTES, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    piece_begin(&piece, PIECE_BYTES);
    piece_room(&piece, &room_bytes);
    assert_int_equal(piece_add(&piece, 1, &err), 0);
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(piece_flush(&piece, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(piece_flush(&piece, &err), 0); /* nothing is left */
    piece_deinit(&piece);
    close(piece.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_portions_is_in_the_file_whole),
        cmocka_unit_test(all_writes_between_the_first_and_the_last_are_whole_pieces),
        cmocka_unit_test(a_full_disk_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
