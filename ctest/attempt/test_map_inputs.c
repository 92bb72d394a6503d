#include "attempt/kit.h"

/* Each input emits other keys, and says what setup and cleanup see. */
#define JOB(map_of_b)                                                                              \
    "local function tell(k, v, emit) emit(v, mr.input) end\n"                                      \
    "return { reduce = 'identity', inputs = { a = { map = tell }, b = { map = " map_of_b " },\n"   \
    "    c = { map = tell, input = { format = 'fixed', bytes = 2 } } },\n"                         \
    "  setup = function(mr) print('+' .. tostring(mr.input)) end,\n"                               \
    "  cleanup = function(mr, emit)\n"                                                             \
    "    print('-' .. tostring(mr.input))\n"                                                       \
    "    if mr.input then emit('end ' .. mr.input, 1) end\n"                                       \
    "  end }\n"

enum { GROUP_COUNT = 3 };

static const char *const TEXTS[GROUP_COUNT] = {"k\nl\n", "m n\n", "o p "};

static Mrlua__InputGroup groups[GROUP_COUNT], *group_list[GROUP_COUNT];

/* A task that is told of some of the groups. */
static void begin(const char *job, size_t first, size_t count)
{
    static char *const names[] = {"a", "b", "c"}, *const formats[] = {"lines", "lines", "fixed"};

    for (int i = 0; i < GROUP_COUNT; i++) {
        mrlua__input_group__init(&groups[i]);
        groups[i].name = names[i];
        groups[i].format = formats[i];
        group_list[i] = &groups[i];
    }
    kit_job(&kit, job);
    kit.start.groups = group_list + first;
    kit.start.n_groups = count;
}

static void a_map_is_that_of_its_input(void **state)
{
    static const char *const expected[] = {"end a\t1\nk\ta\nl\ta\n", "end b\t1\nm\t1\nn\t1\n",
                                           "end c\t1\no \tc\np \tc\n"};
    static const char *const logs[] = {"+a\n-a\n", "+b\n-b\n", "+c\n-c\n"};

    (void)state;
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        begin(JOB("'words'"), i, 1);
        kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", TEXTS[i])));
        assert_string_equal(buf_string(&kit.log), logs[i]);
        kit.start.n_groups = 0; /* a reduce has none */
        kit_must(&kit, kit_reduce(&kit, 0));
        assert_string_equal(buf_string(&kit.log), "+nil\n-nil\n");
        kit_expect(&kit, expected[i]);
    }
}

static void a_map_without_pieces_has_its_input_too(void **state)
{
    (void)state;
    begin(JOB("'words'"), 1, 1);
    kit_must(&kit, kit_map_pieces(&kit, 0, NULL, 0));
    assert_string_equal(buf_string(&kit.log), "+b\n-b\n");
}

static void a_map_is_told_of_the_input_of_each_piece(void **state)
{
    Mrlua__Piece piece, *pieces[] = {&piece};

    (void)state;
    begin(JOB("'words'"), 0, 1);
    kit_piece(&piece, kit_file(&kit, "in.txt", TEXTS[0]), 0, UINT64_MAX);
    piece.group = 1;
    assert_null(kit_map_pieces(&kit, 0, pieces, 1));
    assert_int_equal(kit.err.kind, ERR_RETRY);
    assert_non_null(strstr(kit.err.message, "of a kind that the task is not told of"));
}

/* Of a whole file for each of these groups; with so many parts that it cuts at every key. */
static Mrlua__Done *sample(const uint32_t *numbers, size_t count)
{
    static const char *const names[] = {"0", "1", "2"};
    uint64_t shares[GROUP_COUNT] = {4, 4, 4};
    Mrlua__Piece pieces[GROUP_COUNT], *list[GROUP_COUNT];
    Mrlua__Done *done;

    for (size_t i = 0; i < count; i++) {
        kit_piece(&pieces[i], kit_file(&kit, names[i], TEXTS[numbers[i]]), 0, UINT64_MAX);
        pieces[i].group = numbers[i];
        list[i] = &pieces[i];
    }
    kit.start.kind = MRLUA__TASK_KIND__SAMPLE;
    kit.start.partition_count = 100;
    kit.start.pieces = list;
    kit.start.shares = shares;
    kit.start.n_pieces = kit.start.n_shares = count;
    done = kit_run(&kit);
    kit.start.n_pieces = kit.start.n_shares = 0;
    if (!done)
        kit_must(&kit, done);
    return done;
}

/* A cut point is as much of a key as tells it from the one before: "s" says that it is a string. */
static void expect_cuts(Mrlua__Done *done, const char *expected)
{
    struct buf cuts = {0};

    for (size_t i = 0; i < done->n_cut_points; i++)
        buf_printf(&cuts, "%.*s;", (int)done->cut_points[i].len, done->cut_points[i].data);
    assert_string_equal(buf_string(&cuts), expected);
    buf_deinit(&cuts);
    message_free(done);
}

static void a_sample_has_each_input_in_turn(void **state)
{
    (void)state;
    begin(JOB("'words'"), 0, GROUP_COUNT);
    expect_cuts(sample((const uint32_t[]){0, 1, 2}, 3), "send b;send c;sk;sl;sm;sn;so;sp;");
    assert_string_equal(buf_string(&kit.log), ""); /* the maps will print it */
}

static void a_sample_leaves_out_inputs_without_pieces(void **state)
{
    (void)state;
    begin(JOB("'words'"), 0, GROUP_COUNT);
    expect_cuts(sample((const uint32_t[]){1}, 1), "sm;sn;");
    expect_cuts(sample((const uint32_t[]){0, 2}, 2), "send c;sk;sl;so;sp;");
    expect_cuts(sample(NULL, 0), "");
}

static void what_one_input_raises_leaves_the_sample_the_others(void **state)
{
    (void)state;
    begin(JOB("function() error('no') end"), 0, GROUP_COUNT);
    expect_cuts(sample((const uint32_t[]){0, 1, 2}, 3), "send b;send c;sk;sl;so;sp;");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(a_map_is_that_of_its_input),
        KIT_TEST(a_map_without_pieces_has_its_input_too),
        KIT_TEST(a_map_is_told_of_the_input_of_each_piece),
        KIT_TEST(a_sample_has_each_input_in_turn),
        KIT_TEST(a_sample_leaves_out_inputs_without_pieces),
        KIT_TEST(what_one_input_raises_leaves_the_sample_the_others),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
