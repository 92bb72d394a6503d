/*
 * fetch_step: the half of fetch_plan.h about who holds runs and what to do next; fetch_plan.c has
 * what was answered.
 */
#include "attempt/fetch_state.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- who holds maps ---- */

/* The segments that failed there: they will be asked for in their order, if it comes back. */
static void drop_missed(struct fetch_plan *plan, uint32_t number)
{
    for (uint32_t i = 0; i < plan->missed_count;) {
        if (plan->missed[i].source != number) {
            i++;
            continue;
        }
        fetch_state_pass_over(&plan->sources[number], plan->missed[i].sequence);
        plan->missed[i] = plan->missed[--plan->missed_count];
    }
}

static void lose_source(struct fetch_plan *plan, uint64_t now_ns, struct holder *source)
{
    if (source->state == HOLDER_GONE)
        return;
    if (source->has_part)
        fetch_state_pass_over(source, source->part.sequence);
    drop_missed(plan, fetch_state_number(plan, source));
    fetch_state_drop_part(plan, now_ns, source);
    if (source->state != HOLDER_RESTS)
        plan->in_flight--;
    source->must_close = source->is_connected;
    if (source->is_connected)
        plan->connected--;
    source->is_connected = false;
    source->must_tell = false;
    source->state = HOLDER_GONE;
}

/* The known worker that `about` is about, in this incarnation; NULL: a new one. `hint`: where it
 * stood if workers come in the order in which they came first. */
static struct holder *find_source(struct fetch_plan *plan, const struct fetch_source *about,
                                  uint32_t *hint)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        uint32_t number = (*hint + i) % plan->source_count;
        const struct fetch_source *known = &plan->sources[number].about;

        if (known->worker_id != about->worker_id || known->incarnation != about->incarnation)
            continue;
        *hint = number + 1;
        return &plan->sources[number];
    }
    return NULL;
}

static struct holder *add_source(struct fetch_plan *plan, const struct fetch_source *about)
{
    struct holder *source;

    if (plan->source_count == plan->source_room) {
        plan->source_room = plan->source_room ? 2 * plan->source_room : 8;
        plan->sources = mem_realloc_array(plan->sources, plan->source_room, sizeof *plan->sources);
    }
    source = &plan->sources[plan->source_count++];
    *source =
        (struct holder){.about = *about, .rewind_to = FETCH_NO_SEQUENCE, .state = HOLDER_GONE};
    source->host = mem_strdup(about->host);
    /* Whom a reduce asks first is chance, or all would ask the first worker first. */
    plan->cursor = (uint32_t)rand_below(&plan->rand, plan->source_count);
    return source;
}

static void update_source(struct holder *source, uint64_t now_ns, const struct fetch_source *about)
{
    if (strcmp(source->host, about->host) != 0) {
        free(source->host);
        source->host = mem_strdup(about->host);
    }
    if (source->state == HOLDER_GONE) { /* new, or taken back by the master */
        source->state = HOLDER_RESTS;
        source->due_ns = now_ns;
        source->not_before_ns = now_ns;
        source->failures = 0;
        source->must_rewind = source->rewind_to != FETCH_NO_SEQUENCE;
        fetch_state_rewind(source, now_ns);
    }
    source->is_listed = true;
    if (about->count > source->count_asked && source->state == HOLDER_RESTS &&
        source->due_ns > now_ns)
        source->due_ns = now_ns;
    source->about.port = about->port;
    source->about.tls = about->tls;
    source->about.count = about->count;
}

void fetch_plan_sources(struct fetch_plan *plan, uint64_t now_ns,
                        const struct fetch_source *sources, uint32_t count)
{
    uint32_t hint = 0;

    for (uint32_t i = 0; i < plan->source_count; i++)
        plan->sources[i].is_listed = false;
    for (uint32_t i = 0; i < count; i++) {
        struct holder *source = find_source(plan, &sources[i], &hint);

        if (!source)
            source = add_source(plan, &sources[i]);
        update_source(source, now_ns, &sources[i]);
    }
    for (uint32_t i = 0; i < plan->source_count; i++)
        if (!plan->sources[i].is_listed)
            lose_source(plan, now_ns, &plan->sources[i]);
    plan->wake_ns = 0;
}

/* ---- steps ---- */

static bool step_for(const struct fetch_plan *plan, struct holder *source,
                     enum fetch_step_kind kind, struct fetch_step *step)
{
    *step = (struct fetch_step){.kind = kind,
                                .source = fetch_state_number(plan, source),
                                .worker_id = source->about.worker_id,
                                .incarnation = source->about.incarnation,
                                .host = source->host,
                                .port = source->about.port,
                                .tls = source->about.tls};
    return true;
}

static bool close_source(const struct fetch_plan *plan, struct holder *source,
                         struct fetch_step *step)
{
    source->must_close = false;
    return step_for(plan, source, FETCH_CLOSE, step);
}

/* What is to be said or closed, whatever else there is to do. */
static bool next_due(struct fetch_plan *plan, uint64_t now_ns, struct fetch_step *step)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        struct holder *source = &plan->sources[i];

        if (source->must_close)
            return close_source(plan, source, step);
        if (source->state != HOLDER_RESTS && source->state != HOLDER_GONE &&
            source->deadline_ns <= now_ns) {
            fetch_state_cut(plan, now_ns, source, 1);
            return close_source(plan, source, step);
        }
        if (source->must_tell) {
            source->must_tell = false;
            source->tell_ns = now_ns + plan->options.tell_ns;
            plan->counts.unreachable++;
            return step_for(plan, source, FETCH_UNREACHABLE, step);
        }
    }
    return false;
}

