#include "test.h"

#include "attempt/page.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What one process writes the other reads. */
static void test_shared(void **state)
{
    struct page *page, *theirs;
    size_t key_bytes;
    struct err err;
    int status, fd = page_create(&page, &err);
    pid_t pid;

    (void)state;
    assert_true(fd >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        theirs = page_map(fd, &err);
        if (!theirs)
            _exit(1);
        page_enter(theirs, PAGE_MAP);
        page_record(theirs, 2, 77);
        page_record(theirs, 2, 88);
        page_add(&theirs->bytes_in, 5);
        page_set_key(theirs, slice_of_string("a key"));
        page_unmap(theirs);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(page_get(&page->phase), PAGE_MAP);
    assert_int_equal(page_get(&page->record), 2);
    assert_int_equal(page_get(&page->input_index), 2);
    assert_int_equal(page_get(&page->input_offset), 88);
    assert_int_equal(page_get(&page->bytes_in), 5);
    assert_int_equal(page_get(&page->pulse), 3);
    assert_true(slice_equal(page_key(page, &key_bytes), slice_of_string("a key")));
    assert_int_equal(key_bytes, 5);
    page_unmap(page);
    close(fd);
}

/* Of a long key as much as there is room for; of a length that a hostile child made up no more. */
static void test_long_key(void **state)
{
    struct page *page;
    struct err err;
    int fd = page_create(&page, &err);
    char key[2 * PAGE_KEY_BYTES];
    size_t key_bytes;

    (void)state;
    memset(key, 'k', sizeof key);
    page_set_key(page, slice_of(key, PAGE_KEY_BYTES));
    assert_int_equal(page_key(page, &key_bytes).len, PAGE_KEY_BYTES);
    page_set_key(page, slice_of(key, sizeof key));
    assert_true(slice_equal(page_key(page, &key_bytes), slice_of(key, PAGE_KEY_BYTES)));
    assert_int_equal(key_bytes, sizeof key);
    atomic_store(&page->key_bytes, UINT32_MAX);
    assert_int_equal(page_key(page, &key_bytes).len, PAGE_KEY_BYTES);
    page_set_key(page, slice_of(NULL, 0));
    assert_int_equal(page_key(page, &key_bytes).len, 0);
    page_unmap(page);
    close(fd);
}

/* A hostile child cannot cut the page under its parent. */
static void test_sealed(void **state)
{
    struct page *page;
    struct err err;
    int fd = page_create(&page, &err);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    assert_int_equal(page_get(&page->pulse), 0);
    page_unmap(page);
    close(fd);
}

static void test_phases(void **state)
{
    (void)state;
    assert_string_equal(page_phase_name(PAGE_REDUCE), "reduce");
    assert_string_equal(page_phase_name(PAGE_PHASE_COUNT), "unknown");
    assert_string_equal(page_phase_name(UINT64_MAX), "unknown");
    for (uint64_t phase = 0; phase < PAGE_PHASE_COUNT; phase++)
        assert_non_null(page_phase_name(phase));
    assert_true(page_phase_is_user_code(PAGE_MAP));
    assert_true(page_phase_is_user_code(PAGE_COMBINE));
    assert_false(page_phase_is_user_code(PAGE_SORT));
    page_unmap(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_long_key),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_phases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
