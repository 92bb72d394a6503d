#include "attempt/reuse_store.h"

#include "attempt/reuse_done.h"
#include "attempt/store_kit.h"

#include <time.h>

#define STORE "gs://bkt/cache/"

static Mrlua__Reuse request;

/* A job whose maps are kept in the store. */
static void begin(void)
{
    store_kit_begin();
    mrlua__reuse__init(&request);
    request.store = (char *)(uintptr_t)STORE;
    kit.start.reuse = &request;
}

/* Runs map `map` of this object, as a plan tells it. */
static Mrlua__Done *map_object(uint32_t map, const char *name, uint64_t size, uint64_t generation)
{
    Mrlua__Piece piece = MRLUA__PIECE__INIT, *list[] = {&piece};
    char uri[64];

    snprintf(uri, sizeof uri, "gs://bkt/%s", name);
    piece.path = piece.name = uri;
    piece.size = piece.length = size;
    piece.generation = generation;
    return kit_map_pieces(&kit, map, list, 1);
}

static Mrlua__Done *map_text(uint32_t map, const char *text)
{
    struct gcs *gcs = gcs_open();
    struct gcs_put put = {0};
    struct gcs_object object;
    char name[32];
    struct err err;
    Mrlua__Done *done;

    snprintf(name, sizeof name, "in/%zu-%s", strlen(text), text[0] == 'o' ? "one" : "zero");
    if (gcs_stat(gcs, "bkt", name, 0, &object, &err) == 0)
        assert_int_equal(gcs_put_text(gcs, "bkt", name, slice_of_string(text), &put, &object, &err),
                         1);
    done = map_object(map, name, strlen(text), object.generation);
    if (!done)
        kit_must(&kit, done);
    gcs_object_deinit(&object);
    gcs_close(gcs);
    return done;
}

/* True: the map of the text was not run. What reduces are told of it is noted. */
static bool is_reused(uint32_t map, const char *text)
{
    Mrlua__Done *done = map_text(map, text);
    bool was_reused = kit_counter(done, REUSE_COUNTER) == 1;

    assert_non_null(done->run);
    assert_int_equal(kit.started_pid == 0, was_reused);
    assert_int_equal(access(kit.map_paths[map], F_OK), -1);
    store_kit_note(map, done);
    message_free(done);
    return was_reused;
}

/* The number of objects below the prefix, and the name of the last. */
static size_t count_below(const char *prefix, char name[128])
{
    struct gcs_listing listing = {.bucket = "bkt", .prefix = prefix};
    struct gcs_server_names names = {0};
    struct gcs *gcs = gcs_open();
    const char *last = names.text;
    struct err err;

    assert_int_equal(gcs_list(gcs, &listing, gcs_server_note, &names, &err), 0);
    gcs_close(gcs);
    for (size_t i = 1; i < names.count; i++)
        last = strchr(last, ' ') + 1;
    snprintf(name, 128, "%.*s", (int)strcspn(last, " "), last);
    return names.count;
}

static void expect_sums(const char *first, const char *second)
{
    kit_must(&kit, store_kit_reduce(0));
    kit_expect(&kit, first);
    kit_must(&kit, store_kit_reduce(1));
    kit_expect(&kit, second);
}

static void a_map_of_the_same_is_not_run_again_and_reduces_read_what_is_kept(void **state)
{
    char name[128];

    (void)state;
    begin();
    assert_false(is_reused(0, "one\nzero\n"));
    assert_int_equal(count_below("cache/", name), 1);
    assert_int_equal(count_below(STORE_KIT_PREFIX, name), 0);
    expect_sums("zero\t1\n", "one\t1\n");
    kit.start.job = 2; /* a later job, of which it is another map */
    assert_true(is_reused(0, "one\nzero\n"));
    assert_true(is_reused(1, "one\nzero\n"));
    assert_false(is_reused(2, "zero\n"));
    expect_sums("zero\t3\n", "one\t2\n");
    assert_int_equal(count_below("cache/", name), 2);
}

