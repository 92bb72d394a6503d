#include "worker/preemption.h"

#include <string.h>
#include <strings.h>

void preemption_request(struct buf *out, const char *host, const char *etag)
{
    buf_append_string(out, "GET /computeMetadata/v1/instance/preempted");
    if (*etag)
        buf_printf(out, "?wait_for_change=true&timeout_sec=%d&last_etag=%s", PREEMPTION_WAIT_S,
                   etag);
    buf_printf(out, " HTTP/1.1\r\nHost: %s\r\nMetadata-Flavor: Google\r\nConnection: close\r\n\r\n",
               host);
}

/* The next line, without its end; the rest stays in *text. False: there is none. */
static bool next_line(struct slice *text, struct slice *line)
{
    const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;

    if (!end)
        return false;
    *line = slice_of(text->ptr, (size_t)(end - text->ptr));
    text->len -= line->len + 1;
    text->ptr = end + 1;
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool starts_with(struct slice line, const char *start)
{
    return line.len >= strlen(start) && strncasecmp(line.ptr, start, strlen(start)) == 0;
}

static struct slice trimmed(struct slice text)
{
    while (text.len > 0 && strchr(" \r\n", *text.ptr)) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \r\n", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static struct slice behind(struct slice line, const char *start)
{
    return trimmed(slice_of(line.ptr + strlen(start), line.len - strlen(start)));
}

/* It goes into the next request: letters and digits, or it is none. */
static bool copy_etag(char out[PREEMPTION_ETAG_BYTES], struct slice etag)
{
    if (etag.len == 0 || etag.len >= PREEMPTION_ETAG_BYTES)
        return false;
    for (size_t i = 0; i < etag.len; i++)
        if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_",
                    etag.ptr[i]) ||
            etag.ptr[i] == '\0')
            return false;
    memcpy(out, etag.ptr, etag.len);
    out[etag.len] = '\0';
    return true;
}

bool preemption_read(struct slice response, struct preemption_answer *out)
{
    struct slice line, body;
    bool is_metadata = false, has_etag = false;

    if (!next_line(&response, &line) ||
        (!starts_with(line, "HTTP/1.1 200 ") && !starts_with(line, "HTTP/1.0 200 ")))
        return false;
    for (;;) {
        if (!next_line(&response, &line))
            return false; /* the headers have no end */
        if (line.len == 0)
            break;
        if (starts_with(line, "Metadata-Flavor:"))
            is_metadata = slice_equal(behind(line, "Metadata-Flavor:"), slice_of_string("Google"));
        else if (starts_with(line, "ETag:"))
            has_etag = copy_etag(out->etag, behind(line, "ETag:"));
    }
    body = trimmed(response);
    out->is_preempted = slice_equal(body, slice_of_string("TRUE"));
    return is_metadata && has_etag &&
           (out->is_preempted || slice_equal(body, slice_of_string("FALSE")));
}
