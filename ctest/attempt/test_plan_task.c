#include "attempt/kit.h"

#include "attempt/reuse_store.h"
#include "format/publish.h"

static const char *path_of(const Mrlua__Plan *plan, size_t input)
{
    return (const char *)plan->input_texts.data + plan->input_paths[input];
}

static const char *name_of(const Mrlua__Plan *plan, size_t input)
{
    return (const char *)plan->input_texts.data + plan->input_names[input];
}

/* Input 0, as the plan found it: a map refuses a file that is another one by now. */
static void whole_input(const Mrlua__Plan *plan, Mrlua__Piece *out)
{
    mrlua__piece__init(out);
    out->path = (char *)(uintptr_t)path_of(plan, 0);
    out->name = (char *)(uintptr_t)name_of(plan, 0);
    out->size = out->length = plan->input_sizes[0];
    out->mtime_ns = plan->input_mtimes_ns[0];
    out->inode = plan->input_inodes[0];
    out->device = plan->input_devices[0];
}

/* Input 0 in two splits, nothing of input 1, input 2 in one. */
static void expect_splits(const Mrlua__Plan *plan)
{
    static const uint32_t ends[] = {1, 2, 3}, inputs[] = {0, 0, 2};
    static const uint64_t offsets[] = {0, 5, 0}, lengths[] = {5, 3, 4};

    assert_int_equal(plan->n_split_ends, 3);
    assert_int_equal(plan->n_piece_inputs, 3);
    assert_int_equal(plan->n_piece_offsets, 3);
    assert_int_equal(plan->n_piece_lengths, 3);
    assert_memory_equal(plan->split_ends, ends, sizeof ends);
    assert_memory_equal(plan->piece_inputs, inputs, sizeof inputs);
    assert_memory_equal(plan->piece_offsets, offsets, sizeof offsets);
    assert_memory_equal(plan->piece_lengths, lengths, sizeof lengths);
}

static void test_plan(void **state)
{
    char pattern[FOLDER_PATH_BYTES + 8];
    char *inputs[] = {pattern};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;

    (void)state;
    kit_file(&kit, "p1.txt", "12345678");
    kit_file(&kit, "p2.txt", "");
    kit_file(&kit, "p3.txt", "1234");
    snprintf(pattern, sizeof pattern, "%s/p*.txt", kit.folder.path);
    request.inputs = inputs;
    request.n_inputs = 1;
    request.split_bytes = 5;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    assert_true(!done || done->plan);
    if (done) {
        assert_int_equal(done->plan->bytes, 12);
        assert_int_equal(done->plan->n_input_paths, 3);
        assert_int_equal(done->plan->input_sizes[2], 4);
        expect_splits(done->plan); /* 5 + 3 and 4 bytes */
        assert_non_null(strstr(path_of(done->plan, 2), "p3.txt"));
        assert_string_equal(path_of(done->plan, 2), name_of(done->plan, 2));
    }
    kit_must(&kit, done);
    snprintf(pattern, sizeof pattern, "%s/absent", kit.folder.path);
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    kit.start.plan = NULL;
}

/* Inputs of two kinds, a file and a folder of two: by group, then as they are named. */
static void test_plan_of_groups(void **state)
{
    static const uint32_t expected[] = {0, 1, 1};
    char lines[] = "lines", whole[] = "file", a[] = "a", b[] = "b", *inputs[2];
    Mrlua__InputGroup groups[2] = {MRLUA__INPUT_GROUP__INIT, MRLUA__INPUT_GROUP__INIT};
    Mrlua__InputGroup *list[] = {&groups[0], &groups[1]};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;

    (void)state;
    inputs[0] = (char *)(uintptr_t)kit_file(&kit, "z.txt", "12345678");
    folder_mkdir(&kit.folder, "dir");
    kit_file(&kit, "dir/1", "12345678");
    kit_file(&kit, "dir/2", "");
    inputs[1] = (char *)(uintptr_t)folder_path(&kit.folder, "dir");
    for (int i = 0; i < 2; i++) {
        groups[i].name = i ? b : a;
        groups[i].format = i ? whole : lines;
        groups[i].count = 1;
    }
    request.inputs = inputs;
    request.groups = list;
    request.n_inputs = request.n_groups = 2;
    request.split_bytes = 4;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    if (!done)
        kit_must(&kit, done);
    assert_int_equal(done->plan->n_input_groups, 3);
    assert_memory_equal(done->plan->input_groups, expected, sizeof expected);
    assert_int_equal(done->plan->n_split_ends, 2 + 1 + 1); /* of lines two, a file is one */
    message_free(done);

    inputs[1][strlen(inputs[1]) - 1] = 'x';
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_ptr_equal(strstr(kit.err.message, "inputs.b: "), kit.err.message);
    groups[1].count = 2;
    assert_null(kit_run(&kit));
    assert_string_equal(kit.err.message, "2 inputs, and names for 3");
    kit.start.plan = NULL;
}

