#include "record/builtin_group.h"

#include <assert.h>

static int reduce_identity(struct group *group, struct sink *out, struct err *err)
{
    struct slice key, value;
    int rc;

    while ((rc = group_value(group, &value, &key, err)) == 1)
        if (out->emit(out, key, value, err) != 0)
            return -1;
    return rc;
}

static int reduce_fold(enum builtin builtin, struct group *group, struct sink *out, struct err *err)
{
    struct fold fold = {0};
    struct buf result = {0};
    struct slice value;
    int rc;

    fold_begin(&fold, builtin);
    while ((rc = group_value(group, &value, NULL, err)) == 1)
        if ((rc = fold_add(&fold, group->key, value, err)) != 0)
            break;
    if (rc == 0) {
        fold_result(&fold, &result);
        rc = out->emit(out, group->key, buf_slice(&result), err);
    }
    buf_deinit(&result);
    fold_deinit(&fold);
    return rc;
}

int builtin_reduce(enum builtin builtin, struct group *group, struct sink *out, struct err *err)
{
    assert(builtin != BUILTIN_NONE);
    if (builtin == BUILTIN_IDENTITY)
        return reduce_identity(group, out, err);
    return reduce_fold(builtin, group, out, err);
}

/* The built-in is the context: a pointer into a table of them, so that nothing is allocated. */
static const enum builtin CONTEXTS[BUILTIN_END] = {
    BUILTIN_NONE, BUILTIN_SUM, BUILTIN_COUNT, BUILTIN_MIN, BUILTIN_MAX, BUILTIN_IDENTITY,
};

static int combine(void *context, struct group *group, struct sink *out, struct err *err)
{
    return builtin_reduce(*(const enum builtin *)context, group, out, err);
}

struct combiner builtin_combiner(enum builtin builtin)
{
    assert(builtin_folds_in_place(builtin) || builtin == BUILTIN_IDENTITY);
    return (struct combiner){
        .combine = combine, .context = (void *)&CONTEXTS[builtin], .builtin = builtin};
}
