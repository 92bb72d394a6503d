#include "master/journal.h"

#include "base/buf.h"
#include "folder_of_test.h"
#include "master/golden_journal.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static struct err err;

static struct journal *open_it(void)
{
    struct journal *journal = journal_open(folder_path(&folder, "state"), &err);

    if (!journal)
        fail_msg("%s", err.message);
    return journal;
}

static void add(struct journal *journal, enum journal_kind kind, uint64_t job, const char *text)
{
    journal_append(journal, kind, job, slice_of_string(text));
}

static void commit(struct journal *journal)
{
    if (journal_commit(journal, false, &err) != 0)
        fail_msg("%s", err.message);
}

/* "1:7:text " for each row. */
static int print_row(void *context, const struct journal_row *row, struct err *error)
{
    (void)error;
    buf_printf(context, "%d:%llu:%.*s ", (int)row->kind, (unsigned long long)row->job_id,
               (int)row->payload.len, row->payload.ptr);
    return 0;
}

static int print(struct journal *journal, struct buf *out)
{
    buf_clear(out);
    return journal_read(journal, print_row, out, &err);
}

static void assert_rows(struct journal *journal, const char *wanted)
{
    struct buf text = {0};

    if (print(journal, &text) != 0)
        fail_msg("%s", err.message);
    assert_string_equal(buf_string(&text), wanted);
    buf_deinit(&text);
}

static void rows_come_back_in_order(void **state)
{
    struct journal *journal = open_it();

    (void)state;
    assert_rows(journal, "");
    add(journal, JOURNAL_FACT, 0, "epoch");
    add(journal, JOURNAL_JOB, 7, "job");
    commit(journal);
    add(journal, JOURNAL_FACT, 3, "");
    add(journal, JOURNAL_FACT, 7, "b");
    assert_int_equal(journal_commit(journal, true, &err), 0);
    assert_int_equal(journal_row_count(journal), 4);
    journal_close(journal);
    journal = open_it();
    assert_rows(journal, "1:0:epoch 2:7:job 1:3: 1:7:b ");
    add(journal, JOURNAL_FACT, 7, "c");
    add(journal, JOURNAL_FILES, 7, "files");
    commit(journal);
    assert_rows(journal, "1:0:epoch 2:7:job 1:3: 1:7:b 1:7:c 80:7:files ");
    journal_close(journal);
}

static void what_was_not_committed_is_dropped(void **state)
{
    struct journal *journal = open_it();

    (void)state;
    add(journal, JOURNAL_FACT, 1, "never");
    journal_close(journal);
    journal = open_it();
    assert_rows(journal, "");
    journal_close(journal);
}

static void a_job_that_ended_leaves_its_history(void **state)
{
    struct journal *journal = open_it();

    (void)state;
    add(journal, JOURNAL_JOB, 1, "job");
    add(journal, JOURNAL_PLAN, 1, "plan");
    add(journal, JOURNAL_FACT, 2, "other");
    commit(journal);
    add(journal, JOURNAL_FACT, 1, "of the same turn");
    journal_remove(journal, 1);
    add(journal, JOURNAL_HISTORY, 1, "ended");
    commit(journal);
    assert_rows(journal, "1:2:other 4:1:ended ");
    journal_remove(journal, 1); /* again: history stays */
    commit(journal);
    journal_close(journal);
    journal = open_it();
    assert_rows(journal, "1:2:other 4:1:ended ");
    journal_close(journal);
}

static int count_row(void *context, const struct journal_row *row, struct err *error)
{
    uint64_t *first = context;

    (void)error;
    if (*first == 0)
        *first = row->job_id;
    return 0;
}

static void the_oldest_history_goes(void **state)
{
    struct journal *journal = open_it();
    uint64_t first = 0;

    (void)state;
    for (uint64_t i = 1; i <= JOURNAL_HISTORY_COUNT_MAX + 3; i++) {
        add(journal, JOURNAL_HISTORY, i, "ended");
        if (i % 100 == 0)
            commit(journal);
    }
    commit(journal);
    assert_int_equal(journal_row_count(journal), JOURNAL_HISTORY_COUNT_MAX);
    assert_int_equal(journal_read(journal, count_row, &first, &err), 0);
    assert_int_equal(first, 4);
    journal_close(journal);
}

static int refuse_row(void *context, const struct journal_row *row, struct err *error)
{
    (void)context, (void)row;
    return err_set(error, ERR_SETUP, "not this one");
}

