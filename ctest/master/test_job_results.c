#include "master/job_results.h"

#include "master/kit.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_count_each_task_once),
        cmocka_unit_test(a_lost_output_does_not_count),
        cmocka_unit_test(what_is_none_of_ours_is_freed),
        cmocka_unit_test(counters_of_all_stages_are_summed_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
