#include "attempt/fetch_plan.h"

#include "attempt/fetch_state.h"
#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void set_default(uint64_t *value, uint64_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void set_default_count(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

struct fetch_plan *fetch_plan_open(const struct fetch_options *given)
{
    struct fetch_plan *plan = mem_alloc(sizeof *plan);
    struct fetch_options *options = &plan->options;

    *options = *given;
    set_default_count(&options->in_flight_max, FETCH_IN_FLIGHT);
    set_default_count(&options->connections_max, FETCH_CONNECTIONS);
    set_default_count(&options->segments_max, FETCH_SEGMENTS);
    set_default(&options->answer_ns, FETCH_ANSWER_MS * NS_PER_MS);
    set_default(&options->retry_ns_min, FETCH_RETRY_MS_MIN * NS_PER_MS);
    set_default(&options->retry_ns_max, FETCH_RETRY_MS_MAX * NS_PER_MS);
    set_default(&options->tell_ns, FETCH_TELL_MS * NS_PER_MS);
    set_default(&options->look_ns, FETCH_LOOK_MS * NS_PER_MS);
    if (options->connections_max < options->in_flight_max)
        options->connections_max = options->in_flight_max;
    rand_init(&plan->rand, options->seed);
    plan->segments = mem_alloc_array(options->map_count, sizeof *plan->segments);
    plan->takers = mem_alloc_array(options->map_count, sizeof *plan->takers);
    for (uint32_t map = 0; map < options->map_count; map++)
        plan->takers[map] = FETCH_NOBODY;
    plan->wake_ns = FETCH_NEVER;
    return plan;
}

void fetch_plan_close(struct fetch_plan *plan)
{
    if (!plan)
        return;
    for (uint32_t i = 0; i < plan->source_count; i++)
        free(plan->sources[i].host);
    free(plan->sources);
    free(plan->missed);
    free(plan->takers);
    free(plan->segments);
    free(plan);
}

/* The source of a fact; NULL: its request is not the one in hand. */
static struct holder *asked(struct fetch_plan *plan, uint32_t number, uint64_t request)
{
    struct holder *source = number < plan->source_count ? &plan->sources[number] : NULL;

    if (source && source->request == request &&
        (source->state == HOLDER_ASKED || source->state == HOLDER_TAKES ||
         source->state == HOLDER_SKIPS))
        return source;
    plan->counts.stale++;
    return NULL;
}

/* Not what a segment server says: the caller closes the connection. */
static enum fetch_use refuse(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                             uint32_t failures)
{
    plan->counts.refused++;
    fetch_state_cut(plan, now_ns, source, failures);
    return FETCH_REFUSE;
}

void fetch_plan_cut(struct fetch_plan *plan, uint64_t now_ns, uint32_t number, uint64_t request)
{
    struct holder *source = asked(plan, number, request);

    if (source)
        fetch_state_cut(plan, now_ns, source, 1);
}

/* ---- heads ---- */

static void arrive(struct fetch_plan *plan, uint32_t map, uint64_t attempt, uint64_t bytes,
                   uint64_t records)
{
    struct fetch_segment *segment = &plan->segments[map];

    segment->is_here = true;
    segment->attempt = attempt;
    segment->bytes = bytes;
    segment->records = records;
    plan->takers[map] = FETCH_NOBODY;
    plan->counts.maps_here++;
    plan->counts.records += records;
    plan->wake_ns = 0;
}

/* A place for the segment: that of an earlier try at its map where it fits, else a new one. */
static void give_place(struct fetch_plan *plan, const struct fetch_head *head)
{
    struct fetch_segment *segment = &plan->segments[head->map];

    if (head->bytes > segment->bytes) {
        segment->offset = plan->counts.file_bytes;
        plan->counts.file_bytes += head->bytes;
    }
    segment->attempt = head->attempt;
    segment->bytes = head->bytes;
    segment->records = head->records;
}

static bool continues(const struct holder *source, const struct fetch_head *head)
{
    const struct part *part = &source->part;

    return source->has_part && head->sequence == part->sequence && head->map == part->map &&
           head->attempt == part->attempt &&
           (head->state != FETCH_DATA ||
            (head->bytes == part->bytes && (head->offset == part->here || head->offset == 0)));
}

static enum fetch_use skip(struct holder *source, const struct fetch_head *head)
{
    source->skip_left = head->bytes - head->offset;
    if (source->skip_left == 0)
        return FETCH_NOTHING;
    source->state = HOLDER_SKIPS;
    return FETCH_SKIP;
}

