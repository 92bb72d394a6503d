#include "format/csv_row.h"

#include "seed.h"
#include "test.h"

#include <string.h>

/* "field|field" of the row at the start of `text`; *used as csv_row_parse() answers it. */
static const char *fields_of(struct csv_row *row, struct slice text, bool is_end, ssize_t *used)
{
    static char out[1000];
    size_t len = 0;

    *used = csv_row_parse(row, text, is_end);
    for (size_t i = 0; *used > 0 && i < row->field_count; i++) {
        struct slice field = csv_row_field(row, text, i);

        len += (size_t)snprintf(out + len, sizeof out - len, "%s%.*s", i ? "|" : "", (int)field.len,
                                field.ptr);
    }
    out[len] = '\0';
    return out;
}

static void parses(const char *text, ssize_t used, const char *fields)
{
    struct csv_row row = {.separator = ','};
    struct slice bytes = slice_of_string(text);
    ssize_t actual;

    assert_string_equal(fields_of(&row, bytes, true, &actual), fields);
    assert_int_equal(actual, used);
    csv_row_deinit(&row);
}

static void a_row_is_fields_up_to_its_line_end(void **state)
{
    (void)state;
    parses("a,b\nc", 4, "a|b");
    parses("a,b\r\nc", 5, "a|b");
    parses("a,b", 3, "a|b");
    parses("a,b\r", 4, "a|b");
    parses("a\rb,c\n", 6, "a\rb|c");
    parses(",\n", 2, "|");
    parses("\n", 1, "");
    parses(" a , b \n", 8, " a | b ");
}

static void quotes_keep_what_they_hold(void **state)
{
    (void)state;
    parses("\"a,b\",c\n", 8, "a,b|c");
    parses("\"a\nb\r\n\",c\n", 10, "a\nb\r\n|c");
    parses("\"say \"\"hi\"\"\",\"\"\"\"\n", 18, "say \"hi\"|\"");
    parses("\"\"\n", 3, "");
    parses("\"\",\"\"", 5, "|");
    parses("a\"b,c\"d\"\n", 9, "a\"b|c\"d\"");
    parses("\"a\"", 3, "a");
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
    static const struct {
        const char *text;
        bool is_line;
        const char *problem;
        size_t at;
    } cases[] = {
        {"a,\"b\"c\n", false, "a quoted field that goes on behind its closing quote", 5},
        {"a,\"b", false, "a quote that is not closed", 2},
        {"\"\"\"", false, "a quote that is not closed", 0},
        {"a,\"b\nc\"\n", true,
         "a quoted field with a newline (or one that is not closed), but the job says "
         "quoted_newlines = false",
         2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct csv_row row = {.separator = ',', .is_line = cases[i].is_line};

        assert_int_equal(csv_row_parse(&row, slice_of_string(cases[i].text), true), -1);
        assert_string_equal(row.problem, cases[i].problem);
        assert_int_equal(row.problem_at, cases[i].at);
        csv_row_deinit(&row);
    }
}

static void most_fields_pass_and_one_more_does_not(void **state)
{
    struct csv_row row = {.separator = ','};
    struct buf text = {0};

    (void)state;
    for (int i = 1; i < CSV_FIELD_COUNT_MAX; i++)
        buf_append_byte(&text, ',');
    assert_int_equal(csv_row_parse(&row, buf_slice(&text), true), text.len);
    assert_int_equal(row.field_count, CSV_FIELD_COUNT_MAX);
    buf_append_byte(&text, ',');
    assert_int_equal(csv_row_parse(&row, buf_slice(&text), true), -1);
    assert_string_equal(row.problem, "a row of more than 16384 fields");
    buf_deinit(&text);
    csv_row_deinit(&row);
}

/* Random fields, written and read again; the row of a cut text is asked for again with more. */
static void what_is_put_is_parsed_again(void **state)
{
    static const char bytes[] = {'a', ';', '"', '\n', '\r', ' ', '\0', '\xff'};
    struct rand rand = seed_rand();
    struct csv_row row = {.separator = ';'};
    struct buf text = {0}, fields[8] = {0};

    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t count = 1 + rand_below(&rand, 8), cut;

        buf_clear(&text);
        for (size_t i = 0; i < count; i++) {
            buf_clear(&fields[i]);
            for (uint64_t len = rand_below(&rand, 6); len > 0; len--)
                buf_append_byte(&fields[i], (unsigned char)bytes[rand_below(&rand, sizeof bytes)]);
            if (i > 0)
                buf_append_byte(&text, ';');
            csv_field_put(&text, buf_slice(&fields[i]), ';', count == 1);
        }
        buf_append_byte(&text, '\n');
        cut = (size_t)rand_below(&rand, text.len);
        assert_int_equal(csv_row_parse(&row, slice_of(text.ptr, cut), false), 0);
        assert_int_equal(csv_row_parse(&row, buf_slice(&text), false), text.len);
        assert_int_equal(row.field_count, count);
        for (size_t i = 0; i < count; i++)
            assert_true(
                slice_equal(csv_row_field(&row, buf_slice(&text), i), buf_slice(&fields[i])));
    }
    buf_deinit(&text);
    for (int i = 0; i < 8; i++)
        buf_deinit(&fields[i]);
    csv_row_deinit(&row);
}

static void only_what_needs_quotes_is_quoted(void **state)
{
    static const struct {
        const char *field;
        bool is_alone;
        const char *text;
    } cases[] = {
        {"plain", false, "plain"},
        {"a,b", false, "\"a,b\""},
        {"a\"b", false, "\"a\"\"b\""},
        {"a\nb", false, "\"a\nb\""},
        {"a\rb", false, "\"a\rb\""},
        {"a;b \t", false, "a;b \t"},
        {"", false, ""},
        {"", true, "\"\""},
        {"x", true, "x"},
    };
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&out);
        csv_field_put(&out, slice_of_string(cases[i].field), ',', cases[i].is_alone);
        assert_string_equal(buf_string(&out), cases[i].text);
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_fields_up_to_its_line_end),
        cmocka_unit_test(quotes_keep_what_they_hold),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(most_fields_pass_and_one_more_does_not),
        cmocka_unit_test(what_is_put_is_parsed_again),
        cmocka_unit_test(only_what_needs_quotes_is_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
