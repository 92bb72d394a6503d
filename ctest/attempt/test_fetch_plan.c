#include "attempt/fetch_kit.h"

#include "seed.h"

static struct world world;
static struct rand chance;

static uint32_t asked(uint64_t sequence)
{
    struct fetch_step step;

    assert_true(fetch_plan_next(world.plan, world.now_ns, &step));
    assert_int_equal(step.kind, FETCH_ASK);
    assert_int_equal(step.sequence, sequence);
    world_do(&world, &step);
    return step.source;
}

static enum fetch_use head_of(uint32_t source, const struct fetch_head *head)
{
    struct fetch_place place;

    return fetch_plan_head(world.plan, world.now_ns, source, world.requests[source].number, head,
                           &place);
}

static const struct fetch_head good = {
    .state = FETCH_DATA, .incarnation = 100, .map = 1, .attempt = 7, .records = 3, .bytes = 10};

/* A plan with one source of two runs, asked. */
static uint32_t begin(void)
{
    world_open(&world, &(struct fetch_options){.map_count = 3}, &chance);
    world_hold(&world, 0, 1, 7, 10);
    world_hold(&world, 0, 2, 8, 0);
    world_tell(&world);
    return asked(0);
}

/* Maps from several workers, with records and without, all at once. */
static void test_all(void **state)
{
    (void)state;
    world_open(&world, &(struct fetch_options){.map_count = 40}, &chance);
    for (uint32_t map = 0; map < 40; map++)
        world_hold(&world, map % 5, map, 100 + map, map % 3 * 1000);
    world_tell(&world);
    assert_true(world_run(&world, 10));
    for (uint32_t map = 0; map < 40; map++)
        world_expect(&world, map, 100 + map, map % 3 * 1000);
    assert_int_equal(world.told_count, 0);
    assert_int_equal(fetch_plan_counts(world.plan)->file_bytes, world.written);
    world_close(&world);
    /* A job without maps is complete from the start. */
    world_open(&world, &(struct fetch_options){.map_count = 0}, &chance);
    assert_true(fetch_plan_is_complete(world.plan));
    assert_true(fetch_plan_wake_ns(world.plan) == UINT64_MAX);
    world_close(&world);
}

