/*
 * fields: named values, one after the other, for tables that C makes: answers to Lua, capsules.
 *
 *     value_write_table_begin(out);
 *     field_integer(out, "count", 7);
 *     field_string(out, "name", "x");
 *     value_write_table_end(out);
 */
#ifndef RECORD_FIELDS_H
#define RECORD_FIELDS_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Only the name: the value is written behind it. */
void field_name(struct buf *out, const char *name);

void field_boolean(struct buf *out, const char *name, bool value);
void field_integer(struct buf *out, const char *name, uint64_t value);
void field_number(struct buf *out, const char *name, double value);
void field_string(struct buf *out, const char *name, const char *value);
void field_bytes(struct buf *out, const char *name, struct slice value);
void field_value(struct buf *out, const char *name, struct slice encoded); /* any value */

/* The other way: a string of `table` as C has it, to be released with free(). NULL: it is not
 * there, or empty. */
char *field_text(struct slice table, const char *name);

#endif
