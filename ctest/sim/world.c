#include "world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool faults_are_on(const struct world *world)
{
    return world->now_ns < WORLD_FAULTS_END_NS;
}

/* True so many times in a thousand, as long as there are faults. */
static bool fault(struct world *world, uint64_t per_thousand)
{
    return faults_are_on(world) && rand_below(&world->rand, 1000) < per_thousand;
}

static uint64_t some_ms(struct world *world, uint64_t ms_max)
{
    return rand_below(&world->rand, ms_max * NS_PER_MS) + 1;
}

static void note_add(struct world *world, struct note note, uint64_t after_ns)
{
    if (world->note_count == world->note_capacity) {
        world->note_capacity = world->note_capacity ? 2 * world->note_capacity : 64;
        world->notes = mem_realloc_array(world->notes, world->note_capacity, sizeof *world->notes);
    }
    note.due_ns = world->now_ns + after_ns;
    note.number = ++world->note_number;
    world->notes[world->note_count++] = note;
}

/* The master's own senses: whatever happens, it learns of it. */
static void tell_surely(struct world *world, const struct event *event, uint64_t after_ns)
{
    note_add(world, (struct note){.kind = NOTE_EVENT, .event = *event, .master = world->master},
             after_ns);
}

/* A message: lost, doubled, late. What is late may meet the master's next life. */
static void tell(struct world *world, const struct event *event)
{
    struct note note = {.kind = NOTE_EVENT, .event = *event};

    if (fault(world, 30))
        return;
    note_add(world, note, some_ms(world, fault(world, 30) ? 30000 : 50));
    if (fault(world, 30))
        note_add(world, note, some_ms(world, 5000));
}

static struct event joined(const struct world *world, size_t index)
{
    const struct sim_worker *worker = &world->workers[index];

    return (struct event){.kind = EVENT_WORKER_JOINED,
                          .worker_id = (uint32_t)index,
                          .incarnation = worker->incarnation,
                          .slot_count = worker->slot_count};
}

static struct event submitted(const struct sim_job *job)
{
    return (struct event){.kind = EVENT_JOB_SUBMITTED, .job_id = job->id, .rules = job->rules};
}

static void kill_procs_of(struct world *world, uint32_t worker_id)
{
    for (size_t i = 0; i < world->proc_count; i++)
        if (world->procs[i].start.worker_id == worker_id)
            world->procs[i].state = PROC_DEAD;
}

struct sim_job *world_job_of(struct world *world, uint64_t id)
{
    assert(id >= 1);
    assert(id <= world->job_count);
    return &world->jobs[id - 1];
}

struct proc *world_proc_of(const struct world *world, uint64_t attempt_id)
{
    for (size_t i = world->proc_count; i > 0; i--)
        if (world->procs[i - 1].start.attempt_id == attempt_id)
            return &world->procs[i - 1];
    return NULL;
}

static void proc_start(struct world *world, const struct command *start, uint32_t left_out)
{
    struct proc proc = {.start = *start,
                        .left_out = left_out,
                        .state = start->stage == STAGE_REDUCE ? PROC_FETCHING : PROC_RUNNING,
                        .steps_left = 1 + (uint32_t)rand_below(&world->rand, 8)};
    struct note note = {.kind = NOTE_PROC, .index = world->proc_count};

    if (world_proc_of(world, start->attempt_id))
        return; /* a doubled command */
    if (world->proc_count == world->proc_capacity) {
        world->proc_capacity = world->proc_capacity ? 2 * world->proc_capacity : 64;
        world->procs = mem_realloc_array(world->procs, world->proc_capacity, sizeof *world->procs);
    }
    world->procs[world->proc_count++] = proc;
    note_add(world, note, some_ms(world, 500));
}

/* Any of the ways in which an attempt fails; ERR_NONE: it does not. */
static enum err_kind draw_failure(struct world *world, const struct proc *proc)
{
    if (fault(world, 40))
        return rand_below(&world->rand, 2) ? ERR_RETRY : ERR_DISK;
    if (fault(world, 30))
        return ERR_LIMIT;
    if (fault(world, 3))
        return proc->start.stage == STAGE_PLAN ? ERR_INPUT : ERR_JOB;
    return ERR_NONE;
}

static struct event report_of(const struct proc *proc, enum event_kind kind)
{
    return (struct event){.kind = kind,
                          .job_id = proc->start.job_id,
                          .attempt_id = proc->start.attempt_id,
                          .worker_id = proc->start.worker_id,
                          .incarnation = proc->start.incarnation};
}

