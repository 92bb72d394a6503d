#include "test.h"

#include "attempt/death.h"

#include <signal.h>
#include <sys/syscall.h>

static void expect(const struct death *death, const char *message)
{
    struct err err;

    assert_int_equal(death_tell(death, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.message, message);
}

static const struct death IN_MAP = {
    .phase = PAGE_MAP,
    .record = 3,
    .input_offset = 120,
    .input = "a.txt",
    .progress_ms = 600 * 1000,
    .record_ms = 1500,
    .memory_bytes = 512 << 20,
};

static void test_limits(void **state)
{
    struct death death = IN_MAP;

    (void)state;
    death.cause = DEATH_RECORD_TOO_LONG;
    death.status = SIGKILL;
    expect(&death, "map took longer than 1.5 s for one record (limits.seconds_per_record), at byte "
                   "120 of a.txt (record 3)");
    death.phase = PAGE_REDUCE;
    death.key = slice_of_string("sthe");
    death.key_bytes = 700;
    expect(&death, "reduce took longer than 1.5 s for one value (limits.seconds_per_record), at "
                   "key \"the\"... (number 3)");
    death.phase = PAGE_COMBINE;
    expect(&death, "combine took longer than 1.5 s for one value (limits.seconds_per_record)");
    death.phase = PAGE_HOOK;
    expect(&death, "setup or cleanup took longer than 1.5 s for one record "
                   "(limits.seconds_per_record)");
    death.phase = PAGE_LOAD;
    expect(&death, "loading the job file took longer than 1.5 s");
    death.cause = DEATH_NO_PROGRESS;
    death.phase = PAGE_READ;
    expect(&death, "no progress for 600 s (limits.seconds) in read");
    death.cause = DEATH_MEMORY;
    expect(&death, "the script's process outgrew its memory (limits.memory is 512 MiB) in read");
}

static void test_signals(void **state)
{
    struct death death = IN_MAP;

    (void)state;
    death.status = SIGSEGV;
    expect(&death, "the script's process died of SIGSEGV in map, at byte 120 of a.txt (record 3)");
    death.phase = PAGE_SORT;
    expect(&death, "the script's process died of SIGSEGV in sort");
    death.phase = 77; /* a page that a script wrote nonsense into */
    expect(&death, "the script's process died of SIGSEGV in unknown");
    death.phase = PAGE_LOAD;
    death.status = SIGKILL;
    expect(&death, "the script's process was killed from outside (out of memory?) in load");
    death.status = SIGSYS;
    expect(&death, "the script's process died of SIGSYS in load");
    death.denied_call = 1 + SYS_execve;
    expect(&death, "the script called execve, which a job may not do (system call refused), in "
                   "load");
}

static void test_exit(void **state)
{
    struct death death = IN_MAP;

    (void)state;
    death.status = 3 << 8;
    expect(&death, "the script's process ended with exit code 3 before its task was done, in map, "
                   "at byte 120 of a.txt (record 3)");
    death.input = NULL;
    expect(&death, "the script's process ended with exit code 3 before its task was done, in map");
}

/* What stood in hand is the job's function's; a combine, a sort, a reader are about others. */
static void death_is_of_a_record_only_in_the_functions_that_take_one(void **state)
{
    (void)state;
    for (int phase = 0; phase < PAGE_PHASE_COUNT; phase++) {
        struct death death = IN_MAP;

        death.phase = (uint64_t)phase;
        assert_false(death_is_of_record(&death));
        death.in_hand = true;
        assert_int_equal(death_is_of_record(&death), phase == PAGE_MAP || phase == PAGE_REDUCE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_exit),
        cmocka_unit_test(death_is_of_a_record_only_in_the_functions_that_take_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
