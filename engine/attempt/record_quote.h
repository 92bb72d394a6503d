/*
 * record_quote: the record that killed a vm child, for people.
 *
 *     record_quote("lines", piece, offset, &detail);
 *         input: logs/a.txt, at byte 120
 *         record: "GET /index.html"
 *
 * It is read again, where an offset is one on disk: of lines in a plain file, cut to
 * RECORD_QUOTE_BYTES and with control bytes escaped. Of an object only the place is told, for a
 * service that may not answer is not asked; of anything else nothing.
 */
#ifndef ATTEMPT_RECORD_QUOTE_H
#define ATTEMPT_RECORD_QUOTE_H

#include "base/buf.h"
#include "rpc/messages.pb-c.h"

#include <stdint.h>

enum { RECORD_QUOTE_BYTES = 200 };

/* `reader`: a name of format/reader.h. Appends lines to `out`, or nothing. */
void record_quote(const char *reader, const Mrlua__Piece *piece, uint64_t offset, struct buf *out);

#endif
