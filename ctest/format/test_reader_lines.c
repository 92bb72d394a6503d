#include "format/reader.h"

#include "fault/fault.h"
#include "pack.h"
#include "seed.h"

#include <errno.h>
#include <string.h>

/* The same by blocks: what they hold is what the lines are. */
static int read_blocks(const struct source_input *input, struct buf *out, struct err *err)
{
    struct reader *reader = reader_open(READER_LINES, input, READER_DEFAULTS, err);
    struct slice block;
    uint64_t offset;
    int rc;

    if (!reader)
        return -1;
    assert_true(reader_has_blocks(reader));
    while ((rc = reader_block(reader, &block, &offset, err)) == 1) {
        assert_true(block.len > 0);
        for (size_t at = 0, next; at < block.len; at = next) {
            struct slice line = reader_block_line(block, at, &next);

            buf_printf(out, "%d:", (int)(offset + at));
            buf_append(out, line.ptr, line.len);
            buf_append_byte(out, ';');
        }
    }
    reader_close(reader);
    return rc;
}

/* Appends "<offset>:<line>;" per record. */
static int read_lines(const struct source_input *input, struct buf *out, struct err *err)
{
    struct reader *reader = reader_open(READER_LINES, input, READER_DEFAULTS, err);
    struct reader_record record;
    struct buf blocks = {0};
    struct err blocks_err = {0};
    size_t before = out->len;
    int rc;

    if (!reader)
        return -1;
    while ((rc = reader_next(reader, &record, err)) == 1) {
        assert_int_equal(record.form, RECORD_AS_READ);
        assert_int_equal(record.key.type, DATUM_INTEGER);
        assert_int_equal(record.value.type, DATUM_STRING);
        assert_int_equal(record.key.integer, record.offset);
        buf_printf(out, "%d:", (int)record.offset);
        buf_append(out, record.value.string.ptr, record.value.string.len);
        buf_append_byte(out, ';');
    }
    reader_close(reader);
    assert_int_equal(read_blocks(input, &blocks, &blocks_err), rc);
    if (!slice_equal(buf_slice(&blocks), slice_of(buf_string(out) + before, out->len - before)))
        fail_msg("blocks: %s", buf_string(&blocks));
    buf_deinit(&blocks);
    return rc;
}

/* What lines are, in the plainest words. */
static void naive_lines(struct slice text, struct buf *out)
{
    size_t start = 0;

    while (start < text.len) {
        size_t end = start, len;

        while (end < text.len && text.ptr[end] != '\n')
            end++;
        len = end - start;
        if (end < text.len && len > 0 && text.ptr[end - 1] == '\r')
            len--;
        buf_printf(out, "%d:", (int)start);
        buf_append(out, text.ptr + start, len);
        buf_append_byte(out, ';');
        start = end + 1;
    }
}

static void reads(const char *text, size_t len, const char *expected, size_t expected_len)
{
    struct source_input input = pack_input("x", slice_of(text, len));
    struct buf out = {0};
    struct err err = {0};

    assert_int_equal(read_lines(&input, &out, &err), 0);
    if (!slice_equal(buf_slice(&out), slice_of(expected, expected_len)))
        fail_msg("%s is not %s", buf_string(&out), expected);
    buf_deinit(&out);
    close(input.fd);
}

#define READS(text, expected) reads(text, sizeof(text) - 1, expected, sizeof(expected) - 1)

static void lines_lose_their_line_end_and_nothing_else(void **state)
{
    (void)state;
    READS("", "");
    READS("\n", "0:;");
    READS("a", "0:a;");
    READS("a\n", "0:a;");
    READS("a\nb", "0:a;2:b;");
    READS("\n\na\n", "0:;1:;2:a;");
    READS("a\r\nb\r\n", "0:a;3:b;");
    READS("\r\n\r\n", "0:;2:;");
    READS("a\r\r\nb\rc\n", "0:a\r;4:b\rc;");
    READS("a\r", "0:a\r;");
    READS("nul\0 and \xff\n\0\n", "0:nul\0 and \xff;11:\0;");
}

/* Random text of few kinds of bytes, so that line ends meet in every way. */
static void fill(struct buf *text, struct rand *rand, size_t len)
{
    static const char bytes[] = {'a', 'b', '\n', '\r', '\0', '\n', 'c', '\xc3'};
    size_t kinds = 3 + rand_below(rand, 6);

    buf_clear(text);
    for (size_t i = 0; i < len; i++)
        buf_append_byte(text, (unsigned char)bytes[rand_below(rand, kinds > 8 ? 8 : kinds)]);
}

