/*
 * map_input: how a map reads its pieces: the format that its job has checked, and who knows it.
 *
 *     rc = map_input_init(&input, start->input, view, &err);
 *     reader = map_input_open(&input, vm, message, fd, &err);      per piece; reader_close()
 */
#ifndef ATTEMPT_MAP_INPUT_H
#define ATTEMPT_MAP_INPUT_H

#include "format/reader.h"
#include "rpc/messages.pb-c.h"
#include "vm/vm.h"

struct map_input {
    enum reader_kind kind;
    struct slice options; /* of the view; borrowed */
    bool runs_job;        /* reading is the job's code, a grammar: it may stand still for ever */
};

/* ERR_SETUP: no such format. */
int map_input_init(struct map_input *input, const char *format, struct slice view, struct err *err);

/* The piece of `message`; it, `fd` and `vm` must outlive the reader. NULL with *err set. */
struct reader *map_input_open(const struct map_input *input, struct vm *vm,
                              const Mrlua__Input *message, int fd, struct err *err);

#endif
