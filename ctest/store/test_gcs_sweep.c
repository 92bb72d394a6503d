#include "store/gcs_sweep.h"

#include "store/gcs_server.h"

static void put(struct gcs *gcs, const char *name, const char *owner)
{
    struct gcs_metadata metadata = {"owner", owner};
    struct gcs_put how = {.metadata = &metadata, .metadata_count = 1};
    struct err err;

    if (gcs_put_text(gcs, "bkt", name, slice_of_string(name), &how, NULL, &err) != 1)
        fail_msg("%s", err.message);
}

static bool is_mine(void *context, const struct gcs_object *object)
{
    return strcmp(gcs_object_metadata(object, "owner"), context) == 0;
}

static void only_what_is_below_and_wanted_goes(void **state)
{
    struct gcs *gcs = gcs_open();
    char me[] = "me";
    struct err err;

    (void)state;
    put(gcs, "a/1", "me");
    put(gcs, "a/2", "you");
    put(gcs, "a/b/3", "me");
    put(gcs, "ab", "me");
    assert_int_equal(gcs_sweep(gcs, "bkt", "a/", is_mine, me, &err), 0);
    assert_names(gcs, "a/2 ab ");
    assert_int_equal(gcs_sweep_uri("gs://bkt/a/", &err), 0);
    assert_names(gcs, "ab ");
    assert_int_equal(gcs_sweep_uri("gs://bkt/", &err), 0);
    assert_names(gcs, "");
    assert_int_equal(gcs_sweep_uri("gs://bkt/", &err), 0); /* nothing is there */
    gcs_close(gcs);
}

static void hundreds_go_by_many_processes(void **state)
{
    struct gcs *gcs = gcs_open();
    char name[32];
    struct err err;

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        put(gcs, name, "me");
    }
    assert_int_equal(gcs_sweep_uri("gs://bkt/many/", &err), 0);
    assert_names(gcs, "");
    gcs_close(gcs);
}

static void what_is_no_name_is_refused(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(gcs_sweep_uri("bkt/a/", &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_below_and_wanted_goes),
        cmocka_unit_test(hundreds_go_by_many_processes),
        cmocka_unit_test(what_is_no_name_is_refused),
    };

    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
