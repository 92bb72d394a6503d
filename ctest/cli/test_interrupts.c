/* interrupts: which signals reach the loop, and when. */
#include "test.h"

#include "cli/interrupts.h"
#include "rpc/loop.h"

#include <string.h>
#include <unistd.h>

struct heard {
    struct loop *loop;
    int count, last;
};

static void on_signal(void *context, int signal_number)
{
    struct heard *heard = context;

    heard->count++;
    heard->last = signal_number;
    loop_break(heard->loop);
}

static volatile sig_atomic_t caught;

static void on_caught(int signal_number)
{
    caught = signal_number;
}

static void open_both(struct heard *heard, struct interrupts *interrupts)
{
    struct err err;

    *heard = (struct heard){.loop = loop_open(&err)};
    assert_non_null(heard->loop);
    assert_int_equal(interrupts_open(interrupts, heard->loop, on_signal, heard, &err), 0);
}

static void close_both(struct heard *heard, struct interrupts *interrupts)
{
    interrupts_close(interrupts);
    loop_close(heard->loop);
}

static void each_signal_reaches_the_loop(void **state)
{
    struct interrupts interrupts;
    struct heard heard;
    struct err err;

    (void)state;
    for (int i = 0; i < INTERRUPT_COUNT; i++) {
        open_both(&heard, &interrupts);
        kill(getpid(), INTERRUPTS[i]);
        assert_int_equal(loop_run(heard.loop, &err), 0);
        assert_int_equal(heard.count, 1);
        assert_int_equal(heard.last, INTERRUPTS[i]);
        close_both(&heard, &interrupts);
    }
}

static void one_that_was_held_comes_when_it_can_be_heard(void **state)
{
    struct interrupts interrupts;
    struct heard heard;
    struct err err;

    (void)state;
    interrupts_hold();
    kill(getpid(), SIGTERM); /* it would end this test */
    open_both(&heard, &interrupts);
    assert_int_equal(loop_run(heard.loop, &err), 0);
    assert_int_equal(heard.last, SIGTERM);
    close_both(&heard, &interrupts);
    interrupts_release();
}

static void one_that_the_loop_did_not_tell_is_found(void **state)
{
    struct interrupts interrupts;
    struct heard heard;

    (void)state;
    open_both(&heard, &interrupts);
    kill(getpid(), SIGTERM);
    assert_int_equal(heard.count, 0);
    interrupts_look(&interrupts);
    assert_int_equal(heard.last, SIGTERM);
    close_both(&heard, &interrupts);
}

static void they_are_held_again_after_close(void **state)
{
    struct interrupts interrupts;
    struct heard heard;
    sigset_t waiting;

    (void)state;
    interrupts_hold();
    open_both(&heard, &interrupts);
    close_both(&heard, &interrupts);
    kill(getpid(), SIGINT);
    sigpending(&waiting);
    assert_int_equal(sigismember(&waiting, SIGINT), 1);
    signal(SIGINT, SIG_IGN); /* takes what waits away */
    interrupts_release();
    signal(SIGINT, SIG_DFL);
}

static void a_hangup_that_is_ignored_stays_so(void **state)
{
    struct interrupts interrupts;
    struct heard heard;
    struct sigaction action;

    (void)state;
    signal(SIGHUP, SIG_IGN);
    open_both(&heard, &interrupts);
    sigaction(SIGHUP, NULL, &action);
    assert_true(action.sa_handler == SIG_IGN);
    close_both(&heard, &interrupts);
    signal(SIGHUP, SIG_DFL);
}

static void a_handler_takes_the_place_of_the_loop(void **state)
{
    struct interrupts interrupts;
    struct heard heard;

    (void)state;
    open_both(&heard, &interrupts);
    interrupts_catch(&interrupts, on_caught);
    kill(getpid(), SIGTERM);
    assert_int_equal(caught, SIGTERM);
    assert_int_equal(heard.count, 0);
    close_both(&heard, &interrupts);
    signal(SIGTERM, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_signal_reaches_the_loop),
        cmocka_unit_test(one_that_was_held_comes_when_it_can_be_heard),
        cmocka_unit_test(one_that_the_loop_did_not_tell_is_found),
        cmocka_unit_test(they_are_held_again_after_close),
        cmocka_unit_test(a_hangup_that_is_ignored_stays_so),
        cmocka_unit_test(a_handler_takes_the_place_of_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
