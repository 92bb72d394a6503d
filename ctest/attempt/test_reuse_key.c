#include "attempt/reuse_key.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

/* What the header says is left out. Every other field of the messages, also one that is added some
 * day, must change the key. */
static const char *const TASK_LEFT_OUT[] = {
    "job",    "task",    "attempt",    "worker",      "limits", "output", "plan",
    "commit", "shuffle", "tmp_folder", "result_path", "reuse",  NULL};
static const char *const PIECE_LEFT_OUT[] = {"path", "mtime_ns", "inode", "device", NULL};
static const char *const OBJECT_LEFT_OUT[] = {NULL};
static const char *const SIDE_LEFT_OUT[] = {"path", "mtime_ns", "inode", "device", "copy", NULL};
static const char *const NO_SUM_LEFT_OUT[] = {"copy", NULL};

static uint8_t sum[16] = "0123456789abcde";

/* A map of two pieces, a side file, and cut points. */
struct sample {
    Mrlua__TaskStart start;
    Mrlua__Piece pieces[2], *piece_list[2];
    Mrlua__SideFile file, *file_list[1];
    ProtobufCBinaryData cuts[1];
};

static struct sample *sample_make(void)
{
    struct sample *sample = calloc(1, sizeof *sample);

    assert_non_null(sample);
    mrlua__task_start__init(&sample->start);
    sample->start.kind = MRLUA__TASK_KIND__MAP;
    sample->start.partition_count = 3;
    sample->start.input = (char *)(uintptr_t) "lines";
    sample->start.bundle = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "job"};
    for (int i = 0; i < 2; i++) {
        mrlua__piece__init(&sample->pieces[i]);
        sample->pieces[i].path = (char *)(uintptr_t) "/a/b";
        sample->pieces[i].name = (char *)(uintptr_t) "b";
        sample->pieces[i].checksum = (ProtobufCBinaryData){sizeof sum, sum};
        sample->piece_list[i] = &sample->pieces[i];
    }
    sample->start.n_pieces = 2;
    sample->start.pieces = sample->piece_list;
    mrlua__side_file__init(&sample->file);
    sample->file.checksum = (ProtobufCBinaryData){sizeof sum, sum};
    sample->file_list[0] = &sample->file;
    sample->start.n_files = 1;
    sample->start.files = sample->file_list;
    sample->cuts[0] = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "cut"};
    sample->start.n_cut_points = 1;
    sample->start.cut_points = sample->cuts;
    return sample;
}

static struct reuse_key key_of(const Mrlua__TaskStart *start)
{
    struct reuse_key key;

    reuse_key_make(&key, start, slice_of_string("a build"));
    return key;
}

static bool is_same(const struct reuse_key *a, const struct reuse_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_listed(const char *name, const char *const *list)
{
    while (*list && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

/* Gives `at`, of the type of `field`, a value that it has not. */
static void put_other(void *at, const ProtobufCFieldDescriptor *field)
{
    static _Alignas(16) char message[4096]; /* larger than any */

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = (char *)(uintptr_t) "another text";
        return;
    case PROTOBUF_C_TYPE_BYTES:
        *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){7, (uint8_t *)(uintptr_t) "another"};
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        protobuf_c_message_init(field->descriptor, message);
        *(void **)at = message;
        return;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = !*(protobuf_c_boolean *)at;
        return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        (*(uint64_t *)at)++;
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        (*(uint32_t *)at)++;
        return;
    default:
        fail_msg("a field of type %d: say here what another value is", field->type);
    }
}

/* The field gets another value; a list one item, which is another. */
static void change(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    static uint64_t item[16];

    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        put_other((char *)message + field->offset, field);
        return;
    }
    memset(item, 0, sizeof item);
    put_other(item, field);
    *(size_t *)((char *)message + field->quantifier_offset) = 1;
    *(void **)((char *)message + field->offset) = item;
}

/* Goal: each field of a message in `sample` decides the key, but for those that are listed. */
static void check_fields(struct sample *sample, ProtobufCMessage *message, size_t bytes,
                         const char *const *left_out)
{
    struct reuse_key before = key_of(&sample->start);
    const ProtobufCMessageDescriptor *type = message->descriptor;
    char was[1024];

    assert_true(bytes <= sizeof was);
    memcpy(was, message, bytes);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        struct reuse_key after;

        change(message, field);
        after = key_of(&sample->start);
        if (is_same(&before, &after) != is_listed(field->name, left_out))
            fail_msg("%s.%s %s the key", type->name, field->name,
                     is_same(&before, &after) ? "does not decide" : "decides");
        memcpy(message, was, bytes);
    }
}

static void every_field_of_a_task_counts_but_for_a_few(void **state)
{
    struct sample *sample = sample_make();

    (void)state;
    check_fields(sample, &sample->start.base, sizeof sample->start, TASK_LEFT_OUT);
    free(sample);
}

