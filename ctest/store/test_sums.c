#include "store/sums.h"

#include "base/clock.h"
#include "base/mem.h"
#include "fault/fault.h"
#include "folder.h"
#include "store/cache.h"

#include <errno.h>

#define NS       1000000000LL
#define LATER_NS (100 * NS_PER_S) /* than anything that the tests write */

static struct folder folder;
static char *cache, *path;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    folder_make(&folder);
    cache = mem_strdup(folder_path(&folder, "cache"));
    path = mem_strdup(folder_path(&folder, "input"));
    assert_int_equal(cache_make(cache, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    free(cache);
    free(path);
    return 0;
}

/* The file as a plan lists it now. */
static struct file listed(void)
{
    struct file file = {.name = path, .path = path};
    struct err err;
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(file_identify(fd, "input", path, &file.identity, &err), 0);
    close(fd);
    return file;
}

static struct file written(const char *text)
{
    folder_write(&folder, "input", text, strlen(text));
    return listed();
}

static void sum_at(const struct file *file, uint64_t now_ns, uint8_t sum[CONTENT_SUM_BYTES])
{
    struct err err;

    if (sums_of_file(cache, file, now_ns, sum, &err) != 0)
        fail_msg("%s", err.message);
}

/* Is the content read? A row is one read, the content at least one more. */
static bool is_read(const struct file *file, uint64_t now_ns)
{
    uint8_t sum[CONTENT_SUM_BYTES];
    struct err err;
    int rc;

    fault_arm(FAULT_READ, 1, EIO);
    rc = sums_of_file(cache, file, now_ns, sum, &err);
    assert_int_equal(rc == 0, !fault_disarm());
    return rc != 0;
}

static struct sums_row a_row(void)
{
    return (struct sums_row){
        .state = {.identity = {.size = 5, .mtime_ns = 1000 * NS + 1, .inode = 7, .device = 8},
                  .ctime_ns = 1001 * NS + 1},
        .read_ns = 1004 * NS,
        .sum = "0123456789abcde",
    };
}

static void a_row_comes_back_and_no_flipped_bit_passes(void **state)
{
    struct sums_row row = a_row(), back;
    uint8_t bytes[SUMS_ROW_BYTES];

    (void)state;
    row.state.identity.mtime_ns = -5; /* before 1970 */
    sums_encode(bytes, &row);
    assert_true(sums_decode(bytes, &back));
    assert_int_equal(back.state.identity.mtime_ns, -5);
    assert_int_equal(back.state.ctime_ns, row.state.ctime_ns);
    assert_int_equal(back.state.identity.size, 5);
    assert_int_equal(back.state.identity.inode, 7);
    assert_int_equal(back.state.identity.device, 8);
    assert_int_equal(back.read_ns, row.read_ns);
    assert_memory_equal(back.sum, row.sum, sizeof row.sum);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(sums_decode(bytes, &back));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void any_difference_makes_a_row_unsure(void **state)
{
    struct sums_row row = a_row();
    struct sums_state is = row.state;

    (void)state;
    assert_true(sums_is_sure(&row, &is));
    is.identity.size++;
    assert_false(sums_is_sure(&row, &is));
    is = row.state;
    is.identity.mtime_ns++;
    assert_false(sums_is_sure(&row, &is));
    is = row.state;
    is.identity.inode++;
    assert_false(sums_is_sure(&row, &is));
    is = row.state;
    is.identity.device++;
    assert_false(sums_is_sure(&row, &is));
    is = row.state;
    is.ctime_ns--;
    assert_false(sums_is_sure(&row, &is));
}

/* The rule of git's index: what changed about when it was read may have changed once more. */
static void a_file_younger_than_its_row_is_not_trusted(void **state)
{
    static const int64_t ticks[2] = {SUMS_FINE_NS, SUMS_COARSE_NS};
    struct sums_row row = a_row();

    (void)state;
    for (int is_coarse = 0; is_coarse < 2; is_coarse++) {
        int64_t changed_ns = 2000 * NS + !is_coarse;

        row = a_row();
        row.read_ns = (uint64_t)(changed_ns + ticks[is_coarse]);
        row.state.ctime_ns = changed_ns;
        assert_false(sums_is_sure(&row, &row.state));
        row.read_ns++;
        assert_true(sums_is_sure(&row, &row.state));
        row.state.identity.mtime_ns = changed_ns;
        assert_true(sums_is_sure(&row, &row.state));
        row.read_ns--;
        row.state.ctime_ns = 1;
        assert_false(sums_is_sure(&row, &row.state));
    }
    row.state.identity.mtime_ns = INT64_MAX; /* a clock that was far ahead */
    assert_false(sums_is_sure(&row, &row.state));
}

static void a_file_is_read_once(void **state)
{
    struct file file = written("text");
    uint64_t later_ns = clock_realtime_ns() + LATER_NS;
    uint8_t first[CONTENT_SUM_BYTES], second[CONTENT_SUM_BYTES];

    (void)state;
    sum_at(&file, later_ns, first);
    assert_false(is_read(&file, later_ns));
    sum_at(&file, later_ns, second);
    assert_memory_equal(first, second, sizeof first);
}

static void a_file_just_written_is_read_again(void **state)
{
    struct file file = written("text");
    uint64_t now_ns = (uint64_t)file.identity.mtime_ns + 1;
    uint8_t sum[CONTENT_SUM_BYTES];

    (void)state;
    sum_at(&file, now_ns, sum);
    assert_true(is_read(&file, now_ns));
}

/* Same size, same mtime, same inode: its ctime tells. */
static void a_changed_file_is_seen_though_its_mtime_was_set_back(void **state)
{
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    uint64_t later_ns = clock_realtime_ns() + LATER_NS;
    uint8_t first[CONTENT_SUM_BYTES], second[CONTENT_SUM_BYTES];
    struct file file = written("text");
    struct stat before, after;

    (void)state;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    file = listed();
    sum_at(&file, later_ns, first);
    assert_int_equal(stat(path, &before), 0);
    do { /* until the clock of the file system has moved */
        folder_write(&folder, "input", "next", 4);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        assert_int_equal(stat(path, &after), 0);
    } while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
             before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
    file = listed();
    sum_at(&file, later_ns, second);
    assert_memory_not_equal(first, second, sizeof first);
}

static void what_changed_since_it_was_listed_is_an_error(void **state)
{
    struct file file = written("text");
    uint8_t sum[CONTENT_SUM_BYTES];
    struct err err = {0};

    (void)state;
    written("longer text");
    assert_int_equal(sums_of_file(cache, &file, clock_realtime_ns(), sum, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sums_of_file(cache, &file, clock_realtime_ns(), sum, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
}

static void standard_input_is_not_remembered(void **state)
{
    struct file file = written("text");
    uint64_t later_ns = clock_realtime_ns() + LATER_NS;
    uint8_t sum[CONTENT_SUM_BYTES];

    (void)state;
    file.name = (char *)(uintptr_t) "-";
    sum_at(&file, later_ns, sum);
    assert_int_equal(rmdir(folder_path(&folder, "cache/sums")), 0);
}

/* Goal: a failure to remember is none to answer; only the input's own is one. */
static void only_the_inputs_failures_count(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_RENAME};
    struct file file = written("text");
    uint8_t good[CONTENT_SUM_BYTES], sum[CONTENT_SUM_BYTES];
    uint32_t failed = 0;
    struct err err;

    (void)state;
    sum_at(&file, 1, good);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (uint32_t nth = 0;; nth++) {
            int rc;

            fault_arm(calls[i], nth, EIO);
            rc = sums_of_file(cache, &file, 1, sum, &err); /* never sure */
            if (!fault_disarm())
                break;
            failed++;
            assert_true(rc == 0 || err.kind == ERR_INPUT);
            assert_true(rc != 0 || memcmp(sum, good, sizeof sum) == 0);
        }
    }
    assert_true(failed >= 4);
    assert_int_equal(rmdir(folder_path(&folder, "cache/tmp")), 0); /* nothing is left over */
}

static void content_is_looked_at_again_only_where_times_do_not_tell(void **state)
{
    struct file file = written("text");
    uint64_t now_ns = (uint64_t)file.identity.mtime_ns + 1, later_ns = now_ns + LATER_NS;
    uint8_t sum[CONTENT_SUM_BYTES], other[CONTENT_SUM_BYTES] = {1};
    struct err err;

    (void)state;
    sum_at(&file, now_ns, sum);
    assert_int_equal(sums_still(&file, now_ns, sum, &err), 1);
    assert_int_equal(sums_still(&file, now_ns, other, &err), 0);
    assert_int_equal(sums_still(&file, later_ns, other, &err), 1); /* by its times alone */
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(sums_still(&file, now_ns, sum, &err), -1);
    assert_true(fault_disarm());
    written("longer text");
    assert_int_equal(sums_still(&file, later_ns, sum, &err), 0);
}

static void a_large_file_is_not_read_by_every_map(void **state)
{
    uint8_t sum[CONTENT_SUM_BYTES];
    struct file file = written("x");
    struct err err;

    (void)state;
    for (int more = 0; more < 2; more++) {
        assert_int_equal(truncate(path, SUMS_AGAIN_BYTES_MAX + more), 0);
        file = listed();
        sum_at(&file, 1, sum);
        assert_int_equal(sums_still(&file, 1, sum, &err), !more);
        assert_int_equal(sums_still(&file, (uint64_t)file.identity.mtime_ns + LATER_NS, sum, &err),
                         1);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back_and_no_flipped_bit_passes),
        cmocka_unit_test(any_difference_makes_a_row_unsure),
        cmocka_unit_test(a_file_younger_than_its_row_is_not_trusted),
        TEST(a_file_is_read_once),
        TEST(a_file_just_written_is_read_again),
        TEST(a_changed_file_is_seen_though_its_mtime_was_set_back),
        TEST(what_changed_since_it_was_listed_is_an_error),
        TEST(standard_input_is_not_remembered),
        TEST(only_the_inputs_failures_count),
        TEST(content_is_looked_at_again_only_where_times_do_not_tell),
        TEST(a_large_file_is_not_read_by_every_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
