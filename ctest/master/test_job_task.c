#include "master/job_task.h"

#include "attempt/reuse_done.h"
#include "attempt/reuse_key.h"
#include "base/mem.h"
#include "master/task_kit.h"

#include <string.h>

static struct task_kit kit;
static struct job_task task;

static int tear_down(void **state)
{
    (void)state;
    job_task_deinit(&task);
    task_kit_close(&kit);
    return 0;
}

static void a_plan_is_told_the_inputs_and_the_flags(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    kit.source.plan = NULL;
    job_task_init(&task, &kit.source, STAGE_PLAN, 0, 7);
    assert_int_equal(task.start.kind, MRLUA__TASK_KIND__PLAN);
    assert_int_equal(task.start.attempt, 7);
    assert_int_equal(task.start.plan->n_inputs, 2);
    assert_string_equal(task.start.plan->inputs[1], "-");
    assert_int_equal(task.start.plan->split_bytes, 4096);
    assert_int_equal(task.start.plan->reducers, 2);
    assert_string_equal(task.start.input, "lines");
    assert_string_equal(task.start.tmp_folder, "/tmp/run");
}

static void a_map_is_told_its_split(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_int_equal(task.start.kind, MRLUA__TASK_KIND__MAP);
    assert_int_equal(task.start.task, 1);
    assert_int_equal(task.start.n_pieces, 1);
    assert_string_equal(task.start.pieces[0]->name, "-");
    assert_string_equal(task.start.result_path, "/tmp/run/map-1.12");
    assert_int_equal(task.start.partition_count, 2);
    assert_int_equal(task.start.sort_buffer_bytes, 1 << 20);
    assert_int_equal(task.start.limits->record_ms, 60000);
    assert_int_equal(task.start.limits->progress_ms, 60000);
    assert_int_equal(task.start.limits->memory_bytes, 64 << 20);
    assert_false(task.start.unsafe);
}

static void a_sample_is_told_pieces_and_what_they_stand_for(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    job_task_init(&task, &kit.source, STAGE_SAMPLE, 0, 8);
    assert_int_equal(task.start.kind, MRLUA__TASK_KIND__SAMPLE);
    assert_int_equal(task.start.partition_count, 2);
    assert_int_equal(task.start.n_pieces, 2);
    assert_int_equal(task.start.n_shares, 2);
    assert_string_equal(task.start.pieces[1]->path, "/var/tmp/x/stdin-0");
    assert_int_equal(task.start.pieces[1]->length, 11);
    assert_int_equal(task.start.shares[1], 11);
}

static void only_parts_that_follow_each_other_need_a_sample(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    assert_int_equal(job_task_sample_count(true, 2), 1);
    assert_int_equal(job_task_sample_count(true, 1), 0);
    assert_int_equal(job_task_sample_count(false, 2), 0);
}

static void a_map_is_told_where_the_sample_cuts(void **state)
{
    ProtobufCBinaryData cut = {2, (uint8_t *)"sm"};
    Mrlua__Done done = MRLUA__DONE__INIT;
    struct buf packed = {0};
    struct err err;

    (void)state;
    task_kit_open(&kit, "out");
    done.n_cut_points = 1;
    done.cut_points = &cut;
    message_pack(&packed, &done.base);
    job_results_take(&kit.results, STAGE_SAMPLE, 0, 8,
                     message_unpack(&mrlua__done__descriptor, buf_slice(&packed), &err));
    buf_deinit(&packed);
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_int_equal(task.start.n_cut_points, 1);
    assert_int_equal(task.start.cut_points[0].len, 2);
    assert_memory_equal(task.start.cut_points[0].data, "sm", 2);
}

