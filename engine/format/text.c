#include "format/text.h"

#include "record/key.h"
#include "record/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES_MAX = 40 };

/* The three ways a record is written. */
enum style { STYLE_JSON, STYLE_TSV, STYLE_RAW };

/* Where text goes, and how much of it was not what it should be. */
struct text {
    struct buf *out;
    enum style style;
    uint64_t bytes_replaced;
};

void text_integer(struct buf *out, int64_t integer)
{
    char digits[NUMBER_BYTES_MAX];
    char *at = digits + sizeof digits;
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;

    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (integer < 0)
        *--at = '-';
    buf_append(out, at, (size_t)(digits + sizeof digits - at));
}

/* Appends the text of a float; what looks like an integer gets ".0", as in Lua. */
static void put_float(struct buf *out, const char *text)
{
    buf_append_string(out, text);
    if (text[strspn(text, "-0123456789")] == '\0')
        buf_append_string(out, ".0");
}

void text_float(struct buf *out, double number)
{
    char text[NUMBER_BYTES_MAX];

    snprintf(text, sizeof text, "%.14g", number);
    put_float(out, text);
}

/* JSON has no infinity and no NaN. */
static int put_json_float(struct buf *out, double number, struct err *err)
{
    char text[NUMBER_BYTES_MAX];

    if (!isfinite(number))
        return err_set(err, ERR_JOB, "output: %s is a number that JSON does not have",
                       isnan(number) ? "nan" : "inf");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    put_float(out, text);
    return 0;
}

/* How many bytes at `at` are one well-formed character beyond ASCII (RFC 3629); 0: none are. */
static size_t character_bytes(const unsigned char *at, size_t len)
{
    size_t bytes = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

    if (bytes == 0 || bytes > len)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Longer than needed, a surrogate, beyond U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return bytes;
}

static void put_json_escape(struct buf *out, unsigned char byte)
{
    switch (byte) {
    case '"':
        buf_append(out, "\\\"", 2);
        return;
    case '\\':
        buf_append(out, "\\\\", 2);
        return;
    case '\n':
        buf_append(out, "\\n", 2);
        return;
    case '\r':
        buf_append(out, "\\r", 2);
        return;
    case '\t':
        buf_append(out, "\\t", 2);
        return;
    default:
        buf_printf(out, "\\u%04x", byte);
    }
}

/* Bytes at `at` that stand for themselves in JSON. */
static size_t plain_json_bytes(const unsigned char *at, size_t len)
{
    size_t i = 0;

    while (i < len && at[i] >= 0x20 && at[i] != '"' && at[i] != '\\') {
        size_t bytes = at[i] < 0x80 ? 1 : character_bytes(at + i, len - i);

        if (bytes == 0)
            break;
        i += bytes;
    }
    return i;
}

uint64_t text_json_string(struct buf *out, struct slice string)
{
    const unsigned char *at = (const unsigned char *)string.ptr;
    uint64_t replaced = 0;
    size_t len = string.len;

    buf_append_byte(out, '"');
    while (len > 0) {
        size_t plain = plain_json_bytes(at, len);

        if (plain > 0)
            buf_append(out, at, plain);
        at += plain;
        len -= plain;
        if (len == 0)
            break;
        if (*at < 0x80) {
            put_json_escape(out, *at);
        } else {
            buf_append_string(out, "\xef\xbf\xbd"); /* U+FFFD */
            replaced++;
        }
        at++;
        len--;
    }
    buf_append_byte(out, '"');
    return replaced;
}

static const char tsv_escapes[256] = {['\\'] = '\\', ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};

static void put_tsv_string(struct buf *out, struct slice string)
{
    size_t start = 0;

    for (size_t i = 0; i < string.len; i++) {
        char escape = tsv_escapes[(unsigned char)string.ptr[i]];

        if (!escape)
            continue;
        buf_append(out, string.ptr + start, i - start);
        buf_append_byte(out, '\\');
        buf_append_byte(out, (unsigned char)escape);
        start = i + 1;
    }
    if (string.len > start)
        buf_append(out, string.ptr + start, string.len - start);
}

static void put_string(struct text *text, struct slice string)
{
    switch (text->style) {
    case STYLE_JSON:
        text->bytes_replaced += text_json_string(text->out, string);
        return;
    case STYLE_TSV:
        put_tsv_string(text->out, string);
        return;
    case STYLE_RAW:
        if (string.len > 0)
            buf_append(text->out, string.ptr, string.len);
        return;
    }
}

static int put_scalar(struct text *text, const struct datum *datum, struct err *err)
{
    switch (datum->type) {
    case DATUM_NULL:
        buf_append_string(text->out, "null");
        return 0;
    case DATUM_FALSE:
        buf_append_string(text->out, "false");
        return 0;
    case DATUM_TRUE:
        buf_append_string(text->out, "true");
        return 0;
    case DATUM_INTEGER:
        text_integer(text->out, datum->integer);
        return 0;
    case DATUM_FLOAT:
        if (text->style == STYLE_JSON)
            return put_json_float(text->out, datum->number, err);
        text_float(text->out, datum->number);
        return 0;
    case DATUM_STRING:
        put_string(text, datum->string);
        return 0;
    default:
        return err_set(err, ERR_INPUT, "output: not a scalar");
    }
}

