#include "record/value.h"

#include "base/bytes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum {
    TAG_INTEGER_SMALL_MAX = 0x7f,
    TAG_STRING_SMALL = 0x80,
    TAG_INTEGER = 0xc0,
    TAG_FLOAT,
    TAG_STRING,
    TAG_FALSE,
    TAG_TRUE,
    TAG_LIST,
    TAG_TABLE,
    TAG_TABLE_END,
    TAG_NULL,
};
static_assert(TAG_STRING_SMALL + VALUE_STRING_BYTES_SMALL + 1 == TAG_INTEGER, "drawn in value.h");
static_assert(1 + VARINT_BYTES_MAX <= VALUE_NUMBER_BYTES_MAX, "an integer fits");
static_assert(RECORD_VALUE_BYTES_MAX == 16778240, "value_check_size() says so");

static const unsigned char NOTHING = 0; /* where an empty value begins */

/* The writers. */

size_t value_encode_integer(char out[VALUE_NUMBER_BYTES_MAX], int64_t value)
{
    uint64_t bits = (uint64_t)value;
    uint64_t zigzag = bits << 1 ^ (value < 0 ? UINT64_MAX : 0);

    if (bits <= TAG_INTEGER_SMALL_MAX) {
        out[0] = (char)bits;
        return 1;
    }
    out[0] = (char)TAG_INTEGER;
    return 1 + put_varint(out + 1, zigzag);
}

size_t value_encode_number(char out[VALUE_NUMBER_BYTES_MAX], double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    out[0] = (char)TAG_FLOAT;
    put_u64le(out + 1, bits);
    return 9;
}

void value_write_null(struct buf *out)
{
    buf_append_byte(out, TAG_NULL);
}

void value_write_boolean(struct buf *out, bool value)
{
    buf_append_byte(out, value ? TAG_TRUE : TAG_FALSE);
}

void value_write_integer(struct buf *out, int64_t value)
{
    out->len += value_encode_integer(buf_reserve(out, VALUE_NUMBER_BYTES_MAX), value);
}

void value_write_number(struct buf *out, double value)
{
    out->len += value_encode_number(buf_reserve(out, VALUE_NUMBER_BYTES_MAX), value);
}

void value_write_string(struct buf *out, struct slice value)
{
    char *to = buf_reserve(out, 1 + VARINT_BYTES_MAX + value.len);
    size_t len = 1;

    if (value.len <= VALUE_STRING_BYTES_SMALL) {
        to[0] = (char)(TAG_STRING_SMALL + value.len);
    } else {
        to[0] = (char)TAG_STRING;
        len += put_varint(to + 1, value.len);
    }
    if (value.len)
        memcpy(to + len, value.ptr, value.len);
    out->len += len + value.len;
}

void value_write_list_begin(struct buf *out, uint64_t count)
{
    char *to = buf_reserve(out, 1 + VARINT_BYTES_MAX);

    to[0] = (char)TAG_LIST;
    if (count > 0) {
        out->len += 1 + put_varint(to + 1, count);
        return;
    }
    to[0] = (char)TAG_TABLE; /* the empty table has one encoding */
    to[1] = (char)TAG_TABLE_END;
    out->len += 2;
}

void value_write_table_begin(struct buf *out)
{
    buf_append_byte(out, TAG_TABLE);
}

void value_write_table_end(struct buf *out)
{
    buf_append_byte(out, TAG_TABLE_END);
}

void value_write_datum(struct buf *out, const struct datum *datum)
{
    switch (datum->type) {
    case DATUM_NULL:
        value_write_null(out);
        return;
    case DATUM_FALSE:
    case DATUM_TRUE:
        value_write_boolean(out, datum->type == DATUM_TRUE);
        return;
    case DATUM_INTEGER:
        value_write_integer(out, datum->integer);
        return;
    case DATUM_FLOAT:
        value_write_number(out, datum->number);
        return;
    case DATUM_STRING:
        value_write_string(out, datum->string);
        return;
    default:
        abort(); /* no scalar: the caller's mistake */
    }
}

int value_check_size(size_t bytes, struct err *err)
{
    if (bytes > RECORD_VALUE_BYTES_MAX)
        return err_set(err, ERR_JOB, "value: longer than %d bytes", RECORD_VALUE_BYTES_MAX);
    return 0;
}

/* The reader. */

void value_reader_init(struct value_reader *reader, struct slice value)
{
    reader->begin = value.len ? (const unsigned char *)value.ptr : &NOTHING;
    reader->next = reader->begin;
    reader->end = reader->begin + value.len;
    reader->depth = 0;
    reader->is_begun = false;
}

static int reader_fail(const struct value_reader *reader, const char *problem, struct err *err)
{
    return err_set(err, ERR_INPUT, "value: byte %zu: %s", (size_t)(reader->next - reader->begin),
                   problem);
}

static size_t reader_left(const struct value_reader *reader)
{
    return (size_t)(reader->end - reader->next);
}

