#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *ptr, size_t bytes)
{
    if (!ptr) {
        fprintf(stderr, "mrlua: out of memory: %zu bytes\n", bytes);
        _Exit(1);
    }
    return ptr;
}

static size_t product(size_t count, size_t item_bytes)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, item_bytes, &bytes))
        return SIZE_MAX; /* no allocator has that: or_die() reports it */
    return bytes;
}

void *mem_alloc(size_t bytes)
{
    return mem_alloc_array(1, bytes);
}

void *mem_alloc_array(size_t count, size_t item_bytes)
{
    size_t bytes = product(count, item_bytes);

    return or_die(bytes == SIZE_MAX ? NULL : calloc(1, bytes ? bytes : 1), bytes);
}

void *mem_realloc(void *ptr, size_t bytes)
{
    return or_die(bytes == SIZE_MAX ? NULL : realloc(ptr, bytes ? bytes : 1), bytes);
}

void *mem_realloc_array(void *ptr, size_t count, size_t item_bytes)
{
    return mem_realloc(ptr, product(count, item_bytes));
}

char *mem_strndup(const char *ptr, size_t len)
{
    char *copy = mem_alloc(len + 1);

    if (len)
        memcpy(copy, ptr, len);
    return copy;
}

char *mem_strdup(const char *string)
{
    return mem_strndup(string, strlen(string));
}

void mem_give_back(void)
{
    malloc_trim(0);
}
