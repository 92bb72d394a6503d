#include "vm/drive.h"

#include "vm/kit.h"

/* Answers each call with its number as records; step 1 has two parts, of no records. */
struct world {
    struct kit kit; /* first */
    uint32_t call_count, fail_at, open_count, close_count;
};

static struct world world;

static int call(void *context, struct slice request, struct buf *answer, struct err *err)
{
    (void)context;
    world.call_count++;
    if (world.call_count == world.fail_at)
        return err_set(err, ERR_PEER, "the master is gone");
    kit_print_value(&world.kit.output, request);
    buf_append_byte(&world.kit.output, '\n');
    value_write_table_begin(answer);
    kit_string(answer, "records");
    value_write_integer(answer, world.call_count);
    kit_string(answer, "bytes");
    value_write_integer(answer, 7);
    kit_string(answer, "counters");
    value_write_table_begin(answer);
    kit_string(answer, "user.moved");
    value_write_integer(answer, 3);
    kit_string(answer, "map_records_in");
    value_write_integer(answer, 4);
    value_write_table_end(answer);
    value_write_table_end(answer);
    return 0;
}

/* A reader of three records: n -> n + 1. */
struct numbers {
    struct reader reader;
    int64_t next;
    struct buf key, value;
};

static int next_number(struct reader *reader, struct reader_record *record, struct err *err)
{
    struct numbers *numbers = (struct numbers *)reader;

    (void)err;
    if (numbers->next == 3)
        return 0;
    buf_clear(&numbers->key);
    buf_clear(&numbers->value);
    key_encode_integer(&numbers->key, numbers->next++);
    value_write_integer(&numbers->value, numbers->next);
    *record = (struct reader_record){.form = RECORD_ENCODED,
                                     .key_bytes = buf_slice(&numbers->key),
                                     .value_bytes = buf_slice(&numbers->value)};
    return 1;
}

static void close_numbers(struct reader *reader)
{
    struct numbers *numbers = (struct numbers *)reader;

    buf_deinit(&numbers->key);
    buf_deinit(&numbers->value);
    free(numbers);
}

static const struct reader_ops NUMBERS_OPS = {.next = next_number, .close = close_numbers};

static int open_part(void *context, uint32_t step, uint32_t part, struct drive_part *out,
                     struct err *err)
{
    struct numbers *numbers;

    (void)context;
    if (step == 2)
        return err_set(err, ERR_INPUT, "part of step 2: checksum");
    if (part == 2)
        return 0;
    numbers = calloc(1, sizeof *numbers);
    numbers->reader.ops = &NUMBERS_OPS;
    world.open_count++;
    *out = (struct drive_part){.reader = &numbers->reader};
    return 1;
}

static void close_part(void *context, struct drive_part *part)
{
    (void)context;
    world.close_count++;
    reader_close(part->reader);
}

/* Runs a driver whose body is `body`. */
static int drive(const char *body)
{
    struct driving driving = {.call = call, .open = open_part, .close = close_part};
    struct buf source = {0};
    int rc;

    world.kit.options.stage = "drive";
    buf_printf(&source,
               "local job = { params = { n = 3 }, steps = { a = function(k, v, emit) end } }\n"
               "function job.drive(mr, params)\n%s\nend\nreturn job",
               body);
    rc = kit_load(&world.kit, buf_string(&source));
    if (rc == 0)
        rc = vm_drive(world.kit.vm, &driving, &world.kit.err);
    buf_deinit(&source);
    return rc;
}

static void must(int rc)
{
    if (rc != 0)
        fail_msg("%s", world.kit.err.message);
}

static void must_fail(int rc, enum err_kind kind, const char *message)
{
    assert_int_equal(rc, -1);
    assert_int_equal(world.kit.err.kind, kind);
    if (!strstr(world.kit.err.message, message))
        fail_msg("%s", world.kit.err.message);
}

