#include "attempt/plan_sums.h"

#include "base/clock.h"
#include "store/cache.h"
#include "store/cache_list.h"
#include "store/sums.h"

static int sum_inputs(const char *folder, struct file_list *list, struct err *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct file *file = &list->items[i];

        if (file->identity.generation == 0 &&
            sums_of_file(folder, file, clock_realtime_ns(), file->checksum, err) != 0)
            return -1;
    }
    return 0;
}

/* A plain file of this machine; of a blob its name tells, of an object its generation. */
static bool needs_sum(const Mrlua__SideFile *file)
{
    return file->hash.len == 0 && file->generation == 0;
}

static int sum_side_files(struct plan_sums *sums, const char *folder, struct side_files *files,
                          struct err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        Mrlua__SideFile *side = &files->items[i];
        struct file file = {.name = side->path,
                            .path = side->path,
                            .identity = {.size = side->size,
                                         .mtime_ns = side->mtime_ns,
                                         .inode = side->inode,
                                         .device = side->device}};

        if (!needs_sum(side))
            continue;
        if (sums_of_file(folder, &file, clock_realtime_ns(), sums->side_files[i], err) != 0)
            return err_prefix(err, "side file %s", side->name);
        side->checksum = (ProtobufCBinaryData){CONTENT_SUM_BYTES, sums->side_files[i]};
    }
    return 0;
}

/* Of a cluster: nobody else makes the folder, and keeps it small. */
static int tend_folder(const char *folder, struct err *err)
{
    struct cache_use gone;

    return cache_make(folder, err) == 0 ? cache_trim(folder, PLAN_SUMS_BYTES_MAX, 0, &gone, err)
                                        : -1;
}

int plan_sums_make(struct plan_sums *sums, const Mrlua__Reuse *reuse, struct file_list *list,
                   struct side_files *files, struct err *err)
{
    if (!reuse)
        return 0;
    if (reuse->store[0] && tend_folder(reuse->folder, err) != 0)
        return -1;
    list->checksums_begun_ns = clock_realtime_ns();
    if (sum_side_files(sums, reuse->folder, files, err) != 0)
        return -1;
    return sum_inputs(reuse->folder, list, err);
}
