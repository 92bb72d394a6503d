/*
 * jsontext: JSON text, appended to a buffer.
 *
 *     jsontext_object_begin(&out, NULL);
 *     jsontext_number(&out, "count", 7);
 *     jsontext_text(&out, "name", slice_of_string(name));
 *     jsontext_array_begin(&out, "items");
 *     jsontext_number(&out, NULL, 1);                     in an array nothing has a name
 *     jsontext_array_end(&out);
 *     jsontext_object_end(&out);
 *
 * Commas come by themselves; that begins and ends match is the caller's. Any bytes may be a text:
 * what is not UTF-8 becomes U+FFFD, control characters (DEL and U+0080 to U+009F too) are escaped,
 * so the text is one line and does nothing to a terminal. Names are the program's own: they are not
 * escaped.
 *
 * Not here: reading JSON (store/manifest.c has a library for that), JSON records of jobs.
 */
#ifndef BASE_JSONTEXT_H
#define BASE_JSONTEXT_H

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

void jsontext_object_begin(struct buf *out, const char *name);
void jsontext_object_end(struct buf *out);
void jsontext_array_begin(struct buf *out, const char *name);
void jsontext_array_end(struct buf *out);

void jsontext_text(struct buf *out, const char *name, struct slice text);
void jsontext_string(struct buf *out, const char *name, const char *string); /* NULL: "" */
void jsontext_number(struct buf *out, const char *name, uint64_t number);
void jsontext_signed(struct buf *out, const char *name, int64_t number);
void jsontext_real(struct buf *out, const char *name, double number); /* not finite: null */
void jsontext_boolean(struct buf *out, const char *name, bool value);

#endif
