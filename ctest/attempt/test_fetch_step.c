#include "attempt/fetch_kit.h"

#include "seed.h"

static struct world world;
static struct rand chance;

/* Maps that end while it fetches are asked for as soon as the master tells of them. */
static void test_growing(void **state)
{
    (void)state;
    world_open(&world, &(struct fetch_options){.map_count = 50}, &chance);
    for (uint32_t map = 0; map < 50; map++) {
        assert_false(world_run(&world, 1));
        world_hold(&world, map % 3, map, 10 + map, 20);
        world_tell(&world);
        world_tell(&world); /* twice changes nothing */
    }
    assert_true(world_run(&world, 1));
    assert_int_equal(world.written, 50 * 20);
    assert_int_equal(fetch_plan_counts(world.plan)->skipped, 0);
    world_close(&world);
}

/* A run that the master does not tell of is found after a while. */
static void test_look(void **state)
{
    (void)state;
    world_open(&world, &(struct fetch_options){.map_count = 2}, &chance);
    world_hold(&world, 0, 0, 10, 20);
    world_tell(&world);
    assert_false(world_run(&world, 60));
    assert_in_range(world.asked, 5, 20);
    world_hold(&world, 0, 1, 11, 20);
    assert_true(world_run(&world, 16));
    world_close(&world);
}

/* Numbers of runs that were forgotten are left out. */
static void test_holes(void **state)
{
    (void)state;
    world_open(&world, &(struct fetch_options){.map_count = 3}, &chance);
    for (uint32_t i = 0; i < 6; i++)
        world_hold(&world, 0, i % 3, 10 + i, 20)->is_forgotten = i < 3;
    world_tell(&world);
    assert_true(world_run(&world, 1));
    for (uint32_t map = 0; map < 3; map++)
        world_expect(&world, map, 13 + map, 20);
    world_close(&world);
}

/* A worker that is gone: what came whole stays, the rest comes from where its maps run again. One
 * that is back in the same incarnation goes on; in another it begins anew. */
static void test_gone(void **state)
{
    (void)state;
    for (uint32_t is_new = 0; is_new < 2; is_new++) {
        struct fetch_step step;

        world_open(&world, &(struct fetch_options){.map_count = 2}, &chance);
        world_hold(&world, 0, 0, 10, 20);
        world_hold(&world, 0, 1, 11, 1000);
        world_tell(&world);
        world_steps(&world);
        while (world.written <= 20 && world_turn(&world)) /* into the second segment */
            ;
        world.workers[0].is_unlisted = true;
        world_tell(&world);
        assert_true(fetch_plan_next(world.plan, world.now_ns, &step));
        assert_int_equal(step.kind, FETCH_CLOSE);
        world_do(&world, &step);
        assert_false(world_run(&world, 60));
        world_expect(&world, 0, 10, 20);
        world.workers[0].is_unlisted = false;
        world.workers[0].incarnation += is_new;
        world_tell(&world);
        assert_true(world_run(&world, 1));
        world_expect(&world, 1, 11, 1000);
        world_close(&world);
    }
}

/* A request that says nothing is cut and its connection closed. */
static void test_silence(void **state)
{
    struct fetch_step step;
    uint64_t begin_ns;

    (void)state;
    world_open(&world, &(struct fetch_options){.map_count = 1}, &chance);
    world_hold(&world, 0, 0, 10, 20);
    world_tell(&world);
    world_steps(&world);
    begin_ns = world.now_ns;
    world.now_ns = fetch_plan_wake_ns(world.plan);
    assert_true(world.now_ns - begin_ns == FETCH_ANSWER_MS * NS_PER_MS);
    assert_true(fetch_plan_next(world.plan, world.now_ns, &step));
    assert_int_equal(step.kind, FETCH_CLOSE);
    world_do(&world, &step);
    assert_true(world_run(&world, 1));
    world_close(&world);
}

/* Never more requests, or connections, than allowed: world_check() looks; but as many as that. */
static void test_limits(void **state)
{
    (void)state;
    world_open(&world,
               &(struct fetch_options){
                   .map_count = 160, .in_flight_max = 3, .connections_max = 4, .segments_max = 2},
               &chance);
    for (uint32_t map = 0; map < 160; map++)
        world_hold(&world, map % 8, map, 10 + map, 500);
    world_tell(&world);
    assert_true(world_run(&world, 60));
    assert_int_equal(world.in_flight_most, 3);
    assert_int_equal(world.connected_most, 4);
    assert_true(world.asked >= 80);
    world_close(&world);
}

