#include "cli/daemons.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/functions.h"
#include "master/master.h"
#include "record/fields.h"
#include "record/value.h"
#include "rpc/keys.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What --log said, checked by the command: "text" or "json". */
static void begin_log(struct slice args, const char *component)
{
    char *format = field_text(args, "log");

    log_enable(format && strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT, component);
    free(format);
}

static int load_keys(struct keys *keys, const char *key_file, struct err *err)
{
    return key_file ? keys_load(keys, key_file, err) : keys_load_own(keys, err);
}

/* The first line, at once: who waits for it is not to wait for a full buffer. */
static void say_address(const char *listen, uint16_t port)
{
    const char *colon = strrchr(listen, ':');

    printf("mrlua master listens on %.*s:%u\n", (int)(colon ? colon - listen : 0), listen, port);
    fflush(stdout);
}

static void say_page(const struct master *master)
{
    struct buf address = {0};

    if (master_page_address(master, &address))
        printf("mrlua master shows its page at %s\n", buf_string(&address));
    fflush(stdout);
    buf_deinit(&address);
}

static int serve_master(const struct master_options *options, const struct nursery *nursery,
                        struct buf *result, struct err *err)
{
    struct master *master = master_open(options, nursery, err);
    int rc = -1;

    if (!master)
        return -1;
    say_address(options->listen, master_port(master));
    say_page(master);
    rc = master_run(master, err);
    if (rc == 0) {
        value_write_table_begin(result);
        field_boolean(result, "succeeded", !options->once || master_succeeded(master));
        value_write_table_end(result);
    }
    master_close(master);
    return rc;
}

int daemons_master(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err)
{
    struct nursery *nursery = functions_nursery(context, err); /* before there is any key */
    struct keys keys = {0};
    char *listen = field_text(args, "listen"), *state = field_text(args, "state");
    char *key_file = field_text(args, "key_file"), *root = field_text(args, "root");
    char *http = field_text(args, "http");
    struct master_options options = {
        .listen = listen,
        .http = http,
        .http_may_fail = value_field_boolean(args, "http_may_fail", false),
        .root = root,
        .state_folder = state,
        .keys = &keys,
        .once = value_field_boolean(args, "once", false),
        .fifo = value_field_boolean(args, "fifo", false),
        .key_is_given = key_file != NULL,
        .tls = client_tls(args),
    };
    int rc = -1;

    (void)host;
    begin_log(args, "master");
    if (nursery && load_keys(&keys, key_file, err) == 0)
        rc = serve_master(&options, nursery, result, err);
    keys_forget(&keys);
    free(listen);
    free(state);
    free(http);
    free(root);
    free(key_file);
    return rc;
}

static int serve_worker(const struct worker_options *options, const struct nursery *nursery,
                        struct err *err)
{
    struct worker *worker = worker_open(options, nursery, err);
    int rc = -1;

    if (worker)
        rc = worker_run(worker, err);
    worker_close(worker);
    return rc;
}

int daemons_worker(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err)
{
    struct nursery *nursery = functions_nursery(context, err); /* before there is any key */
    struct keys keys = {0};
    char *master = field_text(args, "master"), *dir = field_text(args, "dir");
    char *root = field_text(args, "root"), *listen = field_text(args, "listen");
    char *key_file = field_text(args, "key_file"), *metadata = field_text(args, "metadata");
    struct worker_options options = {
        .master = master,
        .dir = dir,
        .listen = listen,
        .root = root,
        .metadata = metadata,
        .keys = &keys,
        .key_is_given = key_file != NULL,
        .tls = client_tls(args),
        .allow_unsafe = value_field_boolean(args, "allow_unsafe", false),
        .slots = (uint32_t)value_field_integer(args, "slots", 1),
        .disk_limit_bytes = (uint64_t)value_field_integer(args, "disk_limit_bytes", 0),
        .drain_ns = (uint64_t)value_field_integer(args, "drain_ms", 0) * NS_PER_MS,
    };
    int rc = -1;

    (void)host, (void)result;
    begin_log(args, "worker");
    if (nursery && load_keys(&keys, key_file, err) == 0)
        rc = serve_worker(&options, nursery, err);
    keys_forget(&keys);
    free(master);
    free(dir);
    free(root);
    free(metadata);
    free(listen);
    free(key_file);
    return rc;
}
