#include "base/jsontext.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* What stands before a value: a comma behind the one before, and the name. */
static void lead(struct buf *out, const char *name)
{
    char last = out->len > 0 ? out->ptr[out->len - 1] : '{';

    if (last != '{' && last != '[')
        buf_append_byte(out, ',');
    if (name)
        buf_printf(out, "\"%s\":", name);
}

void jsontext_object_begin(struct buf *out, const char *name)
{
    lead(out, name);
    buf_append_byte(out, '{');
}

void jsontext_object_end(struct buf *out)
{
    buf_append_byte(out, '}');
}

void jsontext_array_begin(struct buf *out, const char *name)
{
    lead(out, name);
    buf_append_byte(out, '[');
}

void jsontext_array_end(struct buf *out)
{
    buf_append_byte(out, ']');
}

/* ---- text ---- */

/* How many bytes the character that starts `text` has, and its number; 0: it is none. */
static size_t decode(struct slice text, uint32_t *character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text.ptr[0];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    *character = first;
    if (len == 1)
        return 1;
    if (first < 0xc2 || first > 0xf4 || text.len < len)
        return 0;
    *character = first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if ((byte & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (byte & 0x3f);
    }
    if (*character < smallest[len] || *character > 0x10ffff ||
        (*character >= 0xd800 && *character <= 0xdfff))
        return 0;
    return len;
}

static bool needs_escape(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == '"' ||
           character == '\\';
}

static void append_character(struct buf *out, struct slice bytes, uint32_t character)
{
    if (!needs_escape(character)) {
        buf_append(out, bytes.ptr, bytes.len);
    } else if (character == '"' || character == '\\') {
        buf_append_byte(out, '\\');
        buf_append_byte(out, (unsigned char)character);
    } else {
        buf_printf(out, "\\u%04x", character);
    }
}

/* How many bytes from the start of `text` can be taken as they are. */
static size_t plain_len(struct slice text)
{
    size_t len = 0;

    while (len < text.len && (unsigned char)text.ptr[len] < 0x80 &&
           !needs_escape((unsigned char)text.ptr[len]))
        len++;
    return len;
}

void jsontext_text(struct buf *out, const char *name, struct slice text)
{
    lead(out, name);
    buf_append_byte(out, '"');
    for (size_t at = 0; at < text.len;) {
        struct slice rest = slice_of(text.ptr + at, text.len - at);
        size_t len = plain_len(rest);
        uint32_t character;

        if (len > 0) {
            buf_append(out, rest.ptr, len);
        } else if ((len = decode(rest, &character)) > 0) {
            append_character(out, slice_of(rest.ptr, len), character);
        } else {
            buf_append_string(out, "\xef\xbf\xbd");
            len = 1;
        }
        at += len;
    }
    buf_append_byte(out, '"');
}

void jsontext_string(struct buf *out, const char *name, const char *string)
{
    jsontext_text(out, name, string ? slice_of_string(string) : slice_of(NULL, 0));
}

/* ---- other values ---- */

void jsontext_number(struct buf *out, const char *name, uint64_t number)
{
    lead(out, name);
    buf_printf(out, "%" PRIu64, number);
}

void jsontext_signed(struct buf *out, const char *name, int64_t number)
{
    lead(out, name);
    buf_printf(out, "%" PRId64, number);
}

void jsontext_real(struct buf *out, const char *name, double number)
{
    lead(out, name);
    if (isfinite(number))
        buf_printf(out, "%.15g", number);
    else
        buf_append_string(out, "null");
}

void jsontext_boolean(struct buf *out, const char *name, bool value)
{
    lead(out, name);
    buf_append_string(out, value ? "true" : "false");
}
