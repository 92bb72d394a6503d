#include "attempt/done_check.h"

#include "base/mem.h"
#include "record/cut_points.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Of a sample: what does not fit a map's frame, or is no list of cut points, ends here. */
static int check_cut_points(const struct trusted *trusted, const Mrlua__Done *done, struct err *err)
{
    struct slice *cuts = mem_alloc_array(done->n_cut_points + 1, sizeof *cuts);
    struct cut_points points = {0};
    uint64_t bytes = 0;
    int rc;

    for (size_t i = 0; i < done->n_cut_points; i++) {
        cuts[i] = slice_of(done->cut_points[i].data, done->cut_points[i].len);
        bytes += cuts[i].len + CUT_POINT_FRAME_BYTES;
    }
    rc = cut_points_init(&points, cuts, done->n_cut_points, trusted->start->partition_count, err);
    if (rc == 0 && bytes > CUT_POINTS_BYTES_MAX)
        rc = err_set(err, ERR_SETUP, "%zu cut points of %llu bytes", done->n_cut_points,
                     (unsigned long long)bytes);
    cut_points_deinit(&points);
    free(cuts);
    if (rc == 0)
        return 0;
    err->kind = ERR_LIMIT; /* the child made them up */
    err_prefix(err, "the script's process sent no sample");
    return -1;
}

static int check_result(const struct trusted *trusted, const Mrlua__Done *done, struct err *err)
{
    struct stat status = {0};

    if (trusted->made_result && (fstat(trusted->fds[CHILD_RESULT], &status) != 0 ||
                                 (uint64_t)status.st_size != done->bytes))
        return err_set(err, ERR_LIMIT,
                       "the script's process says it wrote %llu bytes, and did %llu",
                       (unsigned long long)done->bytes, (unsigned long long)status.st_size);
    return 0;
}

int done_check(const struct trusted *trusted, const Mrlua__Done *done, struct err *err)
{
    if (check_result(trusted, done, err) != 0 || outputs_check(&trusted->outputs, done, err) != 0)
        return -1;
    return trusted->start->kind == MRLUA__TASK_KIND__SAMPLE ? check_cut_points(trusted, done, err)
                                                            : 0;
}
