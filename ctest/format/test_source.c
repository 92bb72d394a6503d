#include "format/source.h"

#include "fault/fault.h"
#include "pack.h"
#include "seed.h"

#include <errno.h>
#include <string.h>

/* Reads it all, `step` bytes at a time. */
static int read_all(const struct source_input *input, size_t step, struct buf *out, struct err *err)
{
    struct source *source = source_open(input, err);
    ssize_t count = -1;

    if (!source)
        return -1;
    while ((count = source_read(source, buf_reserve(out, step), step, err)) > 0)
        out->len += (size_t)count;
    if (count == 0 && source_bytes_read(source) != input->length)
        fail_msg("%s: not all was read", input->name);
    source_close(source);
    return (int)count;
}

static void reads(const char *name, struct slice packed, struct slice expected)
{
    static const size_t steps[] = {1, 7, 4096, 1 << 20};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct source_input input = pack_input(name, packed);
        struct buf out = {0};
        struct err err = {0};

        if (steps[i] == 1 && expected.len > 100000)
            continue;
        if (read_all(&input, steps[i], &out, &err) != 0)
            fail_msg("%s", err.message);
        assert_true(slice_equal(buf_slice(&out), expected));
        buf_deinit(&out);
        close(input.fd);
    }
}

static void refuses(const char *name, struct slice packed, const char *part)
{
    struct source_input input = pack_input(name, packed);
    struct buf out = {0};
    struct err err = {0};

    if (read_all(&input, 4096, &out, &err) != -1)
        fail_msg("%s was accepted, not refused: %s", name, part);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_memory_equal(err.message, "input ", 6);
    if (!strstr(err.message, name) || !strstr(err.message, part))
        fail_msg("%s", err.message);
    buf_deinit(&out);
    close(input.fd);
}

/* Text that compresses somewhat. */
static void fill(struct buf *out, struct rand *rand, size_t len)
{
    buf_clear(out);
    while (out->len < len)
        buf_printf(out, "%c%s ", (int)('a' + rand_below(rand, 26)),
                   rand_below(rand, 3) ? "the same words" : "");
    out->len = len;
}

static void kind_goes_by_suffix(void **state)
{
    (void)state;
    assert_int_equal(source_kind_of("a.gz"), SOURCE_GZIP);
    assert_int_equal(source_kind_of("dir.zst/A.GZ"), SOURCE_GZIP);
    assert_int_equal(source_kind_of("a.zst"), SOURCE_ZSTD);
    assert_int_equal(source_kind_of("a.gz.txt"), SOURCE_PLAIN);
    assert_int_equal(source_kind_of("gz"), SOURCE_PLAIN);
    assert_int_equal(source_kind_of("-"), SOURCE_PLAIN);
}

static void many_members_and_frames_are_one_input(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, all = {0}, gzip = {0}, zstd = {0};

    (void)state;
    for (int i = 0; i < 300; i++) {
        fill(&text, &rand, rand_below(&rand, i % 50 ? 100 : 70000));
        buf_append(&all, text.ptr, text.len);
        pack_gzip(&gzip, buf_slice(&text));
        pack_zstd(&zstd, buf_slice(&text), 0);
        if (i % 60 == 0) {
            reads("x.gz", buf_slice(&gzip), buf_slice(&all));
            reads("x.zst", buf_slice(&zstd), buf_slice(&all));
            reads("x", buf_slice(&all), buf_slice(&all));
        }
    }
    reads("x.gz", buf_slice(&gzip), buf_slice(&all));
    reads("x.zst", buf_slice(&zstd), buf_slice(&all));
    buf_append(&gzip, "\0\0\0\0", 4); /* padding, as of tapes */
    reads("x.gz", buf_slice(&gzip), buf_slice(&all));
    buf_deinit(&text);
    buf_deinit(&all);
    buf_deinit(&gzip);
    buf_deinit(&zstd);
}

