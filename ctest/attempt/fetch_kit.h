/*
 * fetch_kit: workers that are made up, and a fetch plan that asks them under a clock that is made
 * up too.
 *
 *     world_open(&world, &(struct fetch_options){.map_count = 3}, rand);
 *     world_hold(&world, worker, map, attempt, bytes);      a run ends there; bytes 0: empty
 *     world_tell(&world);                                   the master tells who holds what
 *     world_run(&world, seconds);                           until it is complete, or time is up
 *     world_close(&world);
 *
 * After every fact and step the plan's limits are checked.
 */
#ifndef CTEST_ATTEMPT_FETCH_KIT_H
#define CTEST_ATTEMPT_FETCH_KIT_H

#include "test.h"

#include "attempt/fetch_plan.h"
#include "base/clock.h"
#include "base/rand.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 8, RUNS_MAX = 256, SOURCES_MAX = 256, TOLD_MAX = 256 };

struct world_run {
    uint32_t map;
    uint64_t attempt, bytes;
    bool is_forgotten, is_lost;
    uint32_t damaged; /* times that it comes damaged */
};

struct world_worker {
    uint64_t incarnation;
    struct world_run runs[RUNS_MAX];
    uint32_t run_count;
    bool is_unlisted, is_down, is_strange; /* strange: it does not know the job */
    uint32_t busy;                         /* answers BUSY so often */
    uint64_t cut_after;                    /* connections end after so many bytes; 0: never */
};

struct world_request {
    bool is_open;
    uint32_t worker;
    uint64_t number, incarnation, sequence, offset, bytes_left, sent;
    uint32_t left;
    bool is_skip, is_bad, is_connected;
};

struct world {
    struct fetch_plan *plan;
    struct fetch_options options;
    struct rand *rand;
    uint64_t now_ns;
    struct world_worker workers[WORKERS_MAX];
    struct world_request requests[SOURCES_MAX]; /* by source */
    struct fetch_step told[TOLD_MAX];           /* LOST and UNREACHABLE */
    uint32_t told_count;
    uint32_t asked, in_flight_most, connected_most;
    uint64_t written; /* bytes taken */
};

static inline void world_open(struct world *world, const struct fetch_options *options,
                              struct rand *rand)
{
    memset(world, 0, sizeof *world);
    world->options = *options;
    world->rand = rand;
    world->now_ns = NS_PER_S;
    world->plan = fetch_plan_open(options);
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        world->workers[i].incarnation = 100 + i;
}

static inline void world_close(struct world *world)
{
    fetch_plan_close(world->plan);
}

static inline struct world_run *world_hold(struct world *world, uint32_t worker, uint32_t map,
                                           uint64_t attempt, uint64_t bytes)
{
    struct world_worker *holder = &world->workers[worker];
    struct world_run *run = &holder->runs[holder->run_count++];

    assert_true(holder->run_count <= RUNS_MAX);
    *run = (struct world_run){.map = map, .attempt = attempt, .bytes = bytes};
    return run;
}

static inline void world_tell(struct world *world)
{
    struct fetch_source sources[WORKERS_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        const struct world_worker *worker = &world->workers[i];
        uint32_t held = 0;

        for (uint32_t j = 0; j < worker->run_count; j++)
            held += !worker->runs[j].is_forgotten;
        if (!worker->is_unlisted && held > 0)
            sources[count++] = (struct fetch_source){.worker_id = i,
                                                     .incarnation = worker->incarnation,
                                                     .host = "host",
                                                     .port = i,
                                                     .count = held};
    }
    fetch_plan_sources(world->plan, world->now_ns, sources, count);
}

