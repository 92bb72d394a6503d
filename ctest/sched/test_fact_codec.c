#include <stdio.h>

#include "sched/kit.h"

#include "base/rand.h"
#include "sched/fact_codec.h"

/* One of each kind, each field with a value of its own. These bytes are in the golden file. */
static const struct fact FACTS[] = {
    {.kind = FACT_EPOCH_BEGUN, .epoch = 300},
    {.kind = FACT_JOB_ACCEPTED,
     .job_id = 7,
     .rules = {.attempts_max = 4,
               .unsafe = true,
               .silence_ns = 5000000000,
               .priority = -3,
               .weight = 200,
               .outputs_in_store = true,
               .skip_bad = 1000}},
    {.kind = FACT_PLAN_MADE,
     .job_id = 7,
     .stage = STAGE_PLAN,
     .attempt_id = 0x12c00000001,
     .worker_id = WORKER_NONE,
     .map_count = 16000000,
     .reduce_count = 20,
     .sample_count = 1},
    {.kind = FACT_ATTEMPT_STARTED,
     .job_id = 7,
     .stage = STAGE_MAP,
     .task = 15999999,
     .attempt_id = 0x12c00000002,
     .worker_id = 65535,
     .incarnation = 0xfedcba9876543210},
    {.kind = FACT_ATTEMPT_ENDED,
     .job_id = 7,
     .stage = STAGE_REDUCE,
     .task = 19,
     .attempt_id = 0x12c00000003,
     .worker_id = 0,
     .incarnation = 1,
     .failure = ERR_LIMIT},
    {.kind = FACT_TASK_COMPLETED,
     .job_id = 7,
     .stage = STAGE_MAP,
     .task = 3,
     .attempt_id = 0x12c00000004,
     .worker_id = 12,
     .incarnation = 99,
     .digest = {.low = 0x0123456789abcdef, .high = UINT64_MAX, .record_count = 123456}},
    {.kind = FACT_OUTPUT_LOST,
     .job_id = 7,
     .stage = STAGE_MAP,
     .task = 3,
     .attempt_id = 0x12c00000004,
     .worker_id = 12,
     .incarnation = 99,
     .failure = ERR_PEER},
    {.kind = FACT_WORKER_LOST, .worker_id = 12, .incarnation = 99},
    {.kind = FACT_JOB_ENDED,
     .job_id = 7,
     .status = JOB_FAILED,
     .reason = END_NOT_DETERMINISTIC,
     .stage = STAGE_MAP,
     .task = 3,
     .attempt_id = 0x12c00000005,
     .failure = ERR_JOB},
    {.kind = FACT_OUTPUT_FOUND,
     .job_id = 7,
     .stage = STAGE_MAP,
     .task = 3,
     .attempt_id = 0x12c00000004,
     .worker_id = 12,
     .incarnation = 99},
    {.kind = FACT_OUTPUTS_LOST, .worker_id = 12, .incarnation = 99},
    {.kind = FACT_RECORDS_BAD,
     .job_id = 7,
     .stage = STAGE_MAP,
     .task = 3,
     .attempt_id = 0x12c00000006,
     .worker_id = 12,
     .incarnation = 99,
     .bad_count = 5,
     .failure = ERR_JOB},
};

enum { COUNT = sizeof FACTS / sizeof FACTS[0] };
_Static_assert((int)COUNT == (int)FACT_KIND_COUNT, "one of each kind");

#define GOLDEN SOURCE_DIR "/ctest/golden/fact_v%d.hex"