static void empty_input_is_empty(void **state)
{
    (void)state;
    reads("x", slice_of("", 0), slice_of("", 0));
    reads("x.gz", slice_of("", 0), slice_of("", 0));
    reads("x.zst", slice_of("", 0), slice_of("", 0));
}

/* Goal: no cut goes unseen. Method: all lengths; a cut between two members is a whole input. */
static void every_truncation_is_found(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, gzip = {0}, zstd = {0};

    (void)state;
    fill(&text, &rand, 3000);
    pack_gzip(&gzip, buf_slice(&text));
    pack_zstd(&zstd, buf_slice(&text), 0);
    for (size_t len = 1; len < gzip.len; len++)
        refuses("x.gz", slice_of(gzip.ptr, len), ": truncated");
    for (size_t len = 1; len < zstd.len; len++)
        refuses("x.zst", slice_of(zstd.ptr, len), ": truncated");
    buf_deinit(&text);
    buf_deinit(&gzip);
    buf_deinit(&zstd);
}

/* Goal: no flipped bit changes what is read. (A bit that fills the last byte, or a code that the
 * data does not use, may be flipped without harm.) Left out: the header of gzip, which has fields
 * without meaning: time, system. */
static void no_flipped_bit_changes_what_is_read(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, gzip = {0}, out = {0};
    size_t accepted = 0;

    (void)state;
    fill(&text, &rand, 2000);
    pack_gzip(&gzip, buf_slice(&text));
    for (size_t bit = 10 * 8; bit < gzip.len * 8; bit++) {
        struct source_input input;
        struct err err = {0};

        gzip.ptr[bit / 8] = (char)(gzip.ptr[bit / 8] ^ 1 << bit % 8);
        input = pack_input("x.gz", buf_slice(&gzip));
        buf_clear(&out);
        if (read_all(&input, 512, &out, &err) == 0) {
            assert_true(slice_equal(buf_slice(&out), buf_slice(&text)));
            accepted++;
        } else {
            assert_int_equal(err.kind, ERR_INPUT);
        }
        gzip.ptr[bit / 8] = (char)(gzip.ptr[bit / 8] ^ 1 << bit % 8);
        close(input.fd);
    }
    assert_true(accepted < gzip.len / 10); /* of 8 times as many */
    buf_deinit(&text);
    buf_deinit(&gzip);
    buf_deinit(&out);
}

static void what_is_not_compressed_is_named(void **state)
{
    struct buf gzip = {0}, zstd = {0};

    (void)state;
    refuses("x.gz", slice_of_string("plain text\n"), ": not in gzip format");
    refuses("x.gz", slice_of("\0\0", 2), ": not in gzip format");
    refuses("x.gz", slice_of_string("\x1f plain text, and more"), ": not in gzip format");
    refuses("x.zst", slice_of_string("plain text\n"), ": not in zstd format");
    pack_gzip(&gzip, slice_of_string("text"));
    buf_append_string(&gzip, "garbage");
    refuses("x.gz", buf_slice(&gzip), ": garbage behind the gzip data");
    gzip.len -= strlen("garbage");
    buf_append(&gzip, "\0\0\x1f\x8b", 4);
    refuses("x.gz", buf_slice(&gzip), ": garbage behind the gzip data");
    pack_zstd(&zstd, slice_of_string("text"), 0);
    buf_append_string(&zstd, "garbage");
    refuses("x.zst", buf_slice(&zstd), ": not in zstd format");
    buf_deinit(&gzip);
    buf_deinit(&zstd);
}

static void large_window_is_refused(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, zstd = {0};

    (void)state;
    fill(&text, &rand, 5000);
    pack_zstd(&zstd, buf_slice(&text), SOURCE_ZSTD_WINDOW_LOG_MAX);
    reads("x.zst", buf_slice(&zstd), buf_slice(&text));
    buf_clear(&zstd);
    pack_zstd(&zstd, buf_slice(&text), SOURCE_ZSTD_WINDOW_LOG_MAX + 1);
    refuses("x.zst", buf_slice(&zstd), "window is larger than 32 MiB");
    buf_deinit(&text);
    buf_deinit(&zstd);
}

