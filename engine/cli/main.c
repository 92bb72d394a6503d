/*
 * main: build/mrlua. The commands are Lua (lua/mrlua/cli/main.lua); here is what must come before
 * a Lua state, and what must come after it whatever happened inside.
 */
#include "attempt/nursery.h"
#include "cli/functions.h"
#include "cli/version.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A pipe whose reader has gone, or a terminal that has. */
static bool has_left(int fd)
{
    struct pollfd reader = {.fd = fd, .events = POLLOUT};

    return poll(&reader, 1, 0) == 1 && (reader.revents & (POLLERR | POLLHUP)) != 0;
}

/* Output that could not be written is a failure, unless nobody wanted to read it any more. A write
 * that failed on the way leaves nothing to flush. */
static int flush(int exit_code)
{
    bool has_failed = ferror(stdout) != 0;

    has_failed |= fflush(stdout) != 0;
    if (!has_failed || has_left(STDOUT_FILENO))
        return exit_code;
    fprintf(stderr, "mrlua: write to standard output failed\n");
    return exit_code == 0 ? EXIT_FAILED : exit_code;
}

/* They need it, and it loads while Lua reads the command line. A failure is told when it is
 * needed. */
static struct nursery *start_early(int argc, char **argv)
{
    struct err ignored;

    if (argc < 3 || (strcmp(argv[1], "run") != 0 && strcmp(argv[1], "submit") != 0))
        return NULL;
    return nursery_start(&ignored);
}

/* A standard descriptor that is closed would be the next file we open, and what is meant for the
 * user would go there. So it becomes one that cannot be used. */
static void reserve_standard_fds(void)
{
    int fd;

    do
        fd = open("/dev/null", O_PATH);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int print_version(bool is_json)
{
    struct buf text = {0};

    if (is_json)
        version_json(&text);
    else
        version_text(&text);
    fwrite(text.ptr, 1, text.len, stdout);
    buf_deinit(&text);
    return flush(0);
}

int main(int argc, char **argv)
{
    struct functions functions = {0};
    struct err err;
    int exit_code = EXIT_USAGE;

    if (nursery_is_asked(argc, argv))
        return nursery_main();
    reserve_standard_fds();
    signal(SIGPIPE, SIG_IGN); /* a reader of our output that leaves is told by EPIPE */
    if (argc >= 2 && argc <= 3 && strcmp(argv[1], "--version") == 0 &&
        (argc == 2 || strcmp(argv[2], "--json") == 0))
        return print_version(argc == 3);
    functions.nursery = start_early(argc, argv);
    if (vm_host_run("mrlua.cli.main", argc, argv, FUNCTIONS, &functions, &exit_code, &err) != 0) {
        fprintf(stderr, "mrlua: %s\n", err.message);
        exit_code = EXIT_FAILED;
    }
    functions_deinit(&functions);
    return flush(exit_code);
}
