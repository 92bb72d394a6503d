#include "master/job_trail.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".capsule"

void job_trail_init(struct job_trail *kept, struct trail *trail)
{
    *kept = (struct job_trail){.trail = trail};
}

void job_trail_deinit(struct job_trail *kept)
{
    buf_deinit(&kept->pending);
    *kept = (struct job_trail){0};
}

void job_trail_task(const struct job_trail_who *who, char out[JOB_TRAIL_NAME_BYTES])
{
    char letter = who->is_driver ? 'd' : stage_kind_name(who->stage)[0];

    if (who->step > 0)
        snprintf(out, JOB_TRAIL_NAME_BYTES, "%u.%c%u", who->step, letter, who->task);
    else
        snprintf(out, JOB_TRAIL_NAME_BYTES, "%c%u", letter, who->task);
}

static void attempt_name(const struct job_trail_who *who, const char *suffix,
                         char out[JOB_TRAIL_NAME_BYTES])
{
    char task[JOB_TRAIL_NAME_BYTES];

    job_trail_task(who, task);
    snprintf(out, JOB_TRAIL_NAME_BYTES, "%.24s-%llu%s", task, (unsigned long long)who->attempt_id,
             suffix);
}

/* ---- lines ---- */

static void append_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\')
            buf_append_string(out, "\\\\");
        else if (*text == '\n')
            buf_append_string(out, "\\n");
        else if (*text == '\r')
            buf_append_string(out, "\\r");
        else
            buf_append_byte(out, (unsigned char)*text);
    }
    buf_append_byte(out, '\n');
}

/* Where the files are, or were left by an earlier life of the master. False: nobody knows yet. */
static bool append_folder(const struct trail *trail, struct buf *path)
{
    if (trail->path)
        buf_append_string(path, trail->path);
    else if (trail->root)
        trail_path(trail->root, trail->number, path);
    return path->len > 0;
}

/* The log goes on where it was. */
static void look(struct job_trail *kept)
{
    struct buf path = {0};
    struct stat status;

    if (kept->has_looked)
        return;
    kept->has_looked = true;
    if (append_folder(kept->trail, &path)) {
        buf_append_string(&path, "/log");
        if (stat(buf_string(&path), &status) == 0)
            kept->log_bytes += (uint64_t)status.st_size;
    }
    buf_deinit(&path);
}

int job_trail_flush(struct job_trail *kept, struct err *err)
{
    int rc;

    if (kept->pending.len == 0)
        return 0;
    rc = trail_append(kept->trail, "log", buf_slice(&kept->pending), err);
    buf_clear(&kept->pending);
    return rc;
}

int job_trail_print(struct job_trail *kept, const struct job_trail_who *who, const char *text,
                    struct err *err)
{
    size_t before = kept->pending.len;
    char name[JOB_TRAIL_NAME_BYTES];

    if (!kept->trail)
        return 0;
    look(kept);
    if (kept->log_bytes > JOB_TRAIL_LOG_BYTES_MAX)
        return 0;
    attempt_name(who, "\t", name);
    buf_append_string(&kept->pending, name);
    append_escaped(&kept->pending, text);
    if (kept->log_bytes + kept->pending.len - before > JOB_TRAIL_LOG_BYTES_MAX) {
        kept->pending.len = before;
        buf_append_string(&kept->pending, name);
        append_escaped(&kept->pending, "print: the rest of what this job prints is not kept");
        kept->log_bytes = JOB_TRAIL_LOG_BYTES_MAX;
    }
    kept->log_bytes += kept->pending.len - before;
    return kept->pending.len < JOB_TRAIL_PENDING_BYTES_MAX ? 0 : job_trail_flush(kept, err);
}

/* ---- capsules ---- */

static bool is_of_code(enum err_kind kind)
{
    return kind == ERR_JOB || kind == ERR_LIMIT || kind == ERR_INPUT || kind == ERR_SETUP;
}

bool job_trail_wants(const struct job_trail *kept, const struct job_trail_who *who,
                     enum err_kind kind)
{
    return kept->trail && is_of_code(kind) && kept->capsule_bytes < JOB_TRAIL_CAPSULE_BYTES_MAX &&
           (who->stage == STAGE_SAMPLE || who->stage == STAGE_MAP || who->stage == STAGE_REDUCE ||
            who->is_driver);
}

static bool is_capsule(const char *name)
{
    size_t len = strlen(name), suffix = sizeof SUFFIX - 1;

    return len > suffix && strcmp(name + len - suffix, SUFFIX) == 0;
}

/* "m17-33.capsule" and "m17-40.capsule" are of one task. */
static bool is_same_task(const char *a, const char *b)
{
    size_t len = strcspn(a, "-");

    return strncmp(a, b, len + 1) == 0;
}

/* Of names from the oldest on the one that goes first. */
static const char *choose(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t later = i + 1; later < count; later++)
            if (is_same_task(names[i], names[later]))
                return names[i];
    return names[0];
}

static void remove_name(const struct job_trail *kept, const char *name)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", kept->trail->path, name);
    unlink(buf_string(&path)); /* one too many is in nobody's way */
    buf_deinit(&path);
}

/* So that there is no more than may be, with the newest. */
static void trim(const struct job_trail *kept)
{
    size_t count, capsules = 0;
    char **names = trail_names(kept->trail->path, &count);

    for (size_t i = 0; i < count; i++) {
        if (is_capsule(names[i]))
            names[capsules++] = names[i];
        else
            free(names[i]);
    }
    if (capsules > JOB_TRAIL_CAPSULE_COUNT_MAX)
        remove_name(kept, choose(names, capsules));
    for (size_t i = 0; i < capsules; i++)
        free(names[i]);
    free(names);
}

int job_trail_keep(struct job_trail *kept, const struct job_trail_who *who,
                   const struct job_trail_failure *failure, struct err *err)
{
    struct capsule_job job = failure->job;
    char name[JOB_TRAIL_NAME_BYTES];
    struct buf bytes = {0};
    int rc;

    if (!job_trail_wants(kept, who, failure->err->kind) || failure->part.len == 0)
        return 0;
    rc = trail_begin(kept->trail, err);
    if (rc != 0 || kept->trail->is_broken)
        return rc;
    if (!job.id)
        job.id = kept->trail->id;
    capsule_encode(&bytes, &job, failure->part, failure->err, failure->detail);
    attempt_name(who, SUFFIX, name);
    rc = trail_write(kept->trail, name, buf_slice(&bytes), err);
    kept->capsule_bytes += bytes.len;
    buf_deinit(&bytes);
    if (rc == 0)
        trim(kept);
    return rc == 0 ? 1 : -1;
}

bool job_trail_has(const struct job_trail *kept, const struct job_trail_who *who)
{
    char name[JOB_TRAIL_NAME_BYTES];
    struct buf path = {0};
    bool answer;

    if (!kept->trail || !append_folder(kept->trail, &path))
        return false;
    attempt_name(who, SUFFIX, name);
    buf_printf(&path, "/%s", name);
    answer = access(buf_string(&path), R_OK) == 0;
    buf_deinit(&path);
    return answer;
}

void job_trail_advise(const struct job_trail *kept, const struct job_trail_who *who,
                      enum err_kind kind, const char *id, struct buf *detail)
{
    char task[JOB_TRAIL_NAME_BYTES];

    if ((kind != ERR_JOB && kind != ERR_LIMIT) || who->is_driver || !job_trail_has(kept, who))
        return;
    job_trail_task(who, task);
    buf_printf(detail, "to look into it: mrlua replay %s/%s --debug\n", id, task);
}
