#include "test.h"

#include <stdlib.h>

#include "attempt/bad_records.h"
#include "base/buf.h"
#include "record/key_print.h"

static Mrlua__TaskStart start_of(uint64_t *skip, size_t count, uint32_t left)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;

    start.kind = MRLUA__TASK_KIND__MAP;
    start.skip = skip;
    start.n_skip = count;
    start.skip_left = left;
    return start;
}

static void exactly_those_that_are_named_are_skipped(void **state)
{
    uint64_t skip[] = {1, 2, 7};
    Mrlua__TaskStart start = start_of(skip, 3, 0);
    struct bad_records bad;

    (void)state;
    bad_records_init(&bad, &start);
    for (uint64_t record = 1; record < 10; record++)
        assert_int_equal(bad_records_skips(&bad, record),
                         record == 1 || record == 2 || record == 7);
    bad_records_deinit(&bad);
    start.n_skip = 0;
    bad_records_init(&bad, &start);
    assert_false(bad_records_skips(&bad, 1));
    bad_records_deinit(&bad);
}

static void one_more_than_are_left_is_looked_for(void **state)
{
    struct err err, first, raised = {.kind = ERR_JOB, .message = "no 1"};

    (void)state;
    for (uint32_t left = 0; left < 4; left++) {
        Mrlua__TaskStart start = start_of(NULL, 0, left);
        struct bad_records bad;
        uint64_t record = 0;

        bad_records_init(&bad, &start);
        assert_int_equal(bad_records_fail(&bad, &err), 0);
        do
            raised.message[3] = (char)('1' + record++);
        while (bad_records_add(&bad, &(struct bad_place){.record = record}, &raised));
        assert_int_equal(record, left + 1);
        assert_int_equal(bad_records_fail(&bad, &first), -1);
        assert_string_equal(first.message, "no 1");
        bad_records_deinit(&bad);
    }
}

static void what_kills_the_vm_ends_the_search(void **state)
{
    Mrlua__TaskStart start = start_of(NULL, 0, 9);
    struct err died = {.kind = ERR_LIMIT, .message = "died"};
    struct bad_records bad;

    (void)state;
    bad_records_init(&bad, &start);
    assert_false(bad_records_add(&bad, &(struct bad_place){.record = 1}, &died));
    assert_int_equal(bad.count, 1);
    bad_records_deinit(&bad);
}

/* Goal: of a hostile child no list is longer, no text longer, no place elsewhere than can be. */
static void claims_of_a_child_are_cut_to_what_is_possible(void **state)
{
    enum { CLAIM_COUNT = 8, TEXT_BYTES = 4096 };
    Mrlua__TaskStart start = start_of(NULL, 0, 2);
    Mrlua__BadRecord claims[CLAIM_COUNT], *list[CLAIM_COUNT];
    Mrlua__Piece *pieces[2] = {NULL};
    Mrlua__Error error = MRLUA__ERROR__INIT, told = MRLUA__ERROR__INIT;
    struct bad_records bad;
    char text[TEXT_BYTES];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < CLAIM_COUNT; i++) {
        mrlua__bad_record__init(&claims[i]);
        claims[i].record = i; /* the first is none */
        claims[i].piece = i == 1 ? 2 : 1;
        claims[i].key = claims[i].error = text;
        list[i] = &claims[i];
    }
    error.n_bad = CLAIM_COUNT;
    error.bad = list;
    start.pieces = pieces;
    start.n_pieces = 2;
    bad_records_init(&bad, &start);
    bad_records_take(&bad, &error);
    bad_records_tell(&bad, &told);
    assert_int_equal(told.n_bad, 3);
    for (size_t i = 0; i < told.n_bad; i++) {
        assert_int_equal(told.bad[i]->record, i + 2);
        assert_int_equal(strlen(told.bad[i]->key), KEY_PRINT_BYTES);
        assert_int_equal(strlen(told.bad[i]->error), ERR_MESSAGE_BYTES - 1);
    }
    bad_records_deinit(&bad);
}

static void places_are_told_by_task(void **state)
{
    Mrlua__TaskStart start = start_of(NULL, 0, 0);
    struct buf out = {0};

    (void)state;
    start.task = 3;
    bad_records_print_place(&start, 17, &out);
    start.kind = MRLUA__TASK_KIND__REDUCE;
    bad_records_print_place(&start, 1, &out);
    assert_string_equal(buf_string(&out), "task: map 3, record 17\ntask: reduce 3, key number 1\n");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_those_that_are_named_are_skipped),
        cmocka_unit_test(one_more_than_are_left_is_looked_for),
        cmocka_unit_test(what_kills_the_vm_ends_the_search),
        cmocka_unit_test(claims_of_a_child_are_cut_to_what_is_possible),
        cmocka_unit_test(places_are_told_by_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
