#include "attempt/capsule.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/fields.h"
#include "record/value.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

/* {where = "here"} */
static struct buf scene_of(size_t bytes)
{
    struct buf scene = {0};
    char *text = mem_alloc(bytes + 1);

    memset(text, 'x', bytes);
    value_write_table_begin(&scene);
    field_bytes(&scene, "where", slice_of(text, bytes));
    value_write_table_end(&scene);
    free(text);
    return scene;
}

static struct buf golden(void)
{
    static const struct err failure = {ERR_JOB, "x.lua:1: no"};
    struct buf bundle = {0}, part = {0}, out = {0};
    struct capsule_job job = {.id = "r17", .name = "x"};

    value_write_table_begin(&bundle);
    field_string(&bundle, "path", "x.lua");
    field_string(&bundle, "source", "error 'no'");
    value_write_table_end(&bundle);
    value_write_table_begin(&part);
    field_string(&part, "stage", "map");
    field_integer(&part, "task", 17);
    value_write_table_end(&part);
    job.bundle = buf_slice(&bundle);
    capsule_encode(&out, &job, buf_slice(&part), &failure, "many lines\n");
    buf_deinit(&bundle);
    buf_deinit(&part);
    return out;
}

static void version_1_is_the_golden_file(void **state)
{
    struct buf bytes = golden(), expected = {0};
    struct slice table, error;

    (void)state;
    assert_int_equal(io_read_file(SOURCE_DIR "/ctest/golden/capsule_v1.capsule", 1 << 20, &expected,
                                  ERR_INPUT, &err),
                     0);
    assert_int_equal(bytes.len, expected.len);
    assert_memory_equal(bytes.ptr, expected.ptr, bytes.len);
    assert_int_equal(capsule_decode(buf_slice(&expected), &table, &err), 0);
    assert_int_equal(value_field_integer(table, "version", 0), 1);
    assert_true(value_field_table(table, "error", &error));
    assert_true(
        slice_equal(value_field_string(error, "message", ""), slice_of_string("x.lua:1: no")));
    buf_deinit(&bytes);
    buf_deinit(&expected);
}

static void a_flipped_bit_or_a_cut_is_found(void **state)
{
    struct buf bytes = golden();
    struct slice table;

    (void)state;
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.ptr[i] ^= 4;
        assert_int_equal(capsule_decode(buf_slice(&bytes), &table, &err), -1);
        assert_int_equal(err.kind, ERR_INPUT);
        bytes.ptr[i] ^= 4;
        assert_int_equal(capsule_decode(slice_of(bytes.ptr, i), &table, &err), -1);
    }
    assert_int_equal(capsule_decode(buf_slice(&bytes), &table, &err), 0);
    buf_deinit(&bytes);
}

/* Its bytes are whole, but they say something else. */
static void another_version_is_refused(void **state)
{
    struct buf bytes = golden();
    char *version = memmem(bytes.ptr, bytes.len, "version", 7);
    struct slice table;
    uint32_t crc;

    (void)state;
    version[7] = 2;
    crc = crc32c(0, bytes.ptr + 12, bytes.len - 12);
    memcpy(bytes.ptr + 8, &crc, sizeof crc); /* tests run on little-endian machines */
    assert_int_equal(capsule_decode(buf_slice(&bytes), &table, &err), -1);
    assert_non_null(strstr(err.message, "version"));
    buf_deinit(&bytes);
}

static void broken_parts_are_left_out(void **state)
{
    static const struct err failure = {ERR_JOB, "no"};
    struct capsule_job job = {.id = "1", .name = "x", .bundle = {"\xff", 1}};
    struct buf out = {0};
    struct slice table, found;

    (void)state;
    capsule_encode(&out, &job, slice_of("\xc6", 1), &failure, NULL);
    assert_int_equal(capsule_decode(buf_slice(&out), &table, &err), 0);
    assert_false(value_field_table(table, "attempt", &found));
    assert_true(value_field_table(table, "job", &found));
    assert_false(value_field_table(found, "bundle", &found));
    buf_deinit(&out);
}

/* ---- the attempt's part ---- */

static struct buf part_of(const Mrlua__TaskStart *start, const struct page *page,
                          struct slice scene)
{
    struct buf part = {0};

    capsule_part(start, page, scene, &part);
    assert_int_equal(value_check(buf_slice(&part), &err), 0);
    return part;
}

