/*
 * reader_json: the format "jsonl": key = byte offset of the line, value = the JSON in it, made by
 * lua-cjson. Pieces are those of lines; format/reader.h is how it is read.
 *
 *   - Objects and arrays are tables; null is cjson.null, alone and in tables. Of a name that is
 *     twice in an object the last value holds. [] and {} are both the empty table.
 *   - A number without a fraction that a double has exactly, below 2^53, is an integer: 1 and 1.0
 *     are 1. An integer from 2^53 on would lose digits: it is an error, unless the job says
 *     big_integers = "float". Every other number is a float. NaN, Infinity and hexadecimal numbers
 *     are not JSON.
 *   - Tables in tables: VALUE_DEPTH_MAX at most, as in every value.
 *   - Lines of blanks only are skipped, and so is a byte order mark at the start.
 *
 * Errors are ERR_INPUT and name file, offset and what was wrong.
 */
#ifndef VM_READER_JSON_H
#define VM_READER_JSON_H

#include "format/reader.h"
#include "vm/vm.h"

/* The records are RECORD_IN_LUA, of this vm, which must outlive the reader. NULL with *err set. */
struct reader *reader_json_open(struct vm *vm, const struct source_input *input,
                                struct slice options, struct err *err);

#endif
