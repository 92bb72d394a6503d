/*
 * input_groups: the inputs of a job that has several kinds of them, each with a name, a map and a
 * format (lua/mrlua/inputs.lua). In messages each kind is an InputGroup, and its inputs follow
 * those of the group before it. A job whose inputs are all alike has no groups. Pure.
 *
 *     rc = input_groups_check(groups, count, input_count, &err);         where a job comes in
 *     group = input_group_of(start, piece);                              in an attempt
 *     kind = reader_kind_by_name(input_format_of(start, piece), ...);
 *
 * Groups are sorted by name, byte by byte, and so is the plan: by group, then by path as given.
 * That is the order of map numbers, in which the values of a key reach its reduce. A split has
 * pieces of one group, so that a map has one format and one function.
 */
#ifndef ATTEMPT_INPUT_GROUPS_H
#define ATTEMPT_INPUT_GROUPS_H

#include "base/err.h"
#include "rpc/messages.pb-c.h"

#include <stddef.h>

enum {
    /* A sample is told all of them, and calls setup and cleanup for each. A job with more has kinds
     * that differ in data, not in code: that is a column of one input. */
    INPUT_GROUP_COUNT_MAX = 64,
    INPUT_GROUP_NAME_BYTES_MAX = 64,
};

/* 0, or -1 (ERR_SETUP): they are not the groups of so many inputs. */
int input_groups_check(Mrlua__InputGroup *const *groups, size_t count, size_t input_count,
                       struct err *err);

/* Whose piece that is; NULL: the job has no groups, or the task is not told of this one. */
const Mrlua__InputGroup *input_group_of(const Mrlua__TaskStart *start, const Mrlua__Piece *piece);

/* What it is read as: format/reader.h. */
const char *input_format_of(const Mrlua__TaskStart *start, const Mrlua__Piece *piece);

#endif
