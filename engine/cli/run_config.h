/*
 * run_config: what `mrlua run` was asked for, as Lua has checked it (lua/mrlua/cli/run.lua makes
 * it from flags and job fields).
 *
 *     rc = run_config_init(&config, args, &err);      copies what it needs of `args`
 *     run_config_deinit(&config);                     safe on a zeroed struct
 */
#ifndef CLI_RUN_CONFIG_H
#define CLI_RUN_CONFIG_H

#include "attempt/side_files.h"
#include "base/err.h"
#include "base/slice.h"
#include "master/job_parts.h"
#include "rpc/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RUN_SLOTS_MAX = 1024, /* two processes each */
#ifdef MRLUA_TINY
    RUN_SORT_BUFFER_BYTES = 4 * 1024, /* the default; a few words fill it */
#else
    RUN_SORT_BUFFER_BYTES = 64 * 1024 * 1024,
#endif
};

/* Not to be copied. */
struct run_config {
    struct slice bundle, view, params; /* value codec, in `copy` */
    char *copy;                        /* of the arguments; owns what the slices point to */
    char *job_name;
    char **inputs; /* files, folders, globs, "-" */
    size_t input_count;
    Mrlua__InputGroup **groups; /* of the inputs: attempt/input_groups.h */
    size_t group_count;
    struct side_files files;        /* names and paths; of a step, as they were pinned for all */
    Mrlua__PlanRequest *pinned;     /* holds those; NULL */
    char *input_format;             /* "lines" */
    char *output_format;            /* "tsv" */
    struct job_output_list outputs; /* further ones */
    char *output;                   /* folder; NULL: the records go to standard output */
    char *publish_id;               /* under which that is claimed already; NULL: it is not */
    char *tmp;     /* folder for intermediate files; NULL: $TMPDIR, else /var/tmp */
    char *shuffle; /* "local", "gcs", "gs://BUCKET/PREFIX" */
    bool overwrite;
    bool reuse;           /* maps may take runs of earlier jobs */
    uint64_t cache_bytes; /* that these may take on the disk; with `reuse` */
    bool ranged;          /* partition = "range" */
    bool map_only;        /* no reduce */
    bool drive;           /* a job of several steps ... */
    uint32_t steps;       /* ... so many, of a list of them; 0: nobody knows */
    bool unsafe;          /* the job says so and the user allows it */
    bool reads_stdin;     /* "-" is among the inputs: it can be read only once */
    uint32_t slots;       /* 1 .. RUN_SLOTS_MAX */
    uint32_t reducers;    /* 0: by the size of the input */
    uint32_t attempts;    /* tries of a task that hits a limit */
    uint32_t step;        /* it is that of a larger job, from 1; 0: it is none */
    uint32_t skip_bad;    /* bad records that are set aside */
    uint64_t split_bytes; /* 0: by the size of the input */
    uint64_t sort_buffer_bytes;
    uint64_t memory_bytes, progress_ms, record_ms; /* limits of an attempt */
};

/* 0, or -1 with ERR_SETUP: what no attempt could be started with. */
int run_config_init(struct run_config *config, struct slice args, struct err *err);
void run_config_deinit(struct run_config *config);

#endif
