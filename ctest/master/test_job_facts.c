#include "master/job_facts.h"

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

#include <stdlib.h>

enum { COUNT_MAX = JOB_FACTS_INPUT_COUNT_MAX + 2 };

/* A plan of `count` inputs, a, b, c, ... of 10 bytes each; `other` is what differs of the last. */
struct planned {
    Mrlua__Plan plan;
    struct buf texts;
    uint64_t paths[COUNT_MAX], sizes[COUNT_MAX], zeros[COUNT_MAX];
    int64_t mtimes[COUNT_MAX];
};

static void plan_init(struct planned *planned, size_t count, int64_t last_mtime)
{
    Mrlua__Plan *plan = &planned->plan;

    *planned = (struct planned){0};
    mrlua__plan__init(plan);
    for (size_t i = 0; i < count; i++) {
        planned->paths[i] = planned->texts.len;
        planned->sizes[i] = 10;
        planned->mtimes[i] = i + 1 == count ? last_mtime : 5;
        buf_printf(&planned->texts, "in-%zu", i);
        buf_append_byte(&planned->texts, '\0');
    }
    plan->input_texts.data = (uint8_t *)planned->texts.ptr;
    plan->input_texts.len = planned->texts.len;
    plan->n_input_paths = plan->n_input_names = plan->n_input_sizes = plan->n_input_mtimes_ns =
        plan->n_input_inodes = plan->n_input_devices = count;
    plan->input_paths = plan->input_names = planned->paths;
    plan->input_sizes = planned->sizes;
    plan->input_mtimes_ns = planned->mtimes;
    plan->input_inodes = plan->input_devices = planned->zeros;
}

static Mrlua__InputFacts *facts_of(size_t count, int64_t last_mtime)
{
    struct planned planned;
    Mrlua__InputFacts *facts;

    plan_init(&planned, count, last_mtime);
    facts = job_facts_inputs(&planned.plan);
    buf_deinit(&planned.texts);
    return facts;
}

static void inputs_are_told_as_the_plan_found_them(void **state)
{
    Mrlua__InputFacts *facts = facts_of(2, 77);

    (void)state;
    assert_int_equal(facts->count, 2);
    assert_int_equal(facts->n_first, 2);
    assert_string_equal(facts->first[1]->name, "in-1");
    assert_int_equal(facts->first[1]->bytes, 10);
    assert_int_equal(facts->first[1]->mtime_ns, 77);
    message_free(facts);
}

static void of_many_inputs_the_first_are_told_and_a_sum_of_all(void **state)
{
    Mrlua__InputFacts *facts = facts_of(COUNT_MAX, 7), *same = facts_of(COUNT_MAX, 7),
                      *other = facts_of(COUNT_MAX, 8);

    (void)state;
    assert_int_equal(facts->count, COUNT_MAX);
    assert_int_equal(facts->n_first, JOB_FACTS_INPUT_COUNT_MAX);
    assert_true(facts->sum == same->sum);
    assert_true(facts->sum != other->sum);
    message_free(facts);
    message_free(same);
    message_free(other);
}

static void without_a_plan_nothing_is_known_of_inputs(void **state)
{
    Mrlua__InputFacts *facts = job_facts_inputs(NULL);

    (void)state;
    assert_int_equal(facts->count, 0);
    assert_int_equal(facts->n_first, 0);
    message_free(facts);
}

static void what_was_asked_for_is_kept_but_for_inputs_beyond_the_limits(void **state)
{
    Mrlua__JobSubmit submit = MRLUA__JOB_SUBMIT__INIT;
    Mrlua__JobStep step = MRLUA__JOB_STEP__INIT;
    char *inputs[COUNT_MAX], *text = mem_alloc(JOB_FACTS_INPUT_BYTES_MAX + 1);
    Mrlua__JobFacts *facts;

    (void)state;
    memset(text, 'x', JOB_FACTS_INPUT_BYTES_MAX);
    for (size_t i = 0; i < COUNT_MAX; i++)
        inputs[i] = (char *)(uintptr_t) "in";
    submit.name = (char *)(uintptr_t) "job";
    submit.reducers = 3;
    submit.inputs = inputs;
    submit.n_inputs = COUNT_MAX;
    submit.step = &step;
    facts = job_facts_make(&submit, NULL);
    assert_string_equal(facts->submit->name, "job");
    assert_int_equal(facts->submit->reducers, 3);
    assert_int_equal(facts->submit->n_inputs, JOB_FACTS_INPUT_COUNT_MAX);
    assert_null(facts->submit->step);
    message_free(facts);
    inputs[1] = text; /* with the first one it is two bytes too much */
    facts = job_facts_make(&submit, NULL);
    assert_int_equal(facts->submit->n_inputs, 1);
    message_free(facts);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_are_told_as_the_plan_found_them),
        cmocka_unit_test(of_many_inputs_the_first_are_told_and_a_sum_of_all),
        cmocka_unit_test(without_a_plan_nothing_is_known_of_inputs),
        cmocka_unit_test(what_was_asked_for_is_kept_but_for_inputs_beyond_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