static inline void world_check(struct world *world)
{
    uint32_t in_flight = 0, connected = 0;
    uint32_t in_flight_max =
        world->options.in_flight_max ? world->options.in_flight_max : FETCH_IN_FLIGHT;
    uint32_t connected_max =
        world->options.connections_max ? world->options.connections_max : FETCH_CONNECTIONS;

    for (uint32_t i = 0; i < SOURCES_MAX; i++) {
        in_flight += world->requests[i].is_open;
        connected += world->requests[i].is_connected;
    }
    assert_true(in_flight <= in_flight_max);
    assert_true(connected <= connected_max);
    if (in_flight > world->in_flight_most)
        world->in_flight_most = in_flight;
    if (connected > world->connected_most)
        world->connected_most = connected;
}

static inline void world_do(struct world *world, const struct fetch_step *step)
{
    struct world_request *request = &world->requests[step->source];

    assert_true(step->source < SOURCES_MAX);
    switch (step->kind) {
    case FETCH_ASK:
        assert_false(request->is_open);
        world->asked++;
        *request = (struct world_request){.is_open = true,
                                          .is_connected = true,
                                          .worker = step->worker_id,
                                          .number = step->request,
                                          .incarnation = step->incarnation,
                                          .sequence = step->sequence,
                                          .offset = step->offset,
                                          .left = step->segments_max};
        break;
    case FETCH_CLOSE:
        request->is_open = request->is_connected = false;
        break;
    case FETCH_LOST:
    case FETCH_UNREACHABLE:
        if (world->told_count < TOLD_MAX)
            world->told[world->told_count++] = *step;
        break;
    }
    world_check(world);
}

static inline void world_steps(struct world *world)
{
    struct fetch_step step;

    while (fetch_plan_next(world->plan, world->now_ns, &step))
        world_do(world, &step);
}

static inline void world_cut(struct world *world, uint32_t source)
{
    struct world_request *request = &world->requests[source];

    request->is_open = request->is_connected = false;
    fetch_plan_cut(world->plan, world->now_ns, source, request->number);
}

static inline void world_head(struct world *world, uint32_t source, struct fetch_head *head,
                              uint32_t damaged)
{
    struct world_request *request = &world->requests[source];
    struct fetch_place place;
    enum fetch_use use;

    head->incarnation = world->workers[request->worker].incarnation;
    use = fetch_plan_head(world->plan, world->now_ns, source, request->number, head, &place);
    if (use == FETCH_REFUSE) {
        request->is_open = request->is_connected = false;
        return;
    }
    if (head->state == FETCH_DATA) {
        assert_true(use == FETCH_TAKE || use == FETCH_SKIP);
        request->bytes_left = head->bytes - head->offset;
        request->is_skip = use == FETCH_SKIP;
        request->is_bad = damaged > 0;
        if (use == FETCH_TAKE) {
            assert_true(place.map == head->map && place.from == head->offset);
            assert_true(place.offset + place.bytes <= fetch_plan_counts(world->plan)->file_bytes);
        }
    } else if (head->state != FETCH_EMPTY &&
               !(head->state == FETCH_UNKNOWN && head->attempt != FETCH_ATTEMPT_NONE)) {
        request->is_open = false;
    }
}

/* The next run that is asked for, past those forgotten; NULL: there is none. */
static inline struct world_run *world_next_run(struct world *world, struct world_request *request)
{
    struct world_worker *worker = &world->workers[request->worker];

    while (request->sequence < worker->run_count && worker->runs[request->sequence].is_forgotten)
        request->sequence++, request->offset = 0;
    return request->sequence < worker->run_count ? &worker->runs[request->sequence] : NULL;
}

static inline void world_bytes(struct world *world, uint32_t source)
{
    struct world_request *request = &world->requests[source];
    struct world_worker *worker = &world->workers[request->worker];
    uint64_t count = 1 + rand_below(world->rand, request->bytes_left);

    if (worker->cut_after > 0 && request->sent >= worker->cut_after) {
        world_cut(world, source);
        return;
    }
    if (worker->cut_after > 0 && request->sent + count > worker->cut_after)
        count = worker->cut_after - request->sent;
    fetch_plan_bytes(world->plan, world->now_ns, source, request->number, count);
    request->sent += count;
    request->bytes_left -= count;
    world->written += request->is_skip ? 0 : count;
    if (request->bytes_left == 0)
        fetch_plan_end(world->plan, world->now_ns, source, request->number, !request->is_bad);
    else if (worker->cut_after > 0 && request->sent >= worker->cut_after)
        world_cut(world, source);
}

