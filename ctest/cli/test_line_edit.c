/* What it looks like on a screen is seen in spec/mrlua/repl/prompt_spec.lua. */
#include "cli/line_edit.h"

#include "cli/terminal.h"

#include <locale.h>
#include <signal.h>
#include <termios.h>

static struct terminal terminal;
static struct line_edit *edit;
static struct buf line;
static struct err err;

/* What is typed, a text at a time, each when nothing of the one before is left to be read. */
static const char *const *typed;
static int signal_to_raise; /* in place of a text that is "" */

static int type_next(void *context, struct buf *text, struct err *error)
{
    (void)context, (void)text, (void)error;
    terminal_shown(&terminal);
    if (*typed && **typed)
        terminal_type(&terminal, *typed++);
    else if (*typed)
        typed++, raise(signal_to_raise);
    return 0;
}

static struct line_events events = {.poll = type_next};

static int read_typed(const char *const *texts)
{
    typed = texts;
    buf_clear(&line);
    return line_edit_read(edit, "> ", &events, &line, &err);
}

#define READ(...) read_typed((const char *const[]){__VA_ARGS__, NULL})

/* One editor for all: of more than four, ncurses forgets the first terminals without releasing
 * them. */
static int open_editor(void **state)
{
    (void)state;
    setenv("HOME", "/nowhere", 1); /* no .editrc */
    terminal_open(&terminal);
    edit = line_edit_open(terminal.in, terminal.out, &err);
    return edit ? 0 : -1;
}

static int close_editor(void **state)
{
    (void)state;
    line_edit_close(edit);
    terminal_close(&terminal);
    buf_deinit(&line);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    terminal_resize(&terminal, 80);
    terminal_shown(&terminal);
    buf_clear(&terminal.shown);
    events = (struct line_events){.poll = type_next};
    return 0;
}

