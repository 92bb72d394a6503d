/*
 * Any bytes: the run file reader accepts or refuses them without crashing. Because a checksum
 * refuses nearly all that a fuzzer makes, the same bytes are also read as a segment whose
 * checksums are put right first, so that what lies behind them is reached: block sizes, LZ4,
 * records across blocks.
 */
#include "fuzz.h"

#include "base/mem.h"
#include "record/run.h"
#include "record/run_format.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RECORD_COUNT_MAX = 100000 }; /* empty records of a bomb: enough seen */

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* Adds up every byte, so that each is read. */
static unsigned touch(struct slice bytes)
{
    unsigned sum = 0;

    for (size_t i = 0; i < bytes.len; i++)
        sum += (unsigned char)bytes.ptr[i];
    return sum;
}

static volatile unsigned sink;

static int file_of(const char *bytes, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    must(fd >= 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
    return fd;
}

static void inspect(const char *bytes, size_t len)
{
    int fd = file_of(bytes, len), rc;
    struct err err = {0};
    struct run_inspect *run = run_inspect_open(fd, len, "fuzz", &err);
    struct run_inspect_segment segment;
    struct record record;

    while (run && (rc = run_inspect_segment(run, &segment, &err)) != 0) {
        if (rc < 0)
            break;
        for (uint64_t count = 0; (rc = run_inspect_record(run, &record, &err)) == 1; count++) {
            must(count < segment.extent.record_count);
            sink = touch(record.key) + touch(record.value);
        }
        must(rc == 0); /* all of it was checked before */
    }
    must(run || err.kind == ERR_INPUT);
    run_inspect_close(run);
    close(fd);
}

/* Puts the checksums of a segment right, as far as its sizes lead. */
static void repair(char *bytes, size_t len, struct run_header *header)
{
    size_t at = RUN_HEADER_BYTES;

    run_header_decode(bytes, header);
    run_header_encode(bytes, header);
    for (uint32_t number = 0; len - at >= RUN_BLOCK_HEADER_BYTES; number++) {
        struct run_block block;

        if (!run_block_decode(bytes + at, &block) ||
            block.stored_bytes > len - at - RUN_BLOCK_HEADER_BYTES)
            return;
        run_block_encode(bytes + at, &block, header->crc, number,
                         bytes + at + RUN_BLOCK_HEADER_BYTES);
        at += RUN_BLOCK_HEADER_BYTES + block.stored_bytes;
    }
}

static void read_repaired(char *bytes, size_t len)
{
    struct run_header header;
    struct cursor *cursor;
    struct slice value;
    struct err err = {0};
    int fd, rc = -1;

    repair(bytes, len, &header);
    fd = file_of(bytes, len);
    cursor = segment_cursor_open(&(struct segment){.fd = fd,
                                                   .bytes = len,
                                                   .partition = header.partition,
                                                   .kind = ERR_INPUT,
                                                   .what = "fuzz"},
                                 &err);
    for (int count = 0; cursor && count < RECORD_COUNT_MAX; count++) {
        rc = cursor_next(cursor, &err);
        if (rc != 1)
            break;
        if (count % 3 == 2)
            continue; /* some values are skipped */
        rc = cursor_value(cursor, &value, &err);
        if (rc != 0)
            break;
        sink = touch(cursor->key) + touch(value);
    }
    must(rc >= 0 || err.kind == ERR_INPUT);
    cursor_close(cursor);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = mem_alloc(len + 1);

    if (len > 0)
        memcpy(copy, data, len);
    inspect(copy, len);
    if (len >= RUN_HEADER_BYTES)
        read_repaired(copy, len);
    free(copy);
    return 0;
}
