/*
 * replay: a fuzz target without libFuzzer.
 *
 *     fuzz.key CORPUS_FOLDER|FILE...
 *
 * Runs it over every file, and over mutations of every file. SEED=n repeats one sequence of
 * mutations; the seed is printed first.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/rand.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FILE_COUNT_MAX = 1000,
    FILE_BYTES_MAX = 1024 * 1024,
    MUTANT_COUNT = 20000,  /* of all files together */
    CHANGES_COUNT_MAX = 6, /* of one mutant */
    INSERT_BYTES_MAX = 16, /* of one change */
};

struct corpus {
    struct buf files[FILE_COUNT_MAX];
    size_t count;
};

static void fail(const char *message)
{
    fprintf(stderr, "replay: %s\n", message);
    exit(2);
}

static void corpus_add_file(struct corpus *corpus, const char *path)
{
    struct err err;

    if (corpus->count == FILE_COUNT_MAX)
        fail("too many files");
    if (io_read_file(path, FILE_BYTES_MAX, &corpus->files[corpus->count], ERR_INPUT, &err) != 0)
        fail(err.message);
    corpus->count++;
}

/* By name, so that a seed means the same on every file system. */
static void corpus_add(struct corpus *corpus, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);

    if (count < 0) {
        corpus_add_file(corpus, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        struct buf name = {0};

        buf_printf(&name, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            corpus_add_file(corpus, buf_string(&name));
        buf_deinit(&name);
        free(entries[i]);
    }
    free(entries);
}

/* A copy of just these bytes, so that a read beyond them is seen by ASan and valgrind. */
static void run(const struct buf *input)
{
    uint8_t *copy = mem_alloc(input->len);

    if (input->len)
        memcpy(copy, input->ptr, input->len);
    LLVMFuzzerTestOneInput(copy, input->len);
    free(copy);
}

static size_t pick(struct rand *rand, size_t bound)
{
    return (size_t)rand_below(rand, bound);
}

static unsigned char pick_byte(struct rand *rand)
{
    static const unsigned char edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};

    return pick(rand, 2) ? edges[pick(rand, sizeof edges)] : (unsigned char)pick(rand, 256);
}

/* Puts `len` bytes from `other` (or new ones) into `bytes` at some place. */
static void insert(struct rand *rand, struct buf *bytes, const struct buf *other)
{
    size_t len = 1 + pick(rand, INSERT_BYTES_MAX), at = pick(rand, bytes->len + 1);
    size_t from = other->len > len ? pick(rand, other->len - len) : 0;
    bool is_copy = other->len > len && pick(rand, 2);

    buf_reserve(bytes, len);
    memmove(bytes->ptr + at + len, bytes->ptr + at, bytes->len - at);
    for (size_t i = 0; i < len; i++)
        bytes->ptr[at + i] = is_copy ? other->ptr[from + i] : (char)pick_byte(rand);
    bytes->len += len;
}

static void change(struct rand *rand, struct buf *bytes, const struct buf *other)
{
    size_t at = bytes->len ? pick(rand, bytes->len) : 0;
    size_t len;

    switch (bytes->len ? pick(rand, 5) : 4) {
    case 0:
        bytes->ptr[at] = (char)(bytes->ptr[at] ^ 1 << pick(rand, 8));
        return;
    case 1:
        bytes->ptr[at] = (char)pick_byte(rand);
        return;
    case 2:
        bytes->len = at;
        return;
    case 3:
        len = 1 + pick(rand, bytes->len - at);
        memmove(bytes->ptr + at, bytes->ptr + at + len, bytes->len - at - len);
        bytes->len -= len;
        return;
    default:
        insert(rand, bytes, other);
    }
}

static void run_mutants(const struct corpus *corpus, struct rand *rand)
{
    struct buf bytes = {0};

    for (int i = 0; i < MUTANT_COUNT; i++) {
        const struct buf *from = &corpus->files[pick(rand, corpus->count)];

        buf_clear(&bytes);
        buf_append(&bytes, from->ptr, from->len);
        for (size_t left = 1 + pick(rand, CHANGES_COUNT_MAX); left > 0; left--)
            change(rand, &bytes, &corpus->files[pick(rand, corpus->count)]);
        run(&bytes);
    }
    buf_deinit(&bytes);
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    const char *seed_text = getenv("SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 1;
    struct rand rand;

    printf("SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    for (int i = 1; i < argc; i++)
        corpus_add(&corpus, argv[i]);
    if (corpus.count == 0)
        fail("no corpus");
    for (size_t i = 0; i < corpus.count; i++)
        run(&corpus.files[i]);
    rand_init(&rand, seed);
    run_mutants(&corpus, &rand);
    for (size_t i = 0; i < corpus.count; i++)
        buf_deinit(&corpus.files[i]);
    return 0;
}
