/*
 * client: a user's connection to the master, on a loop of its own.
 *
 *     rc = client_init(&client, address, key_file, client_tls(args), needs_submit, &err);
 *
 *     rc = client_ask(&client, MESSAGE_JOB_LIST, &list.base, MESSAGE_JOB_LIST_ANSWER,
 *                     &mrlua__job_list_answer__descriptor, &answer, &err);     waits
 *
 *     client.ops = &ops, client.context = context;             or: told by callbacks
 *     rc = client_connect(&client, &err);
 *     loop_run(client.loop, &err);
 *
 *     client_deinit(&client);
 *
 * The key decides the role: who holds the secret or the key of `submit` is that, else `read`.
 *
 * Errors say what to do: ERR_SETUP when nobody listens at all, the key is wrong or may not do it.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "rpc/conn.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CLIENT_ANSWER_MS_MAX = 30 * 1000
}; /* a master that is restoring its journal takes seconds */

struct client_ops {
    void (*opened)(void *context);
    void (*message)(void *context, const struct frame *frame);
    void (*closed)(void *context, const struct err *err); /* may connect again */
};

struct client {
    struct loop *loop;
    struct keys keys;
    enum access_role role;
    enum tls_use tls;
    char *address;
    struct conn *conn; /* NULL: not connected, nor about to be */
    bool is_open;
    bool was_open; /* once at least */
    const struct client_ops *ops;
    void *context;
};

/* `key_file` NULL: the user's own secret. 0 or -1. Does not connect. */
int client_init(struct client *client, const char *address, const char *key_file, enum tls_use tls,
                bool needs_submit, struct err *err);

/* What the fields `tls` and `insecure_plain` of a command's arguments say. */
enum tls_use client_tls(struct slice args);

/* Closes the connection. Safe on a zeroed struct. */
void client_deinit(struct client *client);

/* Begins to connect; ops->opened or ops->closed follows. */
int client_connect(struct client *client, struct err *err);

void client_send(struct client *client, enum message_type type, uint64_t request_id,
                 const ProtobufCMessage *body);

/* Connects and asks once. 0: *answer, if it is not NULL, is to be released with message_free().
 * -1: the master's error, or none could be had. `answer_type` MESSAGE_ANSWER: an Answer without an
 * error. */
int client_ask(struct client *client, enum message_type type, const ProtobufCMessage *body,
               enum message_type answer_type, const ProtobufCMessageDescriptor *descriptor,
               void **answer, struct err *err);

/* What a frame says that answers a request: NULL with *err, when it is an error of the master, or
 * another message than expected. */
void *client_read(const struct frame *frame, enum message_type answer_type,
                  const ProtobufCMessageDescriptor *descriptor, struct err *err);

#endif
