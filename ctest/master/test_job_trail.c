#include "master/job_trail.h"

#include "base/mem.h"
#include "home_of_test.h"
#include "record/value.h"

static struct trail trail;
static struct job_trail kept;
static struct err err;

static int set_up(void **state)
{
    home_set_up(state);
    trail_init(&trail);
    job_trail_init(&kept, &trail);
    return 0;
}

static int tear_down(void **state)
{
    job_trail_deinit(&kept);
    trail_deinit(&trail);
    return home_tear_down(state);
}

static struct job_trail_who map(uint32_t task, uint64_t attempt_id)
{
    return (struct job_trail_who){.stage = STAGE_MAP, .task = task, .attempt_id = attempt_id};
}

static void print(uint32_t task, const char *text)
{
    struct job_trail_who who = map(task, 33);

    assert_int_equal(job_trail_print(&kept, &who, text, &err), 0);
}

/* Fails an attempt of a map with `kind`: job_trail_keep()'s answer. */
static int fail_map(uint32_t task, uint64_t attempt_id, enum err_kind kind)
{
    struct err failed = {kind, "no"};
    struct job_trail_who who = map(task, attempt_id);
    struct job_trail_failure failure = {
        .job = {.name = "x"}, .part = slice_of("\xc6\xc7", 2), .err = &failed};

    return job_trail_keep(&kept, &who, &failure, &err);
}

static bool has(uint32_t task, uint64_t attempt_id)
{
    struct job_trail_who who = map(task, attempt_id);

    return job_trail_has(&kept, &who);
}

static void lines_are_written_with_their_attempt_when_flushed(void **state)
{
    char *text;

    (void)state;
    print(17, "a\\b\nc\rd");
    print(3, "");
    assert_int_equal(folder_count(&folder), 0);
    assert_int_equal(job_trail_flush(&kept, &err), 0);
    assert_int_equal(job_trail_flush(&kept, &err), 0);
    text = folder_read(&folder, "mrlua/runs/r1/log");
    assert_string_equal(text, "m17-33\ta\\\\b\\nc\\rd\nm3-33\t\n");
    free(text);
}

static void many_lines_are_written_by_themselves(void **state)
{
    (void)state;
    for (int i = 0; i < 1100; i++)
        print(1, "0123456789012345678901234567890123456789012345678901234567890123456789");
    assert_true(folder_has(&folder, "mrlua/runs/r1/log"));
}

/* Lines of 8 KiB up to the limit; then one that says so, and no more. */
static void a_job_that_prints_without_end_is_cut(void **state)
{
    enum { LINE_BYTES = 8 * 1024 };
    char *line = mem_alloc(LINE_BYTES + 1), last[128] = "";
    struct stat status;
    FILE *file;

    (void)state;
    memset(line, 'x', LINE_BYTES);
    for (int i = 0; i < JOB_TRAIL_LOG_BYTES_MAX / LINE_BYTES + 10; i++)
        print(1, line);
    free(line);
    assert_int_equal(job_trail_flush(&kept, &err), 0);
    assert_int_equal(stat(folder_path(&folder, "mrlua/runs/r1/log"), &status), 0);
    assert_in_range(status.st_size, JOB_TRAIL_LOG_BYTES_MAX - LINE_BYTES,
                    JOB_TRAIL_LOG_BYTES_MAX + 128);
    file = fopen(folder_path(&folder, "mrlua/runs/r1/log"), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, -59, SEEK_END), 0);
    last[fread(last, 1, sizeof last - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(last, "the rest of what this job prints is not kept"));
}

/* The limit holds for what an earlier life of the master has written, too. */
static void a_log_goes_on_where_it_was(void **state)
{
    const char *root = folder_path(&folder, "trails");
    struct trail numbered;
    struct job_trail again;
    struct job_trail_who who = map(1, 2);
    struct stat status;

    (void)state;
    folder_mkdir(&folder, "trails");
    folder_mkdir(&folder, "trails/r7");
    folder_write(&folder, "trails/r7/log", "", 0);
    assert_int_equal(truncate(folder_path(&folder, "trails/r7/log"), JOB_TRAIL_LOG_BYTES_MAX), 0);
    trail_init_at(&numbered, root, 7);
    job_trail_init(&again, &numbered);
    for (int i = 0; i < 3; i++)
        assert_int_equal(job_trail_print(&again, &who, "a line", &err), 0);
    assert_int_equal(job_trail_flush(&again, &err), 0);
    assert_int_equal(stat(folder_path(&folder, "trails/r7/log"), &status), 0);
    assert_in_range(status.st_size, JOB_TRAIL_LOG_BYTES_MAX + 1, JOB_TRAIL_LOG_BYTES_MAX + 80);
    job_trail_deinit(&again);
    trail_deinit(&numbered);
}

static void a_failed_attempt_leaves_a_capsule_of_its_run(void **state)
{
    struct buf bytes = {0};
    struct slice table, job;
    char *file;

    (void)state;
    assert_int_equal(fail_map(17, 33, ERR_JOB), 1);
    assert_true(has(17, 33));
    assert_false(has(17, 34));
    file = folder_read(&folder, "mrlua/runs/r1/m17-33.capsule");
    buf_append(&bytes, file, 12 + (size_t)(unsigned char)file[4]);
    assert_int_equal(capsule_decode(buf_slice(&bytes), &table, &err), 0);
    assert_true(value_field_table(table, "job", &job));
    assert_true(slice_equal(value_field_string(job, "id", ""), slice_of_string("r1")));
    buf_deinit(&bytes);
    free(file);
}