static void proc_fail(struct world *world, struct proc *proc, enum err_kind failure)
{
    struct sim_job *job = world_job_of(world, proc->start.job_id);

    proc->state = PROC_FINISHED;
    proc->steps_left = 10;
    proc->report = report_of(proc, EVENT_ATTEMPT_FAILED);
    proc->report.failure = failure;
    if (failure == ERR_LIMIT || failure == ERR_JOB || failure == ERR_INPUT)
        job->faults[world_task_slot(job, proc->start.stage, proc->start.task)]++;
}

/* All that raise, or one that kills. */
static void proc_meets_bad(struct world *world, struct proc *proc, uint32_t bad_count)
{
    bool kills = rand_below(&world->rand, 2);

    proc_fail(world, proc, kills ? ERR_LIMIT : ERR_JOB);
    proc->report.kind = EVENT_RECORDS_BAD;
    proc->report.bad_count = kills ? 1 : bad_count;
}

static void proc_finish(struct world *world, struct proc *proc)
{
    struct sim_job *job = world_job_of(world, proc->start.job_id);
    size_t slot = world_task_slot(job, proc->start.stage, proc->start.task);
    uint32_t bad_count = bad_met(&job->bad, slot, proc->left_out);

    if (bad_count > 0) {
        proc_meets_bad(world, proc, bad_count);
        return;
    }
    proc->state = PROC_FINISHED;
    proc->steps_left = 10;
    proc->report =
        report_of(proc, proc->start.stage == STAGE_PLAN ? EVENT_PLAN_MADE : EVENT_ATTEMPT_DONE);
    proc->report.map_count = job->map_count;
    proc->report.reduce_count = job->reduce_count;
    proc->report.sample_count = job->sample_count;
    if (proc->start.stage == STAGE_MAP) {
        if (job->rules.outputs_in_store)
            proc->is_stored = true;
        else
            world->workers[proc->start.worker_id].runs[job->id - 1][proc->start.task] =
                proc->start.attempt_id;
        proc->report.digest = world_map_digest(job, proc->start.task, proc->start.attempt_id);
    }
    if (proc->start.stage == STAGE_REDUCE)
        proc->report.digest = world_reduce_digest(job, proc);
}

/* Is the run really where it is said to be? */
static bool run_is_there(const struct world *world, const struct sim_job *job, uint32_t map,
                         const struct output_place *place)
{
    const struct sim_worker *worker = &world->workers[place->worker_id % WORLD_WORKERS_MAX];
    const struct proc *proc = world_proc_of(world, place->attempt_id);

    if (job->rules.outputs_in_store)
        return proc && proc->is_stored;
    return worker->is_alive && worker->incarnation == place->incarnation &&
           worker->runs[job->id - 1][map] == place->attempt_id;
}

/* A segment is not to be had: says so and goes on, or gives up. */
static void proc_misses(struct world *world, struct proc *proc, uint32_t map,
                        const struct output_place *place)
{
    struct event lost = report_of(proc, EVENT_OUTPUT_LOST);

    lost.peer_task = map;
    lost.peer_attempt_id = place->attempt_id;
    if (rand_below(&world->rand, 2)) {
        tell(world, &lost);
        return;
    }
    proc_fail(world, proc, ERR_PEER);
    proc->report.peer_task = map;
    proc->report.peer_attempt_id = place->attempt_id;
}

static void proc_fetch(struct world *world, struct proc *proc)
{
    struct sim_job *job = world_job_of(world, proc->start.job_id);
    struct event alive = report_of(proc, EVENT_ATTEMPT_PROGRESS);
    struct output_place place;
    uint32_t missing = 0;

    tell(world, &alive);
    for (uint32_t map = 0; map < job->map_count && proc->state == PROC_FETCHING; map++) {
        if (proc->inputs[map] != 0)
            continue;
        missing++;
        if (!sched_output_of(world->sched, job->id, STAGE_MAP, map, &place))
            continue;
        if (!run_is_there(world, job, map, &place)) {
            proc_misses(world, proc, map, &place);
        } else {
            proc->inputs[map] = place.attempt_id;
            missing--;
        }
    }
    if (proc->state == PROC_FETCHING && missing == 0)
        proc->state = PROC_HOLDING;
}

