#include "record/parcel.h"

#include "record/value.h"

void parcel_wrap(struct buf *out, struct slice key, struct slice value)
{
    value_write_list_begin(out, 2);
    value_write_string(out, key);
    value_write_string(out, value);
}

struct slice parcel_key(void)
{
    return slice_of("t", 1); /* the empty tuple: key.h */
}

/* The next item of the list: its number, then its string. */
static int read_item(struct value_reader *reader, struct slice *out)
{
    struct datum number, item;
    struct err ignored; /* the caller has its own words */

    if (value_read(reader, &number, &ignored) != 1 || value_read(reader, &item, &ignored) != 1 ||
        item.type != DATUM_STRING)
        return -1;
    *out = item.string;
    return 0;
}

int parcel_unwrap(struct slice parcel, struct slice *key, struct slice *value, struct err *err)
{
    struct value_reader reader;
    struct datum begin;

    value_reader_init(&reader, parcel);
    if (value_read(&reader, &begin, err) != 1 || begin.type != DATUM_TABLE_BEGIN ||
        begin.integer != 2 || read_item(&reader, key) != 0 || read_item(&reader, value) != 0)
        return err_set(err, ERR_PEER, "a record of a further output is broken");
    return 0;
}
