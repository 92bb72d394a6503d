#include "master/job_running.h"

#include <stdlib.h>

/* By task; of a task the furthest first. */
static int compare(const void *left, const void *right)
{
    const struct job_running *a = left, *b = right;

    if (a->task != b->task)
        return a->task < b->task ? -1 : 1;
    return (a->fraction < b->fraction) - (a->fraction > b->fraction);
}

size_t job_running_furthest(struct job_running *attempts, size_t count)
{
    size_t kept = 0;

    if (count > 1)
        qsort(attempts, count, sizeof attempts[0], compare);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || attempts[kept - 1].task != attempts[i].task)
            attempts[kept++] = attempts[i];
    return kept;
}
