#include "attempt/kit.h"

#include "attempt/outputs.h"

static Mrlua__Output errors = MRLUA__OUTPUT__INIT, rejected = MRLUA__OUTPUT__INIT;
static Mrlua__Output *outputs_list[] = {&errors, &rejected};

/* A job with the outputs "errors" and "rejected". */
static void begin(const char *functions)
{
    struct buf job = {0};

    buf_printf(&job,
               "return { outputs = { errors = 'jsonl',\n"
               "  rejected = { format = 'csv', separator = ';' } }, %s }",
               functions);
    kit_job(&kit, buf_string(&job));
    buf_deinit(&job);
    errors.name = (char *)(uintptr_t) "errors";
    errors.format = (char *)(uintptr_t) "jsonl";
    rejected.name = (char *)(uintptr_t) "rejected";
    rejected.format = (char *)(uintptr_t) "csv";
    kit.start.outputs = outputs_list;
    kit.start.n_outputs = 2;
}

/* What the last attempt wrote beside its part. */
static void expect_file(const char *output, const char *text)
{
    struct publish_part part = {
        .output = output, .number = kit.start.task, .attempt = kit.last_attempt};
    char path[FOLDER_PATH_BYTES + 128];
    struct buf name = {0}, found = {0};

    publish_attempt_name(&name, &part);
    snprintf(path, sizeof path, "%s/%s", kit.folder.path, buf_string(&name));
    if (io_read_file(path, 1 << 20, &found, ERR_INPUT, &kit.err) != 0)
        fail_msg("%s", kit.err.message);
    assert_string_equal(buf_string(&found), text);
    buf_deinit(&name);
    buf_deinit(&found);
}

static void expect_told(const Mrlua__Done *done, size_t at, uint32_t output, uint64_t records,
                        const char *text)
{
    assert_true(at < done->n_files);
    assert_int_equal(done->files[at]->output, output);
    assert_int_equal(done->files[at]->records, records);
    assert_int_equal(done->files[at]->bytes, strlen(text));
    assert_int_equal(done->files[at]->crc32c, crc32c(0, text, strlen(text)));
}

static void a_map_without_reduces_writes_its_part_and_the_others(void **state)
{
    static const char wanted[] = "[0,\"a\"]\n[\"end\",\"map\"]\n";
    Mrlua__Done *done;

    (void)state;
    begin("map = function(at, line, emit) if line == 'a' then mr.emit_to('errors', at, line)\n"
          "  else emit(at, line) end end,\n"
          "cleanup = function(mr) mr.emit_to('errors', 'end', mr.stage) end");
    kit.start.partition_count = 0;
    done = kit_map(&kit, 0, kit_file(&kit, "in.txt", "a\nb\n"));
    if (!done)
        kit_must(&kit, done);
    kit_expect(&kit, "2\tb\n");
    expect_file("errors", wanted);
    expect_file("rejected", ""); /* made, and not told of */
    assert_int_equal(done->n_files, 1);
    expect_told(done, 0, 0, 2, wanted);
    assert_int_equal(done->records, 1);
    message_free(done);
}

/* Another attempt must have written the same to all of them: it is asked by the digest (P6). */
static void the_digest_of_such_a_map_is_of_all_it_wrote(void **state)
{
    static const char *const words[] = {"same", "same", "other"};
    uint64_t low[3];

    (void)state;
    kit.start.partition_count = 0;
    for (size_t i = 0; i < 3; i++) {
        char functions[128];
        Mrlua__Done *done;

        snprintf(functions, sizeof functions,
                 "map = function(at) mr.emit_to('errors', at, '%s') end", words[i]);
        begin(functions);
        done = kit_map(&kit, 0, kit_file(&kit, "in.txt", "a\n"));
        if (!done)
            kit_must(&kit, done);
        low[i] = done->digest->low;
        assert_int_equal(done->digest->records, 0);
        message_free(done);
    }
    assert_int_equal(low[0], low[1]);
    assert_int_not_equal(low[0], low[2]);
}

