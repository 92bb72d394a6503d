/*
 * peer_words: the word count that a careful hand writes in C for one thread: the yardstick for
 * map = "words".
 *
 *     peer_words FILE            prints "word <tab> count" lines, in no order
 *
 * The file is mapped; words are runs of ASCII letters, found by a table of byte classes, hashed
 * with XXH3 and counted in an open-addressed table that doubles at half full. Counted words stay
 * where they stand in the file.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct slot {
    const char *word; /* NULL: free */
    uint32_t len, hash;
    uint64_t count;
};

struct table {
    struct slot *slots;
    size_t slot_count, used;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void table_resize(struct table *table, size_t slot_count)
{
    struct slot *slots = calloc(slot_count, sizeof *slots);

    if (!slots)
        fail("calloc");
    for (size_t i = 0; i < table->slot_count; i++) {
        size_t at = table->slots[i].hash & (slot_count - 1);

        if (!table->slots[i].word)
            continue;
        while (slots[at].word)
            at = (at + 1) & (slot_count - 1);
        slots[at] = table->slots[i];
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
}

static void table_count(struct table *table, const char *word, size_t len)
{
    uint32_t hash = (uint32_t)XXH3_64bits(word, len);
    size_t at = hash & (table->slot_count - 1);
    struct slot *slot;

    for (;; at = (at + 1) & (table->slot_count - 1)) {
        slot = &table->slots[at];
        if (!slot->word)
            break;
        if (slot->hash == hash && slot->len == len && memcmp(slot->word, word, len) == 0) {
            slot->count++;
            return;
        }
    }
    *slot = (struct slot){.word = word, .len = (uint32_t)len, .hash = hash, .count = 1};
    if (2 * ++table->used > table->slot_count)
        table_resize(table, 2 * table->slot_count);
}

static void count_words(struct table *table, const char *at, const char *end)
{
    bool is_letter[256] = {false};

    for (int c = 0; c < 26; c++)
        is_letter['a' + c] = is_letter['A' + c] = true;
    for (;;) {
        const char *word;

        while (at < end && !is_letter[(unsigned char)*at])
            at++;
        if (at == end)
            return;
        word = at;
        while (at < end && is_letter[(unsigned char)*at])
            at++;
        table_count(table, word, (size_t)(at - word));
    }
}

static void print_table(const struct table *table)
{
    for (size_t i = 0; i < table->slot_count; i++) {
        const struct slot *slot = &table->slots[i];

        if (!slot->word)
            continue;
        fwrite(slot->word, 1, slot->len, stdout);
        printf("\t%llu\n", (unsigned long long)slot->count);
    }
    if (fflush(stdout) != 0)
        fail("write");
}

int main(int argc, char **argv)
{
    struct table table = {0};
    struct stat stat;
    const char *text = "";
    int fd;

    if (argc != 2) {
        fprintf(stderr, "usage: peer_words FILE\n");
        return 1;
    }
    fd = open(argv[1], O_RDONLY);
    if (fd < 0 || fstat(fd, &stat) != 0)
        fail(argv[1]);
    if (stat.st_size > 0) {
        text = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (text == MAP_FAILED)
            fail("mmap");
    }
    table_resize(&table, 1 << 16);
    count_words(&table, text, text + stat.st_size);
    print_table(&table);
    return 0;
}
