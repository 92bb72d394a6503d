/*
 * fuzz: what a fuzz target is, for libFuzzer and for replay.c.
 */
#ifndef CTEST_FUZZ_FUZZ_H
#define CTEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Aborts when what it tests breaks its promise. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
