/*
 * log: one line per state change on standard error: "event_name key=value key=value".
 *
 *     log_event("attempt_failed", "task=map/%u attempt=%u kind=%s", task, attempt, kind);
 *
 * Off unless log_enable() was called: what a user of `mrlua run` sees is the progress, not this.
 * Values with spaces or control bytes are the caller's to quote (log_quote).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/slice.h"

void log_enable(bool enabled);

void log_event(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `text` as "..." with escapes, cut to what fits in `out`; returns `out`. */
const char *log_quote(char *out, size_t out_bytes, struct slice text);

#endif
