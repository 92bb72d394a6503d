#include "attempt/kit.h"

/* Enough to spill and to merge in the TINY build, and several pieces in one split. */
static void test_many_records(void **state)
{
    Mrlua__Piece pieces[3], *list[] = {&pieces[0], &pieces[1], &pieces[2]};
    struct buf text = {0}, expected = {0};
    const char *path;

    (void)state;
#ifdef MRLUA_TINY
    kit.start.sort_buffer_bytes = 4096;
#endif
    for (int i = 0; i < 3000; i++)
        buf_printf(&text, "w%c%c common\n", 'a' + i / 26 % 26, 'a' + i % 26);
    path = kit_file(&kit, "many.txt", buf_string(&text));
    for (size_t i = 0; i < 3; i++)
        kit_piece(&pieces[i], path, i * text.len / 3, (i + 1) * text.len / 3 - i * text.len / 3);
    kit_job(&kit, WORDCOUNT("nil", TOTAL));
    kit_must(&kit, kit_map_pieces(&kit, 0, list, 3));
    kit_must(&kit, kit_reduce(&kit, 0));
    buf_append_string(&expected, "common\t3000\n");
    for (int i = 0; i < 26 * 26; i++)
        buf_printf(&expected, "w%c%c\t%d\n", 'a' + i / 26, 'a' + i % 26,
                   3000 / 676 + (i < 3000 % 676));
    kit_expect(&kit, buf_string(&expected));
    buf_deinit(&text);
    buf_deinit(&expected);
}

/* setup sees who it is, cleanup may emit, print() comes out as log lines, partition is asked. */
static void test_hooks(void **state)
{
    (void)state;
    kit_job(&kit, "local seen = 0\n"
                  "return { reduce = 'identity',\n"
                  "  setup = function(mr) print(mr.stage, mr.task, mr.attempt) end,\n"
                  "  map = function(at, line, emit) seen = seen + 1; emit(at, line) end,\n"
                  "  partition = function(key, count) return key == 'last' and 1 or 0 end,\n"
                  "  cleanup = function(mr, emit)\n"
                  "    if mr.stage == 'map' then emit('last', seen) end\n"
                  "  end }\n");
    kit.start.partition_count = 2;
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "d.txt", "x\r\n\ny")));
    assert_string_equal(buf_string(&kit.log), "map\t0\t1\n");
    kit_must(&kit, kit_reduce(&kit, 0));
    assert_string_equal(buf_string(&kit.log), "reduce\t0\t2\n");
    kit_expect(&kit, "0\tx\n3\t\n4\ty\n");
    kit_must(&kit, kit_reduce(&kit, 1));
    kit_expect(&kit, "last\t3\n");
}

/* The output of a job is the input of another: input "run", map "identity". */
static void test_runs(void **state)
{
    char first[sizeof kit.result_path];

    (void)state;
    kit_job(&kit, WORDCOUNT("'sum'", "'sum'"));
    kit.start.output = "run";
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "f.txt", "b a b\n")));
    kit_must(&kit, kit_reduce(&kit, 0));
    snprintf(first, sizeof first, "%s", kit.result_path);
    kit_job(&kit, "return { input = 'run', output = 'jsonl', map = 'identity', reduce = 'sum' }");
    kit.start.input = "run";
    kit.start.output = "jsonl";
    kit_must(&kit, kit_map(&kit, 0, first));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "[\"a\",1]\n[\"b\",2]\n");
}

static void test_empty_split(void **state)
{
    (void)state;
    kit_job(&kit, WORDCOUNT("'sum'", "'sum'"));
    kit_must(&kit, kit_map_pieces(&kit, 0, NULL, 0));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "");
}

