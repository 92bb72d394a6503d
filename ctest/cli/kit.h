/*
 * kit: arguments of a run as Lua would give them, for the tests of cli/.
 *
 *     struct buf args = {0};
 *     kit_args_begin(&args, "job.lua", "source");
 *     field_integer(&args, "slots", 2);              more fields; the last of a name counts
 *     kit_args_end(&args);
 */
#ifndef CTEST_CLI_KIT_H
#define CTEST_CLI_KIT_H

#include "test.h"

#include "base/mem.h"
#include "record/fields.h"
#include "record/value.h"

#include <stdlib.h>

static inline void kit_bundle(struct buf *out, const char *path, const char *source)
{
    value_write_table_begin(out);
    field_string(out, "path", path);
    field_string(out, "source", source);
    field_name(out, "modules");
    value_write_table_begin(out);
    value_write_table_end(out);
    value_write_table_end(out);
}

/* Inputs, a list of strings; the last one NULL. */
static inline void kit_inputs(struct buf *out, const char *const *inputs)
{
    field_name(out, "inputs");
    value_write_table_begin(out);
    for (int64_t i = 0; inputs[i]; i++) {
        value_write_integer(out, i + 1);
        value_write_string(out, slice_of_string(inputs[i]));
    }
    value_write_table_end(out);
}

/* All that a run must have, but for what the test is about. `view`: an encoded table. */
static inline void kit_args_begin(struct buf *out, struct slice bundle, struct slice view,
                                  const char *const *inputs)
{
    value_write_table_begin(out);
    field_name(out, "bundle");
    buf_append(out, bundle.ptr, bundle.len);
    field_name(out, "view");
    buf_append(out, view.ptr, view.len);
    kit_inputs(out, inputs);
    field_string(out, "job_name", "job");
    field_string(out, "input", "lines");
    field_string(out, "output_format", "tsv");
    field_integer(out, "attempts", 4);
    field_integer(out, "memory_bytes", 64 << 20);
    field_integer(out, "progress_ms", 60000);
    field_integer(out, "record_ms", 60000);
}

static inline void kit_args_end(struct buf *out)
{
    value_write_table_end(out);
}

#endif
