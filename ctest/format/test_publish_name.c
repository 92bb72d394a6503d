#include "format/publish_name.h"

#include "test.h"

#include "base/buf.h"

static void names_of_parts(void **state)
{
    struct publish_part part = {.number = 7, .attempt = 12};
    struct publish_part further = {
        .output = "errors", .suffix = ".gz", .number = 123456, .attempt = 3};
    struct buf name = {0};

    (void)state;
    publish_part_name(&name, &part);
    assert_string_equal(buf_string(&name), "part-00007");
    buf_clear(&name);
    publish_part_name(&name, &further);
    assert_string_equal(buf_string(&name), "errors-123456.gz");
    buf_clear(&name);
    publish_attempt_name(&name, &further);
    assert_string_equal(buf_string(&name), "errors-123456.3");
    buf_deinit(&name);
}

static void names_of_parts_are_known_from_others(void **state)
{
    (void)state;
    assert_true(publish_is_job_name("_SUCCESS"));
    assert_true(publish_is_job_name("_bad.jsonl"));
    assert_true(publish_is_job_name(".mrlua-job-1/part-00000.7"));
    assert_true(publish_is_job_name("part-00000"));
    assert_true(publish_is_job_name("part-123456.zst"));
    assert_true(publish_is_job_name("errors-00003.gz"));
    assert_true(publish_is_job_name("")); /* what stands for a folder in a bucket */
    assert_false(publish_is_job_name("errors-202401.gz"));
    assert_false(publish_is_job_name("errors-00003.csv"));
    assert_false(publish_is_job_name("deep/part-00000"));
    assert_false(publish_is_job_name("-00000"));
}

static void an_output_is_named_so_that_its_parts_can_be_told(void **state)
{
    static const char *const good[] = {"e", "errors", "Rejected_2", "partial",
                                       "abcdefghijklmnopqrstuvwxyz_12345"};
    static const char *const bad[] = {"",
                                      "part",
                                      "_x",
                                      "2x",
                                      "a-b",
                                      "a.b",
                                      "a/b",
                                      "..",
                                      "a b",
                                      "a\n",
                                      "abcdefghijklmnopqrstuvwxyz_123456"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(publish_is_output_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(publish_is_output_name(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_parts),
        cmocka_unit_test(names_of_parts_are_known_from_others),
        cmocka_unit_test(an_output_is_named_so_that_its_parts_can_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
