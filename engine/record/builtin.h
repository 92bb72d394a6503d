/*
 * builtin: reduce and combine functions that never enter Lua: a job names them.
 *
 *     fold_begin(&fold, BUILTIN_SUM);
 *     while (...)
 *         rc = fold_add(&fold, key, value, &err);
 *     fold_result(&fold, &buf);              and fold_begin() again for the next key
 *     fold_deinit(&fold);
 *
 * They mean what this Lua means, bit for bit, integers wrapping around and becoming floats beside
 * a float:
 *
 *     sum       local total = 0; for v in values do total = total + v end
 *     count     local total = 0; for _ in values do total = total + 1 end
 *     min       local m = values(); for v in values do if v < m then m = v end end
 *     max       local m = values(); for v in values do if m < v then m = v end end
 *     mean      local total, n = 0, 0; for v in values do total, n = total + v, n + 1 end;
 *               emit(key, total / n)
 *     first     emit(key, (values()))                  in input order
 *     list      local t = {}; for v in values do t[#t + 1] = v end; emit(key, t)
 *     distinct  emit(key, true)                        the key once: "lines" writes it alone
 *     top       the params.n largest values, largest first, the first of equal ones first (top.h)
 *     identity  for v in values do emit(key, v) end
 *
 * but sum and mean take numbers only (Lua would also add the string "7"), and strings are compared
 * byte by byte, not by locale. Everything else, and numbers mixed with strings in min, max and top,
 * is an error of the job (ERR_JOB) that names the built-in, the key and the type. The first of
 * equal values wins (1 and 1.0, 0.0 and -0.0), which is the same wherever a combiner cuts the
 * values; with NaN among them it is not, as in the Lua above.
 *
 * count is no combiner: a job with combine = "count" has reduce = "count", each value is emitted
 * as the integer 1, and both are sum.
 *
 * mean and list are no combiners: a mean of means and a list of lists are something else. The
 * others are laws: applied to any cut of the values, and to the results, they change nothing.
 *
 * The sort buffer folds numbers at emit, in place, with struct fold_number:
 *
 *     if (builtin_folds_in_place(builtin) && fold_number_decode(value, &number))
 *         fold_number_add(builtin, &accumulator, &number);   the first one is the accumulator
 *     ...
 *     len = fold_number_encode(&accumulator, bytes);
 */
#ifndef RECORD_BUILTIN_H
#define RECORD_BUILTIN_H

#include "record/value.h"

enum builtin {
    BUILTIN_NONE,
    BUILTIN_SUM,
    BUILTIN_COUNT,
    BUILTIN_MIN,
    BUILTIN_MAX,
    BUILTIN_IDENTITY,
    BUILTIN_MEAN,
    BUILTIN_FIRST,
    BUILTIN_LIST,
    BUILTIN_DISTINCT,
    BUILTIN_TOP,
    BUILTIN_END, /* how many */
};

/* BUILTIN_NONE: no such name. */
enum builtin builtin_by_name(struct slice name);
const char *builtin_name(enum builtin builtin);

/* All of them, for messages: "sum, count ...". */
const char *builtin_names(void);

struct fold_number {
    bool is_float;
    union {
        int64_t integer;
        double number;
    };
};

/* sum, min and max of numbers. */
bool builtin_folds_in_place(enum builtin builtin);

/* False: it is no number (or no value at all): a record of its own, for fold_add() to judge. */
bool fold_number_decode(struct slice value, struct fold_number *out);

/* a < b, as Lua has it: exact between integers and floats. */
bool fold_number_less(const struct fold_number *a, const struct fold_number *b);

/* builtin_folds_in_place(builtin). */
void fold_number_add(enum builtin builtin, struct fold_number *accumulator,
                     const struct fold_number *value);

/* Writes it as an encoded value and returns how many bytes. */
size_t fold_number_encode(const struct fold_number *number, char out[VALUE_NUMBER_BYTES_MAX]);

/* The fold of one key's values: sum, count, min, max or mean. A zeroed struct may be deinited. */
struct fold {
    enum builtin builtin;
    uint64_t value_count;
    bool is_text; /* min, max: `text` is it, not `number` */
    struct fold_number number;
    struct buf text; /* kept from key to key */
};

/* Starts anew, on a zeroed struct or after any other call. */
void fold_begin(struct fold *fold, enum builtin builtin);

/* Takes one more encoded value; `key` is for the message. -1: ERR_JOB, or ERR_INPUT for bytes
 * that are no value. */
int fold_add(struct fold *fold, struct slice key, struct slice value, struct err *err);

/* Appends the encoded result. At least one value was added (or it is sum or count: 0). */
void fold_result(const struct fold *fold, struct buf *out);
void fold_deinit(struct fold *fold);

#endif
