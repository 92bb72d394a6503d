#include "master/job_bad.h"

#include "base/mem.h"
#include "master/task_kit.h"

#include <stdlib.h>

enum { ATTEMPTS_MAX = 4 };

static struct job_bad bad;
static Mrlua__BadRecord records[SCHED_SKIP_BAD_MAX + 2], *list[SCHED_SKIP_BAD_MAX + 2];
static uint64_t last_attempt;

static int tear_down(void **state)
{
    (void)state;
    job_bad_deinit(&bad);
    return 0;
}

/* An attempt of the task fails on these records. Its id is last_attempt. */
static uint32_t report(enum err_kind kind, enum stage_kind stage, uint32_t task,
                       const uint64_t *numbers, size_t count)
{
    struct job_bad_where where = {
        .attempt_id = ++last_attempt, .stage = stage, .task = task, .attempts_max = ATTEMPTS_MAX};
    Mrlua__Error error = MRLUA__ERROR__INIT;

    for (size_t i = 0; i < count; i++) {
        mrlua__bad_record__init(&records[i]);
        records[i].record = numbers[i];
        records[i].offset = numbers[i] * 10;
        records[i].key = stage == STAGE_REDUCE ? "\"k\"" : "";
        records[i].error = "no";
        list[i] = &records[i];
    }
    error.kind = kind;
    error.n_bad = count;
    error.bad = list;
    return job_bad_report(&bad, &where, &error);
}

static uint32_t raise(enum stage_kind stage, uint32_t task, uint64_t number)
{
    return report(ERR_JOB, stage, task, &number, 1);
}

static uint32_t die(uint32_t task, uint64_t number)
{
    return report(ERR_LIMIT, STAGE_MAP, task, &number, 1);
}

static void expect_list(enum stage_kind stage, uint32_t task, const char *expected)
{
    struct buf text = {0};
    size_t count;
    uint64_t *numbers = job_bad_of(&bad, stage, task, &count);

    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%llu ", (unsigned long long)numbers[i]);
    assert_string_equal(buf_string(&text), expected);
    free(numbers);
    buf_deinit(&text);
}

static void what_raises_is_set_aside_at_once(void **state)
{
    uint64_t numbers[] = {3, 7, 9};

    (void)state;
    assert_int_equal(report(ERR_JOB, STAGE_MAP, 1, numbers, 3), 3);
    expect_list(STAGE_MAP, 1, ""); /* the scheduler has not said so yet */
    job_bad_take(&bad, last_attempt);
    expect_list(STAGE_MAP, 1, "3 7 9 ");
    expect_list(STAGE_MAP, 0, "");
    expect_list(STAGE_REDUCE, 1, "");
    assert_int_equal(raise(STAGE_MAP, 1, 5), 1);
    job_bad_take(&bad, last_attempt);
    assert_int_equal(raise(STAGE_REDUCE, 1, 3), 1);
    job_bad_take(&bad, last_attempt);
    expect_list(STAGE_MAP, 1, "3 5 7 9 ");
    expect_list(STAGE_REDUCE, 1, "3 ");
    assert_int_equal(job_bad_count(&bad), 5);
}

static void record_that_is_set_aside_does_not_count_again(void **state)
{
    uint64_t numbers[] = {3, 4};

    (void)state;
    raise(STAGE_MAP, 0, 3);
    job_bad_take(&bad, last_attempt);
    assert_int_equal(raise(STAGE_MAP, 0, 3), 0);
    assert_int_equal(report(ERR_JOB, STAGE_MAP, 0, numbers, 2), 1);
    job_bad_take(&bad, last_attempt);
    expect_list(STAGE_MAP, 0, "3 4 ");
}

static void what_kills_is_set_aside_the_second_time(void **state)
{
    (void)state;
    assert_int_equal(die(0, 3), 0);
    assert_int_equal(die(0, 4), 0); /* another record */
    assert_int_equal(die(1, 3), 0); /* another task */
    assert_int_equal(die(0, 3), 1);
    job_bad_take(&bad, last_attempt);
    expect_list(STAGE_MAP, 0, "3 ");
    assert_int_equal(die(0, 4), 1);
}

