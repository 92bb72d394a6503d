#include "master/master_kit.h"

static void assert_refused(struct kit_peer *user, const char *words)
{
    Mrlua__Answer *answer = peer_await_answer(user);

    assert_non_null(answer->error);
    if (!strstr(answer->error->message, words))
        fail_msg("%s", answer->error->message);
    message_free(answer);
}

static void an_output_belongs_to_one_job(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);

    (void)state;
    peer_submit_well(user, "one", "out");
    peer_submit(user, "two", "out");
    assert_refused(user, "job 1 (job) is writing to it");
    folder_mkdir(&kit.folder, "full");
    folder_write(&kit.folder, "full/file", "x", 1);
    peer_submit(user, "three", "full");
    assert_refused(user, "not empty");
}

static void a_submit_that_comes_again_is_one_job(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__Answer *answer;

    (void)state;
    assert_int_equal(peer_submit_well(user, "one", "out"), 1);
    peer_submit(user, "one", "out");
    answer = peer_await_answer(user);
    assert_int_equal(answer->job, 1);
    assert_true(answer->existed);
    message_free(answer);
}

/* The first event of a watched job that has a line, or nothing but its end. */
static void expect_first_line(struct kit_peer *user, uint64_t job, const char *words)
{
    Mrlua__JobEvent *event;

    peer_watch(user, job);
    do
        event = peer_await(user, MESSAGE_JOB_EVENT, &mrlua__job_event__descriptor);
    while (!event->log[0] && !event->ended);
    if (!strstr(event->log, words) || (!words[0] && event->log[0]))
        fail_msg("%s", event->log);
    message_free(event);
}

/* Or its user looks at 0 % for ever. */
static void a_job_that_comes_before_any_worker_says_so(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker;
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;

    (void)state;
    expect_first_line(user, peer_submit_well(user, "one", "out"), "no worker has joined");
    worker = master_kit_connect(&kit, ROLE_WORKER);
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    cancel.job = peer_submit_well(user, "two", "out2");
    peer_send(user, MESSAGE_JOB_CANCEL, 1, &cancel.base);
    message_free(peer_await_answer(user));
    expect_first_line(user, cancel.job, "");
}

static void a_wrong_submit_is_refused(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    char relative[] = "in", absolute[] = "/in", key[] = "key", lines[] = "lines", tsv[] = "tsv";
    char standard_input[] = "-", *input = relative;
    Mrlua__InputGroup group = MRLUA__INPUT_GROUP__INIT, *groups[] = {&group};
    uint8_t hash[BLOB_HASH_BYTES] = {1};
    Mrlua__SideFile file = MRLUA__SIDE_FILE__INIT, *files[CHILD_FILE_COUNT_MAX + 1];
    char name[] = "stop";

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        files[i] = &file;
    group.name = key;
    group.format = lines;
    group.count = 2;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "idempotency key");
    submit.idempotency_key = key;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "path from the root");
    submit.output_folder = absolute;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "no input");
    submit.inputs = &input;
    submit.n_inputs = 1;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "input in: the master needs a path");
    submit.folder = (char *)(uintptr_t)folder_path(&kit.folder, "state");
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "in the master's own folder");
    input = standard_input;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "no standard input");
    input = absolute;
    submit.input = lines;
    submit.output = tsv;
    submit.groups = groups;
    submit.n_groups = 1;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "1 inputs, and names for 2");
    submit.n_groups = 0;
    submit.bundle_hash = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "bundle has not been sent");
    submit.bundle_hash.len = 0;
    submit.files = files;
    submit.n_files = 1;
    file.name = name;
    file.path = absolute;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "side file stop: it came neither as a blob nor as gs://");
    file.hash = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "side file stop: the job's side file has not been sent");
    file.name = (char *)(uintptr_t) "";
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "a side file without a name");
    submit.n_files = CHILD_FILE_COUNT_MAX + 1;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "a job has 17 side files, 16 are the most");
    submit.attempts = 1000;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "attempts");
    submit.skip_bad = SCHED_SKIP_BAD_MAX + 1;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "skip_bad: 1001 is more than 1000");
}

static void a_job_that_can_take_nothing_of_earlier_ones_is_refused(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    char input[] = "gs://bkt/in", output[] = "gs://bkt/out", key[] = "key", lines[] = "lines";
    char tsv[] = "tsv", gcs[] = "gcs", *inputs[] = {input};

    (void)state;
    submit.idempotency_key = key;
    submit.inputs = inputs;
    submit.n_inputs = 1;
    submit.output_folder = output;
    submit.input = lines;
    submit.output = tsv;
    submit.reuse = true;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "--reuse needs --shuffle gcs");
    submit.shuffle = gcs;
    submit.map_only = true;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "has nothing to take");
    submit.map_only = false;
    submit.skip_bad = 1;
    peer_send(user, MESSAGE_JOB_SUBMIT, 1, &submit.base);
    assert_refused(user, "has nothing to take");
}

static void jobs_stay_out_of_the_masters_folder(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);

    (void)state;
    peer_submit(user, "one", "state/out");
    assert_refused(user, "state/out: is in the master's own folder");
    assert_int_not_equal(access(folder_path(&kit.folder, "state/out"), F_OK), 0);
}

static void jobs_stay_below_the_root(void **state)
{
    struct kit_peer *user;

    master_kit_close(&kit);
    master_kit_open(&kit);
    kit.root = "root";
    folder_mkdir(&kit.folder, "root");
    folder_write(&kit.folder, "in", "a\n", 2);
    master_kit_start(&kit);
    user = master_kit_connect(&kit, ROLE_SUBMIT);
    peer_submit(user, "one", "out");
    assert_refused(user, "out: the master opens nothing outside of its root");
    peer_submit(user, "two", "root/out");
    assert_refused(user, "in: the master opens nothing outside of its root");
    kit.root = NULL;
    (void)state;
}