/* Pieces cut anywhere give every line once; a compressed input would be whole. */
static void test_pieces(void **state)
{
    static const char text[] = "one\ntwo three\n\nfour";
    const size_t len = sizeof text - 1;
    const char *path = kit_file(&kit, "pieces.txt", text);

    (void)state;
    kit_job(&kit, "return { map = 'identity', reduce = 'identity' }");
    for (size_t cut = 0; cut <= len; cut++) {
        Mrlua__Piece pieces[2], *list[] = {&pieces[0], &pieces[1]};

        kit_piece(&pieces[0], path, 0, cut);
        kit_piece(&pieces[1], path, cut, len - cut);
        kit_must(&kit, kit_map_pieces(&kit, 0, list, 2));
        kit_must(&kit, kit_reduce(&kit, 0));
        kit_expect(&kit, "0\tone\n4\ttwo three\n14\t\n15\tfour\n");
    }
}

/* What comes often is told with the run, of what is left behind the combiner. */
static void test_skew(void **state)
{
    struct buf text = {0};
    Mrlua__Done *done;
    const char *path;

    (void)state;
    for (int i = 0; i < 200; i++)
        buf_printf(&text, "hot w%d\n", i);
    path = kit_file(&kit, "hot.txt", buf_string(&text));
    kit.start.partition_count = 3;
    kit_job(&kit, "return { map = 'words', reduce = 'sum' }");
    done = kit_map(&kit, 0, path);
    assert_non_null(done);
    assert_int_equal(done->skew->n_keys, 2); /* and "w", without its number */
    assert_int_equal(done->skew->keys[0]->records, 200);
    assert_int_equal(done->skew->n_largest, 3);
    assert_true(done->skew->bytes < done->bytes);
    assert_false(done->skew->combines);
    message_free(done);

    kit_job(&kit, "return { map = 'words', combine = 'sum', reduce = 'sum' }");
    done = kit_map(&kit, 0, path);
    assert_non_null(done);
    assert_int_equal(done->skew->n_keys, 0);
    assert_true(done->skew->combines);
    message_free(done);
    buf_deinit(&text);
}

/* map = "identity" with count: the values are counted, not looked at. */
static void test_identity_counts(void **state)
{
    (void)state;
    kit_job(&kit,
            "return { input = 'file', map = 'identity', combine = 'count', reduce = 'count' }");
    kit.start.input = "file";
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "whole.txt", "some text")));
    kit_must(&kit, kit_reduce(&kit, 0));
    assert_int_equal(access(kit.result_path, F_OK), 0);
    {
        struct buf expected = {0};

        buf_printf(&expected, "%s\t1\n", folder_path(&kit.folder, "whole.txt"));
        kit_expect(&kit, buf_string(&expected));
        buf_deinit(&expected);
    }
}

#define LETTERS     "a\nb\nc\nd\ne\nf\n"
#define SORTED(map) "return { partition = 'range', reduce = 'identity', map = " map " }"

/* A sample of all of a file of letters, in three parts. */
static Mrlua__Done *sample_letters(const char *job)
{
    Mrlua__Piece piece, *list[] = {&piece};
    uint64_t shares[] = {12};
    Mrlua__Done *done;

    kit_piece(&piece, kit_file(&kit, "letters", LETTERS), 0, UINT64_MAX);
    kit_job(&kit, job);
    kit.start.kind = MRLUA__TASK_KIND__SAMPLE;
    kit.start.partition_count = 3;
    kit.start.pieces = list;
    kit.start.n_pieces = 1;
    kit.start.shares = shares;
    kit.start.n_shares = 1;
    done = kit_run(&kit);
    kit.start.pieces = NULL;
    kit.start.n_pieces = kit.start.n_shares = 0;
    return done;
}

static bool is_bytes(const ProtobufCBinaryData *data, const char *text)
{
    return slice_equal(slice_of(data->data, data->len), slice_of_string(text));
}