/* A map whose run was no good takes none, and keeps its own in its place. */
static void a_map_that_is_run_again_replaces_what_is_there(void **state)
{
    Mrlua__Done *first, *again;

    (void)state;
    begin();
    first = map_text(0, "one\n");
    request.lost = first->run_generation;
    again = map_text(0, "one\n");
    assert_int_equal(kit_counter(again, REUSE_COUNTER), 0);
    assert_true(first->run_generation != 0);
    assert_true(again->run_generation != 0);
    assert_true(again->run_generation != first->run_generation);
    store_kit_note(0, first); /* what a reduce was told of the first is no more */
    assert_null(store_kit_reduce(1));
    assert_int_equal(kit.err.kind, ERR_PEER);
    assert_int_equal(kit.failure.peer_map, 0);
    store_kit_note(0, again);
    expect_sums("", "one\t1\n");
    message_free(first);
    message_free(again);
}

/* Of two jobs that lost the same run one makes it, and the other does not take that away. */
static void what_another_job_has_put_in_the_place_of_a_lost_run_is_taken(void **state)
{
    Mrlua__Done *first, *one, *other;

    (void)state;
    begin();
    first = map_text(0, "one\n");
    request.lost = first->run_generation;
    one = map_text(0, "one\n");
    kit.start.job = 2;
    other = map_text(0, "one\n");
    assert_int_equal(kit_counter(other, REUSE_COUNTER), 1);
    assert_int_equal(other->run_generation, one->run_generation);
    store_kit_note(0, one); /* it is still there for those who were told of it */
    expect_sums("", "one\t1\n");
    message_free(first);
    message_free(one);
    message_free(other);
}

/* Another has put one there since: the run is the job's own, and good. */
static void who_comes_second_keeps_its_run_for_its_job(void **state)
{
    char name[128];

    (void)state;
    begin();
    assert_false(is_reused(0, "one\n"));
    gcs_server_fault(&group_server, "{\"match\":{\"operation\":\"objects.get\",\"object\":\"^cache/"
                                    "\"},\"actions\":[{\"status\":404}]}");
    assert_false(is_reused(1, "one\n")); /* it was not there yet when it was looked for */
    assert_int_equal(count_below("cache/", name), 1);
    assert_int_equal(count_below(STORE_KIT_PREFIX, name), 1);
    expect_sums("", "one\t2\n");
}

/* Not in the cache: a map is no worse off than without one. */
static void where_nothing_can_be_kept_the_run_is_the_jobs_own(void **state)
{
    char answer[4096], name[128];

    (void)state;
    begin();
    gcs_server_fault(&group_server, "{\"match\":{\"operation\":\"objects.insert\",\"object\":"
                                    "\"^cache/\"},\"action\":{\"status\":403}}");
    assert_false(is_reused(0, "one\n"));
    assert_non_null(strstr(buf_string(&kit.log), "mrlua: cache: "));
    gcs_server_control(&group_server, "DELETE", "faults", "", answer, sizeof answer);
    assert_int_equal(count_below("cache/", name), 0);
    assert_int_equal(count_below(STORE_KIT_PREFIX, name), 1);
    expect_sums("", "one\t1\n");
}

static void put(const char *name, const struct buf *bytes, const char *said)
{
    struct gcs_metadata metadata = {"mrlua-run-bytes", said};
    struct gcs_put options = {.metadata = &metadata, .metadata_count = said ? 1 : 0};
    struct gcs *gcs = gcs_open();
    struct err err;

    assert_int_equal(gcs_put_text(gcs, "bkt", name, buf_slice(bytes), &options, NULL, &err), 1);
    gcs_close(gcs);
}

static void get(const char *name, struct buf *bytes)
{
    struct gcs *gcs = gcs_open();
    struct err err;

    assert_int_equal(gcs_get_text(gcs, "bkt", name, 0, 1 << 20, bytes, NULL, &err), 1);
    gcs_close(gcs);
}

