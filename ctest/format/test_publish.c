#include "format/publish.h"

#include "base/buf.h"
#include "fault/fault.h"
#include "folder.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { PART_COUNT = 2 };

static const struct publish_part parts[PART_COUNT] = {{.attempt = 4, .bytes = 5},
                                                      {.number = 1, .attempt = 9, .bytes = 0}};

static struct slice manifest(void)
{
    return slice_of_string("{\"the\":\"manifest\"}\n");
}

static const char BAD[] = "{\"a\":\"bad record\"}\n";

/* A claimed output with both parts written, and the part of an attempt that lost. Records were set
 * aside. */
static void begin(struct publish *publish, const struct folder *folder, bool overwrite)
{
    struct err err = {0};

    publish_init(publish, folder_path(folder, "out"), "job-1", overwrite);
    publish->bad = slice_of_string(BAD);
    if (publish_claim(publish, &err) != 0)
        fail_msg("%s", err.message);
    for (uint32_t i = 0; i < 3; i++) {
        struct publish_part lost = {.attempt = 3};
        int fd = publish_part_create(publish, i < 2 ? &parts[i] : &lost, &err);

        assert_true(fd >= 0);
        if (i != 1)
            assert_int_equal(write(fd, "hello", 5), 5);
        close(fd);
    }
}

static int commit(struct publish *publish, struct err *err)
{
    uint32_t lost;

    return publish_commit(publish, parts, PART_COUNT, manifest(), &lost, err);
}

static int abort_it(struct publish *publish)
{
    struct err ignored;

    return publish_abort(publish, &ignored);
}

static void make_old_output(const struct folder *folder)
{
    folder_mkdir(folder, "out");
    folder_write(folder, "out/part-00099", "old", 3);
    folder_mkdir(folder, "out/.mrlua-x");
    folder_write(folder, "out/.mrlua-x/old", "old", 3);
}

static void has_text(const struct folder *folder, const char *name, const char *expected)
{
    char *text = folder_read(folder, name);

    assert_string_equal(text, expected);
    free(text);
}

/* The output, all of it, and nothing else in the folder or beside it. */
static void check_committed(const struct folder *folder)
{
    has_text(folder, "out/part-00000", "hello");
    has_text(folder, "out/part-00001", "");
    has_text(folder, "out/_bad.jsonl", BAD);
    has_text(folder, "out/_SUCCESS", manifest().ptr);
    assert_int_equal(folder_count(folder), 5);
}

static void check_untouched(const struct folder *folder, bool has_old)
{
    if (has_old) {
        has_text(folder, "out/part-00099", "old");
        has_text(folder, "out/.mrlua-x/old", "old");
    }
    assert_int_equal(folder_count(folder), has_old ? 4 : 0);
}

static void commit_gives_parts_their_names_and_leaves_nothing_else(void **state)
{
    (void)state;
    for (int has_old = 0; has_old < 2; has_old++) {
        for (int overwrite = has_old; overwrite < 2; overwrite++) {
            struct folder folder;
            struct publish publish;
            struct err err = {0};

            folder_make(&folder);
            if (has_old)
                make_old_output(&folder);
            begin(&publish, &folder, overwrite);
            if (commit(&publish, &err) != 0)
                fail_msg("%s", err.message);
            check_committed(&folder);
            assert_int_equal(commit(&publish, &err), 0); /* again changes nothing */
            check_committed(&folder);
            assert_int_equal(abort_it(&publish), 0); /* nor does this */
            check_committed(&folder);
            publish_deinit(&publish);
            folder_remove(&folder);
        }
    }
}

