#include "attempt/fetch_store.h"

#include "attempt/store_kit.h"

static void begin_three(void)
{
    store_kit_begin();
    store_kit_map(0, "zero\none\n");
    store_kit_map(1, "zero\n");
    store_kit_map(2, "one\none\n");
}

static void check_reduce(void)
{
    Mrlua__Done *done = store_kit_reduce(1);

    if (!done)
        kit_must(&kit, done);
    assert_int_equal(done->digest->records, 3);
    assert_int_equal(done->records, 1);
    kit_expect(&kit, "one\t3\n");
    message_free(done);
}

/* Two ranges of a run, and of one whose index is known, or has nothing for us, one. */
static void test_index_is_read_once(void **state)
{
    (void)state;
    begin_three();
    gcs_server_reads(&group_server);
    check_reduce();
    assert_int_equal(gcs_server_reads(&group_server), 3 + 2);
    check_reduce(); /* another attempt, here */
    assert_int_equal(gcs_server_reads(&group_server), 2);
}

static void set_fault(const char *action)
{
    char rule[256];

    snprintf(rule, sizeof rule,
             "{\"match\":{\"operation\":\"objects.get.media\"},\"actions\":[%s]}", action);
    gcs_server_fault(&group_server, rule);
}

static void drop_faults(void)
{
    char answer[4096];

    gcs_server_control(&group_server, "DELETE", "faults", "", answer, sizeof answer);
}

/* A byte that flips on its way, in an index or a segment: it is read again. */
static void test_what_is_damaged_once_is_read_again(void **state)
{
    static const char *const actions[] = {
        "{\"corrupt\":40}", "{},{\"corrupt\":40}", "{},{},{},{\"corrupt\":40}",
        "{},{},{},{},{\"corrupt\":40}", "{\"status\":503},{\"break_after\":3},{\"status\":408}"};

    (void)state;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        begin_three();
        set_fault(actions[i]);
        check_reduce();
        drop_faults();
    }
}

static void expect_lost(uint32_t map)
{
    assert_null(store_kit_reduce(1));
    assert_int_equal(kit.err.kind, ERR_PEER);
    assert_int_equal(kit.failure.peer_map, map);
    assert_true(kit.failure.peer_attempt == kit.maps[map].attempt);
}

static void test_run_that_is_not_there_is_its_maps_loss(void **state)
{
    struct gcs *gcs = gcs_open();
    struct buf name = {0};
    struct err err;

    (void)state;
    begin_three();
    keep_run_name(STORE_KIT_PREFIX, 2, kit.maps[2].attempt, &name);
    assert_int_equal(gcs_delete(gcs, "bkt", buf_string(&name), 0, &err), 1);
    expect_lost(2);
    store_kit_map(2, "one\none\n"); /* again, by another attempt */
    check_reduce();
    buf_deinit(&name);
    gcs_close(gcs);
}

/* At rest: it comes damaged however often it is read. */
static void test_run_that_is_damaged_is_its_maps_loss(void **state)
{
    (void)state;
    store_kit_begin();
    store_kit_map(0, "one\n");
    gcs_server_fault(&group_server, "{\"match\":{\"operation\":\"objects.get.media\"},\"action\":{"
                                    "\"corrupt\":20}}");
    expect_lost(0);
    drop_faults();
}

static void test_run_of_another_attempt_is_refused(void **state)
{
    struct gcs *gcs = gcs_open();
    struct buf name = {0}, bytes = {0};
    struct gcs_put put = {0};
    struct err err;

    (void)state;
    begin_three();
    keep_run_name(STORE_KIT_PREFIX, 1, kit.maps[1].attempt, &name);
    assert_int_equal(gcs_get_text(gcs, "bkt", buf_string(&name), 0, 1 << 20, &bytes, NULL, &err),
                     1);
    keep_run_name(STORE_KIT_PREFIX, 2, kit.maps[2].attempt, &name);
    assert_int_equal(
        gcs_put_text(gcs, "bkt", buf_string(&name), buf_slice(&bytes), &put, NULL, &err), 1);
    run_bytes[2] = bytes.len;
    expect_lost(2);
    buf_deinit(&name);
    buf_deinit(&bytes);
    gcs_close(gcs);
}

/* What a master tells of some runs and not of others is a mistake, not a lost map. */
static void test_runs_that_are_told_of_in_part_are_refused(void **state)
{
    Mrlua__Reuse reuse = MRLUA__REUSE__INIT;

    (void)state;
    begin_three();
    reuse.store = (char *)(uintptr_t) "gs://bkt/cache/";
    kit.start.reuse = &reuse;
    check_reduce(); /* none of them is a kept one */
    kit.start.reuse = NULL;
    kit.start.run_keys = (ProtobufCBinaryData){3 * REUSE_KEY_BYTES, run_keys};
    assert_null(store_kit_reduce(1));
    assert_int_equal(kit.err.kind, ERR_SETUP);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_index_is_read_once),
        KIT_TEST(test_what_is_damaged_once_is_read_again),
        KIT_TEST(test_run_that_is_not_there_is_its_maps_loss),
        KIT_TEST(test_run_that_is_damaged_is_its_maps_loss),
        KIT_TEST(test_run_of_another_attempt_is_refused),
        KIT_TEST(test_runs_that_are_told_of_in_part_are_refused),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
