#include "master/job_skew.h"

#include "attempt/map_skew.h"
#include "base/mem.h"
#include "record/key_print.h"
#include "record/partition.h"

#include <inttypes.h>
#include <stdlib.h>

/* Of one map, so that sums over a million of them are far from 2^63: it comes from a process that
 * runs the job's Lua, and a number in it may be any. */
#define MAP_SKEW_NUMBER_MAX ((uint64_t)1 << 40)

/* What is known of a partition: what attempts told of it above what they told of the rest. */
struct partition_sum {
    int64_t bytes, records;
};

struct skew_sums {
    struct hot_keys keys;
    uint64_t records, bytes;
    struct partition_sum *partitions;
    struct partition_sum rest; /* what each has, told of or not */
    uint32_t partition_count;
    const Mrlua__Skew *last; /* what is of the job in it is the same in all */
};

/* ---- adding up ---- */

static uint64_t at_most(uint64_t number, uint64_t limit)
{
    return number < limit ? number : limit;
}

static void add_keys(struct skew_sums *sums, const Mrlua__Skew *skew, uint64_t records)
{
    for (size_t i = 0; i < skew->n_keys && i < MAP_SKEW_KEY_COUNT_MAX; i++) {
        const Mrlua__HotKey *told = skew->keys[i];
        struct hot_key key =
            hot_key_of(told->hash, told->partition, slice_of(told->key.data, told->key.len));

        if (key.key_bytes < told->key_bytes)
            key.key_bytes = told->key_bytes;
        hot_keys_add(&sums->keys, &key, at_most(told->records, records));
    }
}

static bool tells_partitions(const Mrlua__Skew *skew)
{
    return skew->n_largest <= MAP_SKEW_PARTITION_COUNT_MAX &&
           skew->n_largest_bytes == skew->n_largest && skew->n_largest_records == skew->n_largest;
}

static void add_partitions(struct skew_sums *sums, const Mrlua__Skew *skew, uint64_t records,
                           uint64_t bytes)
{
    uint64_t left_count = sums->partition_count;
    struct partition_sum mean = {0}, told[MAP_SKEW_PARTITION_COUNT_MAX];

    for (size_t i = 0; i < skew->n_largest; i++) {
        told[i].bytes = (int64_t)at_most(skew->largest_bytes[i], bytes);
        told[i].records = (int64_t)at_most(skew->largest_records[i], records);
        bytes -= (uint64_t)told[i].bytes;
        records -= (uint64_t)told[i].records;
    }
    left_count = left_count > skew->n_largest ? left_count - skew->n_largest : 0;
    if (left_count > 0)
        mean =
            (struct partition_sum){(int64_t)(bytes / left_count), (int64_t)(records / left_count)};
    sums->rest.bytes += mean.bytes;
    sums->rest.records += mean.records;
    for (size_t i = 0; i < skew->n_largest; i++) {
        if (skew->largest[i] >= sums->partition_count)
            continue;
        sums->partitions[skew->largest[i]].bytes += told[i].bytes - mean.bytes;
        sums->partitions[skew->largest[i]].records += told[i].records - mean.records;
    }
}

static void add_map(struct skew_sums *sums, const Mrlua__Skew *skew)
{
    uint64_t records = at_most(skew->records, MAP_SKEW_NUMBER_MAX);
    uint64_t bytes = at_most(skew->bytes, MAP_SKEW_NUMBER_MAX);

    sums->last = skew;
    sums->records += records;
    sums->bytes += bytes;
    add_keys(sums, skew, records);
    if (tells_partitions(skew))
        add_partitions(sums, skew, records, bytes);
}

static void add_up(struct skew_sums *sums, const struct job_results *results)
{
    uint32_t reduces = results->task_counts[STAGE_REDUCE];

    sums->partitions = mem_alloc_array(reduces + 1, sizeof *sums->partitions);
    for (uint32_t i = 0; i < results->task_counts[STAGE_MAP]; i++) {
        const struct job_result *result = job_results_of(results, STAGE_MAP, i);

        if (!result || !result->done->skew)
            continue;
        /* Fewer than there are reduces, if there are further outputs; the same in all maps. */
        sums->partition_count = (uint32_t)at_most(result->done->skew->partitions, reduces);
        add_map(sums, result->done->skew);
    }
    hot_keys_sort(&sums->keys);
}

/* ---- what is told ---- */

static void tell_keys(const struct skew_sums *sums, Mrlua__JobSkew *out)
{
    uint32_t count = (uint32_t)at_most(sums->keys.count, JOB_SKEW_KEY_COUNT_MAX);
    char text[KEY_PRINT_BYTES];

    out->keys = mem_alloc_array(count + 1, sizeof *out->keys);
    for (uint32_t i = 0; i < count; i++) {
        const struct hot_key *key = &sums->keys.items[i];
        Mrlua__HotKeyInfo *info;

        if (hot_key_sure(key) < sums->records / HOT_KEY_COUNT)
            break; /* hot in some maps, not in all of them */
        info = mem_alloc(sizeof *info);
        mrlua__hot_key_info__init(info);
        info->text =
            mem_strdup(key_print_head(text, sizeof text, hot_key_bytes(key), key->key_bytes));
        info->records = hot_key_sure(key);
        info->partition = key->partition;
        out->keys[out->n_keys++] = info;
    }
}

static uint64_t above_zero(int64_t a, int64_t b)
{
    return a + b > 0 ? (uint64_t)(a + b) : 0;
}

/* Where one of so many bytes stands among the largest so far. */
static size_t place_of(const Mrlua__JobSkew *out, uint64_t bytes)
{
    size_t at = out->n_largest;

    while (at > 0 && out->largest[at - 1]->bytes < bytes)
        at--;
    return at;
}

