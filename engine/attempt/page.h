/*
 * page: what a vm child is doing right now, in memory that its trusted process sees too. The child
 * writes, plain stores, no locks; the trusted process reads, for progress, for deadlines and, when
 * the child is dead, for the place where it died.
 *
 *     fd = page_create(&page, &err);       trusted: a sealed memfd, mapped
 *     page = page_map(fd, &err);           child
 *     page_record(page, input, offset);    child, at each record
 *     page_pulse(page);                    child, whenever something moved
 *     page_unmap(page);
 *
 * The child may be hostile: what is read here is believed to be numbers, and nothing more.
 */
#ifndef ATTEMPT_PAGE_H
#define ATTEMPT_PAGE_H

#include "base/err.h"
#include "base/slice.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PAGE_BYTES = 4096,
    PAGE_KEY_BYTES = 256, /* of the key in hand: more than a message shows */
};

/* What the child does. In user code a stand-still is the record's fault. */
enum page_phase {
    PAGE_START,
    PAGE_LOAD,    /* user code: the job file */
    PAGE_READ,    /* reads input */
    PAGE_MAP,     /* user code: map */
    PAGE_SORT,    /* sorts, spills, merges what map emitted */
    PAGE_COMBINE, /* user code: combine, within an emit or the sort */
    PAGE_GATHER,  /* waits for segments, merges them */
    PAGE_REDUCE,  /* user code: reduce */
    PAGE_WRITE,   /* finishes the result */
    PAGE_HOOK,    /* user code: setup, cleanup */
    PAGE_DRIVE,   /* user code: drive; no record is in hand, so only limits.seconds holds */
    PAGE_PHASE_COUNT,
};

/* 64-bit counters of one writer; every field may be read at any time. */
struct page {
    _Atomic uint64_t pulse;        /* changes whenever something moved */
    _Atomic uint64_t phase;        /* enum page_phase */
    _Atomic uint64_t input_index;  /* piece of the split */
    _Atomic uint64_t input_offset; /* where the record in hand starts in its input */
    _Atomic uint64_t record;       /* number of the record (map) or key (reduce) in hand, from 1 */
    _Atomic uint64_t in_hand;      /* 1: the job's function has it. 0: it was the last */
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t records_in;
    _Atomic uint64_t records_out;
    _Atomic uint32_t denied_call; /* vm/sandbox.h */
    _Atomic uint32_t key_bytes;   /* of the reduce's key in hand; above PAGE_KEY_BYTES: it is cut */
    char key[PAGE_KEY_BYTES];     /* encoded. Read when the child is dead */
};

int page_create(struct page **page, struct err *err); /* the descriptor, or -1 */
struct page *page_map(int fd, struct err *err);       /* NULL with *err */
void page_unmap(struct page *page);                   /* NULL is fine */

/* "map", "reduce", ...: what Progress and errors call a phase. Any number is fine. */
const char *page_phase_name(uint64_t phase);

/* In these phases a stand-still is measured against seconds_per_record. */
bool page_phase_is_user_code(uint64_t phase);

/* One writer, so an addition need not be one atomic step: it costs what a plain one does. */
static inline void page_add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

static inline void page_set(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
}

static inline uint64_t page_get(const _Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_relaxed);
}

static inline void page_pulse(struct page *page)
{
    page_add(&page->pulse, 1);
}

static inline void page_enter(struct page *page, enum page_phase phase)
{
    page_set(&page->phase, phase);
    page_pulse(page);
}

/* A record (or key) is the next one. */
static inline void page_record(struct page *page, uint64_t input_index, uint64_t input_offset)
{
    page_set(&page->input_index, input_index);
    page_set(&page->input_offset, input_offset);
    page_add(&page->record, 1);
    page_pulse(page);
}

void page_set_key(struct page *page, struct slice key);
struct slice page_key(const struct page *page, size_t *key_bytes); /* as much as there is of it,
                                                                        and how long it is */

#endif
