#include "store/gcs_find.h"

#include "store/gcs_kit.h"

#define ITEM(name, size)                                                                           \
    "{\"name\":\"" name "\",\"size\":\"" size "\",\"generation\":\"1\",\"crc32c\":\"AAAAAA==\"}"
#define LISTING                                                                                    \
    GCS_BODY(                                                                                      \
        "200 OK",                                                                                  \
        "{\"items\":[" ITEM("a/.h", "1") "," ITEM("a/", "0") "," ITEM("a/_x/y", "1") "," ITEM(     \
            "a/b", "1") "," ITEM("a/c/", "0") "," ITEM("a/c/d", "0") "]}")
#define NONE GCS_EMPTY("404 Not Found")

static int note(void *context, const struct gcs_object *object, struct err *err)
{
    (void)err;
    buf_printf(context, "%s ", object->name);
    return 0;
}

static void check_find(const char *argument, enum gcs_find_kind kind,
                       const struct gcs_answer *script, size_t count, int rc, const char *names)
{
    struct buf found = {0};
    struct gcs_kit kit;
    struct gcs *gcs;
    struct uri uri;
    struct err err;

    gcs_kit_start(&kit, script, count);
    gcs = gcs_kit_open(&kit);
    assert_int_equal(uri_parse(argument, &uri, &err), 0);
    assert_int_equal(gcs_find(gcs, &uri, kind, note, &found, &err), rc);
    assert_string_equal(buf_string(&found), names);
    assert_kit_done(&kit, (uint32_t)count);
    buf_deinit(&found);
    uri_deinit(&uri);
    gcs_close(gcs);
    gcs_kit_stop(&kit);
}

static void an_object_of_that_name_is_all_that_is_meant(void **state)
{
    static const struct gcs_answer script[] = {
        {"GET /storage/v1/b/bkt/o/a%2A?", GCS_BODY("200 OK", ITEM("a*", "1")), 0, 0}};

    (void)state;
    check_find("gs://bkt/a*", GCS_FIND_INPUTS, script, 1, 1, "a* ");
}

static void a_folder_stands_for_what_is_below_it_without_hidden_names(void **state)
{
    static const struct gcs_answer plain[] = {{"o/a?", NONE, 0, 0},
                                              {"prefix=a%2F ", LISTING, 0, 0}};
    static const struct gcs_answer slash[] = {{"prefix=a%2F ", LISTING, 0, 0}};
    static const struct gcs_answer all[] = {{"o/a?", NONE, 0, 0}, {"prefix=a%2F ", LISTING, 0, 0}};

    (void)state;
    check_find("gs://bkt/a", GCS_FIND_INPUTS, plain, 2, 1, "a/b a/c/d ");
    check_find("gs://bkt/a/", GCS_FIND_INPUTS, slash, 1, 1, "a/b a/c/d ");
    check_find("gs://bkt/a", GCS_FIND_ALL, all, 2, 1, "a/.h a/ a/_x/y a/b a/c/ a/c/d ");
}

static void a_pattern_is_listed_from_its_fixed_part(void **state)
{
    static const struct gcs_answer script[] = {{"o/a%2F%3F?", NONE, 0, 0},
                                               {"prefix=a%2F ", LISTING, 0, 0}};

    (void)state;
    check_find("gs://bkt/a/?", GCS_FIND_INPUTS, script, 2, 1, "a/b a/c/d ");
}

static void two_stars_reach_every_folder_and_all_names_if_asked(void **state)
{
    static const struct gcs_answer inputs[] = {{"o/a%2F%2A%2A?", NONE, 0, 0},
                                               {"prefix=a%2F ", LISTING, 0, 0}};
    static const struct gcs_answer all[] = {{"o/a%2F%2A%2A?", NONE, 0, 0},
                                            {"prefix=a%2F ", LISTING, 0, 0}};
    static const struct gcs_answer named[] = {{"o/%2A%2A%2F%5Bbd%5D?", NONE, 0, 0},
                                              {"/o?", LISTING, 0, 0}};

    (void)state;
    check_find("gs://bkt/a/**", GCS_FIND_INPUTS, inputs, 2, 1, "a/b a/c/d ");
    check_find("gs://bkt/a/**", GCS_FIND_ALL, all, 2, 1, "a/.h a/ a/_x/y a/b a/c/ a/c/d ");
    check_find("gs://bkt/**/[bd]", GCS_FIND_INPUTS, named, 2, 1, "a/b a/c/d ");
}

static void nothing_found_is_told(void **state)
{
    static const struct gcs_answer script[] = {{"o/a?", NONE, 0, 0},
                                               {"prefix=a%2F ", GCS_BODY("200 OK", "{}"), 0, 0}};

    (void)state;
    check_find("gs://bkt/a", GCS_FIND_INPUTS, script, 2, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_stars_reach_every_folder_and_all_names_if_asked),
        cmocka_unit_test(an_object_of_that_name_is_all_that_is_meant),
        cmocka_unit_test(a_folder_stands_for_what_is_below_it_without_hidden_names),
        cmocka_unit_test(a_pattern_is_listed_from_its_fixed_part),
        cmocka_unit_test(nothing_found_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
