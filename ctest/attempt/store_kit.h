/*
 * store_kit: maps whose runs go to gs://bkt/tmp/ab/job/, with the attempts of kit.h.
 *
 *     store_kit_begin();                    a job of two partitions, runs into the store
 *     store_kit_map(0, "text");             kit.maps[0] says which attempt; its run's size is kept
 *     done = store_kit_reduce(1);           of the maps so far
 */
#ifndef CTEST_ATTEMPT_STORE_KIT_H
#define CTEST_ATTEMPT_STORE_KIT_H

#include "attempt/kit.h"

#include "attempt/keep.h"
#include "store/gcs_server.h"
#include "store/gcs_sweep.h"

#define STORE_KIT_PREFIX "tmp/ab/job/"

enum { STORE_KIT_MAPS_MAX = 8 };

static int64_t run_attempts[STORE_KIT_MAPS_MAX];
static uint64_t run_bytes[STORE_KIT_MAPS_MAX];

static inline void store_kit_begin(void)
{
    struct err err;

    assert_int_equal(gcs_sweep_uri("gs://bkt/", &err), 0);
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end, reduce = 'sum',\n"
                  "partition = function(key, count) return key == 'one' and 1 or 0 end }");
    kit.start.partition_count = 2;
    kit.start.shuffle = (char *)(uintptr_t) "gs://bkt/" STORE_KIT_PREFIX;
}

static inline void store_kit_map(uint32_t map, const char *text)
{
    Mrlua__Done *done = kit_map(&kit, map, kit_file(&kit, "in.txt", text));

    if (!done)
        kit_must(&kit, done);
    run_bytes[map] = done->bytes;
    run_attempts[map] = (int64_t)(kit.maps[map].attempt - (map ? kit.maps[map - 1].attempt : 0));
    message_free(done);
}

static inline Mrlua__Done *store_kit_reduce(uint32_t partition)
{
    uint32_t count = kit.map_count;
    Mrlua__Done *done;

    kit.start.run_attempts = run_attempts;
    kit.start.run_bytes = run_bytes;
    kit.start.n_run_attempts = kit.start.n_run_bytes = count;
    kit.map_count = 0;
    done = kit_reduce(&kit, partition);
    kit.map_count = count;
    kit.start.n_run_attempts = kit.start.n_run_bytes = 0;
    return done;
}

#endif
