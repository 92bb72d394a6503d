/*
 * page_cache: answers that are made again only now and then, so that whoever looks never takes
 * more than a tenth of the master. Pure.
 *
 *     switch (page_cache_ask(&cache, path, now_ns, &body)) {
 *     case PAGE_CACHED: ... body, good until the cache changes ...
 *     case PAGE_RENDER: ... render into `text` ...
 *         body = page_cache_put(&cache, path, &text, now_ns, took_ns);
 *     case PAGE_BUSY:   ... nothing is there, and it is not the time to make it ...
 *     }
 *     page_cache_deinit(&cache);
 *
 * An answer is fresh for PAGE_FRESH_MS, however many ask for it. What making them takes comes out
 * of a budget that grows by a tenth of the time, up to PAGE_BUDGET_MS; while there is none an old
 * answer is given again. PAGE_CACHE_COUNT answers are kept, those that were asked for last.
 */
#ifndef MASTER_PAGE_CACHE_H
#define MASTER_PAGE_CACHE_H

#include "base/buf.h"

#include <stdint.h>

enum {
    PAGE_CACHE_COUNT = 32,
    PAGE_CACHE_KEY_BYTES = 96, /* with a final zero; longer paths are nobody's */
    PAGE_FRESH_MS = 500,       /* a browser asks once a second */
    PAGE_BUDGET_MS = 200,      /* a page that is opened asks for several things at once */
    PAGE_BUDGET_SHARE = 10,    /* one part in so many of the time */
};

struct page_cached {
    char key[PAGE_CACHE_KEY_BYTES]; /* "": none */
    struct buf body;
    uint64_t made_ns, asked_ns;
};

/* Zeroed, it is empty and has no budget yet. */
struct page_cache {
    struct page_cached items[PAGE_CACHE_COUNT];
    int64_t budget_ns; /* below 0: what was made took more than there was */
    uint64_t budget_at_ns;
};

enum page_cache_answer { PAGE_CACHED, PAGE_RENDER, PAGE_BUSY };

void page_cache_deinit(struct page_cache *cache);

enum page_cache_answer page_cache_ask(struct page_cache *cache, const char *key, uint64_t now_ns,
                                      struct slice *body);

/* Keeps a copy, in place of what was asked for least lately. */
struct slice page_cache_put(struct page_cache *cache, const char *key, const struct buf *body,
                            uint64_t now_ns, uint64_t took_ns);

#endif
