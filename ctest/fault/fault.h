/*
 * fault: fails the n-th call of a kind, once.
 *
 *     for (uint32_t nth = 0;; nth++) {
 *         fault_arm(FAULT_WRITE, nth, ENOSPC);
 *         rc = operation();
 *         if (!fault_disarm())
 *             break;                      it got through untouched
 *         assert_int_not_equal(rc, 0);    and said why when it did not
 *     }
 *
 *     fault_shorten(FAULT_READ, 3);       from here on no read answers more than 3 bytes
 *
 * Only calls made by the project's own objects are seen (the linker's --wrap): libc, libcurl and
 * Lua itself keep theirs, but Lua's memory comes through our allocator and so through here.
 */
#ifndef CTEST_FAULT_FAULT_H
#define CTEST_FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_call {
    FAULT_ALLOC, /* malloc, calloc, realloc: errno ENOMEM */
    FAULT_READ,  /* read, pread */
    FAULT_WRITE, /* write, pwrite, copy_file_range */
    FAULT_FSYNC,
    FAULT_RENAME,
    FAULT_OPEN, /* open, openat */
    FAULT_CALL_COUNT,
};

/* The `nth` next call of `call` fails with `error`; nth = 0 is the very next one. */
void fault_arm(enum fault_call call, uint32_t nth, int error);

/* Until fault_disarm() a read, write or copy moves at most `bytes_max` bytes at a time; > 0. */
void fault_shorten(enum fault_call call, size_t bytes_max);

/* Ends both. True: a call was failed. */
bool fault_disarm(void);

#endif