/* What it prints is heard when the maps print it. */
static void test_sample(void **state)
{
    Mrlua__Done *done;

    (void)state;
    done = sample_letters(SORTED("function(_, line, emit) print(line) emit(line, 1) end"));
    assert_non_null(done);
    assert_int_equal(done->n_cut_points, 2);
    assert_true(is_bytes(&done->cut_points[0], "sc"));
    assert_true(is_bytes(&done->cut_points[1], "se"));
    assert_string_equal(buf_string(&kit.log), "");
    message_free(done);
}

static void test_cut_points(void **state)
{
    ProtobufCBinaryData cuts[] = {{2, (uint8_t *)"sc"}, {2, (uint8_t *)"se"}};

    (void)state;
    kit_job(&kit, SORTED("function(_, line, emit) emit(line, 1) end"));
    kit.start.partition_count = 3;
    kit.start.cut_points = cuts;
    kit.start.n_cut_points = 2;
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "letters", LETTERS)));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "a\t1\nb\t1\n");
    kit_must(&kit, kit_reduce(&kit, 2));
    kit_expect(&kit, "e\t1\nf\t1\n");
    kit.start.n_cut_points = 0; /* nothing was found to cut at: one part has all */
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "letters", LETTERS)));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "a\t1\nb\t1\nc\t1\nd\t1\ne\t1\nf\t1\n");
    kit.start.n_cut_points = 2;
    kit.start.partition_count = 2; /* these are not ours */
    assert_null(kit_map(&kit, 0, kit_file(&kit, "letters", LETTERS)));
    assert_int_equal(kit.err.kind, ERR_SETUP);
}

/* What the job does wrong is left for the maps to tell; what is wrong with the input is not. */
static void test_sample_of_a_wrong_job(void **state)
{
    static const char *const jobs[] = {
        SORTED("function(_, line, emit) emit(line, 1) if line == 'd' then error('no') end end"),
        SORTED("'identity', setup = function() error('no') end"),
        SORTED("'identity', cleanup = function() error('no') end"),
    };
    static const size_t counts[] = {2, 0, 2};

    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        Mrlua__Done *done = sample_letters(jobs[i]);

        if (!done)
            fail_msg("%zu: %s", i, kit.err.message);
        assert_int_equal(done->n_cut_points, counts[i]);
        message_free(done);
    }
}

static void test_sample_without_shares(void **state)
{
    (void)state;
    kit_job(&kit, SORTED("'identity'"));
    kit.start.kind = MRLUA__TASK_KIND__SAMPLE;
    kit.start.partition_count = 0;
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
}

/* ---- records that the job's functions fail on ---- */

/* By one record after the other, and by blocks of lines: the same place is named. */
static void record_that_the_job_does_not_like_is_named(void **state)
{
    static const char *const jobs[] = {
        "return { map = function(at, line, emit) emit(line, 1) end, reduce = 'sum' }",
        "return { map = 'words', combine = 'sum', reduce = 'sum' }",
    };
    struct buf text = {0};

    (void)state;
    buf_append_string(&text, "first\nsecond\n");
    memset(buf_reserve(&text, RECORD_KEY_BYTES_MAX), 'x', RECORD_KEY_BYTES_MAX);
    text.len += RECORD_KEY_BYTES_MAX;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        kit_job(&kit, jobs[i]);
        assert_null(kit_map(&kit, 0, kit_file(&kit, "in.txt", buf_string(&text))));
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_non_null(strstr(buf_string(&kit.detail), "in.txt, at byte 13\nrecord: \"xxx"));
    }
    buf_deinit(&text);
}

#define RAISES                                                                                     \
    "map = function(at, line, emit)\n"                                                             \
    "  emit(line, 1)\n"                                                                            \
    "  if line:find('bad') then error(line) end\n"                                                 \
    "  emit(line, 2)\n"                                                                            \
    "end"

