#include "format/packer.h"

#include "base/mem.h"

#include <assert.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <zstd.h>

enum {
    STEP_BYTES = 64 * 1024, /* room that is made in `out` for a call of the library */
    INPUT_BYTES_MAX = 1 << 30,
    ZSTD_LEVEL = 3, /* its default */
};

struct packer {
    enum source_kind kind;
    struct isal_zstream *gzip;
    uint8_t *gzip_level;
    ZSTD_CCtx *zstd;
};

static bool open_gzip(struct packer *packer)
{
    packer->gzip = malloc(sizeof *packer->gzip);
    packer->gzip_level = malloc(ISAL_DEF_LVL1_DEFAULT);
    if (!packer->gzip || !packer->gzip_level)
        return false;
    isal_deflate_init(packer->gzip);
    packer->gzip->gzip_flag = IGZIP_GZIP;
    packer->gzip->level = 1;
    packer->gzip->level_buf = packer->gzip_level;
    packer->gzip->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    return true;
}

static bool open_zstd(struct packer *packer)
{
    packer->zstd = ZSTD_createCCtx();
    return packer->zstd &&
           !ZSTD_isError(
               ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd, ZSTD_c_checksumFlag, 1));
}

struct packer *packer_open(enum source_kind kind, struct err *err)
{
    struct packer *packer = mem_alloc(sizeof *packer);

    assert(kind != SOURCE_PLAIN);
    packer->kind = kind;
    if (kind == SOURCE_GZIP ? open_gzip(packer) : open_zstd(packer))
        return packer;
    err_set(err, ERR_SETUP, "output: not enough memory to compress it");
    packer_close(packer);
    return NULL;
}

void packer_close(struct packer *packer)
{
    if (!packer)
        return;
    free(packer->gzip);
    free(packer->gzip_level);
    ZSTD_freeCCtx(packer->zstd);
    free(packer);
}

static int gzip_step(struct isal_zstream *gzip, struct buf *out, struct err *err)
{
    int code;

    gzip->next_out = (uint8_t *)buf_reserve(out, STEP_BYTES);
    gzip->avail_out = STEP_BYTES;
    code = isal_deflate(gzip);
    if (code != COMP_OK)
        return err_set(err, ERR_LIMIT, "output: gzip: error %d", code);
    out->len += STEP_BYTES - gzip->avail_out;
    return 0;
}

static int gzip_add(struct isal_zstream *gzip, struct slice bytes, bool is_end, struct buf *out,
                    struct err *err)
{
    gzip->next_in = (uint8_t *)(uintptr_t)bytes.ptr;
    gzip->avail_in = (uint32_t)bytes.len;
    gzip->end_of_stream = is_end;
    do {
        if (gzip_step(gzip, out, err) != 0)
            return -1;
    } while (is_end ? gzip->internal_state.state != ZSTATE_END
                    : gzip->avail_in > 0 || gzip->avail_out == 0);
    return 0;
}

static int zstd_add(ZSTD_CCtx *zstd, struct slice bytes, bool is_end, struct buf *out,
                    struct err *err)
{
    ZSTD_inBuffer in = {.src = bytes.ptr, .size = bytes.len};
    size_t left;

    do {
        ZSTD_outBuffer to = {.dst = buf_reserve(out, STEP_BYTES), .size = STEP_BYTES};

        left = ZSTD_compressStream2(zstd, &to, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return err_set(err, ERR_LIMIT, "output: zstd: %s", ZSTD_getErrorName(left));
        out->len += to.pos;
    } while (is_end ? left > 0 : in.pos < in.size);
    return 0;
}

static int add(struct packer *packer, struct slice bytes, bool is_end, struct buf *out,
               struct err *err)
{
    return packer->kind == SOURCE_GZIP ? gzip_add(packer->gzip, bytes, is_end, out, err)
                                       : zstd_add(packer->zstd, bytes, is_end, out, err);
}

int packer_add(struct packer *packer, struct slice bytes, struct buf *out, struct err *err)
{
    while (bytes.len > 0) {
        size_t len = bytes.len < INPUT_BYTES_MAX ? bytes.len : INPUT_BYTES_MAX;

        if (add(packer, slice_of(bytes.ptr, len), false, out, err) != 0)
            return -1;
        bytes = slice_of(bytes.ptr + len, bytes.len - len);
    }
    return 0;
}

int packer_finish(struct packer *packer, struct buf *out, struct err *err)
{
    return add(packer, slice_of("", 0), true, out, err);
}
