#include "format/split.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* The split that is being filled. */
struct filling {
    struct split_plan *plan;
    bool may_pack, is_stable;
    uint64_t group_mask; /* of a name's hash; 0 there: a group of files ends before it */
    bool ends_kind;      /* the next piece is of files that are read in another way */
    uint64_t bytes;
    size_t pieces;
    size_t name_bytes;
};

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
    return value < min ? min : value > max ? max : value;
}

/* Ends the split before the next piece. */
static void begin_split(struct filling *filling)
{
    struct split_plan *plan = filling->plan;

    if (plan->split_count + 2 > plan->split_capacity) { /* one more, and the end of the last */
        plan->split_capacity = plan->split_capacity ? 2 * plan->split_capacity : 64;
        plan->first_pieces =
            mem_realloc_array(plan->first_pieces, plan->split_capacity, sizeof *plan->first_pieces);
    }
    plan->first_pieces[plan->split_count++] = plan->piece_count;
    filling->bytes = 0;
    filling->pieces = 0;
    filling->name_bytes = 0;
    filling->ends_kind = false;
}

static bool fits(const struct filling *filling, const struct split_piece *piece, size_t name_bytes,
                 bool begins_group)
{
    return filling->may_pack && !filling->ends_kind && !begins_group &&
           filling->plan->split_count > 0 &&
           filling->bytes + piece->length <= filling->plan->split_bytes &&
           filling->pieces < SPLIT_PIECES_MAX &&
           filling->name_bytes + name_bytes <= SPLIT_NAME_BYTES_MAX;
}

static void add_piece(struct filling *filling, struct split_piece piece, size_t name_bytes,
                      bool begins_group)
{
    struct split_plan *plan = filling->plan;

    if (!fits(filling, &piece, name_bytes, begins_group))
        begin_split(filling);
    if (plan->piece_count == plan->piece_capacity) {
        plan->piece_capacity = plan->piece_capacity ? 2 * plan->piece_capacity : 64;
        plan->pieces = mem_realloc_array(plan->pieces, plan->piece_capacity, sizeof *plan->pieces);
    }
    plan->pieces[plan->piece_count++] = piece;
    filling->bytes += piece.length;
    filling->pieces++;
    filling->name_bytes += name_bytes;
}

static int add_file(struct filling *filling, const struct file *file, uint32_t index,
                    enum reader_kind reader, struct err *err)
{
    uint64_t size = file->identity.size, step = filling->plan->split_bytes;
    size_t name_bytes = strlen(file->name);
    bool begins_group =
        filling->is_stable && (hash64(slice_of_string(file->name)) & filling->group_mask) == 0;

    if (size == 0 && reader != READER_FILE && reader != READER_RUN)
        return 0;
    if (size == 0 || file->identity.is_gzip || reader_needs_whole_file(reader, file->name))
        step = size;
    for (uint64_t offset = 0; offset < size || size == 0; offset += step) {
        uint64_t length = size - offset < step ? size - offset : step;

        add_piece(filling, (struct split_piece){index, offset, length}, name_bytes,
                  begins_group && offset == 0);
        if (filling->plan->split_count > SPLIT_COUNT_MAX)
            return err_set(err, ERR_SETUP,
                           "more than %d splits of %" PRIu64
                           " bytes: choose a larger --split-size (the inputs have %" PRIu64
                           " bytes in all)",
                           SPLIT_COUNT_MAX, filling->plan->split_bytes, filling->plan->bytes_total);
        if (size == 0)
            break;
    }
    return 0;
}

static uint64_t power_of_two_from(uint64_t count)
{
    uint64_t power = 1;

    while (power < count)
        power *= 2;
    return power;
}

/* The sizes that the flags leave open. */
static int decide_sizes(struct split_plan *plan, const struct split_options *options,
                        struct err *err)
{
    uint64_t reducers = options->reducer_count;

    plan->split_bytes = options->split_bytes;
    if (plan->split_bytes == 0 && options->stable)
        plan->split_bytes = SPLIT_BYTES_STABLE;
    if (plan->split_bytes == 0)
        plan->split_bytes = clamp((plan->bytes_total + SPLIT_COUNT_AIM - 1) / SPLIT_COUNT_AIM,
                                  SPLIT_BYTES_MIN, SPLIT_BYTES_MAX);
    if (reducers == 0) {
        reducers = (plan->bytes_total + SPLIT_REDUCER_BYTES - 1) / SPLIT_REDUCER_BYTES;
        if (options->stable)
            reducers = power_of_two_from(reducers);
        reducers = clamp(reducers, 1, SPLIT_REDUCER_COUNT_MAX);
    }
    if (reducers > REDUCER_COUNT_MAX)
        return err_set(err, ERR_SETUP, "%" PRIu64 " reducers: %d are the most", reducers,
                       REDUCER_COUNT_MAX);
    plan->reducer_count = (uint32_t)reducers;
    return 0;
}

static int add_kind(struct filling *filling, const struct file *files, size_t first,
                    const struct split_kind *kind, struct err *err)
{
    filling->ends_kind = true;
    for (size_t i = first; i < first + kind->file_count; i++)
        if (add_file(filling, &files[i], (uint32_t)i, kind->reader, err) != 0)
            return -1;
    return 0;
}

static int add_kinds(struct filling *filling, const struct file *files,
                     const struct split_kind *kinds, size_t kind_count, struct err *err)
{
    size_t first = 0;

    for (size_t i = 0; i < kind_count; i++) {
        if (add_kind(filling, files, first, &kinds[i], err) != 0)
            return -1;
        first += kinds[i].file_count;
    }
    return 0;
}

int split_plan_init(struct split_plan *plan, const struct file *files, size_t file_count,
                    const struct split_options *options, struct err *err)
{
    struct filling filling = {
        .plan = plan, .may_pack = file_count > SPLIT_PACK_FILES_MIN, .is_stable = options->stable};
    uint64_t groups = (file_count + SPLIT_GROUP_COUNT - 1) / SPLIT_GROUP_COUNT;
    struct split_kind all = {.reader = options->reader, .file_count = file_count};
    bool has_kinds = options->kind_count > 0;

    filling.group_mask = power_of_two_from(groups) - 1;
    *plan = (struct split_plan){0};
    if (file_count > UINT32_MAX)
        return err_set(err, ERR_SETUP, "%zu inputs: too many", file_count);
    for (size_t i = 0; i < file_count; i++)
        plan->bytes_total += files[i].identity.size;
    if (decide_sizes(plan, options, err) != 0)
        return -1;
    if (add_kinds(&filling, files, has_kinds ? options->kinds : &all,
                  has_kinds ? options->kind_count : 1, err) != 0) {
        split_plan_deinit(plan);
        return -1;
    }
    if (plan->split_count == 0)
        begin_split(&filling);
    plan->first_pieces[plan->split_count] = plan->piece_count;
    return 0;
}

void split_plan_deinit(struct split_plan *plan)
{
    free(plan->pieces);
    free(plan->first_pieces);
    *plan = (struct split_plan){0};
}

const struct split_piece *split_plan_pieces(const struct split_plan *plan, uint32_t split,
                                            size_t *piece_count)
{
    assert(split < plan->split_count);
    *piece_count = plan->first_pieces[split + 1] - plan->first_pieces[split];
    return *piece_count > 0 ? plan->pieces + plan->first_pieces[split] : NULL;
}