static void assert_fact_equal(const struct fact *a, const struct fact *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->stage, b->stage);
    assert_int_equal(a->task, b->task);
    assert_int_equal(a->worker_id, b->worker_id);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->job_id, b->job_id);
    assert_int_equal(a->attempt_id, b->attempt_id);
    assert_true(digest_equal(&a->digest, &b->digest));
    assert_int_equal(a->rules.attempts_max, b->rules.attempts_max);
    assert_int_equal(a->rules.unsafe, b->rules.unsafe);
    assert_int_equal(a->rules.silence_ns, b->rules.silence_ns);
    assert_int_equal(a->rules.priority, b->rules.priority);
    assert_int_equal(a->rules.weight, b->rules.weight);
    assert_int_equal(a->rules.outputs_in_store, b->rules.outputs_in_store);
    assert_int_equal(a->rules.skip_bad, b->rules.skip_bad);
    assert_int_equal(a->map_count, b->map_count);
    assert_int_equal(a->reduce_count, b->reduce_count);
    assert_int_equal(a->sample_count, b->sample_count);
    assert_int_equal(a->bad_count, b->bad_count);
    assert_int_equal(a->failure, b->failure);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->reason, b->reason);
}

static void every_kind_comes_back_as_it_was(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        struct buf buf = {0};
        struct fact fact;
        struct err err;

        assert_int_equal(FACTS[i].kind, i);
        fact_encode(&FACTS[i], &buf);
        assert_int_equal(fact_decode(buf_slice(&buf), &fact, &err), 0);
        assert_fact_equal(&fact, &FACTS[i]);
        buf_deinit(&buf);
    }
}

/* All facts of a version, one a line, as they were written when it was made. */
static FILE *open_golden(int version)
{
    char path[sizeof GOLDEN];
    FILE *file;

    snprintf(path, sizeof path, GOLDEN, version);
    file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

/* False: there are no more. */
static bool next_golden(FILE *file, struct buf *out)
{
    char line[2 * FACT_BYTES_MAX + 2];
    unsigned byte;

    buf_clear(out);
    if (!fgets(line, sizeof line, file))
        return false;
    for (const char *at = line; sscanf(at, "%2x", &byte) == 1; at += 2)
        buf_append_byte(out, (unsigned char)byte);
    return true;
}

static void version_4_is_still_written_and_read(void **state)
{
    FILE *file = open_golden(4);
    struct buf buf = {0}, golden = {0};

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        struct fact fact;
        struct err err;

        assert_true(next_golden(file, &golden));
        buf_clear(&buf);
        fact_encode(&FACTS[i], &buf);
        assert_int_equal(buf.len, golden.len);
        assert_memory_equal(buf.ptr, golden.ptr, buf.len);
        assert_int_equal(fact_decode(buf_slice(&golden), &fact, &err), 0);
        assert_fact_equal(&fact, &FACTS[i]);
    }
    assert_false(next_golden(file, &golden));
    buf_deinit(&buf);
    buf_deinit(&golden);
    fclose(file);
}

static void assert_is_read(int version)
{
    FILE *file = open_golden(version);
    struct buf golden = {0};

    for (int i = 0; i < FACT_RECORDS_BAD; i++) { /* which came with version 4 */
        struct fact fact, expected = FACTS[i];
        struct err err;

        if (version < 2)
            expected.sample_count = 0;
        if (version < 3)
            expected.rules.outputs_in_store = false;
        expected.rules.skip_bad = 0;
        assert_true(next_golden(file, &golden));
        assert_int_equal(fact_decode(buf_slice(&golden), &fact, &err), 0);
        assert_fact_equal(&fact, &expected);
    }
    assert_false(next_golden(file, &golden));
    buf_deinit(&golden);
    fclose(file);
}

/* A journal of before there were samples, of before outputs went into a store, of before bad
 * records were set aside. */
static void versions_1_to_3_are_still_read(void **state)
{
    (void)state;
    assert_is_read(1);
    assert_is_read(2);
    assert_is_read(3);
}

static void unknown_versions_are_refused_by_number(void **state)
{
    (void)state;
    for (int version = 0; version < 256; version++) {
        struct buf buf = {0};
        struct fact fact;
        struct err err = {0};

        fact_encode(&FACTS[0], &buf);
        buf.ptr[0] = (char)version;
        if (version >= 1 && version <= FACT_VERSION) {
            assert_int_equal(fact_decode(buf_slice(&buf), &fact, &err), 0);
        } else {
            char number[16];

            snprintf(number, sizeof number, "version %d;", version);
            assert_int_equal(fact_decode(buf_slice(&buf), &fact, &err), -1);
            assert_int_equal(err.kind, ERR_SETUP);
            assert_non_null(strstr(err.message, number));
        }
        buf_deinit(&buf);
    }
}

