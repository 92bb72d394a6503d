#include "test.h"

#include "worker/recent.h"

static void what_was_added_is_there_until_as_many_came_after_it(void **state)
{
    struct recent recent;

    (void)state;
    for (size_t count_max = 1; count_max <= 9; count_max++) {
        recent_init(&recent, count_max);
        for (uint64_t id = 1; id <= 40; id++) {
            assert_false(recent_has(&recent, id));
            recent_add(&recent, id);
            for (uint64_t other = 1; other <= id; other++)
                assert_int_equal(recent_has(&recent, other), other + count_max > id);
        }
        recent_deinit(&recent);
    }
}

static void an_id_takes_one_place_however_often_it_comes(void **state)
{
    struct recent recent;

    (void)state;
    recent_init(&recent, 2);
    recent_add(&recent, 1);
    for (int i = 0; i < 10; i++)
        recent_add(&recent, 2);
    assert_true(recent_has(&recent, 1));
    recent_deinit(&recent);
    recent_deinit(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_there_until_as_many_came_after_it),
        cmocka_unit_test(an_id_takes_one_place_however_often_it_comes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
