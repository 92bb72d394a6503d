#include "record/golden_run.h"

#include "base/buf.h"
#include "base/io.h"
#include "fault/fault.h"

#include <errno.h>

#ifndef MRLUA_TINY /* other blocks there */
/* A difference here is a new version of the format: a new magic and a new file. */
static void the_golden_run_is_written_again(void **state)
{
    struct buf golden = {0}, got = {0};
    struct err err;
    int fd = kit_file();
    uint64_t bytes = golden_write(fd);

    (void)state;
    assert_int_equal(io_read_file(GOLDEN_RUN_PATH, 1 << 20, &golden, ERR_INPUT, &err), 0);
    assert_int_equal(pread(fd, buf_reserve(&got, bytes + 1), bytes + 1, 0), bytes);
    got.len = bytes;
    kit_assert_slice(buf_slice(&got), buf_slice(&golden));
    buf_deinit(&golden);
    buf_deinit(&got);
    close(fd);
}
#endif

static void what_is_written_is_read_back(void **state)
{
    struct rand rand = kit_rand("run_writer");

    (void)state;
    for (int round = 0; round < 40; round++) {
        uint32_t partition_count = 1 + (uint32_t)rand_below(&rand, 50), begun_count = 0;
        struct kit_list list = {0}, got = {0};
        struct run_writer *writer;
        struct err err;
        int fd = kit_file();
        char key[20], value[500];

        for (uint64_t n = rand_below(&rand, 100); n > 0; n--) {
            struct slice k = kit_bytes(&rand, key, sizeof key);

            kit_add(&list, (uint32_t)rand_below(&rand, partition_count), k,
                    kit_bytes(&rand, value, sizeof value));
        }
        kit_sort(&list);
        writer = run_writer_open(fd, &GOLDEN_ID, partition_count, "x", (struct pulse){0}, &err);
        assert_non_null(writer);
        for (size_t i = 0; i < list.count; i++) {
            if (list.records[i].partition >= begun_count) {
                assert_int_equal(run_writer_begin(writer, list.records[i].partition, &err), 0);
                begun_count = list.records[i].partition + 1;
            }
            assert_int_equal(
                run_writer_append(writer, list.records[i].key, list.records[i].value, &err), 0);
        }
        assert_int_equal(run_writer_finish(writer, &err), 0);
        assert_int_equal(golden_read(fd, run_writer_bytes(writer), &got, &err), 0);
        kit_assert_equal(&got, &list);
        assert_int_equal(run_writer_segments(writer)[0].offset, 0);
        run_writer_close(writer);
        kit_clear(&list);
        kit_clear(&got);
        close(fd);
    }
}

static int write_some(int fd, struct err *err)
{
    struct run_writer *writer =
        run_writer_open(fd, &GOLDEN_ID, 3, "run of map 5", (struct pulse){0}, err);
    char *noise = mem_alloc(3 * RUN_BLOCK_BYTES);
    struct rand rand;
    int rc = -1;

    rand_init(&rand, 1);
    for (size_t i = 0; i < 3 * RUN_BLOCK_BYTES; i++)
        noise[i] = (char)rand_next(&rand);
    if (writer && run_writer_begin(writer, 1, err) == 0 &&
        run_writer_append(writer, slice_of("k", 1), slice_of(noise, 3 * RUN_BLOCK_BYTES), err) == 0)
        rc = run_writer_finish(writer, err);
    run_writer_close(writer);
    free(noise);
    return rc;
}

static void every_failure_is_reported(void **state)
{
    static const enum fault_call calls[] = {FAULT_WRITE, FAULT_ALLOC};

    (void)state;
    for (int i = 0; i < 2; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct err err = {0};
            int fd = kit_file(), rc;

            if (calls[i] == FAULT_ALLOC && nth == 4) { /* four: the noise is the test's own */
                close(fd);
                break;
            }
            fault_arm(calls[i], nth, ENOSPC);
            rc = write_some(fd, &err);
            close(fd);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, calls[i] == FAULT_WRITE ? ERR_DISK : ERR_LIMIT);
            assert_non_null(strstr(err.message, "write run of map 5"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef MRLUA_TINY
        cmocka_unit_test(the_golden_run_is_written_again),
#endif
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
