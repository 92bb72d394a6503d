#include "format/writer.h"

#include "base/hash.h"
#include "base/io.h"
#include "encode.h"
#include "fault/fault.h"
#include "format/reader.h"
#include "seed.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct writer_id id = {.job = 7, .partition = 3, .attempt = 9};

static int part_fd(void)
{
    int fd = memfd_create("part", MFD_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* What the file holds, after checking the summary against it. */
static void read_part(int fd, const struct part_summary *summary, struct buf *out)
{
    struct err err = {0};
    ssize_t count = io_pread(fd, buf_reserve(out, 1 << 24), 1 << 24, 0, "part", ERR_DISK, &err);

    assert_true(count >= 0);
    out->len += (size_t)count;
    assert_int_equal(summary->bytes, out->len);
    assert_int_equal(summary->crc32c, crc32c(0, out->ptr, out->len));
}

/* One record as a line. */
static void writes(enum writer_kind kind, struct slice key, struct slice value,
                   const char *expected, size_t expected_len)
{
    int fd = part_fd();
    struct part_summary summary;
    struct buf out = {0};
    struct err err = {0};
    struct writer *writer =
        writer_open(&(struct writer_format){.kind = kind}, fd, "part-00003", &id, &err);

    assert_non_null(writer);
    if (writer_write(writer, key, value, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(writer_finish(writer, &summary, &err), 0);
    writer_close(writer);
    assert_int_equal(summary.records, 1);
    read_part(fd, &summary, &out);
    if (!slice_equal(buf_slice(&out), slice_of(expected, expected_len)))
        fail_msg("\"%s\" is not \"%s\"", buf_string(&out), expected);
    buf_deinit(&out);
    close(fd);
}

#define WRITES(kind, key, value, expected) writes(kind, key, value, expected, sizeof(expected) - 1)
#define KEY(text)                          encode_key_string(text, sizeof(text) - 1)
#define VALUE(text)                        encode_value_string(text, sizeof(text) - 1)

static void tsv_is_key_tab_value(void **state)
{
    (void)state;
    WRITES(WRITER_TSV, KEY("the"), encode_value_integer(12), "the\t12\n");
    WRITES(WRITER_TSV, KEY("a\tb\n"), VALUE("\\\r"), "a\\tb\\n\t\\\\\\r\n");
    WRITES(WRITER_TSV, encode_key_number(1.5), encode_value_number(2), "1.5\t2.0\n");
    WRITES(WRITER_TSV, KEY(""), VALUE(""), "\t\n");
    WRITES(WRITER_TSV, KEY("x"), encode_value_number(INFINITY), "x\tinf\n");
    WRITES(WRITER_TSV, KEY("x"), encode_value_boolean(false), "x\tfalse\n");
    WRITES(WRITER_TSV, KEY("\xff\0"), VALUE("\0"), "\xff\0\t\0\n");
}

static void jsonl_is_an_array_a_line(void **state)
{
    (void)state;
    WRITES(WRITER_JSONL, KEY("a\"\n"), encode_value_integer(12), "[\"a\\\"\\n\",12]\n");
    WRITES(WRITER_JSONL, encode_key_number(-3), encode_value_boolean(true), "[-3,true]\n");
    WRITES(WRITER_JSONL, KEY("\xff"), VALUE("\t"), "[\"\xef\xbf\xbd\",\"\\t\"]\n");
}

static void lines_is_the_value_or_the_key_of_true(void **state)
{
    (void)state;
    WRITES(WRITER_LINES, encode_key_number(17), VALUE("a\tline\\"), "a\tline\\\n");
    WRITES(WRITER_LINES, encode_key_number(17), VALUE(""), "\n");
    WRITES(WRITER_LINES, KEY("a\tline"), encode_value_boolean(true), "a\tline\n");
    WRITES(WRITER_LINES, KEY("key"), encode_value_boolean(false), "false\n");
    WRITES(WRITER_LINES, KEY("key"), encode_value_integer(3), "3\n");
}

static void record_that_json_cannot_hold_is_refused_whole(void **state)
{
    int fd = part_fd();
    struct part_summary summary;
    struct buf out = {0};
    struct err err = {0};
    struct writer *writer =
        writer_open(&(struct writer_format){.kind = WRITER_JSONL}, fd, "part-00003", &id, &err);

    (void)state;
    assert_int_equal(writer_write(writer, KEY("nan"), encode_value_number((double)NAN), &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_int_equal(writer_write(writer, KEY("\xff\xff"), VALUE("v"), &err), 0);
    assert_int_equal(writer_finish(writer, &summary, &err), 0);
    writer_close(writer);
    assert_int_equal(summary.records, 1);
    assert_int_equal(summary.bytes_replaced, 2);
    read_part(fd, &summary, &out);
    assert_true(
        slice_equal(buf_slice(&out), slice_of_string("[\"\xef\xbf\xbd\xef\xbf\xbd\",\"v\"]\n")));
    buf_deinit(&out);
    close(fd);
}

/* What it would write is not written, nor kept for later. */
static void what_is_only_checked_is_not_written(void **state)
{
    int fd = part_fd();
    struct part_summary summary;
    struct buf out = {0};
    struct err err = {0};
    struct writer *writer =
        writer_open(&(struct writer_format){.kind = WRITER_JSONL}, fd, "part-00003", &id, &err);

    (void)state;
    assert_int_equal(writer_check(writer, KEY("\xff"), VALUE("v"), &err), 0);
    assert_int_equal(writer_write(writer, KEY("k"), VALUE("v"), &err), 0);
    assert_int_equal(writer_check(writer, KEY("nan"), encode_value_number((double)NAN), &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_int_equal(writer_finish(writer, &summary, &err), 0);
    writer_close(writer);
    assert_int_equal(summary.records, 1);
    assert_int_equal(summary.bytes_replaced, 0);
    read_part(fd, &summary, &out);
    assert_string_equal(buf_string(&out), "[\"k\",\"v\"]\n");
    buf_deinit(&out);
    close(fd);
}

static void empty_part_has_no_bytes(void **state)
{
    (void)state;
    for (enum writer_kind kind = WRITER_TSV; kind < WRITER_RUN; kind++) {
        int fd = part_fd();
        struct part_summary summary;
        struct err err = {0};
        struct writer *writer =
            writer_open(&(struct writer_format){.kind = kind}, fd, "part-00000", &id, &err);

        assert_int_equal(writer_finish(writer, &summary, &err), 0);
        writer_close(writer);
        assert_int_equal(summary.bytes, 0);
        assert_int_equal(summary.records, 0);
        assert_int_equal(summary.crc32c, 0);
        assert_int_equal(lseek(fd, 0, SEEK_END), 0);
        close(fd);
    }
}

/* Undoes the escapes of "tsv", up to a tab or newline. */
static const char *unescape(const char *at, struct buf *out)
{
    buf_clear(out);
    for (; *at != '\t' && *at != '\n'; at++) {
        if (*at != '\\')
            buf_append_byte(out, (unsigned char)*at);
        else
            buf_append_byte(out, (unsigned char)(*++at == 't' ? '\t'
                                                 : *at == 'n' ? '\n'
                                                 : *at == 'r' ? '\r'
                                                              : '\\'));
    }
    return at;
}

/* Goal: a tsv line is a record, whatever bytes it has. Method: random bytes there and back. */
static void tsv_can_be_read_back(void **state)
{
    struct rand rand = seed_rand();
    static char keys[500][20], values[500][20];
    size_t key_lens[500], value_lens[500];
    int fd = part_fd();
    struct part_summary summary;
    struct buf out = {0}, text = {0};
    struct err err = {0};
    struct writer *writer =
        writer_open(&(struct writer_format){.kind = WRITER_TSV}, fd, "part-00003", &id, &err);
    const char *at;

    (void)state;
    for (int i = 0; i < 500; i++) {
        key_lens[i] = rand_below(&rand, 20);
        value_lens[i] = rand_below(&rand, 20);
        for (int j = 0; j < 20; j++) {
            keys[i][j] = "\\\t\n\rtnr\0\xff x"[rand_below(&rand, 11)];
            values[i][j] = "\\\t\n\rtnr\0\xff x"[rand_below(&rand, 11)];
        }
        assert_int_equal(writer_write(writer, encode_key_string(keys[i], key_lens[i]),
                                      encode_value_string(values[i], value_lens[i]), &err),
                         0);
    }
    assert_int_equal(writer_finish(writer, &summary, &err), 0);
    writer_close(writer);
    assert_int_equal(summary.records, 500);
    read_part(fd, &summary, &out);
    at = out.ptr;
    for (int i = 0; i < 500; i++) {
        at = unescape(at, &text);
        assert_true(slice_equal(buf_slice(&text), slice_of(keys[i], key_lens[i])));
        assert_int_equal(*at++, '\t');
        at = unescape(at, &text);
        assert_true(slice_equal(buf_slice(&text), slice_of(values[i], value_lens[i])));
        assert_int_equal(*at++, '\n');
    }
    assert_ptr_equal(at, out.ptr + out.len);
    buf_deinit(&out);
    buf_deinit(&text);
    close(fd);
}

/* Many records, compressed: what is stored is what the summary says, and is read again. */
static void packed_records_are_read_again(void **state)
{
    static const char *const inputs[] = {[SOURCE_GZIP] = "x.gz", [SOURCE_ZSTD] = "x.zst"};

    (void)state;
    for (enum source_kind packing = SOURCE_GZIP; packing <= SOURCE_ZSTD; packing++) {
        struct writer_format format = {.kind = WRITER_TSV, .packing = packing};
        int fd = part_fd();
        struct source_input input = {.fd = fd, .name = inputs[packing], .size = UINT64_MAX};
        struct part_summary summary;
        struct reader_record record;
        struct buf out = {0};
        struct err err = {0};
        struct writer *writer = writer_open(&format, fd, "part-00003", &id, &err);
        struct reader *reader;

        for (int i = 0; i < 1000; i++)
            assert_int_equal(writer_write(writer, KEY("the same"), encode_value_integer(i), &err),
                             0);
        assert_int_equal(writer_finish(writer, &summary, &err), 0);
        writer_close(writer);
        read_part(fd, &summary, &out);
        assert_true(out.len < 12000); /* of 12,890; what a tiny buffer packs at once is short */
        assert_int_equal(summary.records, 1000);
        input.size = input.length = out.len;
        reader = reader_open(READER_LINES, &input, READER_DEFAULTS, &err);
        for (int i = 0; i < 1000; i++) {
            char line[40];

            snprintf(line, sizeof line, "the same\t%d", i);
            assert_int_equal(reader_next(reader, &record, &err), 1);
            assert_true(slice_equal(record.value.string, slice_of_string(line)));
        }
        assert_int_equal(reader_next(reader, &record, &err), 0);
        reader_close(reader);
        buf_deinit(&out);
        close(fd);
    }
}

static void csv_is_a_row_a_record(void **state)
{
    (void)state;
    WRITES(WRITER_CSV, KEY("a,b"), encode_value_integer(12), "\"a,b\",12\n");
}

static void is_format(const char *name, enum writer_kind kind, enum source_kind packing,
                      const char *suffix)
{
    struct writer_format format;
    struct err err = {0};

    assert_int_equal(writer_format_by_name(slice_of_string(name), &format, &err), 0);
    assert_int_equal(format.kind, kind);
    assert_int_equal(format.packing, packing);
    assert_string_equal(writer_suffix(name), suffix);
}

static void a_name_says_format_and_compression(void **state)
{
    (void)state;
    is_format("tsv", WRITER_TSV, SOURCE_PLAIN, "");
    is_format("jsonl.gz", WRITER_JSONL, SOURCE_GZIP, ".gz");
    is_format("lines.zst", WRITER_LINES, SOURCE_ZSTD, ".zst");
    is_format("csv", WRITER_CSV, SOURCE_PLAIN, "");
    is_format("run", WRITER_RUN, SOURCE_PLAIN, "");
}

static void other_names_are_refused(void **state)
{
    static const char *const wrong[] = {"", ".gz", "xml", "tsv.bz2", "run.gz", "tsv.gz.gz", "tsv."};
    struct writer_format format;
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(writer_format_by_name(slice_of_string(wrong[i]), &format, &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_string_equal(writer_suffix(wrong[i]), "");
    }
    assert_non_null(strstr(err.message, "output = \"tsv.\": no such format"));
}

static int write_many(enum writer_kind kind, struct err *err)
{
    int fd = part_fd();
    struct part_summary summary;
    struct writer *writer =
        writer_open(&(struct writer_format){.kind = kind}, fd, "part-00003", &id, err);
    char text[5000];
    int rc = writer ? 0 : -1;

    memset(text, 'x', sizeof text);
    for (int i = 0; rc == 0 && i < 200; i++)
        rc =
            writer_write(writer, encode_key_number(i), encode_value_string(text, sizeof text), err);
    if (rc == 0)
        rc = writer_finish(writer, &summary, err);
    writer_close(writer);
    close(fd);
    return rc;
}

static void full_disk_is_a_disk_error_wherever_it_strikes(void **state)
{
    (void)state;
    for (enum writer_kind kind = WRITER_TSV; kind <= WRITER_RUN; kind++) {
        uint32_t nth;

        for (nth = 0;; nth += nth < 10 ? 1 : 97) {
            struct err err = {0};
            int rc;

            fault_arm(FAULT_WRITE, nth, ENOSPC);
            rc = write_many(kind, &err);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                break;
            }
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, ERR_DISK);
            assert_non_null(strstr(err.message, "part-00003"));
            assert_non_null(strstr(err.message, "No space left on device"));
        }
        assert_true(nth > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv_is_key_tab_value),
        cmocka_unit_test(jsonl_is_an_array_a_line),
        cmocka_unit_test(lines_is_the_value_or_the_key_of_true),
        cmocka_unit_test(record_that_json_cannot_hold_is_refused_whole),
        cmocka_unit_test(what_is_only_checked_is_not_written),
        cmocka_unit_test(empty_part_has_no_bytes),
        cmocka_unit_test(tsv_can_be_read_back),
        cmocka_unit_test(packed_records_are_read_again),
        cmocka_unit_test(csv_is_a_row_a_record),
        cmocka_unit_test(a_name_says_format_and_compression),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(full_disk_is_a_disk_error_wherever_it_strikes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
