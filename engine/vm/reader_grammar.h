/*
 * reader_grammar: the format "grammar": records are what an lpeg pattern of the job matches, one
 * behind the other. Key = byte offset, value = the captures: one as it is, several as a list; none:
 * the text that was matched. format/reader.h is how it is read; lua/mrlua/formats.lua says what the
 * job gives.
 *
 * Where a record begins, the patterns see bytes_max bytes at least, or all that is left: a pattern
 * that looks no farther means the same wherever the input is cut. A longer record is an error.
 *
 * A piece owns the records that start in it. At its beginning the job's resync says where the first
 * one does; at its end the reader looks whether resync finds the record that comes next, and no
 * place before it: if not, the grammar and its resync do not agree, and the piece behind would
 * miss records or read some twice. That is an error, never a silent loss.
 *
 * Errors: ERR_INPUT names file, offset and the first bytes that do not match. What a function in a
 * pattern raises is ERR_JOB. Memory: two windows, as bytes and as a Lua string, of 256 KiB or twice
 * bytes_max each.
 */
#ifndef VM_READER_GRAMMAR_H
#define VM_READER_GRAMMAR_H

#include "format/reader.h"
#include "vm/vm.h"

/* The records are RECORD_IN_LUA, of this vm, which must outlive the reader and has loaded a job
 * with a grammar. NULL with *err set. */
struct reader *reader_grammar_open(struct vm *vm, const struct source_input *input,
                                   struct slice options, struct err *err);

#endif