/* Does another source bring this map? One that holds a cut part of it and rests does not: who is
 * here first brings it. */
static bool is_brought(struct fetch_plan *plan, uint32_t map, uint32_t number)
{
    struct holder *taker;

    if (plan->takers[map] == FETCH_NOBODY || plan->takers[map] == number)
        return false;
    taker = &plan->sources[plan->takers[map]];
    if (taker->state != HOLDER_RESTS)
        return true;
    taker->has_part = false;
    fetch_state_pass_over(taker, taker->part.sequence);
    plan->takers[map] = FETCH_NOBODY;
    return false;
}

static enum fetch_use take(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                           const struct fetch_head *head, struct fetch_place *place)
{
    uint32_t number = fetch_state_number(plan, source);

    if (plan->segments[head->map].is_here || is_brought(plan, head->map, number)) {
        if (!plan->segments[head->map].is_here)
            fetch_state_pass_over(source, head->sequence);
        plan->counts.skipped++;
        return skip(source, head);
    }
    if (!source->has_part) {
        if (head->offset != 0)
            return refuse(plan, now_ns, source, 1);
        give_place(plan, head);
        source->part = (struct part){.map = head->map,
                                     .attempt = head->attempt,
                                     .sequence = head->sequence,
                                     .bytes = head->bytes};
        source->has_part = true;
        plan->takers[head->map] = number;
    }
    source->part.here = head->offset;
    source->state = HOLDER_TAKES;
    *place = (struct fetch_place){.map = head->map,
                                  .attempt = head->attempt,
                                  .offset = plan->segments[head->map].offset,
                                  .bytes = head->bytes,
                                  .from = head->offset};
    return FETCH_TAKE;
}

/* A head that is about one segment. */
static enum fetch_use hear_segment(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                                   const struct fetch_head *head, struct fetch_place *place)
{
    if (head->map >= plan->options.map_count || head->sequence < source->at ||
        head->sequence == FETCH_NO_SEQUENCE || head->offset > head->bytes ||
        (head->state == FETCH_DATA && (head->bytes == 0 || head->records == 0)))
        return refuse(plan, now_ns, source, 1);
    source->at = head->sequence + 1;
    if (!source->is_single)
        source->sequence = source->at;
    if (source->has_part && !continues(source, head)) { /* it is no longer there */
        fetch_state_miss(plan, now_ns, fetch_state_number(plan, source), source->part.sequence,
                         source->part.map, source->part.attempt, 1);
        fetch_state_drop_part(plan, now_ns, source);
    }
    if (head->state == FETCH_DATA) {
        source->failures = 0;
        return take(plan, now_ns, source, head, place);
    }
    fetch_state_drop_part(plan, now_ns, source);
    source->failures = 0;
    if (plan->segments[head->map].is_here)
        return FETCH_NOTHING;
    if (head->state == FETCH_EMPTY && is_brought(plan, head->map, fetch_state_number(plan, source)))
        fetch_state_pass_over(source, head->sequence);
    else if (head->state == FETCH_EMPTY)
        arrive(plan, head->map, head->attempt, 0, 0);
    else
        fetch_state_miss(plan, now_ns, fetch_state_number(plan, source), head->sequence, head->map,
                         head->attempt, 1);
    return FETCH_NOTHING;
}

static void hear_no_more(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                         const struct fetch_head *head)
{
    uint32_t number = fetch_state_number(plan, source);
    struct missed *missed = NULL;
    uint32_t looks = source->looks < FETCH_LOOKS_DOUBLE ? FETCH_LOOKS_DOUBLE - source->looks : 0;

    if (source->has_part) {
        fetch_state_miss(plan, now_ns, number, source->part.sequence, source->part.map,
                         source->part.attempt, 1);
        fetch_state_drop_part(plan, now_ns, source);
    }
    source->failures = 0;
    if (source->is_single) {
        missed = fetch_state_find_missed(plan, number, source->single_sequence);
        if (missed && missed->due_ns == FETCH_NEVER)
            fetch_state_miss_again(plan, now_ns, missed);
        fetch_state_end_request(plan, now_ns, source);
        return;
    }
    source->looks = source->at == source->first && !head->has_more ? source->looks + 1 : 0;
    source->sequence = head->sequence > source->at ? head->sequence : source->at;
    source->due_ns = now_ns;
    if (!head->has_more && source->about.count <= source->count_asked)
        source->due_ns += fetch_state_jittered(plan, plan->options.look_ns >> looks);
    fetch_state_end_request(plan, now_ns, source);
}

