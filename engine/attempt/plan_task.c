#include "attempt/plan_task.h"

#include "attempt/input_groups.h"
#include "attempt/plan_sums.h"
#include "attempt/reuse_store.h"
#include "base/mem.h"
#include "format/publish.h"
#include "format/split.h"
#include "format/writer.h"
#include "rpc/message.h"
#include "store/file.h"
#include "store/gcs_sweep.h"
#include "store/spool.h"
#include "store/temp.h"
#include "store/uri.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- plan ---- */

/* The process is the plan's own, so it may move: then names, patterns and errors are those of a
 * command in that folder. It need not be there for inputs that are named from the root. */
static int enter_folder(const Mrlua__PlanRequest *request, struct err *err)
{
    bool is_needed = false;

    for (size_t i = 0; i < request->n_inputs; i++)
        is_needed |= request->inputs[i][0] != '/' && !uri_is_gs(request->inputs[i]);
    if (is_needed && request->folder[0] && chdir(request->folder) != 0)
        return err_set_errno(err, ERR_SETUP, "open the folder of the inputs %s", request->folder);
    return 0;
}

static int list_input(const Mrlua__TaskStart *start, const char *input, struct file_list *list,
                      struct err *err)
{
    return strcmp(input, "-") == 0 ? spool_input(STDIN_FILENO, start->tmp_folder, list, err)
                                   : file_list_add(list, input, err);
}

/* `kinds` has room for those of the request, or for one of all inputs: how each is read, and how
 * many files that are. */
static int list_kinds(const Mrlua__TaskStart *start, struct file_list *list,
                      struct split_kind *kinds, struct err *err)
{
    const Mrlua__PlanRequest *request = start->plan;
    size_t input = 0;

    for (size_t i = 0; i == 0 || i < request->n_groups; i++) {
        const Mrlua__InputGroup *group = request->n_groups ? request->groups[i] : NULL;
        size_t end = group ? input + group->count : request->n_inputs, before = list->count;

        if (reader_kind_by_name(slice_of_string(group ? group->format : start->input),
                                &kinds[i].reader, err) != 0)
            return -1;
        for (; input < end; input++)
            if (list_input(start, request->inputs[input], list, err) != 0)
                return group ? err_prefix(err, "inputs.%s", group->name) : -1;
        kinds[i].file_count = list->count - before;
    }
    return 0;
}

static int list_inputs(const Mrlua__TaskStart *start, struct file_list *list,
                       struct split_kind *kinds, struct err *err)
{
    const Mrlua__PlanRequest *request = start->plan;

    if (enter_folder(request, err) != 0 || list_kinds(start, list, kinds, err) != 0)
        return -1;
    if (request->folder[0])
        file_list_set_folder(list, request->folder);
    return 0;
}

/* A plan as a message, and the columns that it points to. */
struct plan_message {
    Mrlua__Plan plan;
    struct buf texts;
    uint64_t *paths, *names, *sizes, *inodes, *devices;
    uint64_t *generations; /* NULL: there is no object */
    protobuf_c_boolean *is_gzip;
    int64_t *mtimes_ns;
    uint8_t *checksums; /* NULL: nobody has asked for them */
    uint32_t *groups;   /* NULL: there are none */
    uint32_t *split_ends, *piece_inputs;
    uint64_t *piece_offsets, *piece_lengths;
};

/* Where it is from now on. */
static uint64_t add_text(struct plan_message *out, const char *text)
{
    uint64_t at = out->texts.len;

    buf_append(&out->texts, text, strlen(text) + 1);
    return at;
}

static void fill_input(struct plan_message *out, size_t i, const struct file *file)
{
    out->paths[i] = add_text(out, file->path);
    out->names[i] = strcmp(file->path, file->name) == 0 ? out->paths[i] : add_text(out, file->name);
    out->sizes[i] = file->identity.size;
    out->mtimes_ns[i] = file->identity.mtime_ns;
    out->inodes[i] = file->identity.inode;
    out->devices[i] = file->identity.device;
}

