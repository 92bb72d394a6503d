#include "cli/line_edit.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TAB_COLUMNS = 8, HISTORY_COUNT_MAX = 2000, ROWS_USUAL = 24, COLUMNS_USUAL = 80 };

struct line_edit {
    FILE *in, *out;
    EditLine *editor;
    History *history;
    char *locale_before;
    /* of a reading */
    const char *prompt;
    const struct line_events *events;
    uint64_t poll_at_ns;
    sigset_t waiting_mask; /* signals come only while it waits for a key */
    mbstate_t partial;     /* of a character of several bytes */
    enum { GOES_ON, IS_INTERRUPTED, IS_ENDED_BY_SIGNAL, IS_TOO_LONG, HAS_FAILED } state;
    struct err *err;
};

static const int SIGNALS[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};
enum { SIGNAL_COUNT = sizeof SIGNALS / sizeof SIGNALS[0] };

static volatile sig_atomic_t has_come[SIGNAL_COUNT];

static void on_signal(int signal_number)
{
    for (int i = 0; i < SIGNAL_COUNT; i++)
        if (SIGNALS[i] == signal_number)
            has_come[i] = 1;
}

/* Did it come since this was asked last? */
static bool take_signal(int signal_number)
{
    bool answer = false;

    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (SIGNALS[i] == signal_number) {
            answer = has_come[i];
            has_come[i] = 0;
        }
    }
    return answer;
}

static char *prompt_of(EditLine *editor)
{
    struct line_edit *edit = NULL;

    el_get(editor, EL_CLIENTDATA, &edit);
    return (char *)edit->prompt;
}

/* Columns that libedit gives a character that stands at `column`. */
static uint32_t width_at(wchar_t character, uint64_t column)
{
    int width = wcwidth(character);

    if (character == L'\t')
        return TAB_COLUMNS - (uint32_t)(column % TAB_COLUMNS);
    if (character < L' ' || character == 0x7f)
        return 2; /* ^A */
    return width >= 0 ? (uint32_t)width : sizeof "\\U+123" - 1;
}

uint32_t line_edit_row(size_t prompt_columns, const wchar_t *begin, const wchar_t *end,
                       uint32_t columns)
{
    uint64_t column = prompt_columns;

    if (columns == 0)
        return 0;
    for (const wchar_t *at = begin; at < end; at++) {
        uint32_t width = width_at(*at, column);

        if (*at != L'\t' && width == 2 && column % columns == columns - 1)
            column++; /* a wide one does not fit there, and begins the next row */
        column += width;
    }
    return (uint32_t)(column / columns);
}

static struct winsize size_of(struct line_edit *edit)
{
    struct winsize size = {0};

