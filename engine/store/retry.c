#include "store/retry.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

const struct retry_policy RETRY_POLICY = {
    .try_count_max = 12,
    .delay_ns_min = 250 * NS_PER_MS,
    .delay_ns_max = 32 * NS_PER_S,
};

const struct retry_policy RETRY_POLICY_METADATA = {
    .try_count_max = 4,
    .delay_ns_min = 250 * NS_PER_MS,
    .delay_ns_max = 2 * NS_PER_S,
};

void retry_init(struct retry *retry, const struct retry_policy *policy, uint64_t seed)
{
    assert(policy->try_count_max > 0 && policy->delay_ns_min > 0);
    *retry = (struct retry){.policy = policy};
    rand_init(&retry->rand, seed);
}

static bool is_transient_status(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 599);
}

bool retry_is_transient(const struct retry_answer *answer)
{
    switch (answer->failure) {
    case RETRY_ANSWERED:
        return is_transient_status(answer->status);
    case RETRY_UNREACHED:
    case RETRY_BROKEN:
        return true;
    case RETRY_UNTRUSTED:
    case RETRY_IMPOSSIBLE:
        return false;
    }
    abort();
}

static bool may_repeat(enum retry_operation operation, const struct retry_answer *answer)
{
    return operation != RETRY_NEVER || answer->failure == RETRY_UNREACHED;
}

static uint64_t delay_of(struct retry *retry, const struct retry_answer *answer)
{
    uint64_t ceiling = retry->policy->delay_ns_min, delay;
    uint64_t after_s = answer->retry_after_s;

    for (uint32_t i = 1; i < retry->try_count && ceiling < retry->policy->delay_ns_max; i++)
        ceiling *= 2;
    if (ceiling > retry->policy->delay_ns_max)
        ceiling = retry->policy->delay_ns_max;
    delay = rand_below(&retry->rand, ceiling + 1);
    if (after_s > RETRY_AFTER_S_MAX)
        after_s = RETRY_AFTER_S_MAX;
    /* What the server asks for, and the jitter on top: others were told the same. */
    return after_s * NS_PER_S + delay;
}

enum retry_verdict retry_judge(struct retry *retry, enum retry_operation operation,
                               const struct retry_answer *answer, uint64_t *delay_ns)
{
    *delay_ns = 0;
    if (answer->failure == RETRY_ANSWERED && answer->status == 401 && !retry->is_refreshed) {
        retry->is_refreshed = true;
        return RETRY_REFRESH;
    }
    if (!retry_is_transient(answer))
        return answer->failure == RETRY_ANSWERED ? RETRY_DONE : RETRY_GIVE_UP;
    retry->try_count++;
    if (retry->try_count >= retry->policy->try_count_max || !may_repeat(operation, answer))
        return RETRY_GIVE_UP;
    *delay_ns = delay_of(retry, answer);
    return RETRY_AGAIN;
}

void retry_progress(struct retry *retry)
{
    retry->try_count = 0;
    retry->is_refreshed = false;
}

void ramp_init(struct ramp *ramp, uint32_t count_max)
{
    assert(count_max > 0);
    *ramp = (struct ramp){
        .count = count_max < RAMP_START_COUNT ? count_max : RAMP_START_COUNT,
        .count_max = count_max,
    };
}

/* After as many successes as there are requests under way there are twice as many. */
void ramp_success(struct ramp *ramp)
{
    if (ramp->count < ramp->count_max && ramp->cut_ns == 0) {
        ramp->count++;
        return;
    }
    /* Once it was too much: one more for a whole round of successes. */
    if (++ramp->success_count < ramp->count)
        return;
    ramp->success_count = 0;
    if (ramp->count < ramp->count_max)
        ramp->count++;
}

void ramp_overload(struct ramp *ramp, uint64_t now_ns)
{
    if (ramp->cut_ns != 0 && now_ns - ramp->cut_ns < RAMP_CUT_NS_MIN)
        return;
    ramp->cut_ns = now_ns ? now_ns : 1;
    ramp->success_count = 0;
    ramp->count = ramp->count > 1 ? ramp->count / 2 : 1;
}
