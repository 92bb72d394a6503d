/*
 * key, on random keys: order, round trip, one encoding. The order is computed a second time, from
 * what was written and without bytes.
 */
#include "record/key_datums.h"

#include "seed.h"

#include <assert.h>
#include <math.h>

/* Random keys: short, with few different parts, near every edge, so that many agree for long. */

enum { TOKEN_COUNT_MAX = 200 };

struct tokens {
    struct datum items[TOKEN_COUNT_MAX];
    char texts[TOKEN_COUNT_MAX][4];
    size_t count;
};

static struct datum *add_token(struct tokens *tokens, enum datum_type type)
{
    struct datum *datum = &tokens->items[tokens->count++];

    *datum = (struct datum){.type = type};
    return datum;
}

static int64_t random_integer(struct rand *rand)
{
    uint64_t edge = UINT64_C(1) << rand_below(rand, 64);

    if (rand_below(rand, 4) == 0)
        return (int64_t)(rand_next(rand) >> rand_below(rand, 64));
    edge += rand_below(rand, 5) - 2;
    return (int64_t)(rand_below(rand, 2) ? edge : -edge);
}

static double random_float(struct rand *rand)
{
    static const double edges[] = {0.0, -0.0, 0.5, INFINITY, 0x1p-1074, 0x1p63, 1e300, 0x1p53};
    double value = (double)random_integer(rand);

    if (rand_below(rand, 4) == 0)
        value = edges[rand_below(rand, 8)];
    if (rand_below(rand, 4) == 0)
        value += (double)rand_below(rand, 16) / 16;
    if (rand_below(rand, 4) == 0)
        value = nextafter(value, rand_below(rand, 2) ? INFINITY : -INFINITY);
    return rand_below(rand, 2) ? value : -value;
}

static struct slice random_text(struct rand *rand, char out[4])
{
    static const char bytes[] = {0, 1, 'F', 'a', 't', (char)0xff};
    size_t len = rand_below(rand, 5);

    for (size_t i = 0; i < len; i++)
        out[i] = bytes[rand_below(rand, sizeof bytes)];
    return slice_of(out, len);
}

static void add_random(struct rand *rand, struct tokens *tokens, uint32_t depth)
{
    struct datum *datum = add_token(tokens, DATUM_FALSE);

    switch (rand_below(rand, depth < 3 ? 6 : 4)) {
    case 0:
        datum->type = rand_below(rand, 2) ? DATUM_TRUE : DATUM_FALSE;
        return;
    case 1:
        datum->type = DATUM_INTEGER;
        datum->integer = random_integer(rand);
        return;
    case 2:
        datum->type = DATUM_FLOAT;
        datum->number = random_float(rand);
        return;
    case 3:
        datum->type = DATUM_STRING;
        datum->string = random_text(rand, tokens->texts[tokens->count - 1]);
        return;
    default:
        datum->type = DATUM_TUPLE_BEGIN;
        for (uint64_t left = rand_below(rand, 4); left > 0; left--)
            add_random(rand, tokens, depth + 1);
        add_token(tokens, DATUM_TUPLE_END);
    }
}

/* The next one of a key and its neighbour: the same but for one scalar. */
static void change_one(struct rand *rand, struct tokens *tokens)
{
    struct datum *datum = &tokens->items[rand_below(rand, tokens->count)];

    if (datum->type == DATUM_INTEGER && datum->integer < INT64_MAX)
        datum->integer++;
    else if (datum->type == DATUM_FLOAT)
        datum->number = nextafter(datum->number, 0);
    else if (datum->type == DATUM_STRING)
        datum->string.len -= datum->string.len > 0;
}

/* The order that is promised, without any bytes. */

static int rank(const struct datum *datum)
{
    switch (datum->type) {
    case DATUM_TUPLE_END: /* a prefix comes first */
        return 0;
    case DATUM_FALSE:
        return 1;
    case DATUM_TRUE:
        return 2;
    case DATUM_INTEGER:
    case DATUM_FLOAT:
        return 3;
    case DATUM_STRING:
        return 4;
    case DATUM_TUPLE_BEGIN:
        return 5;
    default:
        return -1;
    }
}

/* A long double holds each int64_t and each double exactly. */
static long double number_of(const struct datum *datum)
{
    return datum->type == DATUM_INTEGER ? (long double)datum->integer : (long double)datum->number;
}
static_assert(__LDBL_MANT_DIG__ >= 64, "number_of() is exact");

static int compare_datums(const struct datum *a, const struct datum *b)
{
    if (rank(a) != rank(b))
        return rank(a) < rank(b) ? -1 : 1;
    if (rank(a) == 3)
        return (number_of(a) > number_of(b)) - (number_of(a) < number_of(b));
    if (rank(a) == 4)
        return slice_compare(a->string, b->string);
    return 0;
}