/* Without records that were set aside there is no list of them. */
static void parts_have_the_suffix_that_readers_know_them_by(void **state)
{
    struct publish_part packed[PART_COUNT] = {parts[0], parts[1]};
    uint32_t lost;

    (void)state;
    packed[0].suffix = packed[1].suffix = ".zst";
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        struct folder folder;
        struct publish publish;
        struct err err = {0};

        folder_make(&folder);
        begin(&publish, &folder, overwrite);
        publish.bad = slice_of("", 0);
        if (publish_commit(&publish, packed, PART_COUNT, manifest(), &lost, &err) != 0)
            fail_msg("%s", err.message);
        has_text(&folder, "out/part-00000.zst", "hello");
        has_text(&folder, "out/part-00001.zst", "");
        assert_int_equal(folder_count(&folder), 4);
        publish_deinit(&publish);
        folder_remove(&folder);
    }
}

static struct publish_part write_further(const struct publish *publish, const char *output)
{
    struct publish_part part = {
        .output = output, .suffix = ".gz", .number = 3, .attempt = 8, .bytes = 5};
    struct err err = {0};
    int fd = publish_part_create(publish, &part, &err);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "wrong", 5), 5);
    close(fd);
    return part;
}

static void parts_of_further_outputs_are_committed_and_given_up_with_the_others(void **state)
{
    struct publish_part all[] = {
        parts[0], parts[1], {0}, {0}, {.output = "not_there", .attempt = 1}};
    uint32_t lost;

    (void)state;
    for (size_t missing = 0; missing < 2; missing++) {
        struct folder folder;
        struct publish publish;
        struct err err = {0};
        int rc;

        folder_make(&folder);
        begin(&publish, &folder, false);
        all[2] = write_further(&publish, "errors");
        all[3] = write_further(&publish, "e_2");
        rc = publish_commit(&publish, all, 4 + missing, manifest(), &lost, &err);
        assert_int_equal(rc, missing ? -1 : 0);
        has_text(&folder, "out/part-00000", "hello");
        has_text(&folder, "out/errors-00003.gz", "wrong");
        has_text(&folder, "out/e_2-00003.gz", "wrong");
        if (missing) {
            assert_int_equal(abort_it(&publish), 0);
            check_untouched(&folder, false);
        }
        publish_deinit(&publish);
        folder_remove(&folder);
    }
}

static void abort_leaves_what_was_there_before(void **state)
{
    (void)state;
    for (int has_old = 0; has_old < 2; has_old++) {
        struct folder folder;
        struct publish publish;

        folder_make(&folder);
        if (has_old)
            make_old_output(&folder);
        begin(&publish, &folder, has_old);
        assert_int_equal(abort_it(&publish), 0);
        check_untouched(&folder, has_old);
        assert_int_equal(abort_it(&publish), 0);
        publish_deinit(&publish);
        folder_remove(&folder);
    }
}

