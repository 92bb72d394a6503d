/*
 * reader_kit: a vm with a job that shows its records, and inputs made of bytes.
 */
#ifndef CTEST_VM_READER_KIT_H
#define CTEST_VM_READER_KIT_H

#include "format/pack.h"
#include "vm/kit.h"

/* A Lua function that writes any value as text, keys sorted. */
static const char show_source[] =
    "local cjson = require 'cjson'\n"
    "local function show(v)\n"
    "  if v == cjson.null then return 'null' end\n"
    "  if type(v) == 'string' then return '\"' .. v .. '\"' end\n"
    "  if type(v) ~= 'table' then return tostring(v) end\n"
    "  local keys, out = {}, {}\n"
    "  for k in pairs(v) do keys[#keys + 1] = k end\n"
    "  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)\n"
    "  for i, k in ipairs(keys) do out[i] = k .. '=' .. show(v[k]) end\n"
    "  return '{' .. table.concat(out, ',') .. '}'\n"
    "end\n";

struct feed {
    struct reader *reader;
    struct reader_record record;
};

static inline int feed_next(void *context, const struct reader_record **record, struct err *err)
{
    struct feed *feed = context;
    int rc = reader_next(feed->reader, &feed->record, err);

    *record = &feed->record;
    return rc;
}

/* Maps all of a reader: what the sink gets is in kit->output. Closes it. */
static inline int kit_map_reader(struct kit *kit, struct reader *reader)
{
    struct feed feed = {.reader = reader};
    int rc;

    if (!reader)
        return -1;
    rc = vm_map_all(kit->vm, feed_next, &feed, &kit->sink, &kit->err);
    reader_close(reader);
    return rc;
}

#endif
