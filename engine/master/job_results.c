#include "master/job_results.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void clear(struct job_result *result)
{
    message_free(result->done);
    *result = (struct job_result){0};
}

static void stage_deinit(struct job_results *results, enum stage_kind stage)
{
    for (uint32_t i = 0; i < results->task_counts[stage]; i++)
        clear(&results->tasks[stage][i]);
    free(results->tasks[stage]);
    results->tasks[stage] = NULL;
    results->task_counts[stage] = 0;
}

void job_results_deinit(struct job_results *results)
{
    stage_deinit(results, STAGE_MAP);
    stage_deinit(results, STAGE_REDUCE);
    stage_deinit(results, STAGE_SAMPLE);
}

static void stage_init(struct job_results *results, enum stage_kind stage, uint32_t count)
{
    stage_deinit(results, stage);
    results->tasks[stage] = mem_alloc_array(count, sizeof *results->tasks[stage]);
    results->task_counts[stage] = count;
}

void job_results_plan(struct job_results *results, uint32_t map_count, uint32_t reduce_count)
{
    stage_init(results, STAGE_MAP, map_count);
    stage_init(results, STAGE_REDUCE, reduce_count);
    stage_init(results, STAGE_SAMPLE, 1); /* whether or not the job needs it */
}

static struct job_result *find(const struct job_results *results, enum stage_kind stage,
                               uint32_t task)
{
    return task < results->task_counts[stage] ? &results->tasks[stage][task] : NULL;
}

void job_results_take(struct job_results *results, enum stage_kind stage, uint32_t task,
                      uint64_t attempt_id, Mrlua__Done *done)
{
    struct job_result *result = find(results, stage, task);

    if (!result) {
        message_free(done);
        return;
    }
    clear(result);
    *result = (struct job_result){.done = done, .attempt_id = attempt_id};
}

void job_results_drop(struct job_results *results, enum stage_kind stage, uint32_t task)
{
    struct job_result *result = find(results, stage, task);

    if (result)
        clear(result);
}

const struct job_result *job_results_of(const struct job_results *results, enum stage_kind stage,
                                        uint32_t task)
{
    const struct job_result *result = find(results, stage, task);

    return result && result->done ? result : NULL;
}

enum stage_kind job_results_part_stage(const struct job_results *results)
{
    return results->task_counts[STAGE_REDUCE] > 0 ? STAGE_REDUCE : STAGE_MAP;
}

uint32_t job_results_part_count(const struct job_results *results)
{
    return results->task_counts[job_results_part_stage(results)];
}

const struct job_result *job_results_part(const struct job_results *results, uint32_t partition)
{
    return job_results_of(results, job_results_part_stage(results), partition);
}

static int64_t counter_of(const Mrlua__Done *done, const char *name)
{
    for (size_t i = 0; i < done->n_counters; i++) {
        if (strcmp(done->counters[i]->name, name) == 0)
            return done->counters[i]->value;
    }
    return 0;
}

int64_t job_results_sum(const struct job_results *results, enum stage_kind stage,
                        const char *counter)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < results->task_counts[stage]; i++) {
        if (results->tasks[stage][i].done)
            sum += counter_of(results->tasks[stage][i].done, counter);
    }
    return sum;
}

uint64_t job_results_bytes(const struct job_results *results, enum stage_kind stage)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < results->task_counts[stage]; i++) {
        if (results->tasks[stage][i].done)
            sum += results->tasks[stage][i].done->bytes;
    }
    return sum;
}

/* The sums while they are added up. */
struct adding {
    struct job_counters *sums;
    size_t next; /* where the next counter is, if this task tells what the last one told */
    size_t user_count;
    bool only_user;
};

static struct job_counter *find_sum(struct adding *adding, const char *name)
{
    struct job_counters *sums = adding->sums;

    for (size_t i = 0; i < sums->count; i++) {
        size_t at = (adding->next + i) % sums->count;

        if (strcmp(sums->items[at].name, name) == 0) {
            adding->next = at + 1;
            return &sums->items[at];
        }
    }
    return NULL;
}

static struct job_counter *new_sum(struct adding *adding, const char *name)
{
    struct job_counters *sums = adding->sums;

    sums->items = mem_realloc_array(sums->items, sums->count + 1, sizeof *sums->items);
    sums->items[sums->count] = (struct job_counter){.name = name};
    adding->next = sums->count + 1;
    return &sums->items[sums->count++];
}

static bool is_user(const char *name)
{
    return strncmp(name, MESSAGE_COUNTER_USER, sizeof MESSAGE_COUNTER_USER - 1) == 0;
}

static void add(struct adding *adding, const char *name, int64_t value)
{
    struct job_counter *sum = find_sum(adding, name);

    if (!sum && is_user(name)) {
        if (adding->user_count < JOB_USER_COUNTER_COUNT_MAX)
            adding->user_count++;
        else if ((sum = find_sum(adding, JOB_COUNTER_OTHERS)) == NULL)
            name = JOB_COUNTER_OTHERS;
    }
    if (!sum)
        sum = new_sum(adding, name);
    if (__builtin_add_overflow(sum->value, value, &sum->value))
        sum->value = INT64_MAX;
}

static void add_stage(struct adding *adding, const struct job_results *results,
                      enum stage_kind stage)
{
    for (uint32_t i = 0; i < results->task_counts[stage]; i++) {
        const Mrlua__Done *done = results->tasks[stage][i].done;

        for (size_t j = 0; done && j < done->n_counters; j++)
            if (!adding->only_user || is_user(done->counters[j]->name))
                add(adding, done->counters[j]->name, done->counters[j]->value);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct job_counter *)a)->name, ((const struct job_counter *)b)->name);
}

static void sum_up(const struct job_results *results, bool only_user, struct job_counters *out)
{
    struct adding adding = {.sums = out, .only_user = only_user};

    *out = (struct job_counters){0};
    add_stage(&adding, results, STAGE_MAP);
    add_stage(&adding, results, STAGE_REDUCE);
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_name);
}

void job_results_counters(const struct job_results *results, struct job_counters *out)
{
    sum_up(results, false, out);
}

void job_results_user_counters(const struct job_results *results, struct job_counters *out)
{
    sum_up(results, true, out);
}

void job_counters_deinit(struct job_counters *counters)
{
    free(counters->items);
    *counters = (struct job_counters){0};
}
