#include "record/builtin.h"

#include "record/key_print.h"

#include <assert.h>
#include <math.h>

static const char *const NAMES[BUILTIN_END] = {
    [BUILTIN_NONE] = "none",         [BUILTIN_SUM] = "sum",     [BUILTIN_COUNT] = "count",
    [BUILTIN_MIN] = "min",           [BUILTIN_MAX] = "max",     [BUILTIN_IDENTITY] = "identity",
    [BUILTIN_MEAN] = "mean",         [BUILTIN_FIRST] = "first", [BUILTIN_LIST] = "list",
    [BUILTIN_DISTINCT] = "distinct", [BUILTIN_TOP] = "top",
};

enum builtin builtin_by_name(struct slice name)
{
    for (int i = BUILTIN_NONE + 1; i < BUILTIN_END; i++)
        if (slice_equal(name, slice_of_string(NAMES[i])))
            return (enum builtin)i;
    return BUILTIN_NONE;
}

const char *builtin_name(enum builtin builtin)
{
    assert((int)builtin >= 0 && builtin < BUILTIN_END);
    return NAMES[builtin];
}

const char *builtin_names(void)
{
    return "sum, count, min, max, identity, mean, first, list, distinct, top";
}

/* Numbers, as Lua 5.4 adds and compares them (lvm.c: luaV_arith, LTnum). */

static struct fold_number number_of_integer(int64_t integer)
{
    return (struct fold_number){.is_float = false, .integer = integer};
}

static struct fold_number number_of_float(double number)
{
    return (struct fold_number){.is_float = true, .number = number};
}

static double to_double(const struct fold_number *number)
{
    return number->is_float ? number->number : (double)number->integer;
}

static struct fold_number number_add(const struct fold_number *a, const struct fold_number *b)
{
    if (a->is_float || b->is_float)
        return number_of_float(to_double(a) + to_double(b));
    return number_of_integer((int64_t)((uint64_t)a->integer + (uint64_t)b->integer));
}

/* Exact: no rounding of the integer to a double. NaN is less than nothing and nothing than it. */
static bool integer_less_than_float(int64_t a, double b)
{
    if (!(b > -0x1p63))
        return false;
    return b >= 0x1p63 || a < (int64_t)ceil(b);
}

static bool float_less_than_integer(double a, int64_t b)
{
    if (!(a < 0x1p63))
        return false;
    return a < -0x1p63 || (int64_t)floor(a) < b;
}

bool fold_number_less(const struct fold_number *a, const struct fold_number *b)
{
    if (!a->is_float)
        return b->is_float ? integer_less_than_float(a->integer, b->number)
                           : a->integer < b->integer;
    return b->is_float ? a->number < b->number : float_less_than_integer(a->number, b->integer);
}

bool builtin_folds_in_place(enum builtin builtin)
{
    return builtin == BUILTIN_SUM || builtin == BUILTIN_MIN || builtin == BUILTIN_MAX;
}

bool fold_number_decode(struct slice value, struct fold_number *out)
{
    struct value_reader reader;
    struct datum datum;
    struct err err;

    if (value.len == 1 && !(value.ptr[0] & 0x80)) { /* a counter's 1, most of the time */
        *out = number_of_integer(value.ptr[0]);
        return true;
    }
    if (value.len == 0 || value.len > VALUE_NUMBER_BYTES_MAX)
        return false;
    value_reader_init(&reader, value);
    if (value_read(&reader, &datum, &err) != 1 || reader.next != reader.end)
        return false;
    if (datum.type == DATUM_INTEGER)
        *out = number_of_integer(datum.integer);
    else if (datum.type == DATUM_FLOAT)
        *out = number_of_float(datum.number);
    else
        return false;
    return true;
}

void fold_number_add(enum builtin builtin, struct fold_number *accumulator,
                     const struct fold_number *value)
{
    assert(builtin_folds_in_place(builtin));
    if (builtin == BUILTIN_SUM)
        *accumulator = number_add(accumulator, value);
    else if (builtin == BUILTIN_MIN ? fold_number_less(value, accumulator)
                                    : fold_number_less(accumulator, value))
        *accumulator = *value;
}

size_t fold_number_encode(const struct fold_number *number, char out[VALUE_NUMBER_BYTES_MAX])
{
    return number->is_float ? value_encode_number(out, number->number)
                            : value_encode_integer(out, number->integer);
}

