#include "master/master_kit.h"
#include "master/master_state.h"

static void jobs_are_found_by_their_number(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobList list = MRLUA__JOB_LIST__INIT;
    Mrlua__JobListAnswer *answer;

    (void)state;
    assert_int_equal(peer_submit_well(user, "one", "out1"), 1);
    assert_int_equal(peer_submit_well(user, "two", "out2"), 2);
    peer_send(user, MESSAGE_JOB_LIST, 1, &list.base);
    answer = peer_await(user, MESSAGE_JOB_LIST_ANSWER, &mrlua__job_list_answer__descriptor);
    assert_int_equal(answer->n_jobs, 2);
    assert_int_equal(answer->jobs[0]->job, 2); /* newest first */
    message_free(answer);
    list.count_max = 1;
    peer_send(user, MESSAGE_JOB_LIST, 1, &list.base);
    answer = peer_await(user, MESSAGE_JOB_LIST_ANSWER, &mrlua__job_list_answer__descriptor);
    assert_int_equal(answer->n_jobs, 1);
    message_free(answer);
}

static void a_cancelled_job_gives_its_output_back(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobCancel cancel = MRLUA__JOB_CANCEL__INIT;
    Mrlua__Answer *answer;
    Mrlua__JobEvent *end;

    (void)state;
    cancel.job = peer_submit_well(user, "one", "out");
    peer_watch(user, cancel.job);
    assert_true(folder_has(&kit.folder, "out/.mrlua-claim"));
    peer_send(user, MESSAGE_JOB_CANCEL, 1, &cancel.base);
    answer = peer_await_answer(user);
    assert_null(answer->error);
    message_free(answer);
    end = peer_await_end(user);
    assert_int_equal(end->info->status, JOB_CANCELLED);
    message_free(end);
    assert_false(folder_has(&kit.folder, "out"));
    peer_send(user, MESSAGE_JOB_CANCEL, 1, &cancel.base);
    answer = peer_await_answer(user);
    assert_non_null(strstr(answer->error->message, "has ended"));
    message_free(answer);
    peer_submit_well(user, "two", "out");
}

/* A job that has ended, with code of this name. */
static Mrlua__JobHistory *past_with_code(uint8_t name)
{
    Mrlua__JobHistory history = MRLUA__JOB_HISTORY__INIT, *copy;
    Mrlua__JobFacts facts = MRLUA__JOB_FACTS__INIT;
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    uint8_t hash[BLOB_HASH_BYTES] = {name};
    struct buf packed = {0};
    struct err err;

    submit.bundle_hash = submit.params_hash = (ProtobufCBinaryData){BLOB_HASH_BYTES, hash};
    facts.submit = &submit;
    history.facts = &facts;
    message_pack(&packed, &history.base);
    copy = message_unpack(&mrlua__job_history__descriptor, buf_slice(&packed), &err);
    buf_deinit(&packed);
    return copy;
}

static void code_is_named_as_long_as_its_job_is_remembered(void **state)
{
    static struct master master;
    uint8_t first[BLOB_HASH_BYTES] = {1}, others[BLOB_HASH_BYTES] = {2};

    (void)state;
    list_init(&master.jobs);
    master_past_add_take(&master, 1, past_with_code(1));
    for (uint64_t i = 2; i <= JOURNAL_HISTORY_COUNT_MAX; i++)
        master_past_add_take(&master, i, past_with_code(2));
    assert_true(master_blob_is_named(&master, first));
    assert_int_equal(master.blobs.leaving_count, 0);
    master_past_add_take(&master, JOURNAL_HISTORY_COUNT_MAX + 1, past_with_code(2));
    assert_false(master_blob_is_named(&master, first));
    assert_true(master_blob_is_named(&master, others));
    assert_int_equal(master.blobs.leaving_count, 1);
    assert_memory_equal(master.blobs.leaving[0].hash, first, sizeof first);
    for (size_t i = 0; i < master.past_count; i++)
        message_free(master.past[i].history);
    free(master.past);
    blobs_deinit(&master.blobs);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(jobs_are_found_by_their_number),
        MASTER_TEST(a_cancelled_job_gives_its_output_back),
        cmocka_unit_test(code_is_named_as_long_as_its_job_is_remembered),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