static void a_reader_can_refuse(void **state)
{
    struct journal *journal = open_it();

    (void)state;
    add(journal, JOURNAL_FACT, 1, "row");
    commit(journal);
    assert_int_equal(journal_read(journal, refuse_row, NULL, &err), -1);
    assert_string_equal(err.message, "not this one");
    journal_close(journal);
}

/* The exit code of another process that opens it: 1: it was refused as it should be. */
static int open_elsewhere(void)
{
    int status;
    char pid[32];
    pid_t child;

    snprintf(pid, sizeof pid, "process %d", (int)getpid());
    child = fork();
    if (child == 0) {
        struct journal *journal = journal_open(folder_path(&folder, "state"), &err);

        _exit(journal ? 0 : strstr(err.message, pid) && strstr(err.message, "/state") ? 1 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void a_second_master_is_refused_by_name(void **state)
{
    struct journal *journal = open_it();

    (void)state;
    assert_int_equal(open_elsewhere(), 1);
    journal_close(journal);
    assert_int_equal(open_elsewhere(), 0);
}

/* Goal: what a master has forked does not hold its folder when it is killed.
 * Method: a child that has every descriptor outlives it. */
static void a_child_does_not_hold_the_folder(void **state)
{
    int alive[2];
    char byte = 0;
    pid_t master;

    (void)state;
    assert_int_equal(pipe(alive), 0);
    master = fork();
    if (master == 0) {
        struct journal *journal = journal_open(folder_path(&folder, "state"), &err);

        close(alive[1]);
        if (journal && fork() == 0)
            while (read(alive[0], &byte, 1) < 0)
                ;
        _exit(0);
    }
    waitpid(master, NULL, 0);
    assert_int_equal(open_elsewhere(), 0);
    close(alive[1]);
    close(alive[0]);
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    assert_null(journal_open(folder_path(&folder, "no/where"), &err));
    assert_int_equal(err.kind, ERR_SETUP);
}

/* ---- kill -9 ---- */

/* Commits turns of three rows and says so, until it is killed. */
static void write_for_ever(int said)
{
    struct journal *journal = journal_open(folder_path(&folder, "state"), &err);
    char text[16];

    for (unsigned turn = 0; journal; turn++) {
        for (int i = 0; i < 3; i++) {
            snprintf(text, sizeof text, "%u", turn);
            add(journal, JOURNAL_FACT, 1 + turn % 5, text);
        }
        if (journal_commit(journal, turn % 7 == 0, &err) != 0 || write(said, "x", 1) != 1)
            break;
    }
    _exit(1);
}

/* Goal: what was committed before a kill is there after it, and turns are whole.
 * Method: a process commits; it is killed after so many turns. */
static void a_kill_loses_nothing_that_was_committed(void **state)
{
    static const int turns[] = {0, 1, 2, 3, 10, 100, 400};

    (void)state;
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        struct journal *journal;
        int said[2], count = 0;
        char byte;
        pid_t pid;

        assert_int_equal(pipe(said), 0);
        pid = fork();
        if (pid == 0)
            write_for_ever(said[1]);
        close(said[1]);
        while (count < turns[i] && read(said[0], &byte, 1) == 1)
            count++;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(said[0], &byte, 1) == 1)
            count++;
        close(said[0]);
        assert_true(count >= turns[i]);
        journal = open_it();
        assert_int_equal(journal_row_count(journal) % 3, 0);
        assert_true(journal_row_count(journal) >= 3 * (uint64_t)count);
        for (uint64_t job = 1; job <= 5; job++)
            journal_remove(journal, job);
        commit(journal);
        assert_rows(journal, "");
        journal_close(journal);
    }
}

/* ---- damage ---- */

static const char *const FILES[] = {"journal.db", "journal.db-wal", "turn"};

enum { FILE_COUNT = sizeof FILES / sizeof *FILES };

struct copy {
    struct buf files[FILE_COUNT];
};

static void read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    char bytes[4096];
    size_t len;

    buf_clear(out);
    if (!file)
        return;
    while ((len = fread(bytes, 1, sizeof bytes, file)) > 0)
        buf_append(out, bytes, len);
    fclose(file);
}

static void save(struct copy *copy)
{
    char name[64];

    for (int i = 0; i < FILE_COUNT; i++) {
        snprintf(name, sizeof name, "state/%s", FILES[i]);
        read_file(folder_path(&folder, name), &copy->files[i]);
    }
}

