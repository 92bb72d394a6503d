#include "master/page_json.h"

#include "base/clock.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct buf out;

static int tear_down(void **state)
{
    (void)state;
    buf_deinit(&out);
    return 0;
}

static bool has(const char *text)
{
    return strstr(buf_string(&out), text) != NULL;
}

static void a_job_has_its_stages_by_name(void **state)
{
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    Mrlua__StageProgress plan = MRLUA__STAGE_PROGRESS__INIT, map = MRLUA__STAGE_PROGRESS__INIT;
    Mrlua__StageProgress *stages[] = {&plan, &map};

    (void)state;
    info.job = 7;
    info.name = (char *)(uintptr_t) "a\"b";
    info.status = JOB_RUNNING;
    info.submitted_ns = 5 * (int64_t)NS_PER_MS;
    map.tasks = 3;
    map.bytes = 123456789012.0;
    info.stages = stages;
    info.n_stages = 2;
    page_json_job(&out, NULL, &info, false);
    assert_true(has("{\"id\":7,\"name\":\"a\\\"b\",\"user\":\"\",\"status\":\"running\","));
    assert_false(has("parent"));
    assert_true(has("\"submitted_ms\":5,"));
    assert_true(has("{\"name\":\"map\",\"tasks\":3,"));
    assert_true(has("\"bytes\":123456789012,"));
    assert_false(has("counters"));
}

static void a_whole_job_has_counters_and_causes(void **state)
{
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    Mrlua__Counter counter = MRLUA__COUNTER__INIT, *counters = &counter;
    Mrlua__Error error = MRLUA__ERROR__INIT;
    Mrlua__Cause cause = MRLUA__CAUSE__INIT, *causes = &cause;

    (void)state;
    counter.name = (char *)(uintptr_t) "seen\n";
    counter.value = -3;
    error.kind = ERR_JOB;
    error.message = (char *)(uintptr_t) "boom";
    cause.attempt = UINT64_MAX;
    cause.worker_id = WORKER_NONE;
    cause.error = &error;
    info.counters = &counters;
    info.n_counters = 1;
    info.causes = &causes;
    info.n_causes = 1;
    info.error = &error;
    page_json_job(&out, NULL, &info, true);
    assert_true(has("\"counters\":[[\"seen\\u000a\",-3]]"));
    assert_true(has("\"causes\":[{\"attempt\":\"18446744073709551615\",\"worker\":-1,"));
    assert_true(has("\"error\":{\"kind\":\"job\",\"message\":\"boom\"}"));
}

static void a_whole_job_has_its_skew_if_it_is_known(void **state)
{
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    Mrlua__JobSkew skew = MRLUA__JOB_SKEW__INIT;
    Mrlua__HotKeyInfo key = MRLUA__HOT_KEY_INFO__INIT, *keys = &key;
    Mrlua__PartitionInfo partition = MRLUA__PARTITION_INFO__INIT, *largest = &partition;
    char *advice = (char *)(uintptr_t) "do <this>";

    (void)state;
    page_json_job(&out, NULL, &info, true);
    assert_false(has("skew"));
    buf_clear(&out);
    skew.records = 100;
    skew.bytes = 1000;
    skew.partitions = 4;
    key.text = (char *)(uintptr_t) "\"the\"";
    key.records = 10;
    key.partition = 3;
    skew.keys = &keys;
    skew.n_keys = 1;
    partition.partition = 2;
    partition.bytes = 400;
    partition.records = 40;
    skew.largest = &largest;
    skew.n_largest = 1;
    skew.advice = &advice;
    skew.n_advice = 1;
    info.skew = &skew;
    page_json_job(&out, NULL, &info, true);
    assert_true(has("\"skew\":{\"records\":100,\"bytes\":1000,\"partitions\":4,"));
    assert_true(has("\"keys\":[{\"key\":\"\\\"the\\\"\",\"records\":10,\"partition\":3}]"));
    assert_true(has("\"largest\":[{\"partition\":2,\"bytes\":400,\"records\":40}]"));
    assert_true(has("\"advice\":[\"do "));
}

/* A journal of another version may hold numbers that we have no names for. */
static void unknown_numbers_have_names_all_the_same(void **state)
{
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;
    Mrlua__StageProgress stage = MRLUA__STAGE_PROGRESS__INIT;
    Mrlua__StageProgress *stages[STAGE_COUNT + 1];

    (void)state;
    for (int i = 0; i <= STAGE_COUNT; i++)
        stages[i] = &stage;
    info.stages = stages;
    info.n_stages = STAGE_COUNT + 1;
    info.status = 99;
    error.kind = 99;
    info.error = &error;
    page_json_job(&out, NULL, &info, false);
    assert_true(has("\"status\":\"unknown\""));
    assert_true(has("\"kind\":\"retry\""));
}