static void plan_and_maps_are_told_of_the_cache_if_there_is_one(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_null(task.start.reuse);
    job_task_deinit(&task);
    kit.source.reuse_folder = "/cache";
    kit.plan.checksums_begun_ns = 77;
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_string_equal(task.start.reuse->folder, "/cache");
    assert_int_equal(task.start.reuse->since_ns, 77);
    job_task_deinit(&task);
    kit.source.plan = NULL;
    job_task_init(&task, &kit.source, STAGE_PLAN, 0, 7);
    assert_string_equal(task.start.reuse->folder, "/cache");
    job_task_deinit(&task);
    kit.source.plan = &kit.plan;
    job_task_init(&task, &kit.source, STAGE_REDUCE, 0, 7);
    assert_null(task.start.reuse);
}

/* The run of an earlier job, that a map has taken. */
static void a_reduce_is_told_who_wrote_a_run_that_its_map_did_not(void **state)
{
    Mrlua__RunId run = MRLUA__RUN_ID__INIT;
    Mrlua__Done done = MRLUA__DONE__INIT;
    struct buf packed = {0};
    struct err err;

    (void)state;
    task_kit_open(&kit, "out");
    run.job = 5;
    done.run = &run;
    message_pack(&packed, &done.base);
    job_results_take(&kit.results, STAGE_MAP, 1, 20,
                     message_unpack(&mrlua__done__descriptor, buf_slice(&packed), &err));
    job_task_init(&task, &kit.source, STAGE_REDUCE, 0, 30);
    assert_null(task.start.map_outputs[0]->run);
    assert_int_equal(task.start.map_outputs[1]->run->job, 5);
    buf_deinit(&packed);
}

/* A cache in a store: the folder is the plan's own. */
static void a_map_is_told_of_the_store_and_which_run_was_no_good(void **state)
{
    Mrlua__Done *done = mem_alloc(sizeof *done);

    (void)state;
    task_kit_open(&kit, "out");
    mrlua__done__init(done);
    done->run_generation = 77;
    job_results_take(&kit.results, STAGE_MAP, 1, 20, done);
    kit.source.reuse_folder = "/state/reuse";
    kit.source.reuse_store = "gs://bkt/cache/";
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_string_equal(task.start.reuse->store, "gs://bkt/cache/");
    assert_string_equal(task.start.reuse->folder, "");
    assert_int_equal(task.start.reuse->lost, 77); /* it had completed */
    job_task_deinit(&task);
    job_results_drop(&kit.results, STAGE_MAP, 1);
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_int_equal(task.start.reuse->lost, 0);
    job_task_deinit(&task);
    kit.source.plan = NULL;
    job_task_init(&task, &kit.source, STAGE_PLAN, 0, 7);
    assert_string_equal(task.start.reuse->store, "gs://bkt/cache/");
    assert_string_equal(task.start.reuse->folder, "/state/reuse");
    assert_int_equal(task.start.reuse->lost, 0);
}

/* Map 0 has left a run of the job's own, map 1 one that is kept. */
static void a_reduce_is_told_which_runs_are_kept_ones(void **state)
{
    static const uint8_t zeros[REUSE_KEY_BYTES];
    const struct run_id id = {.job = 5, .attempt = 6, .task = 7};
    struct reuse_key key = reuse_key_of_id(&id);
    Mrlua__Done done = MRLUA__DONE__INIT;
    struct buf packed = {0};
    struct err err;

    (void)state;
    task_kit_open(&kit, "out");
    kit.source.shuffle = "gs://bkt/job/";
    kit.source.reuse_store = "gs://bkt/cache/";
    done.bytes = 100;
    reuse_done_pack(&done,
                    &(struct reuse_place){.id = &id, .path = "", .generation = 8, .note_bytes = 9},
                    &packed);
    job_results_take(&kit.results, STAGE_MAP, 1, 20,
                     message_unpack(&mrlua__done__descriptor, buf_slice(&packed), &err));
    job_task_init(&task, &kit.source, STAGE_REDUCE, 0, 30);
    assert_int_equal(task.start.run_keys.len, 2 * REUSE_KEY_BYTES);
    assert_memory_equal(task.start.run_keys.data, zeros, REUSE_KEY_BYTES);
    assert_memory_equal(task.start.run_keys.data + REUSE_KEY_BYTES, key.bytes, REUSE_KEY_BYTES);
    assert_int_equal(task.start.run_generations[0], 0);
    assert_int_equal(task.start.run_generations[1], 8);
    assert_int_equal(task.start.run_note_bytes[1], 9);
    assert_int_equal(task.start.run_bytes[1], 100);
    assert_string_equal(task.start.run_store, "gs://bkt/cache/");
    job_task_deinit(&task);
    kit.source.reuse_store = NULL;
    job_task_init(&task, &kit.source, STAGE_REDUCE, 0, 30);
    assert_int_equal(task.start.run_keys.len, 0);
    assert_int_equal(task.start.n_run_generations, 0);
    buf_deinit(&packed);
}