/* One fact of an open request. */
static inline void world_fact(struct world *world, uint32_t source)
{
    struct world_request *request = &world->requests[source];
    struct world_worker *worker = &world->workers[request->worker];
    struct fetch_head head = {.sequence = request->sequence};
    struct world_run *run;

    if (worker->is_down) {
        world_cut(world, source);
        return;
    }
    if (request->bytes_left > 0) {
        world_bytes(world, source);
        return;
    }
    run = world_next_run(world, request);
    if (worker->busy > 0 && worker->busy--) {
        head.state = FETCH_BUSY;
        head.retry_ns = 100 * NS_PER_MS;
    } else if (worker->is_strange) {
        head.state = FETCH_UNKNOWN;
    } else if (!run || request->left == 0) {
        head = (struct fetch_head){
            .state = FETCH_NO_MORE, .sequence = request->sequence, .has_more = run != NULL};
    } else {
        head = (struct fetch_head){
            .state = run->is_lost     ? FETCH_UNKNOWN
                     : run->bytes > 0 ? FETCH_DATA
                                      : FETCH_EMPTY,
            .sequence = request->sequence++,
            .map = run->map,
            .attempt = run->attempt,
            .records = run->bytes,
            .bytes = run->bytes,
            .offset = request->offset,
        };
        request->offset = 0;
        request->left--;
        world_head(world, source, &head, run->damaged);
        run->damaged -= run->damaged > 0 && !request->is_skip;
        return;
    }
    world_head(world, source, &head, 0);
}

/* One thing that can happen now; false: nothing until the plan wakes. */
static inline bool world_turn(struct world *world)
{
    uint32_t open[SOURCES_MAX], count = 0;

    for (uint32_t i = 0; i < SOURCES_MAX; i++)
        if (world->requests[i].is_open)
            open[count++] = i;
    if (count == 0 || fetch_plan_is_complete(world->plan))
        return false;
    world->now_ns += NS_PER_MS;
    world_fact(world, open[rand_below(world->rand, count)]);
    world_check(world);
    world_steps(world);
    return true;
}

/* Until all is here, or so much time has gone. */
static inline bool world_run(struct world *world, uint64_t seconds)
{
    uint64_t end_ns = world->now_ns + seconds * NS_PER_S;

    world_steps(world);
    while (!fetch_plan_is_complete(world->plan) && world->now_ns < end_ns) {
        uint64_t wake_ns;

        if (world_turn(world))
            continue;
        wake_ns = fetch_plan_wake_ns(world->plan);
        world->now_ns = wake_ns < end_ns ? wake_ns : end_ns;
        world_steps(world);
    }
    return fetch_plan_is_complete(world->plan);
}

/* The segment of `map` is here, of that attempt, in a place of its own. */
static inline void world_expect(const struct world *world, uint32_t map, uint64_t attempt,
                                uint64_t bytes)
{
    const struct fetch_segment *segments = fetch_plan_segments(world->plan);

    assert_true(segments[map].is_here);
    assert_int_equal(segments[map].attempt, attempt);
    assert_int_equal(segments[map].bytes, bytes);
    for (uint32_t i = 0; i < world->options.map_count; i++)
        if (i != map && bytes > 0 && segments[i].is_here && segments[i].bytes > 0)
            assert_true(segments[i].offset + segments[i].bytes <= segments[map].offset ||
                        segments[map].offset + bytes <= segments[i].offset);
}

static inline uint32_t world_told(const struct world *world, enum fetch_step_kind kind,
                                  uint32_t map)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < world->told_count; i++)
        count += world->told[i].kind == kind && (kind != FETCH_LOST || world->told[i].map == map);
    return count;
}

#endif
