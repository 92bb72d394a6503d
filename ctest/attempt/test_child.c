/* The vm child: loading, and what it makes of a world in which calls fail. */
#include "attempt/kit.h"

#include "base/clock.h"
#include "fault/fault.h"

#include <errno.h>

static int load(const char *source, struct buf *view)
{
    struct attempt_load options = {.memory_bytes = 16 << 20, .deadline_ms = 0};

    kit_job(&kit, source);
    options.bundle = buf_slice(&kit.bundle);
    buf_clear(&kit.detail);
    buf_clear(&kit.log);
    return attempt_load_job(kit.nursery, &options, view, &kit.detail, &kit.log, &kit.err);
}

static void test_load(void **state)
{
    struct buf view = {0};
    struct datum map;

    (void)state;
    assert_int_equal(load("print('hello') return { map = print, reduce = 'sum' }", &view), 0);
    assert_string_equal(buf_string(&kit.log), "hello\n");
    assert_true(value_field(buf_slice(&view), "map", &map));
    assert_int_equal(map.type, DATUM_TRUE);
    assert_true(
        slice_equal(value_field_string(buf_slice(&view), "reduce", ""), slice_of_string("sum")));
    buf_clear(&view);
    assert_int_equal(load("return { map = print, reducer = 'sum' }", &view), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_non_null(strstr(kit.err.message, "reducer"));
    assert_int_equal(load("local x = nil\nreturn x.y", &view), -1);
    assert_int_equal(kit.err.kind, ERR_JOB);
    assert_non_null(strstr(kit.err.message, "job.lua:2:"));
    assert_non_null(strstr(buf_string(&kit.detail), "traceback"));
    assert_int_equal(view.len, 0);
    buf_deinit(&view);
}

/* What a job prints while it loads is heard once, from the load, not from every attempt. */
static void test_prints_while_loading(void **state)
{
    (void)state;
    kit_job(&kit,
            "print('loading') return { map = function() print('mapping') end, reduce = 'sum' }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "x.txt", "x\n")));
    assert_string_equal(buf_string(&kit.log), "mapping\n");
}

/* math.random is the same for the same task, in another job and attempt too. */
static void test_random(void **state)
{
    struct buf first = {0};

    (void)state;
    kit_job(&kit, "return { reduce = 'sum', map = function() print(math.random(1 << 40)) end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "x.txt", "x\n")));
    buf_append(&first, kit.log.ptr, kit.log.len);
    kit.start.job = 99;
    kit_must(&kit, kit_map(&kit, 0, folder_path(&kit.folder, "x.txt")));
    assert_string_equal(buf_string(&kit.log), buf_string(&first));
    kit_must(&kit, kit_map(&kit, 1, folder_path(&kit.folder, "x.txt")));
    assert_string_not_equal(buf_string(&kit.log), buf_string(&first));
    buf_deinit(&first);
}

/*
 * The nursery of these tests arms a fault for its children, so that the n-th call of each of them
 * fails: the file "fault" in its working folder says which. (It has no environment.)
 */
static void nursery_arm(void)
{
    int call, error;
    unsigned nth;
    FILE *file = fopen("fault", "r");

    if (!file)
        return;
    if (fscanf(file, "%d %u %d", &call, &nth, &error) == 3)
        fault_arm((enum fault_call)call, nth, error);
    fclose(file);
}

/* One map and reduce with that fault in each child: done and right, or failed with a reason. */
static bool run_with_fault(enum fault_call call, uint32_t nth, int error)
{
    char text[64];
    Mrlua__Done *done;

    nursery_stop(kit.nursery);
    snprintf(text, sizeof text, "%d %u %d", (int)call, nth, error);
    kit_file(&kit, "fault", text);
    kit.nursery = nursery_start(&kit.err);
    assert_non_null(kit.nursery);
    kit_job(&kit, "return { combine = 'sum', reduce = 'sum',\n"
                  "map = function(_, line, emit) emit(line, 1) end }");
    done = kit_map(&kit, 0, kit_file(&kit, "in.txt", "x\ny\nx\n"));
    if (done) {
        message_free(done);
        done = kit_reduce(&kit, 0);
    }
    if (!done) {
        assert_int_not_equal(kit.err.kind, ERR_NONE);
        assert_true(call != FAULT_WRITE || kit.err.kind == ERR_DISK || kit.err.kind == ERR_LIMIT);
        return false;
    }
    message_free(done);
    kit_expect(&kit, "x\t2\ny\t1\n");
    return true;
}

/* Until ten in a row had nothing left to fail. */
static void fault_loop(enum fault_call call, int error)
{
    int here = open(".", O_RDONLY | O_DIRECTORY), in_a_row = 0;

    assert_int_equal(chdir(kit.folder.path), 0); /* that of its nurseries, too */
    for (uint32_t nth = 0; in_a_row < 10; nth++) {
        in_a_row = run_with_fault(call, nth, error) ? in_a_row + 1 : 0;
        assert_true(nth < 5000);
    }
    assert_int_equal(fchdir(here), 0);
    close(here);
}

static void test_faults(void **state)
{
    (void)state;
    fault_loop(FAULT_READ, EIO);
    fault_loop(FAULT_WRITE, ENOSPC);
    fault_loop(FAULT_OPEN, EMFILE);
}

static void test_no_memory(void **state)
{
    (void)state;
    fault_loop(FAULT_ALLOC, ENOMEM);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_load),      KIT_TEST(test_prints_while_loading),
        KIT_TEST(test_random),    KIT_TEST(test_faults),
        KIT_TEST(test_no_memory),
    };

    if (nursery_is_asked(argc, argv))
        nursery_arm();
    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