static void a_reduce_is_told_every_run_by_its_maker(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    job_task_init(&task, &kit.source, STAGE_REDUCE, 1, 31);
    assert_int_equal(task.start.kind, MRLUA__TASK_KIND__REDUCE);
    assert_int_equal(task.start.n_map_outputs, 2);
    assert_int_equal(task.start.map_outputs[1]->map, 1);
    assert_int_equal(task.start.map_outputs[1]->attempt, 12);
    assert_string_equal(task.start.map_outputs[1]->path, "/tmp/run/map-1.12");
    assert_string_equal(task.start.result_path, "out/.mrlua-run-1/part-00001.31");
    assert_string_equal(task.start.output, "tsv");
}

static void a_reduce_without_a_folder_writes_beside_the_runs(void **state)
{
    (void)state;
    task_kit_open(&kit, NULL);
    job_task_init(&task, &kit.source, STAGE_REDUCE, 0, 31);
    assert_string_equal(task.start.result_path, "/tmp/run/part-00000.31");
}

/* Workers choose where runs lie, and reduces ask for them. */
static void a_task_for_another_machine_names_no_run(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    kit.source.temp_path = NULL;
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_string_equal(task.start.result_path, "");
    job_task_deinit(&task);
    job_task_init(&task, &kit.source, STAGE_REDUCE, 1, 31);
    assert_int_equal(task.start.n_map_outputs, 0);
    assert_string_equal(task.start.result_path, "out/.mrlua-run-1/part-00001.31");
}

static void without_reduces(void)
{
    task_kit_open(&kit, "out");
    kit.source.outputs.map_only = true;
    kit.plan.reducers = 0;
    job_results_plan(&kit.results, 2, 0);
}

static void a_map_of_a_job_without_reduces_writes_a_part(void **state)
{
    (void)state;
    without_reduces();
    kit.source.temp_path = NULL; /* whoever runs it: the output is seen from everywhere */
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_int_equal(task.start.partition_count, 0);
    assert_string_equal(task.start.result_path, "out/.mrlua-run-1/part-00001.12");
    job_task_deinit(&task);
    job_task_init(&task, &kit.source, STAGE_PLAN, 0, 1);
    assert_true(task.start.plan->map_only);
}

static void a_commit_without_reduces_is_told_the_parts_of_the_maps(void **state)
{
    (void)state;
    without_reduces();
    for (uint32_t i = 0; i < 2; i++)
        job_results_take(&kit.results, STAGE_MAP, i, 11 + i, kit_done("map_in", 5, 40 + i, 1));
    job_task_init(&task, &kit.source, STAGE_COMMIT, 0, 41);
    assert_int_equal(task.start.commit->n_parts, 2);
    assert_int_equal(task.start.commit->parts[1]->attempt, 12);
    assert_int_equal(task.start.commit->parts[1]->bytes, 41);
    assert_non_null(strstr(task.start.commit->manifest, "\"reducer_count\":0"));
    assert_non_null(strstr(task.start.commit->manifest, "\"part-00001\",\"bytes\":41"));
}

