#include "record/fields.h"

#include "base/mem.h"
#include "record/value.h"

void field_name(struct buf *out, const char *name)
{
    value_write_string(out, slice_of_string(name));
}

void field_boolean(struct buf *out, const char *name, bool value)
{
    field_name(out, name);
    value_write_boolean(out, value);
}

void field_integer(struct buf *out, const char *name, uint64_t value)
{
    field_name(out, name);
    value_write_integer(out, (int64_t)value);
}

void field_number(struct buf *out, const char *name, double value)
{
    field_name(out, name);
    value_write_number(out, value);
}

void field_string(struct buf *out, const char *name, const char *value)
{
    field_name(out, name);
    value_write_string(out, slice_of_string(value));
}

void field_bytes(struct buf *out, const char *name, struct slice value)
{
    field_name(out, name);
    value_write_string(out, value);
}

void field_value(struct buf *out, const char *name, struct slice encoded)
{
    field_name(out, name);
    buf_append(out, encoded.ptr, encoded.len);
}

char *field_text(struct slice table, const char *name)
{
    struct slice text = value_field_string(table, name, "");

    return text.len ? mem_strndup(text.ptr, text.len) : NULL;
}
