#include "attempt/done_check.h"

#include "record/cut_points.h"
#include "test.h"

#include <sys/mman.h>
#include <unistd.h>

/* A trusted process whose child has written "abc". */
static void open_it(struct trusted *trusted, Mrlua__TaskStart *start, Mrlua__TaskKind kind)
{
    *start = (Mrlua__TaskStart)MRLUA__TASK_START__INIT;
    start->kind = kind;
    start->partition_count = 3;
    *trusted = (struct trusted){.start = start, .made_result = true};
    trusted->fds[CHILD_RESULT] = memfd_create("result", MFD_CLOEXEC);
    assert_int_equal(write(trusted->fds[CHILD_RESULT], "abc", 3), 3);
}

static void a_result_is_as_large_as_the_child_says(void **state)
{
    Mrlua__Done done = MRLUA__DONE__INIT;
    Mrlua__TaskStart start;
    struct trusted trusted;
    struct err err = {0};

    (void)state;
    open_it(&trusted, &start, MRLUA__TASK_KIND__MAP);
    done.bytes = 3;
    assert_int_equal(done_check(&trusted, &done, &err), 0);
    done.bytes = 4;
    assert_int_equal(done_check(&trusted, &done, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_non_null(strstr(err.message, "says it wrote 4 bytes, and did 3"));
    trusted.made_result = false; /* of a task without a file */
    assert_int_equal(done_check(&trusted, &done, &err), 0);
    close(trusted.fds[CHILD_RESULT]);
}

static void a_file_of_an_output_that_is_not_there_is_made_up(void **state)
{
    Mrlua__OutputFile file = MRLUA__OUTPUT_FILE__INIT, *files[] = {&file};
    Mrlua__Done done = MRLUA__DONE__INIT;
    Mrlua__TaskStart start;
    struct trusted trusted;
    struct err err = {0};

    (void)state;
    open_it(&trusted, &start, MRLUA__TASK_KIND__REDUCE);
    done.bytes = 3;
    done.n_files = 1;
    done.files = files;
    assert_int_equal(done_check(&trusted, &done, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    close(trusted.fds[CHILD_RESULT]);
}

static void a_sample_tells_cut_points_in_order_and_no_more_than_a_frame_holds(void **state)
{
    static uint8_t large[CUT_POINTS_BYTES_MAX];
    ProtobufCBinaryData cuts[2] = {{1, (uint8_t *)"a"}, {1, (uint8_t *)"b"}};
    Mrlua__Done done = MRLUA__DONE__INIT;
    Mrlua__TaskStart start;
    struct trusted trusted;
    struct err err = {0};

    (void)state;
    open_it(&trusted, &start, MRLUA__TASK_KIND__SAMPLE);
    done.bytes = 3;
    done.n_cut_points = 2;
    done.cut_points = cuts;
    assert_int_equal(done_check(&trusted, &done, &err), 0);
    cuts[1].data = (uint8_t *)"a"; /* twice the same */
    assert_int_equal(done_check(&trusted, &done, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    large[0] = 'c';
    cuts[1] = (ProtobufCBinaryData){sizeof large, large};
    assert_int_equal(done_check(&trusted, &done, &err), -1);
    start.partition_count = 2; /* and one cut point too many */
    cuts[1] = (ProtobufCBinaryData){1, (uint8_t *)"b"};
    assert_int_equal(done_check(&trusted, &done, &err), -1);
    close(trusted.fds[CHILD_RESULT]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_as_large_as_the_child_says),
        cmocka_unit_test(a_file_of_an_output_that_is_not_there_is_made_up),
        cmocka_unit_test(a_sample_tells_cut_points_in_order_and_no_more_than_a_frame_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
