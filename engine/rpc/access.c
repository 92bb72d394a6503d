#include "rpc/access.h"

#include "rpc/message.h"

#include <stddef.h>
#include <string.h>

enum {
    HANDSHAKE = ROLE_BIT(ROLE_NONE),
    SUBMIT = ROLE_BIT(ROLE_SUBMIT),
    WORKER = ROLE_BIT(ROLE_WORKER),
    READ = ROLE_BIT(ROLE_READ),
    SERVER = ROLE_BIT(ROLE_SERVER),
};

/* Who may send it. What is not here nobody may: the messages of an attempt's sockets too. */
static const uint8_t MAY_SEND[MESSAGE_TYPE_COUNT] = {
    [MESSAGE_HELLO] = HANDSHAKE,
    [MESSAGE_HELLO_ANSWER] = HANDSHAKE,
    [MESSAGE_AUTH] = HANDSHAKE,
    [MESSAGE_WELCOME] = HANDSHAKE,

    [MESSAGE_ANSWER] = SERVER,
    [MESSAGE_WORKER_WELCOME] = SERVER,
    [MESSAGE_ATTEMPT_START] = SERVER,
    [MESSAGE_ATTEMPT_RUN] = SERVER,
    [MESSAGE_ATTEMPT_KILL] = SERVER,
    [MESSAGE_OUTPUT_FORGET] = SERVER,
    [MESSAGE_JOB_OVER] = SERVER,
    [MESSAGE_SOURCES] = SERVER,
    [MESSAGE_REPORT_HEARD] = SERVER,
    [MESSAGE_ATTEMPT_ANSWER] = SERVER,
    [MESSAGE_BLOB_HAVE] = SERVER,
    [MESSAGE_BLOB_DATA] = SERVER,
    [MESSAGE_TRAIL_DATA] = SERVER,
    [MESSAGE_JOB_EVENT] = SERVER,
    [MESSAGE_JOB_LIST_ANSWER] = SERVER,
    [MESSAGE_JOB_STATUS_ANSWER] = SERVER,
    [MESSAGE_WORKER_LIST_ANSWER] = SERVER,
    [MESSAGE_SEGMENT_HEAD] = SERVER,

    [MESSAGE_WORKER_JOIN] = WORKER,
    [MESSAGE_HEARTBEAT] = WORKER,
    [MESSAGE_ATTEMPT_FETCHED] = WORKER,
    [MESSAGE_ATTEMPT_DONE] = WORKER,
    [MESSAGE_ATTEMPT_FAILED] = WORKER,
    [MESSAGE_OUTPUT_LOST] = WORKER,
    [MESSAGE_ATTEMPT_LOG] = WORKER,
    [MESSAGE_ATTEMPT_CALL] = WORKER,
    [MESSAGE_BLOB_GET] = WORKER,
    [MESSAGE_SEGMENT_FETCH] = WORKER,

    [MESSAGE_BLOB_PUT] = SUBMIT,
    [MESSAGE_JOB_SUBMIT] = SUBMIT,
    [MESSAGE_JOB_CANCEL] = SUBMIT,

    [MESSAGE_TRAIL_GET] = SUBMIT | READ, /* a log; more only by SUBMIT: master/master_trail.c */
    [MESSAGE_JOB_WATCH] = SUBMIT | READ,
    [MESSAGE_JOB_LIST] = SUBMIT | READ,
    [MESSAGE_JOB_STATUS] = SUBMIT | READ,
    [MESSAGE_WORKER_LIST] = SUBMIT | READ,
};

static const char *const ROLE_NAMES[ROLE_COUNT] = {
    [ROLE_NONE] = "none", [ROLE_SUBMIT] = "submit", [ROLE_WORKER] = "worker",
    [ROLE_READ] = "read", [ROLE_SERVER] = "server",
};

bool access_allows(enum access_role sender, uint8_t type)
{
    return type < MESSAGE_TYPE_COUNT && (MAY_SEND[type] & ROLE_BIT(sender)) != 0;
}

bool access_role_has_key(uint32_t role)
{
    return role == ROLE_SUBMIT || role == ROLE_WORKER || role == ROLE_READ;
}

const char *access_role_name(enum access_role role)
{
    return ROLE_NAMES[role];
}

enum access_role access_role_parse(const char *name)
{
    for (uint32_t role = 0; role < ROLE_COUNT; role++)
        if (access_role_has_key(role) && strcmp(name, ROLE_NAMES[role]) == 0)
            return (enum access_role)role;
    return ROLE_NONE;
}
