#include "format/claim.h"

#include "fault/fault.h"
#include "folder.h"

#include <errno.h>
#include <sys/wait.h>

static struct claim claim_of(const char *job, long pid)
{
    struct claim claim = {.pid = pid};

    snprintf(claim.job, sizeof claim.job, "%s", job);
    return claim;
}

/* The pid of a process that was, and is no more. */
static long dead_pid(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void claim_says_who_holds_it(void **state)
{
    struct folder folder;
    struct claim mine = claim_of("job-1", getpid()), read;
    struct err err = {0};
    const char *path;

    (void)state;
    folder_make(&folder);
    path = folder_path(&folder, "claim");
    assert_int_equal(claim_read(path, &read, &err), 0);
    mine.created = true;
    assert_int_equal(claim_take(path, &mine, false, &err), 0);
    assert_int_equal(claim_read(path, &read, &err), 1);
    assert_string_equal(read.job, "job-1");
    assert_int_equal(read.pid, getpid());
    assert_true(read.created);
    assert_false(claim_is_stale(&read));
    folder_remove(&folder);
}

static void second_job_is_refused_with_the_holders_name(void **state)
{
    struct folder folder;
    struct claim mine = claim_of("job-1", getpid()), other = claim_of("job-2", getpid());
    struct err err = {0};
    char expected[100];
    const char *path;

    (void)state;
    folder_make(&folder);
    path = folder_path(&folder, "claim");
    assert_int_equal(claim_take(path, &mine, false, &err), 0);
    for (int take_stale = 0; take_stale < 2; take_stale++) {
        assert_int_equal(claim_take(path, &other, take_stale, &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        snprintf(expected, sizeof expected, ": job job-1 (pid %ld on ", (long)getpid());
        assert_non_null(strstr(err.message, expected));
    }
    assert_int_equal(claim_take(path, &mine, false, &err), 0); /* again, by the same */
    folder_remove(&folder);
}

static void stale_claim_is_taken_only_on_request(void **state)
{
    struct folder folder;
    struct claim dead = claim_of("job-1", dead_pid()), mine = claim_of("2", getpid()), now;
    struct err err = {0};
    const char *path;

    (void)state;
    folder_make(&folder);
    path = folder_path(&folder, "claim");
    assert_int_equal(claim_take(path, &dead, false, &err), 0);
    assert_int_equal(claim_take(path, &mine, false, &err), -1);
    assert_non_null(strstr(err.message, "left by job job-1, which was killed"));
    assert_int_equal(claim_take(path, &mine, true, &err), 0);
    assert_int_equal(claim_read(path, &now, &err), 1);
    assert_string_equal(now.job, "2");
    folder_remove(&folder);
}

/* Neither is the process that made the claim: one is dead, the other came later. */
static void zombie_and_reused_pid_hold_nothing(void **state)
{
    struct folder folder;
    struct claim mine = claim_of("job-1", getpid()), read;
    struct err err = {0};
    siginfo_t info;
    pid_t child;

    (void)state;
    folder_make(&folder);
    assert_int_equal(claim_take(folder_path(&folder, "claim"), &mine, false, &err), 0);
    assert_int_equal(claim_read(folder_path(&folder, "claim"), &read, &err), 1);
    read.started--;
    assert_true(claim_is_stale(&read));

    child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    read.started++;
    assert_false(claim_is_stale(&read));
    read.pid = child;
    assert_true(claim_is_stale(&read));
    assert_int_equal(waitpid(child, NULL, 0), child);
    folder_remove(&folder);
}

/* The same job, another process: as after a restart. */
static void claim_is_renewed_by_its_own_job_only(void **state)
{
    struct folder folder;
    struct claim dead = claim_of("job-1", dead_pid()), mine = claim_of("job-1", getpid()),
                 other = claim_of("job-2", getpid()), now;
    struct err err = {0};
    const char *path;

    (void)state;
    folder_make(&folder);
    path = folder_path(&folder, "claim");
    dead.created = true;
    mine.created = false;
    for (int by_take = 0; by_take < 2; by_take++) {
        assert_int_equal(claim_renew(path, &mine, &err), 0);
        assert_false(folder_has(&folder, "claim")); /* none is made */
        assert_int_equal(claim_take(path, &dead, false, &err), 0);
        assert_int_equal(claim_renew(path, &other, &err), 0);
        assert_int_equal(claim_read(path, &now, &err), 1);
        assert_int_equal(now.pid, dead.pid);
        assert_int_equal(
            by_take ? claim_take(path, &mine, false, &err) : claim_renew(path, &mine, &err), 0);
        assert_int_equal(claim_read(path, &now, &err), 1);
        assert_int_equal(now.pid, getpid());
        assert_true(now.created);
        assert_false(claim_is_stale(&now));
        unlink(path);
    }
    folder_remove(&folder);
}

static void claim_of_another_host_is_never_stale(void **state)
{
    struct claim other = claim_of("job-1", dead_pid());

    (void)state;
    snprintf(other.host, sizeof other.host, "not-this-host.example");
    assert_false(claim_is_stale(&other));
}

static void claim_without_a_name_is_free(void **state)
{
    struct folder folder;
    struct claim mine = claim_of("job-1", getpid());
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    folder_write(&folder, "claim", "", 0);
    assert_int_equal(claim_take(folder_path(&folder, "claim"), &mine, false, &err), 0);
    folder_remove(&folder);
}

/* Goal: of many that come at once, one has it. */
static void one_of_many_has_it(void **state)
{
    enum { COUNT = 16 };
    struct folder folder;
    int winners = 0, go[2], status;
    char path[2 * FOLDER_PATH_BYTES], byte;

    (void)state;
    folder_make(&folder);
    snprintf(path, sizeof path, "%s", folder_path(&folder, "claim"));
    assert_int_equal(pipe(go), 0);
    for (int i = 0; i < COUNT; i++) {
        if (fork() == 0) {
            struct claim mine = claim_of("", getppid());
            struct err err;

            snprintf(mine.job, sizeof mine.job, "job-%d", i);
            close(go[1]);
            _exit(read(go[0], &byte, 1) == 0 && claim_take(path, &mine, true, &err) == 0);
        }
    }
    close(go[0]);
    close(go[1]); /* all of them go */
    for (int i = 0; i < COUNT; i++) {
        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status));
        winners += WEXITSTATUS(status);
    }
    assert_int_equal(winners, 1);
    folder_remove(&folder);
}

static void failed_write_leaves_no_claim(void **state)
{
    struct folder folder;
    struct claim mine = claim_of("job-1", getpid());
    struct err err = {0};

    (void)state;
    folder_make(&folder);
    fault_arm(FAULT_WRITE, 0, ENOSPC);
    assert_int_equal(claim_take(folder_path(&folder, "claim"), &mine, false, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_DISK);
    assert_int_equal(folder_count(&folder), 0);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claim_says_who_holds_it),
        cmocka_unit_test(second_job_is_refused_with_the_holders_name),
        cmocka_unit_test(stale_claim_is_taken_only_on_request),
        cmocka_unit_test(zombie_and_reused_pid_hold_nothing),
        cmocka_unit_test(claim_is_renewed_by_its_own_job_only),
        cmocka_unit_test(claim_of_another_host_is_never_stale),
        cmocka_unit_test(claim_without_a_name_is_free),
        cmocka_unit_test(one_of_many_has_it),
        cmocka_unit_test(failed_write_leaves_no_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
