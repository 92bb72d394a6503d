#include "record/key.h"

#include "base/bytes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    TAG_END = 0x00, /* of a nested tuple; alone, of a nested string */
    TAG_FALSE = 'F',
    TAG_TRUE = 'T',
    TAG_BELOW = 0x57, /* doubles that no integer is below */
    TAG_ZERO = 0x60,  /* 8 tags on either side: by how many bytes the integer has */
    TAG_ABOVE = 0x69,
    TAG_STRING = KEY_STRING_TAG,
    TAG_TUPLE = 't',
    CONTINUED = 0xff, /* behind an integer: a fraction; behind 00 in a string: it is a NUL byte */
};

#define DOUBLE_2_63 0x1p63

static const uint64_t SIGN_BIT = UINT64_C(1) << 63;

static const unsigned char NOTHING = 0; /* where an empty key begins: a pointer to count from */

static const char TOO_LONG[] = "longer than 65536 bytes";
static_assert(RECORD_KEY_BYTES_MAX == 65536, "TOO_LONG says so");
static const char TOO_DEEP[] = "tuples nested deeper than 16";
static_assert(KEY_DEPTH_MAX == 16, "TOO_DEEP says so");

const char *datum_type_name(enum datum_type type)
{
    switch (type) {
    case DATUM_FALSE:
    case DATUM_TRUE:
        return "boolean";
    case DATUM_INTEGER:
    case DATUM_FLOAT:
        return "number";
    case DATUM_STRING:
        return "string";
    case DATUM_TUPLE_BEGIN:
    case DATUM_TUPLE_END:
        return "tuple";
    case DATUM_TABLE_BEGIN:
    case DATUM_TABLE_END:
        return "table";
    case DATUM_NULL:
        return "null";
    case DATUM_NIL:
        return "nil";
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

/* Numbers as bytes. */

static void put_double(unsigned char *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    put_u64be(out, bits & SIGN_BIT ? ~bits : bits ^ SIGN_BIT);
}

static double get_double(const unsigned char *in)
{
    uint64_t bits = get_u64be(in);
    double value;

    bits = bits & SIGN_BIT ? bits ^ SIGN_BIT : ~bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t byte_count(uint64_t magnitude)
{
    return magnitude == 0 ? 0 : (uint32_t)(71 - __builtin_clzll(magnitude)) / 8;
}

/* Writes an integer with its tag, at most 9 bytes, and returns how many. */
static size_t put_integer(unsigned char *out, int64_t value)
{
    bool is_negative = value < 0;
    uint64_t bits = (uint64_t)value;
    uint32_t count = byte_count(is_negative ? -bits : bits);
    unsigned char all[8];

    put_u64be(all, is_negative ? bits - 1 : bits);
    out[0] = (unsigned char)(is_negative ? TAG_ZERO - count : TAG_ZERO + count);
    memcpy(out + 1, all + 8 - count, count);
    return 1 + count;
}

/* Reads an integer, its tag at `in`, and returns how many bytes it took; 0: cut off, or not as
 * put_integer() writes it. */
static size_t get_integer(const unsigned char *in, size_t len, int64_t *value)
{
    bool is_negative = in[0] < TAG_ZERO;
    size_t count = (size_t)(is_negative ? TAG_ZERO - in[0] : in[0] - TAG_ZERO);
    unsigned char all[8];
    uint64_t bits;

    if (len < 1 + count)
        return 0;
    memset(all, is_negative ? 0xff : 0, sizeof all);
    memcpy(all + 8 - count, in + 1, count);
    bits = get_u64be(all) + is_negative;
    *value = (int64_t)bits;
    /* The sign of 8 bytes may contradict the tag; fewer bytes may do. */
    if (is_negative != (*value < 0) || byte_count(is_negative ? -bits : bits) != count)
        return 0;
    return 1 + count;
}

/* The writer. */

void key_writer_init(struct key_writer *writer, struct buf *out)
{
    *writer = (struct key_writer){.out = out, .start = out->len};
}

bool key_writer_failed(const struct key_writer *writer)
{
    return writer->problem != NULL;
}

static void writer_fail(struct key_writer *writer, const char *problem)
{
    if (!writer->problem)
        writer->problem = problem;
}

/* Every part begins here. False: the key has failed, write nothing. */
static bool writer_begin_part(struct key_writer *writer)
{
    assert(!writer->is_begun || writer->depth > 0);
    writer->is_begun = true;
    return !writer->problem;
}

/* Appends, within the limit of a key. */
static void writer_append(struct key_writer *writer, const void *bytes, size_t len)
{
    assert(writer->out->len >= writer->start);
    if (len > RECORD_KEY_BYTES_MAX - (writer->out->len - writer->start))
        writer_fail(writer, TOO_LONG);
    if (!writer->problem)
        buf_append(writer->out, bytes, len);
}

void key_write_boolean(struct key_writer *writer, bool value)
{
    if (writer_begin_part(writer))
        writer_append(writer, value ? "T" : "F", 1);
}

void key_write_integer(struct key_writer *writer, int64_t value)
{
    unsigned char bytes[9];

    if (writer_begin_part(writer))
        writer_append(writer, bytes, put_integer(bytes, value));
}

/* A double that no integer is below, or none above within int64. */
static void writer_append_far(struct key_writer *writer, double value)
{
    unsigned char bytes[9];

    bytes[0] = value < 0 ? TAG_BELOW : TAG_ABOVE;
    put_double(bytes + 1, value);
    writer_append(writer, bytes, sizeof bytes);
}

static void writer_append_near(struct key_writer *writer, double value)
{
    unsigned char bytes[18];
    double below = floor(value);
    size_t len = put_integer(bytes, (int64_t)below);

    if (below < value) {
        bytes[len++] = CONTINUED;
        put_double(bytes + len, value);
        len += 8;
    }
    writer_append(writer, bytes, len);
}

void key_write_number(struct key_writer *writer, double value)
{
    if (!writer_begin_part(writer))
        return;
    if (isnan(value))
        writer_fail(writer, "NaN is not a key");
    else if (value < -DOUBLE_2_63 || value >= DOUBLE_2_63)
        writer_append_far(writer, value);
    else
        writer_append_near(writer, value);
}

static void writer_append_escaped(struct key_writer *writer, struct slice value)
{
    static const unsigned char nul[2] = {0, CONTINUED};
    const char *at = value.ptr, *zero;
    size_t left = value.len;

    while (left > 0 && !writer->problem && (zero = memchr(at, 0, left)) != NULL) {
        writer_append(writer, at, (size_t)(zero - at));
        writer_append(writer, nul, sizeof nul);
        left -= (size_t)(zero - at) + 1;
        at = zero + 1;
    }
    writer_append(writer, at, left);
    writer_append(writer, "", 1);
}

void key_write_string(struct key_writer *writer, struct slice value)
{
    if (!writer_begin_part(writer))
        return;
    writer_append(writer, "s", 1);
    if (writer->depth == 0)
        writer_append(writer, value.ptr, value.len);
    else
        writer_append_escaped(writer, value);
}

void key_write_tuple_begin(struct key_writer *writer)
{
    if (writer_begin_part(writer)) {
        if (writer->depth == KEY_DEPTH_MAX)
            writer_fail(writer, TOO_DEEP);
        writer_append(writer, "t", 1);
    }
    writer->depth++;
}

void key_write_tuple_end(struct key_writer *writer)
{
    assert(writer->depth > 0);
    writer->depth--;
    if (writer->depth > 0)
        writer_append(writer, "", 1);
}

int key_writer_end(struct key_writer *writer, struct err *err)
{
    if (writer->problem) {
        writer->out->len = writer->start;
        return err_set(err, ERR_JOB, "key: %s", writer->problem);
    }
    assert(writer->is_begun && writer->depth == 0);
    return 0;
}

int key_encode_string(struct buf *out, struct slice value, struct err *err)
{
    char *to;

    if (value.len > RECORD_KEY_BYTES_MAX - 1)
        return err_set(err, ERR_JOB, "key: %s", TOO_LONG);
    to = buf_reserve(out, value.len + 1);
    to[0] = TAG_STRING;
    if (value.len)
        memcpy(to + 1, value.ptr, value.len);
    out->len += value.len + 1;
    return 0;
}

void key_encode_integer(struct buf *out, int64_t value)
{
    out->len += put_integer((unsigned char *)buf_reserve(out, 9), value);
}

/* The reader. */

void key_reader_init(struct key_reader *reader, struct slice key, struct buf *scratch)
{
    const unsigned char *begin = key.len ? (const unsigned char *)key.ptr : &NOTHING;

    *reader = (struct key_reader){
        .begin = begin, .next = begin, .end = begin + key.len, .scratch = scratch};
}

static int reader_fail(const struct key_reader *reader, const char *problem, struct err *err)
{
    return err_set(err, ERR_INPUT, "key: byte %zu: %s", (size_t)(reader->next - reader->begin),
                   problem);
}

static size_t reader_left(const struct key_reader *reader)
{
    return (size_t)(reader->end - reader->next);
}

static int read_far(struct key_reader *reader, struct datum *out, struct err *err)
{
    bool is_below = reader->next[0] == TAG_BELOW;

    if (reader_left(reader) < 9)
        return reader_fail(reader, "number is cut off", err);
    out->type = DATUM_FLOAT;
    out->number = get_double(reader->next + 1);
    /* False for NaN, either way. */
    if (!(is_below ? out->number < -DOUBLE_2_63 : out->number >= DOUBLE_2_63))
        return reader_fail(reader, "number is not where it belongs", err);
    reader->next += 9;
    return 1;
}

static int read_near(struct key_reader *reader, struct datum *out, struct err *err)
{
    size_t len = get_integer(reader->next, reader_left(reader), &out->integer);

    if (len == 0)
        return reader_fail(reader, "integer is cut off or not the shortest", err);
    out->type = DATUM_INTEGER;
    if (reader_left(reader) > len && reader->next[len] == CONTINUED) {
        if (reader_left(reader) < len + 9)
            return reader_fail(reader, "fraction is cut off", err);
        out->type = DATUM_FLOAT;
        out->number = get_double(reader->next + len + 1);
        if (!(floor(out->number) < out->number) || floor(out->number) != (double)out->integer)
            return reader_fail(reader, "fraction does not belong to its integer", err);
        len += 9;
    }
    reader->next += len;
    return 1;
}

/* A string with NUL bytes: `len` encoded bytes at `at`, copied without the escapes. */
static struct slice unescape(struct buf *scratch, const unsigned char *at, size_t len)
{
    char *to;

    buf_clear(scratch);
    to = buf_reserve(scratch, len);
    for (size_t i = 0; i < len; i++) {
        *to++ = (char)at[i];
        i += at[i] == 0;
    }
    scratch->len = (size_t)(to - scratch->ptr);
    return buf_slice(scratch);
}

static int read_nested_string(struct key_reader *reader, struct datum *out, struct err *err)
{
    const unsigned char *at = reader->next + 1, *from = at, *end;
    bool has_escape = false;

    while ((end = memchr(from, 0, (size_t)(reader->end - from))) != NULL) {
        if (end + 1 == reader->end || end[1] != CONTINUED)
            break;
        has_escape = true;
        from = end + 2;
    }
    if (!end)
        return reader_fail(reader, "string is cut off", err);
    out->string = slice_of(at, (size_t)(end - at));
    if (has_escape && reader->scratch)
        out->string = unescape(reader->scratch, at, (size_t)(end - at));
    reader->next = end + 1;
    return 1;
}

static int read_string(struct key_reader *reader, struct datum *out, struct err *err)
{
    out->type = DATUM_STRING;
    if (reader->depth > 0)
        return read_nested_string(reader, out, err);
    out->string = slice_of(reader->next + 1, reader_left(reader) - 1);
    reader->next = reader->end;
    return 1;
}

static int read_tuple_begin(struct key_reader *reader, struct datum *out, struct err *err)
{
    if (reader->depth == KEY_DEPTH_MAX)
        return reader_fail(reader, TOO_DEEP, err);
    reader->depth++;
    reader->next++;
    out->type = DATUM_TUPLE_BEGIN;
    return 1;
}

static int read_tuple_end(struct key_reader *reader, struct datum *out)
{
    reader->depth--;
    out->type = DATUM_TUPLE_END;
    return 1;
}

static int read_part(struct key_reader *reader, struct datum *out, struct err *err)
{
    unsigned char tag = reader->next[0];

    switch (tag) {
    case TAG_END:
        if (reader->depth < 2)
            return reader_fail(reader, "end of a tuple that has not begun", err);
        reader->next++;
        return read_tuple_end(reader, out);
    case TAG_FALSE:
    case TAG_TRUE:
        reader->next++;
        out->type = tag == TAG_TRUE ? DATUM_TRUE : DATUM_FALSE;
        return 1;
    case TAG_BELOW:
    case TAG_ABOVE:
        return read_far(reader, out, err);
    case TAG_STRING:
        return read_string(reader, out, err);
    case TAG_TUPLE:
        return read_tuple_begin(reader, out, err);
    default:
        if (tag > TAG_BELOW && tag < TAG_ABOVE)
            return read_near(reader, out, err);
        return reader_fail(reader, "not a part of a key", err);
    }
}

int key_read(struct key_reader *reader, struct datum *out, struct err *err)
{
    *out = (struct datum){.type = DATUM_NIL};
    if (reader->next == reader->end) {
        if (reader->depth == 1)
            return read_tuple_end(reader, out);
        if (reader->depth > 1 || !reader->is_begun)
            return reader_fail(reader, "key is cut off", err);
        return 0;
    }
    if (reader->is_begun && reader->depth == 0)
        return reader_fail(reader, "bytes behind the end", err);
    if (!reader->is_begun && reader_left(reader) > RECORD_KEY_BYTES_MAX)
        return reader_fail(reader, TOO_LONG, err);
    reader->is_begun = true;
    return read_part(reader, out, err);
}

bool key_integer(struct slice key, int64_t *out)
{
    const unsigned char *bytes = (const unsigned char *)key.ptr;

    return key.len > 0 && bytes[0] > TAG_BELOW && bytes[0] < TAG_ABOVE &&
           get_integer(bytes, key.len, out) == key.len;
}

int key_check(struct slice key, struct err *err)
{
    struct key_reader reader;
    struct datum part;
    int rc;

    key_reader_init(&reader, key, NULL);
    while ((rc = key_read(&reader, &part, err)) == 1)
        continue;
    return rc;
}

/* Skips one part of the tuple that the reader is in, with all that is in it. 0: there is none. */
static int skip_part(struct key_reader *reader, struct err *err)
{
    struct datum part;

    do {
        if (key_read(reader, &part, err) != 1)
            return -1; /* 0 is not possible inside a tuple */
        if (reader->depth == 0)
            return 0;
    } while (reader->depth > 1);
    return 1;
}

int key_prefix(struct slice key, uint32_t part_count, struct slice *prefix, struct err *err)
{
    struct key_reader reader;
    struct datum part;
    int rc = 1;

    *prefix = key;
    if (part_count == 0 || key.len == 0 || key.ptr[0] != TAG_TUPLE)
        return 0;
    key_reader_init(&reader, key, NULL);
    if (key_read(&reader, &part, err) != 1)
        return -1;
    for (uint32_t i = 0; i < part_count && rc == 1; i++)
        rc = skip_part(&reader, err);
    if (rc == -1)
        return -1;
    *prefix = slice_of(key.ptr, (size_t)(reader.next - reader.begin));
    return 0;
}
