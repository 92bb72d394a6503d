#include "store/cache.h"

#include "base/mem.h"
#include "fault/fault.h"
#include "folder.h"
#include "store/cache_note.h"

#include <errno.h>
#include <sys/wait.h>

#define NAME  "aa11223344"
#define OTHER "bb11223344"

static struct folder folder;
static const char *cache;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    folder_make(&folder);
    cache = mem_strdup(folder_path(&folder, "cache"));
    assert_int_equal(cache_make(cache, &err), 0);
    folder_write(&folder, "run", "the run", 7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    free((char *)(uintptr_t)cache);
    return 0;
}

static void keep(const char *name, const char *from, const char *note)
{
    struct err err;

    if (cache_keep(cache, name, folder_path(&folder, from), slice_of_string(note), &err) != 0)
        fail_msg("%s", err.message);
}

/* What is found is put under `to`, and its note compared. */
static int find(const char *name, const char *to, const char *note)
{
    struct buf found = {0};
    struct err err = {0};
    int rc = cache_find(cache, name, folder_path(&folder, to), &found, &err);

    if (rc < 0)
        fail_msg("%s", err.message);
    assert_string_equal(buf_string(&found), rc == 1 ? note : "");
    buf_deinit(&found);
    return rc;
}

static void expect_text(const char *name, const char *text)
{
    char *found = folder_read(&folder, name);

    assert_string_equal(found, text);
    free(found);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, two;

    assert_int_equal(stat(a, &one), 0);
    assert_int_equal(stat(b, &two), 0);
    return one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

static void the_folder_is_where_the_environment_says(void **state)
{
    struct err err;
    char *xdg = getenv("XDG_CACHE_HOME") ? mem_strdup(getenv("XDG_CACHE_HOME")) : NULL;
    char *home = getenv("HOME") ? mem_strdup(getenv("HOME")) : NULL, *path;

    (void)state;
    setenv("HOME", "/home/x", 1);
    setenv("XDG_CACHE_HOME", "/var/c", 1);
    assert_string_equal(path = cache_folder(&err), "/var/c/mrlua");
    free(path);
    setenv("XDG_CACHE_HOME", "relative", 1); /* is none, the specification says */
    assert_string_equal(path = cache_folder(&err), "/home/x/.cache/mrlua");
    free(path);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    assert_null(cache_folder(&err));
    assert_int_equal(err.kind, ERR_SETUP);
    if (xdg)
        setenv("XDG_CACHE_HOME", xdg, 1);
    if (home)
        setenv("HOME", home, 1);
    free(xdg);
    free(home);
}

static void a_cache_that_cannot_be_made_is_a_setup_error(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(cache_make(folder_path(&folder, "run"), &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

static void what_was_kept_is_found_and_not_copied(void **state)
{
    (void)state;
    assert_int_equal(find(NAME, "a", ""), 0);
    keep(NAME, "run", "a note");
    assert_int_equal(find(NAME, "a", "a note"), 1);
    assert_int_equal(find(NAME, "b", "a note"), 1);
    assert_int_equal(find(OTHER, "c", ""), 0);
    expect_text("a", "the run");
    assert_true(is_same_file(folder_path(&folder, "run"), folder_path(&folder, "a")));
    assert_int_equal(unlink(folder_path(&folder, "run")), 0); /* its keeper's temporary folder */
    assert_int_equal(find(NAME, "d", "a note"), 1);
    expect_text("d", "the run");
}

static void the_empty_file_and_note_are_kept_too(void **state)
{
    (void)state;
    folder_write(&folder, "empty", "", 0);
    keep(NAME, "empty", "");
    assert_int_equal(find(NAME, "a", ""), 1);
    expect_text("a", "");
}

static void another_file_system_gets_a_copy(void **state)
{
    char path[] = "/dev/shm/mrlua-cache-XXXXXX";
    struct stat here, there;
    struct buf note = {0};
    struct err err;
    int fd = mkstemp(path);

    (void)state;
    if (fd < 0 || fstat(fd, &there) != 0 || stat(cache, &here) != 0 ||
        here.st_dev == there.st_dev) {
        unlink(path);
        skip();
    }
    assert_int_equal(write(fd, "elsewhere", 9), 9);
    close(fd);
    assert_int_equal(cache_keep(cache, NAME, path, slice_of_string("n"), &err), 0);
    assert_int_equal(cache_find(cache, NAME, path, &note, &err), -1); /* it is there */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(find(NAME, "a", "n"), 1);
    expect_text("a", "elsewhere");
    assert_int_equal(cache_find(cache, NAME, path, &note, &err), 1);
    assert_false(is_same_file(path, folder_path(&folder, "a")));
    unlink(path);
    buf_deinit(&note);
}

static void who_comes_second_leaves_what_is_there(void **state)
{
    (void)state;
    folder_write(&folder, "second", "a second", 8);
    keep(NAME, "run", "first");
    keep(NAME, "second", "second");
    assert_int_equal(find(NAME, "a", "first"), 1);
    expect_text("a", "the run");
}

static void a_file_in_the_way_is_not_written_over(void **state)
{
    struct buf note = {0};
    struct err err;

    (void)state;
    keep(NAME, "run", "n");
    folder_write(&folder, "a", "mine", 4);
    assert_int_equal(cache_find(cache, NAME, folder_path(&folder, "a"), &note, &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
    expect_text("a", "mine");
    buf_deinit(&note);
}

/* Goal: one flipped bit in a note, or a byte too few or too many, is found, and the entry goes. */
static void a_damaged_note_is_found_and_dropped(void **state)
{
    enum { NOTE_BYTES = 12 + 6 };
    char note[NOTE_BYTES + 1];
    char *path = mem_strdup(folder_path(&folder, "cache/files/aa/" NAME "/note"));

    (void)state;
    for (size_t at = 0; at < NOTE_BYTES + 2; at++) {
        size_t len = at < NOTE_BYTES    ? NOTE_BYTES
                     : at == NOTE_BYTES ? NOTE_BYTES - 1
                                        : NOTE_BYTES + 1;
        FILE *file;

        keep(NAME, "run", "a note");
        file = fopen(path, "r+b");
        assert_non_null(file);
        assert_int_equal(fread(note, 1, sizeof note, file), NOTE_BYTES);
        if (at < NOTE_BYTES)
            note[at] ^= 0x10;
        note[NOTE_BYTES] = 'x';
        rewind(file);
        assert_int_equal(fwrite(note, 1, len, file), len);
        fflush(file);
        assert_int_equal(ftruncate(fileno(file), (off_t)len), 0);
        fclose(file);
        assert_int_equal(find(NAME, "a", ""), 0);
        assert_int_equal(access(path, F_OK), -1);
        assert_false(folder_has(&folder, "a"));
    }
    free(path);
}

static void an_entry_without_its_file_or_note_is_dropped(void **state)
{
    static const char *const parts[] = {"cache/files/aa/" NAME "/note",
                                        "cache/files/aa/" NAME "/file"};

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        keep(NAME, "run", "n");
        assert_int_equal(unlink(folder_path(&folder, parts[i])), 0);
        assert_int_equal(find(NAME, "a", ""), 0);
        assert_false(folder_has(&folder, "cache/files/aa/" NAME));
    }
}

static void what_was_dropped_is_gone_and_twice_is_fine(void **state)
{
    struct err err;

    (void)state;
    keep(NAME, "run", "n");
    assert_int_equal(cache_drop(cache, NAME, &err), 0);
    assert_int_equal(cache_drop(cache, NAME, &err), 0);
    assert_int_equal(find(NAME, "a", ""), 0);
    keep(NAME, "run", "n");
    assert_int_equal(find(NAME, "a", "n"), 1);
}

static void a_note_has_a_limit(void **state)
{
    char *text = calloc(1, CACHE_NOTE_BYTES_MAX + 2);
    struct err err;

    (void)state;
    assert_non_null(text);
    memset(text, 'n', CACHE_NOTE_BYTES_MAX + 1);
    assert_int_equal(
        cache_keep(cache, NAME, folder_path(&folder, "run"), slice_of_string(text), &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(find(NAME, "a", ""), 0);
    text[CACHE_NOTE_BYTES_MAX] = '\0';
    keep(NAME, "run", text);
    assert_int_equal(find(NAME, "a", text), 1);
    free(text);
}

/* Goal: whichever call fails, an entry is there whole or not at all, and nothing is left over. */
static void every_failure_leaves_a_whole_entry_or_none(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_RENAME};
    uint32_t failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct err err = {0}, find_err = {0};
            struct buf note = {0};
            int rc, found;

            unlink(folder_path(&folder, "a"));
            assert_int_equal(cache_drop(cache, NAME, &err), 0);
            fault_arm(calls[i], nth, EIO);
            rc = cache_keep(cache, NAME, folder_path(&folder, "run"), slice_of_string("n"), &err);
            found = cache_find(cache, NAME, folder_path(&folder, "a"), &note, &find_err);
            buf_deinit(&note);
            if (!fault_disarm())
                break;
            failed++;
            assert_true(rc == 0 || err.kind == ERR_DISK);
            assert_true(found >= 0 || find_err.kind == ERR_DISK);
            assert_true(rc == 0 || found == 0);
            if (found == 1)
                expect_text("a", "the run");
        }
        assert_int_equal(rmdir(folder_path(&folder, "cache/tmp")), 0); /* it is empty */
        folder_mkdir(&folder, "cache/tmp");
    }
    assert_true(failed >= 5);
}

enum { RACERS = 4, ROUNDS = 150 };

/* File and note are of one keeper: both say the same. */
static void race(int racer)
{
    struct err err;

    for (int i = 0; i < ROUNDS; i++) {
        char text[32], run[32], found[32];
        struct buf note = {0};

        snprintf(text, sizeof text, "racer %d round %d", racer, i);
        snprintf(run, sizeof run, "run-%d", racer);
        snprintf(found, sizeof found, "found-%d", racer);
        folder_write(&folder, run, text, strlen(text));
        if (cache_keep(cache, NAME, folder_path(&folder, run), slice_of_string(text), &err) != 0)
            _exit(1);
        if (cache_find(cache, NAME, folder_path(&folder, found), &note, &err) < 0)
            _exit(2);
        if (folder_has(&folder, found)) {
            char *read = folder_read(&folder, found);

            if (strcmp(read, buf_string(&note)) != 0)
                _exit(3);
            free(read);
            unlink(folder_path(&folder, found));
        }
        if (i % 3 == racer % 3 && cache_drop(cache, NAME, &err) != 0)
            _exit(4);
        unlink(folder_path(&folder, run)); /* not written again: it may have been kept */
        buf_deinit(&note);
    }
    _exit(0);
}

static void any_number_may_use_it_at_a_time(void **state)
{
    pid_t racers[RACERS];

    (void)state;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = fork();
        assert_true(racers[i] >= 0);
        if (racers[i] == 0)
            race(i);
    }
    for (int i = 0; i < RACERS; i++) {
        int status;

        assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
        assert_int_equal(status, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_folder_is_where_the_environment_says),
        TEST(a_cache_that_cannot_be_made_is_a_setup_error),
        TEST(what_was_kept_is_found_and_not_copied),
        TEST(the_empty_file_and_note_are_kept_too),
        TEST(another_file_system_gets_a_copy),
        TEST(who_comes_second_leaves_what_is_there),
        TEST(a_file_in_the_way_is_not_written_over),
        TEST(a_damaged_note_is_found_and_dropped),
        TEST(an_entry_without_its_file_or_note_is_dropped),
        TEST(what_was_dropped_is_gone_and_twice_is_fine),
        TEST(a_note_has_a_limit),
        TEST(every_failure_leaves_a_whole_entry_or_none),
        TEST(any_number_may_use_it_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
