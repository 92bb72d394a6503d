#include "attempt/map_skew.h"

#include "record/partition.h"
#include "record/value.h"

static void take_keys(struct map_skew *skew, const struct hot_keys *hot)
{
    Mrlua__Skew *message = &skew->message;
    uint64_t least = message->records / HOT_KEY_COUNT;

    for (uint32_t i = 0; i < hot->count && i < MAP_SKEW_KEY_COUNT_MAX; i++) {
        Mrlua__HotKey *key = &skew->keys[i];
        struct slice bytes;

        if (hot_key_sure(&hot->items[i]) < least)
            break;
        skew->hot[i] = hot->items[i];
        bytes = hot_key_bytes(&skew->hot[i]);
        mrlua__hot_key__init(key);
        key->key = (ProtobufCBinaryData){bytes.len, (uint8_t *)(uintptr_t)bytes.ptr};
        key->key_bytes = skew->hot[i].key_bytes;
        key->hash = skew->hot[i].hash;
        key->partition = skew->hot[i].partition;
        key->records = hot_key_sure(&skew->hot[i]);
        skew->key_list[message->n_keys++] = key;
    }
    message->keys = skew->key_list;
}

/* Where a partition of so many bytes stands among the largest so far; of equal ones the first one
 * is before the others. */
static size_t place_of(const struct map_skew *skew, uint64_t bytes)
{
    size_t at = skew->message.n_largest;

    while (at > 0 && skew->largest_bytes[at - 1] < bytes)
        at--;
    return at;
}

static void take_partition(struct map_skew *skew, uint32_t partition,
                           const struct run_segment *segment)
{
    size_t at = place_of(skew, segment->bytes);

    if (at == MAP_SKEW_PARTITION_COUNT_MAX)
        return;
    if (skew->message.n_largest < MAP_SKEW_PARTITION_COUNT_MAX)
        skew->message.n_largest++;
    for (size_t i = skew->message.n_largest - 1; i > at; i--) {
        skew->largest[i] = skew->largest[i - 1];
        skew->largest_bytes[i] = skew->largest_bytes[i - 1];
        skew->largest_records[i] = skew->largest_records[i - 1];
    }
    skew->largest[at] = partition;
    skew->largest_bytes[at] = segment->bytes;
    skew->largest_records[at] = segment->record_count;
}

static void take_partitions(struct map_skew *skew, const struct run_summary *summary)
{
    Mrlua__Skew *message = &skew->message;

    for (uint32_t i = 0; i < summary->partition_count; i++) {
        message->bytes += summary->segments[i].bytes;
        message->records += summary->segments[i].record_count;
        take_partition(skew, i, &summary->segments[i]);
    }
    message->largest = skew->largest;
    message->largest_bytes = skew->largest_bytes;
    message->largest_records = skew->largest_records;
    message->n_largest_bytes = message->n_largest;
    message->n_largest_records = message->n_largest;
}

void map_skew_take(struct map_skew *skew, const struct run_summary *summary, struct slice view)
{
    Mrlua__Skew *message = &skew->message;
    struct datum combine;

    mrlua__skew__init(message);
    take_partitions(skew, summary);
    take_keys(skew, summary->hot_keys);
    message->partitions = summary->partition_count;
    message->partition = (uint32_t)partition_kind_of(view);
    message->combines = value_field(view, "combine", &combine);
    message->groups = value_field_integer(view, "group", 0) > 0;
    skew->is_taken = true;
}

Mrlua__Skew *map_skew_message(struct map_skew *skew)
{
    return skew->is_taken ? &skew->message : NULL;
}
