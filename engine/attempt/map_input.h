/*
 * map_input: what a map does with its pieces: the format that reads them, and the function or
 * built-in that maps their records. A job with `inputs` has one of each for every input
 * (input_groups.h), so a sample uses one after the other.
 *
 *     rc = map_input_use(&input, vm, view, format, name, &err);    again for another input
 *     reader = map_input_open(&input, vm, message, fd, &err);      per piece; reader_close()
 *     map_input_deinit(&input);                                    in any state
 */
#ifndef ATTEMPT_MAP_INPUT_H
#define ATTEMPT_MAP_INPUT_H

#include "attempt/map_builtin.h"
#include "format/reader.h"
#include "rpc/messages.pb-c.h"
#include "vm/vm.h"

struct map_input {
    enum reader_kind kind;
    struct slice options; /* of the view; borrowed */
    bool runs_job;        /* reading is the job's code, a grammar: it may stand still for ever */
    bool is_identity;     /* records are emitted as they were read */
    bool is_builtin;      /* `builtin` maps whole blocks, where the reader has them */
    struct map_builtin builtin;
};

/*
 * `view` is the job's and must outlive the input, `format` that of the pieces, `name` the input's
 * in a job that has several, or NULL. From now on vm maps records of this input. ERR_SETUP: no such
 * format or input; or the vm's error.
 */
int map_input_use(struct map_input *input, struct vm *vm, struct slice view, const char *format,
                  const char *name, struct err *err);

/* The piece of `message`; it, `fd` and `vm` must outlive the reader. NULL with *err set. */
struct reader *map_input_open(const struct map_input *input, struct vm *vm,
                              const Mrlua__Input *message, int fd, struct err *err);

void map_input_deinit(struct map_input *input);

#endif
