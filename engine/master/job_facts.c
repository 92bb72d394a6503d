#include "master/job_facts.h"

#include "base/hash.h"
#include "base/mem.h"
#include "master/job_plan.h"

#include <assert.h>
#include <string.h>

static uint64_t add_to_sum(uint64_t sum, const Mrlua__Piece *input)
{
    const uint64_t numbers[] = {input->size, (uint64_t)input->mtime_ns, input->generation};

    sum = hash64_seeded(slice_of_string(input->name), sum);
    return hash64_seeded(slice_of((const char *)numbers, sizeof numbers), sum);
}

static Mrlua__InputFact *make_input(const Mrlua__Piece *input)
{
    Mrlua__InputFact *fact = mem_alloc(sizeof *fact);

    mrlua__input_fact__init(fact);
    fact->name = mem_strdup(input->name);
    fact->bytes = input->size;
    fact->mtime_ns = input->mtime_ns;
    fact->generation = input->generation;
    return fact;
}

Mrlua__InputFacts *job_facts_inputs(const Mrlua__Plan *plan)
{
    Mrlua__InputFacts *facts = mem_alloc(sizeof *facts);
    size_t bytes = 0;

    mrlua__input_facts__init(facts);
    facts->count = plan ? job_plan_input_count(plan) : 0;
    facts->first = mem_alloc_array(JOB_FACTS_INPUT_COUNT_MAX, sizeof *facts->first);
    for (size_t i = 0; i < facts->count; i++) {
        Mrlua__Piece input;

        job_plan_input(plan, i, &input);
        facts->sum = add_to_sum(facts->sum, &input);
        bytes += strlen(input.name);
        if (i < JOB_FACTS_INPUT_COUNT_MAX && bytes <= JOB_FACTS_INPUT_BYTES_MAX)
            facts->first[facts->n_first++] = make_input(&input);
    }
    return facts;
}

static size_t told_count(char *const *inputs, size_t count)
{
    size_t told = 0, bytes = 0;

    while (told < count && told < JOB_FACTS_INPUT_COUNT_MAX &&
           (bytes += strlen(inputs[told])) <= JOB_FACTS_INPUT_BYTES_MAX)
        told++;
    return told;
}

Mrlua__JobFacts *job_facts_make(const Mrlua__JobSubmit *submit, const Mrlua__Plan *plan)
{
    Mrlua__JobSubmit told = *submit;
    Mrlua__JobFacts facts = MRLUA__JOB_FACTS__INIT, *copy;
    struct buf packed = {0};
    struct err err;

    told.n_inputs = told_count(submit->inputs, submit->n_inputs);
    told.step = NULL; /* its request is data, of any size */
    facts.submit = &told;
    facts.inputs = job_facts_inputs(plan);
    message_pack(&packed, &facts.base);
    copy = message_unpack(&mrlua__job_facts__descriptor, buf_slice(&packed), &err);
    assert(copy); /* it was packed here */
    message_free(facts.inputs);
    buf_deinit(&packed);
    return copy;
}