static void a_reduce_writes_its_part_and_the_others(void **state)
{
    static const char wanted[] = "a;1;x y\n";
    Mrlua__Done *done;

    (void)state;
    begin("map = function(_, line, emit) emit(line, 1) end,\n"
          "reduce = function(key, _, emit) if key == 'a' then\n"
          "  mr.emit_to('rejected', key, { 1, 'x y' }) else emit(key, true) end end");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "b\na\n")));
    done = kit_reduce(&kit, 0);
    if (!done)
        kit_must(&kit, done);
    kit_expect(&kit, "b\ttrue\n");
    expect_file("rejected", wanted);
    assert_int_equal(done->n_files, 1);
    expect_told(done, 0, 1, 1, wanted);
    message_free(done);
}

/* However often the sort buffer is full, and whatever combines beside them. */
static void what_maps_emit_comes_out_in_order_and_whole(void **state)
{
    struct buf text = {0}, first = {0};
    Mrlua__Done *done;

    (void)state;
    begin("combine = 'sum', reduce = 'sum', map = function(at, line, emit)\n"
          "  emit(line, 1) emit({}, 1) mr.emit_to('errors', line, ('x'):rep(300)) end");
    kit.start.sort_buffer_bytes = 1 << 20;
    for (int i = 0; i < 9000; i++)
        buf_printf(&text, "%d\n", i * 7919 % 9001);
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "a.txt", buf_string(&text))));
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "b.txt", "last\n")));
    done = kit_reduce(&kit, 1); /* behind the one partition: errors */
    if (!done)
        kit_must(&kit, done);
    assert_int_equal(done->records, 9001);
    assert_int_equal(done->digest->records, 9001);
    assert_int_equal(done->n_files, 0);
    message_free(done);
    assert_int_equal(io_read_file(kit.result_path, 1 << 24, &first, ERR_INPUT, &kit.err), 0);
    buf_clear(&text);
    for (int i = 0; i <= 9000; i++) {
        if (i < 9000)
            buf_printf(&text, "[\"%d\",\"", i * 7919 % 9001);
        else
            buf_append_string(&text, "[\"last\",\"");
        for (int j = 0; j < 300; j++)
            buf_append_byte(&text, 'x');
        buf_append_string(&text, "\"]\n");
    }
    assert_int_equal(first.len, text.len);
    assert_memory_equal(first.ptr, text.ptr, text.len);
    done = kit_reduce(&kit, 2); /* rejected: nobody emitted there */
    if (!done)
        kit_must(&kit, done);
    assert_int_equal(done->records, 0);
    message_free(done);
    kit_must(&kit, kit_reduce(&kit, 0));
    buf_clear(&first);
    assert_int_equal(io_read_file(kit.result_path, 1 << 24, &first, ERR_INPUT, &kit.err), 0);
    assert_non_null(strstr(buf_string(&first), "[]\t9001\n")); /* of one key: only it is combined */
    buf_deinit(&text);
    buf_deinit(&first);
}

static void an_attempt_that_fails_leaves_no_file(void **state)
{
    (void)state;
    begin("map = function(at, line, emit) mr.emit_to('errors', at, 1) error('no') end");
    kit.start.partition_count = 0;
    assert_null(kit_map(&kit, 0, kit_file(&kit, "in.txt", "a\n")));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_int_equal(folder_count(&kit.folder), 1); /* the input */
}

/* JSON has no NaN: the map says so, which has the record in hand, whoever writes it. */
static void a_record_that_the_format_cannot_hold_is_the_jobs_error(void **state)
{
    (void)state;
    for (uint32_t partitions = 0; partitions < 2; partitions++) {
        begin("map = function(at, line, emit) mr.emit_to('errors', at, at > 0 and 0/0 or 1) end");
        kit.start.partition_count = partitions;
        assert_null(kit_map(&kit, 0, kit_file(&kit, "in.txt", "a\nb\n")));
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_non_null(strstr(kit.err.message, "mr.emit_to 'errors': output: "));
        assert_non_null(strstr(kit.err.message, ", at byte 2 of "));
        assert_non_null(strstr(buf_string(&kit.detail), "record: \"b\"\n"));
    }
}