/* Reads the text in pieces of `step` bytes, each with a reader of its own. */
static void read_pieces(const struct source_input *input, uint64_t step, struct buf *out)
{
    for (uint64_t offset = 0; offset < input->size; offset += step) {
        struct source_input piece = *input;
        struct err err = {0};

        piece.offset = offset;
        piece.length = input->size - offset < step ? input->size - offset : step;
        if (read_lines(&piece, out, &err) != 0)
            fail_msg("%s", err.message);
    }
}

/* Goal: cut anywhere, every line is read once. Method: all sizes of pieces, against naive_lines. */
static void pieces_of_any_size_give_every_line_once(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, expected = {0}, out = {0};

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct source_input input;

        fill(&text, &rand, 1 + rand_below(&rand, round % 10 ? 60 : 400));
        buf_clear(&expected);
        naive_lines(buf_slice(&text), &expected);
        input = pack_input("x", buf_slice(&text));
        for (uint64_t step = 1; step <= text.len; step++) {
            buf_clear(&out);
            read_pieces(&input, step, &out);
            if (!slice_equal(buf_slice(&out), buf_slice(&expected)))
                fail_msg("round %d, pieces of %d bytes", round, (int)step);
        }
        close(input.fd);
    }
    buf_deinit(&text);
    buf_deinit(&expected);
    buf_deinit(&out);
}

/* The same with lines that cross the reader's buffer, and short reads. */
static void long_lines_cross_the_buffer(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, expected = {0}, out = {0};
    struct source_input input;

    (void)state;
    for (int i = 0; i < 40; i++) {
        size_t len = rand_below(&rand, 3 * READER_BUFFER_BYTES);

        memset(buf_reserve(&text, len), 'a' + i % 26, len);
        text.len += len;
        buf_append_string(&text, i % 3 ? "\n" : "\r\n");
    }
    naive_lines(buf_slice(&text), &expected);
    input = pack_input("x", buf_slice(&text));
    for (uint64_t step = READER_BUFFER_BYTES / 3; step < 2 * text.len; step *= 2) {
        if (step > READER_BUFFER_BYTES)
            fault_shorten(FAULT_READ, READER_BUFFER_BYTES / 2 + 1);
        buf_clear(&out);
        read_pieces(&input, step, &out);
        fault_disarm();
        assert_true(slice_equal(buf_slice(&out), buf_slice(&expected)));
    }
    close(input.fd);
    buf_deinit(&text);
    buf_deinit(&expected);
    buf_deinit(&out);
}

static void compressed_lines_have_offsets_of_the_text(void **state)
{
    struct rand rand = seed_rand();
    struct buf text = {0}, gzip = {0}, zstd = {0}, expected = {0}, out = {0};
    struct source_input inputs[2];
    struct err err = {0};

    (void)state;
    for (int round = 0; round < 50; round++) {
        fill(&text, &rand, 1 + rand_below(&rand, 1000));
        buf_clear(&gzip);
        buf_clear(&zstd);
        buf_clear(&expected);
        for (size_t start = 0, len; start < text.len; start += len) {
            len = 1 + rand_below(&rand, text.len - start); /* members end inside lines */
            pack_gzip(&gzip, slice_of(text.ptr + start, len));
            pack_zstd(&zstd, slice_of(text.ptr + start, len), 0);
        }
        naive_lines(buf_slice(&text), &expected);
        inputs[0] = pack_input("x.gz", buf_slice(&gzip));
        inputs[1] = pack_input("x.zst", buf_slice(&zstd));
        for (int i = 0; i < 2; i++) {
            buf_clear(&out);
            assert_int_equal(read_lines(&inputs[i], &out, &err), 0);
            assert_true(slice_equal(buf_slice(&out), buf_slice(&expected)));
            close(inputs[i].fd);
        }
    }
    buf_deinit(&text);
    buf_deinit(&gzip);
    buf_deinit(&zstd);
    buf_deinit(&expected);
    buf_deinit(&out);
}

