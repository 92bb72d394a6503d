#include "worker/recent.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

void recent_init(struct recent *recent, size_t count_max)
{
    assert(count_max > 0);
    *recent = (struct recent){.count_max = count_max};
}

void recent_deinit(struct recent *recent)
{
    free(recent->ids);
    *recent = (struct recent){0};
}

bool recent_has(const struct recent *recent, uint64_t id)
{
    for (size_t i = recent->count; i-- > 0;) {
        if (recent->ids[i] == id)
            return true;
    }
    return false;
}

void recent_add(struct recent *recent, uint64_t id)
{
    size_t count = recent->count;

    if (recent_has(recent, id))
        return;
    if (count == recent->count_max) {
        recent->ids[recent->next] = id;
        recent->next = (recent->next + 1) % recent->count_max;
        return;
    }
    if ((count & (count - 1)) == 0) /* it was full: 0, 1, 2, 4, ... */
        recent->ids = mem_realloc_array(recent->ids, count ? count * 2 : 1, sizeof *recent->ids);
    recent->ids[recent->count++] = id;
}
