#include "format/publish_old.h"

#include "test.h"

static void what_is_printed_is_parsed_and_found(void **state)
{
    struct publish_old old = {0}, back = {0};
    struct buf text = {0};
    struct err err;

    (void)state;
    publish_old_add(&old, "out/_SUCCESS", 1700000000000001);
    publish_old_add(&old, "out/a name with spaces", 2);
    publish_old_add(&old, "out/part-00000", UINT64_MAX);
    publish_old_print(&old, &text);
    assert_int_equal(publish_old_parse(&back, buf_slice(&text), &err), 0);
    assert_int_equal(back.count, 3);
    assert_int_equal(publish_old_find(&back, "out/_SUCCESS"), 1700000000000001);
    assert_int_equal(publish_old_find(&back, "out/a name with spaces"), 2);
    assert_int_equal(publish_old_find(&back, "out/part-00000"), UINT64_MAX);
    assert_int_equal(publish_old_find(&back, "out/part-0000"), 0);
    publish_old_deinit(&old);
    publish_old_deinit(&back);
    buf_deinit(&text);
}

static void nothing_is_an_empty_text(void **state)
{
    struct publish_old old = {0};
    struct err err;

    (void)state;
    assert_int_equal(publish_old_parse(&old, slice_of("", 0), &err), 0);
    assert_int_equal(publish_old_find(&old, "x"), 0);
    publish_old_deinit(&old);
}

static void a_damaged_text_is_refused_with_its_line(void **state)
{
    static const char *const texts[] = {"1 a\n2", "1 a\n x\n", "1 a\nb c\n", "1 a\n2 \n",
                                        "1 a\n\n"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct publish_old old = {0};
        struct err err;

        assert_int_equal(publish_old_parse(&old, slice_of_string(texts[i]), &err), -1);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_non_null(strstr(err.message, "line 2"));
        publish_old_deinit(&old);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_parsed_and_found),
        cmocka_unit_test(nothing_is_an_empty_text),
        cmocka_unit_test(a_damaged_text_is_refused_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