/* Goal: a master reads a plan between two heartbeats. Method: what each split adds to a plan of the
 * same input is a few numbers, not a path. */
static void test_plan_of_many_splits(void **state)
{
    enum { SPLITS = 50 * 1000, BYTES_PER_SPLIT_MAX = 12 };
    static char text[SPLITS];
    char *inputs[] = {NULL};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;

    (void)state;
    memset(text, '\n', sizeof text - 1);
    inputs[0] = (char *)(uintptr_t)kit_file(&kit, "many.txt", text);
    request.inputs = inputs;
    request.n_inputs = 1;
    request.split_bytes = 1;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    assert_non_null(done);
    assert_int_equal(done->plan->n_split_ends, SPLITS - 1);
    assert_true(protobuf_c_message_get_packed_size(&done->plan->base) <
                (size_t)SPLITS * BYTES_PER_SPLIT_MAX);
    kit_must(&kit, done);
    kit.start.plan = NULL;
}

/* Up to so many maps a reduce can be told of runs that are kept in a store. */
static void test_plan_of_as_many_splits_as_can_be_kept(void **state)
{
    static char text[REUSE_STORE_MAP_COUNT_MAX + 2], cache[FOLDER_PATH_BYTES];
    char *inputs[] = {NULL};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Reuse reuse = MRLUA__REUSE__INIT;
    Mrlua__Done *done;

    (void)state;
    snprintf(cache, sizeof cache, "%s", folder_path(&kit.folder, "cache"));
    reuse.folder = cache;
    reuse.store = (char *)(uintptr_t) "gs://bkt/cache/";
    memset(text, '\n', REUSE_STORE_MAP_COUNT_MAX);
    inputs[0] = (char *)(uintptr_t)kit_file(&kit, "many.txt", text);
    request.inputs = inputs;
    request.n_inputs = 1;
    request.split_bytes = 1;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    kit.start.reuse = &reuse;
    done = kit_run(&kit);
    assert_true(!done || done->plan->n_split_ends == REUSE_STORE_MAP_COUNT_MAX);
    kit_must(&kit, done);
    text[REUSE_STORE_MAP_COUNT_MAX] = '\n';
    kit_file(&kit, "many.txt", text);
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "--reuse: 5001 splits are more than 5000; give a "
                                         "larger --split-size than 1 bytes");
    kit.start.reuse = NULL;
    kit.start.plan = NULL;
}

/* Of a job without reduces every split becomes a part. */
static void test_plan_without_reduces(void **state)
{
    enum { PARTS_MAX = 100 * 1000 };
    static char text[PARTS_MAX + 2];
    char *inputs[] = {NULL};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;

    (void)state;
    memset(text, '\n', PARTS_MAX);
    inputs[0] = (char *)(uintptr_t)kit_file(&kit, "parts.txt", text);
    request.inputs = inputs;
    request.n_inputs = 1;
    request.split_bytes = 1;
    request.reducers = 3;
    request.map_only = true;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    assert_non_null(done);
    assert_int_equal(done->plan->reducers, 0);
    assert_int_equal(done->plan->n_split_ends, PARTS_MAX);
    kit_must(&kit, done);

    text[PARTS_MAX] = '\n';
    kit_file(&kit, "parts.txt", text);
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_non_null(strstr(kit.err.message, "100001 splits would be as many parts"));
    assert_non_null(strstr(kit.err.message, "larger --split-size"));
    kit.start.plan = NULL;
}

