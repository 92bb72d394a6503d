#include "cli/run_cache.h"

#include "home_of_test.h"
#include "store/cache.h"

static void use(uint64_t bytes_max)
{
    struct run_cache cache;
    struct err err;

    folder_write(&folder, "run", "a run", 5);
    assert_int_equal(run_cache_init(&cache, bytes_max, &err), 0);
    assert_int_equal(cache_keep(cache.folder, "aabbccddee", folder_path(&folder, "run"),
                                slice_of_string("note"), &err),
                     0);
    run_cache_deinit(&cache);
    assert_null(cache.folder);
}

static void a_job_leaves_the_cache_within_its_limit(void **state)
{
    (void)state;
    use(1 << 20);
    assert_true(folder_has(&folder, "mrlua/files/aa/aabbccddee/file"));
    use(1);
    assert_false(folder_has(&folder, "mrlua/files/aa/aabbccddee"));
}

static void a_cache_that_cannot_be_is_a_setup_error(void **state)
{
    struct run_cache cache;
    struct err err;

    (void)state;
    folder_write(&folder, "mrlua", "in the way", 10);
    assert_int_equal(run_cache_init(&cache, 1, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_null(cache.folder);
    run_cache_deinit(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_leaves_the_cache_within_its_limit, home_set_up,
                                        home_tear_down),
        cmocka_unit_test_setup_teardown(a_cache_that_cannot_be_is_a_setup_error, home_set_up,
                                        home_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
