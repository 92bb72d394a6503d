#include "rpc/channel.h"

#include "base/io.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int channel_pair(int fds[2], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return err_set_errno(err, ERR_RETRY, "socketpair");
    return 0;
}

void channel_init_take(struct channel *channel, int fd)
{
    *channel = (struct channel){.fd = fd, .received_fd = -1};
    frame_decoder_init(&channel->decoder, &FRAME_LIMITS_LOCAL);
}

void channel_deinit(struct channel *channel)
{
    io_close(&channel->fd);
    io_close(&channel->received_fd);
    frame_decoder_deinit(&channel->decoder);
}

/* Room for one descriptor beside a message, aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void attach_fd(struct msghdr *message, union control *control, int fd)
{
    struct cmsghdr *header;

    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = sizeof control->bytes;
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

/* Writes all bytes; `fd` (or -1) goes with the first of them. */
static int send_all(int socket, struct slice bytes, int fd, struct err *err)
{
    union control control;

    while (bytes.len > 0) {
        struct iovec part = {.iov_base = (char *)bytes.ptr, .iov_len = bytes.len};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t count;

        if (fd >= 0)
            attach_fd(&message, &control, fd);
        count = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR)
            return err_set_errno(err, ERR_RETRY, "send to the other process");
        if (count < 0)
            continue;
        bytes = slice_of(bytes.ptr + count, bytes.len - (size_t)count);
        fd = -1;
    }
    return 0;
}

static int send_frame(struct channel *channel, const struct frame *frame, int fd, struct err *err)
{
    struct buf out = {0};
    int rc = -1;

    if (frame->payload.len > MESSAGE_BYTES_MAX) {
        err_set(err, ERR_SETUP, "message of %zu bytes is longer than %d", frame->payload.len,
                MESSAGE_BYTES_MAX);
        goto out;
    }
    frame_encode(&out, frame);
    rc = send_all(channel->fd, buf_slice(&out), fd, err);
out:
    buf_deinit(&out);
    return rc;
}

int channel_send_fd(struct channel *channel, enum message_type type, const ProtobufCMessage *body,
                    int fd, struct err *err)
{
    struct buf payload = {0};
    struct frame frame = {.type = (uint8_t)type};
    int rc;

    if (body)
        message_pack(&payload, body);
    frame.payload = buf_slice(&payload);
    rc = send_frame(channel, &frame, fd, err);
    buf_deinit(&payload);
    return rc;
}

int channel_send(struct channel *channel, enum message_type type, const ProtobufCMessage *body,
                 struct err *err)
{
    return channel_send_fd(channel, type, body, -1, err);
}

int channel_forward(struct channel *channel, const struct frame *frame, struct err *err)
{
    return send_frame(channel, frame, -1, err);
}

/* Keeps the descriptor that came with `message`, if one did. What cannot be kept is closed; the
 * padding of the control buffer lets the kernel put more than one into it. */
static int keep_fd(struct channel *channel, struct msghdr *message, struct err *err)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fds[sizeof(union control) / sizeof(int)];
    size_t count;

    if (!header || header->cmsg_type != SCM_RIGHTS)
        return 0;
    count = (header->cmsg_len - CMSG_LEN(0)) / sizeof fds[0];
    memcpy(fds, CMSG_DATA(header), count * sizeof fds[0]);
    if (count == 1 && !(message->msg_flags & MSG_CTRUNC) && channel->received_fd < 0) {
        channel->received_fd = fds[0];
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return err_set(err, ERR_RETRY, "receive: more descriptors came than were asked for");
}

int channel_fill(struct channel *channel, struct err *err)
{
    char bytes[CHANNEL_READ_BYTES];
    union control control;
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t count;

    do
        count = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0 && errno != ECONNRESET)
        return err_set_errno(err, ERR_RETRY, "receive from the other process");
    if (count > 0) {
        frame_decoder_feed(&channel->decoder, slice_of(bytes, (size_t)count));
        return keep_fd(channel, &message, err) == 0 ? 1 : -1;
    }
    if (!frame_decoder_is_empty(&channel->decoder))
        return err_set(err, ERR_RETRY, "receive: the other process ended inside a message");
    return 0;
}

int channel_buffered(struct channel *channel, struct frame *frame, struct err *err)
{
    return frame_decoder_next(&channel->decoder, frame, err);
}

int channel_receive(struct channel *channel, struct frame *frame, struct err *err)
{
    int rc;

    while ((rc = channel_buffered(channel, frame, err)) == 0) {
        rc = channel_fill(channel, err);
        if (rc != 1)
            return rc;
    }
    return rc;
}

int channel_take_fd(struct channel *channel)
{
    int fd = channel->received_fd;

    channel->received_fd = -1;
    return fd;
}

int channel_feed(int fd, struct frame_decoder *decoder, struct err *err)
{
    char bytes[CHANNEL_READ_BYTES];
    ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (count > 0) {
        frame_decoder_feed(decoder, slice_of(bytes, (size_t)count));
        return 1;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (count < 0 && errno != ECONNRESET)
        return err_set_errno(err, ERR_RETRY, "receive");
    err->kind = ERR_NONE;
    err->message[0] = '\0';
    return -1;
}