static void a_commit_is_told_every_part(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    job_task_init(&task, &kit.source, STAGE_COMMIT, 0, 41);
    assert_int_equal(task.start.kind, MRLUA__TASK_KIND__COMMIT);
    assert_string_equal(task.start.commit->output_folder, "out");
    assert_string_equal(task.start.commit->job_id, "run-1");
    assert_false(task.start.commit->overwrite);
    assert_int_equal(task.start.commit->n_parts, 2);
    assert_int_equal(task.start.commit->parts[1]->partition, 1);
    assert_int_equal(task.start.commit->parts[1]->attempt, 22);
    assert_int_equal(task.start.commit->parts[1]->bytes, 31);
    assert_int_equal(task.start.commit->parts[1]->records, 4);
    assert_int_equal(task.start.commit->parts[1]->crc32c, 0xabcd);
    assert_non_null(strstr(task.start.commit->manifest, "\"part-00001\""));
}

/* The two inputs of the kit are two kinds. */
static void give_groups(void)
{
    static char clicks[] = "clicks", users[] = "users", lines[] = "lines", run[] = "run";
    static Mrlua__InputGroup groups[2], *list[2];
    static uint32_t column[] = {0, 1};

    for (int i = 0; i < 2; i++) {
        mrlua__input_group__init(&groups[i]);
        groups[i].name = i ? users : clicks;
        groups[i].format = i ? run : lines;
        groups[i].count = 1;
        list[i] = &groups[i];
    }
    kit.source.groups = list;
    kit.source.group_count = 2;
    kit.plan.input_groups = column;
    kit.plan.n_input_groups = 2;
}

static void a_plan_is_told_all_groups(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    give_groups();
    kit.source.plan = NULL;
    job_task_init(&task, &kit.source, STAGE_PLAN, 0, 7);
    assert_int_equal(task.start.plan->n_groups, 2);
    assert_string_equal(task.start.plan->groups[1]->name, "users");
}

static void a_map_is_told_the_group_of_its_split(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    give_groups();
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 12);
    assert_int_equal(task.start.n_groups, 1);
    assert_string_equal(task.start.groups[0]->name, "users");
    assert_string_equal(task.start.groups[0]->format, "run");
    assert_int_equal(task.start.groups[0]->count, 0); /* how many more there are is not its own */
    assert_int_equal(task.start.pieces[0]->group, 0); /* the one it is told of */
    job_task_deinit(&task);
    kit.split_ends[0] = kit.split_ends[1] = 0;
    job_task_init(&task, &kit.source, STAGE_MAP, 0, 12); /* without pieces: it has one, too */
    assert_string_equal(task.start.groups[0]->name, "clicks");
    job_task_deinit(&task);
    task_kit_plan(&kit);
    job_task_init(&task, &kit.source, STAGE_REDUCE, 0, 31);
    assert_int_equal(task.start.n_groups, 0);
}

static void a_sample_is_told_all_groups_and_whose_each_piece_is(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    give_groups();
    job_task_init(&task, &kit.source, STAGE_SAMPLE, 0, 8);
    assert_int_equal(task.start.n_groups, 2);
    assert_int_equal(task.start.n_pieces, 2);
    assert_int_equal(task.start.pieces[0]->group, 0);
    assert_int_equal(task.start.pieces[1]->group, 1);
}

static Mrlua__Output errors = MRLUA__OUTPUT__INIT;

/* A job with one further output. */
static void with_errors(void)
{
    static Mrlua__Output *list[] = {&errors};

    errors.name = (char *)(uintptr_t) "errors";
    errors.format = (char *)(uintptr_t) "jsonl.gz";
    task_kit_open(&kit, "out");
    kit.source.outputs.items = list;
    kit.source.outputs.count = 1;
}

static void maps_and_reduces_are_told_of_further_outputs(void **state)
{
    (void)state;
    with_errors();
    job_task_init(&task, &kit.source, STAGE_MAP, 0, 12);
    assert_int_equal(task.start.partition_count, 2); /* of keys */
    assert_int_equal(task.start.n_outputs, 1);
    job_task_deinit(&task);
    job_task_init(&task, &kit.source, STAGE_REDUCE, 1, 31);
    assert_string_equal(task.start.outputs[0]->name, "errors");
    assert_string_equal(task.start.result_path, "out/.mrlua-run-1/part-00001.31");
    job_task_deinit(&task);
    job_task_init(&task, &kit.source, STAGE_REDUCE, 2, 32); /* behind them: what maps emit there */
    assert_string_equal(task.start.result_path, "out/.mrlua-run-1/errors-00002.32");
}

