/*
 * value: values as bytes: nil-free scalars and nested tables. Compact, not ordered. Also how
 * checked job tables, params and command lines travel between Lua and C.
 *
 *     value_write_table_begin(&buf);          value_reader_init(&reader, value);
 *     value_write_string(&buf, name);         while ((rc = value_read(&reader, &part, &err)) == 1)
 *     value_write_integer(&buf, 7);               use(&part);
 *     value_write_table_end(&buf);
 *
 * The bytes, a tag and what follows it:
 *
 *     00 ... 7f                    the integers 0 ... 127
 *     80 ... bf  bytes             a string of 0 ... 63 bytes
 *     c0  varint                   any other integer, zigzag
 *     c1  8 bytes                  a float, little-endian
 *     c2  varint bytes             a longer string: its length, then itself
 *     c3                           false
 *     c4                           true
 *     c5  varint value value ...   a list: a table with just the keys 1 ... n; n > 0, the values
 *     c6  key value key value ...  any other table, and the empty one
 *     c7                           its end
 *     c8                           null, as JSON has it; never a key
 *
 * Integers and floats stay what they were (1 and 1.0 differ in a value, unlike in a key); a NaN
 * is a value like any other. Keys of tables are booleans, strings and numbers other than NaN.
 *
 * Who writes a table decides the order of its keys, and equal tables must give equal bytes, or
 * an attempt that is run again seems to answer differently (DESIGN, P6). So vm/ writes a table
 * with the keys 1 ... n and no other as a list, and any other table as 1 ... n first, then the
 * other keys sorted as key.h would. The reader takes any order.
 *
 * Scalars have one encoding and the reader refuses every other. All errors are ERR_INPUT.
 */
#ifndef RECORD_VALUE_H
#define RECORD_VALUE_H

#include "record/key.h"

enum {
    VALUE_DEPTH_MAX = 64,         /* tables in tables; who walks one may recurse */
    VALUE_NUMBER_BYTES_MAX = 11,  /* an encoded number */
    VALUE_STRING_BYTES_SMALL = 63 /* the length is in the tag */
};

/* Writers append to `out`. They know no limits: whoever writes what a job made bounds depth and
 * bytes as it goes (value_check_size). */
void value_write_null(struct buf *out);
void value_write_boolean(struct buf *out, bool value);
void value_write_integer(struct buf *out, int64_t value);
void value_write_number(struct buf *out, double value);
void value_write_string(struct buf *out, struct slice value);
/* `count` values follow, and nothing behind them. */
void value_write_list_begin(struct buf *out, uint64_t count);
/* Keys and values follow, then value_write_table_end(). */
void value_write_table_begin(struct buf *out);
void value_write_table_end(struct buf *out);
/* Scalars only. */
void value_write_datum(struct buf *out, const struct datum *datum);

/* The same for who has no buf: writes to `out` and returns how many bytes. */
size_t value_encode_integer(char out[VALUE_NUMBER_BYTES_MAX], int64_t value);
size_t value_encode_number(char out[VALUE_NUMBER_BYTES_MAX], double value);

/* 0, or -1: a value of so many bytes is too long (ERR_JOB). */
int value_check_size(size_t bytes, struct err *err);

/*
 * Reads a value token by token; borrows it. A list reads like the table it is (key 1, value, key
 * 2, value ... DATUM_TABLE_END), but its DATUM_TABLE_BEGIN has .integer > 0: the count, not more
 * than the bytes that are left.
 */
struct value_reader {
    const unsigned char *begin, *next, *end;
    uint32_t depth;
    bool is_begun;
    struct value_level {
        uint64_t count, index; /* a list's; count 0: a table with keys */
        bool wants_value;      /* a key was read */
    } levels[VALUE_DEPTH_MAX];
};

void value_reader_init(struct value_reader *reader, struct slice value);

/* 1: *out is the next token. 0: the value has ended, as it should. -1: not a value. A token
 * points into the value, and is good as long as that. */
int value_read(struct value_reader *reader, struct datum *out, struct err *err);

/*
 * The next key and value of the table whose DATUM_TABLE_BEGIN was read last. A table as value is
 * DATUM_TABLE_BEGIN with .string = its whole encoding, ready for value_reader_init() and
 * value_field(). 0: the table has ended.
 */
int value_read_pair(struct value_reader *reader, struct datum *key, struct datum *value,
                    struct err *err);

/* 0, or -1: these bytes are not a value. */
int value_check(struct slice value, struct err *err);

/*
 * Job tables and command lines from C: the value of the string key `name` in a table. False:
 * there is none, or the bytes are not a table; *out is DATUM_NIL then. A table is answered as
 * value_read_pair() does. value_check() hostile tables first, to tell broken from absent.
 */
bool value_field(struct slice table, const char *name, struct datum *out);

/* The same by type; what is absent or of another type answers `otherwise`. */
int64_t value_field_integer(struct slice table, const char *name, int64_t otherwise);
double value_field_number(struct slice table, const char *name, double otherwise); /* or integer */
bool value_field_boolean(struct slice table, const char *name, bool otherwise);
struct slice value_field_string(struct slice table, const char *name, const char *otherwise);
/* False: absent or no table. */
bool value_field_table(struct slice table, const char *name, struct slice *out);

/* Opens a table, or the one that is its field `name`, for value_read_pair(). False: there is none,
 * or it is no table; nothing may be read then. */
bool value_open(struct value_reader *reader, struct slice table);
bool value_open_field(struct value_reader *reader, struct slice table, const char *name);

#endif