static void longest_line_passes_and_a_longer_one_is_named(void **state)
{
    struct buf text = {0};
    struct source_input input;
    struct reader *reader;
    struct reader_record record;
    struct slice block;
    uint64_t offset;
    struct err err = {0}, by_line;

    (void)state;
    buf_append_string(&text, "first\n");
    memset(buf_reserve(&text, READER_LINE_BYTES_MAX), 'x', READER_LINE_BYTES_MAX);
    text.len += READER_LINE_BYTES_MAX;
    buf_append_string(&text, "\r\nx"); /* this x is one too many, if the line end goes */
    input = pack_input("big.bin", buf_slice(&text));
    reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
    assert_int_equal(reader_next(reader, &record, &err), 1);
    assert_int_equal(reader_next(reader, &record, &err), 1);
    assert_int_equal(record.value.string.len, READER_LINE_BYTES_MAX);
    assert_int_equal(reader_next(reader, &record, &err), 1);
    assert_int_equal(reader_next(reader, &record, &err), 0);
    reader_close(reader);
    reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
    assert_int_equal(reader_block(reader, &block, &offset, &err), 1);
    assert_int_equal(block.len, 6);
    assert_int_equal(reader_block(reader, &block, &offset, &err), 1);
    assert_int_equal(block.len, READER_LINE_BYTES_MAX + 2);
    assert_int_equal(offset, 6);
    assert_int_equal(reader_block(reader, &block, &offset, &err), 1);
    assert_int_equal(reader_block(reader, &block, &offset, &err), 0);
    reader_close(reader);

    assert_int_equal(pwrite(input.fd, "xx", 2, 6 + READER_LINE_BYTES_MAX), 2);
    reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
    assert_int_equal(reader_next(reader, &record, &err), 1);
    assert_int_equal(reader_next(reader, &record, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message, "input big.bin: the line at byte 6 is longer than 16777216 "
                                     "bytes; for binary data, use input = \"file\"");
    reader_close(reader);
    by_line = err;
    reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
    assert_int_equal(reader_block(reader, &block, &offset, &err), 1);
    assert_int_equal(reader_block(reader, &block, &offset, &err), -1);
    assert_int_equal(err.kind, by_line.kind);
    assert_string_equal(err.message, by_line.message);
    reader_close(reader);
    close(input.fd);
    buf_deinit(&text);
}

/* A piece inside one endless line has no line of its own, and says nothing of its length. */
static void piece_inside_a_line_is_empty(void **state)
{
    struct source_input input = pack_input("x", slice_of("", 0));
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    input.size = 3ULL * READER_LINE_BYTES_MAX;
    assert_int_equal(ftruncate(input.fd, (off_t)input.size), 0);
    input.offset = READER_LINE_BYTES_MAX;
    input.length = 100;
    assert_int_equal(read_lines(&input, &out, &err), 0);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    close(input.fd);
}

static void every_failure_is_reported(void **state)
{
    static const enum fault_call calls[] = {FAULT_READ, FAULT_ALLOC};
    struct buf text = {0};
    struct source_input input;

    (void)state;
    buf_append_string(&text, "a line\n");
    memset(buf_reserve(&text, 3 * READER_BUFFER_BYTES), 'x', 3 * READER_BUFFER_BYTES);
    text.len += 3 * READER_BUFFER_BYTES;
    input = pack_input("x", buf_slice(&text));
    for (int i = 0; i < 2; i++) {
        /* Allocation 0 is small and dies by contract (mem.h). */
        for (uint32_t nth = calls[i] == FAULT_ALLOC; nth < 100; nth++) {
            struct reader *reader;
            struct reader_record record;
            struct err err = {0};
            int rc = -1;

            if (calls[i] == FAULT_ALLOC && nth == 2)
                continue; /* the source's own, small too */
            fault_arm(calls[i], nth, calls[i] == FAULT_READ ? EIO : ENOMEM);
            reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
            while (reader && (rc = reader_next(reader, &record, &err)) == 1)
                continue;
            reader_close(reader);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                assert_true(nth > 2);
                break;
            }
            assert_int_equal(rc, -1);
            assert_int_not_equal(err.kind, ERR_NONE);
        }
    }
    close(input.fd);
    buf_deinit(&text);
}

/* As a piece of an object comes: a pipe that begins one byte before the piece. */
static void a_stream_is_a_piece_like_a_file(void **state)
{
    static const char text[] = "one\ntwo\nthree\nfour";
    const size_t len = strlen(text);

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        size_t from = cut ? cut - 1 : 0, lines = 0;
        struct source_input input = {.is_stream = true, .name = "gs://b/a", .size = len};
        struct reader_record record;
        struct reader *reader;
        struct err err;
        int ends[2], rc;

        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], text + from, len - from), (ssize_t)(len - from));
        close(ends[1]);
        input.fd = ends[0];
        input.offset = cut;
        input.length = len - cut;
        reader = reader_lines_open(&input, &err);
        while ((rc = reader_next(reader, &record, &err)) == 1) {
            assert_true(record.offset >= cut);
            assert_true(record.offset == 0 || text[record.offset - 1] == '\n');
            lines++;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(lines, cut == 0 ? 4 : cut <= 4 ? 3 : cut <= 8 ? 2 : cut <= 14 ? 1 : 0);
        reader_close(reader);
        close(ends[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_a_piece_like_a_file),
        cmocka_unit_test(lines_lose_their_line_end_and_nothing_else),
        cmocka_unit_test(pieces_of_any_size_give_every_line_once),
        cmocka_unit_test(long_lines_cross_the_buffer),
        cmocka_unit_test(compressed_lines_have_offsets_of_the_text),
        cmocka_unit_test(longest_line_passes_and_a_longer_one_is_named),
        cmocka_unit_test(piece_inside_a_line_is_empty),
        cmocka_unit_test(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
