#include "master/journal_turn.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "folder.h"
#include "test.h"

static struct folder folder;
static struct journal_turn turn;
static struct err err;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    turn = (struct journal_turn){.fd = -1};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    journal_turn_deinit(&turn);
    folder_remove(&folder);
    return 0;
}

static int open_it(uint64_t number)
{
    journal_turn_deinit(&turn);
    return journal_turn_init(&turn, folder.path, number, &err);
}

static void turns_that_are_gone_are_told(void **state)
{
    (void)state;
    assert_int_equal(open_it(0), 0);
    assert_int_equal(journal_turn_write(&turn, 7, &err), 0);
    assert_int_equal(open_it(7), 0);
    assert_int_equal(open_it(8), 0); /* killed between the two writes */
    assert_int_equal(open_it(6), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "turn 7"));
    assert_int_equal(unlink(folder_path(&folder, "turn")), 0);
    assert_int_equal(open_it(6), 0);
}

static void read_bytes(char bytes[JOURNAL_TURN_BYTES])
{
    FILE *file = fopen(folder_path(&folder, "turn"), "rb");

    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, JOURNAL_TURN_BYTES, file), JOURNAL_TURN_BYTES);
    fclose(file);
}

static void another_boot_may_have_lost_turns(void **state)
{
    char bytes[JOURNAL_TURN_BYTES];

    (void)state;
    assert_int_equal(open_it(0), 0);
    assert_int_equal(journal_turn_write(&turn, 7, &err), 0);
    read_bytes(bytes);
    bytes[16] = (char)(bytes[16] ^ 1);
    put_u32le(bytes + 60, crc32c(0, bytes, 60));
    folder_write(&folder, "turn", bytes, sizeof bytes);
    assert_int_equal(open_it(3), 0);
}

static void every_flipped_byte_is_told(void **state)
{
    char bytes[JOURNAL_TURN_BYTES];

    (void)state;
    assert_int_equal(open_it(0), 0);
    assert_int_equal(journal_turn_write(&turn, 7, &err), 0);
    read_bytes(bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)~bytes[i];
        folder_write(&folder, "turn", bytes, sizeof bytes);
        assert_int_equal(open_it(7), -1);
        bytes[i] = (char)~bytes[i];
    }
    folder_write(&folder, "turn", bytes, sizeof bytes - 1);
    assert_int_equal(open_it(7), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(turns_that_are_gone_are_told),
        TEST(another_boot_may_have_lost_turns),
        TEST(every_flipped_byte_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
