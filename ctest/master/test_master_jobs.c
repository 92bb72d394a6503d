#include "master/master_kit.h"

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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(jobs_are_found_by_their_number),
        MASTER_TEST(a_cancelled_job_gives_its_output_back),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