static void an_attempt_without_a_child_has_no_mark(void **state)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    struct buf part;
    struct slice found;

    (void)state;
    start.kind = MRLUA__TASK_KIND__REDUCE;
    start.task = 3;
    part = part_of(&start, NULL, (struct slice){0});
    assert_true(
        slice_equal(value_field_string(buf_slice(&part), "stage", ""), slice_of_string("reduce")));
    assert_int_equal(value_field_integer(buf_slice(&part), "task", 0), 3);
    assert_false(value_field_table(buf_slice(&part), "mark", &found));
    assert_false(value_field_table(buf_slice(&part), "scene", &found));
    assert_false(value_field_table(buf_slice(&part), "pieces", &found));
    buf_deinit(&part);
}

/* So many pieces, the last of which is in hand. */
static struct buf part_of_pieces(size_t count)
{
    static Mrlua__Piece piece = MRLUA__PIECE__INIT;
    Mrlua__Piece **pieces = mem_alloc_array(count + 1, sizeof *pieces);
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    struct page page = {0};
    struct buf part;

    piece.name = "a";
    for (size_t i = 0; i <= count; i++)
        pieces[i] = &piece;
    start.kind = MRLUA__TASK_KIND__MAP;
    start.pieces = pieces;
    start.n_pieces = count + 1; /* one comes behind it */
    page_record(&page, count - 1, 120);
    part = part_of(&start, &page, (struct slice){0});
    free(pieces);
    return part;
}

static void the_mark_is_the_last_record_that_was_begun(void **state)
{
    struct buf part = part_of_pieces(1);
    struct slice mark;

    (void)state;
    assert_true(value_field_table(buf_slice(&part), "mark", &mark));
    assert_int_equal(value_field_integer(mark, "record", 0), 1);
    assert_int_equal(value_field_integer(mark, "offset", 0), 120);
    buf_deinit(&part);
}

static void pieces_end_with_the_one_in_hand_and_have_a_limit(void **state)
{
    static const size_t counts[] = {2, CAPSULE_PIECE_COUNT_MAX, CAPSULE_PIECE_COUNT_MAX + 1};
    static const int64_t first[] = {0, 0, 1};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct buf part = part_of_pieces(counts[i]);
        struct value_reader reader;
        struct datum pieces;
        struct slice list;

        assert_true(value_field_table(buf_slice(&part), "pieces", &list));
        value_reader_init(&reader, list);
        assert_int_equal(value_read(&reader, &pieces, &err), 1);
        assert_int_equal(pieces.integer, (int64_t)counts[i] - first[i]);
        assert_int_equal(value_field_integer(buf_slice(&part), "first_piece", -1), first[i]);
        buf_deinit(&part);
    }
}

static void a_scene_is_kept_up_to_its_limit(void **state)
{
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;
    struct buf small = scene_of(CAPSULE_SCENE_BYTES_MAX - 12);
    struct buf large = scene_of(CAPSULE_SCENE_BYTES_MAX - 11), part;
    struct slice found;

    (void)state;
    assert_int_equal(small.len, CAPSULE_SCENE_BYTES_MAX);
    part = part_of(&start, NULL, buf_slice(&small));
    assert_true(value_field_table(buf_slice(&part), "scene", &found));
    assert_true(part.len <= CAPSULE_PART_BYTES_MAX);
    buf_deinit(&part);
    part = part_of(&start, NULL, buf_slice(&large));
    assert_false(value_field_table(buf_slice(&part), "scene", &found));
    buf_deinit(&part);
    buf_deinit(&small);
    buf_deinit(&large);
}

/* A child may be hostile. */
static void a_scene_that_is_no_value_is_left_out(void **state)
{
    static const struct slice scenes[] = {{"\xc6", 1}, {"\xff", 1}, {"\xc7", 1}, {"\x01\x01", 2}};
    Mrlua__TaskStart start = MRLUA__TASK_START__INIT;

    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct buf part = part_of(&start, NULL, scenes[i]);
        struct datum found;

        assert_false(value_field(buf_slice(&part), "scene", &found));
        buf_deinit(&part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_the_golden_file),
        cmocka_unit_test(a_flipped_bit_or_a_cut_is_found),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(broken_parts_are_left_out),
        cmocka_unit_test(an_attempt_without_a_child_has_no_mark),
        cmocka_unit_test(the_mark_is_the_last_record_that_was_begun),
        cmocka_unit_test(pieces_end_with_the_one_in_hand_and_have_a_limit),
        cmocka_unit_test(a_scene_is_kept_up_to_its_limit),
        cmocka_unit_test(a_scene_that_is_no_value_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
