#include "master/metrics.h"

#include "base/clock.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct metrics_totals totals;
static struct metrics metrics;
static struct buf text;

static int set_up(void **state)
{
    (void)state;
    totals = (struct metrics_totals){0};
    metrics = (struct metrics){.totals = &totals};
    text = (struct buf){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&text);
    return 0;
}

static void assert_line(const char *line)
{
    struct buf wanted = {0};

    buf_clear(&text);
    metrics_render(&metrics, &text);
    buf_printf(&wanted, "\n%s\n", line);
    if (!strstr(buf_string(&text), buf_string(&wanted)))
        fail_msg("no line %s", line);
    buf_deinit(&wanted);
}

static void a_duration_is_counted_in_every_bucket_from_its_own_on(void **state)
{
    (void)state;
    metrics_attempt_completed(&totals, STAGE_MAP, 10 * NS_PER_MS); /* at a bound: within it */
    metrics_attempt_completed(&totals, STAGE_MAP, 10 * NS_PER_MS + 1);
    metrics_attempt_completed(&totals, STAGE_MAP, 2 * 3600 * NS_PER_S);
    assert_line("mrlua_attempt_duration_seconds_bucket{stage=\"map\",le=\"0.01\"} 1");
    assert_line("mrlua_attempt_duration_seconds_bucket{stage=\"map\",le=\"0.05\"} 2");
    assert_line("mrlua_attempt_duration_seconds_bucket{stage=\"map\",le=\"3600\"} 2");
    assert_line("mrlua_attempt_duration_seconds_bucket{stage=\"map\",le=\"+Inf\"} 3");
    assert_line("mrlua_attempt_duration_seconds_sum{stage=\"map\"} 7200.020000");
    assert_line("mrlua_attempt_duration_seconds_count{stage=\"map\"} 3");
    assert_line("mrlua_attempt_duration_seconds_count{stage=\"reduce\"} 0");
    metrics_observe(&totals.fetches, 0);
    assert_line("mrlua_fetch_duration_seconds_bucket{le=\"0.01\"} 1");
}

static void attempts_are_counted_by_stage_and_end(void **state)
{
    (void)state;
    metrics_attempt_started(&totals, STAGE_REDUCE);
    metrics_attempt_failed(&totals, STAGE_REDUCE, ERR_DISK);
    metrics_attempt_failed(&totals, STAGE_REDUCE, METRICS_GIVEN_UP);
    metrics_attempt_failed(&totals, STAGE_REDUCE, METRICS_GIVEN_UP);
    metrics_attempt_failed(&totals, STAGE_MAP, METRICS_WORKER_LOST);
    assert_line("mrlua_attempts_started_total{stage=\"reduce\"} 1");
    assert_line("mrlua_attempts_failed_total{stage=\"reduce\",kind=\"disk\"} 1");
    assert_line("mrlua_attempts_failed_total{stage=\"reduce\",kind=\"given_up\"} 2");
    assert_line("mrlua_attempts_failed_total{stage=\"map\",kind=\"worker_lost\"} 1");
    assert_line("mrlua_attempts_failed_total{stage=\"map\",kind=\"disk\"} 0");
}

static void pending_tasks_are_divided_by_the_slots_that_there_are(void **state)
{
    (void)state;
    metrics.pending_count = 30;
    assert_line("mrlua_pending_tasks_per_slot 30"); /* no slot: it is to grow all the same */
    metrics.slots = 4;
    assert_line("mrlua_pending_tasks_per_slot 7.5");
    assert_line("mrlua_pending_tasks 30");
}

static void jobs_tasks_and_workers_are_counted_by_state(void **state)
{
    (void)state;
    metrics.jobs[JOB_RUNNING] = 2;
    totals.jobs_ended[JOB_CANCELLED] = 3;
    metrics.tasks[STAGE_MAP].in_progress = 5;
    metrics.workers_draining = 1;
    metrics.silence_ns = 1500 * NS_PER_MS;
    metrics.cpu_ns = UINT64_C(12345) * NS_PER_MS;
    metrics.journal_bytes = UINT64_MAX;
    assert_line("mrlua_jobs{status=\"running\"} 2");
    assert_line("mrlua_jobs_ended_total{status=\"cancelled\"} 3");
    assert_line("mrlua_tasks{stage=\"map\",state=\"in_progress\"} 5");
    assert_line("mrlua_workers{state=\"draining\"} 1");
    assert_line("mrlua_heartbeat_age_max_seconds 1.500");
    assert_line("process_cpu_seconds_total 12.345");
    assert_line("mrlua_journal_bytes 18446744073709551615");
}

/* What promtool asks: help and type once before the samples of a name, and names by the rules. */
static void each_metric_has_one_help_and_one_type_and_its_samples_follow(void **state)
{
    char name[128] = "", type[32] = "";
    char *saved, *line;

    (void)state;
    metrics_render(&metrics, &text);
    for (line = strtok_r((char *)(uintptr_t)buf_string(&text), "\n", &saved); line;
         line = strtok_r(NULL, "\n", &saved)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line, "# HELP %127s", name), 1);
            line = strtok_r(NULL, "\n", &saved);
            assert_non_null(line);
            assert_memory_equal(line, "# TYPE ", 7);
            assert_memory_equal(line + 7, name, strlen(name));
            assert_int_equal(sscanf(line + 7 + strlen(name), " %31s", type), 1);
            assert_int_equal(strcmp(type, "counter") == 0,
                             strcmp(name + strlen(name) - 6, "_total") == 0);
            continue;
        }
        assert_memory_equal(line, name, strlen(name));
        if (strcmp(type, "histogram") != 0)
            assert_true(line[strlen(name)] == ' ' || line[strlen(name)] == '{');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_duration_is_counted_in_every_bucket_from_its_own_on,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(attempts_are_counted_by_stage_and_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pending_tasks_are_divided_by_the_slots_that_there_are,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_tasks_and_workers_are_counted_by_state, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            each_metric_has_one_help_and_one_type_and_its_samples_follow, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
