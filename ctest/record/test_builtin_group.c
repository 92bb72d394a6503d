#include "test.h"

#include "record/builtin_group.h"

/* A cursor over an array. It fails at record `fail_at`. */
struct list_cursor {
    struct cursor cursor;
    const struct record *records;
    size_t count, next, fail_at;
};

static int list_next(struct cursor *cursor, struct err *err)
{
    struct list_cursor *list = (struct list_cursor *)cursor;

    if (list->next == list->fail_at)
        return err_set(err, ERR_PEER, "segment is gone");
    if (list->next == list->count)
        return 0;
    cursor->key = list->records[list->next++].key;
    return 1;
}

static int list_value(struct cursor *cursor, struct slice *value, struct err *err)
{
    struct list_cursor *list = (struct list_cursor *)cursor;

    (void)err;
    *value = list->records[list->next - 1].value;
    return 0;
}

static void list_close(struct cursor *cursor)
{
    (void)cursor;
}

static const struct cursor_ops LIST_OPS = {list_next, list_value, list_close};

/* A sink that writes down "key=value " of what it takes, and is full after `room` records. */
struct text_sink {
    struct sink sink;
    struct buf text;
    size_t room;
};

static int text_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct text_sink *text = (struct text_sink *)sink;

    if (text->room-- == 0)
        return err_set(err, ERR_DISK, "disk is full");
    buf_append(&text->text, key.ptr, key.len);
    buf_append_string(&text->text, "=");
    buf_append(&text->text, value.ptr, value.len);
    buf_append_string(&text->text, " ");
    return 0;
}

/* Keys "sa", "sb"; integers 0x31 = '1' and 0x33 = '3', which add up to 'd'. */
static const struct record RECORDS[] = {
    {{"sa", 2}, {"1", 1}}, {{"sa", 2}, {"3", 1}}, {{"sb", 2}, {"3", 1}}, {{"sb", 2}, {"2", 1}}};

struct world {
    struct list_cursor list;
    struct text_sink out;
    struct group group;
};

static void world_init(struct world *world, uint32_t prefix_parts)
{
    *world = (struct world){
        .list = {{.ops = &LIST_OPS}, RECORDS, 4, 0, SIZE_MAX},
        .out = {.sink = {.emit = text_emit}, .room = SIZE_MAX},
    };
    group_init(&world->group, &world->list.cursor, prefix_parts);
}

static void world_deinit(struct world *world)
{
    group_deinit(&world->group);
    buf_deinit(&world->out.text);
}

static int reduce_all(struct world *world, enum builtin builtin, struct err *err)
{
    int rc;

    while ((rc = group_next(&world->group, err)) == 1)
        if (builtin_reduce(&(struct builtin_call){builtin, 2}, &world->group, &world->out.sink,
                           err) != 0)
            return -1;
    return rc;
}

static void assert_reduces(enum builtin builtin, const char *want)
{
    struct world world;
    struct err err;

    world_init(&world, 0);
    assert_int_equal(reduce_all(&world, builtin, &err), 0);
    assert_string_equal(buf_string(&world.out.text), want);
    world_deinit(&world);
}

static void each_group_becomes_its_fold(void **state)
{
    (void)state;
    assert_reduces(BUILTIN_SUM, "sa=d sb=e ");
    assert_reduces(BUILTIN_COUNT, "sa=\2 sb=\2 ");
    assert_reduces(BUILTIN_MIN, "sa=1 sb=2 ");
    assert_reduces(BUILTIN_MAX, "sa=3 sb=3 ");
}

static void the_other_built_ins_make_what_they_say(void **state)
{
    (void)state;
    assert_reduces(BUILTIN_FIRST, "sa=1 sb=3 ");
    assert_reduces(BUILTIN_DISTINCT, "sa=\xc4 sb=\xc4 ");
    assert_reduces(BUILTIN_LIST, "sa=\xc5\002"
                                 "13 sb=\xc5\002"
                                 "32 ");
    assert_reduces(BUILTIN_TOP, "sa=3 sa=1 sb=3 sb=2 ");
}

/* Goal: what holds a key's values holds no more than a value may have, and says whose it was. */
static void list_is_no_larger_than_a_value(void **state)
{
    static char bytes[RECORD_VALUE_BYTES_MAX / 2];
    struct buf value = {0};
    struct record records[3];
    struct world world;
    struct err err;

    (void)state;
    value_write_string(&value, slice_of(bytes, sizeof bytes));
    for (int i = 0; i < 3; i++)
        records[i] = (struct record){{"sa", 2}, buf_slice(&value)};
    for (int top = 0; top < 2; top++) {
        world_init(&world, 0);
        world.list.records = records;
        world.list.count = 3;
        assert_int_equal(reduce_all(&world, top ? BUILTIN_TOP : BUILTIN_LIST, &err), -1);
        assert_int_equal(err.kind, ERR_JOB);
        assert_non_null(strstr(err.message, "key \"a\""));
        world_deinit(&world);
    }
    buf_deinit(&value);
}

