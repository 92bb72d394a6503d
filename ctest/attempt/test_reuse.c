#include "attempt/kit.h"

#include "attempt/reuse.h"
#include "attempt/reuse_done.h"
#include "fault/fault.h"
#include "store/cache.h"

#include <errno.h>
#include <glob.h>

#define JOB    WORDCOUNT("'sum'", "'sum'")
#define FAR_NS (4000000000ULL * 1000000000) /* later than any file of the tests: its times tell */

static Mrlua__Reuse request;
static uint8_t sum[CONTENT_SUM_BYTES];
enum { PATH_BYTES = 2 * FOLDER_PATH_BYTES };

static char cache[FOLDER_PATH_BYTES + 16];

static int set_up(void **state)
{
    (void)state;
    kit_open(&kit);
    snprintf(cache, sizeof cache, "%s/cache", kit.folder.path);
    assert_int_equal(cache_make(cache, &kit.err), 0);
    mrlua__reuse__init(&request);
    request.folder = cache;
    request.since_ns = FAR_NS;
    kit.start.reuse = &request;
    kit.start.partition_count = 2;
    return 0;
}

/* A whole file as a plan tells it. */
static void make_piece(Mrlua__Piece *piece, const char *path)
{
    int fd = open(path, O_RDONLY);

    kit_piece(piece, path, 0, UINT64_MAX);
    assert_int_equal(content_sum(fd, path, sum, &kit.err), 0);
    close(fd);
    piece->checksum = (ProtobufCBinaryData){sizeof sum, sum};
}

/* Map `map` of the file; what it answered is freed. True: an earlier run was taken. */
static bool is_reused(uint32_t map, const char *path)
{
    Mrlua__Piece piece, *list[] = {&piece};
    Mrlua__Done *done;
    bool was_reused;

    make_piece(&piece, path);
    done = kit_map_pieces(&kit, map, list, 1);
    was_reused = done && kit_counter(done, REUSE_COUNTER) == 1;
    assert_true(!done || done->run);
    kit_must(&kit, done);
    assert_int_equal(kit.started_pid == 0, was_reused); /* no child was made */
    return was_reused;
}

static void expect_parts(const char *first, const char *second)
{
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, first);
    kit_must(&kit, kit_reduce(&kit, 1));
    kit_expect(&kit, second);
}

/* The path of `part` ("file" or "note") of the only entry. */
static void find_entry(const char *part, char out[PATH_BYTES])
{
    char pattern[PATH_BYTES];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/files/*/*/%s", cache, part);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    snprintf(out, PATH_BYTES, "%s", found.gl_pathv[0]);
    globfree(&found);
}

static void a_map_of_the_same_is_not_run_again(void **state)
{
    const char *path = kit_file(&kit, "a.txt", "b a b c\n");

    (void)state;
    kit_job(&kit, JOB);
    assert_false(is_reused(0, path));
    expect_parts("b\t2\nc\t1\n", "a\t1\n");
    kit_job(&kit, JOB);
    assert_true(is_reused(0, path));
    assert_true(is_reused(1, path)); /* the same file twice: one run, two maps */
    expect_parts("b\t4\nc\t2\n", "a\t2\n");
}

static void a_map_of_something_else_is_run(void **state)
{
    (void)state;
    kit_job(&kit, JOB);
    assert_false(is_reused(0, kit_file(&kit, "a.txt", "one text\n")));
    assert_false(is_reused(0, kit_file(&kit, "a.txt", "two text\n"))); /* as long */
    kit.start.partition_count = 3;
    assert_false(is_reused(0, kit_file(&kit, "a.txt", "one text\n")));
    kit.start.partition_count = 2;
    kit_job(&kit, WORDCOUNT("nil", "'sum'"));
    assert_false(is_reused(0, kit_file(&kit, "a.txt", "one text\n")));
    kit_job(&kit, JOB);
    assert_true(is_reused(0, kit_file(&kit, "a.txt", "one text\n")));
}