static void every_field_of_a_piece_counts_but_where_it_lies(void **state)
{
    struct sample *sample = sample_make();

    (void)state;
    for (int i = 0; i < 2; i++)
        check_fields(sample, &sample->pieces[i].base, sizeof sample->pieces[i], PIECE_LEFT_OUT);
    free(sample);
}

/* An object has no checksum: its path and generation tell. So does a file without one. */
static void without_a_checksum_everything_counts(void **state)
{
    struct sample *sample = sample_make();

    (void)state;
    sample->pieces[0].checksum = (ProtobufCBinaryData){0};
    sample->pieces[0].generation = 5;
    check_fields(sample, &sample->pieces[0].base, sizeof sample->pieces[0], OBJECT_LEFT_OUT);
    sample->pieces[0].generation = 0;
    check_fields(sample, &sample->pieces[0].base, sizeof sample->pieces[0], OBJECT_LEFT_OUT);
    sample->file.checksum = (ProtobufCBinaryData){0};
    check_fields(sample, &sample->file.base, sizeof sample->file, NO_SUM_LEFT_OUT);
    free(sample);
}

static void every_field_of_a_side_file_counts_but_where_it_lies(void **state)
{
    struct sample *sample = sample_make();

    (void)state;
    check_fields(sample, &sample->file.base, sizeof sample->file, SIDE_LEFT_OUT);
    sample->file.checksum = (ProtobufCBinaryData){0};
    sample->file.hash = (ProtobufCBinaryData){sizeof sum, sum}; /* a blob */
    check_fields(sample, &sample->file.base, sizeof sample->file, SIDE_LEFT_OUT);
    free(sample);
}

static void the_order_of_pieces_counts(void **state)
{
    struct sample *sample = sample_make();
    struct reuse_key before, after;

    (void)state;
    sample->pieces[0].offset = 9;
    before = key_of(&sample->start);
    sample->piece_list[0] = &sample->pieces[1];
    sample->piece_list[1] = &sample->pieces[0];
    after = key_of(&sample->start);
    assert_false(is_same(&before, &after));
    sample->start.n_pieces = 1;
    after = key_of(&sample->start);
    assert_false(is_same(&before, &after));
    free(sample);
}

static void another_build_has_other_keys(void **state)
{
    struct sample *sample = sample_make();
    struct reuse_key one = key_of(&sample->start), other;

    (void)state;
    reuse_key_make(&other, &sample->start, slice_of_string("b build"));
    assert_false(is_same(&one, &other));
    reuse_key_make(&other, &sample->start, slice_of_string("a build"));
    assert_true(is_same(&one, &other));
    free(sample);
}

/* The ids are all of the key but two bits, and fit Lua's integers; the name is all of it. */
static void ids_and_name_are_made_of_the_key(void **state)
{
    struct reuse_key key = {
        {0xff, 1, 2, 3, 4, 5, 6, 7, 0x88, 9, 10, 11, 12, 13, 14, 15, 0xf0, 17, 18, 19}};
    struct run_id id = reuse_key_id(&key);
    char text[REUSE_KEY_TEXT_BYTES];

    (void)state;
    assert_true(id.job == 0x7f01020304050607);
    assert_true(id.attempt == 0x08090a0b0c0d0e0f);
    assert_true(id.task == 0xf0111213);
    reuse_key_print(&key, text);
    assert_string_equal(text, "ff010203040506078809"
                              "0a0b0c0d0e0ff0111213");
}

static void the_key_of_an_id_has_that_id(void **state)
{
    struct reuse_key key = {
        {0xff, 1, 2, 3, 4, 5, 6, 7, 0x88, 9, 10, 11, 12, 13, 14, 15, 0xf0, 17, 18, 19}};
    struct run_id id = reuse_key_id(&key), same;
    struct reuse_key short_key = reuse_key_of_id(&id);

    (void)state;
    same = reuse_key_id(&short_key);
    assert_true(same.job == id.job && same.attempt == id.attempt && same.task == id.task);
    key.bytes[0] = 0x7f; /* the two bits that an id has not */
    key.bytes[8] = 0x08;
    assert_memory_equal(short_key.bytes, key.bytes, REUSE_KEY_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_task_counts_but_for_a_few),
        cmocka_unit_test(every_field_of_a_piece_counts_but_where_it_lies),
        cmocka_unit_test(without_a_checksum_everything_counts),
        cmocka_unit_test(every_field_of_a_side_file_counts_but_where_it_lies),
        cmocka_unit_test(the_order_of_pieces_counts),
        cmocka_unit_test(another_build_has_other_keys),
        cmocka_unit_test(ids_and_name_are_made_of_the_key),
        cmocka_unit_test(the_key_of_an_id_has_that_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
