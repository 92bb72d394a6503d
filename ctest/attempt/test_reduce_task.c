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
        KIT_TEST(test_value_order),
        KIT_TEST(test_same_bytes),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
