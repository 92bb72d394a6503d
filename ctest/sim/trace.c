/* With TRACE in the environment a history is printed: turns of the master, moves of workers. */
#include "cluster.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_on(void)
{
    static int on = -1;

    if (on < 0)
        on = getenv("TRACE") != NULL;
    return on;
}

void trace_turn(const struct cluster *cluster, const struct event *event,
                const struct sched_output *out)
{
    if (!is_on() || (event->kind == EVENT_WORKER_HEARD && out->fact_count == 0) ||
        (event->kind == EVENT_ATTEMPT_PROGRESS && out->fact_count == 0))
        return;
    printf("%.3f %s job %" PRIu64 " worker %d/%" PRIu64 " attempt %" PRIx64 " peer %u/%" PRIx64
           " slots %u failure %d\n",
           (double)cluster->queue.now_ns / 1e9, event_kind_name(event->kind), event->job_id,
           (int)event->worker_id, event->incarnation, event->attempt_id, event->peer_task,
           event->peer_attempt_id, event->slot_count, (int)event->failure);
    for (size_t i = 0; i < out->fact_count; i++)
        printf("      fact %s job %" PRIu64 " %s %u attempt %" PRIx64 " worker %d failure %d\n",
               fact_kind_name(out->facts[i].kind), out->facts[i].job_id,
               stage_kind_name(out->facts[i].stage), out->facts[i].task, out->facts[i].attempt_id,
               (int)out->facts[i].worker_id, (int)out->facts[i].failure);
    for (size_t i = 0; i < out->command_count; i++)
        printf("      -> %s job %" PRIu64 " %s %u attempt %" PRIx64 " worker %d\n",
               command_kind_name(out->commands[i].kind), out->commands[i].job_id,
               stage_kind_name(out->commands[i].stage), out->commands[i].task,
               out->commands[i].attempt_id, (int)out->commands[i].worker_id);
}

void trace_agent(const struct cluster *cluster, uint32_t worker, const struct agent_event *event,
                 const struct agent_output *out)
{
    if (!is_on() || out->action_count == 0 ||
        (out->action_count == 1 && out->actions[0].kind == AGENT_SEND_HEARTBEAT))
        return;
    printf("%.3f          worker %u: %s attempt %" PRIx64 "\n", (double)cluster->queue.now_ns / 1e9,
           worker, agent_event_kind_name(event->kind), event->attempt_id);
    for (size_t i = 0; i < out->action_count; i++)
        printf("               -> %s attempt %" PRIx64 " report %d failure %d\n",
               agent_action_kind_name(out->actions[i].kind), out->actions[i].attempt_id,
               (int)out->actions[i].report, (int)out->actions[i].failure);
}

void trace_word(const struct cluster *cluster, const char *word, uint32_t node)
{
    if (is_on())
        printf("%.3f *** %s %u\n", (double)cluster->queue.now_ns / 1e9, word, node);
}

void trace_fetch(const struct cluster *cluster, uint64_t attempt_id, const struct fetch_step *step)
{
    static const char *const names[] = {"ask", "close", "lost", "unreachable"};

    if (is_on())
        printf("%.3f          fetch of %" PRIx64 ": %s source %u worker %u/%" PRIu64
               " request %" PRIu64 " sequence %" PRIu64 " map %u attempt %" PRIx64 "\n",
               (double)cluster->queue.now_ns / 1e9, attempt_id, names[step->kind], step->source,
               step->worker_id, step->incarnation, step->request, step->sequence, step->map,
               step->attempt);
}

void trace_head(const struct cluster *cluster, uint64_t attempt_id, const struct fetch_head *head,
                enum fetch_use use)
{
    static const char *const names[] = {"data", "empty", "unknown", "busy", "no more"};

    if (is_on())
        printf("%.3f          fetch of %" PRIx64 ": %s sequence %" PRIu64 " map %u attempt %" PRIx64
               " use %d\n",
               (double)cluster->queue.now_ns / 1e9, attempt_id, names[head->state], head->sequence,
               head->map, head->attempt, (int)use);
}