/* Reads the varint behind the tag, and stops behind it. */
static int read_varint(struct value_reader *reader, uint64_t *value, struct err *err)
{
    size_t len = get_varint(reader->next + 1, reader_left(reader) - 1, value);

    if (len == 0 || len > VARINT_BYTES_MAX)
        return reader_fail(reader, "number is cut off or too long", err);
    if (len > 1 && reader->next[len] == 0)
        return reader_fail(reader, "number is not the shortest", err);
    reader->next += 1 + len;
    return 1;
}

static int read_integer(struct value_reader *reader, struct datum *out, struct err *err)
{
    const unsigned char *at = reader->next;
    uint64_t zigzag;

    if (read_varint(reader, &zigzag, err) != 1)
        return -1;
    out->type = DATUM_INTEGER;
    out->integer = (int64_t)(zigzag >> 1 ^ (zigzag & 1 ? UINT64_MAX : 0));
    if (out->integer >= 0 && out->integer <= TAG_INTEGER_SMALL_MAX) {
        reader->next = at;
        return reader_fail(reader, "number is not the shortest", err);
    }
    return 1;
}

static int read_float(struct value_reader *reader, struct datum *out, struct err *err)
{
    uint64_t bits;

    if (reader_left(reader) < 9)
        return reader_fail(reader, "float is cut off", err);
    bits = get_u64le(reader->next + 1);
    out->type = DATUM_FLOAT;
    memcpy(&out->number, &bits, sizeof bits);
    reader->next += 9;
    return 1;
}

/* `len` bytes of string; the reader has stopped before them. */
static int read_text(struct value_reader *reader, uint64_t len, struct datum *out, struct err *err)
{
    if (len > reader_left(reader))
        return reader_fail(reader, "string is cut off", err);
    out->type = DATUM_STRING;
    out->string = slice_of(reader->next, (size_t)len);
    reader->next += len;
    return 1;
}

static int read_string(struct value_reader *reader, struct datum *out, struct err *err)
{
    const unsigned char *at = reader->next;
    uint64_t len;

    if (read_varint(reader, &len, err) != 1)
        return -1;
    if (len <= VALUE_STRING_BYTES_SMALL) {
        reader->next = at;
        return reader_fail(reader, "string is not the shortest", err);
    }
    return read_text(reader, len, out, err);
}

static int read_table_begin(struct value_reader *reader, struct datum *out, struct err *err)
{
    const unsigned char *at = reader->next;
    uint64_t count = 0;

    if (reader->depth == VALUE_DEPTH_MAX)
        return reader_fail(reader, "tables nested deeper than 64", err);
    if (*at == TAG_TABLE)
        reader->next++;
    else if (read_varint(reader, &count, err) != 1)
        return -1;
    /* A value has at least a byte: who makes room for the items makes not too much. */
    if (*at == TAG_LIST && (count == 0 || count > reader_left(reader))) {
        reader->next = at;
        return reader_fail(reader, "list has no items or is cut off", err);
    }
    reader->levels[reader->depth++] = (struct value_level){.count = count};
    out->type = DATUM_TABLE_BEGIN;
    out->integer = (int64_t)count;
    return 1;
}
static_assert(VALUE_DEPTH_MAX == 64, "read_table_begin() says so");

static int read_table_end(struct value_reader *reader, struct datum *out)
{
    reader->depth--;
    out->type = DATUM_TABLE_END;
    return 1;
}

static int read_any(struct value_reader *reader, struct datum *out, struct err *err)
{
    unsigned char tag = reader->next[0];

    if (tag <= TAG_INTEGER_SMALL_MAX) {
        reader->next++;
        out->type = DATUM_INTEGER;
        out->integer = tag;
        return 1;
    }
    if (tag < TAG_INTEGER) {
        reader->next++;
        return read_text(reader, tag - (uint64_t)TAG_STRING_SMALL, out, err);
    }
    switch (tag) {
    case TAG_INTEGER:
        return read_integer(reader, out, err);
    case TAG_FLOAT:
        return read_float(reader, out, err);
    case TAG_STRING:
        return read_string(reader, out, err);
    case TAG_FALSE:
    case TAG_TRUE:
        reader->next++;
        out->type = tag == TAG_TRUE ? DATUM_TRUE : DATUM_FALSE;
        return 1;
    case TAG_NULL:
        reader->next++;
        out->type = DATUM_NULL;
        return 1;
    case TAG_LIST:
    case TAG_TABLE:
        return read_table_begin(reader, out, err);
    default:
        return reader_fail(reader, "not a value", err);
    }
}

