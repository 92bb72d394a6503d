#include "cli/run_config.h"

#include "cli/kit.h"
#include "record/sortbuf.h"
#include "sched/sched.h"

#include <stdio.h>
#include <string.h>

static const char *const INPUTS[] = {"a.txt", "-", "folder", NULL};

/* Begins the arguments of a run with three inputs and an empty job. */
static void begin(struct buf *args)
{
    struct buf bundle = {0}, view = {0};

    kit_bundle(&bundle, "job.lua", "return {}");
    value_write_table_begin(&view);
    value_write_table_end(&view);
    kit_args_begin(args, buf_slice(&bundle), buf_slice(&view), INPUTS);
    buf_deinit(&bundle);
    buf_deinit(&view);
}

static int end(struct buf *args, struct run_config *config, struct err *err)
{
    int rc;

    kit_args_end(args);
    rc = run_config_init(config, buf_slice(args), err);
    buf_deinit(args);
    *args = (struct buf){0};
    return rc;
}

static void arguments_are_copied(void **state)
{
    struct run_config config;
    struct buf args = {0};
    struct err err;

    (void)state;
    begin(&args);
    field_integer(&args, "slots", 3);
    field_integer(&args, "reducers", 2);
    field_integer(&args, "split_bytes", 1000);
    field_string(&args, "output", "out");
    field_boolean(&args, "overwrite", true);
    assert_int_equal(end(&args, &config, &err), 0);

    assert_int_equal(config.input_count, 3);
    assert_string_equal(config.inputs[2], "folder");
    assert_true(config.reads_stdin);
    assert_string_equal(config.output, "out");
    assert_null(config.tmp);
    assert_true(config.overwrite);
    assert_false(config.unsafe);
    assert_int_equal(config.slots, 3);
    assert_int_equal(config.reducers, 2);
    assert_int_equal(config.split_bytes, 1000);
    assert_int_equal(config.sort_buffer_bytes, RUN_SORT_BUFFER_BYTES);
    assert_true(
        slice_equal(value_field_string(config.bundle, "path", ""), slice_of_string("job.lua")));
    run_config_deinit(&config);
}

/* The three inputs of begin() in two groups, the second of `count`. */
static void add_groups(struct buf *args, uint64_t count)
{
    static const char *const names[] = {"clicks", "users"}, *const formats[] = {"lines", "csv"};

    field_name(args, "input_groups");
    value_write_list_begin(args, 2);
    for (int i = 0; i < 2; i++) {
        value_write_table_begin(args);
        field_string(args, "name", names[i]);
        field_string(args, "format", formats[i]);
        field_integer(args, "count", i ? count : 1);
        value_write_table_end(args);
    }
    field_integer(args, "slots", 1);
}

