#include "cli/inspect.h"

#include "cli/kit.h"
#include "folder_of_test.h"
#include "record/key.h"
#include "record/run.h"
#include "store/manifest.h"

#include <string.h>

static struct err err;

/* A run of two partitions with a record in the second. */
static void make_run(const char *name)
{
    struct run_id id = {.job = 1, .attempt = 2, .task = 3};
    struct buf key = {0}, value = {0};
    struct run_writer *writer;
    int fd = open(folder_path(&folder, name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(key_encode_string(&key, slice_of_string("fox"), &err), 0);
    value_write_integer(&value, 7);
    writer = run_writer_open(fd, &id, 2, name, (struct pulse){0}, &err);
    assert_non_null(writer);
    assert_int_equal(run_writer_begin(writer, 1, &err), 0);
    assert_int_equal(run_writer_append(writer, buf_slice(&key), buf_slice(&value), &err), 0);
    assert_int_equal(run_writer_finish(writer, &err), 0);
    run_writer_close(writer);
    close(fd);
    buf_deinit(&key);
    buf_deinit(&value);
}

/* Calls inspect_run() with standard output into the file "printed". */
static int inspect_as(const char *name, bool is_summary, bool is_json, char *text,
                      size_t text_bytes)
{
    struct buf args = {0}, result = {0};
    int saved = dup(STDOUT_FILENO), rc;
    int fd = open(folder_path(&folder, "printed"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t len;

    value_write_table_begin(&args);
    field_string(&args, "path", folder_path(&folder, name));
    field_boolean(&args, "summary", is_summary);
    field_boolean(&args, "json", is_json);
    value_write_table_end(&args);
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    rc = inspect_run(NULL, NULL, buf_slice(&args), &result, &err);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    len = pread(fd, text, text_bytes - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    close(fd);
    buf_deinit(&args);
    buf_deinit(&result);
    return rc;
}

static int inspect(const char *name, bool is_summary, char *text, size_t text_bytes)
{
    return inspect_as(name, is_summary, false, text, text_bytes);
}

static void a_run_is_printed_as_json_an_object_a_line(void **state)
{
    char text[1000];

    (void)state;
    make_run("run");
    assert_int_equal(inspect_as("run", false, true, text, sizeof text), 0);
    assert_ptr_equal(strstr(text, "{\"run\":{\"job\":1,\"task\":3,\"attempt\":2,\"partitions\":2,"
                                  "\"records\":1,\"bytes\":"),
                     text);
    assert_non_null(strstr(text, "}}\n{\"segment\":{\"partition\":0,\"records\":0,"));
    assert_non_null(strstr(text, "}}\n{\"key\":\"fox\",\"value\":7}\n"));
    assert_int_equal(inspect_as("run", true, true, text, sizeof text), 0);
    assert_null(strstr(text, "key"));
}

static void a_run_is_printed_with_its_records(void **state)
{
    char text[1000];

    (void)state;
    make_run("run");
    assert_int_equal(inspect("run", false, text, sizeof text), 0);
    assert_ptr_equal(
        strstr(text, "# run file: job 1, task 3, attempt 2, 2 partitions, 1 records, "), text);
    assert_non_null(strstr(text, "\n# partition 0: 0 records"));
    assert_non_null(strstr(text, "\n# partition 1: 1 records"));
    assert_non_null(strstr(text, "\nfox\t7\n"));
}

static void a_summary_has_no_records(void **state)
{
    char text[1000];

    (void)state;
    make_run("run");
    assert_int_equal(inspect("run", true, text, sizeof text), 0);
    assert_non_null(strstr(text, "\n# partition 1: 1 records"));
    assert_null(strstr(text, "fox"));
}

/* Goal: no damage is printed as if it were a run. Method: flip a bit of each byte. */
static void every_flipped_bit_is_found(void **state)
{
    char text[1000];
    struct stat stat_of;
    int fd;

    (void)state;
    make_run("run");
    assert_int_equal(stat(folder_path(&folder, "run"), &stat_of), 0);
    fd = open(folder_path(&folder, "run"), O_RDWR | O_CLOEXEC);
    for (off_t i = 0; i < stat_of.st_size; i++) {
        char byte, flipped;

        assert_int_equal(pread(fd, &byte, 1, i), 1);
        flipped = (char)(byte ^ 4);
        assert_int_equal(pwrite(fd, &flipped, 1, i), 1);
        assert_int_equal(inspect("run", false, text, sizeof text), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_int_equal(pwrite(fd, &byte, 1, i), 1);
    }
    close(fd);
    assert_int_equal(inspect("run", false, text, sizeof text), 0);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    char text[1000];

    (void)state;
    assert_int_equal(inspect("nowhere", false, text, sizeof text), -1);
    assert_non_null(strstr(err.message, "/nowhere: No such file or directory"));
}

/* The answer of inspect_check_output() for the folder; to be deinited. */
static int check(struct buf *result)
{
    struct buf args = {0};
    int rc;

    value_write_table_begin(&args);
    field_string(&args, "folder", folder.path);
    value_write_table_end(&args);
    rc = inspect_check_output(NULL, NULL, buf_slice(&args), result, &err);
    buf_deinit(&args);
    return rc;
}

static void parts_are_compared_with_the_manifest(void **state)
{
    struct manifest_part part = {"part-00000", 3, 1, 0};
    struct manifest manifest = {.job_id = "run-1",
                                .job_name = "job",
                                .input_format = "lines",
                                .output_format = "tsv",
                                .parts = &part,
                                .part_count = 1};
    struct buf text = {0}, result = {0};

    (void)state;
    assert_int_equal(check(&result), -1); /* no manifest yet */
    folder_write(&folder, "part-00000", "a\t1\n", 4);
    manifest_encode(&manifest, &text);
    folder_write(&folder, "_SUCCESS", text.ptr, text.len);
    assert_int_equal(check(&result), 0);
    assert_true(slice_equal(value_field_string(buf_slice(&result), "job_id", ""),
                            slice_of_string("run-1")));
    assert_non_null(memmem(result.ptr, result.len, "part-00000", 10));
    assert_null(memmem(result.ptr, result.len, "error\x80", 6)); /* that would be: it is good */
    buf_deinit(&text);
    buf_deinit(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_is_printed_with_its_records),         TEST(a_summary_has_no_records),
        TEST(a_run_is_printed_as_json_an_object_a_line), TEST(every_flipped_bit_is_found),
        TEST(a_file_that_is_not_there_is_named),         TEST(parts_are_compared_with_the_manifest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