/* Digest, bytes and all counters, those of the job too, are as if the map had run. */
static void the_answer_is_that_of_the_map(void **state)
{
    Mrlua__Piece piece, *list[] = {&piece};
    Mrlua__Done *first, *second;

    (void)state;
    kit_job(&kit, "return { reduce = 'identity', map = function(_, line, emit)\n"
                  "  mr.count('lines', 2); emit(line, 1) end }");
    make_piece(&piece, kit_file(&kit, "a.txt", "x\ny\n"));
    first = kit_map_pieces(&kit, 0, list, 1);
    second = kit_map_pieces(&kit, 0, list, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(second->n_counters, first->n_counters);
    assert_int_equal(kit_counter(first, REUSE_COUNTER), 0);
    for (size_t i = 0; i < first->n_counters; i++)
        assert_int_equal(kit_counter(second, first->counters[i]->name),
                         first->counters[i]->value +
                             (strcmp(first->counters[i]->name, REUSE_COUNTER) == 0));
    assert_int_equal(kit_counter(second, "user.lines"), 4);
    assert_int_equal(second->bytes, first->bytes);
    assert_true(second->digest->low == first->digest->low);
    assert_true(second->digest->high == first->digest->high);
    assert_int_equal(second->digest->records, 2);
    assert_string_equal(second->path, kit.result_path);
    message_free(first);
    message_free(second);
}

/* Goal: what a job can see of its task, and math.random, depend on what the map is of alone. */
static void a_run_does_not_depend_on_the_number_of_its_map(void **state)
{
    struct buf first = {0}, second = {0};
    const char *path = kit_file(&kit, "a.txt", "x\n");

    (void)state;
    kit_job(&kit, "return { reduce = 'identity', map = function(_, line, emit)\n"
                  "  emit(line, { mr.job, mr.task, mr.attempt, mr.worker, math.random() }) end }");
    assert_false(is_reused(0, path));
    assert_int_equal(io_read_file(kit.result_path, 1 << 20, &first, ERR_INPUT, &kit.err), 0);
    snprintf(cache, sizeof cache, "%s/another", kit.folder.path);
    assert_int_equal(cache_make(cache, &kit.err), 0);
    kit.start.worker = 9;
    assert_false(is_reused(3, path));
    assert_int_equal(io_read_file(kit.result_path, 1 << 20, &second, ERR_INPUT, &kit.err), 0);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, first.len);
    buf_deinit(&first);
    buf_deinit(&second);
}

/* Goal (P5): whichever byte of a kept run is flipped, the map runs, says so, and keeps a good one.
 */
static void every_flipped_byte_makes_the_map_run(void **state)
{
    const char *path = kit_file(&kit, "a.txt", "b a b c\n");
    char file[PATH_BYTES];
    struct stat status;

    (void)state;
    kit_job(&kit, JOB);
    assert_false(is_reused(0, path));
    find_entry("file", file);
    assert_int_equal(stat(file, &status), 0);
    for (off_t at = 0; at < status.st_size; at += 1 + at % 3) {
        int fd = open(file, O_RDWR);
        char byte;

        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        assert_false(is_reused(0, path));
        assert_non_null(strstr(buf_string(&kit.log), "mrlua: cache: "));
        find_entry("file", file);
        unlink(kit.result_path); /* or the next byte would be flipped in it, too */
    }
    assert_true(is_reused(0, path));
    expect_parts("b\t2\nc\t1\n", "a\t1\n");
}

static void a_run_that_is_cut_makes_the_map_run(void **state)
{
    const char *path = kit_file(&kit, "a.txt", "b a b c\n");
    char file[PATH_BYTES];

    (void)state;
    kit_job(&kit, JOB);
    assert_false(is_reused(0, path));
    find_entry("file", file);
    assert_int_equal(truncate(file, 100), 0);
    assert_false(is_reused(0, path));
    assert_true(is_reused(0, path));
}

/* Intact, but of another key: the ids in it are found to be wrong. */
static void a_run_in_the_place_of_another_makes_the_map_run(void **state)
{
    const char *one = kit_file(&kit, "a.txt", "one\n"), *two = kit_file(&kit, "b.txt", "two\n");
    char file[PATH_BYTES], note[PATH_BYTES], other[PATH_BYTES];

    (void)state;
    kit_job(&kit, JOB);
    assert_false(is_reused(0, one));
    find_entry("file", file);
    find_entry("note", note);
    snprintf(other, sizeof other, "%s/files/moved", cache);
    assert_int_equal(rename(file, other), 0);
    snprintf(file, sizeof file, "%s/files/moved-note", cache);
    assert_int_equal(rename(note, file), 0);
    *strrchr(note, '/') = '\0';
    assert_int_equal(rmdir(note), 0);
    assert_false(is_reused(0, two));
    find_entry("note", note);
    assert_int_equal(rename(file, note), 0);
    find_entry("file", file);
    assert_int_equal(rename(other, file), 0);
    assert_false(is_reused(0, two));
    assert_non_null(strstr(buf_string(&kit.log), "it is another one"));
    expect_parts("", "two\t1\n");
}

/* Its checksum is not that of the file: it was changed between the plan and the map. */
static void a_map_whose_input_changed_meanwhile_is_not_kept(void **state)
{
    Mrlua__Piece piece, *list[] = {&piece};

    (void)state;
    kit_job(&kit, JOB);
    request.since_ns = 1; /* its times do not tell that it did not */
    make_piece(&piece, kit_file(&kit, "a.txt", "text\n"));
    sum[0] ^= 1;
    for (int twice = 0; twice < 2; twice++) {
        Mrlua__Done *done = kit_map_pieces(&kit, 0, list, 1);

        assert_non_null(done);
        assert_int_equal(kit_counter(done, REUSE_COUNTER), 0);
        message_free(done);
    }
    sum[0] ^= 1;
    kit_must(&kit, kit_map_pieces(&kit, 0, list, 1));
    assert_true(is_reused(0, piece.path));
}

