/*
 * message: the frame types, and protobuf messages in and out of payloads, with limits.
 *
 *     message_pack(&buf, &done.base);
 *     Mrlua__Done *done = message_unpack(&mrlua__done__descriptor, frame.payload, &err);
 *     ...
 *     message_free(done);
 */
#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "rpc/messages.pb-c.h"

/* What the name of a Counter begins with that the job's functions count, so that none of them takes
 * the place of one of the engine's. */
#define MESSAGE_COUNTER_USER "user."

/* Of records that are set aside: the job's functions fail on them. */
#define MESSAGE_COUNTER_BAD "bad_records"

enum message_type {
    MESSAGE_TASK_START = 1, /* TaskStart: trusted -> child */
    MESSAGE_STARTED,        /* Started: trusted -> shell */
    MESSAGE_PROGRESS,       /* Progress: trusted -> shell */
    MESSAGE_DONE,           /* Done: child -> trusted -> shell; the last one */
    MESSAGE_FAILED,         /* Failed: the same */
    MESSAGE_LOG,            /* Log: child -> trusted -> shell */
    MESSAGE_NEXT_INPUT,     /* no payload: child -> trusted */
    MESSAGE_INPUT,          /* Input and a descriptor: trusted -> child */
    MESSAGE_SEGMENT_TABLE,  /* SegmentTable: trusted -> child, after the TaskStart of a reduce */
    MESSAGE_FETCHED,        /* Fetched: trusted -> shell, by a reduce */
    MESSAGE_RUN,            /* no payload: shell -> trusted, the answer to it */
    MESSAGE_STEP_CALL,      /* StepCall: child -> trusted -> shell */
    MESSAGE_STEP_ANSWER,    /* StepAnswer: shell -> trusted -> child */
    MESSAGE_STEP_OPEN,      /* StepOpen: child -> trusted; Input */
    MESSAGE_OUTPUT_FILE,    /* no payload, a descriptor: trusted -> child, after the TaskStart */

    /* What follows travels on rpc/conn.h; who may send it: rpc/access.h. First the handshake. */
    MESSAGE_HELLO = 32,   /* Hello: client -> server, the first one */
    MESSAGE_HELLO_ANSWER, /* HelloAnswer: server -> client */
    MESSAGE_AUTH,         /* Auth: client -> server */
    MESSAGE_WELCOME,      /* Welcome: server -> client, the connection is open */
    MESSAGE_ANSWER,       /* Answer: with the id of the request */

    MESSAGE_WORKER_JOIN = 48, /* WorkerJoin: worker -> master, the first one */
    MESSAGE_HEARTBEAT,        /* Heartbeat: worker -> master */
    MESSAGE_ATTEMPT_FETCHED,  /* AttemptFetched: worker -> master, until it is heard */
    MESSAGE_ATTEMPT_DONE,     /* AttemptDone: the same */
    MESSAGE_ATTEMPT_FAILED,   /* AttemptFailed: the same */
    MESSAGE_OUTPUT_LOST,      /* OutputLost: trusted -> shell, worker -> master */
    MESSAGE_ATTEMPT_LOG,      /* AttemptLog: worker -> master */
    MESSAGE_ATTEMPT_CALL,     /* AttemptCall: worker -> master */

    MESSAGE_WORKER_WELCOME = 64, /* WorkerWelcome: master -> worker, the answer to WorkerJoin */
    MESSAGE_ATTEMPT_START,       /* AttemptStart: master -> worker */
    MESSAGE_ATTEMPT_RUN,         /* AttemptRun: the same */
    MESSAGE_ATTEMPT_KILL,        /* AttemptKill: the same */
    MESSAGE_OUTPUT_FORGET,       /* OutputForget: the same */
    MESSAGE_JOB_OVER,            /* JobOver: the same */
    MESSAGE_SOURCES,             /* Sources: master -> worker, shell -> trusted */
    MESSAGE_REPORT_HEARD,        /* ReportHeard: master -> worker */
    MESSAGE_ATTEMPT_ANSWER,      /* AttemptAnswer: master -> worker */

    MESSAGE_BLOB_PUT = 80, /* BlobPut: client -> master */
    MESSAGE_BLOB_HAVE,     /* BlobHave: the answer to it */
    MESSAGE_BLOB_GET,      /* BlobGet: worker -> master */
    MESSAGE_BLOB_DATA,     /* BlobData: the answer to it */

    MESSAGE_TRAIL_GET = 85, /* TrailGet: client -> master */
    MESSAGE_TRAIL_DATA,     /* TrailData: the answer to it */

    MESSAGE_JOB_SUBMIT = 96,    /* JobSubmit: client -> master; Answer */
    MESSAGE_JOB_WATCH,          /* JobWatch: client -> master; many JobEvent */
    MESSAGE_JOB_EVENT,          /* JobEvent: master -> client */
    MESSAGE_JOB_LIST,           /* JobList: client -> master */
    MESSAGE_JOB_LIST_ANSWER,    /* JobListAnswer: master -> client */
    MESSAGE_JOB_STATUS,         /* JobStatus: client -> master */
    MESSAGE_JOB_STATUS_ANSWER,  /* JobStatusAnswer: master -> client */
    MESSAGE_JOB_CANCEL,         /* JobCancel: client -> master; Answer */
    MESSAGE_WORKER_LIST,        /* WorkerList: client -> master */
    MESSAGE_WORKER_LIST_ANSWER, /* WorkerListAnswer: master -> client */

    MESSAGE_SEGMENT_FETCH = 112, /* SegmentFetch: trusted -> another worker's segment server */
    MESSAGE_SEGMENT_HEAD,        /* SegmentHead: back; raw bytes may follow (rpc/conn.h) */
};

enum { MESSAGE_TYPE_COUNT = MESSAGE_SEGMENT_HEAD + 1 }; /* types are below; not all are taken */

/* Appends the packed message. */
void message_pack(struct buf *out, const ProtobufCMessage *message);

/* NULL: the bytes are not such a message, or would take more than 32 times their size (ERR_RETRY,
 * as in frame.h). Release it with message_free(). */
void *message_unpack(const ProtobufCMessageDescriptor *type, struct slice payload, struct err *err);
void message_free(void *message); /* NULL is fine */

/* An error as a message and back. `out` borrows from `err` and `detail`, which may be NULL. */
void message_of_err(Mrlua__Error *out, const struct err *err, const char *detail);
void message_to_err(const Mrlua__Error *message, struct err *err);

#endif
