#include "store/token_page.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A sequence lock: odd while it is written. */
struct page {
    _Atomic uint64_t sequence;
    uint64_t end_ns; /* of the token's life */
    uint64_t len;
    char text[CREDENTIALS_TOKEN_BYTES_MAX];
};

/* Inherited by fork(), so there is one for each process at most: no struct to keep it in would
 * reach the children. */
static struct page *page;

void token_page_prepare(void)
{
    void *memory;

    if (page)
        return;
    memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return;
    madvise(memory, sizeof *page, MADV_DONTDUMP);
    page = memory;
}

bool token_page_read(struct token *out, uint64_t now_ns)
{
    uint64_t before = page ? atomic_load_explicit(&page->sequence, memory_order_acquire) : 0;
    uint64_t end_ns, len;

    *out = (struct token){0};
    if (before == 0 || before % 2 != 0)
        return false;
    end_ns = page->end_ns;
    len = page->len;
    if (end_ns <= now_ns + NS_PER_S || len == 0 || len > sizeof page->text)
        return false;
    buf_append(&out->text, page->text, (size_t)len);
    out->lifetime_s = (end_ns - now_ns) / NS_PER_S;
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&page->sequence, memory_order_relaxed) == before)
        return true;
    token_deinit(out); /* it was written meanwhile */
    return false;
}

void token_page_write(const struct token *token, uint64_t now_ns)
{
    uint64_t before = page ? atomic_load(&page->sequence) : 1;

    if (before % 2 != 0 || token->text.len > sizeof page->text ||
        !atomic_compare_exchange_strong(&page->sequence, &before, before + 1))
        return;
    atomic_thread_fence(memory_order_release);
    memcpy(page->text, token->text.ptr, token->text.len);
    page->len = token->text.len;
    page->end_ns = now_ns + token->lifetime_s * NS_PER_S;
    atomic_store_explicit(&page->sequence, before + 2, memory_order_release);
}
