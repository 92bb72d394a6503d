/*
 * run_kit: a whole run inside a test: a folder, a nursery, a job, its input.
 *
 *     run_kit_open(&kit, "return { map = ..., reduce = ... }", "a b\n");
 *     kit.slots = 1;                                         and other flags
 *     run_kit_start(&kit);                                   kit.shell
 *     run_kit_wait(&kit);                                    steps to the end of the job
 *     run_kit_close(&kit);
 *
 * The test's main() must be RUN_KIT_MAIN(tests): the nursery is the test itself, executed again.
 */
#ifndef CTEST_CLI_RUN_KIT_H
#define CTEST_CLI_RUN_KIT_H

#include "cli/kit.h"

#include "attempt/attempt.h"
#include "cli/run_shell.h"
#include "cli/run_state.h"
#include "folder.h"

#include <signal.h>

#define RUN_KIT_MAIN(tests)                                                                        \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        if (nursery_is_asked(argc, argv))                                                          \
            return nursery_main();                                                                 \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

struct run_kit {
    struct folder folder;
    struct nursery *nursery;
    struct buf bundle;
    struct buf view;
    struct run_shell *shell;
    const char *output;    /* a name in the folder; NULL: standard output */
    const char *side_file; /* the same, of the side file "a"; NULL: there is none */
    uint64_t slots, reducers, split_bytes, attempts;
    bool overwrite;
    struct err err;
};

static inline void run_kit_open(struct run_kit *kit, const char *source, const char *text)
{
    struct attempt_load load = {.memory_bytes = 64 << 20};
    struct buf detail = {0};

    *kit = (struct run_kit){.slots = 2, .reducers = 2, .split_bytes = 4, .output = "out"};
    folder_make(&kit->folder);
    folder_mkdir(&kit->folder, "tmp");
    folder_write(&kit->folder, "in", text, strlen(text));
    kit->nursery = nursery_start(&kit->err);
    assert_non_null(kit->nursery);
    kit_bundle(&kit->bundle, "job.lua", source);
    load.bundle = buf_slice(&kit->bundle);
    if (attempt_load_job(kit->nursery, &load, &kit->view, &detail, NULL, &kit->err) != 0)
        fail_msg("%s", kit->err.message);
    buf_deinit(&detail);
}

static inline void run_kit_args(const struct run_kit *kit, struct buf *args)
{
    const char *inputs[] = {folder_path(&kit->folder, "in"), NULL};

    kit_args_begin(args, buf_slice(&kit->bundle), buf_slice(&kit->view), inputs);
    field_integer(args, "slots", kit->slots);
    field_integer(args, "reducers", kit->reducers);
    field_integer(args, "split_bytes", kit->split_bytes);
    field_boolean(args, "overwrite", kit->overwrite);
    field_string(args, "tmp", folder_path(&kit->folder, "tmp"));
    if (kit->side_file) {
        field_name(args, "files");
        value_write_table_begin(args);
        field_string(args, "a", folder_path(&kit->folder, kit->side_file));
        value_write_table_end(args);
    }
    if (kit->output)
        field_string(args, "output", folder_path(&kit->folder, kit->output));
    kit_args_end(args);
}

/* False: kit->err says why not. */
static inline bool run_kit_start(struct run_kit *kit)
{
    struct buf args = {0};

    run_kit_args(kit, &args);
    kit->shell = run_shell_open(kit->nursery, buf_slice(&args), &kit->err);
    buf_deinit(&args);
    return kit->shell;
}

static inline void run_kit_step(struct run_kit *kit)
{
    assert_int_equal(run_shell_step(kit->shell, 5, &kit->err), 0);
}

static inline void run_kit_wait(struct run_kit *kit)
{
    while (!run_shell_finished(kit->shell))
        run_kit_step(kit);
}

/* The outcome as a value; release with buf_deinit(). */
static inline struct buf run_kit_outcome(struct run_kit *kit)
{
    struct buf out = {0};

    run_shell_outcome(kit->shell, NULL, &out);
    assert_int_equal(value_check(buf_slice(&out), &kit->err), 0);
    return out;
}

/* What `find` says about a name in the folder: is there anything but what the test made? */
static inline bool run_kit_is_clean(const struct run_kit *kit)
{
    char command[2 * FOLDER_PATH_BYTES + 100];

    snprintf(command, sizeof command,
             "test -z \"$(ls -A '%s/tmp'; ls -A '%s' | grep -vx -e tmp -e in)\"", kit->folder.path,
             kit->folder.path);
    return system(command) == 0;
}

/* All parts of the output, one after the other, sorted by line. */
static inline void run_kit_expect(const struct run_kit *kit, const char *expected)
{
    char command[FOLDER_PATH_BYTES + 100], text[4096] = "";
    FILE *pipe;
    size_t len;

    snprintf(command, sizeof command, "cat '%s'/out/part-* | LC_ALL=C sort", kit->folder.path);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    len = fread(text, 1, sizeof text - 1, pipe);
    text[len] = '\0';
    assert_int_equal(pclose(pipe), 0);
    assert_string_equal(text, expected);
}

static inline void run_kit_close(struct run_kit *kit)
{
    run_shell_close(kit->shell);
    nursery_stop(kit->nursery);
    buf_deinit(&kit->bundle);
    buf_deinit(&kit->view);
    folder_remove(&kit->folder);
}

#endif