/* What a head may say, in a source that waits for one. */
static void test_heads(void **state)
{
    static const struct {
        struct fetch_head head;
        enum fetch_use use;
        bool is_cut;
    } cases[] = {
        {{.state = FETCH_DATA, .map = 1, .attempt = 7, .records = 3, .bytes = 10}, FETCH_TAKE, 0},
        {{.state = FETCH_DATA, .map = 3, .attempt = 7, .records = 3, .bytes = 10}, FETCH_REFUSE, 1},
        {{.state = FETCH_DATA, .map = 1, .attempt = 7, .records = 0, .bytes = 10}, FETCH_REFUSE, 1},
        {{.state = FETCH_DATA, .map = 1, .attempt = 7, .records = 3, .bytes = 0}, FETCH_REFUSE, 1},
        {{.state = FETCH_DATA, .map = 1, .attempt = 7, .records = 3, .bytes = 10, .offset = 11},
         FETCH_REFUSE,
         1},
        {{.state = FETCH_DATA, .map = 1, .attempt = 7, .records = 3, .bytes = 10, .offset = 4},
         FETCH_REFUSE,
         1},
        {{.state = FETCH_DATA, .sequence = UINT64_MAX, .map = 1, .records = 3, .bytes = 10},
         FETCH_REFUSE,
         1},
        {{.state = FETCH_EMPTY, .map = 1, .attempt = 7}, FETCH_NOTHING, 0},
        {{.state = FETCH_UNKNOWN, .map = 1, .attempt = 7}, FETCH_NOTHING, 0},
        {{.state = FETCH_UNKNOWN}, FETCH_NOTHING, 0},
        {{.state = FETCH_BUSY, .retry_ns = 1}, FETCH_NOTHING, 0},
        {{.state = FETCH_NO_MORE}, FETCH_NOTHING, 0},
        {{.state = (enum fetch_head_state)99}, FETCH_REFUSE, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t source = begin();
        struct fetch_head head = cases[i].head;

        head.incarnation = 100;
        assert_int_equal(head_of(source, &head), cases[i].use);
        assert_int_equal(fetch_plan_counts(world.plan)->cuts, cases[i].is_cut);
        assert_int_equal(fetch_plan_segments(world.plan)[1].is_here, head.state == FETCH_EMPTY);
        world_close(&world);
    }
}

/* Of another incarnation, of another request, doubled, or when bytes were due: nothing is taken. */
static void test_stale(void **state)
{
    uint32_t source = begin();
    struct fetch_head head = good;
    struct fetch_place place;

    (void)state;
    assert_int_equal(fetch_plan_head(world.plan, world.now_ns, source,
                                     world.requests[source].number + 1, &head, &place),
                     FETCH_NOTHING);
    assert_int_equal(fetch_plan_head(world.plan, world.now_ns, source + 1, 1, &head, &place),
                     FETCH_NOTHING);
    assert_int_equal(fetch_plan_counts(world.plan)->stale, 2);
    fetch_plan_cut(world.plan, world.now_ns, source, world.requests[source].number + 1);
    fetch_plan_bytes(world.plan, world.now_ns, source, world.requests[source].number, 5);
    fetch_plan_end(world.plan, world.now_ns, source, world.requests[source].number, true);
    assert_int_equal(fetch_plan_counts(world.plan)->maps_here, 0);
    head.incarnation = 99;
    assert_int_equal(head_of(source, &head), FETCH_REFUSE);
    world_close(&world);
    source = begin();
    assert_int_equal(head_of(source, &good), FETCH_TAKE);
    assert_int_equal(head_of(source, &good), FETCH_REFUSE); /* its bytes were due */
    assert_int_equal(fetch_plan_counts(world.plan)->maps_here, 0);
    world_close(&world);
    /* A worker that goes backwards. */
    source = begin();
    head = (struct fetch_head){
        .state = FETCH_EMPTY, .incarnation = 100, .sequence = 1, .map = 2, .attempt = 8};
    assert_int_equal(head_of(source, &head), FETCH_NOTHING);
    assert_int_equal(head_of(source, &good), FETCH_REFUSE);
    world_close(&world);
}

/* A cut segment goes on where it was cut, and what was there is not asked for again. */
static void test_resume(void **state)
{
    uint32_t source = begin();
    struct fetch_head head = good;
    struct fetch_step step;

    (void)state;
    assert_int_equal(head_of(source, &head), FETCH_TAKE);
    fetch_plan_bytes(world.plan, world.now_ns, source, world.requests[source].number, 4);
    world_cut(&world, source);
    assert_false(fetch_plan_next(world.plan, world.now_ns, &step)); /* it waits first */
    world.now_ns = fetch_plan_wake_ns(world.plan);
    assert_true(fetch_plan_next(world.plan, world.now_ns, &step));
    assert_int_equal(step.sequence, 0);
    assert_int_equal(step.offset, 4);
    world_do(&world, &step);
    head.offset = 4;
    assert_int_equal(head_of(source, &head), FETCH_TAKE);
    fetch_plan_bytes(world.plan, world.now_ns, source, world.requests[source].number, 6);
    fetch_plan_end(world.plan, world.now_ns, source, world.requests[source].number, true);
    world_expect(&world, 1, 7, 10);
    assert_int_equal(fetch_plan_counts(world.plan)->bytes, 10);
    world_close(&world);
    /* With connections that end after every byte, no byte comes twice. */
    world_open(&world, &(struct fetch_options){.map_count = 4}, &chance);
    for (uint32_t map = 0; map < 4; map++)
        world_hold(&world, 0, map, 10 + map, 50);
    world.workers[0].cut_after = 1;
    world_tell(&world);
    assert_true(world_run(&world, 1000));
    assert_int_equal(world.written, 200);
    assert_int_equal(world.told_count, 0);
    world_close(&world);
}

/* Two runs of one map: the second is skipped; if the first fails, it is gone back to. */
static void test_duplicate(void **state)
{
    (void)state;
    for (uint32_t bad = 0; bad < 2; bad++) {
        world_open(&world, &(struct fetch_options){.map_count = 2}, &chance);
        world_hold(&world, 0, 0, 10, 5000)->damaged = bad ? 1000 : 0;
        world_hold(&world, 1, 0, 11, 5000);
        world_hold(&world, 1, 1, 12, 10);
        world_tell(&world);
        assert_true(world_run(&world, 100));
        if (bad)
            world_expect(&world, 0, 11, 5000);
        world_expect(&world, 1, 12, 10);
        world_close(&world);
    }
}

static void test_missing(void **state)
{
    char text[200];

    (void)state;
    world_open(&world, &(struct fetch_options){.map_count = 3}, &chance);
    world_hold(&world, 0, 0, 10, 5);
    world_tell(&world);
    assert_false(world_run(&world, 100));
    assert_string_equal(fetch_plan_missing(world.plan, text, sizeof text),
                        "segments of 2 of 3 maps are missing, the first is of map 1");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),       cmocka_unit_test(test_heads),
        cmocka_unit_test(test_stale),     cmocka_unit_test(test_resume),
        cmocka_unit_test(test_duplicate), cmocka_unit_test(test_missing),
    };

    chance = seed_rand();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
