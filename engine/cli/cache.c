#include "cli/cache.h"

#include "base/clock.h"
#include "cli/answer.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/cache.h"
#include "store/cache_list.h"

#include <stdlib.h>

/* A clock that was set back makes no age below 0. */
static double age_seconds(int64_t used_ns, int64_t now_ns)
{
    return used_ns < now_ns ? (double)(now_ns - used_ns) / (double)NS_PER_S : 0;
}

static void add_use(const char *folder, const struct cache_use *use, struct buf *out)
{
    field_string(out, "folder", folder);
    field_integer(out, "files", use->file_count);
    field_integer(out, "file_bytes", use->file_bytes);
    field_integer(out, "sums", use->sum_count);
    field_integer(out, "sum_bytes", use->sum_bytes);
}

static void add_error(const struct err *err, struct buf *out)
{
    field_name(out, "error");
    answer_error(err, NULL, true, out);
}

int cache_command_look(void *context, struct vm_host *host, struct slice args, struct buf *result,
                       struct err *err)
{
    int64_t now_ns = (int64_t)clock_realtime_ns();
    char *folder = cache_folder(err);
    struct cache_use use;

    (void)context, (void)host, (void)args;
    value_write_table_begin(result);
    if (!folder || cache_look(folder, &use, err) != 0) {
        add_error(err, result);
    } else {
        add_use(folder, &use, result);
        if (use.file_count > 0) {
            field_number(result, "oldest_seconds", age_seconds(use.oldest_ns, now_ns));
            field_number(result, "newest_seconds", age_seconds(use.newest_ns, now_ns));
        }
    }
    value_write_table_end(result);
    free(folder);
    return 0;
}

int cache_command_clear(void *context, struct vm_host *host, struct slice args, struct buf *result,
                        struct err *err)
{
    int64_t seconds = value_field_integer(args, "older_seconds", -1);
    int64_t now_ns = (int64_t)clock_realtime_ns();
    bool is_all = seconds < 0;
    char *folder = cache_folder(err);
    struct cache_use gone;

    (void)context, (void)host;
    value_write_table_begin(result);
    if (!folder || cache_trim(folder, is_all ? 0 : UINT64_MAX,
                              is_all ? 0 : now_ns - seconds * (int64_t)NS_PER_S, &gone, err) != 0)
        add_error(err, result);
    else
        add_use(folder, &gone, result);
    value_write_table_end(result);
    free(folder);
    return 0;
}
