#include "attempt/input_groups.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

enum { COUNT = INPUT_GROUP_COUNT_MAX + 1 };

static Mrlua__InputGroup groups[COUNT], *list[COUNT];
static char names[COUNT][INPUT_GROUP_NAME_BYTES_MAX + 2];
static char lines[] = "lines", csv[] = "csv";

/* Groups of two inputs each, that are fine. */
static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "n%02d", i);
        mrlua__input_group__init(&groups[i]);
        groups[i].name = names[i];
        groups[i].format = i % 2 ? csv : lines;
        groups[i].count = 2;
        list[i] = &groups[i];
    }
    return 0;
}

static void refused(size_t count, size_t input_count, const char *message)
{
    struct err err;

    assert_int_equal(input_groups_check(list, count, input_count, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, message);
}

static void groups_have_all_inputs(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(input_groups_check(list, 3, 6, &err), 0);
    assert_int_equal(input_groups_check(NULL, 0, 6, &err), 0); /* all are alike */
    refused(3, 5, "5 inputs, and names for 6");
    refused(3, 7, "7 inputs, and names for 6");
    groups[1].count = 0;
    refused(3, 4, "input 'n01' has no path");
}

static void there_are_sixty_four_at_most(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(input_groups_check(list, COUNT - 1, 2 * (COUNT - 1), &err), 0);
    refused(COUNT, (size_t)2 * COUNT, "65 named inputs: 64 are the most");
}

static void names_are_sorted_and_short(void **state)
{
    struct err err;

    (void)state;
    strcpy(names[1], "N01"); /* before n00: bytes, not letters */
    refused(2, 4, "inputs are not sorted by name: 'N01' follows 'n00'");
    strcpy(names[1], names[0]);
    refused(2, 4, "inputs are not sorted by name: 'n00' follows 'n00'");
    memset(names[1], 'x', INPUT_GROUP_NAME_BYTES_MAX);
    names[1][INPUT_GROUP_NAME_BYTES_MAX] = '\0';
    assert_int_equal(input_groups_check(list, 2, 4, &err), 0);
    strcat(names[1], "x");
    refused(2, 4, "an input's name has 65 bytes, 1 to 64 are allowed");
    names[0][0] = '\0';
    refused(1, 2, "an input's name has 0 bytes, 1 to 64 are allowed");
}

static void each_has_a_format(void **state)
{
    struct err err;

    (void)state;
    csv[0] = 'x';
    assert_int_equal(input_groups_check(list, 2, 4, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    csv[0] = 'c';
}

static void a_piece_is_read_as_its_group_says(void **state)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    Mrlua__Piece piece = MRLUA__PIECE__INIT;
    char jsonl[] = "jsonl";

    (void)state;
    start.input = jsonl;
    assert_null(input_group_of(&start, &piece));
    assert_string_equal(input_format_of(&start, &piece), "jsonl");
    start.groups = list;
    start.n_groups = 2;
    piece.group = 1;
    assert_ptr_equal(input_group_of(&start, &piece), &groups[1]);
    assert_string_equal(input_format_of(&start, &piece), "csv");
    piece.group = 2; /* of which the task is not told */
    assert_null(input_group_of(&start, &piece));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(groups_have_all_inputs),
        TEST(there_are_sixty_four_at_most),
        TEST(names_are_sorted_and_short),
        TEST(each_has_a_format),
        TEST(a_piece_is_read_as_its_group_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
