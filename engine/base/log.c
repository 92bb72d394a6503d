#include "base/log.h"

#include "base/clock.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static bool log_is_enabled; /* the one global of the engine */

void log_enable(bool enabled)
{
    log_is_enabled = enabled;
}

void log_event(const char *event, const char *format, ...)
{
    char line[2048];
    va_list args;
    int len, more;

    if (!log_is_enabled)
        return;
    len = snprintf(line, sizeof line, "%s ", event);
    va_start(args, format);
    more = vsnprintf(line + len, sizeof line - (size_t)len, format, args);
    va_end(args);
    len += more > 0 ? more : 0;
    if ((size_t)len > sizeof line - 2)
        len = sizeof line - 2;
    line[len++] = '\n';
    /* One write, so that lines of several processes do not mix. A log that cannot be written has
     * nobody left to tell. */
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        return;
}

const char *log_quote(char *out, size_t out_bytes, struct slice text)
{
    size_t len = 0;

    assert(out_bytes >= 8); /* two quotes, one escape, NUL */
    out[len++] = '"';
    for (size_t i = 0; i < text.len && len + 6 < out_bytes; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (byte == '"' || byte == '\\') {
            out[len++] = '\\';
            out[len++] = (char)byte;
        } else if (byte < 0x20 || byte >= 0x7f) {
            len += (size_t)snprintf(out + len, out_bytes - len, "\\x%02x", byte);
        } else {
            out[len++] = (char)byte;
        }
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
