#include "master/job_results.h"

#include "master/kit.h"

#include <stdio.h>
#include <string.h>

static void sums_count_each_task_once(void **state)
{
    struct job_results results = {0};

    (void)state;
    job_results_plan(&results, 2, 1);
    job_results_take(&results, STAGE_MAP, 0, 11, kit_done("in", 5, 100, 1));
    job_results_take(&results, STAGE_MAP, 1, 12, kit_done("in", 6, 200, 1));
    assert_int_equal(job_results_sum(&results, STAGE_MAP, "in"), 11);
    assert_int_equal(job_results_bytes(&results, STAGE_MAP), 300);
    assert_int_equal(job_results_sum(&results, STAGE_REDUCE, "in"), 0);
    assert_int_equal(job_results_sum(&results, STAGE_MAP, "nothing"), 0);

    job_results_take(&results, STAGE_MAP, 0, 13, kit_done("in", 5, 100, 1)); /* again */
    assert_int_equal(job_results_sum(&results, STAGE_MAP, "in"), 11);
    assert_int_equal(job_results_of(&results, STAGE_MAP, 0)->attempt_id, 13);
    job_results_deinit(&results);
}

static void a_lost_output_does_not_count(void **state)
{
    struct job_results results = {0};

    (void)state;
    job_results_plan(&results, 1, 1);
    assert_null(job_results_of(&results, STAGE_MAP, 0));
    job_results_take(&results, STAGE_MAP, 0, 11, kit_done("in", 5, 100, 1));
    job_results_drop(&results, STAGE_MAP, 0);
    assert_null(job_results_of(&results, STAGE_MAP, 0));
    assert_int_equal(job_results_sum(&results, STAGE_MAP, "in"), 0);
    job_results_deinit(&results);
}

static void without_reduces_the_parts_are_those_of_the_maps(void **state)
{
    struct job_results results = {0};

    (void)state;
    job_results_plan(&results, 2, 1);
    job_results_take(&results, STAGE_REDUCE, 0, 21, kit_done("in", 1, 1, 1));
    assert_int_equal(job_results_part_stage(&results), STAGE_REDUCE);
    assert_int_equal(job_results_part_count(&results), 1);
    assert_int_equal(job_results_part(&results, 0)->attempt_id, 21);

    job_results_plan(&results, 2, 0);
    job_results_take(&results, STAGE_MAP, 1, 12, kit_done("in", 1, 1, 1));
    assert_int_equal(job_results_part_stage(&results), STAGE_MAP);
    assert_int_equal(job_results_part_count(&results), 2);
    assert_null(job_results_part(&results, 0));
    assert_int_equal(job_results_part(&results, 1)->attempt_id, 12);
    job_results_deinit(&results);
}

static void what_is_none_of_ours_is_freed(void **state)
{
    struct job_results results = {0};

    (void)state;
    job_results_take(&results, STAGE_MAP, 0, 1, kit_done("in", 1, 1, 1)); /* no plan yet */
    job_results_take(&results, STAGE_COMMIT, 0, 1, kit_done("in", 1, 1, 1));
    job_results_drop(&results, STAGE_MAP, 9);
    assert_null(job_results_of(&results, STAGE_MAP, 0));
    job_results_deinit(&results);
}

static void counters_of_all_stages_are_summed_by_name(void **state)
{
    struct job_results results = {0};
    struct job_counters counters;

    (void)state;
    job_results_plan(&results, 2, 1);
    job_results_take(&results, STAGE_MAP, 0, 1, kit_done("map_in", 5, 1, 1));
    job_results_take(&results, STAGE_MAP, 1, 2, kit_done("map_in", 6, 1, 1));
    job_results_take(&results, STAGE_REDUCE, 0, 3, kit_done("a_reduce_in", 7, 1, 1));
    job_results_counters(&results, &counters);
    assert_int_equal(counters.count, 3);
    assert_string_equal(counters.items[0].name, "a_reduce_in");
    assert_int_equal(counters.items[0].value, 7);
    assert_string_equal(counters.items[1].name, "all");
    assert_int_equal(counters.items[1].value, 3);
    assert_string_equal(counters.items[2].name, "map_in");
    assert_int_equal(counters.items[2].value, 11);
    job_counters_deinit(&counters);
    job_results_deinit(&results);
}

