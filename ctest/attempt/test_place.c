#include "test.h"

#include "attempt/place.h"

#include <string.h>

static void a_place_is_a_phrase(void **state)
{
    char text[PLACE_BYTES];

    (void)state;
    assert_string_equal(place_print_record(text, 120, "a.txt", 3),
                        ", at byte 120 of a.txt (record 3)");
    assert_string_equal(place_print_key(text, "\"the\"", 7), ", at key \"the\" (number 7)");
}

static void a_place_goes_behind_what_the_job_did(void **state)
{
    struct err err;

    (void)state;
    err_set(&err, ERR_JOB, "x.lua:2: no");
    place_add(&err, ", at byte 1 of a (record 2)");
    assert_string_equal(err.message, "x.lua:2: no, at byte 1 of a (record 2)");
    err_set(&err, ERR_DISK, "write /tmp/x: No space left on device");
    place_add(&err, ", at byte 1 of a (record 2)");
    assert_string_equal(err.message, "write /tmp/x: No space left on device");
}

/* The message comes first, whatever its length. */
static void what_is_too_long_is_cut(void **state)
{
    char long_text[2 * ERR_MESSAGE_BYTES], text[PLACE_BYTES];
    struct err err;

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(strlen(place_print_record(text, 1, long_text, 1)), PLACE_BYTES - 1);
    err_set(&err, ERR_JOB, "%s", long_text);
    place_add(&err, text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_a_phrase),
        cmocka_unit_test(a_place_goes_behind_what_the_job_did),
        cmocka_unit_test(what_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
