#include "record/builtin_group.h"

#include "base/bytes.h"
#include "record/key_print.h"
#include "record/top.h"

#include <assert.h>
#include <stdlib.h>

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

static int reduce_first(struct group *group, struct sink *out, struct err *err)
{
    struct slice value;
    int rc = group_value(group, &value, NULL, err);

    return rc == 1 ? out->emit(out, group->key, value, err) : rc;
}

static int reduce_distinct(struct group *group, struct sink *out, struct err *err)
{
    struct buf value = {0};
    int rc;

    value_write_boolean(&value, true);
    rc = out->emit(out, group->key, buf_slice(&value), err);
    buf_deinit(&value);
    return rc;
}

/* All values of the group, one behind the other, in `items`. */
static int read_items(struct group *group, struct buf *items, uint64_t *count, struct err *err)
{
    struct slice value;
    int rc;

    while ((rc = group_value(group, &value, NULL, err)) == 1) {
        if (value_check_size(items->len + value.len + VARINT_BYTES_MAX, err) != 0)
            return -1;
        buf_append(items, value.ptr, value.len);
        (*count)++;
    }
    return rc;
}

static int reduce_list(struct group *group, struct sink *out, struct err *err)
{
    struct buf items = {0}, list = {0};
    char text[KEY_PRINT_BYTES];
    uint64_t count = 0;
    int rc = read_items(group, &items, &count, err);

    if (rc == 0) {
        value_write_list_begin(&list, count);
        buf_append(&list, items.ptr, items.len);
        if (value_check(buf_slice(&list), err) != 0) /* each was a value: it is too deep now */
            rc = err_set(err, ERR_JOB, "tables in tables, more than %d deep", VALUE_DEPTH_MAX);
    }
    if (rc == 0)
        rc = out->emit(out, group->key, buf_slice(&list), err);
    else if (err->kind == ERR_JOB)
        err_prefix(err, "list: key %s", key_print(text, sizeof text, group->key));
    buf_deinit(&items);
    buf_deinit(&list);
    return rc;
}

static int reduce_top(uint32_t count_max, struct group *group, struct sink *out, struct err *err)
{
    struct slice value;
    struct top top;
    int rc;

    top_init(&top, count_max);
    while ((rc = group_value(group, &value, NULL, err)) == 1)
        if ((rc = top_add(&top, group->key, value, err)) != 0)
            break;
    for (uint32_t i = 0; rc == 0 && i < top.count; i++)
        rc = out->emit(out, group->key, top_value(&top, i), err);
    top_deinit(&top);
    return rc;
}

int builtin_reduce(const struct builtin_call *call, struct group *group, struct sink *out,
                   struct err *err)
{
    switch (call->builtin) {
    case BUILTIN_IDENTITY:
        return reduce_identity(group, out, err);
    case BUILTIN_FIRST:
        return reduce_first(group, out, err);
    case BUILTIN_LIST:
        return reduce_list(group, out, err);
    case BUILTIN_DISTINCT:
        return reduce_distinct(group, out, err);
    case BUILTIN_TOP:
        return reduce_top(call->count, group, out, err);
    case BUILTIN_SUM:
    case BUILTIN_COUNT:
    case BUILTIN_MIN:
    case BUILTIN_MAX:
    case BUILTIN_MEAN:
        return reduce_fold(call->builtin, group, out, err);
    case BUILTIN_NONE:
    case BUILTIN_END:
        break;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

struct builtin_call builtin_call_of(enum builtin builtin, struct slice view)
{
    struct builtin_call call = {.builtin = builtin};
    struct slice params;
    int64_t count = 0;

    if (value_field_table(view, "params", &params))
        count = value_field_integer(params, "n", 0);
    call.count = count < 1 ? 1 : count > TOP_COUNT_MAX ? TOP_COUNT_MAX : (uint32_t)count;
    return call;
}

static int combine(void *context, struct group *group, struct sink *out, struct err *err)
{
    return builtin_reduce(context, group, out, err);
}

struct combiner builtin_combiner(const struct builtin_call *call)
{
    assert(call->builtin != BUILTIN_COUNT && call->builtin != BUILTIN_MEAN &&
           call->builtin != BUILTIN_LIST);
    return (struct combiner){
        .combine = combine, .context = (void *)(uintptr_t)call, .builtin = call->builtin};
}
