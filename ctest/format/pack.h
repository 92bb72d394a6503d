/*
 * pack: compressed test data, and inputs made of bytes.
 */
#ifndef CTEST_FORMAT_PACK_H
#define CTEST_FORMAT_PACK_H

#include "base/buf.h"
#include "format/source.h"
#include "test.h"

#include <isa-l/igzip_lib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

/* Appends one gzip member. */
static inline void pack_gzip(struct buf *out, struct slice bytes)
{
    struct isal_zstream stream;

    isal_deflate_stateless_init(&stream);
    stream.gzip_flag = IGZIP_GZIP;
    stream.next_in = (uint8_t *)(uintptr_t)bytes.ptr;
    stream.avail_in = (uint32_t)bytes.len;
    stream.end_of_stream = 1;
    stream.avail_out = (uint32_t)(bytes.len + bytes.len / 8 + 1024);
    stream.next_out = (uint8_t *)buf_reserve(out, stream.avail_out);
    assert_int_equal(isal_deflate_stateless(&stream), COMP_OK);
    out->len += stream.total_out;
}

/* Appends one zstd frame with a checksum. `window_log` 0: zstd's choice. */
static inline void pack_zstd(struct buf *out, struct slice bytes, int window_log)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(bytes.len);
    size_t len;

    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    if (window_log) {
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    }
    if (window_log) {
        ZSTD_inBuffer in = {.src = bytes.ptr, .size = bytes.len};
        ZSTD_outBuffer to = {.dst = buf_reserve(out, room + 64), .size = room + 64};

        assert_int_equal(ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_flush) != 0, 0);
        assert_int_equal(ZSTD_compressStream2(zstd, &to, &in, ZSTD_e_end), 0);
        len = to.pos;
    } else {
        len = ZSTD_compress2(zstd, buf_reserve(out, room), room, bytes.ptr, bytes.len);
    }
    assert_false(ZSTD_isError(len));
    out->len += len;
    ZSTD_freeCCtx(zstd);
}

/* The bytes as a whole input in memory. Close its .fd. */
static inline struct source_input pack_input(const char *name, struct slice bytes)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    assert_true(fd >= 0);
    for (size_t done = 0; done < bytes.len;) {
        ssize_t count = write(fd, bytes.ptr + done, bytes.len - done);

        assert_true(count > 0);
        done += (size_t)count;
    }
    return (struct source_input){.fd = fd, .name = name, .length = bytes.len, .size = bytes.len};
}

#endif
