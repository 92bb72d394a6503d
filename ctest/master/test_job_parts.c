#include "master/job_parts.h"

#include "master/kit.h"

#include <stdlib.h>

static Mrlua__Output errors = MRLUA__OUTPUT__INIT, rejected = MRLUA__OUTPUT__INIT;
static Mrlua__Output *outputs_list[] = {&errors, &rejected};

static struct job_outputs outputs_of(bool map_only)
{
    errors.name = "errors";
    errors.format = "jsonl";
    rejected.name = "rejected";
    rejected.format = "csv.gz";
    return (struct job_outputs){
        .format = "tsv.zst", .items = outputs_list, .count = 2, .map_only = map_only};
}

/* Done, as message_free() takes it, with a file of `bytes` bytes for this output. */
static Mrlua__Done *done_with_file(uint32_t output, uint64_t bytes)
{
    Mrlua__Done *done = kit_done("in", 1, 100, 4);

    done->files = calloc(1, sizeof(Mrlua__OutputFile *));
    done->files[0] = calloc(1, sizeof(Mrlua__OutputFile));
    mrlua__output_file__init(done->files[0]);
    done->n_files = 1;
    done->files[0]->output = output;
    done->files[0]->bytes = bytes;
    done->files[0]->records = 2;
    done->files[0]->crc32c = 77;
    return done;
}

/* The parts as "name:attempt:bytes:records name:...". */
static void expect(const struct job_outputs *outputs, const struct job_results *results,
                   const char *wanted)
{
    struct job_parts parts;
    struct buf text = {0};

    job_parts_init(&parts, outputs, results);
    for (size_t i = 0; i < parts.count; i++) {
        const struct job_part *part = &parts.items[i];

        publish_part_name(&text, &part->file);
        buf_printf(&text, ":%llu:%llu:%llu ", (unsigned long long)part->file.attempt,
                   (unsigned long long)part->file.bytes, (unsigned long long)part->records);
    }
    assert_string_equal(buf_string(&text), wanted);
    job_parts_deinit(&parts);
    buf_deinit(&text);
}

static void a_job_without_further_outputs_has_its_parts(void **state)
{
    struct job_outputs outputs = {.format = "tsv"};
    struct job_results results = {0};
    struct job_parts parts;

    (void)state;
    job_results_plan(&results, 1, 2);
    job_results_take(&results, STAGE_REDUCE, 0, 21, kit_done("in", 1, 10, 0));
    job_results_take(&results, STAGE_REDUCE, 1, 22, kit_done("in", 1, 20, 3));
    expect(&outputs, &results, "part-00000:21:10:0 part-00001:22:20:3 ");
    job_parts_init(&parts, &outputs, &results);
    assert_int_equal(parts.bytes, 30);
    assert_int_equal(parts.records, 3);
    assert_null(parts.items[0].file.output);
    assert_null(parts.items[0].format);
    job_parts_deinit(&parts);
    job_results_drop(&results, STAGE_REDUCE, 0);
    expect(&outputs, &results, "part-00000:0:0:0 part-00001:22:20:3 ");
    job_results_deinit(&results);
}

/* Of reduces that emitted to it, then that of the maps; what has no records is left out. */
static void further_outputs_follow_the_main_one_by_name(void **state)
{
    struct job_outputs outputs = outputs_of(false);
    struct job_results results = {0};

    (void)state;
    job_parts_plan(&results, 1, 2, 2);
    assert_int_equal(job_results_part_count(&results), 4);
    job_results_take(&results, STAGE_REDUCE, 0, 21, done_with_file(1, 50));
    job_results_take(&results, STAGE_REDUCE, 1, 22, done_with_file(0, 60));
    job_results_take(&results, STAGE_REDUCE, 2, 23, kit_done("in", 1, 7, 1)); /* errors */
    job_results_take(&results, STAGE_REDUCE, 3, 24, kit_done("in", 1, 0, 0)); /* rejected */
    expect(&outputs, &results,
           "part-00000.zst:21:100:4 part-00001.zst:22:100:4 "
           "errors-00001:22:60:2 errors-00002:23:7:1 rejected-00000.gz:21:50:2 ");
    job_results_deinit(&results);
}

static void maps_without_reduces_write_to_all_outputs(void **state)
{
    struct job_outputs outputs = outputs_of(true);
    struct job_results results = {0};

    (void)state;
    assert_int_equal(job_parts_reduce_count(0, 2), 0);
    job_parts_plan(&results, 2, 0, 2);
    job_results_take(&results, STAGE_MAP, 0, 11, kit_done("in", 1, 5, 1));
    job_results_take(&results, STAGE_MAP, 1, 12, done_with_file(0, 60));
    expect(&outputs, &results,
           "part-00000.zst:11:5:1 part-00001.zst:12:100:4 errors-00001:12:60:2 ");
    job_results_deinit(&results);
}

static void before_there_is_a_plan_there_are_no_parts(void **state)
{
    struct job_outputs outputs = outputs_of(false);
    struct job_results results = {0};

    (void)state;
    expect(&outputs, &results, "");
}

static void what_no_job_may_ask_for_is_refused(void **state)
{
    Mrlua__Output *too_many[OUTPUT_COUNT_MAX + 1], *twice[] = {&errors, &errors};
    struct err err = {0};

    (void)state;
    outputs_of(false);
    assert_int_equal(job_parts_check(outputs_list, 2, &err), 0);
    assert_int_equal(job_parts_check(NULL, 0, &err), 0);
    assert_int_equal(job_parts_check(twice, 2, &err), -1);
    for (size_t i = 0; i <= OUTPUT_COUNT_MAX; i++)
        too_many[i] = &errors;
    assert_int_equal(job_parts_check(too_many, OUTPUT_COUNT_MAX + 1, &err), -1);
    assert_non_null(strstr(err.message, "9 further outputs: 8 are the most"));
    rejected.format = "xml";
    assert_int_equal(job_parts_check(outputs_list, 2, &err), -1);
    errors.name = "../errors";
    assert_int_equal(job_parts_check(outputs_list, 1, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_without_further_outputs_has_its_parts),
        cmocka_unit_test(further_outputs_follow_the_main_one_by_name),
        cmocka_unit_test(maps_without_reduces_write_to_all_outputs),
        cmocka_unit_test(before_there_is_a_plan_there_are_no_parts),
        cmocka_unit_test(what_no_job_may_ask_for_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
