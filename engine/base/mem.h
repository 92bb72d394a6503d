/*
 * mem: small allocations that die when there is no memory, with a message and exit code 1.
 *
 * Budgets (sort buffer, merge cursors) are taken with malloc() where they are used and fail with
 * an error. What is small and everywhere cannot be handled everywhere: it ends the process, and
 * whoever watches the process knows what to do (DESIGN: a daemon that cannot allocate exits).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Never NULL. The memory is zeroed by mem_alloc and mem_alloc_array; free() releases it. */
void *mem_alloc(size_t bytes);
void *mem_alloc_array(size_t count, size_t item_bytes);
void *mem_realloc(void *ptr, size_t bytes);
void *mem_realloc_array(void *ptr, size_t count, size_t item_bytes);
char *mem_strdup(const char *string);
char *mem_strndup(const char *ptr, size_t len);

/* Gives the kernel what was freed. For daemons, when something large has ended: free() keeps it. */
void mem_give_back(void);

#endif
