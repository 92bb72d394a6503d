#include "cli/run_cache.h"

#include "base/log.h"
#include "store/cache.h"
#include "store/cache_list.h"

#include <stdlib.h>

int run_cache_init(struct run_cache *cache, uint64_t bytes_max, struct err *err)
{
    *cache = (struct run_cache){.folder = cache_folder(err), .bytes_max = bytes_max};
    if (!cache->folder)
        return -1;
    if (cache_make(cache->folder, err) == 0)
        return 0;
    free(cache->folder);
    *cache = (struct run_cache){0};
    return -1;
}

void run_cache_deinit(struct run_cache *cache)
{
    struct cache_use gone;
    struct err err;

    if (cache->folder && cache_trim(cache->folder, cache->bytes_max, 0, &gone, &err) != 0)
        log_event(SEVERITY_WARNING, "cache_not_trimmed", log_text("reason", err.message));
    free(cache->folder);
    *cache = (struct run_cache){0};
}
