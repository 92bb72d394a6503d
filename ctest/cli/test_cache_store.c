#include "cli/cache_store.h"

#include "record/fields.h"
#include "record/value.h"
#include "store/gcs_kit.h"

#include <time.h>

#define KEY   "0123456789abcdef0123456789abcdef0123456"
#define OTHER "0123456789abcdef0123456789abcdef01234567/x"

#define OBJECT(name, size, generation, updated)                                                    \
    "{\"name\":\"mrlua-tmp/cache/" name "\",\"size\":\"" size "\",\"generation\":\"" generation    \
    "\",\"updated\":\"" updated "\"}"

/* Two kept runs, and what is none. */
#define LISTING                                                                                    \
    GCS_BODY("200 OK",                                                                             \
             "{\"items\":[" OBJECT(KEY "0", "100", "1", "2020-01-01T00:00:00.000Z") "," OBJECT(    \
                 KEY "1", "50", "2",                                                               \
                 "2099-01-01T00:00:00.000Z") "," OBJECT(OTHER, "7", "3",                           \
                                                        "2020-01-01T00:00:00.000Z") "]}")

static struct gcs_kit kit;

static void call(int (*function)(void *context, struct vm_host *host, struct slice args,
                                 struct buf *result, struct err *err),
                 const char *place, int64_t older_seconds, struct buf *result)
{
    struct buf args = {0};
    struct err err;

    buf_clear(result);
    value_write_table_begin(&args);
    field_string(&args, "place", place);
    field_name(&args, "older_seconds");
    value_write_integer(&args, older_seconds);
    value_write_table_end(&args);
    assert_int_equal(function(NULL, NULL, buf_slice(&args), result, &err), 0);
    assert_int_equal(value_check(buf_slice(result), &err), 0);
    buf_deinit(&args);
}

static int64_t number(const struct buf *result, const char *field)
{
    return value_field_integer(buf_slice(result), field, -1);
}

static void begin(const struct gcs_answer *script, size_t count)
{
    gcs_kit_start(&kit, script, count);
    gcs_close(gcs_kit_open(&kit)); /* sets the environment */
}

static void end(uint32_t count)
{
    assert_kit_done(&kit, count);
    gcs_kit_stop(&kit);
}

static void kept_runs_are_told_in_numbers_and_nothing_else_is(void **state)
{
    static const struct gcs_answer script[] = {
        {"prefix=mrlua-tmp%2Fcache%2F", LISTING, 0, 0},
        {"prefix=deep%2Fcache%2F", GCS_BODY("200 OK", "{}"), 0, 0},
        {"prefix=cache%2F", GCS_BODY("200 OK", "{}"), 0, 0}};
    struct buf result = {0};

    (void)state;
    begin(script, 3);
    call(cache_store_look, "gs://bkt", -1, &result);
    assert_true(slice_equal(value_field_string(buf_slice(&result), "place", ""),
                            slice_of_string("gs://bkt/mrlua-tmp/cache/")));
    assert_int_equal(number(&result, "files"), 2);
    assert_int_equal(number(&result, "file_bytes"), 150);
    assert_int_equal(number(&result, "limit_seconds"), 7 * 86400);
    assert_true(value_field_number(buf_slice(&result), "oldest_seconds", -1) > 1e8);
    assert_true(value_field_number(buf_slice(&result), "newest_seconds", -1) == 0);
    call(cache_store_look, "gs://bkt/deep", -1, &result); /* as --shuffle names them */
    assert_int_equal(number(&result, "files"), 0);
    assert_true(value_field_number(buf_slice(&result), "oldest_seconds", -1) < 0);
    call(cache_store_look, "gs://bkt/", -1, &result);
    end(3);
    buf_deinit(&result);
}

static void all_goes_or_what_is_older_and_nothing_else_does(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /", LISTING, 0, 0},
        {KEY "0?ifGenerationMatch=1", GCS_EMPTY("204 No"), 0, 0},
        {"GET /", LISTING, 0, 0},
        {KEY "0?ifGenerationMatch=1", GCS_EMPTY("204 No"), 0, 0},
        {KEY "1?ifGenerationMatch=2", GCS_EMPTY("204 No"), 0, 0}};
    struct buf result = {0};

    (void)state;
    begin(script, 5);
    call(cache_store_clear, "gs://bkt", 3600, &result);
    assert_int_equal(number(&result, "files"), 1);
    assert_int_equal(number(&result, "file_bytes"), 100);
    call(cache_store_clear, "gs://bkt", -1, &result);
    assert_int_equal(number(&result, "files"), 2);
    end(5);
    buf_deinit(&result);
}

static void what_is_no_place_or_cannot_be_listed_is_an_error(void **state)
{
    static const struct gcs_answer script[] = {{"GET /", GCS_EMPTY("403 No"), 0, 0}};
    static const char *const places[] = {"", "out", "gs://", "gs://bkt"};
    struct buf result = {0};
    struct slice error;

    (void)state;
    begin(script, 1);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        call(cache_store_look, places[i], -1, &result);
        assert_true(value_field_table(buf_slice(&result), "error", &error));
        assert_int_equal(number(&result, "files"), -1);
    }
    end(1);
    buf_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_runs_are_told_in_numbers_and_nothing_else_is),
        cmocka_unit_test(all_goes_or_what_is_older_and_nothing_else_does),
        cmocka_unit_test(what_is_no_place_or_cannot_be_listed_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
