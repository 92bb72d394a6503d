/*
 * Real scheduler, agents and fetch plans in a made-up cluster (cluster.h). SEED=n repeats one
 * history and SEEDS=n runs so many; a failure prints its seed and aborts.
 */
#include "test.h"

#include "run.h"

/* Counts that show that the histories are not tame. */
struct tally {
    uint64_t by_status[JOB_CANCELLED + 1], by_reason[END_BAD_RECORDS + 1];
    uint64_t master_crashes, worker_crashes, cuts, joins, races, attempts, facts, turns, parts_lost;
    uint64_t by_fact[FACT_KIND_COUNT];
};

static void add(struct tally *tally, const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->setup.job_count; i++) {
        tally->by_status[cluster->jobs[i].end.status]++;
        tally->by_reason[cluster->jobs[i].end.reason]++;
    }
    tally->master_crashes += cluster->tally.master_crashes;
    tally->worker_crashes += cluster->tally.worker_crashes;
    tally->cuts += cluster->tally.cuts;
    tally->joins += cluster->tally.joins;
    tally->races += cluster->tally.races;
    for (size_t i = 0; i < cluster->fact_count; i++) {
        const struct fact *fact = &cluster->facts[i];

        tally->by_fact[fact->kind]++;
        tally->parts_lost += fact->kind == FACT_OUTPUT_LOST && fact->stage == STAGE_REDUCE;
    }
    tally->attempts += cluster->tally.attempts;
    tally->facts += cluster->fact_count;
    tally->turns += cluster->turn_count;
}

static void print(const struct tally *tally)
{
    printf("succeeded %llu, failed %llu (fault %llu, attempts %llu, failures %llu, not "
           "deterministic %llu, bad records %llu), cancelled %llu\n",
           (unsigned long long)tally->by_status[JOB_SUCCEEDED],
           (unsigned long long)tally->by_status[JOB_FAILED],
           (unsigned long long)tally->by_reason[END_FAULT],
           (unsigned long long)tally->by_reason[END_ATTEMPTS],
           (unsigned long long)tally->by_reason[END_FAILURES],
           (unsigned long long)tally->by_reason[END_NOT_DETERMINISTIC],
           (unsigned long long)tally->by_reason[END_BAD_RECORDS],
           (unsigned long long)tally->by_status[JOB_CANCELLED]);
    printf("crashes of masters %llu, of workers %llu, cuts %llu, attempts %llu, facts %llu, turns "
           "%llu\n",
           (unsigned long long)tally->master_crashes, (unsigned long long)tally->worker_crashes,
           (unsigned long long)tally->cuts, (unsigned long long)tally->attempts,
           (unsigned long long)tally->facts, (unsigned long long)tally->turns);
    printf(
        "lost races %llu, joins %llu, workers lost %llu, outputs lost %llu, all of a worker %llu, "
        "found %llu, parts lost %llu\n",
        (unsigned long long)tally->races, (unsigned long long)tally->joins,
        (unsigned long long)tally->by_fact[FACT_WORKER_LOST],
        (unsigned long long)tally->by_fact[FACT_OUTPUT_LOST],
        (unsigned long long)tally->by_fact[FACT_OUTPUTS_LOST],
        (unsigned long long)tally->by_fact[FACT_OUTPUT_FOUND],
        (unsigned long long)tally->parts_lost);
}

static void every_job_ends_as_it_must_once_faults_stop(void **state)
{
    uint64_t first = number_from("SEED", 1);
    uint64_t count = number_from("SEEDS", getenv("SEED") ? 1 : 5000);
    struct tally tally = {0};

    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct cluster_setup setup;
        struct cluster cluster;

        cluster_setup_random(&setup, seed);
        run_to_end(&cluster, &setup);
        add(&tally, &cluster);
        cluster_deinit(&cluster);
    }
    print(&tally);
    if (count < 1000)
        return;
    /* Or the world has become tame. */
    assert_true(tally.by_status[JOB_SUCCEEDED] > count / 2);
    assert_true(tally.by_reason[END_FAULT] > 0);
    assert_true(tally.by_reason[END_ATTEMPTS] > 0);
    assert_true(tally.by_reason[END_NOT_DETERMINISTIC] > 0);
    assert_true(tally.by_reason[END_BAD_RECORDS] > 0);
    assert_true(tally.by_status[JOB_CANCELLED] > 0);
    assert_true(tally.races > 0);
    assert_true(tally.parts_lost > count / 50);
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
        assert_true(tally.by_fact[kind] > 0);
    assert_true(tally.master_crashes > count / 2);
    assert_true(tally.worker_crashes > count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_ends_as_it_must_once_faults_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
