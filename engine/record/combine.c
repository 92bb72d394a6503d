#include "record/combine.h"

#include "base/bytes.h"
#include "record/sortbuf.h"

#include <assert.h>

/* One partition of a placed cursor, without it in the keys. */
struct view {
    struct cursor cursor;
    struct cursor *placed;
    uint32_t partition;
    bool is_pending; /* `placed` is at a record that was not handed out yet */
    bool has_ended;  /* and `placed` too */
};

static int view_next(struct cursor *base, struct err *err)
{
    struct view *view = (struct view *)base;
    struct slice key;

    if (!view->is_pending) {
        int rc = cursor_next(view->placed, err);

        view->has_ended = rc != 1;
        if (rc != 1)
            return rc;
    }
    key = view->placed->key;
    assert(key.len >= SORTBUF_PARTITION_BYTES); /* only we write placed records, checksummed */
    view->is_pending = get_u32be(key.ptr) != view->partition;
    base->key = slice_of(key.ptr + SORTBUF_PARTITION_BYTES, key.len - SORTBUF_PARTITION_BYTES);
    return view->is_pending ? 0 : 1;
}

static int view_value(struct cursor *base, struct slice *value, struct err *err)
{
    struct view *view = (struct view *)base;
    int rc = cursor_value(view->placed, value, err);

    base->key.ptr = view->placed->key.ptr + SORTBUF_PARTITION_BYTES; /* it may have moved */
    return rc;
}

/* A view borrows what it looks at. */
static void view_close(struct cursor *base)
{
    (void)base;
}

static const struct cursor_ops view_ops = {
    .next = view_next,
    .value = view_value,
    .close = view_close,
};

/* What a combiner emits into: puts the partition in front again. */
struct placer {
    struct sink sink;
    const struct group *group;
    struct sink *out;
    struct slice key; /* the group's, placed; its bytes are in `room` */
    struct room room;
};

static int placer_emit(struct sink *sink, struct slice key, struct slice value, struct err *err)
{
    struct placer *placer = (struct placer *)sink;

    if (!slice_equal(key, placer->group->key))
        return err_set(err, ERR_JOB, "combine: emitted another key than the one it was given");
    return placer->out->emit(placer->out, placer->key, value, err);
}

static int place(struct placer *placer, uint32_t partition, struct err *err)
{
    struct slice key = placer->group->key;

    if (room_reserve(&placer->room, SORTBUF_PARTITION_BYTES + key.len, err) != 0)
        return -1;
    put_u32be(placer->room.ptr, partition);
    if (key.len > 0)
        memcpy(placer->room.ptr + SORTBUF_PARTITION_BYTES, key.ptr, key.len);
    placer->key = slice_of(placer->room.ptr, SORTBUF_PARTITION_BYTES + key.len);
    return 0;
}

static int combine_partition(struct view *view, const struct combiner *combiner, struct sink *out,
                             struct err *err)
{
    struct group group;
    struct placer placer = {.sink.emit = placer_emit, .group = &group, .out = out};
    int rc;

    group_init(&group, &view->cursor, 0);
    while ((rc = group_next(&group, err)) == 1) {
        if (place(&placer, view->partition, err) != 0 ||
            combiner->combine(combiner->context, &group, &placer.sink, err) != 0) {
            rc = -1;
            break;
        }
    }
    group_deinit(&group);
    room_deinit(&placer.room);
    return rc;
}

/* One that the combiner has no business with: the records of a further output (parcel.h). */
static int pass_partition(struct view *view, struct sink *out, struct err *err)
{
    struct slice value;
    int rc;

    while ((rc = cursor_next(&view->cursor, err)) == 1)
        if (cursor_value(view->placed, &value, err) != 0 ||
            out->emit(out, view->placed->key, value, err) != 0)
            return -1;
    return rc;
}

static bool is_combined(const struct combiner *combiner, uint32_t partition)
{
    return combiner->partition_end == 0 || partition < combiner->partition_end;
}

static int drain_combined(struct cursor *placed, const struct combiner *combiner, struct sink *out,
                          struct err *err)
{
    struct view view = {.cursor.ops = &view_ops, .placed = placed};

    while (!view.has_ended) {
        int rc = is_combined(combiner, view.partition)
                     ? combine_partition(&view, combiner, out, err)
                     : pass_partition(&view, out, err);

        if (rc != 0)
            return -1;
        if (view.is_pending)
            view.partition = get_u32be(placed->key.ptr);
    }
    return 0;
}

static int drain_plain(struct cursor *placed, struct sink *out, struct err *err)
{
    struct slice value;
    int rc;

    while ((rc = cursor_next(placed, err)) == 1)
        if (cursor_value(placed, &value, err) != 0 || out->emit(out, placed->key, value, err) != 0)
            return -1;
    return rc;
}

int combine_drain(struct cursor *placed, const struct combiner *combiner, struct sink *out,
                  struct err *err)
{
    return combiner ? drain_combined(placed, combiner, out, err) : drain_plain(placed, out, err);
}