static void a_text_is_cut_at_its_limit(void **state)
{
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;
    char *text = malloc(2 * PAGE_TEXT_BYTES_MAX);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 2 * PAGE_TEXT_BYTES_MAX - 1);
    text[2 * PAGE_TEXT_BYTES_MAX - 1] = '\0';
    info.name = text;
    page_json_job(&out, NULL, &info, false);
    text[PAGE_TEXT_BYTES_MAX] = '\0';
    assert_true(has(text));
    text[PAGE_TEXT_BYTES_MAX] = 'x';
    text[PAGE_TEXT_BYTES_MAX + 1] = '\0';
    assert_false(has(text));
    free(text);
}

static void a_worker_has_one_state(void **state)
{
    Mrlua__WorkerInfo worker = MRLUA__WORKER_INFO__INIT;

    (void)state;
    worker.draining = true;
    page_json_worker(&out, &worker);
    assert_true(has("\"state\":\"cut\""));
    worker.connected = true;
    page_json_worker(&out, &worker);
    assert_true(has("\"state\":\"draining\""));
}

static void attempts_are_told_in_pieces_of_a_limited_size(void **state)
{
    struct job_timeline timeline = {0};
    struct timeline_entry entry = {.stage = STAGE_REDUCE,
                                   .worker_id = 4,
                                   .begun_ns = 5 * NS_PER_MS,
                                   .ended_ns = 9 * NS_PER_MS,
                                   .outcome = OUTCOME_WORKER_LOST};
    size_t count = 0;

    (void)state;
    for (entry.attempt_id = 1; entry.attempt_id <= PAGE_ATTEMPT_COUNT_MAX + 5; entry.attempt_id++) {
        entry.task = (uint32_t)entry.attempt_id;
        job_timeline_add(&timeline, &entry);
    }
    page_json_attempts(&out, &timeline, 2 * NS_PER_MS, 0);
    for (const char *at = buf_string(&out); (at = strstr(at, "[2,")); at++)
        count++;
    if (timeline.capacity >= PAGE_ATTEMPT_COUNT_MAX + 5) { /* not with tiny limits */
        assert_int_equal(count, PAGE_ATTEMPT_COUNT_MAX);
        assert_true(has("\"items\":[[2,1,4,3,7,3,\"1\"],"));
    } else {
        assert_int_equal(count, timeline.capacity);
    }
    buf_clear(&out);
    page_json_attempts(&out, &timeline, 2 * NS_PER_MS, PAGE_ATTEMPT_COUNT_MAX + 4);
    assert_true(has("\"items\":[[2,2005,4,3,7,3,\"2005\"]]}"));
    job_timeline_deinit(&timeline);
}

static void a_whole_job_tells_what_it_took(void **state)
{
    Mrlua__SlowAttempt slow = MRLUA__SLOW_ATTEMPT__INIT, *slowest = &slow;
    Mrlua__JobEffort effort = MRLUA__JOB_EFFORT__INIT;
    Mrlua__JobInfo info = MRLUA__JOB_INFO__INIT;

    (void)state;
    page_json_job(&out, NULL, &info, true);
    assert_false(has("effort"));
    buf_clear(&out);
    slow.stage = STAGE_MAP;
    slow.task = 3;
    slow.worker = (char *)(uintptr_t) "w\"3";
    slow.seconds = 1.5;
    effort.slowest = &slowest;
    effort.n_slowest = 1;
    effort.failed = 2;
    info.effort = &effort;
    page_json_job(&out, NULL, &info, true);
    assert_true(has("\"effort\":{\"failed\":2,\"given_up\":0,"));
    assert_true(has("\"slowest\":[{\"step\":0,\"stage\":\"map\",\"task\":3,\"worker\":\"w\\\"3\","
                    "\"seconds\":1.5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_job_has_its_stages_by_name, tear_down),
        cmocka_unit_test_teardown(a_whole_job_has_counters_and_causes, tear_down),
        cmocka_unit_test_teardown(a_whole_job_has_its_skew_if_it_is_known, tear_down),
        cmocka_unit_test_teardown(a_whole_job_tells_what_it_took, tear_down),
        cmocka_unit_test_teardown(unknown_numbers_have_names_all_the_same, tear_down),
        cmocka_unit_test_teardown(a_text_is_cut_at_its_limit, tear_down),
        cmocka_unit_test_teardown(a_worker_has_one_state, tear_down),
        cmocka_unit_test_teardown(attempts_are_told_in_pieces_of_a_limited_size, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
