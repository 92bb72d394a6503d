#include "test.h"

#include "record/value.h"

#include "seed.h"

#include <math.h>

static void assert_wrote(struct buf *out, const void *want, size_t len)
{
    struct err err;

    assert_int_equal(out->len, len);
    assert_memory_equal(out->ptr, want, len);
    assert_int_equal(value_check(buf_slice(out), &err), 0);
    buf_clear(out);
}

/* The drawing in value.h. Run files hold these bytes: never change a line of it. */

static void scalars_are_as_drawn(void **state)
{
    struct buf out = {0};

    (void)state;
    value_write_integer(&out, 0);
    assert_wrote(&out, "\x00", 1);
    value_write_integer(&out, 127);
    assert_wrote(&out, "\x7f", 1);
    value_write_integer(&out, 128);
    assert_wrote(&out, "\xc0\x80\x02", 3);
    value_write_integer(&out, -1);
    assert_wrote(&out, "\xc0\x01", 2);
    value_write_integer(&out, INT64_MAX);
    assert_wrote(&out, "\xc0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    value_write_integer(&out, INT64_MIN);
    assert_wrote(&out, "\xc0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    value_write_number(&out, 1.0);
    assert_wrote(&out, "\xc1\x00\x00\x00\x00\x00\x00\xf0\x3f", 9);
    value_write_number(&out, -0.0);
    assert_wrote(&out, "\xc1\x00\x00\x00\x00\x00\x00\x00\x80", 9);
    value_write_boolean(&out, false);
    assert_wrote(&out, "\xc3", 1);
    value_write_boolean(&out, true);
    assert_wrote(&out, "\xc4", 1);
    buf_deinit(&out);
}

static void strings_are_as_drawn(void **state)
{
    char text[100], want[102] = "\xc2\x40";
    struct buf out = {0};

    (void)state;
    memset(text, 'x', sizeof text);
    memset(want + 2, 'x', sizeof text);
    value_write_string(&out, slice_of(NULL, 0));
    assert_wrote(&out, "\x80", 1);
    value_write_string(&out, slice_of("a\0b", 3));
    assert_wrote(&out,
                 "\x83"
                 "a\0b",
                 4);
    value_write_string(&out, slice_of(text, 64));
    assert_wrote(&out, want, 66);
    want[1] = '\xbf';
    value_write_string(&out, slice_of(text, 63));
    assert_wrote(&out, want + 1, 64);
    buf_deinit(&out);
}

static void tables_are_as_drawn(void **state)
{
    struct buf out = {0};

    (void)state;
    value_write_list_begin(&out, 2);
    value_write_integer(&out, 5);
    value_write_boolean(&out, true);
    assert_wrote(&out, "\xc5\x02\x05\xc4", 4);
    value_write_table_begin(&out);
    value_write_string(&out, slice_of_string("a"));
    value_write_list_begin(&out, 0);
    value_write_table_end(&out);
    assert_wrote(&out,
                 "\xc6\x81"
                 "a\xc6\xc7\xc7",
                 6);
    value_write_list_begin(&out, 200);
    for (int i = 0; i < 200; i++)
        value_write_list_begin(&out, 0);
    assert_memory_equal(out.ptr, "\xc5\xc8\x01\xc6\xc7", 5);
    assert_int_equal(out.len, 403);
    buf_clear(&out);
    value_write_list_begin(&out, 1);
    value_write_null(&out);
    assert_wrote(&out, "\xc5\x01\xc8", 3);
    buf_deinit(&out);
}

/* Random values, and their tokens as a reader must answer them. */

enum { TOKEN_COUNT_MAX = 2000 };

struct tokens {
    struct datum items[TOKEN_COUNT_MAX];
    size_t count;
};

static char letters[200];

static struct datum random_scalar(struct rand *rand)
{
    static const double numbers[] = {0.0, -0.0, 1.0, 1.5, INFINITY, -1e300};
    struct datum out = {.type = (enum datum_type)rand_below(rand, DATUM_STRING + 1)};

    if (out.type == DATUM_INTEGER)
        out.integer = (int64_t)rand_next(rand) >> rand_below(rand, 64);
    if (out.type == DATUM_FLOAT)
        out.number = numbers[rand_below(rand, 6)];
    if (out.type == DATUM_STRING)
        out.string = slice_of(letters, rand_below(rand, rand_below(rand, 2) ? 3 : 200));
    return out;
}

static void add_token(struct tokens *tokens, struct datum datum)
{
    tokens->items[tokens->count++] = datum;
}

static void write_random(struct rand *rand, struct buf *out, struct tokens *tokens, uint32_t depth)
{
    uint64_t kind = rand_below(rand, depth < 4 ? 4 : 2);
    uint64_t count = rand_below(rand, 4);
    bool is_list = kind == 2 && count > 0;

    if (kind < 2) {
        add_token(tokens, random_scalar(rand));
        value_write_datum(out, &tokens->items[tokens->count - 1]);
        return;
    }
    add_token(tokens,
              (struct datum){.type = DATUM_TABLE_BEGIN, .integer = is_list ? (int64_t)count : 0});
    if (is_list)
        value_write_list_begin(out, count);
    else
        value_write_table_begin(out);
    for (uint64_t i = 1; i <= count; i++) {
        add_token(tokens, is_list ? (struct datum){.type = DATUM_INTEGER, .integer = (int64_t)i}
                                  : random_scalar(rand));
        if (!is_list)
            value_write_datum(out, &tokens->items[tokens->count - 1]);
        write_random(rand, out, tokens, depth + 1);
    }
    add_token(tokens, (struct datum){.type = DATUM_TABLE_END});
    if (!is_list)
        value_write_table_end(out);
}

static void assert_datum(const struct datum *got, const struct datum *want)
{
    assert_int_equal(got->type, want->type);
    assert_true(got->integer == want->integer);
    assert_memory_equal(&got->number, &want->number, sizeof want->number);
    assert_true(slice_equal(got->string, want->string));
}

static void a_value_reads_back_as_it_was_written(void **state)
{
    struct rand rand = seed_rand();
    struct buf out = {0};

    (void)state;
    memset(letters, 'y', sizeof letters);
    for (int i = 0; i < 20000; i++) {
        struct value_reader reader;
        struct tokens tokens;
        struct datum got;
        struct err err;

        buf_clear(&out);
        tokens.count = 0;
        write_random(&rand, &out, &tokens, 0);
        value_reader_init(&reader, buf_slice(&out));
        for (size_t t = 0; t < tokens.count; t++) {
            assert_int_equal(value_read(&reader, &got, &err), 1);
            assert_datum(&got, &tokens.items[t]);
        }
        assert_int_equal(value_read(&reader, &got, &err), 0);
        assert_int_equal(value_read(&reader, &got, &err), 0);
    }
    buf_deinit(&out);
}

/* Goal: no value that is cut off passes. Every proper prefix is one. */
static void a_cut_value_is_refused(void **state)
{
    struct rand rand = seed_rand();
    struct buf out = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct tokens tokens;
        struct err err = {0};

        buf_clear(&out);
        tokens.count = 0;
        write_random(&rand, &out, &tokens, 0);
        for (size_t len = 0; len < out.len; len++) {
            assert_int_equal(value_check(slice_of(out.ptr, len), &err), -1);
            assert_int_equal(err.kind, ERR_INPUT);
        }
        buf_append_byte(&out, 0);
        assert_int_equal(value_check(buf_slice(&out), &err), -1);
    }
    buf_deinit(&out);
}

static void what_is_no_value_is_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *message;
    } bad[] = {
        {"", 0, "value: byte 0: value is cut off"},
        {"\xc9", 1, "value: byte 0: not a value"},
        {"\xc6\xc8\x01\xc7", 4, "value: byte 1: null as a key"},
        {"\xc7", 1, "value: byte 0: not a value"},
        {"\x01\x01", 2, "value: byte 1: bytes behind the end"},
        {"\xc0", 1, "value: byte 0: number is cut off or too long"},
        {"\xc0\x80", 2, "value: byte 0: number is cut off or too long"},
        {"\xc0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11,
         "value: byte 0: number is cut off or too long"},
        {"\xc0\xff\x00", 3, "value: byte 0: number is not the shortest"},
        {"\xc0\x02", 2, "value: byte 0: number is not the shortest"}, /* 1 */
        {"\xc1\0\0\0\0\0\0\0", 8, "value: byte 0: float is cut off"},
        {"\x82x", 2, "value: byte 1: string is cut off"},
        {"\xc2\x01x", 3, "value: byte 0: string is not the shortest"},
        {"\xc2\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "value: byte 11: string is cut off"},
        {"\xc5\x00", 2, "value: byte 0: list has no items or is cut off"},
        {"\xc5\x02\x01", 3, "value: byte 0: list has no items or is cut off"},
        {"\xc5\x02\x81x", 4, "value: byte 4: value is cut off"},
        {"\xc6\x01\x02", 3, "value: byte 3: value is cut off"},
        {"\xc6\x01\xc7", 3, "value: byte 2: not a value"},
        {"\xc6\xc6\xc7\x01\xc7", 5, "value: byte 1: a table as a key"},
        {"\xc6\xc1\0\0\0\0\0\0\xf8\x7f\x01\xc7", 12, "value: byte 1: NaN as a key"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};

        assert_int_equal(value_check(slice_of(bad[i].bytes, bad[i].len), &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.message, bad[i].message);
    }
}

static void tables_nest_to_the_limit(void **state)
{
    struct buf out = {0};
    struct err err;

    (void)state;
    for (int i = 1; i < VALUE_DEPTH_MAX; i++)
        value_write_list_begin(&out, 1);
    value_write_list_begin(&out, 0);
    assert_int_equal(value_check(buf_slice(&out), &err), 0);
    buf_clear(&out);
    for (int i = 0; i < VALUE_DEPTH_MAX; i++)
        value_write_list_begin(&out, 1);
    value_write_list_begin(&out, 0);
    assert_int_equal(value_check(buf_slice(&out), &err), -1);
    assert_string_equal(err.message, "value: byte 128: tables nested deeper than 64");
    buf_deinit(&out);
}

static void a_value_may_be_so_long(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(value_check_size(RECORD_VALUE_BYTES_MAX, &err), 0);
    assert_int_equal(value_check_size((size_t)RECORD_VALUE_BYTES_MAX + 1, &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "value: longer than 16778240 bytes");
}

/* Fields: {name = "wc", map = true, ratio = 0.5, reducers = 3, limits = {seconds = 9}, list = {7}}
 */

static void put_name(struct buf *out, const char *name)
{
    value_write_string(out, slice_of_string(name));
}

static void write_job(struct buf *out)
{
    value_write_table_begin(out);
    put_name(out, "limits");
    value_write_table_begin(out);
    put_name(out, "seconds");
    value_write_integer(out, 9);
    put_name(out, "name");
    put_name(out, "inner");
    value_write_table_end(out);
    put_name(out, "name");
    put_name(out, "wc");
    put_name(out, "map");
    value_write_boolean(out, true);
    put_name(out, "ratio");
    value_write_number(out, 0.5);
    put_name(out, "list");
    value_write_list_begin(out, 1);
    value_write_integer(out, 7);
    put_name(out, "reducers");
    value_write_integer(out, 3);
    value_write_table_end(out);
}

static void fields_are_found_by_name_and_type(void **state)
{
    struct buf out = {0};
    struct slice job, limits;
    struct datum field;

    (void)state;
    write_job(&out);
    job = buf_slice(&out);
    assert_true(slice_equal(value_field_string(job, "name", ""), slice_of_string("wc")));
    assert_true(slice_equal(value_field_string(job, "map", "none"), slice_of_string("none")));
    assert_int_equal(value_field_integer(job, "reducers", 1), 3);
    assert_int_equal(value_field_integer(job, "ratio", 1), 1);
    assert_int_equal(value_field_integer(job, "seconds", 1), 1); /* it is in limits */
    assert_true(value_field_number(job, "ratio", 0) == 0.5);
    assert_true(value_field_number(job, "reducers", 0) == 3.0);
    assert_true(value_field_number(job, "name", 8) == 8);
    assert_true(value_field_boolean(job, "map", false));
    assert_true(value_field_boolean(job, "reduce", true));
    assert_true(value_field_table(job, "limits", &limits));
    assert_int_equal(value_field_integer(limits, "seconds", 1), 9);
    assert_false(value_field_table(job, "name", &limits));
    assert_false(value_field(job, "reduce", &field));
    assert_int_equal(field.type, DATUM_NIL);
    buf_deinit(&out);
}

static void broken_tables_have_no_fields(void **state)
{
    struct buf out = {0};
    struct datum field;

    (void)state;
    write_job(&out);
    assert_false(value_field(slice_of(out.ptr, 5), "limits", &field));
    assert_int_equal(field.type, DATUM_NIL);
    assert_false(value_field(slice_of("\x05", 1), "limits", &field));
    assert_false(value_field(slice_of(NULL, 0), "limits", &field));
    buf_deinit(&out);
}

static void pairs_skip_what_is_nested(void **state)
{
    struct value_reader reader;
    struct datum key, value;
    struct buf out = {0};
    struct err err = {0};
    uint32_t count = 0;
    int rc;

    (void)state;
    write_job(&out);
    value_reader_init(&reader, buf_slice(&out));
    assert_int_equal(value_read(&reader, &value, &err), 1);
    while ((rc = value_read_pair(&reader, &key, &value, &err)) == 1) {
        assert_int_equal(key.type, DATUM_STRING);
        if (value.type == DATUM_TABLE_BEGIN)
            assert_int_equal(value_check(value.string, &err), 0);
        count++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(count, 6);
    assert_int_equal(value_read(&reader, &value, &err), 0);
    value_reader_init(&reader, slice_of(out.ptr, 12));
    assert_int_equal(value_read(&reader, &value, &err), 1);
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    buf_deinit(&out);
}

static void what_is_opened_is_a_table_or_nothing(void **state)
{
    struct value_reader reader;
    struct datum key, value;
    struct buf out = {0};
    struct err err = {0};

    (void)state;
    write_job(&out);
    assert_true(value_open_field(&reader, buf_slice(&out), "limits"));
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    assert_true(slice_equal(key.string, slice_of_string("seconds")));
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 0);
    assert_true(value_open_field(&reader, buf_slice(&out), "list"));
    assert_int_equal(value_read_pair(&reader, &key, &value, &err), 1);
    assert_int_equal(value.integer, 7);
    assert_false(value_open_field(&reader, buf_slice(&out), "name"));   /* a string */
    assert_false(value_open_field(&reader, buf_slice(&out), "reduce")); /* absent */
    assert_true(value_open(&reader, buf_slice(&out)));
    assert_false(value_open(&reader, slice_of("\x05", 1)));
    assert_false(value_open(&reader, slice_of(NULL, 0)));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_as_drawn),
        cmocka_unit_test(strings_are_as_drawn),
        cmocka_unit_test(tables_are_as_drawn),
        cmocka_unit_test(a_value_reads_back_as_it_was_written),
        cmocka_unit_test(a_cut_value_is_refused),
        cmocka_unit_test(what_is_no_value_is_named),
        cmocka_unit_test(tables_nest_to_the_limit),
        cmocka_unit_test(a_value_may_be_so_long),
        cmocka_unit_test(fields_are_found_by_name_and_type),
        cmocka_unit_test(broken_tables_have_no_fields),
        cmocka_unit_test(pairs_skip_what_is_nested),
        cmocka_unit_test(what_is_opened_is_a_table_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
