/*
 * Input for sorting: records of 100 bytes as gensort -a makes them for the sort benchmark
 * (ordinal.com/gensort.html): 10 random printable bytes that are the key, the record's number in
 * hexadecimal, filler of a random digit four times over, and a newline. The same seed gives the
 * same bytes.
 *
 *     cmake --build build --target bench_gensort && build/ctest/bench_gensort 10000000 1 > records
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

enum {
    RECORD_BYTES = 100,
    KEY_BYTES = 10,
    NUMBER_AT = KEY_BYTES + 2,
    NUMBER_BYTES = 32,
    FILLER_AT = NUMBER_AT + NUMBER_BYTES + 2,
    FILLER_REPEATS = 4,
    PRINTABLE_FIRST = '!', /* no space: what splits at blanks sees the same keys */
    PRINTABLE_COUNT = '~' - '!' + 1,
};

static void make_record(char out[RECORD_BYTES], struct rand *rand, unsigned long long number)
{
    char digits[NUMBER_BYTES + 1];
    uint64_t filler = rand_next(rand);

    memset(out, ' ', RECORD_BYTES);
    for (int i = 0; i < KEY_BYTES; i++)
        out[i] = (char)(PRINTABLE_FIRST + rand_below(rand, PRINTABLE_COUNT));
    snprintf(digits, sizeof digits, "%0*llX", NUMBER_BYTES, number);
    memcpy(out + NUMBER_AT, digits, NUMBER_BYTES);
    for (int i = FILLER_AT; i < RECORD_BYTES - 1; i++)
        out[i] = "0123456789ABCDEF"[filler >> (4 * ((i - FILLER_AT) / FILLER_REPEATS)) & 15];
    out[RECORD_BYTES - 1] = '\n';
}

int main(int argc, char **argv)
{
    unsigned long long count = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
    char record[RECORD_BYTES];
    struct rand rand;

    if (count == 0) {
        fprintf(stderr, "usage: bench_gensort COUNT SEED > FILE\n");
        return 2;
    }
    rand_init(&rand, strtoull(argv[2], NULL, 10));
    for (unsigned long long i = 0; i < count; i++) {
        make_record(record, &rand, i);
        fwrite(record, sizeof record, 1, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("bench_gensort");
        return 1;
    }
    return 0;
}
