/*
 * child_scene: what a vm child can tell of the moment in which the job's functions failed, for the
 * capsule of its attempt (capsule.h).
 *
 *     child_scene_keep(child, &record);       when a record failed, or NULL: no record of a map
 *
 * The first one counts: what fails behind it may do so because of it.
 */
#ifndef ATTEMPT_CHILD_SCENE_H
#define ATTEMPT_CHILD_SCENE_H

#include "attempt/child.h"
#include "format/reader.h"

struct child_record {
    uint64_t number; /* in the task, from 1 */
    uint64_t piece;
    const struct reader_record *record;
};

/* Into child->scene, if that is empty. The vm has let go of its failure (vm_go_on). */
void child_scene_keep(struct child *child, const struct child_record *record);

#endif