/* Tuples compare part by part, so their tokens do, one by one. */
static int compare_tokens(const struct tokens *a, const struct tokens *b)
{
    int order = 0;

    for (size_t i = 0; order == 0 && i < a->count && i < b->count; i++)
        order = compare_datums(&a->items[i], &b->items[i]);
    return order;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void byte_order_is_natural_order(void **state)
{
    struct rand rand = seed_rand();
    struct buf key_a = {0}, key_b = {0};
    uint32_t equal_count = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct tokens a, b;

        a.count = b.count = 0;
        add_random(&rand, &a, rand_below(&rand, 2) ? 0 : 3);
        add_random(&rand, &b, rand_below(&rand, 2) ? 0 : 3);
        if (i % 2) {
            b = a; /* its strings are those of a */
            change_one(&rand, &b);
        }
        encode_all(&key_a, a.items, a.count);
        encode_all(&key_b, b.items, b.count);
        assert_int_equal(sign(slice_compare(buf_slice(&key_a), buf_slice(&key_b))),
                         sign(compare_tokens(&a, &b)));
        equal_count += slice_equal(buf_slice(&key_a), buf_slice(&key_b));
    }
    assert_true(equal_count > 100); /* 1 and 1.0, "" and "", ... did meet */
    buf_deinit(&key_a);
    buf_deinit(&key_b);
}

/* What a float or integer reads back as. */
static struct datum normal(const struct datum *datum)
{
    struct datum out = *datum;

    if (datum->type == DATUM_FLOAT && datum->number >= -0x1p63 && datum->number < 0x1p63 &&
        (double)(int64_t)datum->number == datum->number) {
        out.type = DATUM_INTEGER;
        out.integer = (int64_t)datum->number;
    }
    return out;
}

static void assert_datum(const struct datum *got, const struct datum *want)
{
    assert_int_equal(got->type, want->type);
    if (want->type == DATUM_INTEGER)
        assert_true(got->integer == want->integer);
    if (want->type == DATUM_FLOAT)
        assert_true(got->number == want->number);
    if (want->type == DATUM_STRING)
        assert_true(slice_equal(got->string, want->string));
}

static void a_key_reads_back_as_it_was_written(void **state)
{
    struct rand rand = seed_rand();
    struct buf key = {0}, scratch = {0};

    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct key_reader reader;
        struct tokens tokens;
        struct datum got, want;
        struct err err;

        tokens.count = 0;
        add_random(&rand, &tokens, 0);
        encode_all(&key, tokens.items, tokens.count);
        key_reader_init(&reader, buf_slice(&key), &scratch);
        for (size_t t = 0; t < tokens.count; t++) {
            assert_int_equal(key_read(&reader, &got, &err), 1);
            want = normal(&tokens.items[t]);
            assert_datum(&got, &want);
        }
        assert_int_equal(key_read(&reader, &got, &err), 0);
        assert_int_equal(key_read(&reader, &got, &err), 0);
    }
    buf_deinit(&key);
    buf_deinit(&scratch);
}

/* True: the bytes are a key, and `again` is what the encoder makes of it. */
static bool encode_again(struct slice key, struct buf *scratch, struct buf *again)
{
    struct key_reader reader;
    struct key_writer writer;
    struct err err = {0};
    struct datum part;
    int rc;

    buf_clear(again);
    key_reader_init(&reader, key, scratch);
    key_writer_init(&writer, again);
    while ((rc = key_read(&reader, &part, &err)) == 1)
        write_datum(&writer, &part);
    if (rc == 0)
        assert_int_equal(key_writer_end(&writer, &err), 0);
    else
        assert_int_equal(err.kind, ERR_INPUT);
    return rc == 0;
}

static void a_changed_key_is_refused_or_another_key(void **state)
{
    struct rand rand = seed_rand();
    struct buf key = {0}, scratch = {0}, again = {0};
    uint32_t refused_count = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct tokens tokens;

        tokens.count = 0;
        add_random(&rand, &tokens, 0);
        encode_all(&key, tokens.items, tokens.count);
        if (rand_below(&rand, 4) == 0)
            key.len = rand_below(&rand, key.len);
        else
            key.ptr[rand_below(&rand, key.len)] ^= (char)(1 + rand_below(&rand, 255));
        if (!encode_again(buf_slice(&key), &scratch, &again))
            refused_count++;
        else
            assert_true(slice_equal(buf_slice(&again), buf_slice(&key)));
    }
    assert_in_range(refused_count, 10000, 90000);
    buf_deinit(&key);
    buf_deinit(&scratch);
    buf_deinit(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_order_is_natural_order),
        cmocka_unit_test(a_key_reads_back_as_it_was_written),
        cmocka_unit_test(a_changed_key_is_refused_or_another_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