/* A world with chance in everything, while it runs. */
static void shake(uint32_t maps, uint64_t *next_attempt)
{
    struct world_worker *worker = &world.workers[rand_below(&chance, WORKERS_MAX)];
    struct world_run *run =
        worker->run_count > 0 ? &worker->runs[rand_below(&chance, worker->run_count)] : NULL;

    switch (rand_below(&chance, 12)) {
    case 0:
        worker->is_down = !worker->is_down;
        break;
    case 1:
        worker->is_unlisted = !worker->is_unlisted;
        break;
    case 2:
        worker->incarnation += 100; /* it has lost all that it held */
        worker->run_count = 0;
        break;
    case 3:
        worker->busy = 3;
        break;
    case 4:
        worker->cut_after = rand_below(&chance, 200);
        break;
    case 5:
        worker->is_strange = !worker->is_strange;
        break;
    case 6:
        if (run)
            run->is_lost = true;
        break;
    case 7:
        if (run)
            run->damaged = 1 + (uint32_t)rand_below(&chance, 3);
        break;
    case 8:
        if (run)
            run->is_forgotten = true;
        break;
    default:
        if (worker->run_count < RUNS_MAX - maps)
            world_hold(&world, (uint32_t)(worker - world.workers),
                       (uint32_t)rand_below(&chance, maps), ++*next_attempt,
                       rand_below(&chance, 3) * 100);
        break;
    }
    if (rand_below(&chance, 3) > 0)
        world_tell(&world);
}

/* Whatever was told as lost is run again, elsewhere, as a master would. */
static void heal(uint32_t maps, uint64_t *next_attempt)
{
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        world.workers[i].is_down = world.workers[i].is_strange = world.workers[i].is_unlisted =
            false;
        world.workers[i].cut_after = 0;
    }
    for (uint32_t map = 0; map < maps; map++)
        world_hold(&world, map % WORKERS_MAX, map, ++*next_attempt, 100);
    world_tell(&world);
}

/* Loss, doubles, damage, restarts in any order: while they last, what is missing is told or is on
 * nobody; when they end, so does the fetch, complete. */
static void test_any_order(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t maps = 1 + (uint32_t)rand_below(&chance, 12);
        uint64_t next_attempt = 0;

        world_open(&world,
                   &(struct fetch_options){
                       .map_count = maps,
                       .seed = round,
                       .segments_max = 1 + (uint32_t)rand_below(&chance, 4),
                       .in_flight_max = 1 + (uint32_t)rand_below(&chance, 4),
                   },
                   &chance);
        for (uint32_t i = 0; i < 150; i++) {
            shake(maps, &next_attempt);
            world_steps(&world);
            for (uint32_t j = 0; j < 5 && world_turn(&world);)
                j++;
            world_run(&world, rand_below(&chance, 2));
        }
        heal(maps, &next_attempt);
        assert_true(world_run(&world, 40));
        for (uint32_t map = 0; map < maps; map++)
            world_expect(&world, map, fetch_plan_segments(world.plan)[map].attempt,
                         fetch_plan_segments(world.plan)[map].bytes);
        world_close(&world);
    }
}

/* Nothing is repaired: it ends complete, or every map that is missing was told by name, or its
 * worker was, or nobody is said to hold it. */
static void test_complete_or_told(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t maps = 1 + (uint32_t)rand_below(&chance, 12);

        world_open(&world, &(struct fetch_options){.map_count = maps, .seed = round}, &chance);
        for (uint32_t map = 0; map < maps; map++) {
            struct world_run *run =
                world_hold(&world, (uint32_t)rand_below(&chance, 4), map, 10 + map, 100);

            run->is_lost = rand_below(&chance, 4) == 0;
            run->damaged = rand_below(&chance, 4) == 0 ? 1000 : 0;
        }
        world.workers[0].is_down = rand_below(&chance, 2);
        world.workers[1].is_strange = rand_below(&chance, 2);
        world.workers[2].cut_after = rand_below(&chance, 150);
        world_tell(&world);
        if (!world_run(&world, 30))
            for (uint32_t worker = 0; worker < 4; worker++)
                for (uint32_t i = 0; i < world.workers[worker].run_count; i++) {
                    uint32_t map = world.workers[worker].runs[i].map, told = 0;

                    for (uint32_t j = 0; j < world.told_count; j++)
                        told +=
                            world.told[j].worker_id == worker &&
                            (world.told[j].kind == FETCH_UNREACHABLE || world.told[j].map == map);
                    assert_true(fetch_plan_segments(world.plan)[map].is_here || told > 0);
                }
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing),   cmocka_unit_test(test_look),
        cmocka_unit_test(test_holes),     cmocka_unit_test(test_gone),
        cmocka_unit_test(test_silence),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_any_order), cmocka_unit_test(test_complete_or_told),
    };

    chance = seed_rand();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
