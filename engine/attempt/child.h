/*
 * child: the vm child, from its birth in the nursery to its end. It finds its descriptors at
 * DESCRIPTORS_FIRST + enum child_fd, is told its task over CHILD_CONTROL, goes into its sandbox and
 * only then runs the job's Lua. It answers Done or Failed and ends.
 *
 * What it does for each kind of task: map_task.h, reduce_task.h, drive_task.h.
 */
#ifndef ATTEMPT_CHILD_H
#define ATTEMPT_CHILD_H

#include "attempt/bad_records.h"
#include "attempt/map_skew.h"
#include "attempt/nursery.h"
#include "attempt/page.h"
#include "attempt/place.h"
#include "base/buf.h"
#include "base/hash.h"
#include "record/pulse.h"
#include "record/sample.h"
#include "rpc/channel.h"
#include "vm/vm.h"

enum {
    CHILD_QUOTE_BYTES = 200,                            /* of a record in an error */
    CHILD_COUNTER_COUNT_MAX = 8 + VM_COUNTER_COUNT_MAX, /* the engine's and the job's */
};

struct child {
    struct page *page;
    struct channel channel; /* to the trusted process */
    Mrlua__TaskStart *start;
    struct vm *vm;
    struct vm_file files[CHILD_FILE_COUNT_MAX]; /* of the vm's options */
    struct buf view;                            /* of the job, as this process has loaded it */
    char place[PLACE_BYTES]; /* of the first record that failed, for the message; may be empty */
    struct buf detail;       /* what an error message has no room for, many lines; may be empty */
    struct buf scene;        /* child_scene.h; empty: none */
    uint32_t peer_map;       /* after ERR_PEER */
    uint64_t peer_attempt;
    struct bad_records bad;
};

struct task_counter {
    char name[sizeof MESSAGE_COUNTER_USER + VM_COUNTER_NAME_BYTES_MAX];
    uint64_t value;
};

/* What was written to a further output (outputs.h). */
struct task_file {
    uint32_t output; /* its number */
    uint32_t crc32c;
    uint64_t bytes, records;
};

/* What a task leaves beside its file. */
struct task_result {
    struct digest digest;
    uint64_t bytes, records;
    uint32_t crc32c;
    struct task_counter counters[CHILD_COUNTER_COUNT_MAX];
    uint32_t counter_count;
    struct map_skew skew; /* MAP */
    struct task_file files[OUTPUT_COUNT_MAX];
    uint32_t file_count;
    struct sample *sample; /* SAMPLE: what `cuts` point into */
    struct slice *cuts;
    uint32_t cut_count;
};

/* Its whole life; returns its exit code. */
int child_main(void);

int child_fd(enum child_fd role);

/* Of math.random: the task, not the job's number, so that a job answers the same each time it is
 * run (DESIGN.md, P1). */
uint64_t child_seed(const Mrlua__TaskStart *start);

/* Asks the trusted process for the next input. 1: *fd is its file, and the caller's to close;
 * *input too (message_free()). 0: there is none. -1: *err. On 0 and -1 both may be set. */
int child_next_input(struct child *child, Mrlua__Input **input, int *fd, struct err *err);

/* The same, when something else has asked for it. */
int child_receive_input(struct child *child, Mrlua__Input **input, int *fd, struct err *err);

/* Beats for the sort path: the page's pulse. */
struct pulse child_pulse(struct child *child);

/* `prefix` begins its name: MESSAGE_COUNTER_USER for what the job has counted. */
void task_result_count(struct task_result *result, const char *prefix, const char *name,
                       uint64_t value);

/* Of records that were left out, if there are any. */
void task_result_count_bad(struct task_result *result, const struct child *child);

/* What the job raised last, and where. */
void child_detail_traceback(struct child *child);

/* Appends "label: "bytes..."" as a line to child->detail, printable, cut to CHILD_QUOTE_BYTES. */
void child_detail_quote(struct child *child, const char *label, struct slice bytes);

#endif