/* As far as the job may set them aside, and one more: then it is known that they are too many. */
static void all_records_that_raise_are_named_at_once(void **state)
{
    static const char *const lines[] = {"2 at 0:2: job.lua:3: bad 1\n",
                                        "4 at 0:10: job.lua:3: bad 2\n",
                                        "5 at 1:0: job.lua:3: bad 3\n"};
    Mrlua__Piece pieces[2], *list[] = {&pieces[0], &pieces[1]};
    const char *first = kit_file(&kit, "a.txt", "a\nbad 1\nb\nbad 2\n");
    const char *second = kit_file(&kit, "b.txt", "bad 3\nc\n");

    (void)state;
    kit_job(&kit, "return { reduce = 'identity', " RAISES " }");
    kit_piece(&pieces[0], first, 0, UINT64_MAX);
    kit_piece(&pieces[1], second, 0, UINT64_MAX);
    for (uint32_t left = 0; left < 5; left++) {
        struct buf expected = {0};

        for (uint32_t i = 0; i <= left && i < 3; i++)
            buf_append_string(&expected, lines[i]);
        kit_skip(&kit, NULL, 0, left);
        assert_null(kit_map_pieces(&kit, 0, list, 2));
        assert_int_equal(kit.err.kind, ERR_JOB);
        if (left > 0) /* each has a place of its own */
            assert_string_equal(kit.err.message, "job.lua:3: bad 1");
        else
            assert_non_null(strstr(kit.err.message, "/a.txt (record 2)"));
        assert_string_equal(buf_string(&kit.bad), buf_string(&expected));
        assert_non_null(strstr(buf_string(&kit.detail), "a.txt, at byte 2\nrecord: \"bad 1\"\n"
                                                        "task: map 0, record 2\n"));
        assert_null(strstr(buf_string(&kit.detail), "bad 2"));
        buf_deinit(&expected);
    }
}

static void records_that_are_left_out_contribute_nothing(void **state)
{
    uint64_t skip[] = {2, 4};
    Mrlua__Done *done;

    (void)state;
    kit_job(&kit, "return { reduce = 'identity', " RAISES " }");
    kit_skip(&kit, skip, 2, 0);
    done = kit_map(&kit, 0, kit_file(&kit, "l.txt", "a\nbad\nb\nbad\n"));
    assert_non_null(done);
    assert_int_equal(kit_counter(done, "bad_records"), 2);
    assert_int_equal(kit_counter(done, "map_records_in"), 4);
    assert_int_equal(kit_counter(done, "map_records_out"), 4);
    message_free(done);
    kit_skip(&kit, NULL, 0, 0);
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "a\t1\na\t2\nb\t1\nb\t2\n");
}

/* Blocks of lines name one; the next attempt, which leaves it out, goes by lines and names all. */
static void lines_of_blocks_have_the_same_numbers(void **state)
{
    uint64_t skip[] = {3};
    struct buf text = {0};

    (void)state;
    for (int i = 1; i <= 5; i++) {
        buf_append_string(&text, "word ");
        for (int j = 0; i % 2 == 1 && i > 1 && j < RECORD_KEY_BYTES_MAX; j++)
            buf_append_byte(&text, 'x');
        buf_append_byte(&text, '\n');
    }
    kit_job(&kit, "return { map = 'words', combine = 'sum', reduce = 'sum' }");
    kit_file(&kit, "w.txt", buf_string(&text));
    kit_skip(&kit, NULL, 0, 9);
    assert_null(kit_map(&kit, 0, folder_path(&kit.folder, "w.txt")));
    assert_memory_equal(buf_string(&kit.bad), "3 at 0:12: emit: key: ", 21);
    kit_skip(&kit, skip, 1, 9);
    assert_null(kit_map(&kit, 0, folder_path(&kit.folder, "w.txt")));
    assert_memory_equal(buf_string(&kit.bad), "5 at 0:65560: ", 14);
    buf_deinit(&text);
}

