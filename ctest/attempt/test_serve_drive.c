#include "attempt/serve_drive.h"

#include "base/io.h"
#include "folder.h"
#include "test.h"

/* The trusted process between its shell and its child; the test is both of them. */
struct world {
    struct folder folder;
    struct channel to_shell, shell, to_child, child;
    Mrlua__TaskStart start;
    struct serve_drive drive;
    struct buf detail;
    struct err err;
};

static struct world world;

static int set_up(void **state)
{
    int ends[2];

    (void)state;
    world = (struct world){0};
    folder_make(&world.folder);
    assert_int_equal(channel_pair(ends, &world.err), 0);
    channel_init_take(&world.to_shell, ends[0]);
    channel_init_take(&world.shell, ends[1]);
    assert_int_equal(channel_pair(ends, &world.err), 0);
    channel_init_take(&world.to_child, ends[0]);
    channel_init_take(&world.child, ends[1]);
    mrlua__task_start__init(&world.start);
    world.start.kind = MRLUA__TASK_KIND__DRIVE;
    world.start.tmp_folder = world.folder.path;
    world.drive.start = &world.start;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    serve_drive_deinit(&world.drive);
    channel_deinit(&world.to_shell);
    channel_deinit(&world.shell);
    channel_deinit(&world.to_child);
    channel_deinit(&world.child);
    buf_deinit(&world.detail);
    folder_remove(&world.folder);
    return 0;
}

static int hear(enum message_type type, const ProtobufCMessage *message)
{
    struct buf payload = {0};
    struct frame frame = {.type = type};
    int rc;

    message_pack(&payload, message);
    frame.payload = buf_slice(&payload);
    rc = serve_drive_hear(&world.drive, &world.to_shell, &world.to_child, &frame, &world.err);
    buf_deinit(&payload);
    return rc;
}

static int call(uint32_t number)
{
    Mrlua__StepCall message = MRLUA__STEP_CALL__INIT;

    message.number = number;
    return hear(MESSAGE_STEP_CALL, &message.base);
}

static int open_part(uint32_t number, uint32_t part)
{
    Mrlua__StepOpen message = MRLUA__STEP_OPEN__INIT;

    message.number = number;
    message.part = part;
    return hear(MESSAGE_STEP_OPEN, &message.base);
}

static int answer(uint32_t number, Mrlua__Error *error)
{
    Mrlua__StepAnswer message = MRLUA__STEP_ANSWER__INIT;
    struct buf payload = {0};
    int rc;

    message.number = number;
    message.records = 5;
    message.folder = world.folder.path;
    message.error = error;
    message_pack(&payload, &message.base);
    rc = serve_drive_answer(&world.drive, &world.to_child, buf_slice(&payload), &world.detail,
                            &world.err);
    buf_deinit(&payload);
    return rc;
}

static struct frame receive(struct channel *channel)
{
    struct frame frame;

    assert_int_equal(channel_receive(channel, &frame, &world.err), 1);
    return frame;
}

static void calls_go_to_the_shell_and_answers_to_the_child_without_a_place(void **state)
{
    Mrlua__StepAnswer *told;
    struct frame frame;

    (void)state;
    assert_int_equal(call(1), 0);
    assert_true(world.drive.waits);
    assert_int_equal(receive(&world.shell).type, MESSAGE_STEP_CALL);
    assert_int_equal(answer(1, NULL), 0);
    assert_false(world.drive.waits);
    frame = receive(&world.child);
    assert_int_equal(frame.type, MESSAGE_STEP_ANSWER);
    told = message_unpack(&mrlua__step_answer__descriptor, frame.payload, &world.err);
    assert_non_null(told);
    assert_int_equal(told->records, 5);
    assert_string_equal(told->folder, "");
    message_free(told);
}

static void a_step_that_failed_is_the_end(void **state)
{
    Mrlua__Error error = MRLUA__ERROR__INIT;

    (void)state;
    error.kind = ERR_JOB;
    error.message = "x.lua:3: boo";
    error.detail = "key: 7\n";
    assert_int_equal(call(1), 0);
    assert_int_equal(answer(1, &error), -1);
    assert_int_equal(world.err.kind, ERR_JOB);
    assert_string_equal(world.err.message, "x.lua:3: boo");
    assert_string_equal(buf_string(&world.detail), "key: 7\n");
}

static void parts_are_opened_in_the_order_of_their_names(void **state)
{
    static const char *const texts[] = {"zero", "one"};
    struct frame frame;
    Mrlua__Input *input;
    char bytes[8];
    int fd;

    (void)state;
    folder_write(&world.folder, "part-00001.run", "one", 3);
    folder_write(&world.folder, "part-00000.run", "zero", 4);
    folder_write(&world.folder, "_SUCCESS", "{}", 2);
    assert_int_equal(call(1), 0);
    assert_int_equal(answer(1, NULL), 0);
    receive(&world.child);
    for (uint32_t part = 0; part < 3; part++) {
        assert_int_equal(open_part(1, part), 0);
        frame = receive(&world.child);
        input = message_unpack(&mrlua__input__descriptor, frame.payload, &world.err);
        assert_non_null(input);
        assert_int_equal(input->end, part == 2);
        message_free(input);
        fd = channel_take_fd(&world.child);
        assert_int_equal(fd < 0, part == 2);
        if (part == 2)
            break;
        assert_int_equal(read(fd, bytes, sizeof bytes), strlen(texts[part]));
        assert_memory_equal(bytes, texts[part], strlen(texts[part]));
        io_close(&fd);
    }
}

/* The child runs the job's code: what it says is checked. */
static void a_child_that_breaks_the_order_is_the_end(void **state)
{
    (void)state;
    assert_int_equal(call(2), -1);
    assert_int_equal(world.err.kind, ERR_LIMIT);
    assert_int_equal(open_part(1, 0), -1);
    assert_int_equal(world.err.kind, ERR_LIMIT);
    assert_int_equal(open_part(0, 0), -1);
    assert_int_equal(call(1), 0);
    assert_int_equal(call(1), -1); /* it waits for the first */
    assert_int_equal(open_part(1, 0), -1);
    world.start.kind = MRLUA__TASK_KIND__MAP;
    world.drive.waits = false;
    assert_int_equal(call(1), -1);
    assert_non_null(strstr(world.err.message, "sent a message of type"));
}

static void an_answer_that_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    assert_int_equal(answer(1, NULL), -1);
    assert_int_equal(call(1), 0);
    assert_int_equal(answer(2, NULL), -1);
}

static void an_output_that_is_gone_is_told(void **state)
{
    (void)state;
    assert_int_equal(call(1), 0);
    assert_int_equal(answer(1, NULL), 0);
    folder_remove(&world.folder);
    assert_int_equal(open_part(1, 0), -1);
    assert_non_null(strstr(world.err.message, "the output of a step: "));
    folder_make(&world.folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_go_to_the_shell_and_answers_to_the_child_without_a_place),
        TEST(a_step_that_failed_is_the_end),
        TEST(parts_are_opened_in_the_order_of_their_names),
        TEST(a_child_that_breaks_the_order_is_the_end),
        TEST(an_answer_that_nobody_asked_for_is_refused),
        TEST(an_output_that_is_gone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
