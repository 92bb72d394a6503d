#include "cli/client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>

enum { ASK_ID = 1 };

/* A refused connection is no riddle: say what is missing. */
static void explain(const struct client *client, const struct err *cause, struct err *err)
{
    if (cause->kind == ERR_SETUP || client->was_open) {
        *err = *cause;
        return;
    }
    err_set(err, ERR_SETUP,
            "no master answers at %s; 'mrlua master --listen %s' starts one, --master or "
            "MRLUA_MASTER names another (%s)",
            client->address, client->address, cause->message);
}

static void on_opened(void *context, struct conn *conn)
{
    struct client *client = context;

    (void)conn;
    client->is_open = client->was_open = true;
    client->ops->opened(client->context);
}

static void on_message(void *context, struct conn *conn, const struct frame *frame)
{
    struct client *client = context;

    (void)conn;
    client->ops->message(client->context, frame);
}

static void on_closed(void *context, struct conn *conn, const struct err *cause)
{
    struct client *client = context;
    struct err err;

    (void)conn;
    explain(client, cause, &err);
    client->conn = NULL;
    client->is_open = false;
    client->ops->closed(client->context, &err);
}

static const struct conn_ops CONN_OPS = {
    .opened = on_opened, .message = on_message, .closed = on_closed};

static int load_keys(struct client *client, const char *key_file, bool needs_submit,
                     struct err *err)
{
    int rc = key_file ? keys_load(&client->keys, key_file, err) : keys_load_own(&client->keys, err);

    if (rc != 0)
        return -1;
    client->role = keys_of_role(&client->keys, ROLE_SUBMIT) ? ROLE_SUBMIT : ROLE_READ;
    if (!keys_of_role(&client->keys, client->role) || (needs_submit && client->role == ROLE_READ))
        return err_set(err, ERR_SETUP, "%s holds no key that may do this: it needs the role %s",
                       key_file ? key_file : "the user's secret",
                       needs_submit ? "submit" : "read or submit");
    return 0;
}

enum tls_use client_tls(struct slice args)
{
    if (value_field_boolean(args, "insecure_plain", false))
        return TLS_NEVER;
    return value_field_boolean(args, "tls", false) ? TLS_ALWAYS : TLS_BEYOND_LOOPBACK;
}

int client_init(struct client *client, const char *address, const char *key_file, enum tls_use tls,
                bool needs_submit, struct err *err)
{
    *client = (struct client){.address = mem_strdup(address), .tls = tls};
    if (load_keys(client, key_file, needs_submit, err) == 0)
        client->loop = loop_open(err);
    if (client->loop)
        return 0;
    client_deinit(client);
    return -1;
}

void client_deinit(struct client *client)
{
    conn_close(client->conn);
    loop_close(client->loop);
    keys_forget(&client->keys);
    free(client->address);
    *client = (struct client){0};
}

int client_connect(struct client *client, struct err *err)
{
    struct conn_options options = {.role = client->role, .keys = &client->keys, .tls = client->tls};

    client->is_open = false;
    client->conn = conn_connect(client->loop, client->address, &options, &CONN_OPS, client, err);
    return client->conn ? 0 : -1;
}

void client_send(struct client *client, enum message_type type, uint64_t request_id,
                 const ProtobufCMessage *body)
{
    conn_send(client->conn, type, request_id, body);
}

void *client_read(const struct frame *frame, enum message_type answer_type,
                  const ProtobufCMessageDescriptor *descriptor, struct err *err)
{
    Mrlua__Answer *answer;
    void *message;

    if (frame->type == answer_type && answer_type != MESSAGE_ANSWER)
        return message_unpack(descriptor, frame->payload, err);
    if (frame->type != MESSAGE_ANSWER) {
        err_set(err, ERR_RETRY, "the master answered with a message of type %u", frame->type);
        return NULL;
    }
    message = answer = message_unpack(&mrlua__answer__descriptor, frame->payload, err);
    if (!answer)
        return NULL;
    if (answer->error)
        message_to_err(answer->error, err);
    else if (answer_type == MESSAGE_ANSWER)
        return message;
    else
        err_set(err, ERR_RETRY, "the master did not answer the question");
    message_free(message);
    return NULL;
}

/* One question on its way. */
struct asking {
    struct client *client;
    enum message_type type, answer_type;
    const ProtobufCMessage *body;
    const ProtobufCMessageDescriptor *descriptor;
    void *answer;
    struct err err;
};

static void ask_opened(void *context)
{
    struct asking *asking = context;

    client_send(asking->client, asking->type, ASK_ID, asking->body);
}

static void ask_message(void *context, const struct frame *frame)
{
    struct asking *asking = context;

    if (frame->request_id != ASK_ID || asking->answer)
        return;
    asking->answer = client_read(frame, asking->answer_type, asking->descriptor, &asking->err);
    loop_break(asking->client->loop);
}

static void ask_closed(void *context, const struct err *err)
{
    struct asking *asking = context;

    asking->err = *err;
    loop_break(asking->client->loop);
}

static void ask_timed_out(void *context)
{
    struct asking *asking = context;

    err_set(&asking->err, ERR_RETRY, "the master at %s did not answer within %d s",
            asking->client->address, CLIENT_ANSWER_MS_MAX / 1000);
    loop_break(asking->client->loop);
}

static const struct client_ops ASK_OPS = {ask_opened, ask_message, ask_closed};

int client_ask(struct client *client, enum message_type type, const ProtobufCMessage *body,
               enum message_type answer_type, const ProtobufCMessageDescriptor *descriptor,
               void **answer, struct err *err)
{
    struct asking asking = {.client = client,
                            .type = type,
                            .answer_type = answer_type,
                            .body = body,
                            .descriptor = descriptor};
    struct loop_event *timer;
    int rc;

    client->ops = &ASK_OPS;
    client->context = &asking;
    if (client_connect(client, err) != 0)
        return -1;
    err_set(&asking.err, ERR_RETRY, "the master at %s was not asked", client->address);
    timer = loop_timer_open(client->loop, ask_timed_out, &asking);
    loop_timer_start(timer, CLIENT_ANSWER_MS_MAX * NS_PER_MS);
    rc = loop_run(client->loop, err);
    loop_event_close(timer);
    conn_close(client->conn);
    client->conn = NULL;
    if (rc != 0 || !asking.answer) {
        if (rc == 0)
            *err = asking.err;
        message_free(asking.answer);
        return -1;
    }
    if (answer)
        *answer = asking.answer;
    else
        message_free(asking.answer);
    return 0;
}