static void put_back(const struct copy *copy)
{
    char name[64];

    for (int i = 0; i < FILE_COUNT; i++) {
        snprintf(name, sizeof name, "state/%s", FILES[i]);
        unlink(folder_path(&folder, name));
        if (copy->files[i].len > 0)
            folder_write(&folder, name, copy->files[i].ptr, copy->files[i].len);
    }
}

/* True: it was refused, or holds what it held. */
static bool is_told(const char *wanted)
{
    struct journal *journal = journal_open(folder_path(&folder, "state"), &err);
    struct buf text = {0};
    bool told = !journal || print(journal, &text) != 0 || strcmp(buf_string(&text), wanted) == 0;

    journal_close(journal);
    buf_deinit(&text);
    return told;
}

static void flip_each_byte(struct copy *copy, const char *wanted)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        for (size_t at = 0; at < copy->files[i].len; at++) {
            char was = copy->files[i].ptr[at];
            char flips[] = {(char)(was ^ 0x01), (char)~was};

            if (was == 0 && at % 16 != 0)
                continue; /* mostly what was never written: some of it is enough */
            for (size_t j = was == 0 ? 1 : 0; j < sizeof flips; j++) {
                copy->files[i].ptr[at] = flips[j];
                put_back(copy);
                if (!is_told(wanted))
                    fail_msg("%s: byte %zu flipped, and nobody was told", FILES[i], at);
            }
            copy->files[i].ptr[at] = was;
        }
    }
    put_back(copy);
    assert_true(is_told(wanted));
}

static void fill(struct journal *journal)
{
    add(journal, JOURNAL_FACT, 0, "epoch");
    add(journal, JOURNAL_JOB, 7, "job");
    commit(journal);
    add(journal, JOURNAL_FACT, 7, "started");
    add(journal, JOURNAL_HISTORY, 6, "ended");
    commit(journal);
}

static void free_copy(struct copy *copy)
{
    for (int i = 0; i < FILE_COUNT; i++)
        buf_deinit(&copy->files[i]);
}

static void every_flipped_byte_of_a_closed_journal_is_told(void **state)
{
    struct journal *journal = open_it();
    struct copy copy = {0};

    (void)state;
    fill(journal);
    journal_close(journal);
    save(&copy);
    assert_int_equal(copy.files[1].len, 0);
    flip_each_byte(&copy, "1:0:epoch 2:7:job 1:7:started 4:6:ended ");
    free_copy(&copy);
}

/* Goal: as above for what a kill leaves, where SQLite ends a damaged log without a word.
 * Method: the files are copied while the journal is open. */
static void every_flipped_byte_of_a_killed_journal_is_told(void **state)
{
    struct journal *journal = open_it();
    struct copy copy = {0};

    (void)state;
    fill(journal);
    save(&copy);
    journal_close(journal);
    assert_true(copy.files[1].len > 0);
    put_back(&copy);
    assert_true(is_told("1:0:epoch 2:7:job 1:7:started 4:6:ended "));
    flip_each_byte(&copy, "1:0:epoch 2:7:job 1:7:started 4:6:ended ");
    free_copy(&copy);
}

enum { USER_VERSION_AT = 63 }; /* the last byte of it, in SQLite's header */

static void a_journal_of_another_version_is_refused(void **state)
{
    struct journal *journal = open_it();
    struct copy copy = {0};

    (void)state;
    fill(journal);
    journal_close(journal);
    save(&copy);
    copy.files[0].ptr[USER_VERSION_AT] = JOURNAL_VERSION + 1;
    put_back(&copy);
    assert_null(journal_open(folder_path(&folder, "state"), &err));
    assert_non_null(strstr(err.message, "version 3, this engine reads versions 1 to 2"));
    free_copy(&copy);
}

/* ---- version 1 ---- */

static char stamp(void)
{
    struct buf bytes = {0};
    char version;

    read_file(folder_path(&folder, "state/journal.db"), &bytes);
    version = bytes.ptr[USER_VERSION_AT];
    buf_deinit(&bytes);
    return version;
}

/* How many rows there are of each version. */
static int count_version(void *context, const struct journal_row *row, struct err *error)
{
    int *counts = context;

    (void)error;
    assert_in_range(row->version, JOURNAL_VERSION_OLDEST, JOURNAL_VERSION);
    counts[row->version]++;
    return 0;
}

