/*
 * vm: a Lua state that runs one job, inside a child process that can be killed.
 *
 *     vm = vm_open(&options, &err);
 *     vm_load_job(vm, &view, &err);               runs the job file, checks the table it returns
 *     vm_use_input(vm, "users", &err);            a map of a job with `inputs`
 *     vm_setup(vm, &err);                         if the job has one
 *     vm_map_all(vm, next, context, sink, &err);  or vm_reduce_all(vm, group, next, ...)
 *     vm_cleanup(vm, sink, &err);
 *     vm_close(vm);
 *
 * Functions of the job go by their field's name: "map", "combine", "reduce", "partition",
 * "setup", "cleanup". A field that names a built-in (vm_builtin) is not called here: whoever
 * drives the vm uses record/builtin.h and Lua is not entered.
 *
 * sink->emit may call vm_combine() and vm_partition(): the sort buffer combines while a map is in
 * the middle of its emit.
 *
 * Errors: what the script raised is ERR_JOB with the message "jobs/x.lua:12: attempt to ..."
 * and a traceback (vm_traceback). A failure of the sink or of a cursor keeps its own kind, and ends
 * the call even when the script caught it with pcall(): each later emit fails too. Running out of
 * memory is ERR_LIMIT, and the state is dead: every later call answers the same.
 *
 * Why dead: Lua 5.4.4 has a use after free in the collector that a failed allocation starts
 * (fixed in 5.4.8). A script never goes on after one. So that honest scripts do not meet it, the
 * limit has an overdraft of a quarter: crossing the limit asks for a full collection at the
 * next safe point, and only what still stands above the limit after it is an error.
 * Whoever sets RLIMIT_AS counts vm_memory_bytes_peak() for it.
 *
 * The bundle is a value table (record/value.h; lua/mrlua/bundle.lua builds it):
 *
 *     { path = "jobs/wordcount.lua", source = "...",
 *       modules = { ["util.text"] = { path = "jobs/util/text.lua", source = "..." } } }
 *
 * where `modules` is keyed by what `require` is given. Text only: bytecode is refused.
 *
 * The job sees the globals of lua/mrlua/sandbox.lua and `mr`: mr.params (read only, known once
 * the job file has returned), mr.stage, mr.job, mr.task, mr.attempt, mr.worker, mr.input (the name
 * of what is mapped, nil where there is none). setup(ctx) and
 * cleanup(ctx, emit) get that same table as `ctx`. mr.count(name, n) adds n (1 if absent) to a
 * counter of the attempt: vm_counters(). mr.open(name) answers an object to read a side file with,
 * as that of Lua's io: lines, read, seek, close, also by `local file <close>`.
 * mr.emit_to(name, key, value) goes to sink->emit_to with the number of the output: its place among
 * the names of the job's `outputs`, sorted.
 *
 * partition(key, count) answers an integer from 0 to count - 1.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "record/builtin.h"
#include "record/key.h"
#include "record/record.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct group;         /* record/group.h */
struct reader_record; /* format/reader.h */
struct vm;

/*
 * A counter travels with the answer of every task, and lies in the master's memory and journal for
 * each task of a job: 64 of them are 5 KB a task at most, 500 MB for a job of 100,000. Who wants
 * more names than a program has places has data in them, and data is emitted. The bytes of a name
 * are what a line of a table on a page has room for.
 */
enum { VM_COUNTER_COUNT_MAX = 64, VM_COUNTER_NAME_BYTES_MAX = 64 };

/* Of the values that a reduce had taken when it raised: what goes with the report of a failure. */
enum { VM_TAKEN_BYTES_MAX = 64 * 1024 };

struct vm_counter {
    char name[VM_COUNTER_NAME_BYTES_MAX + 1];
    uint64_t value; /* INT64_MAX: or more */
};

/* A side file. Every object that mr.open() makes of it has a position of its own: it is read with
 * pread(), and must stay as it is, which fstat() tells at each read. */
struct vm_file {
    const char *name;
    int fd;
    uint64_t bytes;
    int64_t mtime_ns;
};

struct vm_options {
    size_t memory_bytes_max; /* Lua's memory; 0: no limit */
    bool unsafe;             /* full Lua libraries: a job with unsafe = true, where allowed */
    uint64_t seed;           /* of math.random; a function of job and task */
    struct slice bundle;     /* borrowed until vm_load_job has returned */
    /* Value table, may be empty: param name -> text of --param, or the value that an earlier
     * load's view had in view.params. Borrowed until vm_load_job has returned. */
    struct slice params;
    struct slice call; /* of a step: value table of lua/mrlua/pipeline.lua. Borrowed the same */
    const struct vm_file *files; /* borrowed until vm_close(), with their descriptors */
    size_t file_count;
    const char *stage; /* "load", "map", "reduce", "drive" */
    uint64_t job;
    uint32_t task;
    uint64_t attempt;
    uint32_t worker;
    _Atomic uint64_t *pulse; /* counts calls, emits and values taken; may be NULL */
    /* Takes a line that the script printed, without its newline. May be NULL: dropped. */
    void (*log)(void *context, struct slice line);
    void *log_context;
};