/* Two columns more, if there is an object among the inputs. */
static void fill_objects(struct plan_message *out, const struct file_list *list)
{
    size_t count = list->count;
    bool is_needed = false;

    for (size_t i = 0; i < count; i++)
        is_needed |= list->items[i].identity.generation != 0;
    if (!is_needed)
        return;
    out->generations = mem_alloc_array(count, sizeof *out->generations);
    out->is_gzip = mem_alloc_array(count, sizeof *out->is_gzip);
    for (size_t i = 0; i < count; i++) {
        out->generations[i] = list->items[i].identity.generation;
        out->is_gzip[i] = list->items[i].identity.is_gzip;
    }
    out->plan.n_input_generations = out->plan.n_input_is_gzip = count;
    out->plan.input_generations = out->generations;
    out->plan.input_is_gzip = out->is_gzip;
}

static void fill_groups(struct plan_message *out, const struct split_options *options)
{
    size_t count = 0;

    for (size_t i = 0; i < options->kind_count; i++)
        count += options->kinds[i].file_count;
    if (count == 0)
        return;
    out->groups = mem_alloc_array(count, sizeof *out->groups);
    out->plan.input_groups = out->groups;
    for (uint32_t i = 0; i < options->kind_count; i++)
        for (size_t j = 0; j < options->kinds[i].file_count; j++)
            out->groups[out->plan.n_input_groups++] = i;
}

static void fill_inputs(struct plan_message *out, const struct file_list *list)
{
    size_t count = list->count;
    Mrlua__Plan *plan = &out->plan;

    out->paths = mem_alloc_array(count, sizeof *out->paths);
    out->names = mem_alloc_array(count, sizeof *out->names);
    out->sizes = mem_alloc_array(count, sizeof *out->sizes);
    out->mtimes_ns = mem_alloc_array(count, sizeof *out->mtimes_ns);
    out->inodes = mem_alloc_array(count, sizeof *out->inodes);
    out->devices = mem_alloc_array(count, sizeof *out->devices);
    for (size_t i = 0; i < count; i++)
        fill_input(out, i, &list->items[i]);
    plan->input_texts = (ProtobufCBinaryData){out->texts.len, (uint8_t *)out->texts.ptr};
    plan->n_input_paths = plan->n_input_names = plan->n_input_sizes = count;
    plan->n_input_mtimes_ns = plan->n_input_inodes = plan->n_input_devices = count;
    plan->input_paths = out->paths;
    plan->input_names = out->names;
    plan->input_sizes = out->sizes;
    plan->input_mtimes_ns = out->mtimes_ns;
    plan->input_inodes = out->inodes;
    plan->input_devices = out->devices;
}

/* Two more, if somebody has made checksums. */
static void fill_checksums(struct plan_message *out, const struct file_list *list)
{
    if (!list->checksums_begun_ns)
        return;
    out->plan.checksums_begun_ns = list->checksums_begun_ns;
    out->checksums = mem_alloc_array(list->count, CONTENT_SUM_BYTES);
    for (size_t i = 0; i < list->count; i++)
        memcpy(out->checksums + i * CONTENT_SUM_BYTES, list->items[i].checksum, CONTENT_SUM_BYTES);
    out->plan.input_checksums =
        (ProtobufCBinaryData){list->count * CONTENT_SUM_BYTES, out->checksums};
}

static void fill_pieces(struct plan_message *out, const struct split_plan *plan)
{
    size_t count = plan->piece_count;

    out->piece_inputs = mem_alloc_array(count, sizeof *out->piece_inputs);
    out->piece_offsets = mem_alloc_array(count, sizeof *out->piece_offsets);
    out->piece_lengths = mem_alloc_array(count, sizeof *out->piece_lengths);
    for (size_t i = 0; i < count; i++) {
        out->piece_inputs[i] = plan->pieces[i].file_index;
        out->piece_offsets[i] = plan->pieces[i].offset;
        out->piece_lengths[i] = plan->pieces[i].length;
    }
    out->plan.n_piece_inputs = out->plan.n_piece_offsets = out->plan.n_piece_lengths = count;
    out->plan.piece_inputs = out->piece_inputs;
    out->plan.piece_offsets = out->piece_offsets;
    out->plan.piece_lengths = out->piece_lengths;
}

