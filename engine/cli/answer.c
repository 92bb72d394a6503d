#include "cli/answer.h"

#include "record/fields.h"
#include "record/value.h"
#include "sched/sched.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80 };

uint64_t answer_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return COLUMNS_DEFAULT;
}

void answer_stage(const struct answer_stage *stage, struct buf *out)
{
    value_write_table_begin(out);
    field_string(out, "name", stage->name);
    field_integer(out, "tasks", stage->tasks);
    field_integer(out, "tasks_done", stage->tasks_done);
    field_integer(out, "tasks_running", stage->tasks_running);
    field_number(out, "seconds", stage->seconds);
    field_number(out, "bytes", stage->bytes);
    field_number(out, "bytes_done", stage->bytes_done);
    field_integer(out, "records", stage->records);
    value_write_table_end(out);
}

void answer_part(const char *name, uint64_t bytes, uint64_t records, uint32_t crc32c,
                 struct buf *out)
{
    char crc[16];

    snprintf(crc, sizeof crc, "%08x", crc32c);
    value_write_table_begin(out);
    field_string(out, "name", name);
    field_integer(out, "bytes", bytes);
    field_integer(out, "records", records);
    field_string(out, "crc32c", crc);
    value_write_table_end(out);
}

void answer_plan(const struct answer_plan *plan, struct buf *out)
{
    value_write_table_begin(out);
    field_integer(out, "split_count", plan->split_count);
    field_integer(out, "split_bytes", plan->split_bytes);
    field_integer(out, "reducer_count", plan->reducer_count);
    field_integer(out, "sort_buffer_bytes", plan->sort_buffer_bytes);
    value_write_table_end(out);
}

void answer_error(const struct err *err, const char *detail, bool is_setup, struct buf *out)
{
    value_write_table_begin(out);
    field_string(out, "kind", err_kind_name(err->kind));
    field_string(out, "message", err->message);
    field_string(out, "detail", detail ? detail : "");
    field_boolean(out, "is_setup", is_setup || err->kind == ERR_SETUP);
    value_write_table_end(out);
}

static void add_hot_keys(const Mrlua__JobSkew *skew, struct buf *out)
{
    field_name(out, "keys");
    value_write_list_begin(out, skew->n_keys);
    for (size_t i = 0; i < skew->n_keys; i++) {
        value_write_table_begin(out);
        field_string(out, "key", skew->keys[i]->text);
        field_integer(out, "records", skew->keys[i]->records);
        field_integer(out, "partition", skew->keys[i]->partition);
        value_write_table_end(out);
    }
}

static void add_largest(const Mrlua__JobSkew *skew, struct buf *out)
{
    field_name(out, "largest");
    value_write_list_begin(out, skew->n_largest);
    for (size_t i = 0; i < skew->n_largest; i++) {
        value_write_table_begin(out);
        field_integer(out, "partition", skew->largest[i]->partition);
        field_integer(out, "bytes", skew->largest[i]->bytes);
        field_integer(out, "records", skew->largest[i]->records);
        value_write_table_end(out);
    }
}

void answer_skew(const Mrlua__JobSkew *skew, struct buf *out)
{
    value_write_table_begin(out);
    if (skew) {
        field_integer(out, "records", skew->records);
        field_integer(out, "bytes", skew->bytes);
        field_integer(out, "partitions", skew->partitions);
        add_hot_keys(skew, out);
        add_largest(skew, out);
        field_name(out, "advice");
        value_write_list_begin(out, skew->n_advice);
        for (size_t i = 0; i < skew->n_advice; i++)
            value_write_string(out, slice_of_string(skew->advice[i]));
    }
    value_write_table_end(out);
}

static void add_slowest(const Mrlua__JobEffort *effort, struct buf *out)
{
    field_name(out, "slowest");
    value_write_list_begin(out, effort->n_slowest);
    for (size_t i = 0; i < effort->n_slowest; i++) {
        const Mrlua__SlowAttempt *slow = effort->slowest[i];

        value_write_table_begin(out);
        if (slow->stage < STAGE_COUNT)
            field_string(out, "stage", stage_kind_name((enum stage_kind)slow->stage));
        field_integer(out, "task", slow->task);
        if (slow->step > 0)
            field_integer(out, "step", slow->step);
        field_number(out, "seconds", slow->seconds);
        if (slow->worker[0]) {
            field_string(out, "worker", slow->worker);
            field_integer(out, "worker_id", slow->worker_id);
        }
        value_write_table_end(out);
    }
}

void answer_effort(const Mrlua__JobEffort *effort, struct buf *out)
{
    value_write_table_begin(out);
    if (effort) {
        field_name(out, "seconds");
        value_write_table_begin(out);
        for (size_t i = 0; i < effort->n_seconds && i < STAGE_COUNT; i++)
            field_number(out, stage_kind_name((enum stage_kind)i), effort->seconds[i]);
        value_write_table_end(out);
        field_integer(out, "bytes_read", effort->bytes_read);
        field_integer(out, "records_read", effort->records_read);
        field_integer(out, "bytes_shuffled", effort->bytes_shuffled);
        field_integer(out, "records_shuffled", effort->records_shuffled);
        field_integer(out, "failed", effort->failed);
        field_integer(out, "given_up", effort->given_up);
        field_integer(out, "lost", effort->lost);
        field_integer(out, "lost_races", effort->lost_races);
        field_integer(out, "outputs_lost", effort->outputs_lost);
        field_integer(out, "workers_lost", effort->workers_lost);
        add_slowest(effort, out);
    }
    value_write_table_end(out);
}

void answer_inputs(const Mrlua__InputFacts *inputs, struct buf *out)
{
    char sum[24];

    if (!inputs)
        return;
    snprintf(sum, sizeof sum, "%016llx", (unsigned long long)inputs->sum);
    field_name(out, "inputs");
    value_write_list_begin(out, inputs->n_first);
    for (size_t i = 0; i < inputs->n_first; i++) {
        const Mrlua__InputFact *input = inputs->first[i];

        value_write_table_begin(out);
        field_string(out, "name", input->name);
        field_integer(out, "bytes", input->bytes);
        if (input->generation)
            field_integer(out, "generation", input->generation);
        else
            field_integer(out, "mtime_ns", (uint64_t)input->mtime_ns);
        value_write_table_end(out);
    }
    field_integer(out, "input_count", inputs->count);
    field_string(out, "input_sum", sum);
}

void answer_log(struct buf *log, struct buf *out)
{
    size_t at = 0;

    value_write_table_begin(out);
    for (int64_t i = 1; at < log->len; i++) {
        const char *newline = memchr(log->ptr + at, '\n', log->len - at);
        size_t len = newline ? (size_t)(newline - log->ptr) - at : log->len - at;

        value_write_integer(out, i);
        value_write_string(out, slice_of(log->ptr + at, len));
        at += len + 1;
    }
    value_write_table_end(out);
    buf_clear(log);
}