/* A worker says so until it is heard: that is no second time. */
static void repeated_report_is_one(void **state)
{
    (void)state;
    assert_int_equal(die(0, 3), 0);
    last_attempt--;
    assert_int_equal(die(0, 3), 0);
    assert_int_equal(die(0, 3), 1);
    assert_int_equal(raise(STAGE_MAP, 0, 9), 1);
    last_attempt--;
    assert_int_equal(raise(STAGE_MAP, 0, 9), 0);
}

static void failure_of_no_record_is_one_as_any(void **state)
{
    (void)state;
    assert_int_equal(report(ERR_JOB, STAGE_MAP, 0, NULL, 0), 0);
    assert_int_equal(report(ERR_RETRY, STAGE_MAP, 0, &(uint64_t){1}, 1), 0);
    job_bad_take(&bad, last_attempt); /* of which there is no report */
    assert_int_equal(bad.count, 0);
}

/* A hostile worker: what is no list of ascending numbers is none. */
static void lists_are_cut_to_what_they_may_be(void **state)
{
    static uint64_t numbers[SCHED_SKIP_BAD_MAX + 2];
    uint64_t disorder[] = {0, 5, 5, 4, 6};

    (void)state;
    assert_int_equal(report(ERR_JOB, STAGE_MAP, 0, disorder, 5), 2);
    job_bad_take(&bad, last_attempt);
    expect_list(STAGE_MAP, 0, "5 6 ");
    for (size_t i = 0; i < SCHED_SKIP_BAD_MAX + 2; i++)
        numbers[i] = 100 + i;
    assert_int_equal(report(ERR_JOB, STAGE_MAP, 0, numbers, SCHED_SKIP_BAD_MAX + 2),
                     SCHED_SKIP_BAD_MAX + 1);
}

static void suspects_and_reports_are_bounded(void **state)
{
    (void)state;
    for (uint64_t i = 0; i <= JOB_BAD_SUSPECT_COUNT_MAX; i++)
        assert_int_equal(die(0, 1 + i), 0);
    assert_int_equal(bad.suspect_count, JOB_BAD_SUSPECT_COUNT_MAX);
    assert_int_equal(die(0, 2), 1); /* still known */
    assert_int_equal(die(0, 1), 0); /* the oldest is not */
    for (uint32_t i = 0; i < JOB_BAD_REPORT_COUNT_MAX; i++)
        assert_int_equal(raise(STAGE_MAP, i + 1, 1), 1);
    assert_int_equal(bad.report_count, JOB_BAD_REPORT_COUNT_MAX);
    job_bad_take(&bad, last_attempt);
    expect_list(STAGE_MAP, JOB_BAD_REPORT_COUNT_MAX, "1 ");
}

/* What is journaled beside a fact makes the same list, and the same suspects, again. */
static void journal_is_told_what_makes_it_again(void **state)
{
    Mrlua__Error error = MRLUA__ERROR__INIT, *read;
    struct job_bad again = {0};
    struct job_bad_where where = {.stage = STAGE_MAP, .task = 2, .attempts_max = ATTEMPTS_MAX};
    struct buf packed = {0};
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(die(2, 8), i);
        mrlua__error__init(&error);
        error.kind = ERR_LIMIT;
        job_bad_tell(&bad, last_attempt, &error);
        buf_clear(&packed);
        message_pack(&packed, &error.base);
        read = message_unpack(&mrlua__error__descriptor, buf_slice(&packed), &err);
        assert_non_null(read);
        where.attempt_id = last_attempt;
        assert_int_equal(job_bad_report(&again, &where, read), i);
        message_free(read);
    }
    job_bad_take(&again, last_attempt);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.items[0].record->record, 8);
    job_bad_deinit(&again);
    buf_deinit(&packed);
}