static void a_commit_is_told_the_parts_of_further_outputs(void **state)
{
    (void)state;
    with_errors();
    job_parts_plan(&kit.results, 2, 2, 1);
    for (uint32_t i = 0; i < 3; i++)
        job_results_take(&kit.results, STAGE_REDUCE, i, 21 + i, kit_done("reduce_in", 7, 9, 3));
    job_task_init(&task, &kit.source, STAGE_COMMIT, 0, 41);
    assert_int_equal(task.start.commit->n_parts, 3);
    assert_string_equal(task.start.commit->parts[1]->output, "");
    assert_string_equal(task.start.commit->parts[2]->output, "errors");
    assert_string_equal(task.start.commit->parts[2]->format, "jsonl.gz");
    assert_int_equal(task.start.commit->parts[2]->partition, 2);
    assert_int_equal(task.start.commit->parts[2]->attempt, 23);
    assert_non_null(strstr(task.start.commit->manifest, "\"errors-00002.gz\""));
}

/* Whatever it is, it must be a message that can be sent and read. */
static void every_task_can_be_packed(void **state)
{
    static const enum stage_kind stages[] = {STAGE_PLAN, STAGE_SAMPLE, STAGE_MAP, STAGE_REDUCE,
                                             STAGE_COMMIT};

    (void)state;
    task_kit_open(&kit, "out");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        struct buf packed = {0};
        Mrlua__TaskStart *read;
        struct err err;

        job_task_init(&task, &kit.source, stages[i], 0, 1);
        message_pack(&packed, &task.start.base);
        read = message_unpack(&mrlua__task_start__descriptor, buf_slice(&packed), &err);
        assert_non_null(read);
        assert_int_equal(read->job, TASK_KIT_JOB);
        assert_int_equal(read->bundle.len, kit.source.bundle.len);
        message_free(read);
        buf_deinit(&packed);
        job_task_deinit(&task);
    }
}

static Mrlua__SideFile asked, pinned[2], *asked_list[] = {&asked};
static Mrlua__SideFile *pinned_list[] = {&pinned[0], &pinned[1]};

/* A plain file, and an object. */
static void open_with_files(void)
{
    task_kit_open(&kit, "out");
    mrlua__side_file__init(&asked);
    mrlua__side_file__init(&pinned[0]);
    mrlua__side_file__init(&pinned[1]);
    asked.name = pinned[0].name = (char *)(uintptr_t) "a";
    pinned[1].name = (char *)(uintptr_t) "b";
    pinned[0].size = 5;
    pinned[1].generation = 7;
    kit.source.files = asked_list;
    kit.source.file_count = 1;
    kit.plan.files = pinned_list;
    kit.plan.n_files = 2;
}

static void a_plan_is_asked_what_the_side_files_are(void **state)
{
    (void)state;
    open_with_files();
    job_task_init(&task, &kit.source, STAGE_PLAN, 0, 7);
    assert_int_equal(task.start.plan->n_files, 1);
    assert_string_equal(task.start.plan->files[0]->name, "a");
    assert_int_equal(task.start.n_files, 0);
}

static void who_runs_the_job_is_told_what_the_plan_said_of_side_files(void **state)
{
    static const enum stage_kind stages[] = {STAGE_SAMPLE, STAGE_MAP, STAGE_REDUCE};

    for (size_t i = 0; i < 3; i++) {
        open_with_files();
        job_task_init(&task, &kit.source, stages[i], 0, 7);
        assert_int_equal(task.start.n_files, 2);
        assert_int_equal(task.start.files[0]->size, 5);
        assert_string_equal(task.start.files[0]->copy, ""); /* it is read where it is */
        assert_int_equal(task.start.files[1]->generation, 7);
        assert_string_equal(task.start.files[1]->copy, "/tmp/run/file-1");
        tear_down(state);
    }
    open_with_files();
    kit.source.temp_path = NULL; /* a worker chooses */
    job_task_init(&task, &kit.source, STAGE_MAP, 0, 7);
    assert_string_equal(task.start.files[1]->copy, "");
}

