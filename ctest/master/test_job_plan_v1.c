#include "master/job_plan_v1.h"

#include "master/golden_journal.h"
#include "master/job_plan.h"
#include "master/journal.h"

#include <string.h>

enum { INPUTS = 3, PIECES = 4, SPLITS = 3 };

/* Three inputs, the second without a piece; the second split has none either. */
struct old {
    Mrlua__Piece inputs[INPUTS], pieces[PIECES], *input_list[INPUTS], *piece_list[PIECES];
    Mrlua__SplitVersion1 splits[SPLITS], *split_list[SPLITS];
    Mrlua__PlanVersion1 plan;
    Mrlua__DoneVersion1 done;
};

static struct err err;

static void fill_piece(Mrlua__Piece *piece, size_t input, uint64_t offset, uint64_t length)
{
    static char paths[INPUTS][8] = {"/a", "/empty", "/spool"}, standard_input[] = "-";

    mrlua__piece__init(piece);
    piece->path = paths[input];
    piece->name = input == 2 ? standard_input : paths[input];
    piece->size = 100 + input;
    piece->mtime_ns = -5 - (int64_t)input;
    piece->inode = 200 + input;
    piece->device = 300 + input;
    piece->offset = offset;
    piece->length = length;
}

static void fill_pieces(struct old *old)
{
    for (size_t i = 0; i < INPUTS; i++) {
        fill_piece(&old->inputs[i], i, 0, 100 + i);
        old->input_list[i] = &old->inputs[i];
    }
    fill_piece(&old->pieces[0], 0, 0, 60);
    fill_piece(&old->pieces[1], 0, 60, 40);
    fill_piece(&old->pieces[2], 2, 0, 102);
    fill_piece(&old->pieces[3], 0, 7, 1); /* of an input that is behind */
    for (size_t i = 0; i < PIECES; i++)
        old->piece_list[i] = &old->pieces[i];
}

static void fill(struct old *old)
{
    static const size_t counts[SPLITS] = {1, 0, 3};
    size_t at = 0;

    fill_pieces(old);
    for (size_t i = 0; i < SPLITS; i++) {
        mrlua__split_version1__init(&old->splits[i]);
        old->splits[i].n_pieces = counts[i];
        old->splits[i].pieces = old->piece_list + at;
        old->split_list[i] = &old->splits[i];
        at += counts[i];
    }
    mrlua__plan_version1__init(&old->plan);
    old->plan.n_splits = SPLITS;
    old->plan.splits = old->split_list;
    old->plan.n_inputs = INPUTS;
    old->plan.inputs = old->input_list;
    old->plan.reducers = 3;
    old->plan.bytes = 203;
    old->plan.split_bytes = 64;
    mrlua__done_version1__init(&old->done);
    old->done.plan = &old->plan;
}

static Mrlua__Done *convert(const struct old *old)
{
    struct buf packed = {0};
    Mrlua__Done *done;

    message_pack(&packed, &old->done.base);
    done = job_plan_v1_unpack(buf_slice(&packed), &err);
    buf_deinit(&packed);
    return done;
}

static void assert_piece(const Mrlua__Piece *piece, const Mrlua__Piece *wanted)
{
    assert_string_equal(piece->path, wanted->path);
    assert_string_equal(piece->name, wanted->name);
    assert_int_equal(piece->size, wanted->size);
    assert_int_equal(piece->mtime_ns, wanted->mtime_ns);
    assert_int_equal(piece->inode, wanted->inode);
    assert_int_equal(piece->device, wanted->device);
    assert_int_equal(piece->offset, wanted->offset);
    assert_int_equal(piece->length, wanted->length);
}

static void assert_splits(const Mrlua__Plan *plan, const struct old *old)
{
    Mrlua__Piece piece;
    size_t at = 0;

    assert_int_equal(job_plan_split_count(plan), SPLITS);
    for (uint32_t i = 0; i < SPLITS; i++) {
        assert_int_equal(job_plan_piece_count(plan, i), old->splits[i].n_pieces);
        for (size_t j = 0; j < old->splits[i].n_pieces; j++) {
            job_plan_piece(plan, i, j, &piece);
            assert_piece(&piece, &old->pieces[at++]);
        }
    }
    assert_int_equal(at, PIECES);
}