/* Goal: the list is JSON, whatever bytes names, keys and errors have; and in order. */
static void list_is_json_by_stage_task_and_number(void **state)
{
    struct task_kit kit;
    struct buf text = {0};

    (void)state;
    task_kit_open(&kit, "out");
    raise(STAGE_SAMPLE, 0, 1); /* its maps meet the same one */
    job_bad_take(&bad, last_attempt);
    raise(STAGE_REDUCE, 1, 2);
    job_bad_take(&bad, last_attempt);
    raise(STAGE_MAP, 1, 7);
    job_bad_take(&bad, last_attempt);
    raise(STAGE_MAP, 0, 12);
    job_bad_take(&bad, last_attempt);
    raise(STAGE_MAP, 0, 3);
    job_bad_take(&bad, last_attempt);
    free(bad.items[0].record->error);
    bad.items[0].record->error = mem_strdup("a \"b\"\n\x01\xff\\");
    job_bad_encode(&bad, &kit.plan, &text);
    assert_string_equal(
        buf_string(&text),
        "{\"stage\":\"map\",\"task\":0,\"record\":3,\"file\":\"a.txt\",\"offset\":30,"
        "\"error\":\"a \\\"b\\\"\\u000a\\u0001\xef\xbf\xbd\\\\\"}\n"
        "{\"stage\":\"map\",\"task\":0,\"record\":12,\"file\":\"a.txt\",\"offset\":120,"
        "\"error\":\"no\"}\n"
        "{\"stage\":\"map\",\"task\":1,\"record\":7,\"file\":\"-\",\"offset\":70,\"error\":\"no\"}"
        "\n"
        "{\"stage\":\"reduce\",\"task\":1,\"record\":2,\"key\":\"\\\"k\\\"\",\"error\":\"no\"}\n");
    assert_int_equal(job_bad_count(&bad), 4);
    buf_deinit(&text);
    task_kit_close(&kit);
}

static void end_by_too_many_tells_all_of_them(void **state)
{
    struct job_progress progress = {.reason = END_BAD_RECORDS};
    struct task_kit kit;
    struct buf detail = {0};
    struct err err = {.kind = ERR_JOB, .message = "no"};

    (void)state;
    task_kit_open(&kit, "out");
    raise(STAGE_MAP, 0, 3);
    job_bad_take(&bad, last_attempt);
    raise(STAGE_REDUCE, 1, 2);
    progress.attempt_id = last_attempt;
    job_bad_explain(&bad, &kit.plan, 1, &progress, &err, &detail);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "more bad records than skip_bad = 1 sets aside, at last: no");
    assert_string_equal(buf_string(&detail), "bad records:\n"
                                             "a.txt, at byte 30 (map 0, record 3): no\n"
                                             "key \"k\" (reduce 1, number 2): no\n");
    progress.reason = END_FAULT;
    buf_clear(&detail);
    job_bad_explain(&bad, &kit.plan, 1, &progress, &err, &detail);
    assert_int_equal(detail.len, 0);
    buf_deinit(&detail);
    task_kit_close(&kit);
}

static void no_more_are_told_than_people_read(void **state)
{
    struct task_kit kit;
    struct buf text = {0};
    size_t lines = 0;

    (void)state;
    task_kit_open(&kit, "out");
    for (uint64_t i = 1; i <= JOB_BAD_TOLD_COUNT_MAX + 5; i++) {
        raise(STAGE_MAP, 0, i);
        job_bad_take(&bad, last_attempt);
    }
    job_bad_print(&bad, &kit.plan, 0, &text);
    for (const char *at = buf_string(&text); (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, JOB_BAD_TOLD_COUNT_MAX + 1);
    assert_string_equal(text.ptr + text.len - 11, "and 5 more\n");
    buf_deinit(&text);
    task_kit_close(&kit);
}

static void advice_is_for_records_of_jobs_that_skip_none(void **state)
{
    Mrlua__Error error = MRLUA__ERROR__INIT;
    struct buf detail = {0};

    (void)state;
    job_bad_advise(NULL, 0, &detail);
    job_bad_advise(&error, 0, &detail);
    error.n_bad = 1;
    job_bad_advise(&error, 5, &detail);
    assert_int_equal(detail.len, 0);
    job_bad_advise(&error, 0, &detail);
    assert_non_null(strstr(buf_string(&detail), "skip_bad = N"));
    buf_deinit(&detail);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_raises_is_set_aside_at_once),
        TEST(record_that_is_set_aside_does_not_count_again),
        TEST(what_kills_is_set_aside_the_second_time),
        TEST(repeated_report_is_one),
        TEST(failure_of_no_record_is_one_as_any),
        TEST(lists_are_cut_to_what_they_may_be),
        TEST(suspects_and_reports_are_bounded),
        TEST(journal_is_told_what_makes_it_again),
        TEST(list_is_json_by_stage_task_and_number),
        TEST(end_by_too_many_tells_all_of_them),
        TEST(no_more_are_told_than_people_read),
        TEST(advice_is_for_records_of_jobs_that_skip_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
