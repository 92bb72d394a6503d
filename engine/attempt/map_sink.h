/*
 * map_sink: where what a map emits goes: through the partitions into the sort buffer and the run;
 * of a job without reduces into the part; of a sample into that. And to further outputs
 * (outputs.h).
 *
 *     map_sink_open(&out, child, &err);                       as the task says
 *     rc = out.sink.emit(&out.sink, key, value, &err); ...
 *     map_sink_finish(&out, &result, &err);                   not of a sample
 *     map_sink_close(&out);                                   safe on a zeroed struct
 */
#ifndef ATTEMPT_MAP_SINK_H
#define ATTEMPT_MAP_SINK_H

#include "attempt/map_partition.h"
#include "attempt/outputs.h"
#include "record/builtin_group.h"
#include "record/collector.h"
#include "record/sample.h"

struct map_sink {
    struct sink sink; /* first: a sink is a map_sink */
    struct child *child;
    struct page *page;
    struct vm *vm;
    struct map_partition partition;
    struct collector *collector; /* of a job with reduces */
    struct combiner combiner;
    struct builtin_call combine_call; /* of a built-in combiner */
    bool failed;                      /* the sort buffer did, or combine: not the record in hand */
    struct writer *writer;            /* of a job without: the part */
    struct output_files outputs;      /* the same */
    struct writer *checks[OUTPUT_COUNT_MAX]; /* of a job with reduces: write nothing */
    struct sample *sample;                   /* NULL: it is a map */
    struct buf key, value;                   /* encoded here */
};

int map_sink_open(struct map_sink *out, struct child *child, struct err *err);
void map_sink_close(struct map_sink *out);

/* Writes what is left: digest, sizes and counters of what was written go into the result. */
int map_sink_finish(struct map_sink *out, struct task_result *result, struct err *err);

#endif
