/*
 * functions: what `require "mrlua.engine"` is to the commands in lua/mrlua/cli/. One table in, one
 * value out (vm/host.h). Every function of a run answers its failure as a field `error` = {kind,
 * message, detail, is_setup}, because there is more to tell than a message.
 *
 *     engine.environment()        -> {folder, executable, cpu_count, stderr_is_terminal, columns}
 *     engine.load_job{bundle, params, unsafe, memory_bytes, deadline_ms}
 *                                 -> {view, log} or {error, log}
 *     engine.run_begin{...}       -> {warning} or {error}      fields: run_config.c
 *     engine.run_step{milliseconds} -> the state               run_shell_report()
 *     engine.run_end()            -> the outcome               run_shell_outcome()
 *     engine.drive_begin{...}     -> {folder, publish_id} or {error}       drive_shell.h
 *     engine.drive_step{milliseconds} -> the state             drive_shell_report()
 *     engine.drive_answer{folder, records, bytes, counters, is_last, over}   `over`: a folder of
 *                                 its steps that can be removed
 *     engine.drive_end()          -> the outcome               drive_shell_outcome()
 *     engine.submit_begin{...}    -> {id} or {error}           fields: submit.h
 *     engine.submit_step{milliseconds}, engine.submit_end()    as those of a run
 *     engine.job_list{master, key_file} and its like           cluster.h
 *     engine.master_serve{...}, engine.worker_serve{...}       daemons.h
 *     engine.inspect_run{path, segments}                       inspect.h
 *     engine.check_output{folder} -> {parts}
 *     engine.fs_stat{uri} and its like                         fs.h
 *     engine.cache_look(), engine.cache_store_look{place}      cache.h, cache_store.h
 *     engine.trail_write{name, text} and its like              trails.h
 *     engine.job_trail{master, key_file, job, name}            cluster_trail.h
 *     engine.capsule_read{path}, engine.replay_next() ...      replay.h
 *     engine.line_read{prompt} and its like                    line.h
 *     engine.look_next{count} and its like                     look.h
 *     engine.scratch_folder{tmp} -> {folder}                   scratch.h
 *
 *     functions_deinit(&functions);     whatever a Lua error has left open is closed here
 */
#ifndef CLI_FUNCTIONS_H
#define CLI_FUNCTIONS_H

#include "store/trail.h"
#include "vm/host.h"

struct nursery;
struct run_shell;
struct submit;
struct drive_shell;
struct replay;
struct line;
struct look;
struct scratch;

struct functions {
    struct nursery *nursery; /* started at the first need */
    struct run_shell *shell;
    struct drive_shell *drive;
    struct submit *submit;
    struct trail trail; /* of this process */
    struct replay *replay;
    struct line *line; /* NULL: nobody types */
    struct look *look;
    struct scratch *scratch;
};

/* NULL with *err: there can be no attempt. */
struct nursery *functions_nursery(struct functions *functions, struct err *err);

/* Ends with a null name; the context is a struct functions. */
extern const struct host_function FUNCTIONS[];

void functions_deinit(struct functions *functions);

#endif
