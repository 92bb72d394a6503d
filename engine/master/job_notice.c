#include "master/job_notice.h"

bool job_notice_is_retry(const struct fact *facts, size_t count)
{
    if (facts[0].kind != FACT_ATTEMPT_ENDED || facts[0].failure == ERR_NONE)
        return false;
    for (size_t i = 1; i < count; i++)
        if (facts[i].kind == FACT_JOB_ENDED && facts[i].job_id == facts[0].job_id)
            return false;
    return true;
}

void job_notice_retry(const struct fact *fact, const struct job_notice_of *of,
                      const struct job_fault *fault, struct buf *out)
{
    bool is_one_of_many = fact->stage == STAGE_MAP || fact->stage == STAGE_REDUCE;

    buf_append_string(out, "mrlua: ");
    if (of->step > 0)
        buf_printf(out, "step %u, ", of->step);
    buf_append_string(out, of->is_driver ? "the driver" : stage_kind_name(fact->stage));
    if (is_one_of_many)
        buf_printf(out, " %u", fact->task);
    if (of->worker)
        buf_printf(out, ", on worker %s,", of->worker);
    buf_append_string(out, " is tried again");
    buf_printf(out, ": %s", fault ? fault->err.message : "nothing was heard of it");
}

static void add_count(uint32_t count, const char *noun, struct buf *out)
{
    buf_printf(out, "%u %s%s", count, noun, count == 1 ? "" : "s");
}

void job_notice_worker_lost(const char *worker, uint32_t attempts, uint32_t outputs,
                            struct buf *out)
{
    buf_printf(out, "mrlua: lost worker %s, with ", worker);
    add_count(attempts, "attempt", out);
    buf_append_string(out, " and ");
    add_count(outputs, "output", out);
    buf_append_string(out, " of this job: they run again where they are needed");
}
