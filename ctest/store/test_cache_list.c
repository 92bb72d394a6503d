#include "store/cache_list.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fault/fault.h"
#include "folder.h"
#include "store/cache.h"
#include "store/sums.h"

#include <errno.h>
#include <sys/wait.h>

#define NAME_OF "%02x55667788"

static struct folder folder;
static char *cache;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    folder_make(&folder);
    cache = mem_strdup(folder_path(&folder, "cache"));
    assert_int_equal(cache_make(cache, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    free(cache);
    return 0;
}

static void set_time(const char *path, int64_t ns)
{
    struct timespec times[2] = {{.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000},
                                {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Entry `number`, of a file of `len` bytes, last used at `used_ns`. */
static void keep(int number, size_t len, int64_t used_ns)
{
    char *bytes = calloc(1, len + 1), name[32], path[64];
    struct err err;

    assert_non_null(bytes);
    snprintf(name, sizeof name, NAME_OF, number);
    memset(bytes, number, len);
    folder_write(&folder, "run", bytes, len);
    assert_int_equal(
        cache_keep(cache, name, folder_path(&folder, "run"), slice_of_string("n"), &err), 0);
    unlink(folder_path(&folder, "run"));
    snprintf(path, sizeof path, "cache/files/%.2s/%s/note", name, name);
    set_time(folder_path(&folder, path), used_ns);
    free(bytes);
}

static bool has(int number)
{
    char path[64];

    snprintf(path, sizeof path, "cache/files/%02x/" NAME_OF, number, number);
    return folder_has(&folder, path);
}

static struct cache_use look(void)
{
    struct cache_use use;
    struct err err;

    assert_int_equal(cache_look(cache, &use, &err), 0);
    return use;
}

static struct cache_use trim(uint64_t bytes_max, int64_t older_than_ns)
{
    struct cache_use gone;
    struct err err;

    if (cache_trim(cache, bytes_max, older_than_ns, &gone, &err) != 0)
        fail_msg("%s", err.message);
    return gone;
}

static void a_cache_that_is_not_there_is_empty(void **state)
{
    struct cache_use use;
    struct err err;

    (void)state;
    assert_int_equal(cache_look(folder_path(&folder, "nowhere"), &use, &err), 0);
    assert_int_equal(use.file_count + use.sum_count + use.file_bytes, 0);
    assert_int_equal(use.oldest_ns, 0);
    assert_int_equal(cache_trim(folder_path(&folder, "nowhere"), 0, 0, &use, &err), 0);
}

static void entries_sums_and_ages_are_told(void **state)
{
    struct cache_use use;
    struct file file = {0};
    uint8_t sum[CONTENT_SUM_BYTES];
    struct err err;
    int fd;

    (void)state;
    folder_write(&folder, "input", "x", 1);
    file.path = file.name = mem_strdup(folder_path(&folder, "input"));
    fd = open(file.path, O_RDONLY);
    assert_int_equal(file_identify(fd, "input", file.name, &file.identity, &err), 0);
    close(fd);
    assert_int_equal(sums_of_file(cache, &file, clock_realtime_ns(), sum, &err), 0);
    keep(1, 100000, 2000);
    keep(2, 5, 1000);
    use = look();
    assert_int_equal(use.file_count, 2);
    assert_int_equal(use.sum_count, 1);
    assert_true(use.file_bytes >= 100000 && use.file_bytes < 200000);
    assert_true(use.sum_bytes > 0);
    assert_int_equal(use.oldest_ns, 1000);
    assert_int_equal(use.newest_ns, 2000);
    free(file.path);
}

/* At the limit all stay; a byte below it the one that was not used for longest goes. */
static void the_longest_unused_go_until_the_rest_fits(void **state)
{
    struct cache_use use, gone;

    (void)state;
    keep(1, 50000, 3000);
    keep(2, 50000, 1000);
    keep(3, 50000, 2000);
    use = look();
    assert_int_equal(trim(use.file_bytes, 0).file_count, 0);
    gone = trim(use.file_bytes - 1, 0);
    assert_int_equal(gone.file_count, 1);
    assert_true(has(1) && !has(2) && has(3));
    assert_int_equal(look().file_bytes, use.file_bytes - gone.file_bytes);
    trim(1, 0);
    assert_int_equal(look().file_count, 0);
}

static void finding_an_entry_makes_it_young(void **state)
{
    struct buf note = {0};
    char name[32];
    struct err err;

    (void)state;
    keep(1, 50000, 1000);
    keep(2, 50000, 2000);
    snprintf(name, sizeof name, NAME_OF, 1);
    assert_int_equal(cache_find(cache, name, folder_path(&folder, "to"), &note, &err), 1);
    trim(look().file_bytes - 1, 0);
    assert_true(has(1) && !has(2));
    buf_deinit(&note);
}

static void what_is_older_goes_whatever_the_limit(void **state)
{
    (void)state;
    keep(1, 10, 1000);
    keep(2, 10, 2000);
    keep(3, 10, 3000);
    assert_int_equal(trim(UINT64_MAX, 2000).file_count, 1);
    assert_true(!has(1) && has(2) && has(3));
    assert_int_equal(trim(UINT64_MAX, INT64_MAX).file_count, 2);
}

static void what_a_killed_process_left_goes_after_an_hour(void **state)
{
    int64_t now_ns = (int64_t)clock_realtime_ns();

    (void)state;
    folder_mkdir(&folder, "cache/tmp/old");
    folder_write(&folder, "cache/tmp/old/file", "x", 1);
    folder_write(&folder, "cache/tmp/sum", "x", 1);
    folder_mkdir(&folder, "cache/tmp/new");
    set_time(folder_path(&folder, "cache/tmp/old"), now_ns - CACHE_TEMP_NS - 1000000000);
    set_time(folder_path(&folder, "cache/tmp/sum"), now_ns - CACHE_TEMP_NS - 1000000000);
    trim(UINT64_MAX, 0);
    assert_false(folder_has(&folder, "cache/tmp/old"));
    assert_false(folder_has(&folder, "cache/tmp/sum"));
    assert_true(folder_has(&folder, "cache/tmp/new"));
}

static void two_may_trim_at_once(void **state)
{
    pid_t other;
    int status;

    (void)state;
    for (int i = 0; i < 100; i++)
        keep(i, 10, 1000 + i);
    other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        struct cache_use gone;
        struct err err;

        _exit(cache_trim(cache, 0, 0, &gone, &err) != 0);
    }
    trim(0, 0);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    assert_int_equal(look().file_count, 0);
}

static void every_failure_is_reported(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_RENAME};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        uint32_t nth;

        for (nth = 0;; nth++) {
            struct cache_use gone;
            struct err err = {0};
            int rc;

            keep(1, 10, 1000);
            fault_arm(calls[i], nth, EIO);
            rc = cache_trim(cache, 0, 0, &gone, &err);
            if (!fault_disarm())
                break;
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, ERR_DISK);
            assert_true(nth < 100);
        }
        assert_true(nth > 0);
        assert_false(has(1));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cache_that_is_not_there_is_empty),
        TEST(entries_sums_and_ages_are_told),
        TEST(the_longest_unused_go_until_the_rest_fits),
        TEST(finding_an_entry_makes_it_young),
        TEST(what_is_older_goes_whatever_the_limit),
        TEST(what_a_killed_process_left_goes_after_an_hour),
        TEST(two_may_trim_at_once),
        TEST(every_failure_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
