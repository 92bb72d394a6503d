/*
 * key: keys as bytes whose memcmp() order is their natural order:
 *
 *     false < true < numbers < strings < tuples
 *
 * Numbers are ordered by value across integers and floats (1 < 1.5 < 2); 1.0 is the key 1, -0.0
 * is 0, NaN is refused. Tuples compare part by part, a prefix first. (Model for strings and
 * nesting: FoundationDB's tuple layer; numbers are our own, see below.)
 *
 *     struct key_writer writer;              struct key_reader reader;
 *     key_writer_init(&writer, &buf);        key_reader_init(&reader, key);
 *     key_write_string(&writer, text);       while ((rc = key_read(&reader, &part, &err)) == 1)
 *     rc = key_writer_end(&writer, &err);        use(&part);
 *
 * The bytes:
 *   (drawn here by whoever builds it: tag byte per type, terminators, escapes, numbers)
 *
 * A decoder accepts exactly what the encoder makes: every key has one encoding, everything else
 * is an error (property- and fuzz-tested).
 */
#ifndef RECORD_KEY_H
#define RECORD_KEY_H

#include "base/buf.h"
#include "record/record.h"

#include <stdbool.h>

enum { KEY_DEPTH_MAX = 16 }; /* nested tuples: a decoder's stack */

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
    DATUM_NIL, /* never written; what a reader of an absent field answers */
};

/* One token of a key or value. */
struct datum {
    enum datum_type type;
    int64_t integer;
    double number;
    struct slice string; /* borrowed from the encoded bytes, or from the reader's own buffer */
};

#endif
