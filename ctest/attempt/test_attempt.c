#include "attempt/kit.h"

#include "base/hash.h"

static struct kit kit;

static int set_up(void **state)
{
    (void)state;
    kit_open(&kit);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

#define WORDCOUNT(combine, reduce)                                                                 \
    "return { combine = " combine ", reduce = " reduce ",\n"                                       \
    "  map = function(_, line, emit)\n"                                                            \
    "    for word in line:gmatch('%a+') do emit(word, 1) end\n"                                    \
    "  end }\n"
#define TOTAL                                                                                      \
    "function(word, counts, emit)\n"                                                               \
    "  local total = 0\n"                                                                          \
    "  for n in counts do total = total + n end\n"                                                 \
    "  emit(word, total)\n"                                                                        \
    "end"

/* Two maps and a reduce, as a shell would run them. */
static void wordcount(const char *source)
{
    Mrlua__Done *done;

    kit_job(&kit, source);
    done = kit_map(&kit, 0, kit_file(&kit, "a.txt", "the cat\nthe dog\n"));
    assert_true(!done || kit_counter(done, "map_records_in") == 2);
    assert_true(!done || kit_counter(done, "map_records_out") == 4);
    assert_true(!done || kit_counter(done, "map_bytes_in") == 16);
    assert_true(!done || strcmp(done->path, kit.result_path) == 0);
    kit_must(&kit, done);
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "b.txt", "a dog, a dog\nthe end")));
    done = kit_reduce(&kit, 0);
    assert_true(!done || kit_counter(done, "reduce_keys_in") == 5);
    assert_true(!done || done->records == 5);
    kit_must(&kit, done);
    kit_expect(&kit, "a\t2\ncat\t1\ndog\t3\nend\t1\nthe\t3\n");
    assert_true(kit.started_pid > 0);
}

static void test_wordcount(void **state)
{
    (void)state;
    wordcount(WORDCOUNT("nil", TOTAL));
    wordcount(WORDCOUNT("'sum'", TOTAL));
    wordcount(WORDCOUNT(TOTAL, TOTAL));
    wordcount(WORDCOUNT("'sum'", "'sum'"));
    wordcount(WORDCOUNT("'count'", "'count'"));
    wordcount(WORDCOUNT("nil", "'count'"));
}

/* What the maps wrote is what the reduces read, over two partitions. */
static void test_digests(void **state)
{
    struct digest written = {0}, read = {0};
    Mrlua__Done *done;

    (void)state;
    kit_job(&kit, WORDCOUNT("'sum'", "'sum'"));
    kit.start.partition_count = 2;
    for (uint32_t map = 0; map < 2; map++) {
        done = kit_map(&kit, map, kit_file(&kit, "c.txt", "one two three four five six\n"));
        assert_non_null(done);
        digest_add(&written,
                   &(struct digest){done->digest->low, done->digest->high, done->digest->records});
        message_free(done);
    }
    for (uint32_t partition = 0; partition < 2; partition++) {
        done = kit_reduce(&kit, partition);
        assert_non_null(done);
        digest_add(&read,
                   &(struct digest){done->digest->low, done->digest->high, done->digest->records});
        message_free(done);
    }
    assert_int_equal(written.record_count, 12);
    assert_true(digest_equal(&written, &read));
}

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

static void test_group(void **state)
{
    (void)state;
    kit_job(&kit, "return { group = 1,\n"
                  "  map = function(_, line, emit)\n"
                  "    local k, n = line:match('(%a)(%d)')\n"
                  "    emit({ k, tonumber(n) }, line)\n"
                  "  end,\n"
                  "  reduce = function(key, values, emit)\n"
                  "    local all = {}\n"
                  "    for v, k in values do all[#all + 1] = v .. k[2] end\n"
                  "    emit(key[1], table.concat(all, ' '))\n"
                  "  end }\n");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "e.txt", "b2\na3\nb1\na1\n")));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "a\ta11 a33\nb\tb11 b22\n");
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

/* A reduce that waits goes on when it is told to, and not before. */
static void test_waits_when_fetched(void **state)
{
    struct attempt attempt;
    struct frame frame;
    Mrlua__Done *done = NULL;
    bool is_fetched = false;
    int rc;

    (void)state;
    kit_job(&kit, WORDCOUNT("'sum'", "'sum'"));
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "g.txt", "b a b\n")));
    snprintf(kit.result_path, sizeof kit.result_path, "%s/part", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__REDUCE;
    kit.start.result_path = kit.result_path;
    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = 1;
    kit.start.waits_when_fetched = true;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempt, &kit.err), 0);
    while (!is_fetched && (rc = attempt_read(&attempt, &frame, &kit.err)) >= 0) {
        struct pollfd poll_attempt = {.fd = attempt.fd, .events = POLLIN};

        is_fetched = rc == 1 && frame.type == MESSAGE_FETCHED;
        assert_true(rc == 0 || is_fetched || frame.type == MESSAGE_PROGRESS);
        if (rc == 0)
            poll(&poll_attempt, 1, -1);
    }
    assert_true(is_fetched);
    assert_int_equal(attempt_run(&attempt, &kit.err), 0);
    done = kit_await(&kit, &attempt);
    kit_must(&kit, done);
    kit_expect(&kit, "a\t1\nb\t2\n");
}

/* ---- load ---- */

static int load(const char *source, struct buf *view)
{
    struct attempt_load options = {.memory_bytes = 16 << 20, .deadline_ms = 0};

    kit_job(&kit, source);
    options.bundle = buf_slice(&kit.bundle);
    buf_clear(&kit.detail);
    buf_clear(&kit.log);
    return attempt_load_job(kit.nursery, &options, view, &kit.detail, &kit.log, &kit.err);
}

static void test_load(void **state)
{
    struct buf view = {0};
    struct datum map;

    (void)state;
    assert_int_equal(load("print('hello') return { map = print, reduce = 'sum' }", &view), 0);
    assert_string_equal(buf_string(&kit.log), "hello\n");
    assert_true(value_field(buf_slice(&view), "map", &map));
    assert_int_equal(map.type, DATUM_TRUE);
    assert_true(
        slice_equal(value_field_string(buf_slice(&view), "reduce", ""), slice_of_string("sum")));
    buf_clear(&view);
    assert_int_equal(load("return { map = print, reducer = 'sum' }", &view), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_non_null(strstr(kit.err.message, "reducer"));
    assert_int_equal(load("local x = nil\nreturn x.y", &view), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_non_null(strstr(kit.err.message, "job.lua:2:"));
    assert_non_null(strstr(buf_string(&kit.detail), "traceback"));
    assert_int_equal(view.len, 0);
    buf_deinit(&view);
}

/* ---- plan ---- */

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
        assert_int_equal(done->plan->n_inputs, 3);
        assert_int_equal(done->plan->n_splits, 3); /* 5 + 3 and 4 bytes */
        assert_int_equal(done->plan->splits[1]->pieces[0]->offset, 5);
        assert_int_equal(done->plan->splits[1]->pieces[0]->length, 3);
        assert_non_null(strstr(done->plan->splits[2]->pieces[0]->path, "p3.txt"));
    }
    kit_must(&kit, done);
    snprintf(pattern, sizeof pattern, "%s/absent", kit.folder.path);
    assert_null(kit_run(&kit));
    assert_int_equal(kit.err.kind, ERR_SETUP);
    kit.start.plan = NULL;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wordcount, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hooks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_split, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits_when_fetched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plan, set_up, tear_down),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