/* So it can be set aside: it is one of the map's. */
static void such_a_record_can_be_left_out(void **state)
{
    uint64_t skip[] = {2};

    (void)state;
    begin("map = function(at, line, emit) mr.emit_to('errors', at, at > 0 and 0/0 or 1) end");
    kit.start.partition_count = 1;
    kit_skip(&kit, NULL, 0, 1);
    assert_null(kit_map(&kit, 0, kit_file(&kit, "in.txt", "a\nb\n")));
    assert_non_null(strstr(buf_string(&kit.bad), "2 at 0:2: mr.emit_to 'errors': output: "));
    kit_skip(&kit, skip, 1, 0);
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "a\nb\n")));
    kit_must(&kit, kit_reduce(&kit, 1));
    kit_expect(&kit, "[0,1]\n");
}

static void a_sample_emits_to_none(void **state)
{
    uint64_t share = 2;
    Mrlua__Piece piece, *pieces[] = {&piece};

    (void)state;
    begin("partition = 'range', reduce = 'identity',\n"
          "map = function(at, line, emit) mr.emit_to('errors', at, 1) emit(line, 1) end");
    kit_piece(&piece, kit_file(&kit, "in.txt", "a\n"), 0, UINT64_MAX);
    kit.start.kind = MRLUA__TASK_KIND__SAMPLE;
    kit.start.partition_count = 2;
    kit.start.pieces = pieces;
    kit.start.n_pieces = kit.start.n_shares = 1;
    kit.start.shares = &share;
    kit_must(&kit, kit_run(&kit));
}

/* What a child says is held against the files. */
static void a_child_that_lies_is_caught(void **state)
{
    Mrlua__OutputFile file = MRLUA__OUTPUT_FILE__INIT, *files[] = {&file, &file};
    Mrlua__Done done = MRLUA__DONE__INIT;
    struct outputs outputs;

    (void)state;
    begin("map = 'identity'");
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.partition_count = 0;
    kit.start.result_path = (char *)(uintptr_t)folder_path(&kit.folder, "part");
    assert_int_equal(outputs_create(&outputs, &kit.start, &kit.err), 0);
    assert_int_equal(outputs.count, 2);
    assert_int_equal(write(outputs.fds[1], "abc", 3), 3);
    done.files = files;
    done.n_files = 1;
    file.output = 1;
    file.bytes = 3;
    assert_int_equal(outputs_check(&outputs, &done, &kit.err), 0);
    file.bytes = 4;
    assert_int_equal(outputs_check(&outputs, &done, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    file.bytes = 3;
    done.n_files = 2; /* the same one twice */
    assert_int_equal(outputs_check(&outputs, &done, &kit.err), -1);
    done.n_files = 1;
    file.output = 2;
    assert_int_equal(outputs_check(&outputs, &done, &kit.err), -1);
    outputs_deinit(&outputs, false);
    assert_int_equal(folder_count(&kit.folder), 0);
}

static void more_outputs_than_there_may_be_are_refused(void **state)
{
    Mrlua__Output *many[OUTPUT_COUNT_MAX + 1];
    struct outputs outputs;

    (void)state;
    begin("map = 'identity'");
    for (size_t i = 0; i <= OUTPUT_COUNT_MAX; i++)
        many[i] = &errors;
    kit.start.outputs = many;
    kit.start.n_outputs = OUTPUT_COUNT_MAX + 1;
    assert_int_equal(outputs_create(&outputs, &kit.start, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    outputs_deinit(&outputs, false);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_map_without_reduces_writes_its_part_and_the_others),
        KIT_TEST(the_digest_of_such_a_map_is_of_all_it_wrote),
        KIT_TEST(a_reduce_writes_its_part_and_the_others),
        KIT_TEST(what_maps_emit_comes_out_in_order_and_whole),
        KIT_TEST(an_attempt_that_fails_leaves_no_file),
        KIT_TEST(a_record_that_the_format_cannot_hold_is_the_jobs_error),
        KIT_TEST(such_a_record_can_be_left_out),
        KIT_TEST(a_sample_emits_to_none),
        KIT_TEST(a_child_that_lies_is_caught),
        KIT_TEST(more_outputs_than_there_may_be_are_refused),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
