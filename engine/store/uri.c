#include "store/uri.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "gs://";

bool uri_is_gs(const char *text)
{
    return strncmp(text, scheme, sizeof scheme - 1) == 0;
}

static bool is_bucket_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
           byte == '_' || byte == '.';
}

static int check_bucket(const char *text, const char *bucket, size_t len, struct err *err)
{
    if (len < URI_BUCKET_BYTES_MIN || len > URI_BUCKET_BYTES_MAX)
        return err_set(err, ERR_SETUP, "%s: the name of a bucket has %d to %d bytes, not %zu", text,
                       URI_BUCKET_BYTES_MIN, URI_BUCKET_BYTES_MAX, len);
    for (size_t i = 0; i < len; i++)
        if (!is_bucket_byte(bucket[i]))
            return err_set(err, ERR_SETUP,
                           "%s: the name of a bucket is made of a-z, 0-9, '-', '_' and '.'", text);
    return 0;
}

static int check_object(const char *text, const char *object, struct err *err)
{
    if (strlen(object) > URI_OBJECT_BYTES_MAX)
        return err_set(err, ERR_SETUP, "%.64s...: the name of an object has at most %d bytes", text,
                       URI_OBJECT_BYTES_MAX);
    if (strpbrk(object, "\r\n"))
        return err_set(err, ERR_SETUP, "%s: the name of an object has no line ends", text);
    if (strcmp(object, ".") == 0 || strcmp(object, "..") == 0)
        return err_set(err, ERR_SETUP, "%s: '.' and '..' are no names of objects", text);
    return 0;
}

int uri_parse(const char *text, struct uri *out, struct err *err)
{
    const char *bucket, *object;
    size_t len;

    *out = (struct uri){0};
    if (!uri_is_gs(text))
        return err_set(err, ERR_SETUP, "%s: not of the form gs://BUCKET/OBJECT", text);
    bucket = text + sizeof scheme - 1;
    len = strcspn(bucket, "/");
    object = bucket[len] == '/' ? bucket + len + 1 : "";
    if (check_bucket(text, bucket, len, err) != 0 || check_object(text, object, err) != 0)
        return -1;
    out->bucket = mem_strndup(bucket, len);
    out->object = mem_strdup(object);
    return 0;
}

void uri_deinit(struct uri *uri)
{
    free(uri->bucket);
    free(uri->object);
    *uri = (struct uri){0};
}

void uri_print(struct buf *out, const char *bucket, const char *object)
{
    buf_printf(out, "%s%s/%s", scheme, bucket, object);
}

void uri_encode(struct buf *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte))) {
            buf_append_byte(out, byte);
            continue;
        }
        buf_append_byte(out, '%');
        buf_append_byte(out, (unsigned char)digits[byte >> 4]);
        buf_append_byte(out, (unsigned char)digits[byte & 15]);
    }
}
