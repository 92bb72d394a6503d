#include "cli/run_shell.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/run_state.h"
#include "master/job_inputs.h"

#include <signal.h>
#include <stdlib.h>

/* One machine: a process that dies hangs up at once, and the attempt watches its own child. So
 * silence says nothing here, and standard input may take its time. */
#define RUN_SILENCE_NS (365ULL * 24 * 3600 * NS_PER_S)

/* Nothing far away has to recover: 30 tries of a task take seconds, not minutes. */
#define RUN_RETRY_DELAY_NS (200 * NS_PER_MS)

static void interrupt(void *context, int signal_number)
{
    struct run_shell *shell = context;
    struct event event = {.kind = EVENT_JOB_CANCELLED, .job_id = RUN_JOB_ID};

    shell->is_forced = shell->signal_number != 0;
    shell->signal_number = signal_number;
    if (!shell->job_ended) {
        run_queue(shell, &event);
        run_pump(shell);
    }
    if (shell->is_forced || (shell->job_ended && !shell->attempts))
        loop_break(shell->loop);
}

static void on_step_timer(void *context)
{
    struct run_shell *shell = context;

    loop_break(shell->loop);
}

static void on_sched_timer(void *context)
{
    struct run_shell *shell = context;
    struct event event = {.kind = EVENT_TICK};

    run_queue(shell, &event);
    run_pump(shell);
    if (shell->job_ended && !shell->attempts)
        loop_break(shell->loop);
}

static int open_loop(struct run_shell *shell, struct err *err)
{
    shell->loop = loop_open(err);
    if (!shell->loop ||
        interrupts_open(&shell->interrupts, shell->loop, interrupt, shell, err) != 0)
        return -1;
    shell->step_timer = loop_timer_open(shell->loop, on_step_timer, shell);
    shell->sched_timer = loop_timer_open(shell->loop, on_sched_timer, shell);
    return 0;
}

static int open_folders(struct run_shell *shell, struct err *err)
{
    const struct run_config *config = &shell->config;
    const char *parent = temp_choose(config->tmp);

    if (config->output && config->overwrite &&
        job_inputs_check(config->output, "", config->inputs, config->input_count, err) != 0)
        return -1;
    if (config->reuse && run_cache_init(&shell->cache, config->cache_bytes, err) != 0)
        return -1;
    temp_sweep(parent);
    if (temp_init(&shell->temp, parent, err) != 0)
        return -1;
    return run_output_init(&shell->output, config->publish_id, config->output, config->overwrite,
                           config->shuffle, shell->temp.path, err);
}

/* One worker, one job: everything else follows from these two. */
static void submit(struct run_shell *shell)
{
    const struct run_config *config = &shell->config;
    struct event worker = {.kind = EVENT_WORKER_JOINED,
                           .worker_id = RUN_WORKER_ID,
                           .incarnation = 1,
                           .slot_count = config->slots};
    struct event job = {.kind = EVENT_JOB_SUBMITTED,
                        .job_id = RUN_JOB_ID,
                        .rules = {.attempts_max = config->attempts,
                                  .unsafe = config->unsafe,
                                  .skip_bad = config->skip_bad,
                                  .outputs_in_store = shell->output.shuffle.len > 0,
                                  .silence_ns = RUN_SILENCE_NS}};
    struct sched_options options;

    sched_options_default(&options);
    options.retry_delay_ns_max = RUN_RETRY_DELAY_NS;
    shell->sched = sched_open(&options);
    shell->begun_ns = clock_monotonic_ns();
    run_queue(shell, &worker);
    run_queue(shell, &job);
    run_pump(shell);
}

struct run_shell *run_shell_open(const struct nursery *nursery, struct slice args, struct err *err)
{
    struct run_shell *shell = mem_alloc(sizeof *shell);

    shell->nursery = nursery;
    shell->temp.lock_fd = -1;
    if (run_config_init(&shell->config, args, err) != 0 || open_loop(shell, err) != 0 ||
        open_folders(shell, err) != 0) {
        run_shell_close(shell);
        return NULL;
    }
    submit(shell);
    return shell;
}

void run_shell_close(struct run_shell *shell)
{
    if (!shell)
        return;
    while (shell->attempts)
        run_attempt_remove(shell->attempts);
    run_trail_flush(shell);
    job_trail_deinit(&shell->kept);
    run_output_deinit(&shell->output, shell->is_committed);
    temp_deinit(&shell->temp);
    run_cache_deinit(&shell->cache);
    interrupts_close(&shell->interrupts);
    loop_event_close(shell->step_timer);
    loop_event_close(shell->sched_timer);
    loop_close(shell->loop);
    sched_close(shell->sched);
    sched_output_deinit(&shell->decisions);
    job_results_deinit(&shell->results);
    job_faults_deinit(&shell->faults);
    job_bad_deinit(&shell->bad);
    message_free(shell->plan_done);
    buf_deinit(&shell->log);
    buf_deinit(&shell->notices);
    run_config_deinit(&shell->config);
    free(shell->queue);
    free(shell);
}

bool run_shell_finished(const struct run_shell *shell)
{
    return shell->is_forced || (shell->job_ended && !shell->attempts);
}

int run_shell_step(struct run_shell *shell, uint32_t milliseconds, struct err *err)
{
    if (run_shell_finished(shell))
        return 0;
    loop_timer_start(shell->step_timer, milliseconds * NS_PER_MS);
    return loop_run(shell->loop, err);
}

const char *run_shell_warning(const struct run_shell *shell)
{
    if (temp_is_memory(shell->temp.path))
        return "the folder for intermediate files is held in memory (tmpfs): a large job may fill "
               "it; --tmp DIR chooses another";
    return NULL;
}

/* Set by stop_printing(), read by run_output_print(). A signal handler has nothing else. */
static volatile sig_atomic_t stopped_by;

static void stop_printing(int signal_number)
{
    stopped_by = signal_number;
}

int run_shell_print(struct run_shell *shell, struct err *err)
{
    uint32_t count = job_results_part_count(&shell->results);
    uint64_t *attempts;
    int rc;

    if (shell->output.has_folder || !shell->is_committed || shell->signal_number)
        return 0;
    attempts = mem_alloc_array(count, sizeof *attempts);
    for (uint32_t i = 0; i < count; i++)
        attempts[i] = job_results_part(&shell->results, i)->attempt_id;
    stopped_by = 0;
    interrupts_catch(&shell->interrupts, stop_printing); /* the loop does not run any more */
    rc = run_output_print(&shell->output, attempts, count, &stopped_by, err);
    shell->signal_number = (int)stopped_by;
    free(attempts);
    return rc;
}
