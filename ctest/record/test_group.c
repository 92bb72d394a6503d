#include "record/sort_kit.h"

#include "base/buf.h"
#include "record/key.h"

static void add(struct kit_list *list, const char *key, const char *value)
{
    kit_add(list, 0, slice_of_string(key), slice_of_string(value));
}

/* "key:value,value;" for each group; takes at most `values_max` values of each. */
static const char *groups_of(struct group *group, size_t values_max, struct buf *out)
{
    struct slice key, value;
    struct err err = {0};
    int rc;

    buf_clear(out);
    while ((rc = group_next(group, &err)) == 1) {
        buf_append(out, group->key.ptr, group->key.len);
        buf_append_byte(out, ':');
        for (size_t i = 0; i < values_max && (rc = group_value(group, &value, &key, &err)) == 1;
             i++) {
            kit_assert_slice(key, group->key);
            buf_append(out, value.ptr, value.len);
            buf_append_byte(out, ',');
        }
        assert_true(rc >= 0);
        buf_append_byte(out, ';');
    }
    assert_int_equal(rc, 0);
    return buf_string(out);
}

static void groups_are_keys_with_their_values_in_order(void **state)
{
    struct kit_list list = {0};
    struct kit_cursor cursor;
    struct group group;
    struct buf out = {0};

    (void)state;
    add(&list, "", "0");
    add(&list, "a", "1");
    add(&list, "a", "2");
    add(&list, "a", "3");
    add(&list, "ab", "4");
    add(&list, "b", "5");
    add(&list, "b", "6");
    cursor = kit_cursor(&list);
    group_init(&group, &cursor.cursor, 0);
    assert_string_equal(groups_of(&group, 100, &out), ":0,;a:1,2,3,;ab:4,;b:5,6,;");
    group_deinit(&group);
    for (size_t values_max = 0; values_max < 3; values_max++) { /* unread values are skipped */
        const char *wanted[] = {":;a:;ab:;b:;", ":0,;a:1,;ab:4,;b:5,;", ":0,;a:1,2,;ab:4,;b:5,6,;"};

        cursor = kit_cursor(&list);
        group_init(&group, &cursor.cursor, 0);
        assert_string_equal(groups_of(&group, values_max, &out), wanted[values_max]);
        group_deinit(&group);
    }
    kit_clear(&list);
    buf_deinit(&out);
}

static void nothing_has_no_group(void **state)
{
    struct kit_list list = {0};
    struct kit_cursor cursor = kit_cursor(&list);
    struct group group;
    struct slice value;
    struct err err;

    (void)state;
    group_init(&group, &cursor.cursor, 0);
    assert_int_equal(group_next(&group, &err), 0);
    assert_int_equal(group_value(&group, &value, NULL, &err), 0);
    assert_int_equal(group_next(&group, &err), 0);
    group_deinit(&group);
}

static struct slice pair(struct buf *buf, const char *first, int64_t second)
{
    struct key_writer writer;
    struct err err;

    buf_clear(buf);
    key_writer_init(&writer, buf);
    key_write_tuple_begin(&writer);
    key_write_string(&writer, slice_of_string(first));
    key_write_integer(&writer, second);
    key_write_tuple_end(&writer);
    assert_int_equal(key_writer_end(&writer, &err), 0);
    return buf_slice(buf);
}

/* Goal: with group = 1 the first part decides, every value brings its whole key, and the group's
 * key is the first one, even after the cursor has gone on. */
static void prefix_groups_hold_all_keys_of_a_prefix(void **state)
{
    static const struct {
        const char *first;
        int64_t second;
    } keys[] = {{"a", 1}, {"a", 2}, {"a", 2}, {"b", -1}, {"ba", 0}, {"ba", 7}};
    static const size_t sizes[] = {3, 1, 2};
    struct kit_list list = {0};
    struct kit_cursor cursor;
    struct group group;
    struct buf buf = {0};
    struct slice key, value;
    struct err err;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        kit_add(&list, 0, pair(&buf, keys[i].first, keys[i].second), slice_of(&"0123456"[i], 1));
    cursor = kit_cursor(&list);
    group_init(&group, &cursor.cursor, 1);
    for (size_t i = 0; i < 3; i++) {
        size_t first = at;

        assert_int_equal(group_next(&group, &err), 1);
        for (size_t j = 0; j < sizes[i]; j++, at++) {
            assert_int_equal(group_value(&group, &value, &key, &err), 1);
            kit_assert_slice(key, list.records[at].key);
            kit_assert_slice(value, list.records[at].value);
            kit_assert_slice(group.key, list.records[first].key);
        }
        assert_int_equal(group_value(&group, &value, &key, &err), 0);
    }
    assert_int_equal(group_next(&group, &err), 0);
    group_deinit(&group);
    kit_clear(&list);
    buf_deinit(&buf);
}

static void a_failing_cursor_fails_the_group(void **state)
{
    struct kit_list list = {0};
    struct kit_cursor cursor;
    struct group group;
    struct slice value;
    struct err err = {0};

    (void)state;
    add(&list, "a", "1");
    add(&list, "a", "2");
    cursor = kit_cursor(&list);
    cursor.fail_at = 0;
    group_init(&group, &cursor.cursor, 0);
    assert_int_equal(group_next(&group, &err), -1);
    assert_int_equal(err.kind, ERR_DISK);
    group_deinit(&group);
    cursor = kit_cursor(&list);
    cursor.fail_at = 1;
    group_init(&group, &cursor.cursor, 0);
    assert_int_equal(group_next(&group, &err), 1);
    assert_int_equal(group_value(&group, &value, NULL, &err), 1);
    assert_int_equal(group_value(&group, &value, NULL, &err), -1);
    group_deinit(&group);
    cursor = kit_cursor(&list);
    cursor.fail_at = 1;
    group_init(&group, &cursor.cursor, 0);
    assert_int_equal(group_next(&group, &err), 1);
    assert_int_equal(group_next(&group, &err), -1); /* skipping fails too */
    group_deinit(&group);
    kit_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_keys_with_their_values_in_order),
        cmocka_unit_test(nothing_has_no_group),
        cmocka_unit_test(prefix_groups_hold_all_keys_of_a_prefix),
        cmocka_unit_test(a_failing_cursor_fails_the_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