/* What is relative is found in the folder that it was named in, and keeps its name. */
static void test_plan_of_another_folder(void **state)
{
    char absolute[FOLDER_PATH_BYTES + 16], folder[FOLDER_PATH_BYTES + 16];
    char glob[] = "./q*.txt", below[] = "b", parent[] = "../[x]/q1.txt";
    char *inputs[] = {glob, below, parent, absolute};
    const char *names[] = {"./q1.txt", "./q2.txt", "b/q3", "../[x]/q1.txt", absolute};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;

    (void)state;
    folder_mkdir(&kit.folder, "[x]");
    folder_mkdir(&kit.folder, "[x]/b");
    kit_file(&kit, "[x]/q1.txt", "1");
    kit_file(&kit, "[x]/q2.txt", "2");
    kit_file(&kit, "[x]/b/q3", "3");
    snprintf(folder, sizeof folder, "%s/[x]", kit.folder.path);
    snprintf(absolute, sizeof absolute, "%s/[x]/q2.txt", kit.folder.path);
    request.inputs = inputs;
    request.n_inputs = 4;
    request.folder = folder;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    assert_non_null(done);
    assert_int_equal(done->plan->n_input_paths, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(name_of(done->plan, i), names[i]);
        assert_int_equal(path_of(done->plan, i)[0], '/');
        assert_int_equal(access(path_of(done->plan, i), R_OK), 0);
    }
    message_free(done);
    request.folder = parent; /* is not there */
    assert_null(kit_run(&kit));
    assert_non_null(strstr(kit.err.message, "folder of the inputs"));
    request.inputs = &inputs[3];
    request.n_inputs = 1;
    kit_must(&kit, kit_run(&kit)); /* nor is it needed */
    kit.start.plan = NULL;
}

/* "-" is the shell's standard input, spooled into a file that an attempt can open again. */
static void test_plan_of_standard_input(void **state)
{
    char *inputs[] = {"-"};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;
    int before = dup(STDIN_FILENO), fd;
    Mrlua__Piece piece, *pieces = &piece;

    (void)state;
    request.inputs = inputs;
    request.n_inputs = 1;
    fd = open(kit_file(&kit, "stdin.txt", "from standard input\n"), O_RDONLY);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    dup2(before, STDIN_FILENO);
    close(before);
    assert_non_null(done);
    assert_int_equal(done->plan->n_split_ends, 1);
    assert_int_equal(done->plan->split_ends[0], 1);
    assert_int_equal(done->plan->piece_inputs[0], 0);
    assert_string_equal(name_of(done->plan, 0), "-");
    assert_int_equal(done->plan->piece_lengths[0], 20);
    kit.start.plan = NULL;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    whole_input(done->plan, &piece);
    kit_must(&kit, kit_map_pieces(&kit, 0, &pieces, 1));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "0\tfrom standard input\n");
    message_free(done);
}

/* The parts of two attempts get their names; a part that is not there fails the commit. */
static void test_commit(void **state)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    Mrlua__Part part = MRLUA__PART__INIT, second = part, *parts[] = {&part, &second};
    struct publish publish;
    struct buf path = {0};
    char out[FOLDER_PATH_BYTES + 8];

    (void)state;
    snprintf(out, sizeof out, "%s/out", kit.folder.path);
    publish_init(&publish, out, "7", false);
    assert_int_equal(publish_claim(&publish, &kit.err), 0);
    part.attempt = second.attempt = 5;
    part.bytes = second.bytes = 4;
    second.partition = 1;
    second.output = "errors";
    second.format = "jsonl.gz";
    request.output_folder = out;
    request.job_id = "7";
    request.parts = parts;
    request.n_parts = 2;
    request.manifest = "{}\n";
    kit.start.kind = MRLUA__TASK_KIND__COMMIT;
    kit.start.commit = &request;
    for (uint32_t i = 0; i < 2; i++) {
        int fd;

        if (i == 1) {
            assert_null(kit_run(&kit)); /* part 1 is not there yet */
            assert_int_equal(kit.err.kind, ERR_DISK);
            assert_false(folder_has(&kit.folder, "out/_SUCCESS"));
        }
        fd = publish_part_create(
            &publish,
            &(struct publish_part){.output = i ? "errors" : NULL, .number = i, .attempt = 5},
            &kit.err);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "part", 4), 4);
        close(fd);
    }
    kit_must(&kit, kit_run(&kit));
    assert_true(folder_has(&kit.folder, "out/part-00000"));
    assert_true(folder_has(&kit.folder, "out/errors-00001.gz"));
    assert_true(folder_has(&kit.folder, "out/_SUCCESS"));
    kit.start.commit = NULL;
    publish_deinit(&publish);
    buf_deinit(&path);
}