/* The fold. */

void fold_begin(struct fold *fold, enum builtin builtin)
{
    assert(builtin == BUILTIN_COUNT || builtin == BUILTIN_MEAN || builtin_folds_in_place(builtin));
    fold->builtin = builtin;
    fold->value_count = 0;
    fold->is_text = false;
    fold->number = number_of_integer(0);
    buf_clear(&fold->text);
}

void fold_deinit(struct fold *fold)
{
    buf_deinit(&fold->text);
    *fold = (struct fold){0};
}

/* The others take strings too. */
static bool takes_numbers_only(const struct fold *fold)
{
    return fold->builtin == BUILTIN_SUM || fold->builtin == BUILTIN_MEAN;
}

static int fold_fail_type(const struct fold *fold, struct slice key, enum datum_type type,
                          struct err *err)
{
    char text[KEY_PRINT_BYTES];

    return err_set(err, ERR_JOB, "%s: value of key %s is a %s, not a %s",
                   builtin_name(fold->builtin), key_print(text, sizeof text, key),
                   datum_type_name(type), takes_numbers_only(fold) ? "number" : "number or string");
}

static int fold_fail_mixed(const struct fold *fold, struct slice key, struct err *err)
{
    char text[KEY_PRINT_BYTES];

    return err_set(err, ERR_JOB, "%s: values of key %s are numbers and strings",
                   builtin_name(fold->builtin), key_print(text, sizeof text, key));
}

static int fold_add_number(struct fold *fold, struct slice key, const struct fold_number *number,
                           struct err *err)
{
    if (fold->is_text)
        return fold_fail_mixed(fold, key, err);
    if (fold->value_count == 0)
        fold->number = *number;
    else
        fold_number_add(takes_numbers_only(fold) ? BUILTIN_SUM : fold->builtin, &fold->number,
                        number);
    fold->value_count++;
    return 0;
}

static int fold_add_text(struct fold *fold, struct slice key, struct slice text, struct err *err)
{
    int order;

    if (takes_numbers_only(fold))
        return fold_fail_type(fold, key, DATUM_STRING, err);
    if (fold->value_count > 0 && !fold->is_text)
        return fold_fail_mixed(fold, key, err);
    order = slice_compare(text, buf_slice(&fold->text));
    if (fold->value_count == 0 || (fold->builtin == BUILTIN_MIN ? order < 0 : order > 0)) {
        buf_clear(&fold->text);
        buf_append(&fold->text, text.ptr, text.len);
    }
    fold->is_text = true;
    fold->value_count++;
    return 0;
}

int fold_add(struct fold *fold, struct slice key, struct slice value, struct err *err)
{
    struct value_reader reader;
    struct fold_number number;
    struct datum datum;

    if (fold->builtin == BUILTIN_COUNT) {
        fold->number.integer = (int64_t)++fold->value_count;
        return 0;
    }
    if (fold_number_decode(value, &number))
        return fold_add_number(fold, key, &number, err);
    value_reader_init(&reader, value);
    if (value_check(value, err) != 0 || value_read(&reader, &datum, err) != 1) {
        char text[KEY_PRINT_BYTES];

        return err_prefix(err, "%s: key %s", builtin_name(fold->builtin),
                          key_print(text, sizeof text, key));
    }
    if (datum.type == DATUM_STRING)
        return fold_add_text(fold, key, datum.string, err);
    return fold_fail_type(fold, key, datum.type, err);
}

void fold_result(const struct fold *fold, struct buf *out)
{
    struct fold_number number = fold->number;
    char bytes[VALUE_NUMBER_BYTES_MAX];

    assert(fold->value_count > 0 || fold->builtin == BUILTIN_SUM || fold->builtin == BUILTIN_COUNT);
    if (fold->is_text) {
        value_write_string(out, buf_slice(&fold->text));
        return;
    }
    /* The Lua starts at 0, the fold at the first value. That differs for -0.0 only: 0 + -0.0 is
     * 0.0, as is this. */
    if (fold->builtin == BUILTIN_SUM && number.is_float)
        number.number += 0.0;
    if (fold->builtin == BUILTIN_MEAN)
        number = number_of_float((to_double(&number) + 0.0) / (double)fold->value_count);
    buf_append(out, bytes, fold_number_encode(&number, bytes));
}
