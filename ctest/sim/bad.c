#include "bad.h"

#include <assert.h>

enum { OF_TASK_MAX = 3, SKIP_MAX = 9 };

void bad_draw(struct bad *bad, struct rand *rand, struct job_rules *rules)
{
    *bad = (struct bad){0};
    if (rand_below(rand, 3) > 0)
        return;
    rules->skip_bad = 1 + (uint32_t)rand_below(rand, SKIP_MAX);
    for (size_t slot = BAD_SLOT_DATA; slot < BAD_SLOT_COUNT; slot++)
        if (rand_below(rand, 4) == 0)
            bad->there[slot] = 1 + (uint32_t)rand_below(rand, OF_TASK_MAX);
}

uint32_t bad_met(const struct bad *bad, size_t slot, uint32_t left_out)
{
    assert(left_out <= bad->there[slot]);
    return bad->there[slot] - left_out;
}

void bad_journal(struct bad *bad, size_t slot, const struct fact *fact)
{
    assert(slot < BAD_SLOT_COUNT);
    if (fact->kind == FACT_RECORDS_BAD)
        bad->left_out[slot] += fact->bad_count;
    assert(bad->left_out[slot] <= bad->there[slot]); /* none counts twice */
    if (fact->kind == FACT_TASK_COMPLETED)
        assert(bad->left_out[slot] == bad->there[slot]);
}

bool bad_is_too_many(const struct bad *bad, uint32_t skip_bad, uint32_t task_count, bool is_sampled)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < task_count; i++)
        count += bad->there[BAD_SLOT_DATA + i];
    return count > skip_bad || (is_sampled && bad->there[BAD_SLOT_DATA + task_count] > skip_bad);
}
