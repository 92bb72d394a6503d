#include "attempt/feed.h"

#include "folder.h"
#include "store/gcs_kit.h"

#include <errno.h>
#include <fcntl.h>

#define PART(range, body)                                                                          \
    "HTTP/1.1 206 Part\r\nContent-Length: @\r\nContent-Range: bytes " range "\r\n\r\n" body

/* A task of pieces of objects, and the server that has them. */
struct world {
    struct gcs_kit kit;
    Mrlua__Piece pieces[2], *list[2];
    Mrlua__TaskStart start;
    struct feed *feed;
};

static void begin_world(struct world *world, const struct gcs_answer *script, size_t count)
{
    static char *const paths[] = {"gs://bkt/a", "gs://bkt/b"};

    gcs_kit_start(&world->kit, script, count);
    gcs_close(gcs_kit_open(&world->kit)); /* sets the environment */
    mrlua__task_start__init(&world->start);
    for (int i = 0; i < 2; i++) {
        mrlua__piece__init(&world->pieces[i]);
        world->pieces[i].path = world->pieces[i].name = paths[i];
        world->pieces[i].size = world->pieces[i].length = 10;
        world->pieces[i].generation = 7;
        world->list[i] = &world->pieces[i];
    }
    world->start.input = "lines";
    world->start.pieces = world->list;
    world->start.n_pieces = 2;
    world->feed = NULL;
}

static void end_world(struct world *world)
{
    feed_close(world->feed);
    gcs_kit_stop(&world->kit);
}

/* What comes through a pipe, to its end or so many bytes. */
static void expect_bytes(struct world *world, int fd, const char *text, bool to_its_end)
{
    char got[64] = "";
    size_t len = 0;
    ssize_t count = -1;
    struct err err;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (count != 0 && (to_its_end || len < strlen(text))) {
        struct pollfd poll_pipe = {.fd = fd, .events = POLLIN};

        assert_int_equal(feed_wait(world->feed, &poll_pipe, 1, 1000, &err), 0);
        count = read(fd, got + len, sizeof got - 1 - len);
        assert_true(count >= 0 || errno == EAGAIN);
        len += count > 0 ? (size_t)count : 0;
    }
    assert_string_equal(got, text);
}

static void a_piece_comes_from_where_its_reader_begins(void **state)
{
    static const struct gcs_answer script[] = {
        {"o/a?alt=media&generation=7", PART("4-9/10", "456789"), 0, 0},
        {"o/b?alt=media&generation=7", PART("0-9/10", "abcdefghij"), 0, 0},
    };
    struct world world;
    struct err err;
    int fd;

    (void)state;
    begin_world(&world, script, 2);
    world.pieces[0].offset = 5;
    world.pieces[0].length = 5;
    assert_true(feed_is_needed(&world.start));
    world.feed = feed_open(&world.start);
    fd = feed_begin(world.feed, 0, &err);
    expect_bytes(&world, fd, "456789", true);
    close(fd);
    fd = feed_begin(world.feed, 1, &err);
    expect_bytes(&world, fd, "abcdefghij", true);
    close(fd);
    assert_kit_done(&world.kit, 2);
    end_world(&world);
}

/* A sample of inputs of two kinds: runs are copied, lines come through a pipe. */
static void each_piece_comes_as_its_group_is_read(void **state)
{
    static const struct gcs_answer script[] = {
        {"o/b?alt=media&generation=7", PART("0-9/10", "abcdefghij"), 0, 0},
    };
    char run[] = "run", lines[] = "lines";
    Mrlua__InputGroup groups[2] = {MRLUA__INPUT_GROUP__INIT, MRLUA__INPUT_GROUP__INIT};
    Mrlua__InputGroup *list[] = {&groups[0], &groups[1]};
    struct world world;
    struct err err;
    int fd;

    (void)state;
    begin_world(&world, script, 1);
    groups[0].format = run;
    groups[1].format = lines;
    world.start.groups = list;
    world.start.n_groups = 2;
    assert_false(feed_is_needed(&world.start)); /* both are of the first group */
    world.pieces[1].group = 1;
    assert_true(feed_is_needed(&world.start));
    world.feed = feed_open(&world.start);
    assert_false(feed_has(world.feed, 0));
    assert_true(feed_has(world.feed, 1));
    assert_false(feed_has(NULL, 1));
    fd = feed_begin(world.feed, 1, &err);
    expect_bytes(&world, fd, "abcdefghij", true);
    close(fd);
    assert_kit_done(&world.kit, 1);
    end_world(&world);
}

