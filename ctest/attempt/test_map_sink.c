#include "attempt/kit.h"

#include "attempt/map_sink.h"

/* Without partitions nothing is sorted or combined: the result is the part. */
static void test_parts_of_maps(void **state)
{
    static const char *const jobs[] = {
        "return { map = function(at, line, emit) emit(line, at) emit(line, true) end,\n"
        "  cleanup = function(mr, emit) emit('last', mr.stage) end }",
        "return { map = 'words' }",
        "return { map = 'identity' }",
    };
    static const char *const expected[] = {
        "b a\t0\nb a\ttrue\na\t4\na\ttrue\nlast\tmap\n",
        "b\t1\na\t1\na\t1\n",
        "0\tb a\n4\ta\n",
    };

    (void)state;
    kit.start.partition_count = 0;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        kit_job(&kit, jobs[i]);
        kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "p.txt", "b a\na\n")));
        kit_expect(&kit, expected[i]);
    }
    kit_job(&kit, "return { map = function(at, line, emit) emit(at, 0/0) end }");
    kit.start.output = "jsonl";
    assert_null(kit_map(&kit, 0, kit_file(&kit, "p.txt", "a\n")));
    assert_int_equal(kit.err.kind, ERR_JOB);
}

/* With a combiner that folds and without, by a built-in map and by a function: the same sums. */
static void test_counting_is_the_same_on_every_way(void **state)
{
    static const char *const jobs[] = {
        "return { map = 'words', reduce = 'sum' }",
        "return { map = 'words', combine = 'sum', reduce = 'sum' }",
        "return { map = 'words', combine = 'sum', reduce = 'sum',\n"
        "  partition = function() return 0 end }",
        "return { combine = 'count', reduce = 'count', map = function(_, line, emit)\n"
        "  for word in line:gmatch '%a+' do emit(word, true) end end }",
        "return { combine = function(key, values, emit)\n"
        "    local n = 0 for v in values do n = n + v end emit(key, n) end, reduce = 'sum',\n"
        "  map = function(_, line, emit)\n"
        "    for word in line:gmatch '%a+' do emit(word, 1) end end }",
    };

    (void)state;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        kit_job(&kit, jobs[i]);
        kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "w.txt", "b a b\nb c a\n")));
        kit_must(&kit, kit_reduce(&kit, 0));
        kit_expect(&kit, "a\t2\nb\t3\nc\t1\n");
    }
}

static void test_close_is_safe_before_open(void **state)
{
    struct map_sink out = {0};

    (void)state;
    map_sink_close(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_parts_of_maps),
        KIT_TEST(test_counting_is_the_same_on_every_way),
        KIT_TEST(test_close_is_safe_before_open),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