/* A store drops the upload of a part that is not finished: the commit finds it gone. */
static bool proc_misses_part(struct world *world, struct proc *proc)
{
    struct sim_job *job = world_job_of(world, proc->start.job_id);
    bool has_reduces = job->reduce_count > 0;
    uint32_t part_count = has_reduces ? job->reduce_count : job->map_count;
    uint32_t part = part_count ? (uint32_t)rand_below(&world->rand, part_count) : 0;
    struct output_place place;

    if (proc->start.stage != STAGE_COMMIT || !fault(world, 100))
        return false;
    if (!sched_output_of(world->sched, job->id, has_reduces ? STAGE_REDUCE : STAGE_MAP, part,
                         &place))
        return false;
    proc_fail(world, proc, ERR_PEER);
    proc->report.peer_task = part;
    proc->report.peer_attempt_id = place.attempt_id;
    return true;
}

static void proc_run(struct world *world, struct proc *proc)
{
    struct event alive = report_of(proc, EVENT_ATTEMPT_PROGRESS);
    enum err_kind failure = draw_failure(world, proc);

    if (fault(world, 10)) {
        proc->state = PROC_DEAD; /* hangs, says nothing */
    } else if (proc_misses_part(world, proc)) {
        return;
    } else if (failure != ERR_NONE) {
        proc_fail(world, proc, failure);
    } else if (--proc->steps_left == 0) {
        proc_finish(world, proc);
    } else {
        tell(world, &alive);
    }
}

static void proc_step(struct world *world, size_t index)
{
    struct proc *proc = &world->procs[index];
    struct event holds = report_of(proc, EVENT_ATTEMPT_FETCHED);

    switch (proc->state) {
    case PROC_FETCHING:
        proc_fetch(world, proc);
        break;
    case PROC_HOLDING:
        tell(world, &holds);
        break;
    case PROC_RUNNING:
        proc_run(world, proc);
        break;
    case PROC_FINISHED:
        tell(world, &proc->report);
        if (--proc->steps_left == 0)
            proc->state = PROC_DEAD;
        break;
    case PROC_DEAD:
        return;
    }
    note_add(world, (struct note){.kind = NOTE_PROC, .index = index}, some_ms(world, 2000));
}

static void obey(struct world *world, const struct note *note)
{
    const struct command *command = &note->command;
    struct sim_worker *worker =
        command->worker_id == WORKER_NONE ? NULL : &world->workers[command->worker_id];
    struct proc *proc = world_proc_of(world, command->attempt_id);

    if (worker && (!worker->is_alive || worker->incarnation != command->incarnation))
        return;
    switch (command->kind) {
    case COMMAND_START_ATTEMPT:
        proc_start(world, command, note->left_out);
        return;
    case COMMAND_RUN_ATTEMPT:
        if (proc && proc->state == PROC_HOLDING)
            proc->state = PROC_RUNNING;
        return;
    case COMMAND_KILL_ATTEMPT:
        if (proc)
            proc->state = PROC_DEAD;
        return;
    case COMMAND_FORGET_OUTPUT:
        if (worker->runs[command->job_id - 1][command->task] == command->attempt_id)
            worker->runs[command->job_id - 1][command->task] = 0;
        return;
    case COMMAND_JOB_ENDED:
        return;
    }
}

static void send(struct world *world, const struct command *command)
{
    struct note note = {.kind = NOTE_COMMAND, .command = *command, .master = world->master};
    const struct sim_job *job = world_job_of(world, command->job_id);
    bool is_local = command->worker_id == WORKER_NONE;

    if (command->kind == COMMAND_START_ATTEMPT)
        note.left_out = job->bad.left_out[world_task_slot(job, command->stage, command->task)];
    if (!is_local && fault(world, 20))
        return;
    note_add(world, note, is_local ? 1 : some_ms(world, 50));
    if (fault(world, 20))
        note_add(world, note, some_ms(world, 3000));
}

/* The master dies, and a new one reads the journal. Its helpers die with it. */
static void master_restart(struct world *world)
{
    sched_close(world->sched);
    world->sched = world_restored(world, world->fact_count);
    world->master++;
    world->restart_count++;
    kill_procs_of(world, WORKER_NONE);
    for (uint32_t i = 0; i < world->worker_count; i++) {
        struct event event = joined(world, i);

        if (!world->workers[i].is_alive)
            continue;
        kill_procs_of(world, i); /* a worker that joins runs nothing */
        tell_surely(world, &event, some_ms(world, 14000));
    }
    for (uint32_t i = 0; i < world->job_count; i++) { /* the client was not answered: again */
        struct event event = submitted(&world->jobs[i]);

        tell_surely(world, &event, some_ms(world, 2000));
    }
    tell_surely(world, &(struct event){.kind = EVENT_TICK}, 1);
}

