#include "attempt/fetch_state.h"

#include "attempt/fetch_kit.h"
#include "seed.h"

static struct world world;
static struct rand chance;

/* A worker with three runs; the one of map 1 is `run`. */
static struct world_run *begin(void)
{
    struct world_run *run;

    world_open(&world, &(struct fetch_options){.map_count = 3}, &chance);
    world_hold(&world, 0, 0, 10, 100);
    run = world_hold(&world, 0, 1, 11, 100);
    world_hold(&world, 0, 2, 12, 100);
    world_tell(&world);
    return run;
}

/* A segment that comes damaged is asked for once more, alone; nothing is told if that is good. */
static void test_damaged_once(void **state)
{
    (void)state;
    begin()->damaged = 1;
    assert_true(world_run(&world, 60));
    world_expect(&world, 1, 11, 100);
    assert_int_equal(world.told_count, 0);
    assert_int_equal(fetch_plan_counts(world.plan)->damaged, 1);
    assert_int_equal(world.written, 400);
    assert_int_equal(fetch_plan_counts(world.plan)->file_bytes, 300); /* in the same place */
    world_close(&world);
}

/* One that stays damaged, or that the worker does not have, is told by name, all others come; it is
 * told again, and a new run of its map ends it. */
static void test_lost(void **state)
{
    (void)state;
    for (uint32_t is_lost = 0; is_lost < 2; is_lost++) {
        struct world_run *run = begin();
        uint64_t begin_ns = world.now_ns;

        if (is_lost)
            run->is_lost = true;
        else
            run->damaged = 1000;
        assert_false(world_run(&world, 2));
        world_expect(&world, 0, 10, 100);
        world_expect(&world, 2, 12, 100);
        assert_int_equal(world.told_count, 1);
        assert_int_equal(world.told[0].kind, FETCH_LOST);
        assert_int_equal(world.told[0].map, 1);
        assert_int_equal(world.told[0].attempt, 11);
        assert_int_equal(world.told[0].worker_id, 0);
        assert_int_equal(world.told[0].incarnation, 100);
        assert_false(world_run(&world, 58));
        assert_in_range(world_told(&world, FETCH_LOST, 1), 5, 14);
        assert_in_range(world.asked, 5, 60); /* and it is no busy loop */
        assert_in_range(world.now_ns - begin_ns, 59 * NS_PER_S, 61 * NS_PER_S);
        world_hold(&world, 1, 1, 20, 90);
        world_tell(&world);
        assert_true(world_run(&world, 1));
        world_expect(&world, 1, 20, 90);
        world_close(&world);
    }
}

/* The worker gets it back by itself. */
static void test_found(void **state)
{
    struct world_run *run = begin();

    (void)state;
    run->is_lost = true;
    assert_false(world_run(&world, 2));
    run->is_lost = false;
    assert_true(world_run(&world, 11));
    world_expect(&world, 1, 11, 100);
    world_close(&world);
}

/* A worker that cannot be reached, or knows nothing of the job, is told; waits double; when it
 * answers again nothing is lost. */
static void test_unreachable(void **state)
{
    (void)state;
    for (uint32_t is_strange = 0; is_strange < 2; is_strange++) {
        begin();
        world.workers[0].is_down = !is_strange;
        world.workers[0].is_strange = is_strange;
        assert_false(world_run(&world, 4));
        assert_int_equal(world_told(&world, FETCH_UNREACHABLE, 0), 1);
        assert_int_equal(world_told(&world, FETCH_LOST, 0), 0);
        assert_false(world_run(&world, 56));
        assert_in_range(world_told(&world, FETCH_UNREACHABLE, 0), 4, 7);
        assert_in_range(world.asked, 10, 32);
        world.workers[0].is_down = world.workers[0].is_strange = false;
        assert_true(world_run(&world, 6));
        world_close(&world);
    }
}

/* A worker that accepts and says nothing is told at its second silence. */
static void test_black_hole(void **state)
{
    struct fetch_step step;

    (void)state;
    begin();
    for (uint32_t i = 0; i < 2; i++) {
        world_steps(&world);
        if (!world.requests[0].is_open) {
            world.now_ns = fetch_plan_wake_ns(world.plan);
            world_steps(&world);
        }
        assert_int_equal(world.told_count, 0);
        world.now_ns = fetch_plan_wake_ns(world.plan);
        assert_true(fetch_plan_next(world.plan, world.now_ns, &step));
        assert_int_equal(step.kind, FETCH_CLOSE);
        world_do(&world, &step);
    }
    world_steps(&world);
    assert_int_equal(world_told(&world, FETCH_UNREACHABLE, 0), 1);
    world_close(&world);
}

/* BUSY is waited for, counts as no failure, and is never told. */
static void test_busy(void **state)
{
    (void)state;
    begin();
    world.workers[0].busy = 30;
    assert_false(world_run(&world, 2));
    assert_in_range(world.asked, 10, 21); /* told to wait 100 ms each time */
    assert_true(world_run(&world, 10));
    assert_int_equal(world.told_count, 0);
    world_close(&world);
}

/* A segment whose bytes never go on is told, and does not keep the others. */
static void test_stuck(void **state)
{
    uint32_t source = 0;

    (void)state;
    begin();
    for (uint32_t i = 0; i < 20 && world.told_count == 0; i++) {
        struct world_request *request = &world.requests[source];
        struct fetch_head head = {.state = FETCH_DATA, .map = 0, .attempt = 10, .records = 1};

        world_steps(&world);
        if (!request->is_open) {
            world.now_ns = fetch_plan_wake_ns(world.plan);
            continue;
        }
        head.bytes = 100;
        world_head(&world, source, &head, 0);
        world_cut(&world, source); /* at byte 0, each time */
        world_steps(&world);
    }
    assert_int_equal(world_told(&world, FETCH_LOST, 0), 1);
    assert_false(world_run(&world, 3));
    world_expect(&world, 1, 11, 100);
    world_expect(&world, 2, 12, 100);
    assert_true(world_run(&world, 11));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_once), cmocka_unit_test(test_lost),
        cmocka_unit_test(test_found),        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_black_hole),   cmocka_unit_test(test_busy),
        cmocka_unit_test(test_stuck),
    };

    chance = seed_rand();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
