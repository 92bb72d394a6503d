#include "attempt/page.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static_assert(sizeof(struct page) <= PAGE_BYTES, "one page");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock is shared with a process that may die");

struct page *page_map(int fd, struct err *err)
{
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (page == MAP_FAILED) {
        err_set_errno(err, ERR_RETRY, "map the shared page");
        return NULL;
    }
    return page;
}

int page_create(struct page **page, struct err *err)
{
    int fd = memfd_create("mrlua-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    *page = NULL;
    if (fd < 0)
        return err_set_errno(err, ERR_RETRY, "create a shared page");
    /* Sealed: a child that cut it short would kill, by SIGBUS, whoever looks at it. */
    if (ftruncate(fd, PAGE_BYTES) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        err_set_errno(err, ERR_RETRY, "create a shared page");
        goto fail;
    }
    *page = page_map(fd, err);
    if (!*page)
        goto fail;
    return fd;
fail:
    close(fd);
    return -1;
}

void page_unmap(struct page *page)
{
    if (page)
        munmap(page, PAGE_BYTES);
}

const char *page_phase_name(uint64_t phase)
{
    static const char *const names[PAGE_PHASE_COUNT] = {
        [PAGE_START] = "start",   [PAGE_LOAD] = "load",
        [PAGE_READ] = "read",     [PAGE_MAP] = "map",
        [PAGE_SORT] = "sort",     [PAGE_COMBINE] = "combine",
        [PAGE_GATHER] = "gather", [PAGE_REDUCE] = "reduce",
        [PAGE_WRITE] = "write",   [PAGE_HOOK] = "setup or cleanup",
        [PAGE_DRIVE] = "drive",
    };

    return phase < PAGE_PHASE_COUNT ? names[phase] : "unknown";
}

bool page_phase_is_user_code(uint64_t phase)
{
    return phase == PAGE_LOAD || phase == PAGE_MAP || phase == PAGE_COMBINE ||
           phase == PAGE_REDUCE || phase == PAGE_HOOK;
}

void page_set_key(struct page *page, struct slice key)
{
    size_t len = key.len < PAGE_KEY_BYTES ? key.len : PAGE_KEY_BYTES;

    if (len > 0)
        memcpy(page->key, key.ptr, len);
    atomic_store_explicit(&page->key_bytes, (uint32_t)key.len, memory_order_relaxed);
}

struct slice page_key(const struct page *page, size_t *key_bytes)
{
    uint32_t len = atomic_load_explicit(&page->key_bytes, memory_order_relaxed);

    *key_bytes = len;
    return slice_of(page->key, len < PAGE_KEY_BYTES ? len : PAGE_KEY_BYTES);
}
