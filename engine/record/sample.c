#include "record/sample.h"

#include "base/buf.h"
#include "base/mem.h"
#include "record/key.h"

#include <assert.h>
#include <stdlib.h>

struct entry {
    size_t offset; /* of the key in `bytes`: they move as they grow */
    size_t len;
    uint64_t weight;
};

struct sample {
    struct sample_options options;
    struct entry *entries;
    size_t count, capacity;
    struct buf bytes;
    struct weighted_key *keys;                      /* of the cut */
    size_t piece_first;                             /* the first entry of the piece in hand ... */
    size_t piece_bytes;                             /* ... and where its keys begin */
    uint64_t share_bytes, length_bytes, read_bytes; /* of the piece in hand */
    uint64_t share_sum, read_sum;                   /* of those before */
};

struct sample *sample_open(const struct sample_options *options)
{
    struct sample *sample = mem_alloc(sizeof *sample);

    assert(options->partition_count > 0);
    sample->options = *options;
    if (sample->options.piece_count == 0)
        sample->options.piece_count = 1;
    return sample;
}

void sample_close(struct sample *sample)
{
    if (!sample)
        return;
    free(sample->entries);
    free(sample->keys);
    buf_deinit(&sample->bytes);
    free(sample);
}

void sample_begin(struct sample *sample, uint64_t share_bytes, uint64_t piece_bytes)
{
    sample->piece_first = sample->count;
    sample->piece_bytes = sample->bytes.len;
    sample->share_bytes = share_bytes;
    sample->length_bytes = piece_bytes;
    sample->read_bytes = 0;
}

void sample_begin_rest(struct sample *sample)
{
    sample_begin(sample, sample->share_sum, sample->read_sum);
}

static size_t part_of(size_t limit, uint32_t piece_count)
{
    return limit / piece_count > 0 ? limit / piece_count : 1;
}

static bool is_full(const struct sample *sample)
{
    uint32_t pieces = sample->options.piece_count;

    return sample->count - sample->piece_first >= part_of(SAMPLE_KEYS_MAX, pieces) ||
           sample->bytes.len - sample->piece_bytes >= part_of(SAMPLE_KEY_BYTES_MAX, pieces);
}

static bool is_enough(const struct sample *sample)
{
    return is_full(sample) || (sample->length_bytes > sample->share_bytes &&
                               sample->read_bytes >= sample->share_bytes);
}

bool sample_has_read(struct sample *sample, uint64_t bytes)
{
    sample->read_bytes += bytes;
    return is_enough(sample);
}

int sample_add(struct sample *sample, struct slice key, size_t value_bytes, struct err *err)
{
    size_t bytes = key.len + value_bytes;
    struct slice prefix;

    if (is_full(sample))
        return 0;
    if (key_prefix(key, sample->options.group_parts, &prefix, err) != 0)
        return -1;
    if (sample->count == sample->capacity) {
        sample->capacity = sample->capacity ? 2 * sample->capacity : 1024;
        sample->entries =
            mem_realloc_array(sample->entries, sample->capacity, sizeof *sample->entries);
    }
    sample->entries[sample->count++] = (struct entry){
        .offset = sample->bytes.len,
        .len = prefix.len,
        .weight = bytes < SAMPLE_WEIGHT_BYTES_MAX ? bytes : SAMPLE_WEIGHT_BYTES_MAX,
    };
    buf_append(&sample->bytes, prefix.ptr, prefix.len);
    return 0;
}

/* share_bytes / bytes_read, in units of 1 / SAMPLE_SCALE. */
static uint64_t scale_of(uint64_t share_bytes, uint64_t bytes_read)
{
    uint64_t scale;

    if (share_bytes > UINT64_MAX / SAMPLE_SCALE)
        share_bytes = UINT64_MAX / SAMPLE_SCALE;
    scale = share_bytes * SAMPLE_SCALE / (bytes_read > 0 ? bytes_read : 1);
    return scale < 1 ? 1 : scale > SAMPLE_SCALE_MAX ? SAMPLE_SCALE_MAX : scale;
}

static void weigh(struct sample *sample, uint64_t bytes_read)
{
    uint64_t scale = scale_of(sample->share_bytes, bytes_read);

    for (size_t i = sample->piece_first; i < sample->count; i++)
        sample->entries[i].weight *= scale;
    sample->piece_first = sample->count;
    sample->share_sum += sample->share_bytes;
    sample->read_sum += bytes_read;
}

void sample_end(struct sample *sample)
{
    weigh(sample, is_enough(sample) && sample->read_bytes < sample->length_bytes
                      ? sample->read_bytes
                      : sample->length_bytes);
}

void sample_end_early(struct sample *sample)
{
    weigh(sample, sample->read_bytes);
}

uint32_t sample_cut(struct sample *sample, struct slice *cuts)
{
    assert(!sample->keys);
    sample->keys = mem_alloc_array(sample->count ? sample->count : 1, sizeof *sample->keys);
    for (size_t i = 0; i < sample->count; i++) {
        const struct entry *entry = &sample->entries[i];

        sample->keys[i] = (struct weighted_key){
            .key = slice_of(sample->bytes.ptr + entry->offset, entry->len),
            .weight = entry->weight,
        };
    }
    return cut_points_choose(sample->keys, sample->count, sample->options.combines,
                             sample->options.partition_count, cuts);
}