static void cut_anywhere_or_longer_it_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        struct buf buf = {0};
        struct fact fact;
        struct err err;

        fact_encode(&FACTS[i], &buf);
        for (size_t len = 0; len < buf.len; len++) {
            char *exact = malloc(len + 1); /* so that a read behind the end is seen */

            memcpy(exact, buf.ptr, len);
            assert_int_equal(fact_decode(slice_of(exact, len), &fact, &err), -1);
            free(exact);
        }
        buf_append_byte(&buf, 0);
        assert_int_equal(fact_decode(buf_slice(&buf), &fact, &err), -1);
        assert_non_null(strstr(err.message, "bytes behind"));
        buf_deinit(&buf);
    }
}

/* Whatever decodes, a scheduler takes or refuses: it does not abort. */
static void hostile_bytes_are_refused_or_in_range(void **state)
{
    struct rand rand;
    size_t decoded_count = 0;

    (void)state;
    rand_init(&rand, 1);
    for (int i = 0; i < 200000; i++) {
        struct buf buf = {0};
        struct fact fact;
        struct err err;

        fact_encode(&FACTS[rand_below(&rand, COUNT)], &buf);
        for (uint64_t spoil = rand_below(&rand, 4); spoil > 0; spoil--)
            buf.ptr[rand_below(&rand, buf.len)] = (char)rand_next(&rand);
        if (fact_decode(buf_slice(&buf), &fact, &err) == 0) {
            decoded_count++;
            assert_in_range(fact.kind, 0, FACT_KIND_COUNT - 1);
            assert_in_range(fact.stage, 0, STAGE_COUNT - 1);
            assert_in_range(fact.failure, 0, ERR_KIND_COUNT - 1);
            assert_true(fact.kind != FACT_JOB_ENDED || fact.status >= JOB_SUCCEEDED);
            assert_true(fact.map_count <= SCHED_TASK_COUNT_MAX);
        }
        buf_deinit(&buf);
    }
    assert_true(decoded_count > 50000);
}

/* Facts of a life, each with one field spoiled: restore answers, and what it made is sound. */
static void spoiled_facts_do_not_abort_a_restore(void **state)
{
    struct rand rand;
    struct kit kit;

    (void)state;
    kit_init(&kit, NULL);
    kit_join(&kit, 0, 2);
    kit_submit(&kit, 1, NULL);
    kit_drive_to_end(&kit, 1);
    rand_init(&rand, 2);
    for (int i = 0; i < 20000; i++) {
        size_t at = rand_below(&rand, kit.fact_count);
        struct fact saved = kit.facts[at];
        struct sched *sched = sched_open(&kit.options);
        struct buf buf = {0};
        struct err err;

        fact_encode(&saved, &buf);
        buf.ptr[1 + rand_below(&rand, buf.len - 1)] = (char)rand_below(&rand, 16);
        if (fact_decode(buf_slice(&buf), &kit.facts[at], &err) == 0 &&
            kit.facts[at].map_count < 1000 && kit.facts[at].reduce_count < 1000 &&
            sched_restore(sched, kit.facts, kit.fact_count, &err) == 0)
            sched_check(sched);
        kit.facts[at] = saved;
        buf_deinit(&buf);
        sched_close(sched);
    }
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_as_it_was),
        cmocka_unit_test(version_4_is_still_written_and_read),
        cmocka_unit_test(versions_1_to_3_are_still_read),
        cmocka_unit_test(unknown_versions_are_refused_by_number),
        cmocka_unit_test(cut_anywhere_or_longer_it_is_refused),
        cmocka_unit_test(hostile_bytes_are_refused_or_in_range),
        cmocka_unit_test(spoiled_facts_do_not_abort_a_restore),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
