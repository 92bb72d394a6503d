#include "master/job_manifest.h"

#include "master/task_kit.h"
#include "store/manifest.h"

#include <string.h>

static uint64_t number_of(const struct manifest_number *numbers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(numbers[i].name, name) == 0)
            return numbers[i].value;
    }
    fail_msg("no %s", name);
    return 0;
}

static void a_manifest_says_what_was_made_and_how(void **state)
{
    struct task_kit kit;
    struct buf text = {0};
    struct manifest *read;
    struct err err;

    (void)state;
    task_kit_open(&kit, "out");
    job_manifest_encode(&kit.source, &text);
    read = manifest_decode(buf_slice(&text), "it", &err);
    assert_non_null(read);
    assert_string_equal(read->job_id, "run-1");
    assert_string_equal(read->job_name, "job");
    assert_string_equal(read->input_format, "lines");
    assert_string_equal(read->output_format, "tsv");
    assert_int_equal(read->split_count, 2);
    assert_int_equal(read->split_bytes, 1024);
    assert_int_equal(read->reducer_count, 2);
    assert_int_equal(read->sort_buffer_bytes, 1 << 20);
    assert_int_equal(read->input_count, 2);
    assert_string_equal(read->inputs[1].path, "-");
    assert_int_equal(read->inputs[1].bytes, 11);
    assert_int_equal(read->part_count, 2);
    assert_string_equal(read->parts[1].name, "part-00001");
    assert_int_equal(read->parts[1].bytes, 31);
    assert_int_equal(read->parts[1].records, 4);
    assert_int_equal(read->parts[1].crc32c, 0xabcd);
    assert_int_equal(number_of(read->counters, read->counter_count, "map_in"), 10);
    assert_int_equal(number_of(read->counters, read->counter_count, "all"), 4);
    assert_int_equal(number_of(read->times_ms, read->time_count, "map"), 12);
    assert_int_equal(number_of(read->times_ms, read->time_count, "reduce"), 3);
    manifest_close(read);
    buf_deinit(&text);
    task_kit_close(&kit);
}

static void inputs_of_several_kinds_are_named(void **state)
{
    char a[] = "a", b[] = "b", lines[] = "lines", csv[] = "csv";
    Mrlua__InputGroup groups[2] = {MRLUA__INPUT_GROUP__INIT, MRLUA__INPUT_GROUP__INIT};
    Mrlua__InputGroup *list[] = {&groups[0], &groups[1]};
    struct task_kit kit;
    struct buf text = {0};
    struct manifest *read;
    struct err err;

    (void)state;
    task_kit_open(&kit, "out");
    groups[0].name = a;
    groups[0].format = lines;
    groups[1].name = b;
    groups[1].format = csv;
    kit.source.groups = list;
    kit.source.group_count = 2;
    job_manifest_encode(&kit.source, &text);
    read = manifest_decode(buf_slice(&text), "it", &err);
    assert_non_null(read);
    assert_string_equal(read->input_format, "a=lines b=csv");
    manifest_close(read);
    buf_deinit(&text);
    task_kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_says_what_was_made_and_how),
        cmocka_unit_test(inputs_of_several_kinds_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
