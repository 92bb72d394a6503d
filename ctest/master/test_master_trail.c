/* What a job leaves at a master, and who may ask for it. */
#include "master/master_kit.h"

#include "attempt/capsule.h"
#include "record/value.h"

#include <poll.h>

/* A job whose first attempt prints a line and fails with a part of a capsule. */
static uint64_t fail_one(struct kit_peer *user, uint64_t *attempt)
{
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptFailed failed = MRLUA__ATTEMPT_FAILED__INIT;
    Mrlua__AttemptLog log = MRLUA__ATTEMPT_LOG__INIT;
    Mrlua__Error error = MRLUA__ERROR__INIT;
    uint64_t job = peer_submit_well(user, "key", "out");
    Mrlua__AttemptStart *start;

    peer_watch(user, job);
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    start = peer_await_start(worker);
    *attempt = start->start->attempt;
    log.attempt = failed.attempt = *attempt;
    log.text = (char *)(uintptr_t) "hello";
    peer_send(worker, MESSAGE_ATTEMPT_LOG, 0, &log.base);
    error.kind = ERR_JOB;
    error.message = (char *)(uintptr_t) "it raised";
    error.capsule = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "\xc6\xc7"};
    failed.error = &error;
    peer_send(worker, MESSAGE_ATTEMPT_FAILED, 0, &failed.base);
    peer_await_heard(worker, *attempt);
    message_free(start);
    return job;
}

static Mrlua__TrailData *get(struct kit_peer *user, uint64_t job, const char *name, uint64_t offset)
{
    Mrlua__TrailGet message = MRLUA__TRAIL_GET__INIT;

    message.job = job;
    message.name = (char *)(uintptr_t)name;
    message.offset = offset;
    peer_send(user, MESSAGE_TRAIL_GET, 9, &message.base);
    return peer_await(user, MESSAGE_TRAIL_DATA, &mrlua__trail_data__descriptor);
}

/* What is answered is an error. */
static void refused(struct kit_peer *user, uint64_t job, const char *name, const char *why)
{
    Mrlua__TrailGet message = MRLUA__TRAIL_GET__INIT;
    Mrlua__Answer *answer;

    message.job = job;
    message.name = (char *)(uintptr_t)name;
    peer_send(user, MESSAGE_TRAIL_GET, 9, &message.base);
    answer = peer_await_answer(user);
    assert_non_null(answer->error);
    assert_int_equal(answer->error->kind, ERR_SETUP);
    assert_non_null(strstr(answer->error->message, why));
    message_free(answer);
}

static void a_failed_attempt_leaves_a_capsule_with_the_jobs_code(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__TrailData *data;
    struct slice table, about;
    struct err err;
    uint64_t attempt, job = fail_one(user, &attempt);
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "m0-%llu.capsule", (unsigned long long)attempt);
    data = get(user, job, "", 0);
    assert_int_equal(data->n_names, 2);
    assert_string_equal(strcmp(data->names[0], "log") == 0 ? data->names[1] : data->names[0], name);
    message_free(data);
    data = get(user, job, name, 0);
    assert_int_equal(data->bytes.len, data->total_bytes);
    assert_int_equal(capsule_decode(slice_of(data->bytes.data, data->bytes.len), &table, &err), 0);
    assert_true(value_field_table(table, "job", &about));
    assert_true(slice_equal(value_field_string(about, "id", ""), slice_of_string("1")));
    assert_true(value_field_table(table, "attempt", &about));
    message_free(data);
}

static void the_error_of_the_job_ends_with_the_command(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__JobEvent *end;
    uint64_t attempt;

    (void)state;
    fail_one(user, &attempt);
    end = peer_await_end(user);
    assert_non_null(strstr(end->info->detail, "to look into it: mrlua replay 1/m0 --debug\n"));
    message_free(end);
}

