#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jsontext.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    TEXT_BYTES_MAX = 1536,   /* of a text line: twice that, escaped, leaves room for the fields */
    QUOTED_BYTES_MAX = 1152, /* of one value in it: an err.message */
    PIECE_BYTES_MIN = 16,    /* a text that has been cut to less is of no use */
    LABEL_BYTES_MAX = 64,
    CUT_BYTES = 16, /* ,"cut":true} and the newline */
};

/* The one global of the engine. */
static struct {
    enum log_format format;
    const char *component;
    uint64_t lost; /* lines since the last one that was written */
} log_state;

void log_enable(enum log_format format, const char *component)
{
    log_state.format = format;
    log_state.component = component;
}

enum log_format log_format(void)
{
    return log_state.format;
}

/* ---- as text ---- */

static bool is_plain(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (*text <= ' ' || *text >= 0x7f || *text == '"' || *text == '\\')
            return false;
    return true;
}

static void append_text_value(struct buf *out, const struct log_field *field)
{
    char quoted[QUOTED_BYTES_MAX];

    if (field->kind == LOG_FIELD_NUMBER)
        buf_printf(out, "%" PRIu64, field->number);
    else if (field->kind == LOG_FIELD_TASK)
        buf_printf(out, "%s/%" PRIu64, field->text, field->number);
    else if (is_plain(field->text))
        buf_printf(out, "%.*s", (int)sizeof quoted, field->text);
    else
        buf_append_string(out, log_quote(quoted, sizeof quoted, slice_of_string(field->text)));
}

/* Printable ASCII, whatever the fields hold. */
static void append_text_line(struct buf *out, const char *event, const struct log_field *fields,
                             size_t field_count)
{
    buf_append_string(out, event);
    for (size_t i = 0; i < field_count; i++) {
        buf_printf(out, " %s=", fields[i].key);
        append_text_value(out, &fields[i]);
    }
    if (out->len > TEXT_BYTES_MAX)
        out->len = TEXT_BYTES_MAX;
}

/* ---- as JSON ---- */

static const char *severity_name(enum log_severity severity)
{
    static const char *const names[] = {"INFO", "NOTICE", "WARNING", "ERROR"};

    return names[severity];
}

static bool is_label(const struct log_field *field)
{
    static const char *const labels[] = {"job", "task", "attempt", "worker"};

    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (strcmp(field->key, labels[i]) == 0)
            return true;
    return false;
}

static void append_time(struct buf *out)
{
    uint64_t now_ns = clock_realtime_ns();
    time_t now_s = (time_t)(now_ns / NS_PER_S);
    char text[40];
    struct tm tm;

    gmtime_r(&now_s, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(out, "\"time\":\"%s.%03uZ\"", text, (unsigned)(now_ns % NS_PER_S / NS_PER_MS));
}

/* A label is a string, a number too. */
static void append_labels(struct buf *out, const struct log_field *fields, size_t field_count)
{
    struct buf value = {0};

    jsontext_object_begin(out, "logging.googleapis.com/labels");
    jsontext_string(out, "component", log_state.component);
    for (size_t i = 0; i < field_count; i++) {
        if (!is_label(&fields[i]))
            continue;
        buf_clear(&value);
        append_text_value(&value, &fields[i]);
        if (value.len > LABEL_BYTES_MAX)
            value.len = LABEL_BYTES_MAX;
        jsontext_text(out, fields[i].key, buf_slice(&value));
    }
    jsontext_object_end(out);
    buf_deinit(&value);
}

/* False: nothing of it fits, and nothing was added. */
static bool append_field(struct buf *out, const struct log_field *field)
{
    size_t before = out->len;

    if (field->kind == LOG_FIELD_NUMBER) {
        jsontext_number(out, field->key, field->number);
        if (out->len + CUT_BYTES <= LOG_BYTES_MAX)
            return true;
        out->len = before;
        return false;
    }
    for (size_t len = strlen(field->text);; len /= 2) {
        jsontext_text(out, field->key, slice_of(field->text, len));
        if (out->len + CUT_BYTES <= LOG_BYTES_MAX)
            return len == strlen(field->text);
        out->len = before;
        if (len < PIECE_BYTES_MIN)
            return false;
    }
}

static void append_json_line(struct buf *out, enum log_severity severity, const char *event,
                             const struct log_field *fields, size_t field_count)
{
    struct buf text = {0};
    bool is_cut = false;

    append_text_line(&text, event, fields, field_count);
    jsontext_object_begin(out, NULL);
    append_time(out);
    jsontext_string(out, "severity", severity_name(severity));
    jsontext_text(out, "message", buf_slice(&text));
    append_labels(out, fields, field_count);
    jsontext_string(out, "event", event);
    for (size_t i = 0; i < field_count; i++)
        if (!is_label(&fields[i]))
            is_cut = !append_field(out, &fields[i]) || is_cut;
    if (is_cut)
        jsontext_boolean(out, "cut", true);
    jsontext_object_end(out);
    buf_deinit(&text);
}

/* ---- the line ---- */

static_assert(LOG_BYTES_MAX <= PIPE_BUF, "a pipe that polls as writable takes a whole line");

/* One write, so that lines of several processes do not mix. A log that cannot be written has nobody
 * left to tell. */
static void put(const struct buf *line)
{
    ssize_t written = write(STDERR_FILENO, line->ptr, line->len);

    (void)written;
}

static bool is_writable(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

static void say_lost(void)
{
    uint64_t lost = log_state.lost;

    log_state.lost = 0;
    log_event(SEVERITY_WARNING, "log_lost", log_number("lines", lost));
}

void log_write(enum log_severity severity, const char *event, const struct log_field *fields,
               size_t field_count)
{
    struct buf line = {0};

    if (log_state.format == LOG_OFF)
        return;
    if (log_state.lost > 0 && is_writable())
        say_lost();
    if (!is_writable()) {
        log_state.lost++;
        return;
    }
    if (log_state.format == LOG_TEXT)
        append_text_line(&line, event, fields, field_count);
    else
        append_json_line(&line, severity, event, fields, field_count);
    buf_append_byte(&line, '\n');
    assert(line.len <= LOG_BYTES_MAX);
    put(&line);
    buf_deinit(&line);
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
