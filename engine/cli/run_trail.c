#include "cli/run_shell.h"

#include "cli/run_state.h"

#include <stdlib.h>
#include <unistd.h>

void run_shell_leave(struct run_shell *shell, struct trail *trail)
{
    job_trail_init(&shell->kept, trail);
}

static struct job_trail_who who_is(const struct run_attempt *attempt)
{
    return (struct job_trail_who){.step = attempt->shell->config.step,
                                  .stage = attempt->stage,
                                  .task = attempt->task,
                                  .attempt_id = attempt->id};
}

/* It is told once, and the job goes on. */
static void warn(struct run_shell *shell, const struct err *err)
{
    buf_printf(&shell->log,
               "mrlua: nothing of this run is kept for 'mrlua logs' and 'replay': %s\n",
               err->message);
}

void run_trail_print(struct run_attempt *attempt, const char *text)
{
    struct job_trail_who who = who_is(attempt);
    struct err err;

    if (job_trail_print(&attempt->shell->kept, &who, text, &err) != 0)
        warn(attempt->shell, &err);
}

void run_trail_flush(struct run_shell *shell)
{
    struct err err;

    if (job_trail_flush(&shell->kept, &err) != 0)
        warn(shell, &err);
}

void run_trail_keep(struct run_attempt *attempt, const struct err *err, const Mrlua__Error *error,
                    const char *detail)
{
    const struct run_config *config = &attempt->shell->config;
    struct job_trail_who who = who_is(attempt);
    struct job_trail_failure failure = {.err = err, .detail = detail};
    char *folder;
    struct err trouble;

    if (!error)
        return;
    folder = getcwd(NULL, 0);
    failure.part = slice_of(error->capsule.data, error->capsule.len);
    failure.job = (struct capsule_job){.name = config->job_name,
                                       .folder = folder,
                                       .bundle = config->bundle,
                                       .params = config->params,
                                       .view = config->view};
    if (job_trail_keep(&attempt->shell->kept, &who, &failure, &trouble) < 0)
        warn(attempt->shell, &trouble);
    free(folder);
}

void run_trail_advise(const struct run_shell *shell, const struct job_progress *progress,
                      enum err_kind kind, struct buf *detail)
{
    struct job_trail_who who = {.step = shell->config.step,
                                .stage = progress->stage,
                                .task = progress->task,
                                .attempt_id = progress->attempt_id};

    if (shell->kept.trail)
        job_trail_advise(&shell->kept, &who, kind, shell->kept.trail->id, detail);
}