/* What is no kept run of this map, whatever it is, is told, and replaced. */
static void what_is_no_kept_run_is_replaced(void **state)
{
    static const char *const numbers[] = {NULL, "", "x", "0", "-1", "5", "99999999999999999999"};
    struct buf good = {0}, bad = {0};
    char name[128];

    (void)state;
    begin();
    assert_false(is_reused(0, "one\n"));
    count_below("cache/", name);
    get(name, &good);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        put(name, &good, numbers[i]);
        assert_false(is_reused(0, "one\n"));
        assert_non_null(strstr(buf_string(&kit.log), "is damaged"));
        assert_true(is_reused(0, "one\n"));
    }
    for (size_t at = 1; at < good.len; at *= 2) {
        char number[32];

        buf_clear(&bad);
        buf_append(&bad, good.ptr, at);
        snprintf(number, sizeof number, "%zu", at / 2);
        put(name, &bad, number);
        assert_false(is_reused(0, "one\n"));
    }
    expect_sums("", "one\t1\n");
    buf_deinit(&good);
    buf_deinit(&bad);
}

/* Whole and good, under a wrong name. */
static void the_run_of_another_map_is_not_taken(void **state)
{
    char name[128], number[32];
    struct gcs *gcs = gcs_open();
    struct gcs_object object;
    struct buf other = {0};
    struct err err;

    (void)state;
    begin();
    assert_false(is_reused(0, "one\n"));
    count_below("cache/", name);
    assert_int_equal(gcs_stat(gcs, "bkt", name, 0, &object, &err), 1);
    snprintf(number, sizeof number, "%s", gcs_object_metadata(&object, "mrlua-run-bytes"));
    get(name, &other);
    assert_int_equal(gcs_delete(gcs, "bkt", name, object.generation, &err), 1);
    assert_false(is_reused(0, "zero\n"));
    count_below("cache/", name);
    put(name, &other, number);
    assert_false(is_reused(0, "zero\n"));
    expect_sums("zero\t1\n", "");
    gcs_object_deinit(&object);
    gcs_close(gcs);
    buf_deinit(&other);
}

static void moments_are_compared_to_the_second(void **state)
{
    const int64_t since_s = 1796000000; /* 2026-11-30T00:53:20Z */

    (void)state;
    assert_false(reuse_store_is_before("2026-11-30T00:53:20.000Z", since_s));
    assert_false(reuse_store_is_before("2026-11-30T00:53:20Z", since_s));
    assert_false(reuse_store_is_before("2026-12-01T00:00:00.000Z", since_s));
    assert_true(reuse_store_is_before("2026-11-30T00:53:19.999Z", since_s));
    assert_true(reuse_store_is_before("2025-12-31T23:59:59.000Z", since_s));
    assert_true(reuse_store_is_before("", since_s)); /* it does not say */
}

/* What the store says of the object next: it was written `age_s` ago. */
static void say_age(const char *name, int64_t age_s)
{
    time_t then = time(NULL) - age_s;
    char rule[1024], moment[32], run[32];
    struct gcs *gcs = gcs_open();
    struct gcs_object object;
    struct err err;
    struct tm utc;

    assert_int_equal(gcs_stat(gcs, "bkt", name, 0, &object, &err), 1);
    strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&then, &utc));
    snprintf(run, sizeof run, "%s", gcs_object_metadata(&object, "mrlua-run-bytes"));
    snprintf(rule, sizeof rule,
             "{\"match\":{\"operation\":\"objects.get\",\"object\":\"^cache/\"},\"actions\":[{"
             "\"status\":200,\"body\":\"{\\\"name\\\":\\\"%s\\\",\\\"size\\\":\\\"%llu\\\","
             "\\\"generation\\\":\\\"%llu\\\",\\\"updated\\\":\\\"%s\\\",\\\"metadata\\\":{"
             "\\\"mrlua-run-bytes\\\":\\\"%s\\\"}}\"}]}",
             name, (unsigned long long)object.size, (unsigned long long)object.generation, moment,
             run);
    gcs_server_fault(&group_server, rule);
    gcs_object_deinit(&object);
    gcs_close(gcs);
}