static void what_users_count_is_asked_for_alone(void **state)
{
    struct job_results results = {0};
    struct job_counters counters;

    (void)state;
    job_results_plan(&results, 2, 1);
    job_results_take(&results, STAGE_MAP, 0, 1, kit_done("user.bad", 5, 1, 1));
    job_results_take(&results, STAGE_MAP, 1, 2, kit_done("user.bad", 6, 1, 1));
    job_results_user_counters(&results, &counters);
    assert_int_equal(counters.count, 1);
    assert_string_equal(counters.items[0].name, "user.bad");
    assert_int_equal(counters.items[0].value, 11);
    job_counters_deinit(&counters);
    job_results_deinit(&results);
}

static const struct job_counter *named(const struct job_counters *counters, const char *name)
{
    for (size_t i = 0; i < counters->count; i++)
        if (strcmp(counters->items[i].name, name) == 0)
            return &counters->items[i];
    return NULL;
}

/* A job that makes names of its data is told so by what they are added up under. */
static void more_user_names_than_are_kept_are_added_up_as_others(void **state)
{
    enum { TASK_COUNT = JOB_USER_COUNTER_COUNT_MAX + 3 };
    struct job_results results = {0};
    struct job_counters counters;
    char name[32];

    (void)state;
    job_results_plan(&results, TASK_COUNT, 1);
    for (uint32_t i = 0; i < TASK_COUNT; i++) {
        snprintf(name, sizeof name, "user.n%u", i);
        job_results_take(&results, STAGE_MAP, i, i + 1, kit_done(name, i, 1, 1));
        if (i != JOB_USER_COUNTER_COUNT_MAX - 1)
            continue;
        job_results_counters(&results, &counters);
        assert_int_equal(counters.count, JOB_USER_COUNTER_COUNT_MAX + 1); /* and "all" */
        assert_null(named(&counters, JOB_COUNTER_OTHERS));
        job_counters_deinit(&counters);
    }
    job_results_take(&results, STAGE_REDUCE, 0, 9999, kit_done("reduce_in", 7, 1, 1));
    job_results_counters(&results, &counters);
    assert_int_equal(counters.count, JOB_USER_COUNTER_COUNT_MAX + 3);
    assert_int_equal(named(&counters, "user.n255")->value, 255);
    assert_null(named(&counters, "user.n256"));
    assert_int_equal(named(&counters, JOB_COUNTER_OTHERS)->value, 256 + 257 + 258);
    assert_int_equal(named(&counters, "reduce_in")->value, 7); /* the engine's own are all kept */
    job_counters_deinit(&counters);
    job_results_deinit(&results);
}

static void a_sum_that_is_too_large_stops_at_the_largest(void **state)
{
    struct job_results results = {0};
    struct job_counters counters;

    (void)state;
    job_results_plan(&results, 2, 1);
    job_results_take(&results, STAGE_MAP, 0, 1, kit_done("user.n", INT64_MAX, 1, 1));
    job_results_take(&results, STAGE_MAP, 1, 2, kit_done("user.n", 1, 1, 1));
    job_results_counters(&results, &counters);
    assert_int_equal(named(&counters, "user.n")->value, INT64_MAX);
    job_counters_deinit(&counters);
    job_results_deinit(&results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_users_count_is_asked_for_alone),
        cmocka_unit_test(sums_count_each_task_once),
        cmocka_unit_test(a_lost_output_does_not_count),
        cmocka_unit_test(without_reduces_the_parts_are_those_of_the_maps),
        cmocka_unit_test(what_is_none_of_ours_is_freed),
        cmocka_unit_test(counters_of_all_stages_are_summed_by_name),
        cmocka_unit_test(more_user_names_than_are_kept_are_added_up_as_others),
        cmocka_unit_test(a_sum_that_is_too_large_stops_at_the_largest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
