#include "record/partition.h"

#include "base/hash.h"
#include "record/record.h"

#include <assert.h>

uint32_t partition_of(struct slice key, uint32_t partition_count)
{
    assert(partition_count > 0);
    assert(key.len <= RECORD_KEY_BYTES_MAX); /* the key writer refused longer ones */

    uint32_t partition = (uint32_t)(hash64(key) % partition_count);

    assert(partition < partition_count);
    return partition;
}
