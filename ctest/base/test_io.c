#include "base/io.h"

#include "base/buf.h"
#include "fault/fault.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* A folder of its own with a file in it that holds "0123456789". */
struct place {
    char folder[PATH_BYTES - 100];
    char file[PATH_BYTES];
    char other[PATH_BYTES];
    int fd;
};

static void place_make(struct place *place)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(place->folder, sizeof place->folder, "%s/mrlua-io-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof place->file, "%s/file", place->folder);
    snprintf(place->other, sizeof place->other, "%s/other", place->folder);
    place->fd = open(place->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(place->fd >= 0);
    assert_int_equal(pwrite(place->fd, "0123456789", 10, 0), 10);
}

static void place_remove(struct place *place)
{
    io_close(&place->fd);
    unlink(place->file);
    unlink(place->other);
    assert_int_equal(rmdir(place->folder), 0);
}

static void reads_are_whole_though_the_system_is_not(void **state)
{
    struct place place;
    struct err err = {0};
    char out[11] = "";

    (void)state;
    place_make(&place);
    fault_shorten(FAULT_READ, 3);
    assert_int_equal(io_read(place.fd, out, 10, "file", ERR_INPUT, &err), 10);
    assert_string_equal(out, "0123456789");
    assert_int_equal(io_pread(place.fd, out, 5, 4, "file", ERR_INPUT, &err), 5);
    assert_memory_equal(out, "45678", 5);
    fault_disarm();
    place_remove(&place);
}

static void reads_are_short_only_at_the_end(void **state)
{
    struct place place;
    struct err err = {0};
    char out[100];

    (void)state;
    place_make(&place);
    assert_int_equal(io_read(place.fd, out, sizeof out, "file", ERR_INPUT, &err), 10);
    assert_int_equal(io_read(place.fd, out, sizeof out, "file", ERR_INPUT, &err), 0);
    assert_int_equal(io_pread(place.fd, out, 8, 7, "file", ERR_INPUT, &err), 3);
    assert_int_equal(io_pread(place.fd, out, 8, 99, "file", ERR_INPUT, &err), 0);
    place_remove(&place);
}

static void writes_are_whole_though_the_system_is_not(void **state)
{
    struct place place;
    struct err err = {0};
    char out[14];

    (void)state;
    place_make(&place);
    fault_shorten(FAULT_WRITE, 3);
    assert_int_equal(io_write(place.fd, "abcdefghij", 10, "file", ERR_RETRY, &err), 0);
    assert_int_equal(io_pwrite(place.fd, "KLMNOPQ", 7, 7, "file", &err), 0);
    fault_disarm();
    assert_int_equal(pread(place.fd, out, sizeof out, 0), 14);
    assert_memory_equal(out, "abcdefgKLMNOPQ", 14);
    place_remove(&place);
}

/* Every system call of one round, in turn, meets a signal. */
static void signals_are_nobodys_failure(void **state)
{
    struct place place;
    struct err err = {0};
    char out[10];

    (void)state;
    place_make(&place);
    for (uint32_t nth = 0; nth < 4; nth++) {
        fault_shorten(FAULT_READ, 3);
        fault_arm(FAULT_READ, nth, EINTR);
        assert_int_equal(io_pread(place.fd, out, 10, 0, "file", ERR_INPUT, &err), 10);
        assert_true(fault_disarm());
        assert_memory_equal(out, "0123456789", 10);
        assert_int_equal(lseek(place.fd, 0, SEEK_SET), 0);
        fault_arm(FAULT_READ, nth % 2, EINTR);
        fault_shorten(FAULT_READ, 5);
        assert_int_equal(io_read(place.fd, out, 10, "file", ERR_INPUT, &err), 10);
        assert_true(fault_disarm());
        fault_shorten(FAULT_WRITE, 3);
        fault_arm(FAULT_WRITE, nth, EINTR);
        assert_int_equal(io_pwrite(place.fd, "0123456789", 10, 0, "file", &err), 0);
        assert_true(fault_disarm());
    }
    place_remove(&place);
}

static void a_failed_read_has_the_callers_kind_and_name(void **state)
{
    struct place place;
    struct err err = {0};
    char out[10];

    (void)state;
    place_make(&place);
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(io_read(place.fd, out, 10, "the book", ERR_INPUT, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message, "read the book: Input/output error");
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(io_pread(place.fd, out, 10, 0, "a run", ERR_PEER, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_PEER);
    place_remove(&place);
}

static void a_full_disk_is_the_disks_fault_and_a_broken_pipe_is_not(void **state)
{
    struct place place;
    struct err err = {0};

    (void)state;
    place_make(&place);
    fault_shorten(FAULT_WRITE, 4);
    fault_arm(FAULT_WRITE, 2, ENOSPC);
    assert_int_equal(io_write(place.fd, "abcdefghij", 10, "part", ERR_RETRY, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    assert_string_equal(err.message, "write part: No space left on device");
    fault_arm(FAULT_WRITE, 0, EPIPE);
    assert_int_equal(io_write(place.fd, "a", 1, "socket", ERR_RETRY, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_RETRY);
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(io_pwrite(place.fd, "a", 1, 0, "spill", &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    place_remove(&place);
}

/* A second fsync after a failed one answers 0 and means nothing. */
static void a_failed_fsync_is_reported_and_not_asked_again(void **state)
{
    struct place place;
    struct err err = {0};

    (void)state;
    place_make(&place);
    assert_int_equal(io_fsync(place.fd, "part", &err), 0);
    fault_arm(FAULT_FSYNC, 0, EINTR);
    assert_int_equal(io_fsync(place.fd, "part", &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    place_remove(&place);
}

static void fsync_of_a_folder_reports_every_failure(void **state)
{
    const enum fault_call calls[] = {FAULT_OPEN, FAULT_FSYNC};
    struct place place;
    struct err err = {0};

    (void)state;
    place_make(&place);
    for (int i = 0; i < 2; i++) {
        fault_arm(calls[i], 0, EIO);
        assert_int_equal(io_fsync_folder(place.folder, &err), -1);
        assert_true(fault_disarm());
        assert_int_equal(err.kind, ERR_DISK);
        assert_non_null(strstr(err.message, place.folder));
    }
    assert_int_equal(io_fsync_folder(place.folder, &err), 0);
    place_remove(&place);
}

static void a_failed_rename_names_both_ends(void **state)
{
    struct place place;
    struct err err = {0};

    (void)state;
    place_make(&place);
    fault_arm(FAULT_RENAME, 0, EXDEV);
    assert_int_equal(io_rename(place.file, place.other, &err), -1);
    assert_true(fault_disarm());
    assert_non_null(strstr(err.message, place.file));
    assert_non_null(strstr(err.message, place.other));
    assert_int_equal(io_rename(place.file, place.other, &err), 0);
    assert_int_equal(access(place.other, F_OK), 0);
    place_remove(&place);
}

static void read_file_takes_all_of_a_file_within_its_limit(void **state)
{
    struct place place;
    struct err err = {0};
    struct buf out = {0};

    (void)state;
    place_make(&place);
    buf_append_string(&out, "<");
    assert_int_equal(io_read_file(place.file, 10, &out, ERR_SETUP, &err), 0);
    assert_string_equal(buf_string(&out), "<0123456789");
    assert_int_equal(io_read_file(place.file, 9, &out, ERR_SETUP, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(out.len, 11);
    buf_deinit(&out);
    place_remove(&place);
}

static void read_file_reports_every_failure_and_leaks_no_descriptor(void **state)
{
    const enum fault_call calls[] = {FAULT_OPEN, FAULT_READ};
    struct place place;
    struct err err = {0};
    struct buf out = {0};
    int first_free, still_free;

    (void)state;
    place_make(&place);
    first_free = dup(place.fd);
    close(first_free);
    for (int i = 0; i < 2; i++) {
        fault_arm(calls[i], 0, EIO);
        assert_int_equal(io_read_file(place.file, 10, &out, ERR_INPUT, &err), -1);
        assert_true(fault_disarm());
        assert_int_equal(err.kind, ERR_INPUT);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(io_read_file(place.other, 10, &out, ERR_INPUT, &err), -1);
    still_free = dup(place.fd);
    close(still_free);
    assert_int_equal(still_free, first_free);
    buf_deinit(&out);
    place_remove(&place);
}

static void close_is_safe_twice(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), was = fd;

    (void)state;
    io_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(fcntl(was, F_GETFD), -1);
    io_close(&fd);
    assert_int_equal(fd, -1);
}

static void folders_are_made_down_to_the_last_slash(void **state)
{
    static const char *const made[] = {"/a/b/c", "/a/b", "/a"};
    struct place place;
    struct err err = {0};
    char path[PATH_BYTES + 20];

    (void)state;
    place_make(&place);
    snprintf(path, sizeof path, "%s/a/b/c/name", place.folder);
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(io_make_folders(path, 0700, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/x/name", place.file);
    assert_int_equal(io_make_folders(path, 0700, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "/file/x: Not a directory"));
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%s%s", place.folder, made[i]);
        assert_int_equal(rmdir(path), 0);
    }
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_whole_though_the_system_is_not),
        cmocka_unit_test(reads_are_short_only_at_the_end),
        cmocka_unit_test(writes_are_whole_though_the_system_is_not),
        cmocka_unit_test(signals_are_nobodys_failure),
        cmocka_unit_test(a_failed_read_has_the_callers_kind_and_name),
        cmocka_unit_test(a_full_disk_is_the_disks_fault_and_a_broken_pipe_is_not),
        cmocka_unit_test(a_failed_fsync_is_reported_and_not_asked_again),
        cmocka_unit_test(fsync_of_a_folder_reports_every_failure),
        cmocka_unit_test(a_failed_rename_names_both_ends),
        cmocka_unit_test(folders_are_made_down_to_the_last_slash),
        cmocka_unit_test(read_file_takes_all_of_a_file_within_its_limit),
        cmocka_unit_test(read_file_reports_every_failure_and_leaks_no_descriptor),
        cmocka_unit_test(close_is_safe_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