static void file_that_shrank_is_found_and_growth_is_not_read(void **state)
{
    struct source_input input = pack_input("x", slice_of_string("0123456789"));
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    input.length = input.size = 4;
    assert_int_equal(read_all(&input, 100, &out, &err), 0);
    assert_true(slice_equal(buf_slice(&out), slice_of_string("0123")));
    input.length = input.size = 11;
    assert_int_equal(read_all(&input, 100, &out, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.message, "changed since the job was planned: it ends at byte 10"));
    buf_deinit(&out);
    close(input.fd);
}

static void what_is_said_to_be_gzip_is_inflated_whatever_its_name(void **state)
{
    struct source_input input = {.name = "a.txt", .is_stream = true, .is_gzip = true};
    struct buf gzip = {0}, out = {0};
    struct err err = {0};
    int ends[2];

    (void)state;
    pack_gzip(&gzip, slice_of_string("as a browser would see it"));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], gzip.ptr, gzip.len), (ssize_t)gzip.len);
    close(ends[1]);
    input.fd = ends[0];
    input.length = input.size = gzip.len;
    assert_int_equal(source_input_kind(&input), SOURCE_GZIP);
    assert_int_equal(read_all(&input, 5, &out, &err), 0);
    assert_true(slice_equal(buf_slice(&out), slice_of_string("as a browser would see it")));
    close(ends[0]);
    buf_deinit(&gzip);
    buf_deinit(&out);
}

static void stream_is_read_from_where_it_stands(void **state)
{
    struct source_input input = {.name = "-.gz", .is_stream = true, .size = UINT64_MAX};
    struct buf gzip = {0}, out = {0};
    struct err err = {0};
    int ends[2];

    (void)state;
    pack_gzip(&gzip, slice_of_string("through a pipe"));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], gzip.ptr, gzip.len), (ssize_t)gzip.len);
    close(ends[1]);
    input.fd = ends[0];
    input.length = gzip.len;
    fault_shorten(FAULT_READ, 3);
    assert_int_equal(read_all(&input, 5, &out, &err), 0);
    fault_disarm();
    assert_true(slice_equal(buf_slice(&out), slice_of_string("through a pipe")));
    close(ends[0]);
    buf_deinit(&gzip);
    buf_deinit(&out);
}

static void every_read_failure_is_reported(void **state)
{
    static const char *const file_names[] = {"x", "x.gz", "x.zst"};
    struct rand rand = seed_rand();
    struct buf text = {0}, packed[3] = {0};

    (void)state;
    fill(&text, &rand, 1000);
    buf_append(&packed[0], text.ptr, text.len);
    pack_gzip(&packed[1], buf_slice(&text));
    pack_zstd(&packed[2], buf_slice(&text), 0);
    for (int i = 0; i < 3; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct source_input input = pack_input(file_names[i], buf_slice(&packed[i]));
            struct buf out = {0};
            struct err err = {0};
            bool fired;
            int rc;

            fault_arm(FAULT_READ, nth, EIO);
            rc = read_all(&input, 100, &out, &err);
            fired = fault_disarm();
            assert_int_equal(rc, fired ? -1 : 0);
            if (fired)
                assert_int_equal(err.kind, ERR_INPUT);
            buf_deinit(&out);
            close(input.fd);
            if (!fired)
                break;
        }
        buf_deinit(&packed[i]);
    }
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kind_goes_by_suffix),
        cmocka_unit_test(many_members_and_frames_are_one_input),
        cmocka_unit_test(empty_input_is_empty),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(no_flipped_bit_changes_what_is_read),
        cmocka_unit_test(what_is_not_compressed_is_named),
        cmocka_unit_test(large_window_is_refused),
        cmocka_unit_test(file_that_shrank_is_found_and_growth_is_not_read),
        cmocka_unit_test(what_is_said_to_be_gzip_is_inflated_whatever_its_name),
        cmocka_unit_test(stream_is_read_from_where_it_stands),
        cmocka_unit_test(every_read_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
