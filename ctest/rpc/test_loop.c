#include "test.h"

#include "base/clock.h"
#include "rpc/loop_base.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    struct loop *loop;
    struct loop_event *event, *other;
    int pipe[2];
    int count, other_count;
};

static void count_and_break(void *context)
{
    struct world *world = context;

    world->count++;
    loop_break(world->loop);
}

static void read_byte(void *context)
{
    struct world *world = context;
    char byte;

    if (read(world->pipe[0], &byte, 1) == 0)
        loop_break(world->loop);
    else
        world->count++;
}

static void open_world(struct world *world)
{
    struct err err;

    *world = (struct world){0};
    world->loop = loop_open(&err);
    assert_non_null(world->loop);
    assert_int_equal(pipe2(world->pipe, O_CLOEXEC), 0);
}

static void close_world(struct world *world)
{
    loop_close(world->loop);
    close(world->pipe[0]);
    if (world->pipe[1] >= 0)
        close(world->pipe[1]);
}

/* Nothing to wait for is the end. */
static void test_empty(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    open_world(&world);
    assert_int_equal(loop_run(world.loop, &err), 0);
    close_world(&world);
}

/* Each byte and the end of the pipe. */
static void test_descriptor(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    open_world(&world);
    world.event = loop_fd_open(world.loop, world.pipe[0], read_byte, &world, &err);
    assert_non_null(world.event);
    assert_int_equal(write(world.pipe[1], "abc", 3), 3);
    close(world.pipe[1]);
    world.pipe[1] = -1;
    assert_int_equal(loop_run(world.loop, &err), 0);
    assert_int_equal(world.count, 3);
    loop_event_close(world.event);
    close_world(&world);
}

static void test_bad_descriptor(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    open_world(&world);
    assert_null(loop_fd_open(world.loop, 4095, read_byte, &world, &err));
    assert_int_equal(err.kind, ERR_SETUP);
    close_world(&world);
}

/* It fires once per start, not before its time, and a start moves it. */
static void test_timer(void **state)
{
    struct world world;
    uint64_t begin_ns = clock_monotonic_ns();
    struct err err;

    (void)state;
    open_world(&world);
    world.event = loop_timer_open(world.loop, count_and_break, &world);
    assert_int_equal(loop_run(world.loop, &err), 0); /* not started: nothing to wait for */
    loop_timer_start(world.event, 3600 * NS_PER_S);
    loop_timer_start(world.event, 20 * NS_PER_MS);
    assert_int_equal(loop_run(world.loop, &err), 0);
    assert_int_equal(world.count, 1);
    assert_true(clock_monotonic_ns() - begin_ns >= 19 * NS_PER_MS);
    assert_int_equal(loop_run(world.loop, &err), 0); /* it has fired: nothing to wait for */
    loop_timer_start(world.event, 3600 * NS_PER_S);
    loop_timer_stop(world.event);
    assert_int_equal(loop_run(world.loop, &err), 0);
    assert_int_equal(world.count, 1);
    loop_event_close(world.event);
    close_world(&world);
}

static void close_both(void *context)
{
    struct world *world = context;

    world->count++;
    loop_event_close(world->event);
    loop_event_close(world->other);
    loop_break(world->loop);
}

/* A callback may close its own event, and one that is due as well. */
static void test_close_in_callback(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    open_world(&world);
    world.event = loop_timer_open(world.loop, close_both, &world);
    world.other = loop_timer_open(world.loop, close_both, &world);
    loop_timer_start(world.event, 0);
    loop_timer_start(world.other, 0);
    assert_int_equal(loop_run(world.loop, &err), 0);
    assert_int_equal(world.count, 1);
    close_world(&world);
}

/* The signal arrives in the loop, and closing gives the old handler back. */
static void test_signal(void **state)
{
    struct sigaction before = {.sa_handler = SIG_IGN}, after;
    struct world world;
    struct err err;

    (void)state;
    sigaction(SIGUSR1, &before, NULL);
    open_world(&world);
    world.event = loop_signal_open(world.loop, SIGUSR1, count_and_break, &world, &err);
    assert_non_null(world.event);
    raise(SIGUSR1);
    assert_int_equal(world.count, 0);
    assert_int_equal(loop_run(world.loop, &err), 0);
    assert_int_equal(world.count, 1);
    loop_event_close(world.event);
    sigaction(SIGUSR1, NULL, &after);
    assert_ptr_equal(after.sa_handler, SIG_IGN);
    close_world(&world);
}

static int closed_guest_count;

static void close_guest(struct loop_guest *guest)
{
    loop_guest_remove(guest);
    closed_guest_count++;
}

/* Who is still there is closed with the loop; who has gone, in any order, is not. */
static void test_guests(void **state)
{
    struct loop_guest guests[5];
    struct err err;
    struct loop *loop = loop_open(&err);

    (void)state;
    assert_non_null(loop);
    for (int i = 0; i < 5; i++) {
        guests[i] = (struct loop_guest){.close = close_guest};
        loop_guest_remove(&guests[i]); /* not added yet */
        loop_guest_add(loop, &guests[i]);
    }
    loop_guest_remove(&guests[4]); /* the first, one inside, the last */
    loop_guest_remove(&guests[2]);
    loop_guest_remove(&guests[0]);
    loop_guest_remove(&guests[0]);
    loop_close(loop);
    assert_int_equal(closed_guest_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_descriptor),
        cmocka_unit_test(test_bad_descriptor),
        cmocka_unit_test(test_timer),
        cmocka_unit_test(test_close_in_callback),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