static void a_child_that_closes_its_end_has_enough_of_the_piece(void **state)
{
    static const struct gcs_answer script[] = {
        {"o/a?", PART("0-9/10", "0123456789"), 0, 0},
        {"o/b?", PART("0-9/10", "abcdefghij"), 0, 0},
    };
    struct world world;
    struct err err;
    int fd;

    (void)state;
    begin_world(&world, script, 2);
    world.feed = feed_open(&world.start);
    fd = feed_begin(world.feed, 0, &err);
    close(fd);
    while (world.kit.shared->request_count < 2)
        assert_int_equal(feed_wait(world.feed, NULL, 0, 100, &err), 0);
    fd = feed_begin(world.feed, 1, &err);
    expect_bytes(&world, fd, "abcdefghij", true);
    close(fd);
    end_world(&world);
}

/* Or the child would take what it has for all of it. */
static void a_failure_is_told_while_the_pipe_is_still_open(void **state)
{
    static const struct gcs_answer script[] = {
        {"o/a?", GCS_EMPTY("404 None"), 0, 0},
        {"o/b?", GCS_EMPTY("404 None"), 0, 0},
    };
    struct world world;
    struct err err;
    char byte;
    int fd, rc;

    (void)state;
    begin_world(&world, script, 2);
    world.feed = feed_open(&world.start);
    fd = feed_begin(world.feed, 0, &err);
    do
        rc = feed_wait(world.feed, NULL, 0, 100, &err);
    while (rc == 0);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_string_equal(err.message, "input gs://bkt/a changed since the job was planned");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    assert_int_equal(read(fd, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    close(fd);
    end_world(&world);
}

static void a_store_that_is_late_is_known_to_be(void **state)
{
    static const struct gcs_answer script[] = {{"o/a?", "", 0, 0}, {"o/b?", "", 0, 0}};
    struct world world;
    struct err err;
    int fd;

    (void)state;
    begin_world(&world, script, 2);
    assert_false(feed_is_late(NULL));
    world.feed = feed_open(&world.start);
    fd = feed_begin(world.feed, 0, &err);
    while (world.kit.shared->request_count < 2)
        assert_int_equal(feed_wait(world.feed, NULL, 0, 10, &err), 0);
    assert_true(feed_is_late(world.feed));
    close(fd);
    end_world(&world);
}

static void what_has_its_index_at_its_end_is_copied(void **state)
{
    static const struct gcs_answer script[] = {{"o/a?", PART("0-9/10", "0123456789"), 0, 0}};
    struct folder folder;
    struct world world;
    struct err err;
    char text[16] = "";
    int fd;

    (void)state;
    folder_make(&folder);
    begin_world(&world, script, 1);
    world.start.input = "run";
    assert_true(feed_has_objects(&world.start));
    assert_false(feed_is_needed(&world.start));
    fd = feed_copy(&world.pieces[0], folder.path, &err);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, text, sizeof text, 0), 10);
    assert_string_equal(text, "0123456789");
    assert_int_equal(folder_count(&folder), 0); /* it has no name */
    close(fd);
    end_world(&world);
    folder_remove(&folder);
}

static void a_piece_beyond_its_object_is_refused(void **state)
{
    struct world world;
    struct err err;

    (void)state;
    begin_world(&world, NULL, 0);
    world.pieces[0].offset = 5;
    world.pieces[0].length = 6;
    world.feed = feed_open(&world.start);
    assert_int_equal(feed_begin(world.feed, 0, &err), -1);
    assert_string_equal(err.message, "input gs://bkt/a: its plan contradicts itself");
    end_world(&world);
}

static void plain_files_need_no_feed(void **state)
{
    struct world world;

    (void)state;
    begin_world(&world, NULL, 0);
    world.pieces[0].generation = world.pieces[1].generation = 0;
    assert_false(feed_has_objects(&world.start));
    assert_false(feed_is_needed(&world.start));
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_comes_from_where_its_reader_begins),
        cmocka_unit_test(each_piece_comes_as_its_group_is_read),
        cmocka_unit_test(a_child_that_closes_its_end_has_enough_of_the_piece),
        cmocka_unit_test(a_failure_is_told_while_the_pipe_is_still_open),
        cmocka_unit_test(a_store_that_is_late_is_known_to_be),
        cmocka_unit_test(what_has_its_index_at_its_end_is_copied),
        cmocka_unit_test(a_piece_beyond_its_object_is_refused),
        cmocka_unit_test(plain_files_need_no_feed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
