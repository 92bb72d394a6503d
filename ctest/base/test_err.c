#include "base/err.h"

#include "test.h"

#include <errno.h>
#include <string.h>

static void set_fills_kind_and_message_and_returns_minus_one(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(err_set(&err, ERR_INPUT, "read %s: %d bytes missing", "x.gz", 7), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message, "read x.gz: 7 bytes missing");
}

static void a_message_is_one_line_whatever_is_put_into_it(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_JOB, "a\nb\r\n%s", "c\n");
    assert_string_equal(err.message, "a b  c ");
    err_prefix(&err, "%s", "line\nbreak");
    assert_string_equal(err.message, "line break: a b  c ");
}

static void set_errno_adds_the_reason_and_keeps_errno(void **state)
{
    struct err err = {0};

    (void)state;
    errno = ENOSPC;
    assert_int_equal(err_set_errno(&err, ERR_DISK, "write %s", "run"), -1);
    assert_int_equal(err.kind, ERR_DISK);
    assert_string_equal(err.message, "write run: No space left on device");
    assert_int_equal(errno, ENOSPC);
}

static void prefix_keeps_the_kind(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, ERR_PEER, "checksum");
    assert_int_equal(err_prefix(&err, "segment of map %d", 3), -1);
    assert_int_equal(err.kind, ERR_PEER);
    assert_string_equal(err.message, "segment of map 3: checksum");
}

static void what_is_too_long_is_cut_and_terminated(void **state)
{
    char text[2 * ERR_MESSAGE_BYTES];
    struct err err = {0};

    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_RETRY, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_BYTES - 1);
    errno = EIO;
    err_set_errno(&err, ERR_RETRY, "%s", text);
    assert_int_equal(strlen(err.message), ERR_MESSAGE_BYTES - 1);
    err_prefix(&err, "front");
    assert_int_equal(strlen(err.message), ERR_MESSAGE_BYTES - 1);
    assert_memory_equal(err.message, "front: xxx", 10);
}

static void only_errnos_of_a_bad_disk_blame_the_disk(void **state)
{
    (void)state;
    assert_int_equal(err_kind_of_errno(ENOSPC, ERR_INPUT), ERR_DISK);
    assert_int_equal(err_kind_of_errno(EDQUOT, ERR_INPUT), ERR_DISK);
    assert_int_equal(err_kind_of_errno(EIO, ERR_INPUT), ERR_DISK);
    assert_int_equal(err_kind_of_errno(EROFS, ERR_INPUT), ERR_DISK);
    assert_int_equal(err_kind_of_errno(EFBIG, ERR_INPUT), ERR_DISK);
    assert_int_equal(err_kind_of_errno(ENOENT, ERR_INPUT), ERR_INPUT);
    assert_int_equal(err_kind_of_errno(EACCES, ERR_SETUP), ERR_SETUP);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int kind = 0; kind < ERR_KIND_COUNT; kind++) {
        assert_non_null(err_kind_name((enum err_kind)kind));
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(err_kind_name((enum err_kind)kind),
                                    err_kind_name((enum err_kind)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_kind_and_message_and_returns_minus_one),
        cmocka_unit_test(a_message_is_one_line_whatever_is_put_into_it),
        cmocka_unit_test(set_errno_adds_the_reason_and_keeps_errno),
        cmocka_unit_test(prefix_keeps_the_kind),
        cmocka_unit_test(what_is_too_long_is_cut_and_terminated),
        cmocka_unit_test(only_errnos_of_a_bad_disk_blame_the_disk),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