static void refuses(const struct folder *folder, const char *output, const char *part)
{
    struct publish publish;
    struct err err = {0};
    int before = folder_count(folder);

    publish_init(&publish, output, "job-2", false);
    assert_int_equal(publish_claim(&publish, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    if (strncmp(err.message, "output ", 7) != 0 || !strstr(err.message, part))
        fail_msg("%s", err.message);
    assert_int_equal(folder_count(folder), before);
    publish_deinit(&publish);
}

static void output_that_cannot_be_had_is_refused_and_left_alone(void **state)
{
    struct folder folder;
    struct publish publish;

    (void)state;
    folder_make(&folder);
    make_old_output(&folder);
    refuses(&folder, folder_path(&folder, "out/"),
            "is not empty: choose another folder or add --overwrite");
    refuses(&folder, folder_path(&folder, "out/part-00099"), "not a folder");
    refuses(&folder, folder_path(&folder, "absent/out"), "No such file or directory");
    publish_init(&publish, folder_path(&folder, "new"), "job-1", false);
    assert_int_equal(publish_claim(&publish, &(struct err){0}), 0);
    refuses(&folder, folder_path(&folder, "new"), "job job-1 (pid ");
    assert_int_equal(abort_it(&publish), 0);
    publish_deinit(&publish);
    folder_remove(&folder);
}

/* To overwrite a folder is to remove what is in it. */
static void what_no_job_wrote_is_not_overwritten(void **state)
{
    static const char *const names[] = {"thesis.txt", "job.lua", "access-20240101.gz",
                                        ".git",       "part-1",  "_notes"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct folder folder;
        struct publish publish;
        struct err err;
        char name[64];

        folder_make(&folder);
        make_old_output(&folder);
        snprintf(name, sizeof name, "out/%s", names[i]);
        folder_write(&folder, name, "mine", 4);
        publish_init(&publish, folder_path(&folder, "out"), "job-1", true);
        assert_int_equal(publish_claim(&publish, &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, names[i]));
        assert_non_null(strstr(err.message, "written by no job"));
        publish_deinit(&publish);
        has_text(&folder, name, "mine");
        has_text(&folder, "out/part-00099", "old");
        assert_int_equal(folder_count(&folder), 5);
        folder_remove(&folder);
    }
}

/* A job that was killed behind the exchange: its claim is gone, what it was removing is not. */
static void what_killed_jobs_left_beside_the_folder_is_removed(void **state)
{
    struct folder folder;
    struct publish publish;
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    make_old_output(&folder);
    folder_mkdir(&folder, ".out.mrlua-killed");
    folder_write(&folder, ".out.mrlua-killed/part-00000", "old", 3);
    folder_mkdir(&folder, ".outer.mrlua-other");
    begin(&publish, &folder, true);
    assert_int_equal(commit(&publish, &err), 0);
    assert_int_not_equal(access(folder_path(&folder, ".out.mrlua-killed"), F_OK), 0);
    assert_int_equal(rmdir(folder_path(&folder, ".outer.mrlua-other")), 0);
    check_committed(&folder);
    publish_deinit(&publish);
    folder_remove(&folder);
}

/* Between two renames the old output has no other name than this. */
static void an_old_output_without_a_successor_is_kept_until_there_is_one(void **state)
{
    struct folder folder;
    struct publish publish;

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, ".out.mrlua-killed.old");
    folder_write(&folder, ".out.mrlua-killed.old/part-00000", "old", 3);
    begin(&publish, &folder, true);
    has_text(&folder, ".out.mrlua-killed.old/part-00000", "old");
    assert_int_equal(abort_it(&publish), 0);
    has_text(&folder, ".out.mrlua-killed.old/part-00000", "old");
    publish_deinit(&publish);
    folder_remove(&folder);
}

static void empty_folder_is_taken_and_kept_by_abort(void **state)
{
    struct folder folder;
    struct publish publish;

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "out");
    begin(&publish, &folder, false);
    assert_int_equal(abort_it(&publish), 0);
    assert_int_equal(folder_count(&folder), 1);
    publish_deinit(&publish);
    folder_remove(&folder);
}

static void part_that_is_missing_or_cut_fails_the_commit(void **state)
{
    (void)state;
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        struct folder folder;
        struct publish publish;
        struct buf path = {0};
        struct err err = {0};

        folder_make(&folder);
        begin(&publish, &folder, false);
        publish_part_path(&publish, &parts[0], &path);
        if (is_cut)
            assert_int_equal(truncate(buf_string(&path), 3), 0);
        else
            assert_int_equal(unlink(buf_string(&path)), 0);
        assert_int_equal(commit(&publish, &err), -1);
        assert_int_equal(err.kind, ERR_DISK);
        assert_non_null(strstr(err.message, "part-00000.4"));
        assert_false(folder_has(&folder, "out/_SUCCESS"));
        assert_int_equal(abort_it(&publish), 0);
        check_untouched(&folder, false);
        publish_deinit(&publish);
        buf_deinit(&path);
        folder_remove(&folder);
    }
}

