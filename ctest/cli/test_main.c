/*
 * build/mrlua itself, as a shell runs it: exit codes, and descriptors that are not as usual. What
 * the commands say is in spec/cli.
 */
#include "test.h"

#include "command.h"
#include "folder.h"

static void assert_text(const struct folder *folder, const char *name, const char *expected)
{
    char *text = folder_read(folder, name);

    assert_string_equal(text, expected);
    free(text);
}

static void the_exit_code_tells_how_it_went(void **state)
{
    struct folder folder;
    char *text;

    (void)state;
    folder_make(&folder);
    assert_int_equal(command_run("cd %s && %s --version >out 2>err", folder.path, PROGRAM), 0);
    text = folder_read(&folder, "out");
    assert_memory_equal(text, "mrlua " MRLUA_VERSION "\n", strlen("mrlua " MRLUA_VERSION "\n"));
    free(text);
    assert_text(&folder, "err", "");
    assert_int_equal(command_run("cd %s && %s no-such-word >out 2>err", folder.path, PROGRAM), 2);
    assert_text(&folder, "out", "");
    folder_remove(&folder);
}

static void output_that_cannot_be_written_is_a_failure(void **state)
{
    /* the last one is written at once, past what is flushed at the end */
    static const char *const words[] = {"--version", "help", "completion bash"};
    static const char *const outputs[] = {"/dev/full", "&-"};
    struct folder folder;

    (void)state;
    folder_make(&folder);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(command_run("cd %s && %s %s >%s 2>err", folder.path, PROGRAM, words[i / 2],
                                     outputs[i % 2]),
                         1);
        assert_text(&folder, "err", "mrlua: write to standard output failed\n");
    }
    folder_remove(&folder);
}

static void such_output_does_not_hide_another_exit_code(void **state)
{
    struct folder folder;

    (void)state;
    folder_make(&folder);
    assert_int_equal(
        command_run("cd %s && %s check no.lua --json >/dev/full 2>err", folder.path, PROGRAM), 2);
    assert_text(&folder, "err",
                "mrlua: no.lua: No such file or directory\n"
                "mrlua: write to standard output failed\n");
    folder_remove(&folder);
}

static void a_reader_that_leaves_is_none(void **state)
{
    enum { WRITER = 9 };
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], WRITER), WRITER);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(command_run("%s --version >&%d", PROGRAM, WRITER), 0);
    assert_int_equal(command_run("%s help >&%d", PROGRAM, WRITER), 0);
    assert_int_equal(command_run("%s completion bash >&%d", PROGRAM, WRITER), 0);
    close(WRITER);
}

/* Files that are opened do not become the standard descriptors that are closed. */
static void what_is_for_the_user_goes_to_no_file(void **state)
{
    static const char job[] =
        "return { map = function(_, line, emit) print(line) emit(line, 1) end,"
        " reduce = 'sum' }";
    struct folder folder;

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "job.lua", job, strlen(job));
    folder_write(&folder, "in", "a\n", 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(command_run("cd %s && %s run job.lua in --reducers 1 --tmp . --overwrite "
                                     "-o out 2>%s",
                                     folder.path, PROGRAM, i == 0 ? "err" : "&- <&- >&-"),
                         0);
        assert_text(&folder, "out/part-00000", "a\t1\n");
        assert_text(&folder, "in", "a\n");
    }
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_tells_how_it_went),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(such_output_does_not_hide_another_exit_code),
        cmocka_unit_test(a_reader_that_leaves_is_none),
        cmocka_unit_test(what_is_for_the_user_goes_to_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
