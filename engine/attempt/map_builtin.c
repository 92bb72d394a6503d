#include "attempt/map_builtin.h"

#include "base/find.h"
#include "format/reader.h"
#include "record/value.h"
#include "record/words.h"

_Static_assert((int)READER_PADDING_BYTES >= (int)TEXT_HEAD_BYTES, "the last word is padded");

/* ---- what they emit ---- */

/* The string `text` with 1. */
static int emit_one(struct map_builtin *map, struct slice text, struct sink *sink, struct err *err)
{
    if (sink->emit_counted && text.len < RECORD_KEY_BYTES_MAX)
        return sink->emit_counted(sink, text, 1, err);
    buf_clear(&map->key);
    buf_clear(&map->value);
    if (key_encode_string(&map->key, text, err) != 0)
        return err_prefix(err, "emit");
    value_write_integer(&map->value, 1);
    return sink->emit(sink, buf_slice(&map->key), buf_slice(&map->value), err);
}

/* Each of them; *emitted is how many before one failed. */
static int emit_ones(struct map_builtin *map, const struct slice *texts, size_t count,
                     size_t *emitted, struct sink *sink, struct err *err)
{
    if (sink->emit_each)
        return sink->emit_each(sink, texts, count, emitted, err);
    for (*emitted = 0; *emitted < count; ++*emitted)
        if (emit_one(map, texts[*emitted], sink, err) != 0)
            return -1;
    return 0;
}

/* ---- words ---- */

static int map_words(struct map_builtin *map, struct slice block, uint64_t offset,
                     struct sink *sink, struct err *err)
{
    struct words words = {.text = block};
    struct slice found[WORDS_COUNT_MAX];
    size_t count, emitted;

    (void)offset;
    while ((count = words_next(&words, found)) > 0) {
        if (emit_ones(map, found, count, &emitted, sink, err) != 0) {
            map->at = (size_t)(found[emitted].ptr - block.ptr);
            return -1;
        }
    }
    return 0;
}

/* ---- grep ---- */

static int emit_line(struct map_builtin *map, uint64_t offset, struct slice line, struct sink *sink,
                     struct err *err)
{
    buf_clear(&map->key);
    buf_clear(&map->value);
    key_encode_integer(&map->key, (int64_t)offset);
    if (map->counts)
        value_write_integer(&map->value, 1);
    else
        value_write_string(&map->value, line);
    return sink->emit(sink, buf_slice(&map->key), buf_slice(&map->value), err);
}

/* Where the line with byte `at` of the block begins. */
static size_t line_start(struct slice block, size_t at)
{
    const char *newline = at > 0 ? memrchr(block.ptr, '\n', at) : NULL;

    return newline ? (size_t)(newline - block.ptr) + 1 : 0;
}

/* Looks for the pattern in the block as a whole: most lines are never looked at as lines. */
static int map_grep(struct map_builtin *map, struct slice block, uint64_t offset, struct sink *sink,
                    struct err *err)
{
    size_t next;

    for (map->at = 0; map->at < block.len; map->at = next) {
        struct slice rest = slice_of(block.ptr + map->at, block.len - map->at), line;
        const char *found = find_bytes(rest, map->pattern);

        if (!found)
            break;
        map->at = line_start(block, (size_t)(found - block.ptr));
        line = reader_block_line(block, map->at, &next);
        /* What was found may reach into the line end, or behind it. */
        if (found + map->pattern.len <= line.ptr + line.len &&
            emit_line(map, offset + map->at, line, sink, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- field ---- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* The n-th run of what is not blank, from 1; empty if there is none. */
static struct slice blank_field(struct slice line, uint64_t n)
{
    const char *at = line.ptr, *end = line.ptr + line.len, *start;

    for (;;) {
        while (at < end && is_blank(*at))
            at++;
        start = at;
        while (at < end && !is_blank(*at))
            at++;
        if (--n == 0 || at == end)
            return slice_of(start, n == 0 ? (size_t)(at - start) : 0);
    }
}

/* What stands between the separators number n - 1 and n; empty if there is nothing. */
static struct slice separated_field(struct slice line, uint64_t n, char separator)
{
    const char *at = line.ptr, *end = line.ptr + line.len, *stop;

    while (--n > 0) {
        stop = memchr(at, separator, (size_t)(end - at));
        if (!stop)
            return slice_of(end, 0);
        at = stop + 1;
    }
    stop = memchr(at, separator, (size_t)(end - at));
    return slice_of(at, (size_t)((stop ? stop : end) - at));
}

static int emit_field(struct map_builtin *map, struct slice field, struct slice line,
                      struct sink *sink, struct err *err)
{
    if (map->counts)
        return emit_one(map, field, sink, err);
    buf_clear(&map->key);
    buf_clear(&map->value);
    if (key_encode_string(&map->key, field, err) != 0)
        return err_prefix(err, "emit");
    if (map->field == 0)
        value_write_boolean(&map->value, true);
    else
        value_write_string(&map->value, line);
    return sink->emit(sink, buf_slice(&map->key), buf_slice(&map->value), err);
}

static int map_field(struct map_builtin *map, struct slice block, uint64_t offset,
                     struct sink *sink, struct err *err)
{
    size_t next;

    (void)offset;
    for (map->at = 0; map->at < block.len; map->at = next) {
        struct slice line = reader_block_line(block, map->at, &next);
        struct slice field = map->field == 0 ? line
                             : map->has_separator
                                 ? separated_field(line, map->field, map->separator)
                                 : blank_field(line, map->field);

        if (emit_field(map, field, line, sink, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- opening ---- */

/* Has a Lua pattern no magic characters (lstrlib.c: SPECIALS)? A line holds no newline, so what
 * has one is left to Lua too, and matches nothing. */
static bool is_fixed(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (memchr("^$*+?.([%-\n", pattern.ptr[i], 11))
            return false;
    return true;
}

bool map_builtin_init(struct map_builtin *map, struct slice name, struct slice params, bool counts)
{
    struct slice separator;

    *map = (struct map_builtin){.counts = counts};
    if (slice_equal(name, slice_of_string("words"))) {
        map->map = map_words;
    } else if (slice_equal(name, slice_of_string("grep"))) {
        map->pattern = value_field_string(params, "pattern", "");
        map->map = is_fixed(map->pattern) ? map_grep : NULL;
    } else if (slice_equal(name, slice_of_string("field"))) {
        map->field = (uint64_t)value_field_integer(params, "field", 0);
        separator = value_field_string(params, "separator", "");
        map->has_separator = separator.len > 0;
        map->separator = map->has_separator ? separator.ptr[0] : ' ';
        map->map = map_field;
    }
    return map->map;
}

void map_builtin_deinit(struct map_builtin *map)
{
    buf_deinit(&map->key);
    buf_deinit(&map->value);
}

int map_builtin_block(struct map_builtin *map, struct slice block, uint64_t offset,
                      struct sink *sink, struct err *err)
{
    int rc = map->map(map, block, offset, sink, err);

    if (rc != 0)
        map->at = line_start(block, map->at);
    return rc;
}
