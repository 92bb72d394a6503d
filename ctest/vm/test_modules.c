#include "test.h"

#include "vm/embedded.h"

#include <string.h>

static void every_module_is_found_by_its_name(void **state)
{
    uint32_t count = 0;

    (void)state;
    for (const struct embedded_module *module = embedded_modules; module->name; module++) {
        assert_ptr_equal(embedded_find(module->name), module);
        assert_int_equal(strlen(module->source), module->bytes); /* text, with its end */
        count++;
    }
    assert_true(count > 3);
    assert_non_null(embedded_find("argparse"));
    assert_non_null(embedded_find("mrlua.sandbox"));
}

static void other_names_are_not_found(void **state)
{
    (void)state;
    assert_null(embedded_find("mrlua"));
    assert_null(embedded_find(""));
    assert_null(embedded_find("os"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_module_is_found_by_its_name),
        cmocka_unit_test(other_names_are_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
