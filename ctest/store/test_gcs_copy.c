#include "store/gcs_copy.h"

#include "store/gcs_kit.h"

#define STEP(bytes)                                                                                \
    "{\"done\":false,\"rewriteToken\":\"t/1\",\"totalBytesRewritten\":\"" bytes "\"}"
#define LAST                                                                                       \
    "{\"done\":true,\"totalBytesRewritten\":\"9\",\"resource\":{\"name\":\"to\",\"size\":\"9\","   \
    "\"generation\":\"3\"}}"

static void keep(void *context, uint64_t bytes)
{
    *(uint64_t *)context = bytes;
}

static int copy(const struct gcs_answer *script, size_t count, uint64_t *told, struct err *err)
{
    struct gcs_copy_from from = {.bucket = "bkt", .object = "a/b", .generation = 7};
    struct gcs_put put = {.condition = GCS_IF_ABSENT};
    struct gcs_object object;
    struct gcs_kit kit;
    struct gcs *gcs;
    int rc;

    gcs_kit_start(&kit, script, count);
    gcs = gcs_kit_open(&kit);
    rc = gcs_copy(gcs, &from, "dst", "to", &put, keep, told, &object, err);
    if (rc == 1) {
        assert_int_equal(object.generation, 3);
        gcs_object_deinit(&object);
    }
    assert_kit_done(&kit, (uint32_t)count);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
    return rc;
}

static void it_goes_on_with_each_token_until_it_is_done(void **state)
{
    static const struct gcs_answer script[] = {
        {"POST /storage/v1/b/bkt/o/a%2Fb/rewriteTo/b/dst/o/to?ifGenerationMatch=0&"
         "sourceGeneration=7 ",
         GCS_BODY("200 OK", STEP("4")), 0, 0},
        {"rewriteToken=t%2F1", GCS_EMPTY("503 Busy"), 0, 0},
        {"rewriteToken=t%2F1", GCS_BODY("200 OK", LAST), 0, 0},
    };
    uint64_t told = 0;
    struct err err;

    (void)state;
    assert_int_equal(copy(script, 3, &told, &err), 1);
    assert_int_equal(told, 9);
}

static void an_object_that_is_there_is_left_alone(void **state)
{
    static const struct gcs_answer script[] = {{"POST", GCS_EMPTY("412 No"), 0, 0}};
    static const struct gcs_answer lost[] = {{"POST", "", 0, GCS_CLOSE},
                                             {"POST", GCS_EMPTY("412 No"), 0, 0}};
    uint64_t told = 0;
    struct err err;

    (void)state;
    assert_int_equal(copy(script, 1, &told, &err), 0);
    assert_int_equal(copy(lost, 2, &told, &err), -1); /* it may be ours, nobody can tell */
    assert_non_null(strstr(err.message, "an answer was lost, and gs://dst/to is there now"));
}

static void a_source_that_is_not_there_is_told(void **state)
{
    static const struct gcs_answer script[] = {{"POST", GCS_EMPTY("404 No"), 0, 0}};
    uint64_t told = 0;
    struct err err;

    (void)state;
    assert_int_equal(copy(script, 1, &told, &err), -1);
    assert_string_equal(err.message, "copy gs://bkt/a/b: no such object or bucket");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on_with_each_token_until_it_is_done),
        cmocka_unit_test(an_object_that_is_there_is_left_alone),
        cmocka_unit_test(a_source_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