static void tell_partition(Mrlua__JobSkew *out, uint32_t partition, uint64_t bytes,
                           uint64_t records)
{
    size_t at = place_of(out, bytes);
    Mrlua__PartitionInfo *info;

    if (at == JOB_SKEW_PARTITION_COUNT_MAX)
        return;
    if (out->n_largest == JOB_SKEW_PARTITION_COUNT_MAX) {
        info = out->largest[out->n_largest - 1];
    } else {
        info = mem_alloc(sizeof *info);
        out->n_largest++;
    }
    for (size_t i = out->n_largest - 1; i > at; i--)
        out->largest[i] = out->largest[i - 1];
    mrlua__partition_info__init(info);
    info->partition = partition;
    info->bytes = bytes;
    info->records = records;
    out->largest[at] = info;
}

static void tell_partitions(const struct skew_sums *sums, Mrlua__JobSkew *out)
{
    out->largest = mem_alloc_array(JOB_SKEW_PARTITION_COUNT_MAX, sizeof *out->largest);
    for (uint32_t i = 0; i < sums->partition_count; i++) {
        const struct partition_sum *sum = &sums->partitions[i];

        tell_partition(out, i, above_zero(sum->bytes, sums->rest.bytes),
                       above_zero(sum->records, sums->rest.records));
    }
}

/* ---- advice ---- */

static bool is_hot(const Mrlua__JobSkew *skew, const Mrlua__HotKeyInfo *key)
{
    return key->records >= JOB_SKEW_KEY_RECORDS_MIN &&
           key->records >= skew->records / 100 * JOB_SKEW_KEY_PERCENT;
}

static void advise(Mrlua__JobSkew *skew, struct buf *sentence)
{
    skew->advice = mem_realloc_array(skew->advice, skew->n_advice + 1, sizeof *skew->advice);
    skew->advice[skew->n_advice++] = mem_strdup(buf_string(sentence));
}

static const char *remedy_of_key(const Mrlua__Skew *job)
{
    if (job->groups)
        return "group by more of the key, if that is possible";
    if (job->combines)
        return "its combiner does not make them fewer; a longer key would spread "
               "them";
    return "declare a combiner, if reduce can work on some of the values first";
}

/* The hottest one, and how many more there are. */
static void advise_on_keys(Mrlua__JobSkew *skew, const Mrlua__Skew *job)
{
    const Mrlua__HotKeyInfo *key = skew->n_keys > 0 ? skew->keys[0] : NULL;
    struct buf sentence = {0};
    size_t count = 1;

    if (!key || !is_hot(skew, key))
        return;
    while (count < skew->n_keys && is_hot(skew, skew->keys[count]))
        count++;
    buf_printf(&sentence,
               "%s %s has %.1f %% of the records that the maps wrote (%" PRIu64 " of %" PRIu64 ")",
               job->groups ? "group" : "key", key->text,
               100.0 * (double)key->records / (double)skew->records, key->records, skew->records);
    if (count > 1)
        buf_printf(&sentence, " and %zu more %s %d %% or more", count - 1,
                   count == 2 ? "has" : "have", JOB_SKEW_KEY_PERCENT);
    buf_printf(&sentence, ", and one reduce reads all of %s: %s", count > 1 ? "each" : "them",
               remedy_of_key(job));
    advise(skew, &sentence);
    buf_deinit(&sentence);
}

/* Is it as large as it is for a key that there is advice on? */
static bool is_of_a_hot_key(const Mrlua__JobSkew *skew, const Mrlua__PartitionInfo *partition)
{
    for (size_t i = 0; i < skew->n_keys; i++) {
        const Mrlua__HotKeyInfo *key = skew->keys[i];

        if (is_hot(skew, key) && key->partition == partition->partition &&
            key->records >= partition->records / 2)
            return true;
    }
    return false;
}

static const char *remedy_of_partition(const Mrlua__Skew *job)
{
    switch (job->partition) {
    case PARTITION_BY_RANGE:
        return "more reducers would make it smaller";
    case PARTITION_BY_JOB:
        return "the job's partition function puts it there";
    default:
        return "partition = \"range\" cuts where the bytes are";
    }
}

static void advise_on_partitions(Mrlua__JobSkew *skew, const Mrlua__Skew *job)
{
    const Mrlua__PartitionInfo *largest = skew->n_largest > 0 ? skew->largest[0] : NULL;
    uint64_t mean = skew->partitions > 0 ? skew->bytes / skew->partitions : 0;
    struct buf sentence = {0};

    if (!largest || largest->bytes < JOB_SKEW_PARTITION_BYTES_MIN ||
        largest->bytes / JOB_SKEW_PARTITION_FACTOR < mean || is_of_a_hot_key(skew, largest))
        return;
    buf_printf(&sentence,
               "partition %" PRIu32 " has %.1f times the bytes of the mean of %" PRIu32
               ", and the last reduce is its: %s",
               largest->partition, (double)largest->bytes / (double)(mean ? mean : 1),
               skew->partitions, remedy_of_partition(job));
    advise(skew, &sentence);
    buf_deinit(&sentence);
}

/* ---- all of it ---- */

Mrlua__JobSkew *job_skew_make(const struct job_results *results)
{
    struct skew_sums sums = {0};
    Mrlua__JobSkew *skew = NULL;

    add_up(&sums, results);
    if (sums.last) {
        skew = mem_alloc(sizeof *skew);
        mrlua__job_skew__init(skew);
        skew->records = sums.records;
        skew->bytes = sums.bytes;
        skew->partitions = sums.partition_count;
        tell_keys(&sums, skew);
        tell_partitions(&sums, skew);
        advise_on_keys(skew, sums.last);
        advise_on_partitions(skew, sums.last);
    }
    free(sums.partitions);
    return skew;
}
