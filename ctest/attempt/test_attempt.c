#include "attempt/kit.h"

#include "base/hash.h"

/* Two maps and a reduce, as a shell would run them. */
static void wordcount(const char *source)
{
    Mrlua__Done *done;

    kit_job(&kit, source);
    done = kit_map(&kit, 0, kit_file(&kit, "a.txt", "the cat\nthe dog\n"));
    assert_true(!done || kit_counter(done, "map_records_in") == 2);
    assert_true(!done || kit_counter(done, "map_records_out") == 4);
    assert_true(!done || kit_counter(done, "map_bytes_in") == 16);
    assert_true(!done || strcmp(done->path, kit.result_path) == 0);
    kit_must(&kit, done);
    kit_must(&kit, kit_map(&kit, 1, kit_file(&kit, "b.txt", "a dog, a dog\nthe end")));
    done = kit_reduce(&kit, 0);
    assert_true(!done || kit_counter(done, "reduce_keys_in") == 5);
    assert_true(!done || done->records == 5);
    kit_must(&kit, done);
    kit_expect(&kit, "a\t2\ncat\t1\ndog\t3\nend\t1\nthe\t3\n");
    assert_true(kit.started_pid > 0);
}

static void test_wordcount(void **state)
{
    (void)state;
    wordcount(WORDCOUNT("nil", TOTAL));
    wordcount(WORDCOUNT("'sum'", TOTAL));
    wordcount(WORDCOUNT(TOTAL, TOTAL));
    wordcount(WORDCOUNT("'sum'", "'sum'"));
    wordcount(WORDCOUNT("'count'", "'count'"));
    wordcount(WORDCOUNT("nil", "'count'"));
}

/* What the maps wrote is what the reduces read, over two partitions. */
static void test_digests(void **state)
{
    struct digest written = {0}, read = {0};
    Mrlua__Done *done;

    (void)state;
    kit_job(&kit, WORDCOUNT("'sum'", "'sum'"));
    kit.start.partition_count = 2;
    for (uint32_t map = 0; map < 2; map++) {
        done = kit_map(&kit, map, kit_file(&kit, "c.txt", "one two three four five six\n"));
        assert_non_null(done);
        digest_add(&written,
                   &(struct digest){done->digest->low, done->digest->high, done->digest->records});
        message_free(done);
    }
    for (uint32_t partition = 0; partition < 2; partition++) {
        done = kit_reduce(&kit, partition);
        assert_non_null(done);
        digest_add(&read,
                   &(struct digest){done->digest->low, done->digest->high, done->digest->records});
        message_free(done);
    }
    assert_int_equal(written.record_count, 12);
    assert_true(digest_equal(&written, &read));
}

/* A reduce that waits goes on when it is told to, and not before. */
static void test_waits_when_fetched(void **state)
{
    struct attempt attempt;
    struct frame frame;
    Mrlua__Done *done = NULL;
    bool is_fetched = false;
    int rc;

    (void)state;
    kit_job(&kit, WORDCOUNT("'sum'", "'sum'"));
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "g.txt", "b a b\n")));
    snprintf(kit.result_path, sizeof kit.result_path, "%s/part", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__REDUCE;
    kit.start.result_path = kit.result_path;
    kit.start.map_outputs = kit.map_list;
    kit.start.n_map_outputs = 1;
    kit.start.waits_when_fetched = true;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempt, &kit.err), 0);
    while (!is_fetched && (rc = attempt_read(&attempt, &frame, &kit.err)) >= 0) {
        struct pollfd poll_attempt = {.fd = attempt.fd, .events = POLLIN};

        is_fetched = rc == 1 && frame.type == MESSAGE_FETCHED;
        assert_true(rc == 0 || is_fetched || frame.type == MESSAGE_PROGRESS);
        if (rc == 0)
            poll(&poll_attempt, 1, -1);
    }
    assert_true(is_fetched);
    assert_int_equal(attempt_run(&attempt, &kit.err), 0);
    done = kit_await(&kit, &attempt);
    kit_must(&kit, done);
    kit_expect(&kit, "a\t1\nb\t2\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_wordcount),
        KIT_TEST(test_digests),
        KIT_TEST(test_waits_when_fetched),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