static void a_line_ends_with_return(void **state)
{
    (void)state;
    assert_int_equal(READ("1 + 1\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "1 + 1");
    assert_int_equal(READ("\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "");
}

static void it_is_edited_before(void **state)
{
    (void)state;
    assert_int_equal(READ("ac", "\033[D", "b", "\001", "x", "\005", "!\177?\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "xabc?");
}

static void characters_of_several_bytes_are_one(void **state)
{
    (void)state;
    assert_int_equal(READ("h\xc3", "\xa9\xe2\x82\xac!", "\177\177", "\xff\xf0\x9f\x98\x80\r"),
                     LINE_READ);
    assert_string_equal(buf_string(&line), "h\xc3\xa9\xf0\x9f\x98\x80");
}

static void earlier_lines_come_back(void **state)
{
    (void)state;
    line_edit_remember(edit, "first");
    line_edit_remember(edit, "second");
    line_edit_remember(edit, "second");
    line_edit_remember(edit, "");
    assert_int_equal(READ("\033[A", "\033[A", "\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "first");
    assert_int_equal(READ("\022", "sec", "\r", "\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "second");
}

static void ctrl_d_ends_it_on_an_empty_line(void **state)
{
    (void)state;
    assert_int_equal(READ("ab", "\001", "\004\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "b");
    assert_int_equal(READ("\004"), LINE_ENDED);
}

static void a_terminal_that_is_gone_ends_it(void **state)
{
    struct terminal other;
    struct line_edit *on_other;

    (void)state;
    terminal_open(&other);
    on_other = line_edit_open(other.in, other.out, &err);
    assert_non_null(on_other);
    close(other.user_fd);
    other.user_fd = -1;
    events.poll = NULL;
    assert_int_equal(line_edit_read(on_other, "> ", &events, &line, &err), LINE_ENDED);
    line_edit_close(on_other);
    fclose(other.in);
    fclose(other.out);
}

static int handled;

static void handle(int signal_number)
{
    handled = signal_number;
}

static void signals_end_the_reading_and_not_the_process(void **state)
{
    struct sigaction before, action = {.sa_handler = handle};

    (void)state;
    sigaction(SIGINT, &action, NULL);
    signal_to_raise = SIGINT;
    assert_int_equal(READ("abc", ""), LINE_INTERRUPTED);
    assert_non_null(strstr(terminal_shown(&terminal), "abc^C\r"));
    signal_to_raise = SIGTERM;
    assert_int_equal(READ("abc", ""), 128 + SIGTERM);
    signal_to_raise = SIGHUP;
    assert_int_equal(READ(""), 128 + SIGHUP);
    assert_int_equal(handled, 0);
    raise(SIGINT); /* and afterwards they are whose they were */
    assert_int_equal(handled, SIGINT);
    sigaction(SIGTERM, NULL, &before);
    assert_true(before.sa_handler == SIG_DFL);
    assert_int_equal(READ("next\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "next");
    signal(SIGINT, SIG_DFL);
}

static void the_terminal_is_left_as_it_was(void **state)
{
    struct termios before, after;

    (void)state;
    tcgetattr(fileno(terminal.in), &before);
    READ("x\r");
    tcgetattr(fileno(terminal.in), &after);
    assert_int_equal(before.c_lflag, after.c_lflag);
    assert_int_equal(before.c_iflag, after.c_iflag);
    assert_int_equal(before.c_oflag, after.c_oflag);
}

static int tell_once(void *context, struct buf *text, struct err *error)
{
    bool *is_told = context;

    if (!*is_told && strstr(terminal_shown(&terminal), "half"))
        buf_append_string(text, "job 3 is done\n"), *is_told = true;
    return type_next(context, text, error);
}

static void news_are_above_the_line_and_leave_it(void **state)
{
    bool is_told = false;

    (void)state;
    events = (struct line_events){.poll = tell_once, .context = &is_told};
    assert_int_equal(READ("half", " typed\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "half typed");
    assert_non_null(strstr(terminal_shown(&terminal), "\r\033[Jjob 3 is done\r"));
}

static int refuse(void *context, struct buf *text, struct err *error)
{
    (void)context, (void)text;
    return err_set(error, ERR_SETUP, "no news");
}

static int complete_word(void *context, struct slice text, size_t position,
                         struct line_completion *completion, struct err *error)
{
    if (context)
        return err_set(error, ERR_SETUP, "no words");
    if (slice_equal(slice_of(text.ptr, position), slice_of_string("x = h\xc3\xa9"))) {
        completion->erase = 2;
        buf_append_string(&completion->insert, "hello");
    } else {
        buf_append_string(&completion->list, "hello1 hello2\n");
    }
    return 0;
}

static void tab_replaces_a_word_or_lists_what_it_could_be(void **state)
{
    (void)state;
    events.complete = complete_word;
    assert_int_equal(READ("x = h\xc3\xa9)", "\033[D", "\t", "\t", "!\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "x = hello!)");
    assert_non_null(strstr(terminal_shown(&terminal), "hello1 hello2\r"));
}

static void what_fails_meanwhile_ends_it(void **state)
{
    (void)state;
    events.poll = refuse;
    assert_int_equal(READ("x"), -1);
    assert_string_equal(err.message, "no news");
    events = (struct line_events){type_next, complete_word, &events};
    assert_int_equal(READ("x\t"), -1);
    assert_string_equal(err.message, "no words");
}

/* Typed by a few at a time: each is drawn when nothing waits behind it. */
static void a_line_has_a_limit(void **state)
{
    static char all[LINE_EDIT_CHARACTERS_MAX + 1], most[LINE_EDIT_CHARACTERS_MAX];

    (void)state;
    memset(most, 'x', sizeof most - 1);
    memset(all, 'x', sizeof all - 1);
    assert_int_equal(READ(most, "\r"), LINE_READ);
    assert_int_equal(line.len, LINE_EDIT_CHARACTERS_MAX - 1);
    assert_int_equal(READ(all, "\r"), LINE_TOO_LONG);
    assert_int_equal(READ("\r"), LINE_READ);
}

static void a_new_size_is_heeded(void **state)
{
    (void)state;
    signal_to_raise = SIGWINCH;
    terminal_resize(&terminal, 20);
    assert_int_equal(READ("0123456789", "", "0123456789\r"), LINE_READ);
    assert_string_equal(buf_string(&line), "01234567890123456789");
}

static uint32_t row(size_t prompt, const wchar_t *text, uint32_t columns)
{
    return line_edit_row(prompt, text, text + wcslen(text), columns);
}

static void rows_are_counted_as_they_are_drawn(void **state)
{
    (void)state;
    assert_int_equal(row(2, L"", 10), 0);
    assert_int_equal(row(2, L"1234567", 10), 0);
    assert_int_equal(row(2, L"12345678", 10), 1); /* the cursor is in the next row already */
    assert_int_equal(row(2, L"123456789012345678", 10), 2);
    assert_int_equal(row(2, L"123456\x01", 10), 1); /* ^A */
    assert_int_equal(row(2, L"\t", 8), 1);
    assert_int_equal(row(0, L"\x4e16\x754c", 4), 1);
    assert_int_equal(row(1, L"\x4e16\x754c", 4), 1);
    assert_int_equal(row(1, L"\x4e16", 4), 0);
    assert_int_equal(row(2, L"abc", 0), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_ends_with_return),
        TEST(it_is_edited_before),
        TEST(characters_of_several_bytes_are_one),
        TEST(earlier_lines_come_back),
        TEST(ctrl_d_ends_it_on_an_empty_line),
        TEST(a_terminal_that_is_gone_ends_it),
        TEST(signals_end_the_reading_and_not_the_process),
        TEST(the_terminal_is_left_as_it_was),
        TEST(news_are_above_the_line_and_leave_it),
        TEST(tab_replaces_a_word_or_lists_what_it_could_be),
        TEST(what_fails_meanwhile_ends_it),
        TEST(a_line_has_a_limit),
        TEST(a_new_size_is_heeded),
        TEST(rows_are_counted_as_they_are_drawn),
    };

    return cmocka_run_group_tests(tests, open_editor, close_editor);
}