static void lines_are_there_at_once_and_in_the_next_life(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    Mrlua__TrailData *data;
    uint64_t attempt, job = fail_one(user, &attempt);
    char line[64];

    (void)state;
    snprintf(line, sizeof line, "m0-%llu\thello\n", (unsigned long long)attempt);
    for (int life = 0; life < 2; life++) {
        data = get(user, job, "log", 0);
        assert_int_equal(data->bytes.len, strlen(line));
        assert_memory_equal(data->bytes.data, line, strlen(line));
        message_free(data);
        if (life == 0) {
            message_free(peer_await_end(user));
            master_kit_kill(&kit);
            master_kit_start(&kit);
            user = master_kit_connect(&kit, ROLE_SUBMIT);
        }
    }
}

/* Nobody asks, the job goes on, and the master is killed: what was printed a second ago is there.
 */
static void lines_are_written_while_the_job_runs(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *worker = master_kit_connect(&kit, ROLE_WORKER);
    Mrlua__AttemptLog log = MRLUA__ATTEMPT_LOG__INIT;
    uint64_t deadline_ns = clock_monotonic_ns() + MASTER_KIT_AWAIT_MS * NS_PER_MS;
    Mrlua__JobStatusAnswer *answer;
    Mrlua__AttemptStart *start;

    (void)state;
    assert_int_equal(peer_submit_well(user, "key", "out"), 1);
    peer_join(worker, &(struct kit_join){.incarnation = 3}, NULL);
    start = peer_await_start(worker);
    log.attempt = start->start->attempt;
    log.text = (char *)(uintptr_t) "hello";
    peer_send(worker, MESSAGE_ATTEMPT_LOG, 0, &log.base);
    while (!folder_has(&kit.folder, "state/trails/r1/log")) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        poll(NULL, 0, 10);             /* the other process writes it, ... */
        peer_status(user, 1, &answer); /* ... once our loop has sent it */
        message_free(answer);
    }
    message_free(start);
}

static void a_file_is_had_from_any_offset(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    uint64_t attempt, job = fail_one(user, &attempt);
    Mrlua__TrailData *data = get(user, job, "log", 3);
    uint64_t total = data->total_bytes;

    (void)state;
    assert_int_equal(data->bytes.len, total - 3);
    message_free(data);
    data = get(user, job, "log", total);
    assert_int_equal(data->bytes.len, 0);
    assert_false(data->unknown);
    message_free(data);
    data = get(user, job, "log", UINT64_MAX);
    assert_true(data->unknown);
    message_free(data);
    data = get(user, job, "m7-1.capsule", 0);
    assert_true(data->unknown);
    message_free(data);
}

static void code_and_records_are_for_who_may_submit(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    struct kit_peer *reader = master_kit_connect(&kit, ROLE_READ);
    uint64_t attempt, job = fail_one(user, &attempt);
    Mrlua__TrailData *data;

    (void)state;
    refused(reader, job, "m0-1.capsule", "may see logs");
    data = get(reader, job, "log", 0);
    assert_true(data->bytes.len > 0);
    message_free(data);
    data = get(reader, job, "", 0);
    assert_int_equal(data->n_names, 2);
    message_free(data);
}

static void other_files_and_jobs_cannot_be_asked_for(void **state)
{
    struct kit_peer *user = master_kit_connect(&kit, ROLE_SUBMIT);
    uint64_t attempt, job = fail_one(user, &attempt);

    (void)state;
    refused(user, job, "../../journal.db", "no file of a job");
    refused(user, job, "..", "no file of a job");
    refused(user, 99, "log", "there is no job 99");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MASTER_TEST(a_failed_attempt_leaves_a_capsule_with_the_jobs_code),
        MASTER_TEST(the_error_of_the_job_ends_with_the_command),
        MASTER_TEST(lines_are_there_at_once_and_in_the_next_life),
        MASTER_TEST(lines_are_written_while_the_job_runs),
        MASTER_TEST(a_file_is_had_from_any_offset),
        MASTER_TEST(code_and_records_are_for_who_may_submit),
        MASTER_TEST(other_files_and_jobs_cannot_be_asked_for),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
