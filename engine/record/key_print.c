#include "record/key_print.h"

#include "record/key.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

struct printer {
    char *out;
    size_t bytes, len;
    bool is_cut;
};

static void print(struct printer *printer, const char *text)
{
    size_t len = strlen(text);

    if (printer->is_cut || len > printer->bytes - sizeof "..." - printer->len) {
        printer->is_cut = true;
        return;
    }
    memcpy(printer->out + printer->len, text, len);
    printer->len += len;
}

static void print_string(struct printer *printer, struct slice text)
{
    print(printer, "\"");
    for (size_t i = 0; i < text.len && !printer->is_cut; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        char escaped[8] = {(char)byte};

        if (byte == '"' || byte == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            snprintf(escaped, sizeof escaped, "\\x%02x", byte);
        print(printer, escaped);
    }
    print(printer, "\"");
}

static void print_datum(struct printer *printer, const struct datum *datum)
{
    char number[40];

    switch (datum->type) {
    case DATUM_STRING:
        print_string(printer, datum->string);
        return;
    case DATUM_INTEGER:
        snprintf(number, sizeof number, "%" PRId64, datum->integer);
        print(printer, number);
        return;
    case DATUM_FLOAT:
        snprintf(number, sizeof number, "%.14g", datum->number);
        print(printer, number);
        return;
    case DATUM_TUPLE_BEGIN:
        print(printer, "{");
        return;
    case DATUM_TUPLE_END:
        print(printer, "}");
        return;
    default:
        print(printer, datum->type == DATUM_TRUE ? "true" : "false");
    }
}

/* Prints its parts up to the end, or to what cannot be read: -1, and that is *rest. */
static int print_key(struct printer *printer, struct slice key, struct slice *rest)
{
    struct buf scratch = {0};
    struct key_reader reader;
    struct datum part;
    bool is_first = true; /* in its tuple */
    struct err err;
    int rc;

    key_reader_init(&reader, key, &scratch);
    do {
        *rest = slice_of(reader.next, (size_t)(reader.end - reader.next));
        rc = key_read(&reader, &part, &err);
        if (rc != 1)
            break;
        if (!is_first && part.type != DATUM_TUPLE_END)
            print(printer, ", ");
        is_first = part.type == DATUM_TUPLE_BEGIN;
        print_datum(printer, &part);
    } while (!printer->is_cut);
    buf_deinit(&scratch);
    return printer->is_cut ? 0 : rc;
}

const char *key_print_head(char *out, size_t out_bytes, struct slice head, size_t key_bytes)
{
    struct printer printer = {.out = out, .bytes = out_bytes};
    struct slice rest;

    assert(out_bytes >= 2 * sizeof "...");
    if (key_bytes <= head.len)
        return key_print(out, out_bytes, head);
    if (print_key(&printer, head, &rest) != 0 && rest.len > 0 && rest.ptr[0] == KEY_STRING_TAG) {
        print(&printer, printer.len > 0 && out[printer.len - 1] == '{' ? "" : ", ");
        print_string(&printer, slice_of(rest.ptr + 1, rest.len - 1));
    }
    snprintf(out + printer.len, out_bytes - printer.len, "...");
    return out;
}

const char *key_print(char *out, size_t out_bytes, struct slice key)
{
    struct printer printer = {.out = out, .bytes = out_bytes};
    struct slice rest;

    assert(out_bytes >= 2 * sizeof "...");
    if (print_key(&printer, key, &rest) != 0) {
        printer.len = 0;
        print_string(&printer, key);
    }
    snprintf(out + printer.len, out_bytes - printer.len, "%s", printer.is_cut ? "..." : "");
    return out;
}