/* The attempt whose output map `peer_task` of the event's job has; 0: none. */
static uint64_t output_named(const struct world *world, const struct event *event)
{
    struct output_place place;

    return sched_output_of(world->sched, event->job_id, STAGE_MAP, event->peer_task, &place)
               ? place.attempt_id
               : 0;
}

/* A step, and: who says that an output cannot be had takes away that one and no other. */
static void step(struct world *world, const struct event *event)
{
    uint64_t stale_count = sched_stale_count(world->sched);
    uint64_t output = output_named(world, event);
    bool names_output = event->kind == EVENT_OUTPUT_LOST ||
                        (event->kind == EVENT_ATTEMPT_FAILED && event->failure == ERR_PEER);
    bool was_heard;

    sched_step(world->sched, event, &world->out);
    sched_check(world->sched);
    was_heard = sched_stale_count(world->sched) == stale_count;
    if (names_output && was_heard && output == event->peer_attempt_id)
        assert(output_named(world, event) != output);
    else if (names_output && output != event->peer_attempt_id)
        assert(output_named(world, event) == output);
}

static void master_step(struct world *world, const struct event *event)
{
    struct event timed = *event;

    timed.now_ns = world->now_ns;
    step(world, &timed);
    if (fault(world, 2)) { /* dies before it has written anything down */
        master_restart(world);
        return;
    }
    world_journal(world, world->out.facts, world->out.fact_count);
    if (rand_below(&world->rand, 50) == 0)
        world_check_fold(world);
    if (fault(world, 2)) { /* dies before anybody was told */
        master_restart(world);
        return;
    }
    for (size_t i = 0; i < world->out.command_count; i++)
        send(world, &world->out.commands[i]);
}

/* It comes back with nothing, under another incarnation. */
static void worker_revive(struct world *world, size_t index)
{
    struct sim_worker *worker = &world->workers[index];
    struct event event;

    memset(worker->runs, 0, sizeof worker->runs);
    worker->is_alive = true;
    worker->incarnation++;
    event = joined(world, index);
    tell_surely(world, &event, 1);
}

static void worker_crash(struct world *world, size_t index)
{
    struct event lost = {.kind = EVENT_WORKER_LOST,
                         .worker_id = (uint32_t)index,
                         .incarnation = world->workers[index].incarnation};

    world->workers[index].is_alive = false;
    kill_procs_of(world, (uint32_t)index);
    tell_surely(world, &lost, some_ms(world, 10000));
    note_add(world, (struct note){.kind = NOTE_REVIVE, .index = index}, some_ms(world, 20000));
}

/* Nobody died, but nobody heard of it: it joins as who it was, with what it holds. */
static void worker_is_cut_off(struct world *world, size_t index)
{
    struct event lost = {.kind = EVENT_WORKER_LOST,
                         .worker_id = (uint32_t)index,
                         .incarnation = world->workers[index].incarnation};
    struct event back = joined(world, index);

    kill_procs_of(world, (uint32_t)index);
    tell_surely(world, &lost, 1);
    tell_surely(world, &back, 2 + some_ms(world, 10000));
}

static void bad_luck(struct world *world)
{
    size_t index = (size_t)rand_below(&world->rand, world->worker_count);
    struct sim_worker *worker = &world->workers[index];
    struct event cancel = {.kind = EVENT_JOB_CANCELLED,
                           .job_id = 1 + rand_below(&world->rand, world->job_count)};

    if (worker->is_alive && fault(world, 8))
        worker_crash(world, index);
    else if (worker->is_alive && fault(world, 5))
        worker_is_cut_off(world, index);
    else if (fault(world, 10))
        worker->runs[rand_below(&world->rand, WORLD_JOBS_MAX)]
                    [rand_below(&world->rand, WORLD_MAPS_MAX)] = 0; /* a run rots */
    else if (world->proc_count > 0 && fault(world, 10))
        world->procs[rand_below(&world->rand, world->proc_count)].is_stored = false;
    else if (rand_below(&world->rand, 10) == 0 && fault(world, 3))
        tell(world, &cancel);
}

