/*
 * claim: the file that says who works on an output folder (publish.h).
 *
 *     rc = claim_take(path, &mine, take_stale, &err);
 *
 * Its text: "job=ID\npid=N\nstarted=TICKS\nhost=NAME\ncreated=0|1\n". A pid comes again, so the
 * moment its process began is kept with it.
 *
 * Why not O_EXCL alone: who is killed between making the file and writing its name into it would
 * leave a claim that nobody holds and nobody can judge. So the file is looked at and written under
 * flock(): whoever finds it empty then, maker or not, has it.
 */
#ifndef FORMAT_CLAIM_H
#define FORMAT_CLAIM_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct claim {
    char job[128];
    char host[128];
    long pid;
    unsigned long long started; /* the process, in ticks since boot; claim_print() finds it out */
    bool created;               /* the folder was made together with the claim */
};

/* The text; what is missing in it is empty or 0. A claim in a store (publish_gs.h) has the same. */
void claim_print(const struct claim *claim, struct buf *out);
void claim_parse(const char *text, struct claim *out);

/* 1: *out is what it says. 0: there is none. -1: it cannot be read. */
int claim_read(const char *path, struct claim *out, struct err *err);

/* Its holder ran on this host, and runs no more. */
bool claim_is_stale(const struct claim *claim);

/*
 * Makes the file. If another job has it: ERR_SETUP with the holder's name, unless `take_stale` is
 * set and the claim is stale. The same job's own claim is renewed: it names this
 * process from then on.
 */
int claim_take(const char *path, const struct claim *mine, bool take_stale, struct err *err);

/* What the process of an earlier life took for this job, this one goes on with: the claim names it
 * from then on. 0 as well when the claim is not there any more, or is another job's. */
int claim_renew(const char *path, const struct claim *mine, struct err *err);

#endif
