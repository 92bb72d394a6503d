/*
 * merge_plan: which runs to join, in which order, until one merge can hold the rest. Pure.
 *
 * The list of runs is in time (or map) order and only neighbours are joined: a joined run takes
 * their place, so that order is kept. The plan is made once, from the complete table.
 *
 * Each step joins the `count` neighbours with the fewest bytes; the first step is as narrow as
 * makes every later one and the last merge full, as in a k-ary Huffman code. For runs of one size
 * (spills are) that reads the fewest bytes there are (tested against a search of all plans); for
 * mixed sizes it is close. The exact answer would be a cubic table for a few per cent.
 *
 *     sizes 5 5 5 5 5 with fan-in 3:     (5 5 5) 5 5  ->  15 5 5     and the last merge has 3
 */
#ifndef RECORD_MERGE_PLAN_H
#define RECORD_MERGE_PLAN_H

#include <stdint.h>

/* Joins list[first] .. list[first + count - 1] of the list as the steps before left it. */
struct merge_step {
    uint32_t first, count;
};

/* How many steps `count` runs need; 0 if one merge holds them. fan_in > 1. */
uint32_t merge_plan_step_count(uint32_t count, uint32_t fan_in);

/* Fills `steps`. `bytes` holds the size of each run and is used up. */
void merge_plan(uint64_t *bytes, uint32_t count, uint32_t fan_in, struct merge_step *steps);

#endif
