#include "attempt/reuse_done.h"

#include "base/mem.h"
#include "rpc/message.h"

#include <stdlib.h>
#include <string.h>

static void set_run(Mrlua__RunId *run, const struct run_id *id)
{
    mrlua__run_id__init(run);
    run->job = id->job;
    run->attempt = id->attempt;
    run->task = id->task;
}

void reuse_done_pack(const Mrlua__Done *done, const struct reuse_place *place, struct buf *out)
{
    Mrlua__Counter **counters = mem_alloc_array(done->n_counters + 1, sizeof *counters);
    Mrlua__Counter reused = MRLUA__COUNTER__INIT;
    Mrlua__Done copy = *done;
    Mrlua__RunId run;

    set_run(&run, place->id);
    copy.n_counters = 0;
    for (size_t i = 0; i < done->n_counters; i++)
        if (strcmp(done->counters[i]->name, REUSE_COUNTER) != 0)
            counters[copy.n_counters++] = done->counters[i];
    reused.name = (char *)(uintptr_t)REUSE_COUNTER;
    reused.value = place->was_reused;
    counters[copy.n_counters++] = &reused;
    copy.counters = counters;
    copy.run = &run;
    copy.path = (char *)(uintptr_t)place->path;
    copy.run_generation = place->generation;
    copy.run_note_bytes = place->note_bytes;
    message_pack(out, &copy.base);
    free(counters);
}
