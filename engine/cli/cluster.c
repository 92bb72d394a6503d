#include "cli/cluster.h"

#include "cli/answer.h"
#include "cli/client.h"
#include "cli/job_values.h"
#include "record/fields.h"
#include "record/value.h"

#include <stdlib.h>

/* What is asked, and what is expected. */
struct question {
    enum message_type type;
    const ProtobufCMessage *body;
    enum message_type answer_type;
    const ProtobufCMessageDescriptor *descriptor;
    bool needs_submit;
};

/* The answer, to be released with message_free(); or NULL, and `result` is {error}. */
static void *ask(struct slice args, const struct question *question, struct buf *result)
{
    char *address = field_text(args, "master"), *key_file = field_text(args, "key_file");
    struct client client = {0};
    void *answer = NULL;
    struct err err;

    err_set(&err, ERR_SETUP, "the address of the master is missing");
    if (address && client_init(&client, address, key_file, client_tls(args), question->needs_submit,
                               &err) == 0)
        client_ask(&client, question->type, question->body, question->answer_type,
                   question->descriptor, &answer, &err);
    if (!answer) {
        value_write_table_begin(result);
        field_name(result, "error");
        answer_error(&err, NULL, false, result);
        value_write_table_end(result);
    }
    client_deinit(&client);
    free(address);
    free(key_file);
    return answer;
}

int cluster_job_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err)
{
    Mrlua__JobList list = MRLUA__JOB_LIST__INIT;
    struct question question = {MESSAGE_JOB_LIST, &list.base, MESSAGE_JOB_LIST_ANSWER,
                                &mrlua__job_list_answer__descriptor, false};
    Mrlua__JobListAnswer *answer = ask(args, &question, result);

    (void)context, (void)host, (void)err;
    if (answer)
        job_values_list(answer, result);
    message_free(answer);
    return 0;
}

int cluster_job_status(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    Mrlua__JobStatus status = MRLUA__JOB_STATUS__INIT;
    struct question question = {MESSAGE_JOB_STATUS, &status.base, MESSAGE_JOB_STATUS_ANSWER,
                                &mrlua__job_status_answer__descriptor, false};
    Mrlua__JobStatusAnswer *answer;

    (void)context, (void)host;
    status.job = (uint64_t)value_field_integer(args, "job", 0);
    answer = ask(args, &question, result);
    if (!answer)
        return 0;
    if (answer->info)
        job_values_status(answer->info, result);
    else
        err_set(err, ERR_RETRY, "the master says nothing about job %llu",
                (unsigned long long)status.job);
    message_free(answer);
    return result->len ? 0 : -1;
}

/* A value that came from elsewhere: none where it is damaged, or empty. */
static void add_value(const char *name, struct slice value, struct buf *out)
{
    struct err ignored;

    if (value.len == 0 || value_check(value, &ignored) != 0)
        return;
    field_name(out, name);
    buf_append(out, value.ptr, value.len);
}

static struct slice slice_of_bytes(const ProtobufCBinaryData *bytes)
{
    return slice_of((const char *)bytes->data, bytes->len);
}

/* The rest of the bundle, whose first piece came with the first answer. -1: `result` is {error}. */
static int ask_rest(struct slice args, const struct question *question, Mrlua__JobStatus *status,
                    uint64_t bytes, struct buf *bundle, struct buf *result)
{
    while (bundle->len < bytes) {
        Mrlua__JobStatusAnswer *answer;
        size_t before = bundle->len;

        status->bundle_offset = bundle->len;
        answer = ask(args, question, result);
        if (!answer)
            return -1;
        buf_append(bundle, answer->bundle.data, answer->bundle.len);
        message_free(answer);
        if (bundle->len == before) {
            buf_clear(bundle); /* it is gone meanwhile */
            return 0;
        }
    }
    return 0;
}

static void write_facts(const Mrlua__JobStatusAnswer *answer, const struct buf *bundle,
                        struct buf *result)
{
    value_write_table_begin(result);
    field_name(result, "status");
    job_values_status(answer->info, result);
    field_name(result, "facts");
    job_values_facts(answer->facts, result);
    add_value("params", slice_of_bytes(&answer->params), result);
    add_value("bundle", buf_slice(bundle), result);
    value_write_table_end(result);
}

int cluster_job_facts(void *context, struct vm_host *host, struct slice args, struct buf *result,
                      struct err *err)
{
    Mrlua__JobStatus status = MRLUA__JOB_STATUS__INIT;
    struct question question = {MESSAGE_JOB_STATUS, &status.base, MESSAGE_JOB_STATUS_ANSWER,
                                &mrlua__job_status_answer__descriptor, false};
    Mrlua__JobStatusAnswer *answer;
    struct buf bundle = {0};
    int rc = 0;

    (void)context, (void)host;
    status.job = (uint64_t)value_field_integer(args, "job", 0);
    status.facts = true;
    answer = ask(args, &question, result);
    if (!answer)
        return 0;
    buf_append(&bundle, answer->bundle.data, answer->bundle.len);
    if (!answer->info)
        rc = err_set(err, ERR_RETRY, "the master says nothing about job %llu",
                     (unsigned long long)status.job);
    else if (ask_rest(args, &question, &status, answer->bundle_bytes, &bundle, result) == 0)
        write_facts(answer, &bundle, result);
    buf_deinit(&bundle);
    message_free(answer);
    return rc;
}

int cluster_job_cancel(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;
    struct question question = {MESSAGE_JOB_CANCEL, &cancel.base, MESSAGE_ANSWER, NULL, true};
    Mrlua__Answer *answer;

    (void)context, (void)host, (void)err;
    cancel.job = (uint64_t)value_field_integer(args, "job", 0);
    answer = ask(args, &question, result);
    if (answer) {
        value_write_table_begin(result);
        field_integer(result, "id", cancel.job);
        field_boolean(result, "ok", true);
        value_write_table_end(result);
    }
    message_free(answer);
    return 0;
}

int cluster_worker_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    Mrlua__WorkerList list = MRLUA__WORKER_LIST__INIT;
    struct question question = {MESSAGE_WORKER_LIST, &list.base, MESSAGE_WORKER_LIST_ANSWER,
                                &mrlua__worker_list_answer__descriptor, false};
    Mrlua__WorkerListAnswer *answer = ask(args, &question, result);

    (void)context, (void)host, (void)err;
    if (answer)
        job_values_workers(answer, result);
    message_free(answer);
    return 0;
}

static int print_key(struct slice args, struct buf *text, struct err *err)
{
    char *role = field_text(args, "role"), *key_file = field_text(args, "key_file");
    struct keys keys = {0};
    int rc = key_file ? keys_load(&keys, key_file, err) : keys_load_own(&keys, err);

    if (rc == 0)
        rc = keys_print_role(&keys, access_role_parse(role ? role : ""), text, err);
    keys_forget(&keys);
    free(role);
    free(key_file);
    return rc;
}

int cluster_role_key(void *context, struct vm_host *host, struct slice args, struct buf *result,
                     struct err *err)
{
    struct buf text = {0};
    int rc = print_key(args, &text, err);

    (void)context, (void)host;
    if (rc == 0) {
        value_write_table_begin(result);
        field_string(result, "key", buf_string(&text));
        value_write_table_end(result);
    }
    buf_deinit(&text);
    return rc;
}
