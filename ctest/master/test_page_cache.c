#include "master/page_cache.h"

#include "base/clock.h"
#include "test.h"

#include <stdio.h>

#define MS NS_PER_MS

static struct page_cache cache;
static uint64_t now_ns;
static struct slice body;

static int set_up(void **state)
{
    (void)state;
    cache = (struct page_cache){0};
    now_ns = 1000 * NS_PER_S; /* the budget is full */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    page_cache_deinit(&cache);
    return 0;
}

static void put(const char *key, const char *text, uint64_t took_ns)
{
    struct buf buf = {0};

    buf_append_string(&buf, text);
    page_cache_put(&cache, key, &buf, now_ns, took_ns);
    buf_deinit(&buf);
}

static void assert_ask(const char *key, enum page_cache_answer answer, const char *text)
{
    assert_int_equal(page_cache_ask(&cache, key, now_ns, &body), answer);
    if (text)
        assert_true(slice_equal(body, slice_of_string(text)));
}

static void an_answer_is_made_once_for_all_who_ask_within_its_time(void **state)
{
    (void)state;
    assert_ask("a", PAGE_RENDER, NULL);
    put("a", "first", MS);
    for (int i = 0; i < 20; i++)
        assert_ask("a", PAGE_CACHED, "first");
    now_ns += PAGE_FRESH_MS * MS - 1;
    assert_ask("a", PAGE_CACHED, "first");
    now_ns += 1;
    assert_ask("a", PAGE_RENDER, NULL);
    put("a", "second", MS);
    assert_ask("a", PAGE_CACHED, "second");
}

static void without_a_budget_an_old_answer_is_given_and_a_new_one_refused(void **state)
{
    (void)state;
    assert_ask("a", PAGE_RENDER, NULL);
    put("a", "old", 10 * NS_PER_S); /* far more than there was */
    assert_ask("b", PAGE_BUSY, NULL);
    now_ns += 50 * NS_PER_S; /* half of it is earned again */
    assert_ask("b", PAGE_BUSY, NULL);
    assert_ask("a", PAGE_CACHED, "old");
    now_ns += 50 * NS_PER_S;
    assert_ask("b", PAGE_RENDER, NULL);
    assert_ask("a", PAGE_RENDER, NULL);
}

/* Goal: a hundred answers of 20 ms each, asked for all the time, take a tenth of the time. */
static void making_answers_takes_a_tenth_of_the_time(void **state)
{
    const uint64_t began_ns = now_ns, took_ns = 20 * MS;
    uint64_t spent_ns = 0;
    char key[PAGE_CACHE_KEY_BYTES];

    (void)state;
    for (int i = 0; now_ns < began_ns + 100 * NS_PER_S; i++) {
        snprintf(key, sizeof key, "%d", i % 100);
        if (page_cache_ask(&cache, key, now_ns, &body) == PAGE_RENDER) {
            now_ns += took_ns;
            spent_ns += took_ns;
            put(key, "x", took_ns);
        }
        now_ns += MS;
    }
    assert_in_range(spent_ns, 9 * NS_PER_S, 11 * NS_PER_S);
}

static void what_was_asked_for_least_lately_makes_room(void **state)
{
    char key[PAGE_CACHE_KEY_BYTES];

    (void)state;
    for (int i = 0; i < PAGE_CACHE_COUNT; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(key, key, 0);
        now_ns += 1;
    }
    assert_ask("0", PAGE_CACHED, "0");
    now_ns += 1;
    put("new", "new", 0);
    assert_ask("0", PAGE_CACHED, "0");
    assert_ask("new", PAGE_CACHED, "new");
    assert_ask("1", PAGE_RENDER, NULL);
    assert_ask("2", PAGE_CACHED, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_is_made_once_for_all_who_ask_within_its_time,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            without_a_budget_an_old_answer_is_given_and_a_new_one_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(making_answers_takes_a_tenth_of_the_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_was_asked_for_least_lately_makes_room, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
