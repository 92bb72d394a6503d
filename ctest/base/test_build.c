#include "base/build.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goal: the id is this executable's, not that of a library it has loaded.
 * Method: the linker's note is looked for in the file itself. */
static void the_id_is_that_of_the_executable(void **state)
{
    static const char head[] = "\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU"; /* and a NUL: sizes, type 3 */
    struct slice id = build_id();
    FILE *file = fopen("/proc/self/exe", "rb");
    size_t capacity = 64 << 20, len;
    char *bytes = malloc(capacity), *note;

    (void)state;
    assert_non_null(file);
    assert_non_null(bytes);
    len = fread(bytes, 1, capacity, file);
    fclose(file);
    note = memmem(bytes, len, head, sizeof head);
    assert_non_null(note);
    assert_int_equal(id.len, 20);
    assert_memory_equal(id.ptr, note + sizeof head, id.len);
    free(bytes);
}

static void it_stays_what_it_is(void **state)
{
    (void)state;
    assert_ptr_equal(build_id().ptr, build_id().ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_is_that_of_the_executable),
        cmocka_unit_test(it_stays_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