static void overwriting_a_link_keeps_the_link(void **state)
{
    struct folder folder;
    struct publish publish;
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    folder_mkdir(&folder, "real");
    folder_write(&folder, "real/part-00099", "old", 3);
    assert_int_equal(symlink("real", folder_path(&folder, "out")), 0);
    begin(&publish, &folder, true);
    assert_int_equal(commit(&publish, &err), 0);
    publish_deinit(&publish);
    has_text(&folder, "real/part-00000", "hello");
    has_text(&folder, "out/part-00000", "hello");
    assert_int_equal(folder_count(&folder), 6); /* the link counts */
    folder_remove(&folder);
}

static void job_that_was_killed_is_cleaned_up_by_overwrite(void **state)
{
    (void)state;
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        struct folder folder;
        struct publish publish;
        struct err err = {0};
        pid_t child;

        folder_make(&folder);
        child = fork();
        if (child == 0) {
            struct publish killed;

            publish_init(&killed, folder_path(&folder, "out"), "killed", overwrite);
            _exit(publish_claim(&killed, &err) == 0 &&
                          publish_part_create(&killed, &parts[0], &err) >= 0
                      ? 0
                      : 1);
        }
        assert_int_equal(waitpid(child, NULL, 0), child);
        refuses(&folder, folder_path(&folder, "out"), "left by job killed, which was killed");
        begin(&publish, &folder, true);
        assert_int_equal(commit(&publish, &err), 0);
        check_committed(&folder);
        publish_deinit(&publish);
        folder_remove(&folder);
    }
}

/* Goal: no failing call publishes half an output. Method: fail the n-th; then either try again,
 * which may fail only if a part could not be made to last, or give up; and look. */
static bool survives(enum fault_call call, uint32_t nth, int error, bool has_old, bool try_again)
{
    struct folder folder;
    struct publish publish;
    struct err err = {0};
    bool fired;
    int rc;

    folder_make(&folder);
    if (has_old)
        make_old_output(&folder);
    begin(&publish, &folder, has_old);
    fault_arm(call, nth, error);
    rc = commit(&publish, &err);
    fired = fault_disarm();
    if (rc != 0) {
        assert_true(fired);
        assert_int_equal(err.kind, ERR_DISK);
        if (try_again)
            rc = commit(&publish, &err);
        assert_true(rc == 0 || !try_again || call == FAULT_FSYNC);
    }
    if (rc == 0) {
        check_committed(&folder);
    } else {
        bool was_named = has_old && folder_has(&folder, "out/_SUCCESS");

        assert_int_equal(abort_it(&publish), 0);
        if (was_named) /* failed after the exchange: it had been published */
            check_committed(&folder);
        else
            check_untouched(&folder, has_old);
    }
    publish_deinit(&publish);
    folder_remove(&folder);
    return fired;
}

static void every_failure_is_repeatable_or_leaves_nothing(void **state)
{
    static const struct {
        enum fault_call call;
        int error;
    } faults[] = {
        {FAULT_FSYNC, EIO}, {FAULT_RENAME, EIO}, {FAULT_OPEN, ENOSPC}, {FAULT_WRITE, ENOSPC}};

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        for (int mode = 0; mode < 4; mode++) {
            uint32_t nth = 0;

            while (survives(faults[i].call, nth, faults[i].error, mode & 1, mode & 2))
                nth++;
            assert_true(nth > 0);
        }
    }
}

/* Runs a commit in a child and kills it at its n-th system call, before or after it (every call
 * stops twice). True: the child got through. */
