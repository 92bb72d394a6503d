/*
 * text: keys and values for people: the text of numbers, JSON, and the escapes of "tsv". Used by
 * the writers and by whatever prints records.
 *
 * Everything appends to `out`. What decodes returns -1 with *err set: ERR_INPUT, the bytes are no
 * key or value; ERR_JOB, JSON has no such number. Then `out` may hold a part of the text.
 */
#ifndef FORMAT_TEXT_H
#define FORMAT_TEXT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

void text_integer(struct buf *out, int64_t integer);

/* As Lua 5.4 prints it: %.14g, with ".0" where that looks like an integer; inf, -inf, nan, -nan. */
void text_float(struct buf *out, double number);

/* The string in quotes; bytes that are not UTF-8 as U+FFFD. Returns how many those were. */
uint64_t text_json_string(struct buf *out, struct slice string);

/* An encoded key or value as JSON. `bytes_replaced` is added to. */
int text_json_key(struct buf *out, struct slice key, uint64_t *bytes_replaced, struct err *err);
int text_json_value(struct buf *out, struct slice value, uint64_t *bytes_replaced, struct err *err);

/* As in a column of "tsv": strings escaped. */
int text_tsv_key(struct buf *out, struct slice key, struct err *err);
int text_tsv_value(struct buf *out, struct slice value, struct err *err);

/* As in "lines": strings as they are. */
int text_raw_key(struct buf *out, struct slice key, struct err *err);
int text_raw_value(struct buf *out, struct slice value, struct err *err);

/* The same of a field of a table, as value_read_pair() answers it. */
struct datum;
int text_raw_field(struct buf *out, const struct datum *field, struct err *err);

#endif
