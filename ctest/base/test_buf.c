#include "base/buf.h"

#include "test.h"

#include <string.h>

static void deinit_is_safe_on_a_zeroed_struct(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_deinit(&buf);
    assert_null(buf.ptr);
    assert_int_equal(buf_slice(&buf).len, 0);
}

/* Every capacity from empty to a few doublings is crossed, one byte at a time. */
static void appended_bytes_survive_every_growth(void **state)
{
    struct buf buf = {0};

    (void)state;
    for (size_t i = 0; i < 5000; i++) {
        buf_append_byte(&buf, (unsigned char)(i % 251));
        assert_true(buf.len == i + 1 && buf.capacity >= buf.len);
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal((unsigned char)buf.ptr[i], i % 251);
    buf_deinit(&buf);
}

static void reserve_makes_room_and_adds_nothing(void **state)
{
    struct buf buf = {0};
    char *room;

    (void)state;
    buf_append_string(&buf, "head");
    room = buf_reserve(&buf, 1000);
    assert_int_equal(buf.len, 4);
    memset(room, 'x', 1000);
    buf.len += 1000;
    assert_memory_equal(buf.ptr, "headxxx", 7);
    assert_int_equal(buf_slice(&buf).len, 1004);
    buf_deinit(&buf);
}

static void an_empty_append_changes_nothing(void **state)
{
    struct buf buf = {0};

    (void)state;
    buf_append(&buf, NULL, 0);
    buf_append_string(&buf, "");
    assert_int_equal(buf.len, 0);
    buf_deinit(&buf);
}

static void printf_appends_text_of_any_length(void **state)
{
    struct buf buf = {0};
    char text[300];

    (void)state;
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\0';
    buf_append_byte(&buf, '<');
    buf_printf(&buf, "%s:%d", text, 42);
    assert_int_equal(buf.len, 1 + 299 + 3);
    assert_string_equal(buf_string(&buf) + 300, ":42");
    buf_deinit(&buf);
}

static void string_ends_in_a_nul_that_is_not_counted(void **state)
{
    struct buf buf = {0};

    (void)state;
    assert_string_equal(buf_string(&buf), "");
    buf_append(&buf, "a\0b", 3);
    assert_memory_equal(buf_string(&buf), "a\0b\0", 4);
    assert_int_equal(buf.len, 3);
    buf_append_byte(&buf, 'c');
    assert_memory_equal(buf_string(&buf), "a\0bc\0", 5);
    buf_deinit(&buf);
}

static void clear_keeps_the_memory(void **state)
{
    struct buf buf = {0};
    const char *was;

    (void)state;
    buf_append_string(&buf, "something");
    was = buf.ptr;
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    buf_append_string(&buf, "other");
    assert_ptr_equal(buf.ptr, was);
    buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deinit_is_safe_on_a_zeroed_struct),
        cmocka_unit_test(appended_bytes_survive_every_growth),
        cmocka_unit_test(reserve_makes_room_and_adds_nothing),
        cmocka_unit_test(an_empty_append_changes_nothing),
        cmocka_unit_test(printf_appends_text_of_any_length),
        cmocka_unit_test(string_ends_in_a_nul_that_is_not_counted),
        cmocka_unit_test(clear_keeps_the_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
