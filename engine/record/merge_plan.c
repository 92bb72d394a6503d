#include "record/merge_plan.h"

#include <assert.h>
#include <string.h>

uint32_t merge_plan_step_count(uint32_t count, uint32_t fan_in)
{
    assert(fan_in > 1);
    if (count <= fan_in)
        return 0;
    return (count - 2) / (fan_in - 1); /* each full step and the last merge take fan_in - 1 away */
}

/* Where the `width` neighbours with the fewest bytes begin; the first of several such. */
static uint32_t smallest_window(const uint64_t *bytes, uint32_t count, uint32_t width)
{
    uint64_t sum = 0, sum_min;
    uint32_t first = 0;

    for (uint32_t i = 0; i < width; i++)
        sum += bytes[i];
    sum_min = sum;
    for (uint32_t i = width; i < count; i++) {
        sum += bytes[i] - bytes[i - width];
        if (sum < sum_min) {
            sum_min = sum;
            first = i - width + 1;
        }
    }
    return first;
}

static void join(uint64_t *bytes, uint32_t count, struct merge_step step)
{
    uint32_t behind = step.first + step.count;

    for (uint32_t i = step.first + 1; i < behind; i++)
        bytes[step.first] += bytes[i];
    memmove(bytes + step.first + 1, bytes + behind, (count - behind) * sizeof bytes[0]);
}

void merge_plan(uint64_t *bytes, uint32_t count, uint32_t fan_in, struct merge_step *steps)
{
    uint32_t step_count = merge_plan_step_count(count, fan_in);
    uint32_t width = fan_in;

    if (step_count > 0)
        width = (count - 2) % (fan_in - 1) + 2;
    for (uint32_t i = 0; i < step_count; i++) {
        steps[i].first = smallest_window(bytes, count, width);
        steps[i].count = width;
        join(bytes, count, steps[i]);
        count -= width - 1;
        width = fan_in;
    }
    assert(count <= fan_in);
}