static void an_old_plan_is_read_as_it_was(void **state)
{
    struct old old;
    Mrlua__Done *done;
    Mrlua__Piece input;

    (void)state;
    fill(&old);
    done = convert(&old);
    assert_non_null(done);
    assert_int_equal(job_plan_check(done->plan, 0, false, &err), 0);
    assert_int_equal(done->plan->reducers, 3);
    assert_int_equal(done->plan->bytes, 203);
    assert_int_equal(done->plan->split_bytes, 64);
    assert_int_equal(job_plan_input_count(done->plan), INPUTS);
    for (size_t i = 0; i < INPUTS; i++) {
        job_plan_input(done->plan, i, &input);
        assert_piece(&input, &old.inputs[i]);
    }
    assert_splits(done->plan, &old);
    message_free(done);
}

static void what_is_no_plan_is_refused(void **state)
{
    char other[] = "/other";
    struct old old;

    (void)state;
    fill(&old);
    old.pieces[2].path = other;
    assert_null(convert(&old));
    assert_string_equal(err.message, "the plan has a piece of /other, which is no input");
    old.done.plan = NULL;
    assert_null(convert(&old));
    assert_string_equal(err.message, "there is no plan");
    assert_null(job_plan_v1_unpack(slice_of_string("\xff"), &err));
    assert_int_equal(err.kind, ERR_RETRY);
}

/* It is a message, which job_plan_check() refuses. */
static void a_plan_without_a_split_is_read(void **state)
{
    struct old old;
    Mrlua__Done *done;

    (void)state;
    fill(&old);
    old.plan.n_splits = old.plan.n_inputs = 0;
    done = convert(&old);
    assert_non_null(done);
    assert_int_equal(job_plan_check(done->plan, 0, false, &err), -1);
    message_free(done);
}

/* ---- the golden journal ---- */

static void check_plan(const Mrlua__Plan *plan)
{
    static const char *const names[] = {"a.txt", "b.txt"};
    uint64_t bytes = 0;

    assert_int_equal(job_plan_check(plan, 0, false, &err), 0);
    assert_int_equal(job_plan_split_count(plan), GOLDEN_JOURNAL_MAPS);
    assert_int_equal(job_plan_input_count(plan), 2);
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        Mrlua__Piece input;

        snprintf(path, sizeof path, GOLDEN_JOURNAL_FOLDER "/%s", names[i]);
        job_plan_input(plan, i, &input);
        assert_string_equal(input.path, path);
        assert_string_equal(input.name, names[i]);
    }
    for (uint32_t i = 0; i < GOLDEN_JOURNAL_MAPS; i++)
        bytes += job_plan_split_bytes(plan, i);
    assert_true(bytes > 0);
    assert_int_equal(bytes, plan->bytes);
    assert_int_equal(plan->reducers, 2);
}

static int take_plan(void *context, const struct journal_row *row, struct err *error)
{
    Mrlua__Done **done = context;

    if (row->kind != JOURNAL_PLAN)
        return 0;
    assert_null(*done);
    *done = job_plan_v1_unpack(row->payload, error);
    return *done ? 0 : -1;
}

static int take_job(void *context, const struct journal_row *row, struct err *error)
{
    Mrlua__JobRecord **record = context;

    if (row->kind != JOURNAL_JOB)
        return 0;
    assert_null(*record);
    *record = message_unpack(&mrlua__job_record__descriptor, row->payload, error);
    return *record ? 0 : -1;
}

/* What an engine of that version wrote; its job's other fields are still where they were. */
static void the_golden_plan_is_read(void **state)
{
    Mrlua__Done *done = NULL;
    Mrlua__JobRecord *record = NULL;
    struct journal *journal;
    struct folder folder;

    (void)state;
    folder_make(&folder);
    golden_journal_put(&folder);
    journal = journal_open(folder_path(&folder, "state"), &err);
    assert_non_null(journal);
    assert_int_equal(journal_read(journal, take_plan, &done, &err), 0);
    assert_non_null(done);
    check_plan(done->plan);
    message_free(done);
    assert_int_equal(journal_read(journal, take_job, &record, &err), 0);
    assert_non_null(record);
    assert_string_equal(record->submit->folder, GOLDEN_JOURNAL_FOLDER);
    assert_false(record->submit->ranged);
    message_free(record);
    journal_close(journal);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_plan_is_read_as_it_was),
        cmocka_unit_test(what_is_no_plan_is_refused),
        cmocka_unit_test(a_plan_without_a_split_is_read),
        cmocka_unit_test(the_golden_plan_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
