/*
 * store_kit: maps whose runs go to gs://bkt/tmp/ab/job/, with the attempts of kit.h.
 *
 *     store_kit_begin();                    a job of two partitions, runs into the store
 *     store_kit_map(0, "text");             kit.maps[0] says which attempt; its run's size is kept
 *     done = store_kit_reduce(1);           of the maps so far; with kit.start.reuse some of their
 *                                           runs may be kept ones: store_kit_note(0, done)
 */
#ifndef CTEST_ATTEMPT_STORE_KIT_H
#define CTEST_ATTEMPT_STORE_KIT_H

#include "attempt/kit.h"

#include "attempt/keep.h"
#include "attempt/reuse_key.h"
#include "attempt/run_of.h"
#include "store/gcs_server.h"
#include "store/gcs_sweep.h"

#define STORE_KIT_PREFIX "tmp/ab/job/"

enum { STORE_KIT_MAPS_MAX = 8 };

static int64_t run_attempts[STORE_KIT_MAPS_MAX];
static uint64_t run_bytes[STORE_KIT_MAPS_MAX];
static uint64_t run_generations[STORE_KIT_MAPS_MAX];
static uint32_t run_note_bytes[STORE_KIT_MAPS_MAX];
static uint8_t run_keys[STORE_KIT_MAPS_MAX * REUSE_KEY_BYTES];

static inline void store_kit_begin(void)
{
    struct err err;

    assert_int_equal(gcs_sweep_uri("gs://bkt/", &err), 0);
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum',\n"
                  "partition = function(key, count) return key == 'one' and 1 or 0 end }");
    kit.start.partition_count = 2;
    kit.start.shuffle = (char *)(uintptr_t) "gs://bkt/" STORE_KIT_PREFIX;
}

/* What reduces are told of map `map`, which was the last attempt. */
static inline void store_kit_note(uint32_t map, const Mrlua__Done *done)
{
    struct run_id id = run_of(done->run, 0, 0, 0);
    struct reuse_key key = reuse_key_of_id(&id);

    run_bytes[map] = done->bytes;
    run_attempts[map] = (int64_t)(kit.maps[map].attempt - (map ? kit.maps[map - 1].attempt : 0));
    run_generations[map] = done->run_generation;
    run_note_bytes[map] = done->run_note_bytes;
    memcpy(run_keys + (size_t)map * REUSE_KEY_BYTES, key.bytes, sizeof key.bytes);
}

static inline void store_kit_map(uint32_t map, const char *text)
{
    Mrlua__Done *done = kit_map(&kit, map, kit_file(&kit, "in.txt", text));

    if (!done)
        kit_must(&kit, done);
    store_kit_note(map, done);
    message_free(done);
}

static inline Mrlua__Done *store_kit_reduce(uint32_t partition)
{
    uint32_t count = kit.map_count;
    Mrlua__Done *done;

    kit.start.run_attempts = run_attempts;
    kit.start.run_bytes = run_bytes;
    kit.start.n_run_attempts = kit.start.n_run_bytes = count;
    if (kit.start.reuse) {
        kit.start.run_store = kit.start.reuse->store;
        kit.start.run_keys = (ProtobufCBinaryData){count * (size_t)REUSE_KEY_BYTES, run_keys};
        kit.start.run_generations = run_generations;
        kit.start.run_note_bytes = run_note_bytes;
        kit.start.n_run_generations = kit.start.n_run_note_bytes = count;
    }
    kit.map_count = 0;
    done = kit_reduce(&kit, partition);
    kit.map_count = count;
    kit.start.n_run_attempts = kit.start.n_run_bytes = 0;
    kit.start.n_run_generations = kit.start.n_run_note_bytes = kit.start.run_keys.len = 0;
    kit.start.run_store = (char *)(uintptr_t) ""; /* no map is told of it */
    return done;
}

#endif