static void inputs_may_come_in_groups(void **state)
{
    struct run_config config;
    struct buf args = {0};
    struct err err;

    (void)state;
    begin(&args);
    add_groups(&args, 2);
    assert_int_equal(end(&args, &config, &err), 0);
    assert_int_equal(config.group_count, 2);
    assert_string_equal(config.groups[0]->name, "clicks");
    assert_string_equal(config.groups[1]->format, "csv");
    assert_int_equal(config.groups[1]->count, 2);
    run_config_deinit(&config);

    begin(&args);
    add_groups(&args, 3);
    assert_int_equal(end(&args, &config, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "3 inputs, and names for 4");
}

static bool is_ranged(const char *partition)
{
    struct buf bundle = {0}, view = {0}, args = {0};
    struct run_config config;
    struct err err;
    bool ranged;

    kit_bundle(&bundle, "job.lua", "return {}");
    value_write_table_begin(&view);
    field_string(&view, "partition", partition);
    value_write_table_end(&view);
    kit_args_begin(&args, buf_slice(&bundle), buf_slice(&view), INPUTS);
    field_integer(&args, "slots", 1);
    assert_int_equal(end(&args, &config, &err), 0);
    ranged = config.ranged;
    run_config_deinit(&config);
    buf_deinit(&bundle);
    buf_deinit(&view);
    return ranged;
}

static void what_needs_a_sample_is_known(void **state)
{
    (void)state;
    assert_true(is_ranged("range"));
    assert_false(is_ranged("hash"));
}

/* A field that is out of its limits, and a word of what is said of it. */
static void refuses(const char *field, uint64_t value, const char *word)
{
    struct run_config config;
    struct buf args = {0};
    struct err err;

    begin(&args);
    field_integer(&args, field, value);
    field_integer(&args, "slots", 1); /* the first of a name is found */
    assert_int_equal(end(&args, &config, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, word));
    assert_null(config.copy);
}

/* Begins the arguments of a run whose job has two outputs of this format. */
static void begin_with_outputs(struct buf *args, const char *first_name, const char *format)
{
    const char *const names[] = {first_name, "errors"};
    struct buf bundle = {0}, view = {0};

    kit_bundle(&bundle, "job.lua", "return {}");
    value_write_table_begin(&view);
    field_name(&view, "outputs");
    value_write_table_begin(&view);
    for (int i = 0; i < 2; i++) {
        field_name(&view, names[i]);
        value_write_table_begin(&view);
        field_string(&view, "format", format);
        value_write_table_end(&view);
    }
    value_write_table_end(&view);
    value_write_table_end(&view);
    kit_args_begin(args, buf_slice(&bundle), buf_slice(&view), INPUTS);
    field_integer(args, "slots", 1);
    buf_deinit(&bundle);
    buf_deinit(&view);
}

static void further_outputs_are_read_by_name_and_need_a_folder(void **state)
{
    struct run_config config;
    struct buf args = {0};
    struct err err = {0};

    (void)state;
    begin_with_outputs(&args, "rejected", "csv.gz");
    assert_int_equal(end(&args, &config, &err), -1);
    assert_non_null(strstr(err.message, "give -o DIR"));
    begin_with_outputs(&args, "rejected", "csv.gz");
    field_string(&args, "output", "out");
    if (end(&args, &config, &err) != 0)
        fail_msg("%s", err.message);
    assert_int_equal(config.outputs.count, 2);
    assert_string_equal(config.outputs.list[0]->name, "errors");
    assert_string_equal(config.outputs.list[1]->name, "rejected");
    assert_string_equal(config.outputs.list[1]->format, "csv.gz");
    run_config_deinit(&config);
}

static void an_output_that_cannot_be_named_so_is_refused(void **state)
{
    struct run_config config;
    struct buf args = {0};
    struct err err = {0};

    (void)state;
    begin_with_outputs(&args, "../errors", "jsonl");
    field_string(&args, "output", "out");
    assert_int_equal(end(&args, &config, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "'../errors'"));
}

static void values_out_of_their_limits_are_refused(void **state)
{
    (void)state;
    refuses("slots", 0, "slots");
    refuses("slots", RUN_SLOTS_MAX + 1, "slots");
    refuses("slots", UINT64_C(1) << 40, "slots");
    refuses("reducers", REDUCER_COUNT_MAX + 1, "reducers");
    refuses("skip_bad", SCHED_SKIP_BAD_MAX + 1, "skip_bad");
    refuses("sort_buffer_bytes", 1, "sort buffer");
    refuses("sort_buffer_bytes", (uint64_t)SORTBUF_BYTES_MAX + 1, "sort buffer");
}

static void what_is_missing_is_refused(void **state)
{
    struct run_config config;
    struct buf args = {0};
    struct err err;

    (void)state;
    value_write_table_begin(&args);
    assert_int_equal(end(&args, &config, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_int_equal(run_config_init(&config, slice_of(NULL, 0), &err), -1);
}

static void a_run_file_needs_a_folder(void **state)
{
    struct run_config config;
    struct buf args = {0}, bundle = {0}, view = {0};
    struct err err;

    (void)state;
    kit_bundle(&bundle, "job.lua", "return {}");
    value_write_table_begin(&args);
    field_name(&args, "bundle");
    buf_append(&args, bundle.ptr, bundle.len);
    field_name(&args, "view");
    buf_append(&args, bundle.ptr, bundle.len);
    kit_inputs(&args, INPUTS);
    field_string(&args, "job_name", "job");
    field_string(&args, "input", "lines");
    field_string(&args, "output_format", "run");
    field_integer(&args, "attempts", 1);
    field_integer(&args, "slots", 1);
    assert_int_equal(end(&args, &config, &err), -1);
    assert_non_null(strstr(err.message, "-o"));
    buf_deinit(&bundle);
    buf_deinit(&view);
}

static void give_files(struct buf *args, int count)
{
    char name[8];

    field_name(args, "files");
    value_write_table_begin(args);
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "f%02d", i);
        field_string(args, name, "path");
    }
    value_write_table_end(args);
}

static void there_are_16_side_files_and_no_more(void **state)
{
    struct run_config config;
    struct buf args = {0};
    struct err err;

    (void)state;
    begin(&args);
    field_integer(&args, "slots", 1);
    give_files(&args, 16);
    assert_int_equal(end(&args, &config, &err), 0);
    assert_int_equal(config.files.count, 16);
    assert_string_equal(config.files.items[15].name, "f16");
    assert_string_equal(config.files.list[15]->path, "path");
    run_config_deinit(&config);
    begin(&args);
    field_integer(&args, "slots", 1);
    give_files(&args, 17);
    assert_int_equal(end(&args, &config, &err), -1);
    assert_string_equal(err.message, "a job has at most 16 side files");
}

static void a_step_is_told_what_was_pinned_for_the_job(void **state)
{
    Mrlua__SideFile file = MRLUA__SIDE_FILE__INIT, *files[] = {&file};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    struct run_config config;
    struct buf args = {0}, packed = {0};
    struct err err;

    (void)state;
    file.name = (char *)(uintptr_t) "a";
    file.path = (char *)(uintptr_t) "gs://b/a";
    file.generation = 7;
    request.files = files;
    request.n_files = 1;
    message_pack(&packed, &request.base);
    begin(&args);
    field_integer(&args, "slots", 1);
    give_files(&args, 2);
    field_name(&args, "pinned_files");
    value_write_string(&args, buf_slice(&packed));
    assert_int_equal(end(&args, &config, &err), 0);
    assert_int_equal(config.files.count, 1);
    assert_string_equal(config.files.items[0].path, "gs://b/a");
    assert_int_equal(config.files.items[0].generation, 7);
    run_config_deinit(&config);
    begin(&args);
    field_integer(&args, "slots", 1);
    field_string(&args, "pinned_files", "no message");
    assert_int_equal(end(&args, &config, &err), -1);
    buf_deinit(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_copied),
        cmocka_unit_test(inputs_may_come_in_groups),
        cmocka_unit_test(what_needs_a_sample_is_known),
        cmocka_unit_test(further_outputs_are_read_by_name_and_need_a_folder),
        cmocka_unit_test(an_output_that_cannot_be_named_so_is_refused),
        cmocka_unit_test(values_out_of_their_limits_are_refused),
        cmocka_unit_test(what_is_missing_is_refused),
        cmocka_unit_test(a_run_file_needs_a_folder),
        cmocka_unit_test(there_are_16_side_files_and_no_more),
        cmocka_unit_test(a_step_is_told_what_was_pinned_for_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