static size_t first_note(const struct world *world)
{
    size_t first = 0;

    assert(world->note_count > 0);
    for (size_t i = 1; i < world->note_count; i++) {
        const struct note *note = &world->notes[i], *best = &world->notes[first];

        if (note->due_ns < best->due_ns ||
            (note->due_ns == best->due_ns && note->number < best->number))
            first = i;
    }
    return first;
}

/* A connection goes with either of its ends: the dead do not join, nor do they join the dead. */
static bool is_void(const struct world *world, const struct note *note)
{
    const struct sim_worker *worker;

    if (note->master != 0 && note->master != world->master)
        return true;
    if (note->kind != NOTE_EVENT || note->event.kind != EVENT_WORKER_JOINED)
        return false;
    worker = &world->workers[note->event.worker_id];
    return !worker->is_alive || worker->incarnation != note->event.incarnation;
}

static void happen(struct world *world, const struct note *note)
{
    if (is_void(world, note))
        return;
    switch (note->kind) {
    case NOTE_EVENT:
        master_step(world, &note->event);
        return;
    case NOTE_COMMAND:
        obey(world, note);
        return;
    case NOTE_PROC:
        proc_step(world, note->index);
        return;
    case NOTE_REVIVE:
        worker_revive(world, note->index);
        return;
    }
}

void world_turn(struct world *world)
{
    uint64_t due_ns = sched_next_due_ns(world->sched);
    struct note note;
    size_t first;

    assert(world->now_ns < WORLD_END_NS); /* I7: some job never ends */
    bad_luck(world);
    first = world->note_count ? first_note(world) : 0;
    if (world->note_count == 0 || due_ns <= world->notes[first].due_ns) {
        assert(due_ns != UINT64_MAX); /* nothing will ever happen, and a job has not ended */
        world->now_ns = due_ns > world->now_ns ? due_ns : world->now_ns;
        master_step(world, &(struct event){.kind = EVENT_TICK});
        return;
    }
    note = world->notes[first];
    world->notes[first] = world->notes[--world->note_count];
    world->now_ns = note.due_ns;
    happen(world, &note);
}

bool world_has_ended(const struct world *world)
{
    for (uint32_t i = 0; i < world->job_count; i++)
        if (!world->jobs[i].has_ended)
            return false;
    return true;
}

void world_init(struct world *world, uint64_t seed)
{
    struct rand rand;

    *world = (struct world){.seed = seed, .master = 1};
    rand_init(&world->rand, seed);
    rand_init(&rand, ~seed);
    sched_options_default(&world->options);
    world->options.seed = seed;
    world->options.silence_ns = 20 * NS_PER_S;
    world->options.retry_delay_ns_max = 5 * NS_PER_S;
    world->options.fetch_start_percent = (uint32_t)rand_below(&world->rand, 3) * 50;
    world->sched = sched_open(&world->options);
    world->worker_count = 1 + (uint32_t)rand_below(&world->rand, WORLD_WORKERS_MAX);
    for (uint32_t i = 0; i < world->worker_count; i++) {
        world->workers[i].slot_count = 1 + (uint32_t)rand_below(&world->rand, 3);
        note_add(world, (struct note){.kind = NOTE_REVIVE, .index = i}, some_ms(world, 5000));
    }
    world->job_count = 1 + (uint32_t)rand_below(&world->rand, WORLD_JOBS_MAX);
    for (uint32_t i = 0; i < world->job_count; i++) {
        struct sim_job *job = &world->jobs[i];
        struct event event;

        job->id = i + 1;
        job->map_count = (uint32_t)rand_below(&world->rand, WORLD_MAPS_MAX + 1);
        job->reduce_count = (uint32_t)rand_below(&world->rand, WORLD_REDUCES_MAX + 1);
        job->sample_count = (uint32_t)rand_below(&world->rand, 2);
        job->rules.attempts_max = 4;
        job->rules.unsafe = rand_below(&world->rand, 5) == 0;
        job->rules.outputs_in_store = rand_below(&world->rand, 4) == 0;
        job->is_random = rand_below(&world->rand, 5) == 0;
        bad_draw(&job->bad, &rand, &job->rules);
        event = submitted(job);
        tell_surely(world, &event, some_ms(world, 5000));
    }
}

void world_deinit(struct world *world)
{
    sched_close(world->sched);
    sched_output_deinit(&world->out);
    free(world->facts);
    free(world->notes);
    free(world->procs);
}