/* An abort removes parts that have their names and parts that have not, and the folder. */
static void test_abort(void **state)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    struct publish publish;
    char out[FOLDER_PATH_BYTES + 8];

    (void)state;
    snprintf(out, sizeof out, "%s/gone", kit.folder.path);
    publish_init(&publish, out, "8", false);
    assert_int_equal(publish_claim(&publish, &kit.err), 0);
    close(
        publish_part_create(&publish, &(struct publish_part){.number = 1, .attempt = 5}, &kit.err));
    folder_write(&kit.folder, "gone/part-00000", "part", 4);
    request.output_folder = out;
    request.job_id = "8";
    kit.start.kind = MRLUA__TASK_KIND__ABORT;
    kit.start.commit = &request;
    kit_must(&kit, kit_run(&kit));
    assert_false(folder_has(&kit.folder, "gone"));
    kit_must(&kit, kit_run(&kit)); /* there is nothing left to do */
    kit.start.commit = NULL;
    publish_deinit(&publish);
}

/* What is behind the last step of a job: its output is committed, under the job's own id. */
static void an_abort_of_no_output_removes_what_is_between(void **state)
{
    Mrlua__CommitRequest request = MRLUA__COMMIT_REQUEST__INIT;
    char between[FOLDER_PATH_BYTES + 8];

    (void)state;
    snprintf(between, sizeof between, "%s/.steps/", kit.folder.path);
    folder_mkdir(&kit.folder, ".steps");
    folder_mkdir(&kit.folder, ".steps/step-1");
    folder_write(&kit.folder, ".steps/step-1/part-00000", "part", 4);
    folder_mkdir(&kit.folder, "stays");
    folder_write(&kit.folder, "stays/_SUCCESS", "{}", 2);
    request.shuffle = between;
    kit.start.kind = MRLUA__TASK_KIND__ABORT;
    kit.start.commit = &request;
    kit_must(&kit, kit_run(&kit));
    assert_false(folder_has(&kit.folder, ".steps"));
    assert_true(folder_has(&kit.folder, "stays/_SUCCESS"));
    kit_must(&kit, kit_run(&kit)); /* there is nothing left to do */
    kit.start.commit = NULL;
}

/* What attempts are told of them: attempt/side_files.h. */
static void test_plan_with_side_files(void **state)
{
    Mrlua__SideFile file = MRLUA__SIDE_FILE__INIT, *files[] = {&file};
    char *inputs[] = {(char *)(uintptr_t)kit_file(&kit, "in.txt", "x")};
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    Mrlua__Done *done;

    (void)state;
    file.name = (char *)(uintptr_t) "a";
    file.path = (char *)(uintptr_t)kit_file(&kit, "a.txt", "12345");
    request.inputs = inputs;
    request.n_inputs = 1;
    request.files = files;
    request.n_files = 1;
    kit.start.kind = MRLUA__TASK_KIND__PLAN;
    kit.start.plan = &request;
    done = kit_run(&kit);
    assert_non_null(done);
    assert_int_equal(done->plan->n_files, 1);
    assert_string_equal(done->plan->files[0]->name, "a");
    assert_int_equal(done->plan->files[0]->size, 5);
    assert_true(done->plan->files[0]->inode > 0);
    message_free(done);
    file.path = (char *)(uintptr_t) "/nowhere";
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "side file a: /nowhere: No such file or directory");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_plan),
        KIT_TEST(test_plan_of_another_folder),
        KIT_TEST(test_plan_of_groups),
        KIT_TEST(test_plan_of_many_splits),
        KIT_TEST(test_plan_of_as_many_splits_as_can_be_kept),
        KIT_TEST(test_plan_without_reduces),
        KIT_TEST(test_plan_of_standard_input),
        KIT_TEST(test_plan_with_side_files),
        KIT_TEST(test_commit),
        KIT_TEST(test_abort),
        KIT_TEST(an_abort_of_no_output_removes_what_is_between),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
