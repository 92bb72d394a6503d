/*
 * job_task: what an attempt is told (rpc/messages_attempt.proto, TaskStart), from all that is known
 * of its job. One code for `mrlua run` and for the master.
 *
 *     job_task_init(&task, &source, stage, number, attempt_id);
 *     attempt_start(nursery, &task.start, &attempt, &err);      or it is sent to a worker
 *     job_task_deinit(&task);
 *
 * Pure but for the clock in the manifest of a commit. A task borrows from its source.
 */
#ifndef MASTER_JOB_TASK_H
#define MASTER_JOB_TASK_H

#include "attempt/side_files.h"
#include "base/buf.h"
#include "base/slice.h"
#include "format/publish.h"
#include "format/sample_plan.h"
#include "master/job_bad.h"
#include "master/job_parts.h"
#include "rpc/message.h"

/* A job. All is borrowed. */
struct job_source {
    uint64_t job;       /* its number */
    uint32_t worker_id; /* who is told */
    const char *name;
    const char *input_format;
    struct job_outputs outputs;
    char **inputs;
    size_t input_count;
    Mrlua__SideFile **files; /* side files, for the plan, which says what they are */
    size_t file_count;
    Mrlua__InputGroup **groups; /* that the inputs are of: attempt/input_groups.h */
    size_t group_count;
    const char *input_folder;  /* of relative inputs; NULL: the process's own */
    const char *output_folder; /* NULL: none, the parts are files in temp_path */
    const char *publish_id;    /* of the claim and in the manifest */
    const char *reuse_folder;  /* the cache of runs (store/cache.h); NULL: none */
    const char *reuse_store;   /* "gs://.../": they are there (attempt/reuse_store.h), and in the
                                  folder only the sums of plans; NULL: they are not */
    const char *shuffle; /* gs://BUCKET/PREFIX/ of map outputs; NULL: they stay where they are */
    const struct publish *publish; /* NULL: standard output, and then output_folder, too */
    uint32_t claim_holder;         /* of an output on gs://: struct publish; 0: a master */
    bool overwrite, unsafe;
    bool ranged;          /* partition = "range" */
    uint32_t reducers;    /* asked for; 0: by the size of the input */
    uint64_t split_bytes; /* the same */
    uint64_t sort_buffer_bytes;
    uint64_t memory_bytes, progress_ms, record_ms; /* limits of an attempt */
    struct slice bundle, params, view;             /* empty: they go another way */
    const char *temp_path; /* of scratch and run files. NULL: the worker chooses; and reduces are
                              not told of runs here, they ask for them */
    const struct job_results *results;
    const struct job_bad *bad;  /* records that are set aside ... */
    uint32_t skip_bad;          /* ... and how many may be */
    const Mrlua__Plan *plan;    /* NULL before there is one */
    uint64_t map_ms, reduce_ms; /* how long the stages took, for the manifest */
};

struct job_task {
    Mrlua__TaskStart start;
    Mrlua__Limits limits;
    Mrlua__PlanRequest plan;
    Mrlua__CommitRequest commit;
    Mrlua__Reuse reuse;
    struct buf result_path;
    struct buf manifest;
    Mrlua__MapOutput *map_outputs; /* a reduce: every map */
    Mrlua__MapOutput **map_output_list;
    struct buf *map_paths;
    Mrlua__Part *parts; /* a commit: every part */
    Mrlua__Part **part_list;
    size_t map_output_count, part_count;
    struct side_files files; /* of the plan; on this machine their copies are in temp_path */
    struct buf file_copies[CHILD_FILE_COUNT_MAX];
    Mrlua__InputGroup group, *group_list[1]; /* a map: that of its pieces */
    Mrlua__Piece *pieces;                    /* a map, a sample */
    Mrlua__Piece **piece_list;
    uint64_t *shares;      /* a sample */
    int64_t *run_attempts; /* a reduce of runs in a store */
    uint64_t *run_bytes;
    uint8_t *run_keys; /* where some may be kept ones */
    uint64_t *run_generations;
    uint32_t *run_note_bytes;
    uint64_t *skip; /* a sample, a map, a reduce */
    struct buf bad; /* a commit */
};

/* How many tasks its stage of samples has, with a plan of so many reducers: 0, or 1. */
uint32_t job_task_sample_count(bool ranged, uint32_t reducers);

/* The plan must be there for any stage but STAGE_PLAN, and the results of the stages before. */
void job_task_init(struct job_task *task, const struct job_source *source, enum stage_kind stage,
                   uint32_t number, uint64_t attempt_id);
void job_task_deinit(struct job_task *task);

/* Where an attempt of a map leaves its run. `out` is cleared first. */
void job_task_map_path(const char *temp_path, uint32_t map, uint64_t attempt_id, struct buf *out);

/* Where an attempt leaves its part: of a reduce, or of a map where there are no reduces. `publish`
 * NULL, or on gs://: in temp_path, which is NULL for a worker that chooses: then it is empty. */
void job_task_part_path(const struct publish *publish, const char *temp_path,
                        const struct publish_part *part, struct buf *out);

#endif