static void params_say_how_many_are_top(void **state)
{
    struct buf view = {0};

    (void)state;
    assert_int_equal(builtin_call_of(BUILTIN_TOP, buf_slice(&view)).count, 1);
    value_write_table_begin(&view);
    value_write_string(&view, slice_of_string("params"));
    value_write_table_begin(&view);
    value_write_string(&view, slice_of_string("n"));
    value_write_integer(&view, 7);
    value_write_table_end(&view);
    value_write_table_end(&view);
    assert_int_equal(builtin_call_of(BUILTIN_TOP, buf_slice(&view)).count, 7);
    buf_deinit(&view);
}

static void identity_passes_every_record(void **state)
{
    (void)state;
    assert_reduces(BUILTIN_IDENTITY, "sa=1 sa=3 sb=3 sb=2 ");
}

/* With group = 1, {"a", 0} and {"a", 1} are one group: a fold emits its first key, identity each
 * record's own. */
static void groups_by_prefix_have_the_first_key(void **state)
{
    static const struct record tuples[] = {{{"tsa\0\x60", 5}, {"1", 1}},
                                           {{"tsa\0\x61\x01", 6}, {"3", 1}}};
    struct world world;
    struct err err;

    (void)state;
    world_init(&world, 1);
    world.list.records = tuples;
    world.list.count = 2;
    assert_int_equal(reduce_all(&world, BUILTIN_SUM, &err), 0);
    assert_int_equal(world.out.text.len, 8);
    assert_memory_equal(world.out.text.ptr, "tsa\0\x60=d ", 8);
    world_deinit(&world);
    world_init(&world, 1);
    world.list.records = tuples;
    world.list.count = 2;
    assert_int_equal(reduce_all(&world, BUILTIN_IDENTITY, &err), 0);
    assert_int_equal(world.out.text.len, 17);
    assert_memory_equal(world.out.text.ptr, "tsa\0\x60=1 tsa\0\x61\x01=3 ", 17);
    world_deinit(&world);
}

/* Goal: what cursor and sink say is what a reduce says, whenever they say it. */
static void failures_of_cursor_and_sink_are_passed_on(void **state)
{
    (void)state;
    for (enum builtin builtin = BUILTIN_SUM; builtin < BUILTIN_END; builtin++) {
        struct world world;
        struct err err = {0};

        for (size_t at = 0; at < 4; at++) {
            world_init(&world, 0);
            world.list.fail_at = at;
            assert_int_equal(reduce_all(&world, builtin, &err), -1);
            assert_int_equal(err.kind, ERR_PEER);
            world_deinit(&world);
        }
        for (size_t room = 0; room < 2; room++) {
            world_init(&world, 0);
            world.out.room = room;
            assert_int_equal(reduce_all(&world, builtin, &err), -1);
            assert_int_equal(err.kind, ERR_DISK);
            world_deinit(&world);
        }
    }
}

static void a_wrong_value_ends_the_reduce(void **state)
{
    static const struct record wrong[] = {{{"sa", 2}, {"1", 1}}, {{"sa", 2}, {"\x81x", 2}}};
    struct world world;
    struct err err = {0};

    (void)state;
    world_init(&world, 0);
    world.list.records = wrong;
    world.list.count = 2;
    assert_int_equal(reduce_all(&world, BUILTIN_SUM, &err), -1);
    assert_int_equal(err.kind, ERR_JOB);
    assert_string_equal(err.message, "sum: value of key \"a\" is a string, not a number");
    assert_int_equal(world.out.text.len, 0);
    world_deinit(&world);
}

static void a_combiner_does_what_the_reduce_does(void **state)
{
    static const enum builtin builtins[] = {BUILTIN_SUM, BUILTIN_MIN, BUILTIN_MAX,
                                            BUILTIN_IDENTITY};
    static const char *const wants[] = {"sa=d ", "sa=1 ", "sa=3 ", "sa=1 sa=3 "};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct combiner combiner = builtin_combiner(&(struct builtin_call){builtins[i], 2});
        struct world world;
        struct err err;

        world_init(&world, 0);
        assert_int_equal(combiner.builtin, builtins[i]);
        assert_int_equal(group_next(&world.group, &err), 1);
        assert_int_equal(combiner.combine(combiner.context, &world.group, &world.out.sink, &err),
                         0);
        assert_string_equal(buf_string(&world.out.text), wants[i]);
        world_deinit(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_group_becomes_its_fold),
        cmocka_unit_test(the_other_built_ins_make_what_they_say),
        cmocka_unit_test(list_is_no_larger_than_a_value),
        cmocka_unit_test(params_say_how_many_are_top),
        cmocka_unit_test(identity_passes_every_record),
        cmocka_unit_test(groups_by_prefix_have_the_first_key),
        cmocka_unit_test(failures_of_cursor_and_sink_are_passed_on),
        cmocka_unit_test(a_wrong_value_ends_the_reduce),
        cmocka_unit_test(a_combiner_does_what_the_reduce_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
