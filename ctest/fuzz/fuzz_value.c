/*
 * Any bytes: the value decoder accepts or refuses them without crashing; what it accepts, the
 * encoder makes again, byte for byte; fields and folds read them without harm.
 */
#include "fuzz.h"

#include "record/builtin.h"

#include <stdlib.h>

static void must(bool condition)
{
    if (!condition)
        abort();
}

struct writer {
    struct buf out;
    bool is_list[VALUE_DEPTH_MAX], is_key[VALUE_DEPTH_MAX];
    uint32_t depth;
};

static void write_end(struct writer *writer)
{
    must(writer->depth > 0);
    if (!writer->is_list[--writer->depth])
        value_write_table_end(&writer->out);
}

static void write_begin(struct writer *writer, int64_t count)
{
    must(writer->depth < VALUE_DEPTH_MAX);
    writer->is_list[writer->depth] = count > 0;
    writer->is_key[writer->depth++] = true;
    if (count > 0)
        value_write_list_begin(&writer->out, (uint64_t)count);
    else
        value_write_table_begin(&writer->out);
}

static void write_part(struct writer *writer, const struct datum *part)
{
    bool is_key = false, is_list = false;

    if (part->type == DATUM_TABLE_END) {
        write_end(writer);
        return;
    }
    if (writer->depth > 0) {
        is_key = writer->is_key[writer->depth - 1];
        is_list = writer->is_list[writer->depth - 1];
        writer->is_key[writer->depth - 1] = !is_key;
    }
    if (part->type == DATUM_TABLE_BEGIN)
        write_begin(writer, part->integer);
    else if (!is_list || !is_key)
        value_write_datum(&writer->out, part);
}

static void encode_again(struct slice value)
{
    struct writer writer = {0};
    struct value_reader reader;
    struct datum part;
    struct err err;
    int rc;

    value_reader_init(&reader, value);
    while ((rc = value_read(&reader, &part, &err)) == 1)
        write_part(&writer, &part);
    must(rc == 0 && writer.depth == 0);
    must(slice_equal(buf_slice(&writer.out), value));
    buf_deinit(&writer.out);
}

static void fold(struct slice value, bool is_good)
{
    struct slice key = slice_of("F", 1);
    struct fold_number number;
    struct buf out = {0};
    struct fold fold = {0};
    struct err err = {0};
    int rc;

    fold_begin(&fold, BUILTIN_MIN);
    rc = fold_add(&fold, key, value, &err);
    if (rc == 0)
        rc = fold_add(&fold, key, value, &err);
    if (rc == 0) {
        fold_result(&fold, &out);
        must(slice_equal(buf_slice(&out), value));
    } else {
        must(err.kind == (is_good ? ERR_JOB : ERR_INPUT));
    }
    if (fold_number_decode(value, &number))
        must(is_good && rc == 0 && !fold.is_text);
    buf_deinit(&out);
    fold_deinit(&fold);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice value = slice_of(data, len);
    struct err err = {0};
    struct datum field;
    bool is_good = value_check(value, &err) == 0;

    if (is_good)
        encode_again(value);
    else
        must(err.kind == ERR_INPUT);
    if (value_field(value, "name", &field) && field.type == DATUM_TABLE_BEGIN)
        must(value_check(field.string, &err) == 0);
    fold(value, is_good);
    return 0;
}
