#include "store/curl_api.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

/* Is a file of that name mapped into this process? */
static int is_loaded(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    int found = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        found |= strstr(line, name) != NULL;
    fclose(maps);
    return found;
}

static void it_is_loaded_on_first_use_and_not_before(void **state)
{
    const struct curl_api *curl;
    struct err err;

    (void)state;
    assert_false(is_loaded("libcurl.so"));
    curl = curl_api_load(&err);
    assert_non_null(curl);
    assert_true(is_loaded("libcurl.so"));
    assert_ptr_equal(curl_api_load(&err), curl);
}

static void every_function_is_there(void **state)
{
    struct err err;
    const struct curl_api *curl = curl_api_load(&err);
    void *const *functions = (void *const *)curl;

    (void)state;
    for (size_t i = 0; i < sizeof *curl / sizeof *functions; i++)
        assert_non_null(functions[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_loaded_on_first_use_and_not_before),
        cmocka_unit_test(every_function_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
