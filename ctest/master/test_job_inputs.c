#include "master/job_inputs.h"

#include "base/buf.h"
#include "folder_of_test.h"
#include "test.h"

#include <stdint.h>

static struct err err;

/* Would the folder `out` be refused with this input? */
static bool is_refused(const char *out, const char *input)
{
    char *inputs[] = {(char *)(uintptr_t) "-", (char *)(uintptr_t)folder_path(&folder, input)};

    return job_inputs_check(folder_path(&folder, out), "", inputs, 2, &err) != 0;
}

static void an_old_output_is_not_both_read_and_replaced(void **state)
{
    (void)state;
    folder_mkdir(&folder, "in");
    folder_mkdir(&folder, "in/out");
    folder_mkdir(&folder, "in-too");
    folder_write(&folder, "in/file", "x", 1);
    assert_true(is_refused("in/out", "in"));
    assert_int_equal(err.kind, ERR_SETUP);
    assert_true(is_refused("in/out", "in/../in/"));
    assert_true(is_refused("in", "in"));
    assert_false(is_refused("in-too", "in"));
    assert_true(is_refused("in", "in/file"));
    assert_true(is_refused("in", "in/*"));
    assert_true(is_refused("in", "in/o?t"));
    assert_false(is_refused("in/out", "in/*.txt"));
    assert_true(is_refused("in/out", "in/**"));
    assert_true(is_refused("in/out", "in/**/"));
    assert_false(is_refused("in/out", "in/**/*.txt"));
    assert_false(is_refused("in-too", "in/**"));
    assert_false(is_refused("in/out", "in/x**"));
    assert_false(is_refused("in-too", "in/*"));
    assert_false(is_refused("in/new", "in")); /* nothing old is there */
    assert_false(is_refused("in/out", "nowhere"));
}

/* A folder whose name looks like a pattern is a folder. */
static void relative_inputs_are_in_the_folder_they_were_named_in(void **state)
{
    static const struct {
        const char *input;
        bool is_refused;
    } CASES[] = {{"file", true}, {"*", true},      {".", true},
                 {"../", true},  {"../in", false}, {"../in/f*", false}};
    struct buf from = {0};

    (void)state;
    folder_mkdir(&folder, "in");
    folder_mkdir(&folder, "o[1]");
    folder_write(&folder, "o[1]/file", "x", 1);
    buf_append_string(&from, folder_path(&folder, "o[1]"));
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *input = (char *)(uintptr_t)CASES[i].input;
        int rc = job_inputs_check(buf_string(&from), buf_string(&from), &input, 1, &err);

        assert_int_equal(rc, CASES[i].is_refused ? -1 : 0);
    }
    buf_deinit(&from);
}

static void names_in_buckets_are_compared_as_they_are(void **state)
{
    static const struct {
        const char *output, *input;
        bool is_refused;
    } CASES[] = {
        {"gs://bkt/out", "gs://bkt/out", true},      {"gs://bkt/out", "gs://bkt/out/", true},
        {"gs://bkt/out/", "gs://bkt/out/a", true},   {"gs://bkt/out", "gs://bkt/out/*", true},
        {"gs://bkt/in/out", "gs://bkt/in", true},    {"gs://bkt/in/out", "gs://bkt/in/", true},
        {"gs://bkt/in/out", "gs://bkt/in/*", true},  {"gs://bkt/out", "gs://bkt", true},
        {"gs://bkt/out", "gs://bkt/out-too", false}, {"gs://bkt/out-too", "gs://bkt/out", false},
        {"gs://bkt/out", "gs://other/out", false},   {"gs://bkt/out", "gs://bkt/in/*", false},
        {"gs://bkt/in/out", "gs://bkt/in/o", false}, {"gs://bkt/out", "/gs://bkt/out", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *input = (char *)(uintptr_t)CASES[i].input;

        if ((job_inputs_check(CASES[i].output, "", &input, 1, &err) != 0) != CASES[i].is_refused)
            fail_msg("%s, %s", CASES[i].output, input);
        if (CASES[i].is_refused)
            assert_int_equal(err.kind, ERR_SETUP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_old_output_is_not_both_read_and_replaced, folder_set_up,
                                        folder_tear_down),
        cmocka_unit_test_setup_teardown(relative_inputs_are_in_the_folder_they_were_named_in,
                                        folder_set_up, folder_tear_down),
        cmocka_unit_test(names_in_buckets_are_compared_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
