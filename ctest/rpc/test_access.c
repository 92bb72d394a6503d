#include "test.h"

#include "rpc/access.h"
#include "rpc/message.h"

#include <stdbool.h>

/* What each may say: written down a second time, by sender. */
static const uint8_t SUBMIT_MAY[] = {
    MESSAGE_BLOB_PUT,   MESSAGE_JOB_SUBMIT, MESSAGE_JOB_WATCH,   MESSAGE_JOB_LIST,
    MESSAGE_JOB_STATUS, MESSAGE_JOB_CANCEL, MESSAGE_WORKER_LIST, MESSAGE_TRAIL_GET,
};
static const uint8_t READ_MAY[] = {
    MESSAGE_JOB_WATCH, MESSAGE_JOB_LIST, MESSAGE_JOB_STATUS, MESSAGE_WORKER_LIST, MESSAGE_TRAIL_GET,
};
static const uint8_t WORKER_MAY[] = {
    MESSAGE_WORKER_JOIN,    MESSAGE_HEARTBEAT,     MESSAGE_ATTEMPT_FETCHED, MESSAGE_ATTEMPT_DONE,
    MESSAGE_ATTEMPT_FAILED, MESSAGE_OUTPUT_LOST,   MESSAGE_ATTEMPT_LOG,     MESSAGE_ATTEMPT_CALL,
    MESSAGE_BLOB_GET,       MESSAGE_SEGMENT_FETCH,
};
static const uint8_t NOBODY_YET_MAY[] = {
    MESSAGE_HELLO,
    MESSAGE_HELLO_ANSWER,
    MESSAGE_AUTH,
    MESSAGE_WELCOME,
};
static const uint8_t SERVER_MAY[] = {
    MESSAGE_ANSWER,
    MESSAGE_WORKER_WELCOME,
    MESSAGE_ATTEMPT_START,
    MESSAGE_ATTEMPT_RUN,
    MESSAGE_ATTEMPT_KILL,
    MESSAGE_OUTPUT_FORGET,
    MESSAGE_JOB_OVER,
    MESSAGE_SOURCES,
    MESSAGE_REPORT_HEARD,
    MESSAGE_ATTEMPT_ANSWER,
    MESSAGE_BLOB_HAVE,
    MESSAGE_BLOB_DATA,
    MESSAGE_TRAIL_DATA,
    MESSAGE_JOB_EVENT,
    MESSAGE_JOB_LIST_ANSWER,
    MESSAGE_JOB_STATUS_ANSWER,
    MESSAGE_WORKER_LIST_ANSWER,
    MESSAGE_SEGMENT_HEAD,
};

static const struct {
    const uint8_t *types;
    size_t count;
} MAY[ROLE_COUNT] = {
    [ROLE_NONE] = {NOBODY_YET_MAY, sizeof NOBODY_YET_MAY},
    [ROLE_SUBMIT] = {SUBMIT_MAY, sizeof SUBMIT_MAY},
    [ROLE_WORKER] = {WORKER_MAY, sizeof WORKER_MAY},
    [ROLE_READ] = {READ_MAY, sizeof READ_MAY},
    [ROLE_SERVER] = {SERVER_MAY, sizeof SERVER_MAY},
};

static bool is_listed(int role, int type)
{
    for (size_t i = 0; i < MAY[role].count; i++)
        if (MAY[role].types[i] == type)
            return true;
    return false;
}

/* Every type there is, and every one there is not, of everybody. */
static void test_all(void **state)
{
    (void)state;
    for (int role = 0; role < ROLE_COUNT; role++)
        for (int type = 0; type < 256; type++)
            if (access_allows((enum access_role)role, (uint8_t)type) != is_listed(role, type))
                fail_msg("role %s, message %d", access_role_name((enum access_role)role), type);
}

/* What only looks changes nothing; a reader can do nothing that a submitter cannot. */
static void test_read_is_part_of_submit(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++)
        if (access_allows(ROLE_READ, (uint8_t)type))
            assert_true(access_allows(ROLE_SUBMIT, (uint8_t)type));
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(access_role_parse("submit"), ROLE_SUBMIT);
    assert_int_equal(access_role_parse("worker"), ROLE_WORKER);
    assert_int_equal(access_role_parse("read"), ROLE_READ);
    assert_int_equal(access_role_parse("server"), ROLE_NONE);
    assert_int_equal(access_role_parse("none"), ROLE_NONE);
    assert_int_equal(access_role_parse(""), ROLE_NONE);
    assert_string_equal(access_role_name(ROLE_READ), "read");
    assert_false(access_role_has_key(ROLE_NONE));
    assert_false(access_role_has_key(ROLE_SERVER));
    assert_false(access_role_has_key(ROLE_COUNT));
    assert_true(access_role_has_key(ROLE_WORKER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_read_is_part_of_submit),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
