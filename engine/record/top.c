#include "record/top.h"

#include "base/mem.h"
#include "record/key_print.h"

#include <assert.h>
#include <stdlib.h>

struct top_value {
    struct fold_number number;
    struct slice text; /* in `encoded`; of a string only */
    struct slice encoded;
};

void top_init(struct top *top, uint32_t count_max)
{
    assert(count_max > 0 && count_max <= TOP_COUNT_MAX);
    *top = (struct top){.count_max = count_max};
    top->values = mem_alloc_array(count_max + 1, sizeof top->values[0]);
}

void top_deinit(struct top *top)
{
    for (uint32_t i = 0; i < top->count; i++)
        free((void *)(uintptr_t)top->values[i].encoded.ptr);
    free(top->values);
    *top = (struct top){0};
}

static int fail(struct slice key, const char *why, struct err *err)
{
    char text[KEY_PRINT_BYTES];

    return err_set(err, ERR_JOB, "top: values of key %s %s", key_print(text, sizeof text, key),
                   why);
}

/* Is it a number or a string? Then *out is it, borrowing the bytes. */
static int decode(struct slice key, struct slice value, struct top_value *out, bool *is_text,
                  struct err *err)
{
    struct value_reader reader;
    struct datum datum;

    *out = (struct top_value){.encoded = value};
    *is_text = !fold_number_decode(value, &out->number);
    if (!*is_text)
        return 0;
    value_reader_init(&reader, value);
    if (value_check(value, err) != 0 || value_read(&reader, &datum, err) != 1)
        return -1;
    if (datum.type != DATUM_STRING)
        return fail(key, "must be numbers or strings", err);
    out->text = datum.string;
    return 0;
}

static bool is_less(const struct top *top, const struct top_value *a, const struct top_value *b)
{
    return top->is_text ? slice_compare(a->text, b->text) < 0
                        : fold_number_less(&a->number, &b->number);
}

/* Copies what was borrowed. */
static struct top_value own(struct top_value value)
{
    size_t text_at = value.text.len ? (size_t)(value.text.ptr - value.encoded.ptr) : 0;
    char *bytes = mem_alloc(value.encoded.len);

    memcpy(bytes, value.encoded.ptr, value.encoded.len);
    value.encoded.ptr = bytes;
    value.text.ptr = bytes + text_at;
    return value;
}

int top_add(struct top *top, struct slice key, struct slice value, struct err *err)
{
    struct top_value new;
    uint32_t at = top->count;
    bool is_text;

    if (decode(key, value, &new, &is_text, err) != 0)
        return -1;
    if (top->count > 0 && is_text != top->is_text)
        return fail(key, "are numbers and strings", err);
    top->is_text = is_text;
    while (at > 0 && is_less(top, &top->values[at - 1], &new))
        at--;
    if (at == top->count_max)
        return 0;
    memmove(&top->values[at + 1], &top->values[at], (top->count - at) * sizeof top->values[0]);
    top->values[at] = own(new);
    top->bytes += value.len;
    if (++top->count > top->count_max) {
        struct slice last = top->values[--top->count].encoded;

        top->bytes -= last.len;
        free((void *)(uintptr_t)last.ptr);
    }
    return top->bytes <= RECORD_VALUE_BYTES_MAX ? 0 : fail(key, "are larger than 16 MiB", err);
}

struct slice top_value(const struct top *top, uint32_t at)
{
    assert(at < top->count);
    return top->values[at].encoded;
}
