#include "attempt/place.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *place_print_record(char out[PLACE_BYTES], uint64_t offset, const char *input,
                               uint64_t number)
{
    snprintf(out, PLACE_BYTES, ", at byte %" PRIu64 " of %s (record %" PRIu64 ")", offset, input,
             number);
    return out;
}

const char *place_print_key(char out[PLACE_BYTES], const char *key, uint64_t number)
{
    snprintf(out, PLACE_BYTES, ", at key %s (number %" PRIu64 ")", key, number);
    return out;
}

void place_add(struct err *err, const char *place)
{
    size_t len = strlen(err->message);

    if (err->kind == ERR_JOB || err->kind == ERR_LIMIT)
        snprintf(err->message + len, sizeof err->message - len, "%s", place);
}
