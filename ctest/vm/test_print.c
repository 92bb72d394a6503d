#include "vm/kit.h"

static void lines_go_to_the_log(void **state)
{
    struct kit kit = {0};

    (void)state;
    assert_int_equal(kit_run(&kit,
                             "print('a', 1, nil, true) print()\n"
                             "print(setmetatable({}, {__tostring = function() return 't' end}))"),
                     0);
    assert_string_equal(buf_string(&kit.log), "a\t1\tnil\ttrue\n\nt\n");
    kit_close(&kit);
}

static void printing_without_end_is_cut(void **state)
{
    static const char last[] = "print: the rest of what this attempt prints is dropped\n";
    struct kit kit = {0};
    const char *text;

    (void)state;
    assert_int_equal(kit_run(&kit, "for i = 1, 1e5 do print('0123456789') end"), 0);
    text = buf_string(&kit.log);
    assert_true(kit.log.len < 70 * 1024);
    assert_string_equal(text + kit.log.len - strlen(last), last);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_go_to_the_log),
        cmocka_unit_test(printing_without_end_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
