/*
 * place: where in its input a task is, as the end of a message:
 *
 *     map took too long, at byte 120 of a.txt (record 3)
 *
 *     char text[PLACE_BYTES];
 *     err_set(err, kind, "map took too long%s", place_print_record(text, 120, "a.txt", 3));
 *
 * Numbers are those of records and keys as the task reads them, from 1.
 */
#ifndef ATTEMPT_PLACE_H
#define ATTEMPT_PLACE_H

#include "base/err.h"

#include <stdint.h>

enum { PLACE_BYTES = 512 }; /* a name of 255 bytes, or a key that was cut; more is cut */

/* They return `out`. */
const char *place_print_record(char out[PLACE_BYTES], uint64_t offset, const char *input,
                               uint64_t number);
const char *place_print_key(char out[PLACE_BYTES], const char *key, uint64_t number);

/* Puts it behind a message of a failure of the job's functions; another one knows where it was. */
void place_add(struct err *err, const char *place);

#endif