static void fill_splits(struct plan_message *out, const struct split_plan *plan)
{
    out->split_ends = mem_alloc_array(plan->split_count, sizeof *out->split_ends);
    for (uint32_t i = 0; i < plan->split_count; i++)
        out->split_ends[i] = (uint32_t)plan->first_pieces[i + 1];
    out->plan.n_split_ends = plan->split_count;
    out->plan.split_ends = out->split_ends;
}

static void plan_message_init(struct plan_message *out, const struct split_plan *plan,
                              const struct file_list *list, const struct split_options *options)
{
    mrlua__plan__init(&out->plan);
    fill_inputs(out, list);
    fill_objects(out, list);
    fill_checksums(out, list);
    fill_groups(out, options);
    fill_pieces(out, plan);
    fill_splits(out, plan);
    out->plan.reducers = plan->reducer_count;
    out->plan.bytes = plan->bytes_total;
    out->plan.split_bytes = plan->split_bytes;
}

static void plan_message_deinit(struct plan_message *message)
{
    buf_deinit(&message->texts);
    free(message->paths);
    free(message->names);
    free(message->sizes);
    free(message->mtimes_ns);
    free(message->checksums);
    free(message->inodes);
    free(message->devices);
    free(message->generations);
    free(message->is_gzip);
    free(message->groups);
    free(message->split_ends);
    free(message->piece_inputs);
    free(message->piece_offsets);
    free(message->piece_lengths);
}

void plan_task_pack(const struct split_plan *plan, const struct file_list *list,
                    const struct split_options *options, struct side_files *files, struct buf *done)
{
    Mrlua__Done message = MRLUA__DONE__INIT;
    struct plan_message body = {0};

    plan_message_init(&body, plan, list, options);
    if (files && files->count > 0) {
        body.plan.n_files = files->count;
        body.plan.files = files->list;
    }
    message.plan = &body.plan;
    message_pack(done, &message.base);
    plan_message_deinit(&body);
}

/* An output on gs:// is claimed here: a shell does not wait for a store. */
static int claim_output(const Mrlua__CommitRequest *request, struct err *err)
{
    struct publish publish;
    int rc;

    publish_init(&publish, request->output_folder, request->job_id, request->overwrite);
    publish.holder = (pid_t)request->holder;
    rc = publish_claim(&publish, err);
    publish_deinit(&publish);
    return rc;
}

/* Of a job without reduces: a part is a map's, so there are at most as many maps as parts. */
static int drop_reduces(struct split_plan *plan, struct err *err)
{
    if (plan->split_count > REDUCER_COUNT_MAX)
        return err_set(err, ERR_SETUP,
                       "%u splits would be as many parts, as the job has no reduce: %d are the "
                       "most; give a larger --split-size, or reduce = \"identity\"",
                       plan->split_count, REDUCER_COUNT_MAX);
    plan->reducer_count = 0;
    return 0;
}

/* A reduce is told much of each run that is kept: attempt/reuse_store.h. */
static int check_map_count(const Mrlua__Reuse *reuse, const struct split_plan *plan,
                           struct err *err)
{
    if (!reuse || !reuse->store[0] || plan->split_count <= REUSE_STORE_MAP_COUNT_MAX)
        return 0;
    return err_set(err, ERR_SETUP,
                   "--reuse: %u splits are more than %d; give a larger --split-size than %llu "
                   "bytes",
                   plan->split_count, REUSE_STORE_MAP_COUNT_MAX,
                   (unsigned long long)plan->split_bytes);
}

