#include "cli/line.h"

#include "base/mem.h"
#include "cli/functions.h"
#include "cli/line_edit.h"
#include "cli/line_history.h"
#include "record/fields.h"
#include "record/value.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct line {
    struct line_edit *edit;
    char *history_path; /* NULL: there is none, or it does not work */
    char *last;         /* of the history */
    struct vm_host *host;
    struct sigaction sigint_before;
};

static struct vm_host *interruptible;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    vm_host_interrupt(interruptible);
}

static bool is_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static bool is_editable(void)
{
    const char *term = getenv("TERM");

    return is_terminal() && term && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

/* Tells why, and goes on without. */
static void give_up_history(struct line *line, const struct err *err, struct buf *result)
{
    field_string(result, "warning", err->message);
    free(line->history_path);
    line->history_path = NULL;
}

static void load_history(struct line *line, struct buf *result)
{
    struct buf lines = {0};
    struct err err;

    if (line_history_load(line->history_path, &lines, &err) != 0)
        give_up_history(line, &err, result);
    for (char *at = lines.ptr, *end; at && at < lines.ptr + lines.len; at = end + 1) {
        end = memchr(at, '\n', (size_t)(lines.ptr + lines.len - at));
        *end = '\0';
        line_edit_remember(line->edit, at);
    }
    buf_deinit(&lines);
}

int line_open(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err)
{
    struct functions *functions = context;
    struct sigaction action = {.sa_handler = on_interrupt};
    struct line_edit *edit = NULL;
    struct line *line;

    if (functions->line)
        return err_set(err, ERR_SETUP, "line_open: a prompt is open");
    if (is_editable()) {
        edit = line_edit_open(stdin, stdout, err);
        if (!edit)
            return -1;
    }
    value_write_table_begin(result);
    field_boolean(result, "is_terminal", is_terminal());
    field_boolean(result, "edits", edit != NULL);
    if (edit) {
        functions->line = line = mem_alloc(sizeof *line);
        line->edit = edit;
        line->host = host;
        line->history_path = field_text(args, "history");
        if (line->history_path)
            load_history(line, result);
        interruptible = host;
        sigaction(SIGINT, &action, &line->sigint_before);
    }
    value_write_table_end(result);
    return 0;
}

static int poll_lua(void *context, struct buf *text, struct err *err)
{
    struct line *line = context;
    struct buf answer = {0};
    struct value_reader reader;
    struct datum datum;
    int rc = vm_host_call(line->host, "line_poll", slice_of(NULL, 0), &answer, err);

    if (rc == 0 && answer.len > 0) {
        value_reader_init(&reader, buf_slice(&answer));
        if (value_read(&reader, &datum, err) == 1 && datum.type == DATUM_STRING)
            buf_append(text, datum.string.ptr, datum.string.len);
    }
    buf_deinit(&answer);
    return rc;
}

static int complete_lua(void *context, struct slice text, size_t position,
                        struct line_completion *completion, struct err *err)
{
    struct line *line = context;
    struct buf args = {0}, answer = {0};
    struct slice insert, list;
    int rc;

    value_write_table_begin(&args);
    field_name(&args, "line");
    value_write_string(&args, text);
    field_integer(&args, "position", position);
    value_write_table_end(&args);
    rc = vm_host_call(line->host, "line_complete", buf_slice(&args), &answer, err);
    if (rc == 0) {
        completion->erase = (uint32_t)value_field_integer(buf_slice(&answer), "erase", 0);
        insert = value_field_string(buf_slice(&answer), "insert", "");
        list = value_field_string(buf_slice(&answer), "list", "");
        buf_append(&completion->insert, insert.ptr, insert.len);
        buf_append(&completion->list, list.ptr, list.len);
    }
    buf_deinit(&args);
    buf_deinit(&answer);
    return rc;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t")] == '\0';
}

static void remember(struct line *line, const char *text, struct buf *result)
{
    struct err err;

    if (is_blank(text) || (line->last && strcmp(line->last, text) == 0))
        return;
    line_edit_remember(line->edit, text);
    free(line->last);
    line->last = mem_strdup(text);
    if (line->history_path && line_history_append(line->history_path, text, &err) != 0)
        give_up_history(line, &err, result);
}

int line_read(void *context, struct vm_host *host, struct slice args, struct buf *result,
              struct err *err)
{
    struct functions *functions = context;
    struct line *line = functions->line;
    struct line_events events = {.complete = complete_lua, .context = line};
    struct buf text = {0};
    char *prompt;
    int end;

    (void)host;
    if (!line)
        return err_set(err, ERR_SETUP, "line_read: no prompt is open");
    if (value_field_boolean(args, "polls", false))
        events.poll = poll_lua;
    prompt = field_text(args, "prompt");
    end = line_edit_read(line->edit, prompt ? prompt : "", &events, &text, err);
    if (end >= 0) {
        value_write_table_begin(result);
        if (end == LINE_READ) {
            field_string(result, "line", buf_string(&text));
            remember(line, buf_string(&text), result);
        } else if (end == LINE_INTERRUPTED) {
            field_boolean(result, "is_interrupted", true);
        } else if (end == LINE_ENDED) {
            field_boolean(result, "is_ended", true);
        } else if (end == LINE_TOO_LONG) {
            field_integer(result, "characters_max", LINE_EDIT_CHARACTERS_MAX);
        } else {
            field_integer(result, "signal", (uint64_t)end - 128);
        }
        value_write_table_end(result);
    }
    free(prompt);
    buf_deinit(&text);
    return end >= 0 ? 0 : -1;
}

void line_release(struct line *line)
{
    if (!line)
        return;
    sigaction(SIGINT, &line->sigint_before, NULL);
    interruptible = NULL;
    line_edit_close(line->edit);
    free(line->history_path);
    free(line->last);
    free(line);
}

int line_close(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err)
{
    struct functions *functions = context;

    (void)host, (void)args, (void)result, (void)err;
    line_release(functions->line);
    functions->line = NULL;
    return 0;
}

int line_pause(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err)
{
    (void)context, (void)host, (void)result, (void)err;
    poll(NULL, 0, (int)value_field_integer(args, "milliseconds", 0));
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in `folder` that begin with `start`; those with a dot only if it has one. */
static size_t read_names(const char *folder, const char *start, char **names)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    size_t count = 0;

    while (dir && count < LINE_PATHS_MAX && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;

        if (strncmp(name, start, strlen(start)) == 0 && (name[0] != '.' || start[0] == '.') &&
            strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            names[count++] = mem_strdup(name);
    }
    if (dir)
        closedir(dir);
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

/* A folder that cannot be read has no names to offer. */
int line_paths(void *context, struct vm_host *host, struct slice args, struct buf *result,
               struct err *err)
{
    char *prefix = field_text(args, "prefix"),
         **names = mem_alloc_array(LINE_PATHS_MAX, sizeof *names);
    const char *slash = prefix ? strrchr(prefix, '/') : NULL;
    size_t folder_len = slash ? (size_t)(slash - prefix) + 1 : 0, count;
    struct buf path = {0};

    (void)context, (void)host, (void)err;
    buf_append(&path, prefix ? prefix : "", folder_len);
    count = read_names(folder_len > 0 ? buf_string(&path) : ".", prefix ? prefix + folder_len : "",
                       names);
    value_write_table_begin(result);
    for (size_t i = 0; i < count; i++) {
        struct stat status;

        path.len = folder_len;
        buf_append_string(&path, names[i]);
        if (stat(buf_string(&path), &status) == 0 && S_ISDIR(status.st_mode))
            buf_append_byte(&path, '/');
        value_write_integer(result, (int64_t)i + 1);
        value_write_string(result, buf_slice(&path));
        free(names[i]);
    }
    value_write_table_end(result);
    buf_deinit(&path);
    free(names);
    free(prefix);
    return 0;
}
