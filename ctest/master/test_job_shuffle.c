#include "master/job_shuffle.h"

#include "test.h"

static void check(const char *option, const char *output, const char *expected)
{
    struct buf prefix = {0};
    struct err err = {0};

    assert_int_equal(job_shuffle_prefix(option, output, "job-1", &prefix, &err), 0);
    if (strncmp(buf_string(&prefix), expected, strlen(expected)) != 0)
        fail_msg("%s", prefix.ptr);
    if (expected[0])
        assert_string_equal(prefix.ptr + strlen(expected) + 4, "/job-1/"); /* behind the hash */
    else
        assert_int_equal(prefix.len, 0);
    buf_deinit(&prefix);
}

static void local_is_nowhere_else(void **state)
{
    (void)state;
    check("local", "gs://bkt/out", "");
    check("", NULL, "");
}

static void gcs_is_the_bucket_of_the_output(void **state)
{
    (void)state;
    check("gcs", "gs://bkt/deep/out", "gs://bkt/mrlua-tmp/");
}

static void a_place_that_is_named_is_taken(void **state)
{
    (void)state;
    check("gs://other", "out", "gs://other/");
    check("gs://other/tmp//", NULL, "gs://other/tmp/");
}

static void jobs_begin_with_another_hash(void **state)
{
    struct buf one = {0}, two = {0};
    struct err err;

    (void)state;
    assert_int_equal(job_shuffle_prefix("gs://b12", NULL, "job-1", &one, &err), 0);
    assert_int_equal(job_shuffle_prefix("gs://b12", NULL, "job-2", &two, &err), 0);
    assert_int_not_equal(memcmp(one.ptr + 9, two.ptr + 9, 4), 0);
    buf_deinit(&one);
    buf_deinit(&two);
}

static void what_cannot_be_is_refused(void **state)
{
    static const char *const options[][2] = {
        {"gcs", "out"}, {"gcs", NULL}, {"disk", "gs://bkt/out"}, {"gs://", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct buf prefix = {0};
        struct err err = {0};

        assert_int_equal(job_shuffle_prefix(options[i][0], options[i][1], "j", &prefix, &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, "--shuffle"));
        buf_deinit(&prefix);
    }
}

static void check_cache(const char *option, const char *output, const char *expected)
{
    struct buf prefix = {0};
    struct err err = {0};

    assert_int_equal(job_shuffle_cache(option, output, &prefix, &err), 0);
    assert_string_equal(buf_string(&prefix), expected);
    buf_deinit(&prefix);
}

/* Not below what a job removes at its end. */
static void what_is_kept_lies_beside_the_jobs(void **state)
{
    (void)state;
    check_cache("gcs", "gs://bkt/deep/out", "gs://bkt/mrlua-tmp/cache/");
    check_cache("gs://other/tmp//", NULL, "gs://other/tmp/cache/");
    check_cache("gs://other", "out", "gs://other/cache/");
}

static void nothing_is_kept_where_runs_stay_on_workers(void **state)
{
    struct buf prefix = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(job_shuffle_cache("local", "gs://bkt/out", &prefix, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "--reuse needs --shuffle gcs"));
    assert_int_equal(job_shuffle_cache("gcs", "out", &prefix, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(prefix.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_is_nowhere_else),
        cmocka_unit_test(gcs_is_the_bucket_of_the_output),
        cmocka_unit_test(a_place_that_is_named_is_taken),
        cmocka_unit_test(jobs_begin_with_another_hash),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(what_is_kept_lies_beside_the_jobs),
        cmocka_unit_test(nothing_is_kept_where_runs_stay_on_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