static void a_job_that_nobody_knows_is_told(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobStatus status = MRLUA__JOB_STATUS__INIT;
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;

    (void)state;
    status.job = cancel.job = 9;
    peer_send(user, MESSAGE_JOB_STATUS, 1, &status.base);
    assert_refused(user, "no job 9");
    peer_send(user, MESSAGE_JOB_CANCEL, 1, &cancel.base);
    assert_refused(user, "no job 9");
    peer_watch(user, 9);
    assert_refused(user, "no job 9");
}

static void a_blob_is_put_and_got(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__BlobPut put = MRLUA__BLOB_PUT__INIT;
    Mrlua__BlobGet get = MRLUA__BLOB_GET__INIT;
    Mrlua__BlobHave *have;
    Mrlua__BlobData *data;
    uint8_t hash[BLOB_HASH_BYTES];
    char text[] = "some source";

    (void)state;
    blob_hash(slice_of_string(text), hash);
    put.hash = get.hash = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    peer_send(worker, MESSAGE_BLOB_GET, 2, &get.base);
    data = peer_await(worker, MESSAGE_BLOB_DATA, &mrlua__blob_data__descriptor);
    assert_true(data->unknown);
    message_free(data);
    put.total_bytes = sizeof text - 1;
    put.bytes = (ProtobufCBinaryData){.len = sizeof text - 1, .data = (uint8_t *)text};
    peer_send(user, MESSAGE_BLOB_PUT, 3, &put.base);
    have = peer_await(user, MESSAGE_BLOB_HAVE, &mrlua__blob_have__descriptor);
    assert_true(have->complete);
    message_free(have);
    get.offset = 5;
    peer_send(worker, MESSAGE_BLOB_GET, 4, &get.base);
    data = peer_await(worker, MESSAGE_BLOB_DATA, &mrlua__blob_data__descriptor);
    assert_int_equal(data->bytes.len, 6);
    assert_memory_equal(data->bytes.data, "source", 6);
    assert_int_equal(data->total_bytes, 11);
    message_free(data);
}

/* A client that submits the job again puts its blobs again, and is told which are there. */
static void a_blob_that_came_damaged_is_looked_at(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    char hash_text[BLOB_HASH_TEXT_BYTES], name[128], text[] = "some source";
    Mrlua__BlobPut put = MRLUA__BLOB_PUT__INIT;
    Mrlua__BlobGet get = MRLUA__BLOB_GET__INIT;
    uint8_t hash[BLOB_HASH_BYTES];
    Mrlua__BlobHave *have;
    Mrlua__BlobData *data;

    (void)state;
    blob_hash(slice_of_string(text), hash);
    put.hash = get.hash = (ProtobufCBinaryData){.len = sizeof hash, .data = hash};
    put.total_bytes = sizeof text - 1;
    put.bytes = (ProtobufCBinaryData){.len = sizeof text - 1, .data = (uint8_t *)text};
    peer_send(user, MESSAGE_BLOB_PUT, 1, &put.base);
    message_free(peer_await(user, MESSAGE_BLOB_HAVE, &mrlua__blob_have__descriptor));
    get.came_damaged = true;
    peer_send(worker, MESSAGE_BLOB_GET, 2, &get.base);
    data = peer_await(worker, MESSAGE_BLOB_DATA, &mrlua__blob_data__descriptor);
    assert_int_equal(data->bytes.len, sizeof text - 1); /* it is well here */
    message_free(data);
    blob_hash_print(hash, hash_text);
    snprintf(name, sizeof name, "state/blobs/%s", hash_text);
    folder_write(&kit.folder, name, "some sourcE", 11);
    peer_send(worker, MESSAGE_BLOB_GET, 3, &get.base);
    data = peer_await(worker, MESSAGE_BLOB_DATA, &mrlua__blob_data__descriptor);
    assert_true(data->unknown);
    assert_string_equal(data->trouble, "the master's copy was damaged: submit the job again");
    message_free(data);
    put.bytes.len = 0; /* only asks */
    peer_send(user, MESSAGE_BLOB_PUT, 4, &put.base);
    have = peer_await(user, MESSAGE_BLOB_HAVE, &mrlua__blob_have__descriptor);
    assert_false(have->complete);
    message_free(have);
}

static void workers_are_listed(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_READ);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__WorkerList list = MRLUA__WORKER_LIST__INIT;
    Mrlua__WorkerListAnswer *answer;

    (void)state;
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    peer_send(user, MESSAGE_WORKER_LIST, 1, &list.base);
    answer = peer_await(user, MESSAGE_WORKER_LIST_ANSWER, &mrlua__worker_list_answer__descriptor);
    assert_int_equal(answer->n_workers, 1);
    assert_int_equal(answer->workers[0]->slots, 1);
    assert_true(answer->workers[0]->connected);
    message_free(answer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(an_output_belongs_to_one_job),
        MASTER_TEST(a_submit_that_comes_again_is_one_job),
        MASTER_TEST(a_job_that_comes_before_any_worker_says_so),
        MASTER_TEST(jobs_stay_out_of_the_masters_folder),
        MASTER_TEST(jobs_stay_below_the_root),
        MASTER_TEST(a_wrong_submit_is_refused),
        MASTER_TEST(a_job_that_can_take_nothing_of_earlier_ones_is_refused),
        MASTER_TEST(a_job_that_nobody_knows_is_told),
        MASTER_TEST(a_blob_is_put_and_got),
        MASTER_TEST(a_blob_that_came_damaged_is_looked_at),
        MASTER_TEST(workers_are_listed),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
