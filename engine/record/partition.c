#include "record/partition.h"

#include "base/hash.h"
#include "record/record.h"
#include "record/value.h"

#include <assert.h>

enum partition_kind partition_kind_of(struct slice view)
{
    struct datum field;

    if (!value_field(view, "partition", &field))
        return PARTITION_BY_HASH;
    if (field.type == DATUM_TRUE)
        return PARTITION_BY_JOB;
    return field.type == DATUM_STRING && slice_equal(field.string, slice_of_string("range"))
               ? PARTITION_BY_RANGE
               : PARTITION_BY_HASH;
}

uint32_t partition_of(struct slice key, uint32_t partition_count)
{
    assert(partition_count > 0);
    assert(key.len <= RECORD_KEY_BYTES_MAX); /* the key writer refused longer ones */

    uint32_t partition = (uint32_t)(hash64(key) % partition_count);

    assert(partition < partition_count);
    return partition;
}
