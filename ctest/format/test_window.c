#include "format/window.h"

#include "fault/fault.h"
#include "pack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_BYTES = 3 * WINDOW_BYTES };

static struct source_input bytes_input(size_t len)
{
    struct buf text = {0};
    struct source_input input;

    memset(buf_reserve(&text, len), 'x', len);
    text.len = len;
    input = pack_input("x", buf_slice(&text));
    buf_deinit(&text);
    return input;
}

static void what_is_unread_stays_when_it_is_filled(void **state)
{
    struct source_input input = pack_input("x", slice_of_string("abcdef"));
    struct window window = {.what = "line", .bytes_max = LIMIT_BYTES};
    struct err err = {0};

    (void)state;
    assert_int_equal(window_open(&window, &input, &err), 0);
    assert_int_equal(window_want(&window, 6, &err), 0);
    assert_int_equal(window_unread(&window), 6);
    window_use(&window, 4);
    assert_int_equal(window_fill(&window, &err), 0);
    assert_true(window.is_ended);
    assert_int_equal(window.offset, 4);
    assert_int_equal(window_unread(&window), 2);
    assert_memory_equal(window_at(&window), "ef", 2);
    window_deinit(&window);
    close(input.fd);
}

static void it_grows_to_its_limit_and_names_what_is_longer(void **state)
{
    struct source_input input = bytes_input(LIMIT_BYTES + 3);
    struct window window = {
        .what = "row", .hint = "; why?", .bytes_max = LIMIT_BYTES, .end_bytes = 2};
    struct err err = {0};
    char expected[100];

    (void)state;
    snprintf(expected, sizeof expected, "input x: the row at byte 1 is longer than %d bytes; why?",
             LIMIT_BYTES);
    assert_int_equal(window_open(&window, &input, &err), 0);
    assert_int_equal(window_want(&window, 1, &err), 0);
    window_use(&window, 1);
    assert_int_equal(window_want(&window, LIMIT_BYTES + 2, &err), 0);
    assert_int_equal(window_unread(&window), LIMIT_BYTES + 2);
    assert_int_equal(window_fill(&window, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message, expected);
    window_deinit(&window);
    close(input.fd);
}

static void little_is_read_behind_the_piece(void **state)
{
    struct source_input input = bytes_input(4 * WINDOW_BYTES);
    struct window window = {.what = "line", .bytes_max = LIMIT_BYTES};
    struct err err = {0};

    (void)state;
    input.length = 10;
    assert_int_equal(window_open(&window, &input, &err), 0);
    assert_int_equal(window.stop, 10);
    assert_int_equal(window_want(&window, 10, &err), 0);
    assert_int_equal(window_unread(&window), 10);
    assert_int_equal(window_fill(&window, &err), 0);
    assert_int_equal(window_unread(&window), 10 + WINDOW_TAIL_BYTES);
    window_deinit(&window);
    close(input.fd);
}

static void a_cut_line_is_skipped_and_a_whole_one_is_not(void **state)
{
    struct source_input input = pack_input("x", slice_of_string("ab\ncd\nef"));
    struct err err = {0};

    (void)state;
    input.length = 8;
    for (uint64_t from = 0; from < 8; from++) {
        struct window window = {.what = "line", .bytes_max = LIMIT_BYTES};

        assert_int_equal(window_open(&window, &input, &err), 0);
        window_seek(&window, from);
        assert_int_equal(window_skip_line(&window, &err), 0);
        assert_int_equal(window.offset, from < 3 ? 3 : from < 6 ? 6 : 8);
        window_deinit(&window);
    }
    close(input.fd);
}

static void every_failure_of_a_read_is_reported(void **state)
{
    struct source_input input = bytes_input(2 * WINDOW_BYTES + 1);

    (void)state;
    for (uint32_t nth = 0;; nth++) {
        struct window window = {.what = "line", .bytes_max = LIMIT_BYTES};
        struct err err = {0};
        int rc;

        assert_int_equal(window_open(&window, &input, &err), 0);
        fault_arm(FAULT_READ, nth, EIO);
        rc = window_want(&window, 2 * WINDOW_BYTES + 1, &err);
        window_deinit(&window);
        if (!fault_disarm()) {
            assert_int_equal(rc, 0);
            assert_true(nth >= 2);
            break;
        }
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    close(input.fd);
}

static void no_memory_is_reported(void **state)
{
    struct source_input input = bytes_input(2 * WINDOW_BYTES + 1);
    struct window window = {.what = "line", .bytes_max = LIMIT_BYTES};
    struct err err = {0};

    (void)state;
    fault_arm(FAULT_ALLOC, 0, ENOMEM);
    assert_int_equal(window_open(&window, &input, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_SETUP);
    window_deinit(&window);
    assert_int_equal(window_open(&window, &input, &err), 0);
    fault_arm(FAULT_ALLOC, 0, ENOMEM);
    assert_int_equal(window_want(&window, 2 * WINDOW_BYTES + 1, &err), -1);
    assert_true(fault_disarm());
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.message, "input x: not enough memory for the line at byte 0");
    window_deinit(&window);
    close(input.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unread_stays_when_it_is_filled),
        cmocka_unit_test(it_grows_to_its_limit_and_names_what_is_longer),
        cmocka_unit_test(little_is_read_behind_the_piece),
        cmocka_unit_test(a_cut_line_is_skipped_and_a_whole_one_is_not),
        cmocka_unit_test(every_failure_of_a_read_is_reported),
        cmocka_unit_test(no_memory_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
