/*
 * log: one line per state change on standard error, as text for people or as JSON for machines.
 *
 *     log_enable(LOG_TEXT, "worker");
 *     log_event(SEVERITY_WARNING, "attempt_failed", log_number("job", job), log_task("map", 3),
 *               log_text("reason", err.message));
 *
 *     attempt_failed job=7 task=map/3 reason="read /in: Input/output error"
 *
 *     {"time":"2026-11-29T18:48:03.123Z","severity":"WARNING",
 *      "message":"attempt_failed job=7 task=map/3 reason=...",
 *      "logging.googleapis.com/labels":{"component":"worker","job":"7","task":"map/3"},
 *      "event":"attempt_failed","reason":"read /in: Input/output error"}       on one line
 *
 * The names in JSON are those that Cloud Logging takes for its own fields. What says where a line
 * belongs (job, task, attempt, worker) is a label, which is a string there; what else the event
 * has is a field. Off unless log_enable() was called: what a user of `mrlua run` sees is the
 * progress, not this.
 *
 * Texts may hold any bytes: a line stays a line, and JSON stays JSON. A line has at most
 * LOG_BYTES_MAX bytes: a long text is cut; in JSON what does not fit then is left out, and the
 * field "cut" says so. Nobody waits for a reader of the log: what does not fit into its pipe now is
 * lost, and the next line that does says how many were (log_lost lines=7).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

enum { LOG_BYTES_MAX = 4096 }; /* PIPE_BUF: lines of several processes do not mix */

enum log_format { LOG_OFF, LOG_TEXT, LOG_JSON };

enum log_severity { SEVERITY_INFO, SEVERITY_NOTICE, SEVERITY_WARNING, SEVERITY_ERROR };

/* Made by the functions below; `key` is a name of the program's own. */
struct log_field {
    const char *key;
    const char *text; /* NULL: there is only a number */
    uint64_t number;
    enum { LOG_FIELD_NUMBER, LOG_FIELD_TEXT, LOG_FIELD_TASK } kind;
};

/* `component` is said in each JSON line, and must live as long as the process. */
void log_enable(enum log_format format, const char *component);
enum log_format log_format(void);

static inline struct log_field log_number(const char *key, uint64_t number)
{
    return (struct log_field){.key = key, .number = number, .kind = LOG_FIELD_NUMBER};
}

/* NULL is "". */
static inline struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text ? text : "", .kind = LOG_FIELD_TEXT};
}

/* task=map/3 */
static inline struct log_field log_task(const char *stage, uint32_t task)
{
    return (struct log_field){.key = "task", .text = stage, .number = task, .kind = LOG_FIELD_TASK};
}

void log_write(enum log_severity severity, const char *event, const struct log_field *fields,
               size_t field_count);

/* One line. At least one field. */
#define log_event(severity, event, ...)                                                            \
    log_write(severity, event, (const struct log_field[]){__VA_ARGS__},                            \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* `text` as "..." with escapes, cut to what fits in `out`; returns `out`. */
const char *log_quote(char *out, size_t out_bytes, struct slice text);

#endif