/* Of a table with keys: the next key, or its end. */
static int read_key(struct value_reader *reader, struct datum *out, struct err *err)
{
    const unsigned char *at = reader->next;

    if (*at == TAG_TABLE_END) {
        reader->next++;
        return read_table_end(reader, out);
    }
    if (*at == TAG_TABLE || *at == TAG_LIST)
        return reader_fail(reader, "a table as a key", err);
    if (*at == TAG_NULL)
        return reader_fail(reader, "null as a key", err);
    if (read_any(reader, out, err) != 1)
        return -1;
    if (out->type == DATUM_FLOAT && isnan(out->number)) {
        reader->next = at;
        return reader_fail(reader, "NaN as a key", err);
    }
    return 1;
}

/* Of a list: the next key, which takes no bytes, or its end. */
static int read_index(struct value_reader *reader, struct value_level *level, struct datum *out)
{
    if (level->index == level->count)
        return read_table_end(reader, out);
    out->type = DATUM_INTEGER;
    out->integer = (int64_t)++level->index;
    level->wants_value = true;
    return 1;
}

static int read_in_table(struct value_reader *reader, struct datum *out, struct err *err)
{
    struct value_level *level = &reader->levels[reader->depth - 1];
    int rc;

    if (!level->wants_value && level->count > 0)
        return read_index(reader, level, out);
    if (reader->next == reader->end)
        return reader_fail(reader, "value is cut off", err);
    if (level->wants_value) {
        level->wants_value = false;
        return read_any(reader, out, err);
    }
    rc = read_key(reader, out, err);
    level->wants_value = out->type != DATUM_TABLE_END;
    return rc;
}

int value_read(struct value_reader *reader, struct datum *out, struct err *err)
{
    *out = (struct datum){.type = DATUM_NIL};
    if (reader->depth > 0)
        return read_in_table(reader, out, err);
    if (reader->next == reader->end)
        return reader->is_begun ? 0 : reader_fail(reader, "value is cut off", err);
    if (reader->is_begun)
        return reader_fail(reader, "bytes behind the end", err);
    reader->is_begun = true;
    return read_any(reader, out, err);
}

int value_read_pair(struct value_reader *reader, struct datum *key, struct datum *value,
                    struct err *err)
{
    uint32_t depth = reader->depth;
    const unsigned char *at;
    struct datum part;

    assert(depth > 0);
    if (value_read(reader, key, err) != 1)
        return -1;
    if (key->type == DATUM_TABLE_END)
        return 0;
    at = reader->next;
    if (value_read(reader, value, err) != 1)
        return -1;
    while (reader->depth > depth)
        if (value_read(reader, &part, err) != 1)
            return -1;
    if (value->type == DATUM_TABLE_BEGIN)
        value->string = slice_of(at, (size_t)(reader->next - at));
    return 1;
}

int value_check(struct slice value, struct err *err)
{
    struct value_reader reader;
    struct datum part;
    int rc;

    value_reader_init(&reader, value);
    while ((rc = value_read(&reader, &part, err)) == 1)
        continue;
    return rc;
}

/* Fields. */

bool value_field(struct slice table, const char *name, struct datum *out)
{
    struct slice wanted = slice_of_string(name);
    struct value_reader reader;
    struct datum key;
    struct err err;

    if (value_open(&reader, table))
        while (value_read_pair(&reader, &key, out, &err) == 1)
            if (key.type == DATUM_STRING && slice_equal(key.string, wanted))
                return true;
    *out = (struct datum){.type = DATUM_NIL};
    return false;
}

int64_t value_field_integer(struct slice table, const char *name, int64_t otherwise)
{
    struct datum field;

    return value_field(table, name, &field) && field.type == DATUM_INTEGER ? field.integer
                                                                           : otherwise;
}

double value_field_number(struct slice table, const char *name, double otherwise)
{
    struct datum field;

    value_field(table, name, &field);
    if (field.type == DATUM_INTEGER)
        return (double)field.integer;
    return field.type == DATUM_FLOAT ? field.number : otherwise;
}

bool value_field_boolean(struct slice table, const char *name, bool otherwise)
{
    struct datum field;

    value_field(table, name, &field);
    if (field.type == DATUM_TRUE || field.type == DATUM_FALSE)
        return field.type == DATUM_TRUE;
    return otherwise;
}

struct slice value_field_string(struct slice table, const char *name, const char *otherwise)
{
    struct datum field;

    if (value_field(table, name, &field) && field.type == DATUM_STRING)
        return field.string;
    return slice_of_string(otherwise);
}

bool value_field_table(struct slice table, const char *name, struct slice *out)
{
    struct datum field;

    if (!value_field(table, name, &field) || field.type != DATUM_TABLE_BEGIN)
        return false;
    *out = field.string;
    return true;
}

bool value_open(struct value_reader *reader, struct slice table)
{
    struct datum begin;
    struct err err;

    value_reader_init(reader, table);
    return value_read(reader, &begin, &err) == 1 && begin.type == DATUM_TABLE_BEGIN;
}

bool value_open_field(struct value_reader *reader, struct slice table, const char *name)
{
    struct slice field;

    return value_field_table(table, name, &field) && value_open(reader, field);
}
