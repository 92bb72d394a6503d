#include "cli/cluster_trail.h"

#include "cli/answer.h"
#include "cli/client.h"
#include "master/job_trail.h"
#include "record/fields.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>

/* A log and the line that ends it; a capsule. */
enum { FILE_BYTES_MAX = CAPSULE_BYTES_MAX };
_Static_assert((int)JOB_TRAIL_LOG_BYTES_MAX + 64 * 1024 <= (int)FILE_BYTES_MAX, "a log fits");

/* One question. NULL with *err. */
static Mrlua__TrailData *ask(struct client *client, const Mrlua__TrailGet *get, struct err *err)
{
    void *answer = NULL;

    client_ask(client, MESSAGE_TRAIL_GET, &get->base, MESSAGE_TRAIL_DATA,
               &mrlua__trail_data__descriptor, &answer, err);
    return answer;
}

/* All of a file, a piece at a time. 1, 0: there is none, or -1. */
static int read_file(struct client *client, Mrlua__TrailGet *get, struct buf *out, struct err *err)
{
    uint64_t total = UINT64_MAX;

    while (out->len < total) {
        Mrlua__TrailData *data = ask(client, get, err);
        size_t before = out->len;
        bool is_unknown = data && data->unknown;

        if (!data)
            return -1;
        if (data->total_bytes > FILE_BYTES_MAX || data->bytes.len > FILE_BYTES_MAX) {
            message_free(data);
            return err_set(err, ERR_RETRY, "the master's %s is larger than it may be", get->name);
        }
        total = data->total_bytes;
        buf_append(out, data->bytes.data, data->bytes.len);
        message_free(data);
        if (is_unknown)
            return 0;
        if (out->len == before)
            break;
        get->offset = out->len;
    }
    return 1;
}

static int answer_names(struct client *client, const Mrlua__TrailGet *get, struct buf *result,
                        struct err *err)
{
    Mrlua__TrailData *data = ask(client, get, err);

    if (!data)
        return -1;
    field_name(result, "names");
    value_write_list_begin(result, data->n_names);
    for (size_t i = 0; i < data->n_names; i++)
        value_write_string(result, slice_of_string(data->names[i]));
    message_free(data);
    return 0;
}

static int answer_file(struct client *client, Mrlua__TrailGet *get, struct buf *result,
                       struct err *err)
{
    struct buf bytes = {0};
    int rc = read_file(client, get, &bytes, err);

    if (rc == 1)
        field_bytes(result, "bytes", buf_slice(&bytes));
    buf_deinit(&bytes);
    return rc < 0 ? -1 : 0;
}

static int answer(struct slice args, const char *address, const char *key_file, char *name,
                  struct buf *result, struct err *err)
{
    bool needs_submit = name && strcmp(name, "log") != 0;
    Mrlua__TrailGet get = MRLUA__TRAIL_GET__INIT;
    struct client client = {0};
    int rc = client_init(&client, address, key_file, client_tls(args), needs_submit, err);

    get.job = (uint64_t)value_field_integer(args, "job", 0);
    if (name)
        get.name = name;
    if (rc == 0)
        rc = name ? answer_file(&client, &get, result, err)
                  : answer_names(&client, &get, result, err);
    client_deinit(&client);
    return rc;
}

int cluster_job_trail(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    char *address = field_text(args, "master"), *key_file = field_text(args, "key_file");
    char *name = field_text(args, "name");
    int rc;

    (void)context, (void)host;
    value_write_table_begin(result);
    rc = address ? answer(args, address, key_file, name, result, err)
                 : err_set(err, ERR_SETUP, "the address of the master is missing");
    if (rc != 0) {
        buf_clear(result);
        value_write_table_begin(result);
        field_name(result, "error");
        answer_error(err, NULL, false, result);
    }
    value_write_table_end(result);
    free(address);
    free(key_file);
    free(name);
    return 0;
}