/* The name of a field of a JSON object: always a string. */
static int put_field_name(struct text *text, const struct datum *key, struct err *err)
{
    struct text name = {.out = text->out, .style = STYLE_RAW};
    int rc;

    if (key->type == DATUM_STRING)
        return put_scalar(text, key, err);
    buf_append_byte(text->out, '"');
    rc = put_scalar(&name, key, err);
    buf_append_byte(text->out, '"');
    return rc;
}

/* What is behind the DATUM_TUPLE_BEGIN that was read: [1,"a",[2]] */
static int put_tuple(struct text *text, struct key_reader *reader, struct err *err)
{
    struct text json = {.out = text->out, .style = STYLE_JSON};
    bool is_first = true;
    struct datum part;
    uint32_t depth = 1;
    int rc;

    buf_append_byte(json.out, '[');
    while (depth > 0 && (rc = key_read(reader, &part, err)) == 1) {
        if (part.type == DATUM_TUPLE_END) {
            buf_append_byte(json.out, ']');
            depth--;
            is_first = false;
            continue;
        }
        if (!is_first)
            buf_append_byte(json.out, ',');
        is_first = part.type == DATUM_TUPLE_BEGIN;
        depth += is_first;
        if (is_first)
            buf_append_byte(json.out, '[');
        else if (put_scalar(&json, &part, err) != 0)
            return -1;
    }
    text->bytes_replaced += json.bytes_replaced;
    return depth == 0 ? 0 : rc < 0 ? -1 : err_set(err, ERR_INPUT, "output: a key is cut off");
}

/* What is behind the DATUM_TABLE_BEGIN that was read. Recursion: VALUE_DEPTH_MAX at most. */
static int put_table(struct text *json, struct value_reader *reader, bool is_list, struct err *err)
{
    struct datum key, value;
    bool is_first = true;

    buf_append_byte(json->out, is_list ? '[' : '{');
    for (;;) {
        if (value_read(reader, &key, err) != 1)
            return -1;
        if (key.type == DATUM_TABLE_END)
            break;
        if (!is_first)
            buf_append_byte(json->out, ',');
        is_first = false;
        if (!is_list) {
            if (put_field_name(json, &key, err) != 0)
                return -1;
            buf_append_byte(json->out, ':');
        }
        if (value_read(reader, &value, err) != 1)
            return -1;
        if (value.type == DATUM_TABLE_BEGIN) {
            if (put_table(json, reader, value.integer > 0, err) != 0)
                return -1;
        } else if (put_scalar(json, &value, err) != 0) {
            return -1;
        }
    }
    buf_append_byte(json->out, is_list ? ']' : '}');
    return 0;
}

static int put_key(struct text *text, struct slice key, struct err *err)
{
    struct buf scratch = {0};
    struct key_reader reader;
    struct slice string;
    struct datum part;
    int rc;

    if (key_string(key, &string)) { /* by far the most common */
        put_string(text, string);
        return 0;
    }
    key_reader_init(&reader, key, &scratch);
    rc = key_read(&reader, &part, err);
    if (rc == 1 && part.type == DATUM_TUPLE_BEGIN)
        rc = put_tuple(text, &reader, err);
    else if (rc == 1)
        rc = put_scalar(text, &part, err);
    else if (rc == 0)
        rc = err_set(err, ERR_INPUT, "output: an empty key");
    buf_deinit(&scratch);
    return rc;
}

static int put_value(struct text *text, struct slice value, struct err *err)
{
    struct text json = {.out = text->out, .style = STYLE_JSON};
    struct value_reader reader;
    struct datum datum;
    int rc;

    value_reader_init(&reader, value);
    rc = value_read(&reader, &datum, err);
    if (rc == 0)
        return err_set(err, ERR_INPUT, "output: an empty value");
    if (rc < 0)
        return -1;
    if (datum.type != DATUM_TABLE_BEGIN)
        return put_scalar(text, &datum, err);
    rc = put_table(&json, &reader, datum.integer > 0, err);
    text->bytes_replaced += json.bytes_replaced;
    return rc;
}

int text_json_key(struct buf *out, struct slice key, uint64_t *bytes_replaced, struct err *err)
{
    struct text text = {.out = out, .style = STYLE_JSON};
    int rc = put_key(&text, key, err);

    *bytes_replaced += text.bytes_replaced;
    return rc;
}

int text_json_value(struct buf *out, struct slice value, uint64_t *bytes_replaced, struct err *err)
{
    struct text text = {.out = out, .style = STYLE_JSON};
    int rc = put_value(&text, value, err);

    *bytes_replaced += text.bytes_replaced;
    return rc;
}

int text_tsv_key(struct buf *out, struct slice key, struct err *err)
{
    return put_key(&(struct text){.out = out, .style = STYLE_TSV}, key, err);
}

int text_tsv_value(struct buf *out, struct slice value, struct err *err)
{
    return put_value(&(struct text){.out = out, .style = STYLE_TSV}, value, err);
}

int text_raw_key(struct buf *out, struct slice key, struct err *err)
{
    return put_key(&(struct text){.out = out, .style = STYLE_RAW}, key, err);
}

int text_raw_value(struct buf *out, struct slice value, struct err *err)
{
    return put_value(&(struct text){.out = out, .style = STYLE_RAW}, value, err);
}

int text_raw_field(struct buf *out, const struct datum *field, struct err *err)
{
    if (field->type == DATUM_TABLE_BEGIN)
        return text_raw_value(out, field->string, err);
    return put_scalar(&(struct text){.out = out, .style = STYLE_RAW}, field, err);
}
