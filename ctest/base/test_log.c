#include "base/log.h"

#include "said.h"

#include <string.h>
#include <time.h>

static const char *said_as(enum log_format format, void (*speak)(void), char out[static SAID_BYTES])
{
    log_enable(format, "worker");
    said(speak, out);
    log_enable(LOG_OFF, NULL);
    return out;
}

static void speak_once(void)
{
    log_event(SEVERITY_WARNING, "attempt_failed", log_number("job", 7), log_task("map", 3),
              log_number("attempt", UINT64_MAX), log_number("worker", 2), log_text("kind", "disk"));
}

static void speak_hostile(void)
{
    log_event(SEVERITY_INFO, "said", log_text("name", "a\n{\"job\":\"1\"}\x1b[2J\xff\xc3\xa9"),
              log_text("none", NULL));
}

static char long_text[16 * 1024];

static void speak_at_length(void)
{
    log_event(SEVERITY_INFO, "long", log_text("text", long_text), log_text("again", long_text),
              log_number("count", 3), log_text("job", long_text));
}

static void silent_unless_enabled(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    assert_string_equal(said(speak_once, out), "");
    assert_string_equal(said_as(LOG_TEXT, speak_once, out),
                        "attempt_failed job=7 task=map/3 attempt=18446744073709551615 worker=2 "
                        "kind=disk\n");
    assert_string_equal(said(speak_once, out), "");
}

static void text_values_that_would_break_a_line_are_quoted(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    assert_string_equal(said_as(LOG_TEXT, speak_hostile, out),
                        "said name=\"a\\x0a{\\\"job\\\":\\\"1\\\"}\\x1b[2J\\xff\\xc3\\xa9\" "
                        "none=\"\"\n");
}

/* Time apart, which comes first. */
static const char *after_time(const char *line)
{
    struct tm tm = {0};
    const char *end;

    assert_memory_equal(line, "{\"time\":\"", 9);
    end = strptime(line + 9, "%Y-%m-%dT%H:%M:%S", &tm);
    assert_non_null(end);
    assert_int_equal(*end, '.');
    assert_int_equal(strspn(end + 1, "0123456789"), 3);
    assert_memory_equal(end + 4, "Z\",", 3);
    return end + 7;
}

static void json_has_the_fields_of_cloud_logging(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    assert_string_equal(
        after_time(said_as(LOG_JSON, speak_once, out)),
        "\"severity\":\"WARNING\",\"message\":\"attempt_failed job=7 task=map/3 "
        "attempt=18446744073709551615 worker=2 kind=disk\",\"logging.googleapis.com/labels\":{"
        "\"component\":\"worker\",\"job\":\"7\",\"task\":\"map/3\","
        "\"attempt\":\"18446744073709551615\",\"worker\":\"2\"},\"event\":\"attempt_failed\","
        "\"kind\":\"disk\"}\n");
}

static void hostile_bytes_stay_in_their_json_string(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    after_time(said_as(LOG_JSON, speak_hostile, out));
    assert_non_null(strstr(out, "\"name\":\"a\\u000a{\\\"job\\\":\\\"1\\\"}\\u001b[2J\xef\xbf\xbd"
                                "\xc3\xa9\",\"none\":\"\"}\n"));
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

/* Every length around the limits, and texts that grow by nothing, two and six when escaped. */
static void a_long_line_is_cut_and_still_a_line(void **state)
{
    static const char fillers[] = {'x', '"', '\n'};
    char out[SAID_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof fillers; i++) {
        for (size_t len = 0; len < sizeof long_text; len = len * 17 / 16 + 1) {
            memset(long_text, fillers[i], len);
            long_text[len] = '\0';
            said_as(LOG_TEXT, speak_at_length, out);
            assert_true(strlen(out) <= LOG_BYTES_MAX);
            assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
            said_as(LOG_JSON, speak_at_length, out);
            assert_true(strlen(out) <= LOG_BYTES_MAX);
            assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
            assert_int_equal(out[strlen(out) - 2], '}');
        }
    }
}

static void json_says_that_it_was_cut_and_keeps_what_fits(void **state)
{
    char out[SAID_BYTES];

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    said_as(LOG_JSON, speak_at_length, out);
    assert_non_null(strstr(out, "\"event\":\"long\",\"text\":\"xxx"));
    assert_non_null(strstr(out, "\"cut\":true}\n"));
}

/* A pipe of two pages that is full, and whose reader sleeps. */
static int fill_pipe(int fds[2])
{
    static const char page[4096];
    int own = dup(STDERR_FILENO);

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 2 * (int)sizeof page), 2 * sizeof page);
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(fds[1], page, sizeof page), sizeof page);
    dup2(fds[1], STDERR_FILENO);
    return own;
}

static void a_reader_that_sleeps_loses_lines_and_holds_up_nobody(void **state)
{
    char out[2 * 4096];
    int fds[2], own = fill_pipe(fds);
    ssize_t len;

    (void)state;
    log_enable(LOG_TEXT, "worker");
    for (int i = 0; i < 3; i++)
        speak_once(); /* a write would wait for ever */
    assert_int_equal(read(fds[0], out, sizeof out), sizeof out);
    speak_once();
    log_enable(LOG_OFF, NULL);
    dup2(own, STDERR_FILENO);
    close(own);
    len = read(fds[0], out, sizeof out - 1);
    assert_true(len > 0);
    out[len] = '\0';
    assert_memory_equal(out, "log_lost lines=3\nattempt_failed job=7 ", 38);
    close(fds[0]);
    close(fds[1]);
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
        cmocka_unit_test(text_values_that_would_break_a_line_are_quoted),
        cmocka_unit_test(json_has_the_fields_of_cloud_logging),
        cmocka_unit_test(hostile_bytes_stay_in_their_json_string),
        cmocka_unit_test(a_reader_that_sleeps_loses_lines_and_holds_up_nobody),
        cmocka_unit_test(json_says_that_it_was_cut_and_keeps_what_fits),
        cmocka_unit_test(a_long_line_is_cut_and_still_a_line),
        cmocka_unit_test(quote_escapes_what_would_break_a_line),
        cmocka_unit_test(quote_fits_any_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
