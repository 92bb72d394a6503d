/*
 * golden_run: the records of ctest/golden/run_v1.run, for the test that reads it and the one that
 * writes the same bytes. A new version of the format gets a new file beside it.
 */
#ifndef CTEST_RECORD_GOLDEN_RUN_H
#define CTEST_RECORD_GOLDEN_RUN_H

#include "record/sort_kit.h"

#include <fcntl.h>

#define GOLDEN_RUN_PATH SOURCE_DIR "/ctest/golden/run_v1.run"

enum { GOLDEN_PARTITIONS = 4 };

static const struct run_id GOLDEN_ID = {
    .job = 0x1122334455667788, .attempt = 0x99aabbccddeeff00, .task = 0x12345678};

/* Partition 0: small records. 1: none. 2: a value across blocks, which compresses. 3: one that
 * does not. */
static inline struct kit_list golden_records(void)
{
    struct kit_list list = {0};
    struct rand rand;
    char noise[300], *letters = mem_alloc(RUN_BLOCK_BYTES_MAX + 1000);

    kit_add(&list, 0, slice_of_string(""), slice_of_string("the empty key"));
    kit_add(&list, 0, slice_of_string("apple"), slice_of_string("1"));
    kit_add(&list, 0, slice_of_string("apple"), slice_of_string(""));
    memset(letters, 'a', RUN_BLOCK_BYTES_MAX + 1000);
    kit_add(&list, 2, slice_of_string("pear"), slice_of(letters, RUN_BLOCK_BYTES_MAX + 1000));
    kit_add(&list, 2, slice_of_string("plum"), slice_of("\0\1\2", 3));
    rand_init(&rand, 2026);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)rand_next(&rand);
    kit_add(&list, 3, slice_of(noise, 20), slice_of(noise, sizeof noise));
    free(letters);
    return list;
}

/* Writes them as a run into an empty file; its size. */
static inline uint64_t golden_write(int fd)
{
    struct kit_list list = golden_records();
    struct err err;
    struct run_writer *writer =
        run_writer_open(fd, &GOLDEN_ID, GOLDEN_PARTITIONS, "golden", (struct pulse){0}, &err);
    uint32_t begun_count = 0;
    uint64_t bytes;

    assert_non_null(writer);
    for (size_t i = 0; i < list.count; i++) {
        const struct kit_record *record = &list.records[i];

        if (record->partition >= begun_count) {
            assert_int_equal(run_writer_begin(writer, record->partition, &err), 0);
            begun_count = record->partition + 1;
        }
        assert_int_equal(run_writer_append(writer, record->key, record->value, &err), 0);
    }
    assert_int_equal(run_writer_finish(writer, &err), 0);
    bytes = run_writer_bytes(writer);
    run_writer_close(writer);
    kit_clear(&list);
    return bytes;
}

/* All records of a run, partition by partition. 0 or -1. */
static inline int golden_read(int fd, uint64_t bytes, struct kit_list *got, struct err *err)
{
    struct run_inspect *inspect = run_inspect_open(fd, bytes, "run x", err);
    struct run_inspect_segment segment;
    struct record record;
    int rc = -1;

    while (inspect && (rc = run_inspect_segment(inspect, &segment, err)) == 1) {
        while ((rc = run_inspect_record(inspect, &record, err)) == 1)
            kit_add(got, segment.partition, record.key, record.value);
        if (rc != 0)
            break;
    }
    run_inspect_close(inspect);
    return rc;
}

#endif
