#include "cli/watchdog.h"

#include "record/fields.h"
#include "record/value.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static char last_word[WATCHDOG_TEXT_BYTES_MAX];
static size_t last_word_bytes;

static void bite(int number)
{
    ssize_t written;

    (void)number;
    written = write(STDOUT_FILENO, last_word, last_word_bytes);
    (void)written; /* nobody is left to be told */
    _exit(WATCHDOG_EXIT_CODE);
}

static int limit_memory(uint64_t bytes, struct err *err)
{
#ifdef MRLUA_SANITIZE
    (void)bytes, (void)err;
#else
    struct rlimit limit = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return err_set(err, ERR_SETUP, "watchdog: limit memory: %s", strerror(errno));
#endif
    return 0;
}

int watchdog_set(void *context, struct vm_host *host, struct slice args, struct buf *result,
                 struct err *err)
{
    int64_t milliseconds = value_field_integer(args, "milliseconds", 0);
    int64_t memory_bytes = value_field_integer(args, "memory_bytes", 0);
    struct itimerval timer = {
        .it_value = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000}};
    struct sigaction action = {.sa_handler = bite};
    char *text = field_text(args, "text");
    size_t bytes = text ? strlen(text) : 0;

    (void)context, (void)host;
    if (bytes > sizeof last_word)
        bytes = sizeof last_word;
    memcpy(last_word, text ? text : "", bytes);
    last_word_bytes = bytes;
    free(text);
    if (milliseconds <= 0 || memory_bytes <= 0)
        return err_set(err, ERR_SETUP, "watchdog: milliseconds and memory_bytes must be above 0");
    if (limit_memory((uint64_t)memory_bytes, err) != 0)
        return -1;
    if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &timer, NULL) != 0)
        return err_set(err, ERR_SETUP, "watchdog: set a timer: %s", strerror(errno));
    value_write_table_begin(result);
    value_write_table_end(result);
    return 0;
}
