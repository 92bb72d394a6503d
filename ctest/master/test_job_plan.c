#include "master/job_plan.h"

#include "base/content.h"
#include "master/task_kit.h"

#include <string.h>

static struct task_kit kit;

static int set_up(void **state)
{
    (void)state;
    task_kit_open(&kit, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    task_kit_close(&kit);
    return 0;
}

static void a_piece_is_of_its_input(void **state)
{
    Mrlua__Piece piece;

    (void)state;
    kit.piece_inputs[0] = 1;
    kit.piece_offsets[0] = 4;
    kit.piece_lengths[0] = 6;
    assert_int_equal(job_plan_split_count(&kit.plan), 2);
    assert_int_equal(job_plan_piece_count(&kit.plan, 0), 1);
    job_plan_piece(&kit.plan, 0, 0, &piece);
    assert_string_equal(piece.name, "-");
    assert_int_equal(piece.size, 11);
    assert_int_equal(piece.mtime_ns, 5);
    assert_int_equal(piece.offset, 4);
    assert_int_equal(piece.length, 6);
    assert_int_equal(job_plan_split_bytes(&kit.plan, 0), 6);
}

static void an_object_has_a_generation_and_plans_without_objects_have_no_such_column(void **state)
{
    uint64_t generations[] = {0, 7};
    protobuf_c_boolean is_gzip[] = {0, 1};
    Mrlua__Piece piece;
    struct err err;

    (void)state;
    job_plan_input(&kit.plan, 1, &piece);
    assert_int_equal(piece.generation, 0);
    kit.plan.input_generations = generations;
    kit.plan.input_is_gzip = is_gzip;
    kit.plan.n_input_generations = 2;
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err),
                     -1); /* one column without the other */
    kit.plan.n_input_is_gzip = 1;
    kit.plan.n_input_generations = 1;
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), -1); /* and not of all inputs */
    kit.plan.n_input_is_gzip = kit.plan.n_input_generations = 2;
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), 0);
    job_plan_input(&kit.plan, 1, &piece);
    assert_int_equal(piece.generation, 7);
    assert_true(piece.is_gzip);
}

static void checksums_are_of_all_inputs_but_objects_or_of_none(void **state)
{
    uint64_t generations[] = {7, 0};
    protobuf_c_boolean is_gzip[] = {0, 0};
    uint8_t sums[2 * CONTENT_SUM_BYTES] = "0123456789abcdefFEDCBA987654321";
    Mrlua__Piece piece;
    struct err err;

    (void)state;
    job_plan_input(&kit.plan, 1, &piece);
    assert_int_equal(piece.checksum.len, 0);
    kit.plan.input_checksums = (ProtobufCBinaryData){sizeof sums - 1, sums};
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), -1);
    kit.plan.input_checksums.len++;
    kit.plan.input_generations = generations;
    kit.plan.input_is_gzip = is_gzip;
    kit.plan.n_input_is_gzip = kit.plan.n_input_generations = 2;
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), 0);
    job_plan_piece(&kit.plan, 1, 0, &piece);
    assert_int_equal(piece.checksum.len, CONTENT_SUM_BYTES);
    assert_memory_equal(piece.checksum.data, sums + CONTENT_SUM_BYTES, CONTENT_SUM_BYTES);
    job_plan_piece(&kit.plan, 0, 0, &piece);
    assert_int_equal(piece.checksum.len, 0);
}

static void a_split_has_many_pieces_or_none(void **state)
{
    Mrlua__Piece piece;
    struct err err;

    (void)state;
    kit.split_ends[0] = 0;
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), 0);
    assert_int_equal(job_plan_piece_count(&kit.plan, 0), 0);
    assert_int_equal(job_plan_split_bytes(&kit.plan, 0), 0);
    assert_int_equal(job_plan_piece_count(&kit.plan, 1), 2);
    assert_int_equal(job_plan_split_bytes(&kit.plan, 1), 21);
    job_plan_piece(&kit.plan, 1, 1, &piece);
    assert_int_equal(piece.length, 11);
}

static void refused(const char *message)
{
    struct err err;

    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), -1);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_string_equal(err.message, message);
    task_kit_plan(&kit);
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), 0);
}

static void a_plan_has_reduces_or_its_job_has_none(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(job_plan_check(&kit.plan, 0, true, &err), -1);
    kit.plan.reducers = 0;
    assert_int_equal(job_plan_check(&kit.plan, 0, true, &err), 0);
    task_kit_plan(&kit);
}

static void a_plan_without_a_task_is_refused(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(job_plan_check(NULL, 0, false, &err), -1);
    kit.plan.reducers = 0;
    refused("the plan is empty");
    kit.plan.n_split_ends = 0;
    refused("the plan is empty");
    kit.plan.n_split_ends = SCHED_TASK_COUNT_MAX + 1;
    refused("the plan has 16000001 splits, at most 16000000 can be held");
}