static void one_that_is_older_than_a_week_is_made_anew(void **state)
{
    char name[128];

    (void)state;
    begin();
    assert_false(is_reused(0, "one\n"));
    count_below("cache/", name);
    say_age(name, REUSE_STORE_AGE_S - 60); /* whatever the test takes */
    assert_true(is_reused(0, "one\n"));
    say_age(name, REUSE_STORE_AGE_S + 2);
    assert_false(is_reused(0, "one\n"));
    assert_string_equal(buf_string(&kit.log), ""); /* nothing is wrong */
    assert_true(is_reused(0, "one\n"));            /* the new one */
    assert_int_equal(count_below("cache/", name), 1);
    expect_sums("", "one\t1\n");
}

static void only_a_key_is_the_name_of_a_kept_run(void **state)
{
    (void)state;
    assert_true(reuse_store_is_name("0123456789abcdef0123456789abcdef01234567"));
    assert_false(reuse_store_is_name("0123456789abcdef0123456789abcdef0123456"));
    assert_false(reuse_store_is_name("0123456789abcdef0123456789abcdef012345678"));
    assert_false(reuse_store_is_name("0123456789abcdef0123456789abcdef0123456/"));
    assert_false(reuse_store_is_name("0123456789ABCDEF0123456789abcdef01234567"));
    assert_false(reuse_store_is_name(""));
}

static void a_name_is_the_key_below_the_prefix(void **state)
{
    const struct run_id id = {.job = 0x0102030405060708, .attempt = 0x1112131415161718, .task = 9};
    struct buf name = {0};

    (void)state;
    reuse_store_name("a/cache/", &id, &name);
    assert_string_equal(name.ptr, "a/cache/0102030405060708"
                                  "111213141516171800000009");
    buf_deinit(&name);
}

/* Goal: what REUSE_STORE_MAP_COUNT_MAX rests on. Method: large and usual numbers for each map. */
static void what_a_reduce_is_told_of_a_map_is_short(void **state)
{
    enum { MAPS = 1000 };
    static uint8_t keys[MAPS * REUSE_KEY_BYTES];
    static int64_t attempts[MAPS];
    static uint64_t bytes[MAPS], generations[MAPS];
    static uint32_t notes[MAPS];
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;

    (void)state;
    for (size_t i = 0; i < MAPS; i++) {
        attempts[i] = i % 2 ? 100000 : -100000;
        bytes[i] = 1 << 30;
        generations[i] = 1796000000000000; /* microseconds since 1970 */
        notes[i] = 4000;
    }
    start.run_keys = (ProtobufCBinaryData){sizeof keys, keys};
    start.run_attempts = attempts;
    start.run_bytes = bytes;
    start.run_generations = generations;
    start.run_note_bytes = notes;
    start.n_run_attempts = start.n_run_bytes = MAPS;
    start.n_run_generations = start.n_run_note_bytes = MAPS;
    assert_true(protobuf_c_message_get_packed_size(&start.base) <=
                (size_t)MAPS * REUSE_STORE_TOLD_BYTES_MAX);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_map_of_the_same_is_not_run_again_and_reduces_read_what_is_kept),
        KIT_TEST(a_map_that_is_run_again_replaces_what_is_there),
        KIT_TEST(what_another_job_has_put_in_the_place_of_a_lost_run_is_taken),
        KIT_TEST(who_comes_second_keeps_its_run_for_its_job),
        KIT_TEST(where_nothing_can_be_kept_the_run_is_the_jobs_own),
        KIT_TEST(what_is_no_kept_run_is_replaced),
        KIT_TEST(the_run_of_another_map_is_not_taken),
        KIT_TEST(moments_are_compared_to_the_second),
        KIT_TEST(one_that_is_older_than_a_week_is_made_anew),
        KIT_TEST(only_a_key_is_the_name_of_a_kept_run),
        KIT_TEST(a_name_is_the_key_below_the_prefix),
        KIT_TEST(what_a_reduce_is_told_of_a_map_is_short),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
