#include "attempt/outputs.h"

#include "attempt/files.h"
#include "attempt/keep.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/value.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t outputs_partition_count(const Mrlua__TaskStart *start)
{
    return start->partition_count + (uint32_t)start->n_outputs;
}

int outputs_own(const Mrlua__TaskStart *start)
{
    if (start->kind != MRLUA__TASK_KIND__REDUCE || start->task < start->partition_count ||
        start->task >= outputs_partition_count(start))
        return -1;
    return (int)(start->task - start->partition_count);
}

struct publish_part outputs_part(const Mrlua__TaskStart *start, uint32_t number)
{
    const Mrlua__Output *output = start->outputs[number];

    return (struct publish_part){.output = output->name,
                                 .suffix = writer_suffix(output->format),
                                 .number = start->task,
                                 .attempt = start->attempt};
}

int outputs_name_error(const Mrlua__TaskStart *start, uint32_t number, struct err *err)
{
    return err_prefix(err, "mr.emit_to '%s'", start->outputs[number]->name);
}

/* Those that the task has files for. */
static uint32_t file_count(const Mrlua__TaskStart *start)
{
    bool writes_part = start->kind == MRLUA__TASK_KIND__REDUCE
                           ? outputs_own(start) < 0
                           : start->kind == MRLUA__TASK_KIND__MAP && start->partition_count == 0;

    return writes_part ? (uint32_t)start->n_outputs : 0;
}

/* ---- in the trusted process ---- */

/* Beside the part: "errors-00003.7". */
static char *path_of(const Mrlua__TaskStart *start, uint32_t number)
{
    const char *slash = strrchr(start->result_path, '/');
    struct publish_part part = outputs_part(start, number);
    struct buf path = {0};
    char *copy;

    if (slash)
        buf_append(&path, start->result_path, (size_t)(slash + 1 - start->result_path));
    publish_attempt_name(&path, &part);
    copy = mem_strdup(buf_string(&path));
    buf_deinit(&path);
    return copy;
}

static int create(struct outputs *outputs, uint32_t number, struct err *err)
{
    const Mrlua__TaskStart *start = outputs->start;
    char *path;

    if (keep_is_wanted(start)) {
        outputs->fds[number] = files_scratch(start->tmp_folder, err);
        return outputs->fds[number] < 0 ? -1 : 0;
    }
    path = path_of(start, number);
    outputs->fds[number] = files_result(path, err);
    if (outputs->fds[number] >= 0)
        outputs->paths[number] = path;
    else
        free(path); /* a file that is there already is another's */
    return outputs->fds[number] < 0 ? -1 : 0;
}

int outputs_create(struct outputs *outputs, const Mrlua__TaskStart *start, struct err *err)
{
    *outputs = (struct outputs){.start = start};
    if (start->n_outputs > OUTPUT_COUNT_MAX)
        return err_set(err, ERR_SETUP, "%zu further outputs: %d are the most", start->n_outputs,
                       OUTPUT_COUNT_MAX);
    for (uint32_t i = 0; i < file_count(start); i++, outputs->count++)
        if (create(outputs, i, err) != 0)
            return -1;
    return 0;
}

void outputs_deinit(struct outputs *outputs, bool is_kept)
{
    for (uint32_t i = 0; i < outputs->count; i++) {
        io_close(&outputs->fds[i]);
        if (outputs->paths[i] && !is_kept)
            unlink(outputs->paths[i]);
        free(outputs->paths[i]);
    }
    *outputs = (struct outputs){0};
}

void outputs_send(const struct outputs *outputs, struct channel *channel)
{
    struct err ignored;

    for (uint32_t i = 0; i < outputs->count; i++)
        channel_send_fd(channel, MESSAGE_OUTPUT_FILE, NULL, outputs->fds[i], &ignored);
}

int outputs_check(const struct outputs *outputs, const Mrlua__Done *done, struct err *err)
{
    struct stat status;

    for (size_t i = 0; i < done->n_files; i++) {
        const Mrlua__OutputFile *file = done->files[i];

        if (file->output >= outputs->count || (i > 0 && file->output <= done->files[i - 1]->output))
            return err_set(err, ERR_LIMIT, "the script's process tells of an output %u",
                           file->output);
        if (fstat(outputs->fds[file->output], &status) != 0 ||
            (uint64_t)status.st_size != file->bytes)
            return err_set(err, ERR_LIMIT,
                           "the script's process says it wrote %llu bytes to output %s, and did "
                           "%llu",
                           (unsigned long long)file->bytes,
                           outputs->start->outputs[file->output]->name,
                           (unsigned long long)status.st_size);
    }
    return 0;
}

/* ---- in the vm child ---- */

int outputs_receive(struct output_files *files, struct child *child, struct err *err)
{
    *files = (struct output_files){.child = child};
    for (uint32_t i = 0; i < file_count(child->start); i++) {
        struct frame frame;
        int rc = channel_receive(&child->channel, &frame, err);

        if (rc < 0)
            return -1;
        files->fds[i] =
            rc == 1 && frame.type == MESSAGE_OUTPUT_FILE ? channel_take_fd(&child->channel) : -1;
        if (files->fds[i] < 0)
            return err_set(err, ERR_RETRY, "no file of an output came");
        files->count++;
    }
    return 0;
}

int outputs_format(const struct child *child, uint32_t number, struct writer_format *format,
                   struct err *err)
{
    const Mrlua__Output *output = child->start->outputs[number];
    struct slice all, own;

    if (writer_format_by_name(slice_of_string(output->format), format, err) != 0)
        return -1;
    if (value_field_table(buf_slice(&child->view), "outputs", &all) &&
        value_field_table(all, output->name, &own))
        value_field_table(own, "options", &format->options);
    return 0;
}

static int open_writer(struct output_files *files, uint32_t number, struct err *err)
{
    const Mrlua__TaskStart *start = files->child->start;
    struct publish_part part = outputs_part(start, number);
    struct writer_id id = {.partition = start->task};
    struct writer_format format;
    struct buf name = {0};

    if (outputs_format(files->child, number, &format, err) != 0)
        return -1;
    publish_part_name(&name, &part);
    files->writers[number] = writer_open(&format, files->fds[number], buf_string(&name), &id, err);
    buf_deinit(&name);
    return files->writers[number] ? 0 : -1;
}

int outputs_write(struct output_files *files, uint32_t number, struct slice key, struct slice value,
                  struct err *err)
{
    if (number >= files->count)
        return err_set(err, ERR_SETUP, "output %u of %u", number, files->count);
    if (!files->writers[number] && open_writer(files, number, err) != 0)
        return -1;
    if (writer_write(files->writers[number], key, value, err) != 0)
        return outputs_name_error(files->child->start, number, err);
    return 0;
}

int outputs_finish(struct output_files *files, struct task_result *result, struct err *err)
{
    for (uint32_t i = 0; i < files->count; i++) {
        struct part_summary summary;

        if (!files->writers[i])
            continue;
        if (writer_finish(files->writers[i], &summary, err) != 0)
            return -1;
        result->files[result->file_count++] = (struct task_file){.output = i,
                                                                 .crc32c = summary.crc32c,
                                                                 .bytes = summary.bytes,
                                                                 .records = summary.records};
    }
    return 0;
}

void outputs_close(struct output_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        writer_close(files->writers[i]);
        io_close(&files->fds[i]);
    }
    *files = (struct output_files){0};
}
