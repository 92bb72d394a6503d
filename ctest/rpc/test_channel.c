#include "test.h"

#include "fault/fault.h"
#include "rpc/channel.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct ends {
    struct channel a, b;
};

static int set_up(void **state)
{
    struct ends *ends = malloc(sizeof *ends);
    struct err err;
    int fds[2];

    assert_non_null(ends);
    assert_int_equal(channel_pair(fds, &err), 0);
    channel_init_take(&ends->a, fds[0]);
    channel_init_take(&ends->b, fds[1]);
    *state = ends;
    return 0;
}

static int tear_down(void **state)
{
    struct ends *ends = *state;

    channel_deinit(&ends->a);
    channel_deinit(&ends->b);
    free(ends);
    return 0;
}

static int open_fd_count(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void send_log(struct channel *channel, const char *text, int fd)
{
    Mrlua__Log log = MRLUA__LOG__INIT;
    struct err err;

    log.text = (char *)text;
    assert_int_equal(channel_send_fd(channel, MESSAGE_LOG, &log.base, fd, &err), 0);
}

static void expect_log(struct channel *channel, const char *text)
{
    struct frame frame;
    struct err err;
    Mrlua__Log *log;

    assert_int_equal(channel_receive(channel, &frame, &err), 1);
    assert_int_equal(frame.type, MESSAGE_LOG);
    log = message_unpack(&mrlua__log__descriptor, frame.payload, &err);
    assert_non_null(log);
    assert_string_equal(log->text, text);
    message_free(log);
}

/* Two messages at once, then one in the other direction, passed on as it came. */
static void test_messages(void **state)
{
    struct ends *ends = *state;
    struct frame frame;
    struct err err;

    send_log(&ends->a, "one", -1);
    send_log(&ends->a, "two", -1);
    expect_log(&ends->b, "one");
    assert_int_equal(channel_receive(&ends->b, &frame, &err), 1);
    assert_int_equal(channel_forward(&ends->b, &frame, &err), 0);
    expect_log(&ends->a, "two");
    assert_int_equal(channel_take_fd(&ends->b), -1);
}

/* The descriptor is there when its message is, is the same file, and closed on exec. */
static void test_descriptor(void **state)
{
    struct ends *ends = *state;
    struct stat sent, received;
    int fd = memfd_create("test", 0), got;

    assert_true(fd >= 0);
    send_log(&ends->a, "without", -1);
    send_log(&ends->a, "with", fd);
    expect_log(&ends->b, "without");
    expect_log(&ends->b, "with");
    got = channel_take_fd(&ends->b);
    assert_true(got >= 0);
    assert_int_equal(fstat(fd, &sent), 0);
    assert_int_equal(fstat(got, &received), 0);
    assert_true(sent.st_ino == received.st_ino && sent.st_dev == received.st_dev);
    assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
    assert_int_equal(channel_take_fd(&ends->b), -1);
    close(got);
    close(fd);
}

/* A descriptor that nobody takes is closed with the channel; a second one is refused, and closed.
 */
static void test_descriptors_not_taken(void **state)
{
    struct ends *ends = *state;
    struct frame frame;
    struct err err;
    int before;

    before = open_fd_count();
    send_log(&ends->a, "first", STDIN_FILENO);
    expect_log(&ends->b, "first");
    assert_int_equal(open_fd_count(), before + 1);
    send_log(&ends->a, "second", STDIN_FILENO);
    assert_int_equal(channel_receive(&ends->b, &frame, &err), -1);
    assert_int_equal(err.kind, ERR_RETRY);
    assert_int_equal(open_fd_count(), before + 1);
    channel_deinit(&ends->b);
    assert_int_equal(open_fd_count(), before - 1);
}

/* Three descriptors with one message: more than there is room for, none may leak. */
static void test_too_many_descriptors(void **state)
{
    struct ends *ends = *state;
    int fds[3] = {0, 1, 2}, before = open_fd_count();
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {0};
    struct iovec part = {.iov_base = "x", .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct err err;

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
    assert_int_equal(sendmsg(ends->a.fd, &message, 0), 1);
    assert_int_equal(channel_fill(&ends->b, &err), -1);
    assert_non_null(strstr(err.message, "more descriptors"));
    channel_deinit(&ends->b);
    assert_int_equal(open_fd_count(), before - 1);
}

static void test_hang_up(void **state)
{
    struct ends *ends = *state;
    struct frame frame;
    struct err err;

    send_log(&ends->a, "last", -1);
    channel_deinit(&ends->a);
    expect_log(&ends->b, "last");
    assert_int_equal(channel_receive(&ends->b, &frame, &err), 0);
    assert_int_equal(channel_send(&ends->b, MESSAGE_RUN, NULL, &err), -1); /* and no SIGPIPE */
    assert_int_equal(err.kind, ERR_RETRY);
}

static void test_hang_up_inside(void **state)
{
    struct ends *ends = *state;
    struct frame frame;
    struct err err;

    assert_int_equal(send(ends->a.fd, "\x40\0\0", 3, 0), 3);
    channel_deinit(&ends->a);
    assert_int_equal(channel_receive(&ends->b, &frame, &err), -1);
    assert_non_null(strstr(err.message, "inside a message"));
}

/* Larger than any socket buffer: the writer blocks until the other side has read it. */
static void test_large_message(void **state)
{
    struct ends *ends = *state;
    size_t len = 5 * 1000 * 1000;
    char *text = malloc(len + 1);
    int status;
    pid_t pid;

    assert_non_null(text);
    memset(text, 'x', len);
    text[len] = '\0';
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        send_log(&ends->a, text, -1);
        _exit(0);
    }
    expect_log(&ends->b, text);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    free(text);
}

/* The shells' side: never blocks, and tells nothing-yet from gone. */
static void test_feed(void **state)
{
    struct ends *ends = *state;
    struct frame_decoder decoder;
    struct frame frame;
    struct err err;

    frame_decoder_init(&decoder, &FRAME_LIMITS_LOCAL);
    assert_int_equal(channel_feed(ends->b.fd, &decoder, &err), 0);
    send_log(&ends->a, "text", -1);
    assert_int_equal(channel_feed(ends->b.fd, &decoder, &err), 1);
    assert_int_equal(frame_decoder_next(&decoder, &frame, &err), 1);
    channel_deinit(&ends->a);
    assert_int_equal(channel_feed(ends->b.fd, &decoder, &err), -1);
    assert_int_equal(err.kind, ERR_NONE);
    frame_decoder_deinit(&decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_descriptors_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hang_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hang_up_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_feed, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
