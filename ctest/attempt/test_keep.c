#include "attempt/store_kit.h"

/* One object for all partitions; the file has served its purpose. */
static void test_run_goes_to_the_store(void **state)
{
    struct gcs *gcs = gcs_open();
    struct buf name = {0};
    char expected[128];

    (void)state;
    store_kit_begin();
    store_kit_map(0, "zero\none\n");
    keep_run_name(STORE_KIT_PREFIX, 0, kit.maps[0].attempt, &name);
    snprintf(expected, sizeof expected, "%s ", buf_string(&name));
    assert_names(gcs, expected);
    assert_int_equal(access(kit.map_paths[0], F_OK), -1);
    buf_deinit(&name);
    gcs_close(gcs);
}

/* The map has done its work, but nobody has its run: it fails, and may be tried elsewhere. */
static void test_a_store_that_refuses_fails_the_attempt(void **state)
{
    char answer[4096];

    (void)state;
    store_kit_begin();
    gcs_server_fault(&group_server,
                     "{\"match\":{\"operation\":\"objects.insert\"},\"action\":{\"status\":"
                     "403}}");
    assert_null(kit_map(&kit, 0, kit_file(&kit, "in.txt", "zero\n")));
    assert_non_null(strstr(kit.err.message, "gs://bkt/" STORE_KIT_PREFIX "map-0."));
    assert_int_equal(access(kit.map_paths[0], F_OK), -1);
    gcs_server_control(&group_server, "DELETE", "faults", "", answer, sizeof answer);
}

/* A part: not under its name, which only a commit gives. */
static void test_part_goes_to_the_store_without_its_name(void **state)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    struct gcs *gcs = gcs_open();
    char expected[128];

    (void)state;
    store_kit_begin();
    kit.start.shuffle = (char *)(uintptr_t) "";
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "one\none\n")));
    request.output_folder = (char *)(uintptr_t) "gs://bkt/out";
    request.job_id = (char *)(uintptr_t) "job-1";
    kit.start.commit = &request;
    kit_must(&kit, kit_reduce(&kit, 1));
    kit.start.commit = NULL;
    snprintf(expected, sizeof expected, "out/.mrlua-job-1/part-00001.%llu ",
             (unsigned long long)kit.last_attempt);
    assert_names(gcs, expected);
    assert_int_equal(access(kit.result_path, F_OK), -1);
    gcs_close(gcs);
}

/* Of a job without reduces the maps write the parts. */
static void test_part_of_a_map_goes_to_the_store_without_its_name(void **state)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    struct gcs *gcs = gcs_open();
    char expected[128];

    (void)state;
    store_kit_begin();
    kit.start.shuffle = (char *)(uintptr_t) "";
    kit.start.partition_count = 0;
    request.output_folder = (char *)(uintptr_t) "gs://bkt/out";
    request.job_id = (char *)(uintptr_t) "job-1";
    kit.start.commit = &request;
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "one\n")));
    kit.start.commit = NULL;
    snprintf(expected, sizeof expected, "out/.mrlua-job-1/part-00000.%llu ",
             (unsigned long long)kit.last_attempt);
    assert_names(gcs, expected);
    gcs_close(gcs);
}

/* What went to further outputs, each under a name of its own; a file that is empty is not kept. */
static void test_further_outputs_go_to_the_store(void **state)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    Mrlua__Output outputs[2] = {MRLUA__OUTPUT__INIT, MRLUA__OUTPUT__INIT};
    Mrlua__Output *list[] = {&outputs[0], &outputs[1]};
    struct gcs *gcs = gcs_open();
    char expected[256];

    (void)state;
    store_kit_begin();
    kit_job(&kit, "return { outputs = { a = 'tsv', b = 'tsv' },\n"
                  "map = function(_, line, emit) mr.emit_to('b', line, 1) emit(line, 1) end }");
    outputs[0].name = (char *)(uintptr_t) "a";
    outputs[1].name = (char *)(uintptr_t) "b";
    outputs[0].format = outputs[1].format = (char *)(uintptr_t) "tsv";
    kit.start.outputs = list;
    kit.start.n_outputs = 2;
    kit.start.shuffle = (char *)(uintptr_t) "";
    kit.start.partition_count = 0;
    request.output_folder = (char *)(uintptr_t) "gs://bkt/out";
    request.job_id = (char *)(uintptr_t) "job-1";
    kit.start.commit = &request;
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "one\n")));
    kit.start.commit = NULL;
    snprintf(expected, sizeof expected,
             "out/.mrlua-job-1/b-00000.%llu out/.mrlua-job-1/part-00000.%llu ",
             (unsigned long long)kit.last_attempt, (unsigned long long)kit.last_attempt);
    assert_names(gcs, expected);
    assert_int_equal(folder_count(&kit.folder), 1); /* the input: nothing is left here */
    gcs_close(gcs);
}

static void test_only_what_belongs_there_is_kept(void **state)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;

    (void)state;
    start.kind = MRLUA__TASK_KIND__MAP;
    start.commit = &request;
    assert_false(keep_is_wanted(&start));
    start.kind = MRLUA__TASK_KIND__REDUCE;
    start.shuffle = (char *)(uintptr_t) "gs://bkt/tmp/";
    request.output_folder = (char *)(uintptr_t) "/out";
    assert_false(keep_is_wanted(&start));
    request.output_folder = (char *)(uintptr_t) "gs://bkt/out";
    assert_true(keep_is_wanted(&start));
    start.kind = MRLUA__TASK_KIND__MAP; /* of a job without reduces: it leaves a part */
    assert_true(keep_is_wanted(&start));
    start.partition_count = 1;
    start.shuffle = (char *)(uintptr_t) "";
    assert_false(keep_is_wanted(&start));
    start.kind = MRLUA__TASK_KIND__SAMPLE;
    assert_false(keep_is_wanted(&start));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_run_goes_to_the_store),
        KIT_TEST(test_a_store_that_refuses_fails_the_attempt),
        KIT_TEST(test_part_goes_to_the_store_without_its_name),
        KIT_TEST(test_part_of_a_map_goes_to_the_store_without_its_name),
        KIT_TEST(test_further_outputs_go_to_the_store),
        KIT_TEST(test_only_what_belongs_there_is_kept),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
