#include "attempt/kit.h"

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

static void test_reduce_error(void **state)
{
    (void)state;
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end,\n"
                  "reduce = function(key, values, emit)\n"
                  "if key == 'second line' then error('bad key') end end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "first\nsecond line\n")));
    assert_null(kit_reduce(&kit, 0));
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_non_null(strstr(kit.err.message, "job.lua:3: bad key"));
    assert_non_null(strstr(buf_string(&kit.detail), "key: \"second line\"\n"));
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
}

#define KEYS "map = function(_, line, emit) emit(line, #line) end"

/* All keys that raise, as far as the job may have them and one more. */
static void keys_that_raise_are_named_and_left_out(void **state)
{
    uint64_t skip[] = {2, 4};
    Mrlua__Done *done;

    (void)state;
    kit_job(&kit, "return { " KEYS ", reduce = function(key, values, emit) emit(key, 1)\n"
                  "if key:find('bad') then error(key) end emit(key, 2) end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "k.txt", "a\nb bad\nb bad\nc\nd bad\ne\n")));
    for (uint32_t left = 0; left < 4; left++) {
        kit_skip(&kit, NULL, 0, left);
        assert_null(kit_reduce(&kit, 0));
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_string_equal(kit.err.message, left > 0
                                                 ? "job.lua:2: b bad"
                                                 : "job.lua:2: b bad, at key \"b bad\" (number 2)");
        assert_string_equal(buf_string(&kit.bad), left == 0 ? "2 \"b bad\": job.lua:2: b bad\n"
                                                            : "2 \"b bad\": job.lua:2: b bad\n"
                                                              "4 \"d bad\": job.lua:2: d bad\n");
        assert_non_null(strstr(buf_string(&kit.detail), "in function <job.lua:1>\n"
                                                        "key: \"b bad\"\n"
                                                        "task: reduce 0, key number 2\n"));
    }
    kit_skip(&kit, skip, 2, 0);
    done = kit_reduce(&kit, 0);
    assert_non_null(done);
    assert_int_equal(kit_counter(done, "bad_records"), 2);
    assert_int_equal(kit_counter(done, "reduce_keys_in"), 5);
    assert_int_equal(done->digest->records, 6); /* of what was read: all that the map wrote */
    message_free(done);
    kit_expect(&kit, "a\t1\na\t2\nc\t1\nc\t2\ne\t1\ne\t2\n");
}

/* Also what the writer refuses, and what a built-in does not like. */
static void keys_whose_values_are_refused_are_bad(void **state)
{
    static const char *const jobs[] = {
        "return { map = function(_, line, emit) emit(line, line == 'b' and {} or 1) end,\n"
        "  reduce = 'sum' }",
        "return { " KEYS ",\n"
        "  reduce = function(key, _, emit) pcall(emit, key, key == 'b' and 0/0 or 1) end }",
    };

    (void)state;
    kit.start.output = "jsonl";
    for (size_t i = 0; i < 2; i++) {
        uint64_t skip[] = {2};

        kit_job(&kit, jobs[i]);
        kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "r.txt", "a\nb\nc\n")));
        kit_skip(&kit, NULL, 0, 3);
        assert_null(kit_reduce(&kit, 0));
        assert_memory_equal(buf_string(&kit.bad), "2 \"b\": ", 7);
        assert_ptr_equal(strchr(kit.bad.ptr, '\n') + 1, kit.bad.ptr + kit.bad.len);
        kit_skip(&kit, skip, 1, 2);
        kit_must(&kit, kit_reduce(&kit, 0));
        kit_expect(&kit, "[\"a\",1]\n[\"c\",1]\n");
        kit_skip(&kit, NULL, 0, 0);
    }
}

/* Setup and cleanup have no key in hand: theirs is the job's error. */
static void what_hooks_raise_is_of_no_key(void **state)
{
    static const char *const hooks[] = {"setup", "cleanup"};
    char source[256];

    (void)state;
    kit_skip(&kit, NULL, 0, 3);
    for (size_t i = 0; i < 2; i++) {
        snprintf(source, sizeof source,
                 "return { map = 'identity', reduce = 'identity',\n"
                 "  %s = function(mr) if mr.stage == 'reduce' then error('no') end end }",
                 hooks[i]);
        kit_job(&kit, source);
        kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "h.txt", "a\n")));
        assert_null(kit_reduce(&kit, 0));
        assert_int_equal(kit.err.kind, ERR_JOB);
        assert_int_equal(kit.bad.len, 0);
    }
}

/* Values of a key come in map order, then in order of emit, whatever the partition (P1). */
static void test_value_order(void **state)
{
    (void)state;
    kit_job(&kit, "return { map = function(_, line, emit) emit('k', line) end,\n"
                  "reduce = function(key, values, emit)\n"
                  "  for v in values do emit(key, v) end\n"
                  "end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "o0.txt", "z\ny\n")));
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "o1.txt", "")));
    kit_must(&kit, kit_map(&kit, 2, kit_file(&kit, "o2.txt", "b\na\n")));
    kit_must(&kit, kit_map(&kit, 3, kit_file(&kit, "o3.txt", "m\n")));
    kit_must(&kit, kit_reduce(&kit, 0));
    kit_expect(&kit, "k\tz\nk\ty\nk\tb\nk\ta\nk\tm\n");
}

/* The bytes of a part are the same from any attempt, of a run too (P1). */
static void test_same_bytes(void **state)
{
    struct buf first = {0}, second = {0};

    (void)state;
    kit_job(&kit, "return { output = 'run', map = 'identity', reduce = 'identity' }");
    kit.start.output = "run";
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "s.txt", "some\nlines\n")));
    kit_must(&kit, kit_reduce(&kit, 0));
    assert_int_equal(io_read_file(kit.result_path, 1 << 16, &first, ERR_INPUT, &kit.err), 0);
    kit_must(&kit, kit_map(&kit, 0, folder_path(&kit.folder, "s.txt")));
    kit_must(&kit, kit_reduce(&kit, 0));
    assert_int_equal(io_read_file(kit.result_path, 1 << 16, &second, ERR_INPUT, &kit.err), 0);
    assert_true(slice_equal(buf_slice(&first), buf_slice(&second)));
    buf_deinit(&first);
    buf_deinit(&second);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_group),
        KIT_TEST(test_reduce_error),
        KIT_TEST(keys_that_raise_are_named_and_left_out),
        KIT_TEST(keys_whose_values_are_refused_are_bad),
        KIT_TEST(what_hooks_raise_is_of_no_key),
        KIT_TEST(test_value_order),
        KIT_TEST(test_same_bytes),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
