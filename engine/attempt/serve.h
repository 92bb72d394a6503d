/*
 * serve: the trusted process while it has a vm child: hands it inputs, passes on what it prints,
 * watches its clock and its memory, and finds out how it ended.
 */
#ifndef ATTEMPT_SERVE_H
#define ATTEMPT_SERVE_H

#include "attempt/bad_records.h"
#include "attempt/death.h"
#include "attempt/fetch.h"
#include "attempt/nursery.h"
#include "attempt/outputs.h"
#include "attempt/page.h"
#include "attempt/reuse.h"
#include "attempt/side_files.h"
#include "attempt/watch.h"
#include "format/source.h"
#include "rpc/channel.h"
#include "vm/vm.h"

#include <assert.h>

/* An attempt's state in its trusted process. */
struct trusted {
    const Mrlua__TaskStart *start;
    int request_socket; /* the nursery's */
    struct channel shell;
    bool shell_is_gone;
    int fds[CHILD_FD_COUNT]; /* what the child is handed; -1: not there */
    struct side_files files; /* what it is told of those that are side files */
    struct reuse reuse;
    struct page *page;
    bool made_result;                    /* the result file was created by this attempt */
    struct outputs outputs;              /* files of further outputs */
    uint64_t bytes_total, records_total; /* of the input, for the fraction */
    struct buf done;                     /* a packed Done: the last word of success */
    struct buf detail;                   /* of a failure */
    struct buf scene;                    /* what the child said of it: capsule.h */
    uint32_t peer_map;                   /* after ERR_PEER */
    uint64_t peer_attempt;
    struct bad_records bad; /* of its task, after a failure */
};

/* Runs the task in a child of the nursery. `fetched`: for a reduce, the table it is told after its
 * task, and the files it asks for then, which are closed as they go.
 * 0: trusted->done is set. -1: *err and trusted->detail say why. */
int serve_child(struct trusted *trusted, struct fetched *fetched, struct err *err);

#endif