static void set_aside(struct job_bad *bad, enum stage_kind stage, uint32_t of, uint64_t number)
{
    static uint64_t attempt_id;
    struct job_bad_where where = {
        .attempt_id = ++attempt_id, .stage = stage, .task = of, .attempts_max = 4};
    Mrlua__BadRecord record = MRLUA__BAD_RECORD__INIT, *list[] = {&record};
    Mrlua__Error error = MRLUA__ERROR__INIT;

    record.record = number;
    record.error = "no";
    error.kind = ERR_JOB;
    error.n_bad = 1;
    error.bad = list;
    assert_int_equal(job_bad_report(bad, &where, &error), 1);
    job_bad_take(bad, attempt_id);
}

#define FIRST "{\"stage\":\"map\",\"task\":1,\"record\":2,"

static void attempts_are_told_what_to_leave_out_and_the_commit_all_of_it(void **state)
{
    (void)state;
    task_kit_open(&kit, "out");
    kit.source.skip_bad = 5;
    set_aside(&kit.bad, STAGE_MAP, 1, 4);
    set_aside(&kit.bad, STAGE_MAP, 1, 2);
    set_aside(&kit.bad, STAGE_REDUCE, 0, 9);
    job_task_init(&task, &kit.source, STAGE_MAP, 1, 1);
    assert_int_equal(task.start.n_skip, 2);
    assert_int_equal(task.start.skip[0], 2);
    assert_int_equal(task.start.skip[1], 4);
    assert_int_equal(task.start.skip_left, 2);
    job_task_deinit(&task);
    job_task_init(&task, &kit.source, STAGE_REDUCE, 1, 2);
    assert_int_equal(task.start.n_skip, 0);
    assert_int_equal(task.start.skip_left, 2);
    job_task_deinit(&task);
    job_task_init(&task, &kit.source, STAGE_COMMIT, 0, 3);
    assert_int_equal(task.commit.bad.len, task.bad.len);
    assert_memory_equal(task.commit.bad.data, FIRST, strlen(FIRST));
    assert_non_null(strstr(task.commit.manifest, "\"bad_records\":{\"name\":\"_bad.jsonl\","));
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plan_is_told_the_inputs_and_the_flags),
        TEST(maps_and_reduces_are_told_of_further_outputs),
        TEST(a_commit_is_told_the_parts_of_further_outputs),
        TEST(a_map_is_told_its_split),
        TEST(a_sample_is_told_pieces_and_what_they_stand_for),
        TEST(only_parts_that_follow_each_other_need_a_sample),
        TEST(a_map_is_told_where_the_sample_cuts),
        TEST(plan_and_maps_are_told_of_the_cache_if_there_is_one),
        TEST(a_reduce_is_told_who_wrote_a_run_that_its_map_did_not),
        TEST(a_map_is_told_of_the_store_and_which_run_was_no_good),
        TEST(a_reduce_is_told_which_runs_are_kept_ones),
        TEST(a_reduce_is_told_every_run_by_its_maker),
        TEST(a_reduce_without_a_folder_writes_beside_the_runs),
        TEST(a_task_for_another_machine_names_no_run),
        TEST(a_map_of_a_job_without_reduces_writes_a_part),
        TEST(a_commit_without_reduces_is_told_the_parts_of_the_maps),
        TEST(a_commit_is_told_every_part),
        TEST(a_plan_is_told_all_groups),
        TEST(a_map_is_told_the_group_of_its_split),
        TEST(a_sample_is_told_all_groups_and_whose_each_piece_is),
        TEST(every_task_can_be_packed),
        TEST(a_plan_is_asked_what_the_side_files_are),
        TEST(who_runs_the_job_is_told_what_the_plan_said_of_side_files),
        TEST(attempts_are_told_what_to_leave_out_and_the_commit_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
