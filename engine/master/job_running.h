/*
 * job_running: how far the tasks are that have not ended. Pure.
 *
 *     struct job_running all[] = {{.task = 3, .fraction = 0.9}, {.task = 3, .fraction = 0.1}};
 *     count = job_running_furthest(all, 2);    1: a slow task has a second attempt, sched/backup.h
 *     for (...) bytes_done += all[i].fraction * bytes of the split of all[i].task
 */
#ifndef MASTER_JOB_RUNNING_H
#define MASTER_JOB_RUNNING_H

#include <stddef.h>
#include <stdint.h>

/* One attempt. */
struct job_running {
    uint32_t task;
    double fraction; /* of its input, read */
    uint64_t records;
};

/* Leaves of each task the attempt that is furthest, in the order of tasks; tells how many. */
size_t job_running_furthest(struct job_running *attempts, size_t count);

#endif