enum fetch_use fetch_plan_head(struct fetch_plan *plan, uint64_t now_ns, uint32_t number,
                               uint64_t request, const struct fetch_head *head,
                               struct fetch_place *place)
{
    struct holder *source = asked(plan, number, request);

    if (!source || source->state != HOLDER_ASKED)
        return source ? refuse(plan, now_ns, source, 1) : FETCH_NOTHING;
    if (head->incarnation != source->about.incarnation) { /* it has lost all that it held */
        plan->counts.stale++;
        return refuse(plan, now_ns, source, FETCH_UNKNOWN_FAILURES);
    }
    source->deadline_ns = now_ns + plan->options.answer_ns;
    switch (head->state) {
    case FETCH_DATA:
    case FETCH_EMPTY:
        return hear_segment(plan, now_ns, source, head, place);
    case FETCH_UNKNOWN:
        if (head->attempt != FETCH_ATTEMPT_NONE)
            return hear_segment(plan, now_ns, source, head, place);
        fetch_state_end_request(plan, now_ns, source);
        fetch_state_hold_off(plan, now_ns, source, FETCH_UNKNOWN_FAILURES);
        return FETCH_NOTHING;
    case FETCH_BUSY:
        fetch_state_end_request(plan, now_ns, source);
        source->not_before_ns = now_ns + plan->options.retry_ns_min;
        if (head->retry_ns > plan->options.retry_ns_min)
            source->not_before_ns =
                now_ns + (head->retry_ns < plan->options.retry_ns_max ? head->retry_ns
                                                                      : plan->options.retry_ns_max);
        source->not_before_ns += rand_below(&plan->rand, plan->options.retry_ns_min + 1);
        return FETCH_NOTHING;
    case FETCH_NO_MORE:
        hear_no_more(plan, now_ns, source, head);
        return FETCH_NOTHING;
    }
    return refuse(plan, now_ns, source, 1);
}

/* ---- bytes ---- */

void fetch_plan_bytes(struct fetch_plan *plan, uint64_t now_ns, uint32_t number, uint64_t request,
                      uint64_t count)
{
    struct holder *source = asked(plan, number, request);

    if (!source || source->state == HOLDER_ASKED || count == 0)
        return;
    source->deadline_ns = now_ns + plan->options.answer_ns;
    if (source->state == HOLDER_SKIPS) {
        assert(count <= source->skip_left);
        source->skip_left -= count;
        return;
    }
    assert(count <= source->part.bytes - source->part.here);
    source->part.here += count;
    source->part.cuts = 0;
    plan->counts.bytes += count;
}

void fetch_plan_end(struct fetch_plan *plan, uint64_t now_ns, uint32_t number, uint64_t request,
                    bool is_good)
{
    struct holder *source = asked(plan, number, request);
    struct part *part;

    if (!source || source->state == HOLDER_ASKED)
        return;
    part = &source->part;
    source->deadline_ns = now_ns + plan->options.answer_ns;
    if (source->state == HOLDER_SKIPS) {
        assert(source->skip_left == 0);
        source->state = HOLDER_ASKED;
        return;
    }
    assert(part->here == part->bytes);
    source->state = HOLDER_ASKED;
    source->has_part = false;
    if (is_good) {
        arrive(plan, part->map, part->attempt, part->bytes, plan->segments[part->map].records);
        return;
    }
    plan->counts.damaged++;
    fetch_state_miss(plan, now_ns, number, part->sequence, part->map, part->attempt, 1);
    fetch_state_release_map(plan, now_ns, part->map);
    plan->wake_ns = 0;
}

/* ---- what came of it ---- */

bool fetch_plan_is_complete(const struct fetch_plan *plan)
{
    return plan->counts.maps_here == plan->options.map_count;
}

const struct fetch_segment *fetch_plan_segments(const struct fetch_plan *plan)
{
    return plan->segments;
}

const struct fetch_counts *fetch_plan_counts(const struct fetch_plan *plan)
{
    return &plan->counts;
}

const char *fetch_plan_missing(const struct fetch_plan *plan, char *text, uint32_t text_bytes)
{
    uint32_t first = 0;

    while (first < plan->options.map_count && plan->segments[first].is_here)
        first++;
    if (first == plan->options.map_count)
        snprintf(text, text_bytes, "segments of all maps are here");
    else
        snprintf(text, text_bytes, "segments of %u of %u maps are missing, the first is of map %u",
                 plan->options.map_count - plan->counts.maps_here, plan->options.map_count, first);
    return text;
}
