/*
 * master_kit: a master that answers as the test says, in a process of its own on a free port.
 *
 *     master_kit_start(&kit, answer);       answer(conn, frame) is called for each
 *     ... kit.address, kit.key_file ...
 *     master_kit_end(&kit);
 */
#ifndef CTEST_CLI_MASTER_KIT_H
#define CTEST_CLI_MASTER_KIT_H

#include "cli/kit.h"
#include "folder.h"
#include "rpc/blob.h"
#include "rpc/listener.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the test gives: answers one frame. */
struct master_kit_answers {
    void (*answer)(struct conn *conn, const struct frame *frame);
};

struct master_kit {
    struct folder folder;
    char key_file[FOLDER_PATH_BYTES];
    char address[64];
    pid_t pid;
};

static inline void master_kit_message(void *context, struct conn *conn, const struct frame *frame)
{
    const struct master_kit_answers *answers = context;

    answers->answer(conn, frame);
}

static inline void master_kit_closed(void *context, struct conn *conn, const struct err *err)
{
    (void)context, (void)conn, (void)err;
}

/* The process of the master: writes its address to `fd`. */
static inline void master_kit_serve(const char *key_file, struct master_kit_answers *answers,
                                    int fd)
{
    static const struct conn_ops ops = {.message = master_kit_message, .closed = master_kit_closed};
    struct listener_options options = {
        .conn = {.roles_accepted = ROLE_BIT(ROLE_SUBMIT) | ROLE_BIT(ROLE_READ), .epoch = 1}};
    struct keys keys;
    struct err err;
    struct loop *loop = loop_open(&err);
    struct listener *listener;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    if (!loop || keys_load(&keys, key_file, &err) != 0)
        _exit(1);
    options.conn.keys = &keys;
    listener = listener_open(loop, "127.0.0.1:0", &options, &ops, answers, &err);
    if (!listener)
        _exit(1);
    dprintf(fd, "%s", listener_address(listener));
    close(fd);
    loop_run(loop, &err);
    _exit(0);
}

static inline void master_kit_start(struct master_kit *kit,
                                    void (*answer)(struct conn *conn, const struct frame *frame))
{
    struct master_kit_answers answers = {answer};
    struct keys keys;
    struct err err;
    int fds[2];
    ssize_t len;

    *kit = (struct master_kit){0};
    folder_make(&kit->folder);
    snprintf(kit->key_file, sizeof kit->key_file, "%s", folder_path(&kit->folder, "secret"));
    assert_int_equal(keys_load_or_create(&keys, kit->key_file, &err), 0);
    keys_forget(&keys);
    assert_int_equal(pipe(fds), 0);
    kit->pid = fork();
    assert_true(kit->pid >= 0);
    if (kit->pid == 0) {
        close(fds[0]);
        master_kit_serve(kit->key_file, &answers, fds[1]);
    }
    close(fds[1]);
    len = read(fds[0], kit->address, sizeof kit->address - 1);
    assert_true(len > 0);
    close(fds[0]);
}

static inline void master_kit_kill(struct master_kit *kit)
{
    if (kit->pid > 0) {
        kill(kit->pid, SIGKILL);
        waitpid(kit->pid, NULL, 0);
    }
    kit->pid = 0;
}

static inline void master_kit_end(struct master_kit *kit)
{
    master_kit_kill(kit);
    folder_remove(&kit->folder);
}

/* Answers a request with a message. */
static inline void master_kit_send(struct conn *conn, const struct frame *request,
                                   enum message_type type, const ProtobufCMessage *body)
{
    conn_send(conn, type, request->request_id, body);
}

#endif
