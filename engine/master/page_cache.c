#include "master/page_cache.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

void page_cache_deinit(struct page_cache *cache)
{
    for (int i = 0; i < PAGE_CACHE_COUNT; i++)
        buf_deinit(&cache->items[i].body);
    *cache = (struct page_cache){0};
}

static struct page_cached *find(struct page_cache *cache, const char *key)
{
    for (int i = 0; i < PAGE_CACHE_COUNT; i++)
        if (strcmp(cache->items[i].key, key) == 0)
            return &cache->items[i];
    return NULL;
}

static void earn(struct page_cache *cache, uint64_t now_ns)
{
    const int64_t most_ns = PAGE_BUDGET_MS * (int64_t)NS_PER_MS;
    uint64_t earned_ns = (now_ns - cache->budget_at_ns) / PAGE_BUDGET_SHARE;

    cache->budget_at_ns = now_ns;
    if (earned_ns >= (uint64_t)(most_ns - cache->budget_ns))
        cache->budget_ns = most_ns;
    else
        cache->budget_ns += (int64_t)earned_ns;
}

enum page_cache_answer page_cache_ask(struct page_cache *cache, const char *key, uint64_t now_ns,
                                      struct slice *body)
{
    struct page_cached *item = find(cache, key);

    assert(strlen(key) > 0);
    assert(strlen(key) < PAGE_CACHE_KEY_BYTES);
    earn(cache, now_ns);
    if (item)
        item->asked_ns = now_ns;
    if (cache->budget_ns > 0 && (!item || now_ns - item->made_ns >= PAGE_FRESH_MS * NS_PER_MS))
        return PAGE_RENDER;
    if (!item)
        return PAGE_BUSY;
    *body = buf_slice(&item->body);
    return PAGE_CACHED;
}

static struct page_cached *oldest(struct page_cache *cache)
{
    struct page_cached *found = &cache->items[0];

    for (int i = 1; i < PAGE_CACHE_COUNT; i++)
        if (cache->items[i].asked_ns < found->asked_ns)
            found = &cache->items[i];
    return found;
}

struct slice page_cache_put(struct page_cache *cache, const char *key, const struct buf *body,
                            uint64_t now_ns, uint64_t took_ns)
{
    struct page_cached *item = find(cache, key);

    if (!item) {
        item = oldest(cache);
        memcpy(item->key, key, strlen(key) + 1);
    }
    buf_clear(&item->body);
    buf_append(&item->body, body->ptr, body->len);
    item->made_ns = now_ns;
    item->asked_ns = now_ns;
    cache->budget_ns -= (int64_t)took_ns;
    return buf_slice(&item->body);
}
