#include "attempt/child_scene.h"

#include "attempt/capsule.h"
#include "record/fields.h"
#include "record/value.h"

static int encode_key(struct child *child, const struct reader_record *record, struct buf *out,
                      struct err *err)
{
    if (record->form == RECORD_ENCODED)
        return vm_key_as_value(child->vm, record->key_bytes, out, err);
    value_write_datum(out, &record->key);
    return 0;
}

/* A long string is cut, so that there is something to look at. */
static int encode_value(struct child *child, const struct reader_record *record, struct buf *out,
                        struct err *err)
{
    struct datum head = record->value;

    if (record->form == RECORD_IN_LUA)
        return vm_record_encode(child->vm, out, err);
    if (record->form == RECORD_AS_READ) {
        if (head.type == DATUM_STRING && head.string.len > CAPSULE_RECORD_BYTES_MAX)
            head.string.len = CAPSULE_RECORD_BYTES_MAX;
        value_write_datum(out, &head);
        return 0;
    }
    buf_append(out, record->value_bytes.ptr, record->value_bytes.len);
    return 0;
}

static size_t value_bytes_of(const struct reader_record *record, const struct buf *encoded)
{
    return record->form == RECORD_AS_READ ? record->value.string.len : encoded->len;
}

/* What is missing in a capsule is what could not be encoded, or is too long. */
static void add_encoded(struct buf *out, const char *name, int rc, const struct buf *encoded)
{
    if (rc == 0 && encoded->len <= CAPSULE_RECORD_BYTES_MAX + VALUE_NUMBER_BYTES_MAX)
        field_bytes(out, name, buf_slice(encoded));
}

static void add_record(struct child *child, const struct child_record *in_hand)
{
    const struct reader_record *record = in_hand->record;
    struct slice text = record->text;
    struct buf encoded = {0};
    struct err ignored;
    int rc;

    field_name(&child->scene, "record");
    value_write_table_begin(&child->scene);
    field_integer(&child->scene, "number", in_hand->number);
    field_integer(&child->scene, "piece", in_hand->piece);
    field_integer(&child->scene, "offset", record->offset);
    rc = encode_key(child, record, &encoded, &ignored);
    add_encoded(&child->scene, "key", rc, &encoded);
    buf_clear(&encoded);
    rc = encode_value(child, record, &encoded, &ignored);
    add_encoded(&child->scene, "value", rc, &encoded);
    field_integer(&child->scene, "value_bytes", value_bytes_of(record, &encoded));
    if (record->form != RECORD_AS_READ && text.len > 0) {
        if (text.len > CAPSULE_RECORD_BYTES_MAX)
            text.len = CAPSULE_RECORD_BYTES_MAX;
        field_bytes(&child->scene, "text", text);
    }
    value_write_table_end(&child->scene);
    buf_deinit(&encoded);
}

void child_scene_keep(struct child *child, const struct child_record *record)
{
    struct buf *scene = &child->scene;
    struct slice hand = vm_scene(child->vm);

    if (scene->len > 0 || child->start->kind == MRLUA__TASK_KIND__LOAD)
        return;
    value_write_table_begin(scene);
    if (hand.len > 0)
        field_value(scene, "hand", hand);
    if (record)
        add_record(child, record);
    value_write_table_end(scene);
}
