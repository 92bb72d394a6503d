#include "store/http_headers.h"

#include "base/bytes.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <strings.h>

enum { CRC32C_TEXT_BYTES = HTTP_CRC32C_BYTES - 1 };

void http_headers_init(struct http_headers *headers)
{
    struct buf location = headers->location;

    buf_clear(&location);
    *headers = (struct http_headers){
        .content_length = HTTP_NO_NUMBER,
        .range_first = HTTP_NO_NUMBER,
        .range_last = HTTP_NO_NUMBER,
        .range_total = HTTP_NO_NUMBER,
        .stored_last = HTTP_NO_NUMBER,
        .generation = HTTP_NO_NUMBER,
        .location = location,
    };
}

void http_headers_deinit(struct http_headers *headers)
{
    buf_deinit(&headers->location);
}

bool http_crc32c_decode(struct slice text, uint32_t *crc32c)
{
    unsigned char bytes[6]; /* three for every four characters */

    if (text.len != CRC32C_TEXT_BYTES || text.ptr[6] != '=' || text.ptr[7] != '=')
        return false;
    if (EVP_DecodeBlock(bytes, (const unsigned char *)text.ptr, CRC32C_TEXT_BYTES) != sizeof bytes)
        return false;
    *crc32c = get_u32be(bytes);
    return true;
}

void http_crc32c_encode(uint32_t crc32c, char out[HTTP_CRC32C_BYTES])
{
    unsigned char bytes[4];

    put_u32be(bytes, crc32c);
    EVP_EncodeBlock((unsigned char *)out, bytes, sizeof bytes);
}

/* Takes `word` from the start of *text. */
static bool take_word(struct slice *text, const char *word)
{
    size_t len = strlen(word);

    if (text->len < len || strncasecmp(text->ptr, word, len) != 0)
        return false;
    *text = slice_of(text->ptr + len, text->len - len);
    return true;
}

/* Takes digits from the start of *text. */
static bool take_number(struct slice *text, uint64_t *number)
{
    size_t len = 0;

    *number = 0;
    while (len < text->len && isdigit((unsigned char)text->ptr[len])) {
        uint64_t digit = (uint64_t)(text->ptr[len++] - '0');

        if (*number > (UINT64_MAX - 1 - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    *text = slice_of(text->ptr + len, text->len - len);
    return len > 0;
}

static struct slice trim(struct slice text)
{
    while (text.len > 0 && isspace((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    while (text.len > 0 && isspace((unsigned char)text.ptr[0]))
        text = slice_of(text.ptr + 1, text.len - 1);
    return text;
}

static void read_number(struct slice value, uint64_t *to)
{
    uint64_t number;

    if (take_number(&value, &number) && value.len == 0)
        *to = number;
}

/* "bytes 1-2/3", also "bytes 1-2/" and a star. */
static void read_content_range(struct http_headers *headers, struct slice value)
{
    uint64_t first, last, total;

    if (!take_word(&value, "bytes ") || !take_number(&value, &first) || !take_word(&value, "-") ||
        !take_number(&value, &last) || !take_word(&value, "/") || last < first)
        return;
    headers->range_first = first;
    headers->range_last = last;
    if (take_number(&value, &total) && value.len == 0)
        headers->range_total = total;
}

static void read_stored_range(struct http_headers *headers, struct slice value)
{
    uint64_t first, last;

    if (take_word(&value, "bytes=") && take_number(&value, &first) && first == 0 &&
        take_word(&value, "-") && take_number(&value, &last) && value.len == 0)
        headers->stored_last = last;
}

/* "crc32c=...,md5=...", with or without blanks, in one line or several. */
static void read_hashes(struct http_headers *headers, struct slice value)
{
    while (value.len > 0) {
        const char *comma = memchr(value.ptr, ',', value.len);
        size_t len = comma ? (size_t)(comma - value.ptr) : value.len;
        struct slice one = trim(slice_of(value.ptr, len));

        if (take_word(&one, "crc32c="))
            headers->has_crc32c = http_crc32c_decode(one, &headers->crc32c);
        value = comma ? slice_of(comma + 1, value.len - len - 1) : slice_of(NULL, 0);
    }
}

static void read_retry_after(struct http_headers *headers, struct slice value)
{
    uint64_t seconds = 0;

    read_number(value, &seconds);
    headers->retry_after_s = seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

void http_headers_line(struct http_headers *headers, struct slice line)
{
    const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    struct slice name, value;

    if (!colon)
        return;
    name = slice_of(line.ptr, (size_t)(colon - line.ptr) + 1);
    value = trim(slice_of(colon + 1, line.len - name.len));
    if (take_word(&name, "content-length:")) {
        read_number(value, &headers->content_length);
    } else if (take_word(&name, "content-range:")) {
        read_content_range(headers, value);
    } else if (take_word(&name, "range:")) {
        read_stored_range(headers, value);
    } else if (take_word(&name, "x-goog-generation:")) {
        read_number(value, &headers->generation);
    } else if (take_word(&name, "x-goog-hash:")) {
        read_hashes(headers, value);
    } else if (take_word(&name, "retry-after:")) {
        read_retry_after(headers, value);
    } else if (take_word(&name, "content-encoding:")) {
        headers->is_gzip = take_word(&value, "gzip") && value.len == 0;
    } else if (take_word(&name, "metadata-flavor:")) {
        headers->is_metadata = take_word(&value, "Google") && value.len == 0;
    } else if (take_word(&name, "location:") && value.len <= HTTP_LOCATION_BYTES_MAX) {
        buf_clear(&headers->location);
        buf_append(&headers->location, value.ptr, value.len);
    }
}
