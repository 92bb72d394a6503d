/*
 * kit: results of tasks, for the tests of master/.
 *
 *     job_results_take(&results, STAGE_MAP, 0, 11, kit_done("map_records_in", 5, 100, 1));
 */
#ifndef CTEST_MASTER_KIT_H
#define CTEST_MASTER_KIT_H

#include "test.h"

#include "base/buf.h"
#include "rpc/message.h"

/* What an attempt has answered, with two counters; the caller's to free. */
static inline Mrlua__Done *kit_done(const char *name, int64_t value, uint64_t bytes,
                                    uint64_t records)
{
    Mrlua__Done done = MRLUA__DONE__INIT;
    Mrlua__Counter counters[2] = {MRLUA__COUNTER__INIT, MRLUA__COUNTER__INIT};
    Mrlua__Counter *list[2] = {&counters[0], &counters[1]};
    struct buf packed = {0};
    struct err err;
    Mrlua__Done *copy;

    counters[0].name = (char *)(uintptr_t)name;
    counters[0].value = value;
    counters[1].name = (char *)(uintptr_t) "all";
    counters[1].value = 1;
    done.n_counters = 2;
    done.counters = list;
    done.bytes = bytes;
    done.records = records;
    done.crc32c = 0xabcd;
    message_pack(&packed, &done.base);
    copy = message_unpack(&mrlua__done__descriptor, buf_slice(&packed), &err);
    assert_non_null(copy);
    buf_deinit(&packed);
    return copy;
}

#endif
