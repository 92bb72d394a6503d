#include "base/content.h"

#include "base/io.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static_assert(sizeof(XXH128_canonical_t) == CONTENT_SUM_BYTES, "a sum has 128 bits");

int content_sum(int fd, const char *name, uint8_t sum[CONTENT_SUM_BYTES], struct err *err)
{
    XXH3_state_t state;
    XXH128_canonical_t canonical;
    char *bytes = mem_alloc(CONTENT_READ_BYTES);
    uint64_t offset = 0;
    ssize_t count;

    XXH3_INITSTATE(&state);
    XXH3_128bits_reset(&state);
    while ((count = io_pread(fd, bytes, CONTENT_READ_BYTES, offset, name, ERR_INPUT, err)) > 0) {
        XXH3_128bits_update(&state, bytes, (size_t)count);
        offset += (uint64_t)count;
    }
    free(bytes);
    if (count < 0)
        return -1;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    memcpy(sum, canonical.digest, CONTENT_SUM_BYTES);
    return 0;
}