static void a_cache_that_is_gone_costs_a_line_and_no_map(void **state)
{
    const char *path = kit_file(&kit, "a.txt", "text\n");

    (void)state;
    kit_job(&kit, JOB);
    snprintf(cache, sizeof cache, "%s/nowhere", kit.folder.path);
    assert_false(is_reused(0, path));
    assert_non_null(strstr(buf_string(&kit.log), "mrlua: cache: make "));
    expect_parts("", "text\t1\n");
}

static void only_maps_that_leave_runs_take_part(void **state)
{
    struct reuse reuse;

    (void)state;
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    reuse_init(&reuse, &kit.start);
    assert_true(reuse.is_on);
    kit.start.unsafe = true;
    reuse_init(&reuse, &kit.start);
    assert_false(reuse.is_on);
    kit.start.unsafe = false;
    kit.start.partition_count = 0; /* without reduces a map leaves a part */
    reuse_init(&reuse, &kit.start);
    assert_false(reuse.is_on);
    kit.start.partition_count = 1;
    kit.start.kind = MRLUA__TASK_KIND__REDUCE;
    reuse_init(&reuse, &kit.start);
    assert_false(reuse.is_on);
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.reuse = NULL;
    reuse_init(&reuse, &kit.start);
    assert_false(reuse.is_on);
}

/* Which they were stands in its job's output, and in no later one's. */
static void a_map_without_some_of_its_records_takes_no_part(void **state)
{
    uint64_t skip[] = {2};
    Mrlua__Piece piece, *list[] = {&piece};
    Mrlua__Done *done;
    const char *path;

    (void)state;
    kit_job(&kit, JOB);
    path = kit_file(&kit, "in.txt", "a b\nc\n");
    make_piece(&piece, path);
    kit_skip(&kit, skip, 1, 0);
    done = kit_map_pieces(&kit, 0, list, 1);
    assert_non_null(done);
    assert_int_equal(kit_counter(done, REUSE_COUNTER), -1);
    message_free(done);
    kit_skip(&kit, NULL, 0, 0);
    assert_false(is_reused(0, path));
    assert_true(is_reused(0, path));
}

/* Goal: whatever fails while a run is looked for, there is a whole one or none. */
static void every_failure_leaves_a_run_or_none(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_READ, FAULT_RENAME};
    Mrlua__Piece piece, *list[] = {&piece};
    char path[PATH_BYTES];
    struct reuse reuse;
    uint32_t failed = 0;

    (void)state;
    kit_job(&kit, JOB);
    make_piece(&piece, kit_file(&kit, "a.txt", "b a b c\n"));
    snprintf(path, sizeof path, "%s/found", kit.folder.path);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (uint32_t nth = 0;; nth++) {
            struct buf done = {0};
            struct err err = {0};
            int rc;

            kit_must(&kit, kit_map_pieces(&kit, 0, list, 1)); /* kept, if it is not there */
            unlink(kit.result_path);
            kit.start.result_path = path;
            kit.start.pieces = list;
            kit.start.n_pieces = 1;
            reuse_init(&reuse, &kit.start);
            fault_arm(calls[i], nth, EIO);
            rc = reuse_find(&reuse, &done, &err);
            if (!fault_disarm()) {
                assert_int_equal(rc, 1);
                assert_int_equal(unlink(path), 0);
                buf_deinit(&done);
                break;
            }
            failed++;
            assert_true(rc >= 0 || err.kind == ERR_DISK);
            assert_int_equal(access(path, F_OK) == 0, rc == 1);
            assert_int_equal(done.len > 0, rc == 1);
            unlink(path);
            buf_deinit(&done);
        }
    }
    assert_true(failed >= 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(a_map_of_the_same_is_not_run_again),
        TEST(a_map_of_something_else_is_run),
        TEST(the_answer_is_that_of_the_map),
        TEST(a_run_does_not_depend_on_the_number_of_its_map),
        TEST(every_flipped_byte_makes_the_map_run),
        TEST(a_run_that_is_cut_makes_the_map_run),
        TEST(a_run_in_the_place_of_another_makes_the_map_run),
        TEST(a_map_whose_input_changed_meanwhile_is_not_kept),
        TEST(a_cache_that_is_gone_costs_a_line_and_no_map),
        TEST(only_maps_that_leave_runs_take_part),
        TEST(a_map_without_some_of_its_records_takes_no_part),
        TEST(every_failure_leaves_a_run_or_none),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
