#include "format/sample_plan.h"

#include "base/rand.h"

#include <assert.h>
#include <string.h>

struct planning {
    const struct sample_file *files;
    size_t file_count;
    struct sample_piece *out;
    uint32_t count;
    size_t name_bytes;
};

/* False: the limits are reached. */
static bool add(struct planning *planning, struct sample_piece piece)
{
    planning->name_bytes += strlen(planning->files[piece.file_index].name);
    if (planning->count == SAMPLE_PIECE_COUNT_MAX || planning->name_bytes > SAMPLE_NAME_BYTES_MAX)
        return false;
    planning->out[planning->count++] = piece;
    return true;
}

static bool is_whole(const struct planning *planning, size_t index)
{
    const struct sample_file *file = &planning->files[index];

    return file->is_gzip || reader_needs_whole_file(file->reader, file->name);
}

static bool add_all_of(struct planning *planning, uint32_t index)
{
    uint64_t bytes = planning->files[index].bytes, length;

    if (is_whole(planning, index))
        return add(planning, (struct sample_piece){index, 0, bytes, bytes});
    for (uint64_t offset = 0; offset < bytes; offset += length) {
        length = bytes - offset < SAMPLE_PIECE_BYTES ? bytes - offset : SAMPLE_PIECE_BYTES;
        if (!add(planning, (struct sample_piece){index, offset, length, length}))
            return false;
    }
    return true;
}

/* All of a few small files. False: they are too many. */
static bool plan_all(struct planning *planning)
{
    for (size_t i = 0; i < planning->file_count; i++)
        if (!add_all_of(planning, (uint32_t)i))
            return false;
    return true;
}

/* A piece at `at` of a file, or what is left of it behind the piece before. */
static bool add_at(struct planning *planning, uint32_t index, uint64_t at)
{
    struct sample_piece *last = planning->count ? &planning->out[planning->count - 1] : NULL;
    uint64_t bytes = planning->files[index].bytes;
    bool is_same = last && last->file_index == index;

    if (is_whole(planning, index) || bytes <= SAMPLE_PIECE_BYTES) {
        if (!is_same)
            return add(planning, (struct sample_piece){index, 0, bytes, SAMPLE_PIECE_BYTES});
        last->share_bytes += SAMPLE_PIECE_BYTES;
        return true;
    }
    if (is_same && at < last->offset + last->length)
        at = last->offset + last->length;
    if (at == bytes)
        return true;
    return add(planning, (struct sample_piece){index, at,
                                               bytes - at < SAMPLE_PIECE_BYTES ? bytes - at
                                                                               : SAMPLE_PIECE_BYTES,
                                               SAMPLE_PIECE_BYTES});
}

/* From each stretch a piece, as long as the limits allow. */
static void plan_strata(struct planning *planning, uint64_t total, uint32_t stratum_count)
{
    uint64_t stratum_bytes = total / stratum_count ? total / stratum_count : 1;
    uint64_t file_start = 0;
    uint32_t index = 0;
    struct rand rand;

    rand_init(&rand, total);
    for (uint64_t i = 0; i < stratum_count && i * stratum_bytes < total; i++) {
        uint64_t at = i * stratum_bytes + rand_below(&rand, stratum_bytes);

        while (at >= file_start + planning->files[index].bytes)
            file_start += planning->files[index++].bytes;
        assert(index < planning->file_count);
        if (!add_at(planning, index, at - file_start))
            return;
    }
}

/* The bytes of files that are one record each. */
static uint64_t record_bytes_of(const struct planning *planning)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < planning->count; i++)
        if (planning->files[planning->out[i].file_index].reader == READER_FILE)
            sum += planning->out[i].length;
    return sum;
}

static void restart(struct planning *planning)
{
    planning->count = 0;
    planning->name_bytes = 0;
}

uint32_t sample_plan(const struct sample_file *files, size_t file_count, struct sample_piece *out)
{
    struct planning planning = {.files = files, .file_count = file_count, .out = out};
    uint64_t total = 0;

    for (size_t i = 0; i < file_count; i++)
        total += files[i].bytes;
    if (total <= SAMPLE_BYTES && plan_all(&planning))
        return planning.count;
    for (uint32_t count = SAMPLE_STRATUM_COUNT; count > 0; count /= 2) {
        restart(&planning);
        plan_strata(&planning, total, count);
        if (record_bytes_of(&planning) <= SAMPLE_FILE_BYTES_MAX)
            break;
    }
    return planning.count;
}
