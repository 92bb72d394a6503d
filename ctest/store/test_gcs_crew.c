#include "store/gcs_crew.h"

#include "test.h"

#include <sys/mman.h>
#include <unistd.h>

enum { ITEM_COUNT_MAX = 1000 };

/* In memory that all processes see. */
struct seen {
    pid_t by[ITEM_COUNT_MAX];
    size_t fails_at; /* SIZE_MAX: none */
    bool dies;
};

static struct seen *seen;

static int work(struct gcs *gcs, void *context, size_t item, struct err *err)
{
    struct seen *all = context;

    assert_non_null(gcs);
    if (item == all->fails_at && all->dies)
        _exit(3);
    if (item == all->fails_at)
        return err_set(err, ERR_PEER, "item %zu", item);
    all->by[item] = getpid();
    return 0;
}

static int run(size_t count, size_t fails_at, bool dies, size_t *failed, struct err *err)
{
    struct gcs *gcs = gcs_open();
    int rc;

    memset(seen, 0, sizeof *seen);
    seen->fails_at = fails_at;
    seen->dies = dies;
    rc = gcs_crew_run(gcs, count, work, seen, failed, err);
    gcs_close(gcs);
    return rc;
}

static void each_item_is_done_and_many_by_many(void **state)
{
    static const size_t counts[] = {0, 1, 4, 5, 128, 129, 1000};
    size_t failed;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        size_t count = counts[i];

        assert_int_equal(run(count, SIZE_MAX, false, &failed, &err), 0);
        for (size_t item = 0; item < count; item++)
            assert_int_not_equal(seen->by[item], 0);
        if (count > 0)
            assert_int_equal(seen->by[0] == getpid(), count <= GCS_CREW_ITEM_COUNT);
        if (count > 2 * GCS_CREW_ITEM_COUNT)
            assert_int_not_equal(seen->by[0], seen->by[1]);
    }
}

static void the_failure_of_an_item_is_told_with_its_number(void **state)
{
    static const size_t counts[] = {3, 100};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t failed;
        struct err err;

        assert_int_equal(run(counts[i], 2, false, &failed, &err), -1);
        assert_int_equal(failed, 2);
        assert_int_equal(err.kind, ERR_PEER);
        assert_string_equal(err.message, "item 2");
    }
}

static void a_process_that_dies_is_an_error(void **state)
{
    size_t failed;
    struct err err;

    (void)state;
    assert_int_equal(run(100, 50, true, &failed, &err), -1);
    assert_true(failed == SIZE_MAX);
    assert_int_equal(err.kind, ERR_RETRY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_is_done_and_many_by_many),
        cmocka_unit_test(the_failure_of_an_item_is_told_with_its_number),
        cmocka_unit_test(a_process_that_dies_is_an_error),
    };

    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
