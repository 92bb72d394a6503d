#include "base/log.h"

#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { SAID_BYTES = 4096 };

/* What `speak` wrote to standard error. */
static const char *said(void (*speak)(void), char out[static SAID_BYTES])
{
    int fds[2], was = dup(STDERR_FILENO);
    ssize_t len;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    dup2(fds[1], STDERR_FILENO);
    speak();
    dup2(was, STDERR_FILENO);
    close(fds[1]);
    len = read(fds[0], out, SAID_BYTES - 1);
    assert_true(len >= 0);
    out[len] = '\0';
    close(fds[0]);
    close(was);
    return out;
}

static void speak_once(void)
{
    log_event("attempt_failed", "task=map/%d kind=%s", 3, "disk");
}

static void speak_at_length(void)
{
    char text[3000];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_event("long", "text=%s", text);
}

static void silent_unless_enabled(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    assert_string_equal(said(speak_once, out), "");
    log_enable(true);
    assert_string_equal(said(speak_once, out), "attempt_failed task=map/3 kind=disk\n");
    log_enable(false);
    assert_string_equal(said(speak_once, out), "");
}

static void a_long_line_is_cut_and_still_a_line(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    log_enable(true);
    said(speak_at_length, out);
    log_enable(false);
    assert_in_range(strlen(out), 1000, 2048);
    assert_memory_equal(out, "long text=xxx", 13);
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

static void quote_escapes_what_would_break_a_line(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(log_quote(out, sizeof out, slice_of("a b\n\"\\\0\xff", 8)),
                        "\"a b\\x0a\\\"\\\\\\x00\\xff\"");
    assert_string_equal(log_quote(out, sizeof out, slice_of(NULL, 0)), "\"\"");
}

/* Escapes of four bytes meet every possible end of the output. */
static void quote_fits_any_room(void **state)
{
    char text[40], out[64];

    (void)state;
    memset(text, '\n', sizeof text);
    for (size_t room = 8; room <= sizeof out; room++) {
        memset(out, '#', sizeof out);
        log_quote(out, room, slice_of(text, sizeof text));
        assert_true(strnlen(out, room) < room);
        assert_int_equal(out[0], '"');
        assert_int_equal(out[strlen(out) - 1], '"');
        if (room < sizeof out)
            assert_int_equal(out[room], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silent_unless_enabled),
        cmocka_unit_test(a_long_line_is_cut_and_still_a_line),
        cmocka_unit_test(quote_escapes_what_would_break_a_line),
        cmocka_unit_test(quote_fits_any_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
