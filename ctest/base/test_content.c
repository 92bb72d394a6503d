#include "base/content.h"

#include "fault/fault.h"
#include "folder_of_test.h"

#include <errno.h>

static int sum_of(const char *bytes, size_t len, uint8_t sum[CONTENT_SUM_BYTES], struct err *err)
{
    int fd, rc;

    folder_write(&folder, "a", bytes, len);
    fd = open(folder_path(&folder, "a"), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), len); /* where it stands does not matter */
    rc = content_sum(fd, "a", sum, err);
    close(fd);
    return rc;
}

/* As `xxhsum -H2` prints them. */
static void sums_are_those_of_xxh3(void **state)
{
    static const struct {
        const char *text;
        uint8_t sum[CONTENT_SUM_BYTES];
    } cases[] = {
        {"",
         {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46, 0x8d, 0x49,
          0x7f}},
        {"a",
         {0xa9, 0x6f, 0xaf, 0x70, 0x5a, 0xf1, 0x68, 0x34, 0xe6, 0xc6, 0x32, 0xb6, 0x1e, 0x96, 0x4e,
          0x1f}},
    };
    uint8_t sum[CONTENT_SUM_BYTES];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sum_of(cases[i].text, strlen(cases[i].text), sum, &err), 0);
        assert_memory_equal(sum, cases[i].sum, sizeof sum);
    }
}

static void every_byte_and_the_length_count(void **state)
{
    enum { LEN = 2 * CONTENT_READ_BYTES + 3 };
    char *text = calloc(LEN + 1, 1);
    uint8_t sum[CONTENT_SUM_BYTES], other[CONTENT_SUM_BYTES];
    struct err err;

    (void)state;
    assert_non_null(text);
    assert_int_equal(sum_of(text, LEN, sum, &err), 0);
    assert_int_equal(sum_of(text, LEN + 1, other, &err), 0);
    assert_memory_not_equal(sum, other, sizeof sum);
    for (size_t at = 0; at < LEN; at += LEN / 9 + 1) {
        text[at] = 1;
        assert_int_equal(sum_of(text, LEN, other, &err), 0);
        assert_memory_not_equal(sum, other, sizeof sum);
        text[at] = 0;
    }
    free(text);
}

static void every_read_failure_is_the_inputs(void **state)
{
    uint8_t sum[CONTENT_SUM_BYTES];
    uint32_t nth;

    (void)state;
    for (nth = 0;; nth++) {
        struct err err = {0};
        int rc;

        fault_arm(FAULT_READ, nth, EIO);
        rc = sum_of("some text", 9, sum, &err);
        if (!fault_disarm())
            break;
        assert_int_equal(rc, -1);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_string_equal(err.message, "read a: Input/output error");
    }
    assert_true(nth > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_are_those_of_xxh3, folder_set_up, folder_tear_down),
        cmocka_unit_test_setup_teardown(every_byte_and_the_length_count, folder_set_up,
                                        folder_tear_down),
        cmocka_unit_test_setup_teardown(every_read_failure_is_the_inputs, folder_set_up,
                                        folder_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