static void assert_versions(struct journal *journal, int first, int second)
{
    int counts[JOURNAL_VERSION + 1] = {0};

    if (journal_read(journal, count_version, counts, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(counts[1], first);
    assert_int_equal(counts[2], second);
}

static void a_journal_of_version_1_is_continued(void **state)
{
    struct journal *journal;

    (void)state;
    golden_journal_put(&folder);
    assert_int_equal(stamp(), 1);
    journal = open_it();
    assert_versions(journal, GOLDEN_JOURNAL_ROWS, 0);
    add(journal, JOURNAL_FACT, 0, "of today");
    commit(journal);
    assert_versions(journal, GOLDEN_JOURNAL_ROWS, 1);
    journal_close(journal);
    assert_int_equal(stamp(), 2);
    journal = open_it();
    assert_versions(journal, GOLDEN_JOURNAL_ROWS, 1);
    journal_remove(journal, GOLDEN_JOURNAL_SECOND);
    commit(journal);
    assert_versions(journal, 2, 1); /* the epoch and the history */
    journal_close(journal);
    journal = open_it();
    assert_versions(journal, 2, 1);
    journal_close(journal);
}

/* Flips a bit of the golden journal, some bytes after the only place of these bytes in it. */
static void put_damaged(const char *where, size_t len, size_t after)
{
    struct buf bytes = {0};
    size_t at = 0;

    golden_journal_read(&bytes);
    while (memcmp(bytes.ptr + at, where, len) != 0)
        assert_true(++at + len < bytes.len);
    bytes.ptr[at + after] ^= 1;
    folder_write(&folder, "state/journal.db", bytes.ptr, bytes.len);
    buf_deinit(&bytes);
}

static void a_damaged_row_of_version_1_is_told(void **state)
{
    int counts[JOURNAL_VERSION + 1] = {0};
    struct journal *journal;

    (void)state;
    folder_mkdir(&folder, "state");
    put_damaged("second", 6, 0); /* the name of a job */
    journal = open_it();
    assert_int_equal(journal_read(journal, count_version, counts, &err), -1);
    assert_non_null(strstr(err.message, "the checksum of a row"));
    journal_close(journal);
}

static void a_damaged_head_of_version_1_is_not_stamped(void **state)
{
    (void)state;
    folder_mkdir(&folder, "state");
    put_damaged("\x00\x04\x5c\x98\x5a\xdb", 6, 5); /* the sum of the checksums */
    assert_null(journal_open(folder_path(&folder, "state"), &err));
    assert_non_null(strstr(err.message, "the checksum of its head"));
    assert_int_equal(stamp(), 1);
}

static void something_else_is_no_journal(void **state)
{
    (void)state;
    folder_mkdir(&folder, "state");
    folder_write(&folder, "state/journal.db", "hello, this is a text of some length", 36);
    assert_null(journal_open(folder_path(&folder, "state"), &err));
    assert_int_equal(err.kind, ERR_SETUP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

static void its_bytes_are_those_of_both_its_files(void **state)
{
    struct journal *journal = open_it();
    uint64_t before = journal_bytes(journal);
    char text[4096];

    (void)state;
    assert_true(before > 0);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 16; i++)
        add(journal, JOURNAL_FACT, 1, text);
    commit(journal); /* into the log: the other file is as it was */
    assert_true(journal_bytes(journal) >= before + 16 * (sizeof text - 1));
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_come_back_in_order),
        TEST(what_was_not_committed_is_dropped),
        TEST(a_job_that_ended_leaves_its_history),
        TEST(the_oldest_history_goes),
        TEST(a_reader_can_refuse),
        TEST(a_second_master_is_refused_by_name),
        TEST(a_child_does_not_hold_the_folder),
        TEST(a_folder_that_cannot_be_made_is_an_error),
        TEST(a_kill_loses_nothing_that_was_committed),
        TEST(every_flipped_byte_of_a_closed_journal_is_told),
        TEST(every_flipped_byte_of_a_killed_journal_is_told),
        TEST(a_journal_of_another_version_is_refused),
        TEST(a_journal_of_version_1_is_continued),
        TEST(a_damaged_row_of_version_1_is_told),
        TEST(a_damaged_head_of_version_1_is_not_stamped),
        TEST(something_else_is_no_journal),
        TEST(its_bytes_are_those_of_both_its_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