    if (ioctl(fileno(edit->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){.ws_row = ROWS_USUAL, .ws_col = COLUMNS_USUAL};
    return size;
}

/* The row of the cursor, and that of the line's end. */
static void find_rows(struct line_edit *edit, uint32_t *cursor, uint32_t *last)
{
    const LineInfoW *info = el_wline(edit->editor);
    struct winsize size = size_of(edit);
    size_t prompt_columns = strlen(edit->prompt);
    uint32_t row_max = size.ws_row - 1u;

    *cursor = line_edit_row(prompt_columns, info->buffer, info->cursor, size.ws_col);
    *last = line_edit_row(prompt_columns, info->buffer, info->lastchar, size.ws_col);
    *cursor = *cursor < row_max ? *cursor : row_max;
    *last = *last < row_max ? *last : row_max;
}

/* Behind the line, on a row of its own. */
static void leave_line(struct line_edit *edit, const char *mark)
{
    uint32_t cursor, last;

    find_rows(edit, &cursor, &last);
    if (last > cursor)
        fprintf(edit->out, "\033[%uB", last - cursor);
    fprintf(edit->out, "%s\r\n", mark);
    fflush(edit->out);
}

/* The cursor is where the line began, and there is nothing below. */
static void erase_line(struct line_edit *edit)
{
    uint32_t cursor, last;

    find_rows(edit, &cursor, &last);
    if (cursor > 0)
        fprintf(edit->out, "\033[%uA", cursor);
    fputs("\r\033[J", edit->out);
}

/* The rows of the line become those of the text, and the line is drawn again below. */
static void show_above(struct line_edit *edit, struct slice text)
{
    if (text.len == 0)
        return;
    erase_line(edit);
    for (const char *at = text.ptr; at < text.ptr + text.len; at++) {
        if (*at == '\n')
            fputc('\r', edit->out);
        fputc(*at, edit->out);
    }
    if (text.ptr[text.len - 1] != '\n')
        fputs("\r\n", edit->out);
    el_set(edit->editor, EL_REFRESH);
    fflush(edit->out);
}

static int fail(struct line_edit *edit)
{
    edit->state = HAS_FAILED;
    return -1;
}

/* Ctrl-Z: the shell has the terminal, until it says to go on. */
static void stop_here(struct line_edit *edit)
{
    struct sigaction own, usual = {.sa_handler = SIG_DFL};
    sigset_t stop;

    leave_line(edit, "");
    el_set(edit->editor, EL_PREP_TERM, 0);
    sigaction(SIGTSTP, &usual, &own);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    raise(SIGTSTP);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    sigaction(SIGTSTP, &own, NULL);
    el_set(edit->editor, EL_PREP_TERM, 1);
    el_set(edit->editor, EL_REFRESH);
}

/* 0: the reading goes on. -1: it does not. */
static int heed_signals(struct line_edit *edit)
{
    if (take_signal(SIGINT)) {
        edit->state = IS_INTERRUPTED;
        leave_line(edit, "^C");
        return -1;
    }
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        if (has_come[i] && (SIGNALS[i] == SIGTERM || SIGNALS[i] == SIGHUP)) {
            edit->state = IS_ENDED_BY_SIGNAL; /* which, line_edit_read() asks again */
            leave_line(edit, "");
            return -1;
        }
    }
    if (take_signal(SIGTSTP))
        stop_here(edit);
    if (take_signal(SIGWINCH)) {
        erase_line(edit);
        el_resize(edit->editor);
        el_set(edit->editor, EL_REFRESH);
    }
    return 0;
}

/* Asks for news when it is time. */
static int look_for_news(struct line_edit *edit)
{
    struct buf text = {0};
    int rc;

    if (!edit->events->poll || clock_monotonic_ns() < edit->poll_at_ns)
        return 0;
    rc = edit->events->poll(edit->events->context, &text, edit->err);
    if (rc == 0)
        show_above(edit, buf_slice(&text));
    buf_deinit(&text);
    edit->poll_at_ns = clock_monotonic_ns() + LINE_EDIT_POLL_MS * NS_PER_MS;
    return rc == 0 ? 0 : fail(edit);
}

/* 1: there is a byte to read. -1: it is over. */
static int wait_for_key(struct line_edit *edit)
{
    for (;;) {
        struct pollfd readable = {.fd = fileno(edit->in), .events = POLLIN};
        uint64_t now = clock_monotonic_ns();
        uint64_t left = edit->poll_at_ns > now ? edit->poll_at_ns - now : 0;
        struct timespec timeout = {.tv_nsec = (long)left};
        int rc;

        if (heed_signals(edit) != 0)
            return -1;
        rc = ppoll(&readable, 1, edit->events->poll ? &timeout : NULL, &edit->waiting_mask);
        if (rc < 0 && errno != EINTR) {
            err_set_errno(edit->err, ERR_SETUP, "wait for the terminal");
            return fail(edit);
        }
        if (rc > 0)
            return 1;
        if (rc == 0 && look_for_news(edit) != 0)
            return -1;
    }
}

/* libedit's own, which cannot wait for anything else. 1, 0 at the end of the input, -1. */
static int next_character(EditLine *editor, wchar_t *character)
{
    struct line_edit *edit = NULL;
    const LineInfoW *info;

    el_get(editor, EL_CLIENTDATA, &edit);
    info = el_wline(editor);
    if (info->lastchar - info->buffer >= LINE_EDIT_CHARACTERS_MAX) {
        edit->state = IS_TOO_LONG;
        leave_line(edit, "");
        return -1;
    }
    for (;;) {
        char byte;
        ssize_t count;
        size_t len;

        if (wait_for_key(edit) != 1)
            return -1;
        count = read(fileno(edit->in), &byte, 1);
        if (count <= 0)
            return 0; /* the terminal is gone */
        len = mbrtowc(character, &byte, 1, &edit->partial);
        if (len == (size_t)-1) /* no UTF-8: as if it had not been typed */
            edit->partial = (mbstate_t){0};
        else if (len != (size_t)-2)
            return 1;
    }
}

/* libedit's line as bytes, and where in it the cursor is. */
static unsigned char complete(EditLine *editor, int key)
{
    struct line_edit *edit = NULL;
    struct line_completion completion = {0};
    const LineInfo *info = el_line(editor);
    unsigned char answer = CC_REFRESH;

    (void)key;
    el_get(editor, EL_CLIENTDATA, &edit);
    if (!edit->events->complete)
        return CC_NORM;
    if (edit->events->complete(
            edit->events->context, slice_of(info->buffer, (size_t)(info->lastchar - info->buffer)),
            (size_t)(info->cursor - info->buffer), &completion, edit->err) != 0) {
        edit->state = HAS_FAILED;
        answer = CC_EOF;
    } else if (completion.list.len > 0) {
        show_above(edit, buf_slice(&completion.list));
    } else if (completion.insert.len == 0) {
        answer = CC_ERROR;
    }
    if (answer == CC_REFRESH && completion.insert.len > 0) {
        el_deletestr(editor, (int)completion.erase);
        el_insertstr(editor, buf_string(&completion.insert));
    }
    buf_deinit(&completion.insert);
    buf_deinit(&completion.list);
    return answer;
}

static void bind_keys(EditLine *editor)
{
    static const char *const keys[][2] = {
        {"^I", "mrlua-complete"},          {"^R", "em-inc-search-prev"},
        {"^W", "ed-delete-prev-word"},     {"^U", "vi-kill-line-prev"},
        {"\\e[3~", "ed-delete-next-char"}, {"\\e[1;5C", "em-next-word"},
        {"\\e[1;5D", "ed-prev-word"},
    };

    el_set(editor, EL_EDITOR, "emacs");
    /* el_set() would copy the texts, and lose the copies. */
    el_wset(editor, EL_ADDFN, L"mrlua-complete", L"Complete names and paths", complete);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        el_set(editor, EL_BIND, keys[i][0], keys[i][1], NULL);
    el_source(editor, NULL); /* there may be none */
}

/* The environment of a service or a container often names none. */
static bool choose_locale(struct line_edit *edit)
{
    edit->locale_before = mem_strdup(setlocale(LC_CTYPE, NULL));
    return setlocale(LC_CTYPE, "C.UTF-8") != NULL;
}

struct line_edit *line_edit_open(FILE *in, FILE *out, struct err *err)
{
    struct line_edit *edit = mem_alloc(sizeof *edit);
    HistEvent ignored;

