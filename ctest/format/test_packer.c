#include "format/packer.h"

#include "fault/fault.h"
#include "pack.h"
#include "seed.h"

#include <errno.h>
#include <string.h>

static const char *const names[] = {[SOURCE_GZIP] = "x.gz", [SOURCE_ZSTD] = "x.zst"};

/* What `packed` decompresses to. */
static void unpack(enum source_kind kind, struct slice packed, struct buf *out)
{
    struct source_input input = pack_input(names[kind], packed);
    struct err err = {0};
    struct source *source = source_open(&input, &err);
    ssize_t count;

    assert_non_null(source);
    while ((count = source_read(source, buf_reserve(out, 4096), 4096, &err)) > 0)
        out->len += (size_t)count;
    if (count < 0)
        fail_msg("%s", err.message);
    source_close(source);
    close(input.fd);
}

/* Packs `bytes` in steps of at most `step`. */
static void pack(enum source_kind kind, struct slice bytes, size_t step, struct buf *out)
{
    struct err err = {0};
    struct packer *packer = packer_open(kind, &err);

    assert_non_null(packer);
    for (size_t at = 0, len; at < bytes.len; at += len) {
        len = bytes.len - at < step ? bytes.len - at : step;
        assert_int_equal(packer_add(packer, slice_of(bytes.ptr + at, len), out, &err), 0);
    }
    assert_int_equal(packer_finish(packer, out, &err), 0);
    packer_close(packer);
}

static void what_is_packed_is_read_again(void **state)
{
    struct rand rand = seed_rand();
    struct buf bytes = {0};

    (void)state;
    for (size_t len = 0; len < 3000000; len = 10 * len + 7) {
        while (bytes.len < len) /* half of it can be compressed */
            buf_printf(&bytes, "%d the same again ", (int)rand_below(&rand, 1000000000));
        for (enum source_kind kind = SOURCE_GZIP; kind <= SOURCE_ZSTD; kind++) {
            struct buf packed = {0}, again = {0}, out = {0};

            pack(kind, buf_slice(&bytes), 1 + len / 3, &packed);
            pack(kind, buf_slice(&bytes), 1 + len / 3, &again);
            assert_true(slice_equal(buf_slice(&packed), buf_slice(&again)));
            assert_true(bytes.len < 1000 || packed.len < bytes.len / 2);
            unpack(kind, buf_slice(&packed), &out);
            assert_true(slice_equal(buf_slice(&out), buf_slice(&bytes)));
            buf_deinit(&packed);
            buf_deinit(&again);
            buf_deinit(&out);
        }
    }
    buf_deinit(&bytes);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    for (enum source_kind kind = SOURCE_GZIP; kind <= SOURCE_ZSTD; kind++) {
        struct err err = {0};
        struct packer *packer;

        fault_arm(FAULT_ALLOC, 1, ENOMEM); /* behind its own struct */
        packer = packer_open(kind, &err);
        if (fault_disarm()) { /* the library's own allocations are not seen */
            assert_null(packer);
            assert_int_equal(err.kind, ERR_SETUP);
        }
        packer_close(packer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_read_again),
        cmocka_unit_test(no_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
