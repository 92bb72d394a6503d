/*
 * key: keys as bytes whose order is their natural order:
 *
 *     false < true < numbers < strings < tuples
 *
 * Numbers are ordered by value across integers and floats (1 < 1.5 < 2); 1.0 is the key 1, -0.0
 * is 0, NaN is refused. Strings are ordered byte by byte, tuples part by part; a prefix comes
 * first. "Order" is that of slice_compare(): memcmp(), then the shorter first.
 *
 *     key_writer_init(&writer, &buf);        struct buf scratch = {0};
 *     key_write_tuple_begin(&writer);        key_reader_init(&reader, key, &scratch);
 *     key_write_string(&writer, text);       while ((rc = key_read(&reader, &part, &err)) == 1)
 *     key_write_integer(&writer, 7);             use(&part);
 *     key_write_tuple_end(&writer);          buf_deinit(&scratch);
 *     rc = key_writer_end(&writer, &err);
 *
 * The bytes, a tag and what follows it:
 *
 *     'F'                          false
 *     'T'                          true
 *     0x57  double                 a number below -2^63, -inf too
 *     0x58 ... 0x5f  8 ... 1 bytes a negative integer n: the low bytes of n - 1
 *     0x60                         0
 *     0x61 ... 0x68  1 ... 8 bytes a positive integer
 *     0x69  double                 a number of 2^63 and more, inf too
 *     's'   bytes                  a string that is the whole key: the bytes as they are
 *     's'   bytes with 00 as 00 FF, then 00      a string that is part of a tuple
 *     't'   part part ...          a tuple that is the whole key
 *     't'   part part ... 00       a tuple that is part of a tuple
 *
 * Integers are big-endian, in as few bytes as their magnitude takes. A float with a fraction is
 * the integer below it, FF, double. A double is 8 bytes, big-endian, the sign bit flipped, and
 * all others too if it is negative. FF is greater than every tag, so what continues a number
 * (FF) or a string (00 FF) sorts behind whatever may follow one that ends.
 *
 * What is the whole key needs no end mark: so a word is its bytes, read without a copy; and the
 * first n parts of a tuple, which a job with group = n partitions and groups by, are a prefix of
 * its bytes and a key themselves (key_prefix).
 *
 * A decoder accepts exactly what the encoder makes: every key has one encoding, everything else
 * is an error, ERR_INPUT (property- and fuzz-tested).
 *
 * Why: strings and nesting are those of FoundationDB's tuple layer. Its numbers are not: it puts
 * all floats behind all integers. Leading with the double for every number (and, beyond 2^53, the
 * rest of an integer) has the same order as this, in 9 bytes for a 1; here small integers, by far
 * the most common numbers in keys, take 2 or 3, and floats with a fraction 11 or more.
 */
#ifndef RECORD_KEY_H
#define RECORD_KEY_H

#include "base/buf.h"
#include "record/record.h"

#include <stdbool.h>

enum {
    KEY_DEPTH_MAX = 16,   /* tuples in tuples; who walks one may recurse */
    KEY_STRING_TAG = 's', /* in front of the bytes of a string that is the whole key */
};

enum datum_type {
    DATUM_FALSE,
    DATUM_TRUE,
    DATUM_INTEGER,
    DATUM_FLOAT,
    DATUM_STRING,
    DATUM_TUPLE_BEGIN, /* keys: the parts follow, then DATUM_TUPLE_END */
    DATUM_TUPLE_END,
    DATUM_TABLE_BEGIN, /* values: key, value, key, value ... then DATUM_TABLE_END */
    DATUM_TABLE_END,
    DATUM_NULL, /* values: JSON's null, cjson.null in Lua */
    DATUM_NIL,  /* never written; what a reader of an absent field answers */
};

/* One token of a key or value. */
struct datum {
    enum datum_type type;
    int64_t integer; /* DATUM_TABLE_BEGIN: how many items a list has (value.h), else 0 */
    double number;
    struct slice string; /* borrowed from the encoded bytes, or from the reader's scratch */
};

/* "boolean", "number", "string", "tuple", "table", "null", "nil": for messages. */
const char *datum_type_name(enum datum_type type);

/*
 * Writes one key behind what is in `out`. Wrong use (two keys in one writer, tuples that do not
 * match) is asserted; what a job may do wrong is remembered and told by key_writer_end().
 */
struct key_writer {
    struct buf *out;
    size_t start; /* of this key in out */
    uint32_t depth;
    bool is_begun;
    const char *problem;
};

void key_writer_init(struct key_writer *writer, struct buf *out);
void key_write_boolean(struct key_writer *writer, bool value);
void key_write_integer(struct key_writer *writer, int64_t value);
void key_write_number(struct key_writer *writer, double value);
void key_write_string(struct key_writer *writer, struct slice value);
void key_write_tuple_begin(struct key_writer *writer);
void key_write_tuple_end(struct key_writer *writer);

/* Has anything gone wrong? Who walks a large tuple may stop; key_writer_end() says what it was. */
bool key_writer_failed(const struct key_writer *writer);

/* 0, or -1 (ERR_JOB: NaN, nested too deep, longer than RECORD_KEY_BYTES_MAX); then `out` is as it
 * was before. May be called inside a tuple when the writer has failed. */
int key_writer_end(struct key_writer *writer, struct err *err);

/* The common keys in one call: a string (0, or -1: too long, ERR_JOB), an integer. */
int key_encode_string(struct buf *out, struct slice value, struct err *err);
void key_encode_integer(struct buf *out, int64_t value);

/*
 * Reads a key token by token. It borrows `key`, and `scratch` for strings with NUL bytes in
 * tuples; a token is good until the next call. Nothing has to be released.
 */
struct key_reader {
    const unsigned char *begin, *next, *end;
    struct buf *scratch; /* NULL: such a string is checked and answered as its encoded bytes */
    uint32_t depth;
    bool is_begun;
};

void key_reader_init(struct key_reader *reader, struct slice key, struct buf *scratch);

/* 1: *out is the next token. 0: the key has ended, as it should. -1: not a key (ERR_INPUT). */
int key_read(struct key_reader *reader, struct datum *out, struct err *err);

/* Is it a string, integer? Then *out is it, a string without a copy. Malformed integers answer
 * false. */
static inline bool key_string(struct slice key, struct slice *out)
{
    if (key.len == 0 || key.ptr[0] != KEY_STRING_TAG)
        return false;
    *out = slice_of(key.ptr + 1, key.len - 1);
    return true;
}
bool key_integer(struct slice key, int64_t *out);

/* 0, or -1: these bytes are not a key (ERR_INPUT). */
int key_check(struct slice key, struct err *err);

/*
 * The first `part_count` parts of a tuple key: a prefix of its bytes, and itself a key, the tuple
 * of these parts. The whole key when it is no tuple, has no more parts, or part_count is 0. Only
 * the parts that are skipped are checked: -1 is ERR_INPUT.
 */
int key_prefix(struct slice key, uint32_t part_count, struct slice *prefix, struct err *err);

#endif
