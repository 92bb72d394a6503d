#include "cli/run_config.h"

#include "attempt/input_groups.h"
#include "base/mem.h"
#include "master/job_parts.h"
#include "master/job_shuffle.h"
#include "record/partition.h"
#include "record/record.h"
#include "record/sortbuf.h"
#include "record/value.h"
#include "sched/sched.h"

#include <stdlib.h>
#include <string.h>

/* A string field, or NULL when it is absent. */
static char *string_field(struct slice args, const char *name)
{
    struct datum datum;

    if (!value_field(args, name, &datum) || datum.type != DATUM_STRING)
        return NULL;
    return mem_strndup(datum.string.ptr, datum.string.len);
}

static uint64_t size_field(struct slice args, const char *name)
{
    int64_t value = value_field_integer(args, name, 0);

    return value > 0 ? (uint64_t)value : 0;
}

/* A count that is too large for 32 bits is too large for its limit as well. */
static uint32_t count_field(struct slice args, const char *name)
{
    uint64_t value = size_field(args, name);

    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void add_input(struct run_config *config, const struct datum *item)
{
    if (item->type != DATUM_STRING)
        return;
    config->inputs =
        mem_realloc_array(config->inputs, config->input_count + 1, sizeof *config->inputs);
    config->inputs[config->input_count] = mem_strndup(item->string.ptr, item->string.len);
    if (strcmp(config->inputs[config->input_count++], "-") == 0)
        config->reads_stdin = true;
}

static void add_group(struct run_config *config, const struct datum *item)
{
    struct slice name = value_field_string(item->string, "name", "");
    struct slice format = value_field_string(item->string, "format", "");
    Mrlua__InputGroup *group = mem_alloc(sizeof *group);

    mrlua__input_group__init(group);
    group->name = mem_strndup(name.ptr, name.len);
    group->format = mem_strndup(format.ptr, format.len);
    group->count = count_field(item->string, "count");
    config->groups =
        mem_realloc_array(config->groups, config->group_count + 1, sizeof *config->groups);
    config->groups[config->group_count++] = group;
}

/* The items of the list that is the field `name`. */
static void read_list(struct run_config *config, struct slice args, const char *name,
                      void (*add)(struct run_config *config, const struct datum *item))
{
    struct value_reader reader;
    struct datum key, value;
    struct err ignored;

    if (!value_open_field(&reader, args, name))
        return;
    while (value_read_pair(&reader, &key, &value, &ignored) == 1)
        add(config, &value);
}

/* Of a step: drive_shell_files(). */
static int read_pinned(struct run_config *config, struct slice packed, struct err *err)
{
    config->pinned = message_unpack(&mrlua__plan_request__descriptor, packed, err);
    if (!config->pinned)
        return -1;
    for (size_t i = 0; i < config->pinned->n_files && i < CHILD_FILE_COUNT_MAX; i++)
        side_files_add(&config->files, config->pinned->files[i]);
    return 0;
}

static int read_files(struct run_config *config, struct slice args, struct err *err)
{
    struct slice pinned = value_field_string(args, "pinned_files", "");
    struct value_reader reader;
    struct datum key, value;
    struct err ignored;

    if (pinned.len > 0)
        return read_pinned(config, pinned, err);
    if (!value_open_field(&reader, args, "files"))
        return 0;
    while (value_read_pair(&reader, &key, &value, &ignored) == 1) {
        Mrlua__SideFile *file;

        if (key.type != DATUM_STRING || value.type != DATUM_STRING)
            continue;
        if (config->files.count == CHILD_FILE_COUNT_MAX)
            return err_set(err, ERR_SETUP, "a job has at most %d side files", CHILD_FILE_COUNT_MAX);
        file = side_files_add(&config->files, NULL);
        file->name = mem_strndup(key.string.ptr, key.string.len);
        file->path = mem_strndup(value.string.ptr, value.string.len);
    }
    return 0;
}

static void read_fields(struct run_config *config, struct slice args)
{
    struct datum reduce;

    value_field_table(args, "bundle", &config->bundle);
    value_field_table(args, "view", &config->view);
    value_field_table(args, "params", &config->params);
    read_list(config, args, "inputs", add_input);
    read_list(config, args, "input_groups", add_group);
    job_output_list_read(&config->outputs, config->view);
    config->ranged = partition_kind_of(config->view) == PARTITION_BY_RANGE;
    config->drive = value_field_boolean(config->view, "drive", false);
    config->steps = count_field(config->view, "steps");
    config->map_only = !value_field(config->view, "reduce", &reduce);
    config->job_name = string_field(args, "job_name");
    config->input_format = string_field(args, "input");
    config->output_format = string_field(args, "output_format");
    config->output = string_field(args, "output");
    config->publish_id = string_field(args, "publish_id");
    config->tmp = string_field(args, "tmp");
    config->shuffle = string_field(args, "shuffle");
    if (!config->shuffle)
        config->shuffle = mem_strdup("local");
    config->reuse = value_field_boolean(args, "reuse", false);
    config->cache_bytes = size_field(args, "cache_bytes");
    config->overwrite = value_field_boolean(args, "overwrite", false);
    config->unsafe = value_field_boolean(args, "unsafe", false);
    config->slots = count_field(args, "slots");
    config->reducers = count_field(args, "reducers");
    config->attempts = count_field(args, "attempts");
    config->step = count_field(args, "step");
    config->skip_bad = count_field(args, "skip_bad");
    config->split_bytes = size_field(args, "split_bytes");
    config->sort_buffer_bytes = size_field(args, "sort_buffer_bytes");
    if (!config->sort_buffer_bytes)
        config->sort_buffer_bytes = RUN_SORT_BUFFER_BYTES;
    config->memory_bytes = size_field(args, "memory_bytes");
    config->progress_ms = size_field(args, "progress_ms");
    config->record_ms = size_field(args, "record_ms");
}

static int check_counts(const struct run_config *config, struct err *err)
{
    if (config->slots < 1 || config->slots > RUN_SLOTS_MAX)
        return err_set(err, ERR_SETUP, "slots: %u is not within 1 and %d", config->slots,
                       RUN_SLOTS_MAX);
    if (config->reducers > REDUCER_COUNT_MAX)
        return err_set(err, ERR_SETUP, "reducers: %u is more than %d", config->reducers,
                       REDUCER_COUNT_MAX);
    if (config->attempts < 1 || config->attempts > SCHED_FAILURE_COUNT_MAX)
        return err_set(err, ERR_SETUP, "attempts: %u is not within 1 and %d", config->attempts,
                       SCHED_FAILURE_COUNT_MAX);
    if (config->skip_bad > SCHED_SKIP_BAD_MAX)
        return err_set(err, ERR_SETUP, "skip_bad: %u is more than %d", config->skip_bad,
                       SCHED_SKIP_BAD_MAX);
    if (config->sort_buffer_bytes < SORTBUF_BYTES_MIN)
        return err_set(err, ERR_SETUP, "the sort buffer must have at least %zu KB",
                       (size_t)SORTBUF_BYTES_MIN / 1024);
    if (config->sort_buffer_bytes > SORTBUF_BYTES_MAX)
        return err_set(err, ERR_SETUP, "the sort buffer must have at most %zu MB",
                       (size_t)SORTBUF_BYTES_MAX >> 20);
    return 0;
}

static int check(const struct run_config *config, struct err *err)
{
    struct buf shuffle = {0};

    if (!config->bundle.len || !config->view.len || !config->job_name || !config->input_count ||
        !config->input_format || !config->output_format)
        return err_set(err, ERR_SETUP, "run: an argument is missing");
    if (input_groups_check(config->groups, config->group_count, config->input_count, err) != 0)
        return -1;
    if (!config->output && strcmp(config->output_format, "run") == 0)
        return err_set(err, ERR_SETUP, "a job with output = \"run\" writes files: give -o DIR");
    if (config->outputs.count > 0 && !config->output)
        return err_set(err, ERR_SETUP, "a job with further outputs writes files: give -o DIR");
    if (job_parts_check(config->outputs.list, config->outputs.count, err) != 0 ||
        job_shuffle_prefix(config->shuffle, config->output, "none", &shuffle, err) != 0)
        return -1;
    buf_deinit(&shuffle);
    return check_counts(config, err);
}

int run_config_init(struct run_config *config, struct slice args, struct err *err)
{
    *config = (struct run_config){.copy = mem_alloc(args.len ? args.len : 1)};
    if (args.len)
        memcpy(config->copy, args.ptr, args.len);
    read_fields(config, slice_of(config->copy, args.len));
    if (read_files(config, slice_of(config->copy, args.len), err) == 0 && check(config, err) == 0)
        return 0;
    run_config_deinit(config);
    return -1;
}

void run_config_deinit(struct run_config *config)
{
    for (size_t i = 0; i < config->input_count; i++)
        free(config->inputs[i]);
    free(config->inputs);
    for (size_t i = 0; !config->pinned && i < config->files.count; i++) {
        free(config->files.items[i].name);
        free(config->files.items[i].path);
    }
    message_free(config->pinned);
    for (size_t i = 0; i < config->group_count; i++) {
        free(config->groups[i]->name);
        free(config->groups[i]->format);
        free(config->groups[i]);
    }
    free(config->groups);
    job_output_list_deinit(&config->outputs);
    free(config->job_name);
    free(config->input_format);
    free(config->output_format);
    free(config->output);
    free(config->publish_id);
    free(config->tmp);
    free(config->shuffle);
    free(config->copy);
    *config = (struct run_config){0};
}