static void failures_of_nobodys_code_leave_none(void **state)
{
    struct job_trail_who plan = {.stage = STAGE_PLAN};
    struct job_trail_who driver = {.stage = STAGE_PLAN, .is_driver = true};

    (void)state;
    assert_int_equal(fail_map(1, 1, ERR_RETRY), 0);
    assert_int_equal(fail_map(1, 1, ERR_PEER), 0);
    assert_int_equal(fail_map(1, 1, ERR_DISK), 0);
    assert_false(job_trail_wants(&kept, &plan, ERR_JOB));
    assert_true(job_trail_wants(&kept, &driver, ERR_JOB));
    assert_int_equal(folder_count(&folder), 0);
    assert_int_equal(fail_map(1, 1, ERR_LIMIT), 1);
}

static void of_more_than_there_is_room_for_a_second_one_of_a_task_goes_first(void **state)
{
    (void)state;
    for (uint32_t task = 0; task < JOB_TRAIL_CAPSULE_COUNT_MAX - 1; task++)
        assert_int_equal(fail_map(task, 100 + task, ERR_JOB), 1);
    assert_int_equal(fail_map(5, 200, ERR_JOB), 1);
    assert_true(has(0, 100) && has(5, 105) && has(5, 200));
    assert_int_equal(fail_map(50, 201, ERR_JOB), 1);
    assert_true(has(0, 100) && has(5, 200) && has(50, 201));
    assert_false(has(5, 105));
}

static void else_the_oldest_goes(void **state)
{
    (void)state;
    for (uint32_t task = 0; task <= JOB_TRAIL_CAPSULE_COUNT_MAX; task++)
        assert_int_equal(fail_map(task, 100 + task, ERR_JOB), 1);
    assert_false(has(0, 100));
    assert_true(has(1, 101) && has(JOB_TRAIL_CAPSULE_COUNT_MAX, 100 + JOB_TRAIL_CAPSULE_COUNT_MAX));
}

static void a_job_that_has_written_too_much_leaves_no_more(void **state)
{
    (void)state;
    kept.capsule_bytes = JOB_TRAIL_CAPSULE_BYTES_MAX - 1;
    assert_int_equal(fail_map(1, 1, ERR_JOB), 1);
    assert_int_equal(fail_map(1, 2, ERR_JOB), 0);
}

static void advice_is_given_where_there_is_a_capsule(void **state)
{
    struct job_trail_who there = map(17, 33), not_there = map(18, 34), driver = there;
    struct buf detail = {0};

    (void)state;
    driver.is_driver = true;
    assert_int_equal(fail_map(17, 33, ERR_JOB), 1);
    job_trail_advise(&kept, &not_there, ERR_JOB, "r1", &detail);
    job_trail_advise(&kept, &there, ERR_INPUT, "r1", &detail);
    job_trail_advise(&kept, &driver, ERR_JOB, "r1", &detail);
    assert_int_equal(detail.len, 0);
    job_trail_advise(&kept, &there, ERR_LIMIT, "r1", &detail);
    assert_string_equal(buf_string(&detail), "to look into it: mrlua replay r1/m17 --debug\n");
    buf_deinit(&detail);
}

static void tasks_of_steps_are_called_by_their_step(void **state)
{
    struct job_trail_who who = map(17, 33);
    char name[JOB_TRAIL_NAME_BYTES];
    char *text;

    (void)state;
    who.step = 2;
    job_trail_task(&who, name);
    assert_string_equal(name, "2.m17");
    assert_int_equal(job_trail_print(&kept, &who, "x", &err), 0);
    assert_int_equal(job_trail_flush(&kept, &err), 0);
    text = folder_read(&folder, "mrlua/runs/r1/log");
    assert_string_equal(text, "2.m17-33\tx\n");
    free(text);
}

static void what_cannot_be_kept_is_told_once(void **state)
{
    struct job_trail_who who = map(1, 1);

    (void)state;
    folder_write(&folder, "mrlua", "a file", 6);
    assert_int_equal(fail_map(1, 1, ERR_JOB), -1);
    assert_int_equal(fail_map(1, 2, ERR_JOB), 0);
    assert_int_equal(job_trail_print(&kept, &who, "x", &err), 0);
    assert_int_equal(job_trail_flush(&kept, &err), 0);
    assert_false(has(1, 1));
}

static void without_a_trail_nothing_is_kept(void **state)
{
    struct job_trail none = {0};
    struct job_trail_who who = map(1, 1);

    (void)state;
    assert_int_equal(job_trail_print(&none, &who, "x", &err), 0);
    assert_int_equal(job_trail_flush(&none, &err), 0);
    assert_false(job_trail_wants(&none, &who, ERR_JOB));
    assert_false(job_trail_has(&none, &who));
    job_trail_deinit(&none);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_are_written_with_their_attempt_when_flushed),
        TEST(many_lines_are_written_by_themselves),
        TEST(a_job_that_prints_without_end_is_cut),
        TEST(a_log_goes_on_where_it_was),
        TEST(a_failed_attempt_leaves_a_capsule_of_its_run),
        TEST(failures_of_nobodys_code_leave_none),
        TEST(of_more_than_there_is_room_for_a_second_one_of_a_task_goes_first),
        TEST(else_the_oldest_goes),
        TEST(a_job_that_has_written_too_much_leaves_no_more),
        TEST(advice_is_given_where_there_is_a_capsule),
        TEST(tasks_of_steps_are_called_by_their_step),
        TEST(what_cannot_be_kept_is_told_once),
        TEST(without_a_trail_nothing_is_kept),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
