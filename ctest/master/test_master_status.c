#include "master/master_kit.h"

/* Puts bytes as a blob, and answers their name. */
static void put(struct kit_peer *user, const char *text, uint8_t hash[BLOB_HASH_BYTES])
{
    Mrlua__BlobPut message = MRLUA__BLOB_PUT__INIT;
    Mrlua__BlobHave *have;

    blob_hash(slice_of_string(text), hash);
    message.hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, hash};
    message.total_bytes = strlen(text);
    message.bytes = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
    peer_send(user, MESSAGE_BLOB_PUT, 3, &message.base);
    have = peer_await(user, MESSAGE_BLOB_HAVE, &mrlua__blob_have__descriptor);
    assert_true(have->complete);
    message_free(have);
}

static uint64_t submit_with_code(struct kit_peer *user)
{
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    char *input = (char *)(uintptr_t)folder_path(&kit.folder, "in");
    uint8_t bundle[BLOB_HASH_BYTES], params[BLOB_HASH_BYTES];
    Mrlua__Answer *answer;
    uint64_t job;

    put(user, "the bundle", bundle);
    put(user, "the params", params);
    submit.idempotency_key = (char *)(uintptr_t) "key";
    submit.name = (char *)(uintptr_t) "job";
    submit.inputs = &input;
    submit.n_inputs = 1;
    submit.input = (char *)(uintptr_t) "lines";
    submit.output = (char *)(uintptr_t) "tsv";
    submit.output_folder = (char *)(uintptr_t)folder_path(&kit.folder, "out");
    submit.reducers = 1;
    submit.bundle_hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, bundle};
    submit.params_hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, params};
    peer_send(user, MESSAGE_JOB_SUBMIT, 5, &submit.base);
    answer = peer_await_answer(user);
    assert_null(answer->error);
    job = answer->job;
    message_free(answer);
    return job;
}

static Mrlua__JobStatusAnswer *ask(struct kit_peer *user, uint64_t job, uint64_t offset)
{
    Mrlua__JobStatus status = MRLUA__JOB_STATUS__INIT;

    status.job = job;
    status.facts = true;
    status.bundle_offset = offset;
    peer_send(user, MESSAGE_JOB_STATUS, 7, &status.base);
    return peer_await(user, MESSAGE_JOB_STATUS_ANSWER, &mrlua__job_status_answer__descriptor);
}

static void assert_bytes(const ProtobufCBinaryData *bytes, const char *expected)
{
    assert_int_equal(bytes->len, strlen(expected));
    assert_memory_equal(bytes->data, expected, bytes->len);
}

static void assert_facts(Mrlua__JobStatusAnswer *answer)
{
    assert_non_null(answer->facts);
    assert_int_equal(answer->facts->submit->reducers, 1);
    assert_int_equal(strncmp(answer->facts->publish_id, "job-", 4), 0);
    assert_int_equal(answer->facts->inputs->count, 1);
    assert_string_equal(answer->facts->inputs->first[0]->name, folder_path(&kit.folder, "in"));
    assert_int_equal(answer->facts->inputs->first[0]->bytes, 4);
    assert_bytes(&answer->params, "the params");
    assert_bytes(&answer->bundle, "the bundle");
    assert_int_equal(answer->bundle_bytes, strlen("the bundle"));
}

static void what_a_job_was_asked_for_is_told_whether_it_runs_or_not(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__JobStatusAnswer *answer;
    Mrlua__JobEvent *end;
    uint64_t job;

    (void)state;
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    job = submit_with_code(user);
    peer_watch(user, job);
    peer_do_map(worker); /* so there is a plan */
    answer = ask(user, job, 0);
    assert_facts(answer);
    message_free(answer);
    peer_do_reduce(worker);
    end = peer_await_end(user);
    answer = ask(user, job, 0);
    assert_int_equal(answer->info->status, JOB_SUCCEEDED);
    assert_facts(answer);
    message_free(answer);
    message_free(end);

    master_kit_kill(&kit); /* and in the next life of the master */
    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_READ);
    answer = ask(user, job, 0);
    assert_facts(answer);
    message_free(answer);
}

static void a_bundle_is_told_from_where_one_asks(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobStatusAnswer *answer;
    uint64_t job = submit_with_code(user);

    (void)state;
    answer = ask(user, job, 4);
    assert_bytes(&answer->bundle, "bundle");
    assert_int_equal(answer->bundle_bytes, strlen("the bundle"));
    message_free(answer);
    answer = ask(user, job, strlen("the bundle"));
    assert_bytes(&answer->bundle, "");
    message_free(answer);
    answer = ask(user, job, UINT64_MAX);
    assert_bytes(&answer->bundle, "");
    message_free(answer);
}

static void who_asks_how_it_is_gets_nothing_more(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobStatusAnswer *answer;

    (void)state;
    peer_status(user, submit_with_code(user), &answer);
    assert_null(answer->facts);
    assert_bytes(&answer->bundle, "");
    assert_bytes(&answer->params, "");
    message_free(answer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(what_a_job_was_asked_for_is_told_whether_it_runs_or_not),
        MASTER_TEST(a_bundle_is_told_from_where_one_asks),
        MASTER_TEST(who_asks_how_it_is_gets_nothing_more),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
