/*
 * err: why a call failed, in the kinds the scheduler can act on.
 *
 *     if (fd < 0)
 *         return err_set_errno(err, ERR_INPUT, "open %s", path);
 *
 * A failing function fills its last parameter and returns -1 (or NULL). A message is one line
 * without a newline and names operation, object and cause: "open /data/x: No such file or
 * directory".
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
    ERR_NONE = 0,
    ERR_RETRY, /* the world: network, store. Another attempt may work. */
    ERR_DISK,  /* this worker's disk: try elsewhere. */
    ERR_PEER,  /* a segment could not be had: the map's fault, not the reduce's. */
    ERR_INPUT, /* the data: corrupt or missing input. Retrying cannot help. */
    ERR_JOB,   /* the user's Lua raised an error in map, combine or reduce. */
    ERR_LIMIT, /* killed at a limit, or the VM died. */
    ERR_SETUP, /* the job or the flags are wrong. Nothing was started. */
};

enum {
    ERR_KIND_COUNT = ERR_SETUP + 1,
    ERR_MESSAGE_BYTES = 1024, /* a path of 255 bytes, twice, and a sentence */
};

struct err {
    enum err_kind kind;
    char message[ERR_MESSAGE_BYTES];
};

/* Fills `err` and returns -1. A longer message is cut; newlines become spaces. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, followed by ": " and strerror(errno). */
int err_set_errno(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "<text>: " before the message that is there, keeping its kind. Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A disk that is full or broken is ERR_DISK; any other errno of a local file is `otherwise`. */
enum err_kind err_kind_of_errno(int error, enum err_kind otherwise);

/* "retry", "disk", ...: for logs, facts and JSON. */
const char *err_kind_name(enum err_kind kind);

#endif
