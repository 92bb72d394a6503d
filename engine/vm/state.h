/*
 * state: the inside of a struct vm, for the files of this folder that call Lua: what a call
 * needs while it runs, and the one way into Lua.
 *
 * A raise jumps over C frames, so nothing between lua_pcall() and the raise owns memory: what
 * emit and values need is in struct vm and struct vm_frame, which outlive the call.
 */
#ifndef VM_STATE_H
#define VM_STATE_H

#include "vm/memory.h"
#include "vm/value_lua.h"
#include "vm/vm.h"
#include "vm/word_table.h"

enum {
    /* A map emits; its sink asks for the partition or combines; nothing calls back from there. */
    FRAME_COUNT_MAX = 4,
    FRAME_STACK_SLOTS = 16,      /* of Lua's stack, for a C function that calls into the job */
    PRINT_BYTES_MAX = 64 * 1024, /* of one attempt; print is for debugging, not for output */
};

/* Functions of the job, by field. */
enum vm_field {
    FIELD_MAP,
    FIELD_COMBINE,
    FIELD_REDUCE,
    FIELD_PARTITION,
    FIELD_SETUP,
    FIELD_CLEANUP,
    FIELD_DRIVE,
    FIELD_COUNT,
};

/* One call of a function of the job, from C's side. */
struct vm_frame {
    struct sink *sink;   /* where emit leads; NULL: emit is an error */
    struct group *group; /* where values come from; NULL: they are an error */
    bool group_has_ended;
    bool gives_keys;   /* values answers value, key */
    bool counts;       /* every emitted value becomes 1 */
    bool has_only_key; /* combine: only_key is the one key it may emit */
    struct slice only_key;
    struct buf key, value; /* what emit encodes; the sink borrows them, so each frame has its own */
    /* For vm/scene.h. */
    enum vm_field field;
    struct slice key_given;           /* to partition */
    struct buf taken;                 /* values of the group, encoded: the first kept_count ... */
    uint64_t taken_count, kept_count; /* ... of taken_count */
};

struct vm {
    struct vm_options options;
    struct memory memory;
    lua_State *main;
    lua_State *running; /* main, or the coroutine that called emit or values */
    struct vm_frame frames[FRAME_COUNT_MAX];
    uint32_t frame_count;
    struct word_table *words; /* what map and cleanup emit may wait there */
    struct value_encoder encoder;
    struct buf scratch; /* of key_to_lua */
    /* The first failure that is not the script's to handle: a sink's, a cursor's, or an error in a
     * call inside a call. */
    struct err kept;
    struct buf traceback;
    struct buf scene; /* vm/scene.h */
    size_t print_bytes;
    int functions[FIELD_COUNT]; /* references in the registry, LUA_NOREF: no Lua function */
    int environment;            /* of sandbox.lua's answer */
    int context;                /* the table `mr` */
    int use;                    /* of lua/mrlua/job.lua: chooses the input that is mapped */
    int emit, values;           /* the C functions */
    struct vm_counter counters[VM_COUNTER_COUNT_MAX];
    uint32_t counter_count;
    int record;          /* vm/record_lua.h; LUA_NOREF: none yet */
    struct drive *drive; /* vm/drive.h; NULL: it does not drive */
    struct {
        int match, record, search; /* lua/mrlua/formats.lua; LUA_NOREF: there is none */
    } grammar;
    enum builtin builtins[FIELD_COUNT];
    uint32_t group_parts; /* job field `group` */
    bool counts;
    bool is_map; /* options.stage is "map" */
};

const char *vm_field_name(enum vm_field field);

/* The vm a state belongs to; coroutines too. */
static inline struct vm *vm_of(lua_State *L)
{
    return *(struct vm **)lua_getextraspace(L);
}

static inline void vm_pulse(struct vm *vm)
{
    _Atomic uint64_t *pulse = vm->options.pulse;

    /* One writer: an addition need not be one atomic step. */
    if (pulse)
        atomic_store_explicit(pulse, atomic_load_explicit(pulse, memory_order_relaxed) + 1,
                              memory_order_relaxed);
}

/* The innermost call; there is one. */
static inline struct vm_frame *vm_frame(struct vm *vm)
{
    return vm->frame_count ? &vm->frames[vm->frame_count - 1] : NULL;
}

/*
 * Runs `function` protected, on whatever state is running, with `argument` as its only (light
 * userdata) argument. 0, or -1 with *err set: dead of memory, a kept failure, or what was raised
 * (ERR_JOB, with a traceback). A failure that the script caught is found here too.
 */
int vm_protected(struct vm *vm, lua_CFunction function, void *argument, struct err *err);

/* Opens a frame for a call, like `wanted` but with buffers of its own. -1: the vm is dead, or has
 * failed before. */
int vm_frame_push(struct vm *vm, const struct vm_frame *wanted, struct err *err);
void vm_frame_pop(struct vm *vm);

/* Keeps the failure and raises it.                                                     [v] */
int vm_raise_kept(lua_State *L, const struct err *err);

/* emit(key, value), as map, combine, reduce and cleanup see it.             [-2, +0, v] */
int vm_emit(lua_State *L);

/* values(), the iterator that combine and reduce see: the next value or nil.  [-0, +1|2, v] */
int vm_values_next(lua_State *L);

/* mr.emit_to(name, key, value). Its upvalue is a table: name -> number of the output; what is not
 * there raises when it is looked up (mrlua.outputs).                            [-n, +0, v] */
int vm_emit_to(lua_State *L);

/* mr.count(name, n). Its upvalue is a table: name -> place in vm->counters.     [-n, +0, v] */
int vm_count(lua_State *L);

/* mr.open(name), for the table of settings.                                     [-0, +1, m] */
void vm_push_open(lua_State *L);

/* print(...), to the log.                                                       [-n, +0, v] */
int vm_print(lua_State *L);

#endif