    edit->in = in;
    edit->out = out;
    edit->prompt = "";
    edit->history = history_init();
    edit->editor = choose_locale(edit) ? el_init("mrlua", in, out, out) : NULL;
    if (!edit->history || !edit->editor) {
        err_set(err, ERR_SETUP, "the line editor does not start: no memory, or no locale C.UTF-8");
        line_edit_close(edit);
        return NULL;
    }
    history(edit->history, &ignored, H_SETSIZE, HISTORY_COUNT_MAX);
    history(edit->history, &ignored, H_SETUNIQUE, 1);
    el_set(edit->editor, EL_CLIENTDATA, edit);
    el_set(edit->editor, EL_SIGNAL, 0);
    el_set(edit->editor, EL_HIST, history, edit->history);
    el_set(edit->editor, EL_PROMPT, prompt_of);
    el_set(edit->editor, EL_GETCFN, next_character);
    bind_keys(edit->editor);
    return edit;
}

void line_edit_close(struct line_edit *edit)
{
    if (!edit)
        return;
    if (edit->editor)
        el_end(edit->editor);
    if (edit->history)
        history_end(edit->history);
    setlocale(LC_CTYPE, edit->locale_before);
    free(edit->locale_before);
    free(edit);
}

void line_edit_remember(struct line_edit *edit, const char *line)
{
    HistEvent ignored;

    if (line[0] != '\0')
        history(edit->history, &ignored, H_ENTER, line);
}

static void catch_signals(struct line_edit *edit, struct sigaction before[], sigset_t *mask)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t own;

    sigemptyset(&own);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        sigaddset(&own, SIGNALS[i]);
    sigprocmask(SIG_BLOCK, &own, mask);
    edit->waiting_mask = *mask;
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        has_come[i] = 0;
        sigdelset(&edit->waiting_mask, SIGNALS[i]);
        sigaction(SIGNALS[i], &action, &before[i]);
        if (before[i].sa_handler == SIG_IGN) /* nohup */
            sigaction(SIGNALS[i], &before[i], NULL);
    }
}

/* Answers 128 + n if signal n wants the process to end, 0 otherwise. */
static int release_signals(const struct sigaction before[], const sigset_t *mask)
{
    int code = 0;

    sigprocmask(SIG_SETMASK, mask, NULL);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(SIGNALS[i], &before[i], NULL);
        if (has_come[i] && (SIGNALS[i] == SIGTERM || SIGNALS[i] == SIGHUP))
            code = 128 + SIGNALS[i];
    }
    return code;
}

int line_edit_read(struct line_edit *edit, const char *prompt, const struct line_events *events,
                   struct buf *line, struct err *err)
{
    struct sigaction before[SIGNAL_COUNT];
    sigset_t mask;
    const char *text;
    int count = 0, code;

    *err = (struct err){0};
    edit->prompt = prompt;
    edit->events = events;
    edit->err = err;
    edit->state = GOES_ON;
    edit->partial = (mbstate_t){0};
    edit->poll_at_ns = clock_monotonic_ns();
    catch_signals(edit, before, &mask);
    el_set(edit->editor, EL_PREP_TERM,
           1); /* it would do so behind the prompt: keys in between echo */
    text = el_gets(edit->editor, &count);
    if (text && edit->state == GOES_ON) {
        size_t len = (size_t)count;

        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
            len--;
        buf_append(line, text, len);
    }
    code = release_signals(before, &mask);
    if (code != 0)
        return code;
    if (edit->state == HAS_FAILED)
        return -1;
    if (edit->state == IS_INTERRUPTED)
        return LINE_INTERRUPTED;
    if (edit->state == IS_TOO_LONG)
        return LINE_TOO_LONG;
    if (text)
        return LINE_READ;
    fputs("\r\n", edit->out);
    fflush(edit->out);
    return LINE_ENDED;
}