int plan_task_run(const Mrlua__TaskStart *start, struct buf *done, struct err *err)
{
    struct file_list list = {0};
    struct split_plan plan = {0};
    struct side_files files;
    struct plan_sums sums;
    struct split_kind kinds[INPUT_GROUP_COUNT_MAX];
    struct split_options options = {
        .kinds = kinds,
        .kind_count = start->plan->n_groups,
        .split_bytes = start->plan->split_bytes,
        .reducer_count = start->plan->reducers,
        .stable = start->reuse != NULL,
    };
    int rc = -1;

    if (input_groups_check(start->plan->groups, start->plan->n_groups, start->plan->n_inputs,
                           err) != 0 ||
        reader_kind_by_name(slice_of_string(start->input), &options.reader, err) != 0 ||
        (start->commit && claim_output(start->commit, err) != 0) ||
        side_files_pin(start->plan, &files, err) != 0 ||
        list_inputs(start, &list, kinds, err) != 0 ||
        plan_sums_make(&sums, start->reuse, &list, &files, err) != 0 ||
        split_plan_init(&plan, list.items, list.count, &options, err) != 0 ||
        check_map_count(start->reuse, &plan, err) != 0 ||
        (start->plan->map_only && drop_reduces(&plan, err) != 0))
        goto out;
    plan_task_pack(&plan, &list, &options, &files, done);
    rc = 0;
out:
    split_plan_deinit(&plan);
    file_list_deinit(&list);
    return rc;
}

/* ---- commit ---- */

/* The outputs of the maps, if they are in a store, or of the steps of a job, which may be in a
 * folder: nobody reads them any more. */
static int remove_runs(const Mrlua__CommitRequest *request, struct err *err)
{
    size_t len = strlen(request->shuffle);
    char *folder;
    int rc;

    if (len == 0)
        return 0;
    if (uri_is_gs(request->shuffle))
        return gcs_sweep_uri(request->shuffle, err);
    folder = mem_strndup(request->shuffle, len - 1); /* without its slash */
    rc = temp_remove_tree(folder, err);
    free(folder);
    return rc;
}

static struct publish_part part_of(const Mrlua__TaskStart *start, const Mrlua__Part *part)
{
    bool is_main = part->output[0] == '\0';

    return (struct publish_part){.output = is_main ? NULL : part->output,
                                 .suffix = writer_suffix(is_main ? start->output : part->format),
                                 .number = part->partition,
                                 .attempt = part->attempt,
                                 .bytes = part->bytes,
                                 .crc32c = part->crc32c};
}

int commit_task_run(const Mrlua__TaskStart *start, struct buf *done, uint32_t *lost,
                    struct err *err)
{
    const Mrlua__CommitRequest *request = start->commit;
    struct publish_part *parts = mem_alloc_array(request->n_parts, sizeof *parts);
    Mrlua__Done message = MRLUA__DONE__INIT;
    struct publish publish;
    int rc;

    for (size_t i = 0; i < request->n_parts; i++)
        parts[i] = part_of(start, request->parts[i]);
    publish_init(&publish, request->output_folder, request->job_id, request->overwrite);
    publish.bad = slice_of(request->bad.data, request->bad.len);
    rc = publish_commit(&publish, parts, request->n_parts, slice_of_string(request->manifest), lost,
                        err);
    publish_deinit(&publish);
    free(parts);
    if (rc == 0)
        rc = remove_runs(request, err);
    if (rc == 0)
        message_pack(done, &message.base);
    return rc;
}

/* ---- abort ---- */

int abort_task_run(const Mrlua__TaskStart *start, struct buf *done, struct err *err)
{
    const Mrlua__CommitRequest *request = start->commit;
    Mrlua__Done message = MRLUA__DONE__INIT;
    struct publish publish;
    int rc = 0;

    if (request->output_folder[0]) {
        publish_init(&publish, request->output_folder, request->job_id, request->overwrite);
        rc = publish_abort(&publish, err);
        publish_deinit(&publish);
    }
    if (rc == 0)
        rc = remove_runs(request, err);
    if (rc == 0)
        message_pack(done, &message.base);
    return rc;
}