static bool kill_commit_at(struct publish *publish, int stop)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct err err;

        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(commit(publish, &err) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; WIFSTOPPED(status); i++) {
        if (i == stop)
            kill(child, SIGKILL);
        else
            assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Goal: a commit that was killed anywhere is finished by the next one, and what readers see in
 * between is never half an output with _SUCCESS. */
static void commit_killed_at_any_system_call_is_finished_by_the_next(void **state)
{
    (void)state;
    for (int has_old = 0; has_old < 2; has_old++) {
        bool got_through = false;
        int stop;

        for (stop = 0; !got_through; stop++) {
            struct folder folder;
            struct publish publish;
            struct err err = {0};

            folder_make(&folder);
            if (has_old)
                make_old_output(&folder);
            begin(&publish, &folder, has_old);
            got_through = kill_commit_at(&publish, stop);
            if (folder_has(&folder, "out/_SUCCESS")) {
                has_text(&folder, "out/part-00000", "hello");
                has_text(&folder, "out/part-00001", "");
                has_text(&folder, "out/_SUCCESS", manifest().ptr);
            } else if (has_old) {
                has_text(&folder, "out/part-00099", "old");
            }
            if (commit(&publish, &err) != 0)
                fail_msg("killed at stop %d: %s", stop, err.message);
            check_committed(&folder);
            publish_deinit(&publish);
            folder_remove(&folder);
        }
        assert_true(stop > 40);
    }
}

/* Where the file system has no exchange, a crash between the two renames leaves no `out`. */
static void exchange_by_two_renames_is_repeatable(void **state)
{
    (void)state;
    for (int gives_up = 0; gives_up < 2; gives_up++) {
        struct folder folder;
        struct publish publish;
        struct err err = {0};

        folder_make(&folder);
        make_old_output(&folder);
        begin(&publish, &folder, true);
        fault_arm(FAULT_RENAME, 1, EIO);
        assert_int_equal(publish_exchange_by_renames(&publish, &err), -1);
        assert_true(fault_disarm());
        assert_false(folder_has(&folder, "out"));
        if (gives_up) {
            assert_int_equal(abort_it(&publish), 0);
            check_untouched(&folder, true);
        } else {
            assert_int_equal(commit(&publish, &err), 0);
            check_committed(&folder);
        }
        publish_deinit(&publish);
        folder_remove(&folder);
    }
}

static void paths_of_parts(void **state)
{
    struct publish_part part = {.number = 7, .attempt = 12};
    struct publish_part further = {
        .output = "errors", .suffix = ".gz", .number = 123456, .attempt = 3};
    struct publish publish;
    struct buf name = {0};

    (void)state;
    publish_init(&publish, "some/out//", "j", true);
    publish_part_path(&publish, &part, &name);
    assert_string_equal(buf_string(&name), "some/.out.mrlua-j/.mrlua-j/part-00007.12");
    publish_deinit(&publish);
    publish_init(&publish, "out", "j", false);
    publish_part_path(&publish, &further, &name);
    assert_string_equal(buf_string(&name), "out/.mrlua-j/errors-123456.3");
    publish_deinit(&publish);
    buf_deinit(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_parts),
        cmocka_unit_test(commit_gives_parts_their_names_and_leaves_nothing_else),
        cmocka_unit_test(parts_have_the_suffix_that_readers_know_them_by),
        cmocka_unit_test(parts_of_further_outputs_are_committed_and_given_up_with_the_others),
        cmocka_unit_test(abort_leaves_what_was_there_before),
        cmocka_unit_test(output_that_cannot_be_had_is_refused_and_left_alone),
        cmocka_unit_test(what_no_job_wrote_is_not_overwritten),
        cmocka_unit_test(what_killed_jobs_left_beside_the_folder_is_removed),
        cmocka_unit_test(an_old_output_without_a_successor_is_kept_until_there_is_one),
        cmocka_unit_test(empty_folder_is_taken_and_kept_by_abort),
        cmocka_unit_test(part_that_is_missing_or_cut_fails_the_commit),
        cmocka_unit_test(overwriting_a_link_keeps_the_link),
        cmocka_unit_test(job_that_was_killed_is_cleaned_up_by_overwrite),
        cmocka_unit_test(every_failure_is_repeatable_or_leaves_nothing),
        cmocka_unit_test(commit_killed_at_any_system_call_is_finished_by_the_next),
        cmocka_unit_test(exchange_by_two_renames_is_repeatable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
