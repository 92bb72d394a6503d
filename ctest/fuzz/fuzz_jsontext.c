/*
 * Any bytes as a text: what comes out is one string of JSON on one line, and the same again when
 * it has nothing to escape or replace.
 */
#include "fuzz.h"

#include "base/jsontext.h"

#include <stdlib.h>

/* Behind a backslash: one character, or "u" and four digits. */
static size_t escape_len(const char *text)
{
    if (text[1] == '"' || text[1] == '\\')
        return 2;
    if (text[1] != 'u' || strspn(text + 2, "0123456789abcdef") < 4)
        abort();
    return 6;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = {0}, again = {0};
    struct slice inner;
    bool is_plain = true;

    jsontext_text(&out, NULL, slice_of(data, size));
    buf_string(&out);
    if (out.len < 2 || out.ptr[0] != '"' || out.ptr[out.len - 1] != '"')
        abort();
    inner = slice_of(out.ptr + 1, out.len - 2);
    for (size_t i = 0; i < inner.len; i++) {
        unsigned char byte = (unsigned char)inner.ptr[i];

        if (byte < 0x20 || byte == 0x7f || byte == '"')
            abort();
        if (byte == '\\') {
            i += escape_len(inner.ptr + i) - 1;
            is_plain = false;
        }
    }
    jsontext_text(&again, NULL, inner);
    if (is_plain && !slice_equal(buf_slice(&out), buf_slice(&again)))
        abort(); /* it was no UTF-8, so it was changed once more */
    buf_deinit(&out);
    buf_deinit(&again);
    return 0;
}
