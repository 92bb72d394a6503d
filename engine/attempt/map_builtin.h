/*
 * map_builtin: the built-in maps "words", "grep" and "field" over whole blocks of lines, with no
 * Lua and no call per line.
 *
 *     if (map_builtin_init(&map, name, params, counts))     it is one that C can do
 *         while (reader_block(...) == 1)
 *             rc = map_builtin_block(&map, block, offset, sink, &err);
 *     map_builtin_deinit(&map);                             in any state
 *
 * What they mean is lua/mrlua/maps.lua, which is what runs where there are no blocks (input =
 * "file" or "run") and for a pattern that is more than a fixed string. Both emit the same, byte
 * for byte.
 */
#ifndef ATTEMPT_MAP_BUILTIN_H
#define ATTEMPT_MAP_BUILTIN_H

#include "base/buf.h"
#include "record/record.h"

#include <stdbool.h>

struct map_builtin {
    /* Maps a block that begins at byte `offset` of its input. */
    int (*map)(struct map_builtin *map, struct slice block, uint64_t offset, struct sink *sink,
               struct err *err);
    bool counts;           /* every emitted value becomes 1 */
    struct slice pattern;  /* grep: a fixed string */
    uint64_t field;        /* field: from 1; 0: the whole line */
    bool has_separator;    /* else runs of blanks separate */
    char separator;        /* one byte, which separates wherever it stands */
    size_t at;             /* of the last block: where what was mapped last begins */
    struct buf key, value; /* what is emitted, encoded */
};

/* `name` is the job's map, "" for a function; `params` its params, a value table that was checked,
 * borrowed until deinit; vm_counts() says `counts`. False: it is not one of these, and nothing
 * needs a deinit. */
bool map_builtin_init(struct map_builtin *map, struct slice name, struct slice params, bool counts);
void map_builtin_deinit(struct map_builtin *map);

/* READER_PADDING_BYTES can be read behind the block. 0 or -1; then map->at is where in the block
 * the line lies that failed, or a part of it. */
int map_builtin_block(struct map_builtin *map, struct slice block, uint64_t offset,
                      struct sink *sink, struct err *err);

#endif
