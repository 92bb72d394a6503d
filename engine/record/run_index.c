#include "base/bytes.h"
#include "base/hash.h"
#include "base/io.h"
#include "record/run.h"
#include "record/run_format.h"

#include <stdlib.h>

static int bad(struct err *err, enum err_kind kind, const char *what, const char *why)
{
    return err_set(err, kind, "read %s: %s", what, why);
}

/* Reads exactly `len` bytes; a file that ends before them is damaged. */
static int read_at(int fd, void *to, size_t len, uint64_t offset, enum err_kind kind,
                   const char *what, struct err *err)
{
    ssize_t count = io_pread(fd, to, len, offset, what, kind, err);

    if (count < 0)
        return -1;
    if ((size_t)count < len)
        return bad(err, kind, what, "the file is cut off");
    return 0;
}

/* Segments lie one behind the other from 0 to the index, or the index is wrong. */
static int fill_segments(struct run_index *index, const char *entries,
                         const struct run_footer *footer)
{
    uint64_t offset = 0;

    for (uint32_t i = 0; i < index->partition_count; i++) {
        const char *entry = entries + (size_t)i * RUN_INDEX_ENTRY_BYTES;
        struct run_segment *segment = &index->segments[i];

        segment->offset = offset;
        segment->bytes = get_u64le(entry);
        segment->record_count = get_u64le(entry + 8);
        index->record_count += segment->record_count;
        if (segment->bytes < RUN_SEGMENT_BYTES_MIN ||
            __builtin_add_overflow(offset, segment->bytes, &offset))
            return -1;
    }
    return offset == footer->index_offset && index->record_count == footer->record_count ? 0 : -1;
}

/* The whole index checked, as a structure; NULL with *why, and *kind where it is another, set. */
static struct run_index *index_of(const char *bytes, size_t len, const char *footer_bytes,
                                  const struct run_footer *footer, enum err_kind *kind,
                                  const char **why)
{
    struct run_index *index = NULL;
    struct run_id id;
    uint32_t count;

    *why = "its index is damaged";
    if (!run_footer_crc_is_good(footer_bytes, crc32c(0, bytes, len)) ||
        !run_index_header_decode(bytes, &id, &count) ||
        len != RUN_INDEX_HEADER_BYTES + (size_t)count * RUN_INDEX_ENTRY_BYTES)
        return NULL;
    index = calloc(1, sizeof *index);
    if (index)
        index->segments = calloc(count, sizeof index->segments[0]);
    if (!index || !index->segments) {
        *why = "no memory for its index";
        *kind = ERR_LIMIT;
        goto fail;
    }
    index->id = id;
    index->partition_count = count;
    if (fill_segments(index, bytes + RUN_INDEX_HEADER_BYTES, footer) == 0)
        return index;
fail:
    run_index_close(index);
    return NULL;
}

struct run_index *run_index_open(int fd, uint64_t size, enum err_kind kind, const char *what,
                                 struct err *err)
{
    enum { INDEX_BYTES_MAX = RUN_INDEX_HEADER_BYTES + PARTITION_COUNT_MAX * RUN_INDEX_ENTRY_BYTES };
    struct run_index *index = NULL;
    struct run_footer footer;
    char footer_bytes[RUN_FOOTER_BYTES];
    const char *why = "not a run file";
    char *bytes = NULL;
    size_t len;

    if (size < RUN_FOOTER_BYTES)
        goto bad;
    size -= RUN_FOOTER_BYTES;
    if (read_at(fd, footer_bytes, sizeof footer_bytes, size, kind, what, err) != 0)
        return NULL;
    if (!run_footer_decode(footer_bytes, &footer))
        goto bad;
    why = "its footer is damaged";
    if (footer.index_offset > size || size - footer.index_offset > INDEX_BYTES_MAX ||
        size - footer.index_offset < RUN_INDEX_HEADER_BYTES)
        goto bad;
    len = (size_t)(size - footer.index_offset);
    why = "no memory for its index";
    bytes = malloc(len);
    if (!bytes) {
        kind = ERR_LIMIT;
        goto bad;
    }
    if (read_at(fd, bytes, len, footer.index_offset, kind, what, err) != 0)
        goto out;
    index = index_of(bytes, len, footer_bytes, &footer, &kind, &why);
    if (index)
        goto out;
bad:
    bad(err, kind, what, why);
out:
    free(bytes);
    return index;
}

void run_index_close(struct run_index *index)
{
    if (!index)
        return;
    free(index->segments);
    free(index);
}
