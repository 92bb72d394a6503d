#include "master/job_log.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCH_SHIFT = 32 };
enum { MARK_PRINTED = 'p', MARK_NOTICE = 'n' };

static char **place_of(const struct job_log *log, uint64_t number)
{
    return &log->lines[number % JOB_LOG_LINE_COUNT_MAX];
}

static void drop_first(struct job_log *log)
{
    char **place = place_of(log, log->first);

    assert(log->first <= log->last);
    log->bytes -= strlen(*place + 1);
    free(*place);
    *place = NULL;
    log->first++;
}

static size_t count_of(const struct job_log *log)
{
    return log->last ? (size_t)(log->last - log->first + 1) : 0;
}

void job_log_deinit(struct job_log *log)
{
    while (count_of(log) > 0)
        drop_first(log);
    free(log->lines);
    *log = (struct job_log){0};
}

static uint64_t add(struct job_log *log, uint64_t epoch, char mark, const char *text)
{
    size_t len = strnlen(text, JOB_LOG_LINE_BYTES_MAX);
    char **place;

    if (!log->lines) {
        log->lines = mem_alloc_array(JOB_LOG_LINE_COUNT_MAX, sizeof *log->lines);
        log->last = epoch << EPOCH_SHIFT;
        log->first = log->last + 1;
    }
    while (count_of(log) == JOB_LOG_LINE_COUNT_MAX ||
           (count_of(log) > 0 && log->bytes + len > JOB_LOG_BYTES_MAX))
        drop_first(log);
    log->last++;
    place = place_of(log, log->last);
    *place = mem_alloc(1 + len + 1);
    (*place)[0] = mark;
    memcpy(*place + 1, text, len);
    log->bytes += len;
    assert(log->first <= log->last);
    return log->last;
}

uint64_t job_log_add(struct job_log *log, uint64_t epoch, const char *text)
{
    return add(log, epoch, MARK_PRINTED, text);
}

uint64_t job_log_add_notice(struct job_log *log, uint64_t epoch, const char *text)
{
    return add(log, epoch, MARK_NOTICE, text);
}

uint64_t job_log_next(const struct job_log *log, uint64_t seen)
{
    if (seen >= log->last)
        return 0;
    return seen < log->first ? log->first : seen + 1;
}

uint64_t job_log_lost(const struct job_log *log, uint64_t seen)
{
    uint64_t begin = log->last >> EPOCH_SHIFT << EPOCH_SHIFT;

    if (seen < begin)
        seen = begin;
    return log->last && seen < log->first ? log->first - seen - 1 : 0;
}

const char *job_log_line(const struct job_log *log, uint64_t number)
{
    assert(number >= log->first);
    assert(number <= log->last);
    return *place_of(log, number) + 1;
}

bool job_log_is_notice(const struct job_log *log, uint64_t number)
{
    assert(number >= log->first);
    assert(number <= log->last);
    return (*place_of(log, number))[0] == MARK_NOTICE;
}
