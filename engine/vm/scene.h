/*
 * scene: what a function of the job had in hand when it raised, as a value table:
 *
 *     where    "map", "combine", "reduce", "partition", "setup", "cleanup", "drive", "load"
 *     key      what combine, reduce or partition was given: a string, the encoded value
 *     values   the same of a list: {value, ...}, of a job with `group` {value, key, value, key,
 * ...}: those that combine or reduce had taken, the first VM_TAKEN_BYTES_MAX of them ... taken ...
 * and how many it had taken frames   lua/mrlua/frames.lua; absent where there was no memory for
 * them
 *
 * Values of the job are in strings, for they may be as deep as a value may be.
 *
 * It is made in the message handler, while the frames are still there. Values are kept as they are
 * taken, as bytes: a copy of some bytes for each, as long as there is room.
 */
#ifndef VM_SCENE_H
#define VM_SCENE_H

#include "vm/state.h"

/* What vm->scene is from now on. Raises nothing and leaves the stack as it was.  [-0, +0, -] */
void scene_keep(lua_State *L, struct vm *vm);

/* The frame's function has taken the value, encoded; with has_key, a key that is on top. */
void scene_take(lua_State *L, struct vm *vm, struct vm_frame *frame, struct slice value,
                bool has_key);

static inline void scene_take_none(struct vm_frame *frame)
{
    frame->taken.len = 0;
    frame->taken_count = frame->kept_count = 0;
}

#endif