static void columns_that_disagree_are_refused(void **state)
{
    (void)state;
    kit.plan.n_piece_offsets = 1;
    refused("the plan contradicts itself");
    kit.plan.n_piece_lengths = 1;
    refused("the plan contradicts itself");
    kit.piece_inputs[1] = 2; /* of two inputs */
    refused("the plan contradicts itself");
    kit.split_ends[0] = 3; /* and back to 2 */
    refused("the plan contradicts itself");
    kit.split_ends[1] = 3; /* of two pieces */
    refused("the plan contradicts itself");
    kit.split_ends[1] = 1; /* a piece of no split */
    refused("the plan contradicts itself");
}

static void inputs_that_disagree_are_refused(void **state)
{
    size_t *counts[] = {&kit.plan.n_input_paths,  &kit.plan.n_input_names,
                        &kit.plan.n_input_sizes,  &kit.plan.n_input_mtimes_ns,
                        &kit.plan.n_input_inodes, &kit.plan.n_input_devices,
                        &kit.plan.input_texts.len /* no zero byte at its end */};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        --*counts[i];
        refused("the plan contradicts itself");
    }
    kit.input_paths[1] = kit.plan.input_texts.len;
    refused("the plan contradicts itself");
    kit.input_names[1] = kit.plan.input_texts.len;
    refused("the plan contradicts itself");
}

/* Both inputs of the kit are of groups, and each has a split of its own. */
static void give_groups(uint32_t *column, uint32_t first, uint32_t second)
{
    column[0] = first;
    column[1] = second;
    kit.plan.input_groups = column;
    kit.plan.n_input_groups = 2;
}

static void a_piece_is_of_the_group_of_its_input(void **state)
{
    uint32_t column[2];
    Mrlua__Piece piece;
    struct err err;

    (void)state;
    give_groups(column, 0, 2);
    assert_int_equal(job_plan_check(&kit.plan, 3, false, &err), 0);
    assert_int_equal(job_plan_split_group(&kit.plan, 0), 0);
    assert_int_equal(job_plan_split_group(&kit.plan, 1), 2);
    job_plan_piece(&kit.plan, 1, 0, &piece);
    assert_int_equal(piece.group, 2);
    kit.split_ends[0] = 0; /* a split without pieces */
    kit.split_ends[1] = 0;
    assert_int_equal(job_plan_split_group(&kit.plan, 1), 0);
}

static void a_plan_without_groups_is_of_a_job_without(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), 0);
    assert_int_equal(job_plan_split_group(&kit.plan, 1), 0);
    assert_int_equal(job_plan_check(&kit.plan, 2, false, &err), -1);
    assert_string_equal(err.message, "the plan contradicts itself");
    kit.plan.n_input_paths = kit.plan.n_input_names = kit.plan.n_input_sizes = 0;
    kit.plan.n_input_mtimes_ns = kit.plan.n_input_inodes = kit.plan.n_input_devices = 0;
    kit.plan.n_piece_inputs = kit.plan.n_piece_offsets = kit.plan.n_piece_lengths = 0;
    kit.split_ends[0] = kit.split_ends[1] = 0;
    assert_int_equal(job_plan_check(&kit.plan, 2, false, &err), 0); /* it has no input */
}

static void groups_that_disagree_are_refused(void **state)
{
    uint32_t column[2];
    struct err err;

    (void)state;
    give_groups(column, 0, 1);
    assert_int_equal(job_plan_check(&kit.plan, 1, false, &err), -1); /* of one group */
    assert_int_equal(job_plan_check(&kit.plan, 0, false, &err), -1);
    kit.plan.n_input_groups = 1; /* and not of all inputs */
    assert_int_equal(job_plan_check(&kit.plan, 2, false, &err), -1);
    kit.plan.n_input_groups = 2;
    assert_int_equal(job_plan_check(&kit.plan, 2, false, &err), 0);
    kit.split_ends[0] = 2; /* a split of both */
    assert_int_equal(job_plan_check(&kit.plan, 2, false, &err), -1);
}

static void an_input_is_told_whole(void **state)
{
    Mrlua__Piece piece;

    (void)state;
    assert_int_equal(job_plan_input_count(&kit.plan), 2);
    job_plan_input(&kit.plan, 1, &piece);
    assert_string_equal(piece.path, "/var/tmp/x/stdin-0");
    assert_string_equal(piece.name, "-");
    assert_int_equal(piece.offset, 0);
    assert_int_equal(piece.length, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_piece_is_of_its_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_object_has_a_generation_and_plans_without_objects_have_no_such_column, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(checksums_are_of_all_inputs_but_objects_or_of_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_split_has_many_pieces_or_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_has_reduces_or_its_job_has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_without_a_task_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_that_disagree_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(inputs_that_disagree_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_piece_is_of_the_group_of_its_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_without_groups_is_of_a_job_without, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(groups_that_disagree_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_input_is_told_whole, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
