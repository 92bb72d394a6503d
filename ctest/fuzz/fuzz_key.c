/*
 * Any bytes: the key decoder accepts or refuses them without crashing; what it accepts, the
 * encoder makes again, byte for byte (every key has one encoding); a prefix of a key is a key.
 */
#include "fuzz.h"

#include "record/key.h"
#include "record/key_print.h"

#include <stdlib.h>

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void write_part(struct key_writer *writer, const struct datum *part)
{
    switch (part->type) {
    case DATUM_FALSE:
    case DATUM_TRUE:
        key_write_boolean(writer, part->type == DATUM_TRUE);
        return;
    case DATUM_INTEGER:
        key_write_integer(writer, part->integer);
        return;
    case DATUM_FLOAT:
        key_write_number(writer, part->number);
        return;
    case DATUM_STRING:
        key_write_string(writer, part->string);
        return;
    case DATUM_TUPLE_BEGIN:
        key_write_tuple_begin(writer);
        return;
    case DATUM_TUPLE_END:
        key_write_tuple_end(writer);
        return;
    default:
        abort();
    }
}

static void encode_again(struct slice key)
{
    struct buf scratch = {0}, again = {0};
    struct key_writer writer;
    struct key_reader reader;
    struct datum part;
    struct err err;
    int rc;

    key_reader_init(&reader, key, &scratch);
    key_writer_init(&writer, &again);
    while ((rc = key_read(&reader, &part, &err)) == 1)
        write_part(&writer, &part);
    must(rc == 0);
    must(key_writer_end(&writer, &err) == 0);
    must(slice_equal(buf_slice(&again), key));
    buf_deinit(&scratch);
    buf_deinit(&again);
}

static void check_prefixes(struct slice key)
{
    struct slice prefix, before = {0};
    struct err err;

    for (uint32_t count = 1; count < 4; count++) {
        must(key_prefix(key, count, &prefix, &err) == 0);
        must(prefix.ptr == key.ptr && prefix.len <= key.len && prefix.len >= before.len);
        must(key_check(prefix, &err) == 0);
        before = prefix;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice key = slice_of(data, len), prefix;
    char text[KEY_PRINT_BYTES];
    struct err err = {0};

    must(strlen(key_print(text, sizeof text, key)) < sizeof text);
    if (key_check(key, &err) == 0) {
        encode_again(key);
        check_prefixes(key);
    } else {
        must(err.kind == ERR_INPUT);
        (void)key_prefix(key, 2, &prefix, &err);
    }
    return 0;
}