/* What a key makes partition raise is its record's, what combine raises is not. */
static void partition_is_of_the_record_and_combine_is_not(void **state)
{
    (void)state;
    kit_skip(&kit, NULL, 0, 3);
    kit_job(&kit, "return { map = function(at, line, emit) pcall(emit, line, 1) end,\n"
                  "  reduce = 'sum', partition = function(key)\n"
                  "    if key:find('bad') then error(key) end return 0 end }");
    kit.start.partition_count = 2;
    assert_null(kit_map(&kit, 0, kit_file(&kit, "p.txt", "bad 1\na\nbad 2\n")));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(buf_string(&kit.bad), "1 at 0:0: job.lua:3: bad 1\n"
                                              "3 at 0:8: job.lua:3: bad 2\n");
    kit.start.partition_count = 1;
    kit_job(&kit, "return { map = function(at, line, emit)\n"
                  "    for i = 1, 1 << 18 do emit(line, line) end error('bad') end,\n"
                  "  reduce = 'sum', combine = function(key, values) error('here') end }");
    assert_null(kit_map(&kit, 0, kit_file(&kit, "c.txt", "a\n")));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_string_equal(kit.err.message, "job.lua:3: here");
    assert_int_equal(kit.bad.len, 0);
}

/* Memory of the VM: it is dead afterwards, so no further record can be looked at. */
static void record_that_takes_all_memory_is_named_alone(void **state)
{
    uint64_t skip[] = {2};

    (void)state;
    kit.limits.memory_bytes = 4 << 20;
    kit_job(&kit, "return { reduce = 'sum', map = function(at, line, emit)\n"
                  "  if line:find('bad') then line = line:rep(1 << 22) end emit(line, 1) end }");
    kit_skip(&kit, NULL, 0, 3);
    assert_null(kit_map(&kit, 0, kit_file(&kit, "m.txt", "a\nbad\nbad\n")));
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    assert_memory_equal(buf_string(&kit.bad), "2 at 0:2: ", 10);
    assert_ptr_equal(strchr(kit.bad.ptr, '\n') + 1, kit.bad.ptr + kit.bad.len);
    kit_skip(&kit, skip, 1, 2);
    assert_null(kit_map(&kit, 0, folder_path(&kit.folder, "m.txt")));
    assert_memory_equal(buf_string(&kit.bad), "3 at 0:6: ", 10);
}

/* A job without reduce: what the writer of the part refuses is a record's, too. */
static void records_that_a_part_cannot_hold_are_bad(void **state)
{
    uint64_t skip[] = {2};

    (void)state;
    kit.start.partition_count = 0;
    kit.start.output = "jsonl";
    kit_job(&kit, "return { map = function(at, line, emit) emit(at, line == 'bad' and 0/0) end }");
    kit_skip(&kit, NULL, 0, 3);
    assert_null(kit_map(&kit, 0, kit_file(&kit, "n.txt", "a\nbad\nb\n")));
    assert_memory_equal(buf_string(&kit.bad), "2 at 0:2: ", 10);
    kit_skip(&kit, skip, 1, 0);
    kit_must(&kit, kit_map(&kit, 0, folder_path(&kit.folder, "n.txt")));
    kit_expect(&kit, "[0,false]\n[6,false]\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_many_records),
        KIT_TEST(test_hooks),
        KIT_TEST(test_runs),
        KIT_TEST(test_empty_split),
        KIT_TEST(test_pieces),
        KIT_TEST(test_skew),
        KIT_TEST(test_identity_counts),
        KIT_TEST(test_sample),
        KIT_TEST(test_cut_points),
        KIT_TEST(test_sample_of_a_wrong_job),
        KIT_TEST(test_sample_without_shares),
        KIT_TEST(record_that_the_job_does_not_like_is_named),
        KIT_TEST(all_records_that_raise_are_named_at_once),
        KIT_TEST(records_that_are_left_out_contribute_nothing),
        KIT_TEST(lines_of_blocks_have_the_same_numbers),
        KIT_TEST(partition_is_of_the_record_and_combine_is_not),
        KIT_TEST(record_that_takes_all_memory_is_named_alone),
        KIT_TEST(records_that_a_part_cannot_hold_are_bad),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
