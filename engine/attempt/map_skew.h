/*
 * map_skew: what a map tells of the unevenness of its output (Skew in rpc/messages_skew.proto).
 *
 *     struct map_skew skew = {0};
 *     map_skew_take(&skew, &summary, view);       the collector has finished; copies what it needs
 *     done.skew = map_skew_message(&skew);        NULL if nothing was taken; borrowed from `skew`
 *
 * A master keeps what each completed map told, in memory and in its journal, so it is little: about
 * 60 bytes where nothing is hot, and 1.5 KB at most. Only keys with a HOT_KEY_COUNTth of the
 * attempt's records are told, which no more than HOT_KEY_COUNT can have.
 */
#ifndef ATTEMPT_MAP_SKEW_H
#define ATTEMPT_MAP_SKEW_H

#include "record/collector.h"
#include "rpc/message.h"

enum {
    MAP_SKEW_KEY_COUNT_MAX = 16, /* more that are as hot are none that stands out */
    /* The mean of the others is known from all bytes and these: with as many partitions or fewer
     * everything is told, and with more what stands out. Not each one: 1,000 maps of 1,000
     * partitions would be some MB. */
    MAP_SKEW_PARTITION_COUNT_MAX = 8,
};

struct map_skew {
    Mrlua__Skew message;
    struct hot_key hot[MAP_SKEW_KEY_COUNT_MAX]; /* the bytes of: */
    Mrlua__HotKey keys[MAP_SKEW_KEY_COUNT_MAX], *key_list[MAP_SKEW_KEY_COUNT_MAX];
    uint32_t largest[MAP_SKEW_PARTITION_COUNT_MAX];
    uint64_t largest_bytes[MAP_SKEW_PARTITION_COUNT_MAX];
    uint64_t largest_records[MAP_SKEW_PARTITION_COUNT_MAX];
    bool is_taken;
};

/* `view` is the job's, checked. `skew` may not move afterwards. */
void map_skew_take(struct map_skew *skew, const struct run_summary *summary, struct slice view);

Mrlua__Skew *map_skew_message(struct map_skew *skew);

#endif