/* Copies the options. NULL: *err is set (ERR_SETUP). */
struct vm *vm_open(const struct vm_options *options, struct err *err);
void vm_close(struct vm *vm);

/*
 * Runs the job file and checks its table (lua/mrlua/job.lua, which documents the view). The view,
 * a value table of plain data, is appended to `view` unless that is NULL: every field with its
 * default, functions replaced by true, built-ins by their name, params converted. 0, or -1:
 * ERR_SETUP for a wrong field or param, ERR_JOB when the file does not compile or raises.
 */
int vm_load_job(struct vm *vm, struct buf *view, struct err *err);

/*
 * From now on "map" is that of the job's input `name` (lua/mrlua/inputs.lua), a grammar is the one
 * that reads it, and mr.input is its name. The job has such an input. 0, or -1 (ERR_JOB,
 * ERR_LIMIT).
 */
int vm_use_input(struct vm *vm, const char *name, struct err *err);

/* Does the job have this field, as a function or a built-in? Good after vm_load_job. */
bool vm_has(const struct vm *vm, const char *field);

/*
 * The built-in that the field names, BUILTIN_NONE for a Lua function or no field. When combine
 * and reduce are both "count", both answer BUILTIN_SUM and vm_counts() is true.
 */
enum builtin vm_builtin(const struct vm *vm, const char *field);

/* Every emitted value becomes 1: vm_map_all does so; who maps without Lua does it too. */
bool vm_counts(const struct vm *vm);

/*
 * Every record that `next` answers: 1 and *record, good until its next call; 0 at the end; -1 and
 * *err. One protected call runs around them all, as it costs as much as the map of a short line:
 * what a record raises ends it, and `next` is not called again. Who has the context knows which
 * record that was.
 */
int vm_map_all(struct vm *vm,
               int (*next)(void *context, const struct reader_record **record, struct err *err),
               void *context, struct sink *sink, struct err *err);

/* The value of the record in hand, a RECORD_IN_LUA, is appended to `out`. 0, or -1: it is none that
 * can be written (ERR_JOB). */
int vm_record_encode(struct vm *vm, struct buf *out, struct err *err);

/*
 * Every group, in one protected call as above: `next` moves `group` on, 1, or is at its end, 0, or
 * fails. What reduce leaves of the values is for `next` to skip.
 */
int vm_reduce_all(struct vm *vm, struct group *group, int (*next)(void *context, struct err *err),
                  void *context, struct sink *sink, struct err *err);

/* One group, with combine: `key` is that of the group. Emitting another key than `key` is the job's
 * error. */
int vm_combine(struct vm *vm, struct slice key, struct group *group, struct sink *sink,
               struct err *err);

/* *out: the job's choice for `key` (its first parts, in a job with `group`: key_prefix()), checked
 * to be below `count`. */
int vm_partition(struct vm *vm, struct slice key, uint32_t count, uint32_t *out, struct err *err);

/* Do nothing when the job has no such function. */
int vm_setup(struct vm *vm, struct err *err);
int vm_cleanup(struct vm *vm, struct sink *sink, struct err *err);

/* After an ERR_JOB: lets go of one that a sink or partition has kept, so that other records may be
 * tried. Nothing that this attempt emits may be used. */
void vm_go_on(struct vm *vm);

/* What mr.count() has summed up, in the order of first calls. Good until the vm runs again. */
uint32_t vm_counters(const struct vm *vm, const struct vm_counter **counters);

/* Many lines, innermost frame first, for the last ERR_JOB; "" when there is none. */
const char *vm_traceback(struct vm *vm);

/* What the function that raised the last ERR_JOB had in hand: a value table (vm/scene.h), or empty.
 * Good until the vm runs again. */
struct slice vm_scene(const struct vm *vm);

/* Appends `key`, encoded as in record/key.h, as a value. 0, or -1 (ERR_JOB, ERR_LIMIT). */
int vm_key_as_value(struct vm *vm, struct slice key, struct buf *out, struct err *err);

/* What memory_bytes_max allows at the worst moment. */
size_t vm_memory_bytes_peak(size_t memory_bytes_max);

/*
 * From now on time() answers 0 in this process. Called by the nursery before Lua states are
 * made: Lua seeds the hash of strings, and so the order of pairs(), from time() and addresses.
 */
void vm_freeze_time(void);

/* "Lua 5.4.4", the library that is linked. */
const char *vm_lua_version(void);

#endif