/* Takes out what is here by now, and tells what was not told. */
static bool next_lost(struct fetch_plan *plan, struct fetch_step *step)
{
    for (uint32_t i = 0; i < plan->missed_count;) {
        struct missed *missed = &plan->missed[i];

        if (plan->segments[missed->map].is_here) {
            *missed = plan->missed[--plan->missed_count];
            continue;
        }
        if (missed->must_tell) {
            missed->must_tell = false;
            plan->counts.lost++;
            step_for(plan, &plan->sources[missed->source], FETCH_LOST, step);
            step->map = missed->map;
            step->attempt = missed->attempt;
            step->sequence = missed->sequence;
            return true;
        }
        i++;
    }
    return false;
}

/* Makes room for one more connection by closing one that rests. */
static bool next_close(struct fetch_plan *plan, struct fetch_step *step)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        struct holder *source = &plan->sources[i];

        if (!source->is_connected || source->state != HOLDER_RESTS)
            continue;
        source->is_connected = false;
        plan->connected--;
        return close_source(plan, source, step);
    }
    return false;
}

static bool ask(struct fetch_plan *plan, uint64_t now_ns, struct holder *source,
                struct fetch_step *step)
{
    if (!source->is_connected && plan->connected >= plan->options.connections_max)
        return next_close(plan, step); /* then this one is asked */
    step_for(plan, source, FETCH_ASK, step);
    step->request = source->request = ++plan->last_request;
    step->sequence = source->sequence;
    step->segments_max = plan->options.segments_max;
    if (source->is_single) {
        step->sequence = source->single_sequence;
        step->segments_max = 1;
    }
    if (source->has_part) {
        step->sequence = source->part.sequence;
        step->offset = source->part.here;
    }
    if (!source->is_single)
        source->count_asked = source->about.count;
    source->first = source->at = step->sequence;
    source->state = HOLDER_ASKED;
    source->asked_ns = now_ns;
    source->deadline_ns = now_ns + plan->options.answer_ns;
    plan->connected += !source->is_connected;
    source->is_connected = true;
    plan->in_flight++;
    return true;
}

static bool ask_missed(struct fetch_plan *plan, uint64_t now_ns, struct fetch_step *step)
{
    for (uint32_t i = 0; i < plan->missed_count; i++) {
        struct missed *missed = &plan->missed[i];
        struct holder *source = &plan->sources[missed->source];

        if (missed->due_ns > now_ns || source->state != HOLDER_RESTS || source->has_part ||
            source->not_before_ns > now_ns || plan->takers[missed->map] != FETCH_NOBODY)
            continue;
        source->is_single = true;
        source->single_sequence = missed->sequence;
        if (!ask(plan, now_ns, source, step))
            return false;
        if (step->kind == FETCH_ASK)
            missed->due_ns = FETCH_NEVER;
        return true;
    }
    return false;
}

static bool is_due(const struct holder *source, uint64_t now_ns)
{
    return source->state == HOLDER_RESTS && source->not_before_ns <= now_ns &&
           (source->has_part || (source->due_ns <= now_ns && source->about.count > 0));
}

/* The next worker in turn that can be asked for what follows. */
static bool ask_next(struct fetch_plan *plan, uint64_t now_ns, struct fetch_step *step)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        uint32_t number = (plan->cursor + i) % plan->source_count;
        struct holder *source = &plan->sources[number];

        if (!is_due(source, now_ns))
            continue;
        /* A cut segment that was asked for alone, or is not the last one of those that came. */
        source->is_single = source->has_part && source->part.sequence + 1 != source->sequence;
        source->single_sequence = source->part.sequence;
        if (!ask(plan, now_ns, source, step))
            return false;
        if (step->kind == FETCH_ASK)
            plan->cursor = number + 1;
        return true;
    }
    return false;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* When time alone will bring something to do. */
static uint64_t wake_ns(const struct fetch_plan *plan)
{
    bool is_full = plan->in_flight >= plan->options.in_flight_max;
    uint64_t wake = FETCH_NEVER;

    for (uint32_t i = 0; i < plan->source_count; i++) {
        const struct holder *source = &plan->sources[i];

        if (source->state == HOLDER_GONE)
            continue;
        if (source->state != HOLDER_RESTS)
            wake = earlier(wake, source->deadline_ns);
        else if (!is_full && source->has_part)
            wake = earlier(wake, source->not_before_ns);
        else if (!is_full && source->about.count > 0)
            wake = earlier(wake, later(source->due_ns, source->not_before_ns));
    }
    for (uint32_t i = 0; i < plan->missed_count && !is_full; i++) {
        const struct holder *source = &plan->sources[plan->missed[i].source];

        if (source->state == HOLDER_RESTS && !source->has_part &&
            plan->takers[plan->missed[i].map] == FETCH_NOBODY)
            wake = earlier(wake, later(plan->missed[i].due_ns, source->not_before_ns));
    }
    return wake;
}

bool fetch_plan_next(struct fetch_plan *plan, uint64_t now_ns, struct fetch_step *step)
{
    if (now_ns < plan->wake_ns || fetch_plan_is_complete(plan))
        return false;
    if (next_due(plan, now_ns, step) || next_lost(plan, step))
        return true;
    if (plan->in_flight < plan->options.in_flight_max &&
        (ask_missed(plan, now_ns, step) || ask_next(plan, now_ns, step)))
        return true;
    plan->wake_ns = wake_ns(plan);
    assert(plan->wake_ns > now_ns);
    return false;
}

uint64_t fetch_plan_wake_ns(const struct fetch_plan *plan)
{
    return fetch_plan_is_complete(plan) ? FETCH_NEVER : plan->wake_ns;
}
