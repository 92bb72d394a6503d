#include "attempt/reuse_done.h"

#include "test.h"

#include "base/mem.h"
#include "rpc/message.h"

#include <string.h>

static const struct run_id id = {.job = 5, .attempt = 6, .task = 7};

/* What is packed, as whoever is told reads it. */
static Mrlua__Done *packed(const Mrlua__Done *done, const struct reuse_place *place)
{
    struct buf bytes = {0};
    struct err err;
    Mrlua__Done *read;

    reuse_done_pack(done, place, &bytes);
    read = message_unpack(&mrlua__done__descriptor, buf_slice(&bytes), &err);
    assert_non_null(read);
    buf_deinit(&bytes);
    return read;
}

static void it_says_where_the_run_is_and_whose(void **state)
{
    Mrlua__Done done = MRLUA__DONE__INIT, *read;

    (void)state;
    done.bytes = 100;
    done.path = "/elsewhere";
    read = packed(
        &done, &(struct reuse_place){.id = &id, .path = "/run", .generation = 8, .note_bytes = 9});
    assert_int_equal(read->bytes, 100);
    assert_string_equal(read->path, "/run");
    assert_int_equal(read->run->job, 5);
    assert_int_equal(read->run->attempt, 6);
    assert_int_equal(read->run->task, 7);
    assert_int_equal(read->run_generation, 8);
    assert_int_equal(read->run_note_bytes, 9);
    message_free(read);
}

/* Packed again, as one that is kept and found later is. */
static void counters_stay_but_for_whether_it_was_reused(void **state)
{
    Mrlua__Counter lines = MRLUA__COUNTER__INIT, *list[] = {&lines};
    Mrlua__Done done = MRLUA__DONE__INIT, *first, *second;

    (void)state;
    lines.name = "lines";
    lines.value = 3;
    done.counters = list;
    done.n_counters = 1;
    first = packed(&done, &(struct reuse_place){.id = &id, .path = ""});
    second = packed(first, &(struct reuse_place){.id = &id, .path = "", .was_reused = true});
    assert_int_equal(first->n_counters, 2);
    assert_string_equal(first->counters[1]->name, REUSE_COUNTER);
    assert_int_equal(first->counters[1]->value, 0);
    assert_int_equal(second->n_counters, 2);
    assert_string_equal(second->counters[0]->name, "lines");
    assert_int_equal(second->counters[0]->value, 3);
    assert_int_equal(second->counters[1]->value, 1);
    message_free(first);
    message_free(second);
}

/* The generation of a kept object is not that of what is kept of it later. */
static void what_it_said_of_its_place_before_is_gone(void **state)
{
    Mrlua__Done done = MRLUA__DONE__INIT, *first, *second;

    (void)state;
    first = packed(
        &done, &(struct reuse_place){.id = &id, .path = "/run", .generation = 8, .note_bytes = 9});
    second = packed(first, &(struct reuse_place){.id = &id, .path = ""});
    assert_int_equal(second->run_generation, 0);
    assert_int_equal(second->run_note_bytes, 0);
    assert_string_equal(second->path, "");
    message_free(first);
    message_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_where_the_run_is_and_whose),
        cmocka_unit_test(counters_stay_but_for_whether_it_was_reused),
        cmocka_unit_test(what_it_said_of_its_place_before_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