static int set_up(void **state)
{
    (void)state;
    world = (struct world){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_close(&world.kit);
    assert_int_equal(world.open_count, world.close_count);
    return 0;
}

static void a_driver_is_answered_and_ends_with_its_last_step(void **state)
{
    (void)state;
    must(drive("local step = mr.run { map = job.steps.a }\n"
               "print(step.records, step.bytes, step:counter 'moved', step:counter "
               "'map_records_in',"
               " step:counter 'none', params.n, mr.stage)\n"
               "return step"));
    assert_string_equal(buf_string(&world.kit.log), "1\t7\t3\t4\t0\t3\tdrive\n");
    assert_int_equal(world.call_count, 2);
    assert_non_null(strstr(buf_string(&world.kit.output), "'is_last' true"));
    assert_non_null(strstr(buf_string(&world.kit.output), "'steps' {1 1 }"));
}

static void outputs_are_read_part_after_part(void **state)
{
    (void)state;
    must(drive("local step = mr.run { map = job.steps.a }\n"
               "for round = 1, 2 do\n"
               "  local sum = 0\n"
               "  for k, v in step:output() do sum = sum + 10 * k + v end\n"
               "  print(sum)\n"
               "end\n"
               "return step"));
    assert_string_equal(buf_string(&world.kit.log), "72\n72\n");
    assert_int_equal(world.open_count, 4);
    assert_int_equal(world.close_count, 4);
}

/* Who breaks out of a loop leaves a part open, and that is closed when it must be. */
static void outputs_that_are_left_are_closed(void **state)
{
    (void)state;
    must(drive("local step = mr.run { map = job.steps.a }\n"
               "for i = 1, 100 do step:output()() end\n"
               "return step"));
    assert_int_equal(world.open_count, 100);
}

static void more_outputs_at_a_time_than_the_limit_are_refused(void **state)
{
    (void)state;
    must_fail(drive("local step, open = mr.run { map = job.steps.a }, {}\n"
                    "for i = 1, 9 do open[i] = step:output() open[i]() end"),
              ERR_JOB, "step:output(): 8 of them are read at a time already");
    assert_int_equal(world.open_count, DRIVE_OUTPUT_COUNT_MAX);
}

static void a_step_that_fails_ends_the_driver_whatever_it_catches(void **state)
{
    (void)state;
    world.fail_at = 1;
    must_fail(drive("pcall(mr.run, { map = job.steps.a })\n"
                    "return { map = job.steps.a }"),
              ERR_PEER, "the master is gone");
    assert_int_equal(world.call_count, 1);
}

static void records_that_cannot_be_read_end_it_too(void **state)
{
    (void)state;
    must_fail(drive("local one = mr.run { map = job.steps.a }\n"
                    "local two = mr.run { map = job.steps.a, inputs = one }\n"
                    "pcall(two:output())\n"
                    "return two"),
              ERR_INPUT, "part of step 2: checksum");
    assert_int_equal(world.call_count, 2);
}

static void a_closure_is_refused_with_its_line(void **state)
{
    (void)state;
    must_fail(drive("mr.run {\n  map = function() end }"), ERR_JOB,
              "jobs/x.lua:3: mr.run: field 'map' is a function that is not in the job table (it "
              "begins at jobs/x.lua:4)");
    assert_int_equal(world.call_count, 0);
}

static void a_driver_must_return_its_last_step(void **state)
{
    (void)state;
    must_fail(drive(""), ERR_JOB, "drive must return its last step, a table as for mr.run or a");
}

/* What a step's attempts do with the call. */
static void a_call_makes_the_table_of_a_step(void **state)
{
    struct buf value = {0};
    struct kit step = {0};
    struct slice view, of_call;

    (void)state;
    must(drive("return { map = job.steps.a, reduce = 'sum', reducers = 9, params = { x = 1 } }"));
    /* The request was printed; here it is made as the driver did, and loaded. */
    value_write_table_begin(&value);
    kit_string(&value, "fields");
    value_write_table_begin(&value);
    kit_string(&value, "map");
    kit_string(&value, "words");
    kit_string(&value, "input");
    kit_string(&value, "run");
    value_write_table_end(&value);
    kit_string(&value, "paths");
    value_write_list_begin(&value, 1);
    value_write_table_begin(&value);
    kit_string(&value, "at");
    value_write_list_begin(&value, 1);
    kit_string(&value, "reduce");
    kit_string(&value, "path");
    value_write_list_begin(&value, 2);
    kit_string(&value, "steps");
    kit_string(&value, "a");
    value_write_table_end(&value);
    kit_string(&value, "before");
    value_write_list_begin(&value, 0);
    value_write_table_end(&value);
    step.options.call = buf_slice(&value);
    if (kit_load(&step, "return { drive = print, steps = { a = function() end } }") != 0)
        fail_msg("%s", step.err.message);
    view = buf_slice(&step.view);
    assert_true(slice_equal(value_field_string(view, "map", ""), slice_of_string("words")));
    assert_true(value_field_boolean(view, "reduce", false));
    assert_true(vm_has(step.vm, "reduce"));
    assert_false(vm_has(step.vm, "drive"));
    assert_false(value_field_table(view, "call", &of_call));
    kit_close(&step);
    buf_deinit(&value);
}

static void a_job_of_one_step_drives_nothing(void **state)
{
    struct driving driving = {.call = call, .open = open_part, .close = close_part};

    (void)state;
    must(kit_load(&world.kit, "return { map = 'words', reduce = 'sum' }"));
    must_fail(vm_drive(world.kit.vm, &driving, &world.kit.err), ERR_SETUP, "no drive and no steps");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_driver_is_answered_and_ends_with_its_last_step),
        TEST(outputs_are_read_part_after_part),
        TEST(outputs_that_are_left_are_closed),
        TEST(more_outputs_at_a_time_than_the_limit_are_refused),
        TEST(a_step_that_fails_ends_the_driver_whatever_it_catches),
        TEST(records_that_cannot_be_read_end_it_too),
        TEST(a_closure_is_refused_with_its_line),
        TEST(a_driver_must_return_its_last_step),
        TEST(a_call_makes_the_table_of_a_step),
        TEST(a_job_of_one_step_drives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
