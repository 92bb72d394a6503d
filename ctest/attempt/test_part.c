#include "attempt/part.h"

#include "test.h"

#include "record/key.h"
#include "record/value.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A child with a result file, as the nursery leaves it. */
struct part {
    struct page page;
    Mrlua__TaskStart start;
    struct child child;
};

static void part_init(struct part *part, Mrlua__TaskKind kind, char *output)
{
    int fd = memfd_create("part", 0);

    assert_true(fd >= 0);
    assert_int_equal(dup2(fd, child_fd(CHILD_RESULT)), child_fd(CHILD_RESULT));
    close(fd);
    *part = (struct part){.start = MRLUA__TASK_START__INIT};
    part->start.kind = kind;
    part->start.task = 3;
    part->start.attempt = 99;
    part->start.output = output;
    part->child = (struct child){.page = &part->page, .start = &part->start};
}

static void write_one(struct part *part, struct task_result *result)
{
    struct buf key = {0}, value = {0};
    struct writer *writer;
    struct err err;

    writer = part_open(&part->child, &err);
    assert_non_null(writer);
    assert_int_equal(key_encode_string(&key, slice_of_string("k\xff"), &err), 0);
    value_write_integer(&value, 7);
    assert_int_equal(writer_write(writer, buf_slice(&key), buf_slice(&value), &err), 0);
    assert_int_equal(part_finish(&part->child, writer, result, &err), 0);
    writer_close(writer);
    buf_deinit(&key);
    buf_deinit(&value);
}

static uint64_t counted(const struct task_result *result, const char *name)
{
    for (uint32_t i = 0; i < result->counter_count; i++)
        if (strcmp(result->counters[i].name, name) == 0)
            return result->counters[i].value;
    return UINT64_MAX;
}

static void a_map_and_a_reduce_count_what_they_wrote_under_their_names(void **state)
{
    static const struct {
        Mrlua__TaskKind kind;
        const char *records, *bytes;
    } cases[] = {
        {MRLUA__TASK_KIND__MAP, "map_records_out", "map_bytes_out"},
        {MRLUA__TASK_KIND__REDUCE, "reduce_records_out", "reduce_bytes_out"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        static char jsonl[] = "jsonl";
        struct task_result result = {0};
        struct part part;
        char text[64] = "";

        part_init(&part, cases[i].kind, jsonl);
        write_one(&part, &result);
        assert_int_equal(pread(child_fd(CHILD_RESULT), text, sizeof text - 1, 0), result.bytes);
        assert_string_equal(text, "[\"k\xef\xbf\xbd\",7]\n");
        assert_int_equal(result.records, 1);
        assert_int_equal(result.digest.record_count, 1);
        assert_int_equal(counted(&result, cases[i].records), 1);
        assert_int_equal(counted(&result, cases[i].bytes), result.bytes);
        assert_int_equal(counted(&result, "bytes_not_utf8"), 1);
        assert_int_equal(part.page.phase, PAGE_WRITE);
    }
}

/* Whoever wrote them: the bytes are those of the partition. */
static void two_attempts_write_the_same_bytes_with_the_same_digest(void **state)
{
    static char run[] = "run";
    struct task_result first = {0}, second = {0};
    struct part part;

    (void)state;
    part_init(&part, MRLUA__TASK_KIND__MAP, run);
    write_one(&part, &first);
    part_init(&part, MRLUA__TASK_KIND__MAP, run);
    part.start.attempt = 100;
    part.start.worker = 8;
    write_one(&part, &second);
    assert_int_equal(first.crc32c, second.crc32c);
    assert_true(digest_equal(&first.digest, &second.digest));
}

static void a_format_that_is_none_is_refused(void **state)
{
    static char csv[] = "morse";
    struct part part;
    struct err err;

    (void)state;
    part_init(&part, MRLUA__TASK_KIND__MAP, csv);
    assert_null(part_open(&part.child, &err));
    assert_int_equal(err.kind, ERR_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_and_a_reduce_count_what_they_wrote_under_their_names),
        cmocka_unit_test(two_attempts_write_the_same_bytes_with_the_same_digest),
        cmocka_unit_test(a_format_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
