#include "master/page_files.h"

#include "test.h"

static void every_file_of_the_page_is_there_with_its_type(void **state)
{
    static const char *const files[][2] = {
        {"page.html", "text/html; charset=utf-8"},
        {"page.css", "text/css; charset=utf-8"},
        {"page.js", "text/javascript; charset=utf-8"},
        {"page_view.js", "text/javascript; charset=utf-8"},
        {"page_timeline.js", "text/javascript; charset=utf-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct page_file *file = page_file_find(slice_of_string(files[i][0]));

        assert_non_null(file);
        assert_string_equal(page_file_type(file), files[i][1]);
        assert_true(file->len > 100);
    }
    assert_memory_equal(page_file_find(slice_of_string("page.html"))->bytes, "<!doctype html>", 15);
}

static void nothing_else_is(void **state)
{
    (void)state;
    assert_null(page_file_find(slice_of_string("")));
    assert_null(page_file_find(slice_of_string("../page.js")));
    assert_null(page_file_find(slice_of_string("embed.cmake")));
    assert_null(page_file_find(slice_of_string("page.j")));
}

/* The page asks nobody but its master. */
static void no_file_names_an_address(void **state)
{
    (void)state;
    for (const struct page_file *file = PAGE_FILES; file->name; file++) {
        const char *text = (const char *)file->bytes, *at = text;

        while ((at = memmem(at, file->len - (size_t)(at - text), "//", 2))) {
            if (at > text && at[-1] == ':')
                assert_memory_equal(at, "//www.w3.org/2000/svg", 21);
            at += 2;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_of_the_page_is_there_with_its_type),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(no_file_names_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
