#include "attempt/fetch_state.h"

#include "base/clock.h"
#include "base/mem.h"

uint64_t fetch_state_jittered(struct fetch_plan *plan, uint64_t ns)
{
    return ns - rand_below(&plan->rand, ns / 2 + 1);
}

/* ---- segments that failed, and those passed over ---- */

struct missed *fetch_state_find_missed(struct fetch_plan *plan, uint32_t source, uint64_t sequence)
{
    for (uint32_t i = 0; i < plan->missed_count; i++)
        if (plan->missed[i].source == source && plan->missed[i].sequence == sequence)
            return &plan->missed[i];
    return NULL;
}

static struct missed *add_missed(struct fetch_plan *plan, const struct missed *missed)
{
    if (plan->missed_count == plan->missed_room) {
        plan->missed_room = plan->missed_room ? 2 * plan->missed_room : 8;
        plan->missed = mem_realloc_array(plan->missed, plan->missed_room, sizeof *plan->missed);
    }
    plan->missed[plan->missed_count] = *missed;
    return &plan->missed[plan->missed_count++];
}

void fetch_state_miss_again(struct fetch_plan *plan, uint64_t now_ns, struct missed *missed)
{
    missed->times++;
    missed->must_tell = missed->times >= FETCH_TIMES_BEFORE_LOST;
    missed->due_ns =
        now_ns + fetch_state_jittered(plan, missed->must_tell ? plan->options.tell_ns
                                                              : plan->options.retry_ns_min);
}

void fetch_state_miss(struct fetch_plan *plan, uint64_t now_ns, uint32_t source, uint64_t sequence,
                      uint32_t map, uint64_t attempt, uint32_t times)
{
    struct missed *missed = fetch_state_find_missed(plan, source, sequence);

    if (!missed)
        missed = add_missed(plan, &(struct missed){.source = source, .sequence = sequence});
    missed->map = map;
    missed->attempt = attempt;
    missed->times += times - 1;
    fetch_state_miss_again(plan, now_ns, missed);
}

void fetch_state_pass_over(struct holder *source, uint64_t sequence)
{
    if (sequence < source->rewind_to)
        source->rewind_to = sequence;
}

void fetch_state_rewind(struct holder *source, uint64_t now_ns)
{
    if (!source->must_rewind || source->state != HOLDER_RESTS)
        return;
    source->must_rewind = false;
    if (source->rewind_to < source->sequence)
        source->sequence = source->rewind_to;
    source->rewind_to = FETCH_NO_SEQUENCE;
    source->due_ns = now_ns;
}

void fetch_state_release_map(struct fetch_plan *plan, uint64_t now_ns, uint32_t map)
{
    plan->takers[map] = FETCH_NOBODY;
    plan->wake_ns = 0;
    for (uint32_t i = 0; i < plan->source_count; i++) {
        struct holder *source = &plan->sources[i];

        if (source->rewind_to == FETCH_NO_SEQUENCE)
            continue;
        source->must_rewind = true;
        fetch_state_rewind(source, now_ns);
    }
}

void fetch_state_drop_part(struct fetch_plan *plan, uint64_t now_ns, struct holder *source)
{
    if (!source->has_part)
        return;
    source->has_part = false;
    fetch_state_release_map(plan, now_ns, source->part.map);
}

/* ---- the life of a request ---- */

uint32_t fetch_state_number(const struct fetch_plan *plan, const struct holder *source)
{
    return (uint32_t)(source - plan->sources);
}

void fetch_state_end_request(struct fetch_plan *plan, uint64_t now_ns, struct holder *source)
{
    struct missed *missed = NULL;

    source->state = HOLDER_RESTS;
    plan->in_flight--;
    plan->wake_ns = 0;
    if (source->is_single)
        missed = fetch_state_find_missed(plan, fetch_state_number(plan, source),
                                         source->single_sequence);
    /* It was not answered: when the source may be asked again, it is. */
    if (missed && missed->due_ns == FETCH_NEVER)
        missed->due_ns = now_ns;
    fetch_state_rewind(source, now_ns);
}

void fetch_state_hold_off(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                          uint32_t failures)
{
    uint64_t wait_ns = plan->options.retry_ns_min;

    if (source->failures == 0)
        source->failing_ns = source->asked_ns;
    source->failures += failures;
    for (uint32_t i = 1; i < source->failures && wait_ns < plan->options.retry_ns_max; i++)
        wait_ns *= 2;
    if (wait_ns > plan->options.retry_ns_max)
        wait_ns = plan->options.retry_ns_max;
    source->not_before_ns = now_ns + fetch_state_jittered(plan, wait_ns);
    if (now_ns < source->tell_ns)
        return;
    source->must_tell |=
        source->failures >= FETCH_TELL_FAILURES ||
        (source->failures >= 2 && now_ns - source->failing_ns >= FETCH_TELL_AFTER_MS * NS_PER_MS);
}

void fetch_state_cut(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                     uint32_t failures)
{
    struct part *part = &source->part;

    plan->counts.cuts++;
    if (source->is_connected)
        plan->connected--;
    source->is_connected = false;
    if (source->state == HOLDER_SKIPS)
        source->skip_left = 0;
    /* Before a head has come it is the worker that fails, not this segment. */
    part->cuts += source->state == HOLDER_TAKES;
    fetch_state_end_request(plan, now_ns, source);
    fetch_state_hold_off(plan, now_ns, source, failures);
    if (source->has_part && part->cuts >= FETCH_CUTS_BEFORE_LOST)
        fetch_state_miss(plan, now_ns, fetch_state_number(plan, source), part->sequence, part->map,
                         part->attempt, FETCH_TIMES_BEFORE_LOST);
    else if (source->has_part && source->must_tell) /* others may bring it */
        fetch_state_pass_over(source, part->sequence);
    else
        return;
    fetch_state_drop_part(plan, now_ns, source);
}
