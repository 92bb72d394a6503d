#include "sched/fact_codec.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"

/* What a kind of fact says, as bits. */
enum {
    HAS_STAGE = 1 << 0,
    HAS_TASK = 1 << 1,
    HAS_WORKER = 1 << 2, /* worker_id and incarnation */
    HAS_EPOCH = 1 << 3,
    HAS_JOB = 1 << 4,
    HAS_ATTEMPT = 1 << 5,
    HAS_DIGEST = 1 << 6,
    HAS_RULES = 1 << 7,
    HAS_COUNTS = 1 << 8,
    HAS_FAILURE = 1 << 9,
    HAS_END = 1 << 10,     /* status and reason */
    HAS_SAMPLES = 1 << 11, /* sample_count; since version 2 */
    HAS_BAD = 1 << 12,     /* bad_count */
    HAS_PLACE = HAS_STAGE | HAS_TASK | HAS_WORKER | HAS_JOB | HAS_ATTEMPT,
};

static unsigned fields_of(enum fact_kind kind)
{
    switch (kind) {
    case FACT_EPOCH_BEGUN:
        return HAS_EPOCH;
    case FACT_JOB_ACCEPTED:
        return HAS_JOB | HAS_RULES;
    case FACT_PLAN_MADE:
        return HAS_PLACE | HAS_COUNTS | HAS_SAMPLES;
    case FACT_ATTEMPT_STARTED:
    case FACT_OUTPUT_FOUND:
        return HAS_PLACE;
    case FACT_ATTEMPT_ENDED:
    case FACT_OUTPUT_LOST:
        return HAS_PLACE | HAS_FAILURE;
    case FACT_RECORDS_BAD:
        return HAS_PLACE | HAS_FAILURE | HAS_BAD;
    case FACT_TASK_COMPLETED:
        return HAS_PLACE | HAS_DIGEST;
    case FACT_WORKER_LOST:
    case FACT_OUTPUTS_LOST:
        return HAS_WORKER;
    case FACT_JOB_ENDED:
        return HAS_JOB | HAS_STAGE | HAS_TASK | HAS_ATTEMPT | HAS_FAILURE | HAS_END;
    }
    abort(); /* unreachable: -Wswitch proves the cases complete */
}

static void put_number(struct buf *out, uint64_t number)
{
    char *to = buf_reserve(out, VARINT_BYTES_MAX);

    out->len += put_varint(to, number);
}

static void put_u64(struct buf *out, uint64_t number)
{
    put_u64le(buf_reserve(out, sizeof number), number);
    out->len += sizeof number;
}

static void put_digest(struct buf *out, const struct digest *digest)
{
    put_u64(out, digest->low);
    put_u64(out, digest->high);
    put_number(out, digest->record_count);
}

static void put_rules(struct buf *out, const struct job_rules *rules)
{
    uint32_t priority = (uint32_t)rules->priority;

    put_number(out, rules->attempts_max);
    put_number(out, rules->unsafe);
    put_number(out, rules->silence_ns);
    put_number(out, (priority << 1) ^ (rules->priority < 0 ? UINT32_MAX : 0));
    put_number(out, rules->weight);
    put_number(out, rules->outputs_in_store);
    put_number(out, rules->skip_bad);
}

void fact_encode(const struct fact *fact, struct buf *out)
{
    unsigned fields = fields_of(fact->kind);
    size_t before = out->len;

    buf_append_byte(out, FACT_VERSION);
    buf_append_byte(out, (unsigned char)fact->kind);
    if (fields & HAS_STAGE)
        put_number(out, fact->stage);
    if (fields & HAS_TASK)
        put_number(out, fact->task);
    if (fields & HAS_WORKER) {
        put_number(out, (uint32_t)(fact->worker_id + 1));
        put_number(out, fact->incarnation);
    }
    if (fields & HAS_EPOCH)
        put_number(out, fact->epoch);
    if (fields & HAS_JOB)
        put_number(out, fact->job_id);
    if (fields & HAS_ATTEMPT)
        put_number(out, fact->attempt_id);
    if (fields & HAS_DIGEST)
        put_digest(out, &fact->digest);
    if (fields & HAS_RULES)
        put_rules(out, &fact->rules);
    if (fields & HAS_COUNTS) {
        put_number(out, fact->map_count);
        put_number(out, fact->reduce_count);
    }
    if (fields & HAS_SAMPLES)
        put_number(out, fact->sample_count);
    if (fields & HAS_BAD)
        put_number(out, fact->bad_count);
    if (fields & HAS_FAILURE)
        put_number(out, fact->failure);
    if (fields & HAS_END) {
        put_number(out, fact->status);
        put_number(out, fact->reason);
    }
    assert(out->len - before <= FACT_BYTES_MAX);
}

/* What is left to read, of a fact of this version. Once a number is not there, or not in range, all
 * that follow are 0. */
struct reader {
    const char *at, *end;
    unsigned version;
    const char *refused; /* the name of the first field that is wrong; NULL: none */
};

static uint64_t take(struct reader *reader, const char *name, uint64_t min, uint64_t max)
{
    uint64_t number = 0;
    size_t left = (size_t)(reader->end - reader->at);
    size_t taken = reader->refused ? 0 : get_varint(reader->at, left, &number);

    if (taken > 0 && taken <= VARINT_BYTES_MAX && number >= min && number <= max) {
        reader->at += taken;
        return number;
    }
    if (!reader->refused)
        reader->refused = name;
    return 0;
}

static uint64_t take_u64(struct reader *reader, const char *name)
{
    uint64_t number;

    if (!reader->refused && (size_t)(reader->end - reader->at) < sizeof number)
        reader->refused = name;
    if (reader->refused)
        return 0;
    number = get_u64le(reader->at);
    reader->at += sizeof number;
    return number;
}

static void take_digest(struct reader *reader, struct digest *digest)
{
    digest->low = take_u64(reader, "digest");
    digest->high = take_u64(reader, "digest");
    digest->record_count = take(reader, "record count", 0, UINT64_MAX);
}

static void take_rules(struct reader *reader, struct job_rules *rules)
{
    uint32_t zigzag;

    rules->attempts_max = (uint32_t)take(reader, "attempts", 1, SCHED_FAILURE_COUNT_MAX);
    rules->unsafe = take(reader, "unsafe", 0, 1);
    rules->silence_ns = take(reader, "silence", 0, INT64_MAX);
    zigzag = (uint32_t)take(reader, "priority", 0, UINT32_MAX);
    rules->priority = (int32_t)((zigzag >> 1) ^ (zigzag & 1 ? UINT32_MAX : 0));
    rules->weight = (uint32_t)take(reader, "weight", 0, UINT32_MAX);
    rules->outputs_in_store = reader->version >= 3 && take(reader, "outputs in store", 0, 1);
    if (reader->version >= 4)
        rules->skip_bad = (uint32_t)take(reader, "bad records", 0, SCHED_SKIP_BAD_MAX);
}

static void take_worker(struct reader *reader, struct fact *out)
{
    out->worker_id = (uint32_t)take(reader, "worker", 0, SCHED_WORKER_ID_MAX + 1) - 1;
    out->incarnation = take(reader, "incarnation", 0, UINT64_MAX);
}

static void take_fields(struct reader *reader, unsigned fields, struct fact *out)
{
    if (fields & HAS_STAGE)
        out->stage = (enum stage_kind)take(reader, "stage", 0, STAGE_COUNT - 1);
    if (fields & HAS_TASK)
        out->task = (uint32_t)take(reader, "task", 0, SCHED_TASK_COUNT_MAX);
    if (fields & HAS_WORKER)
        take_worker(reader, out);
    if (fields & HAS_EPOCH)
        out->epoch = take(reader, "epoch", 1, UINT32_MAX);
    if (fields & HAS_JOB)
        out->job_id = take(reader, "job", 1, UINT64_MAX);
    if (fields & HAS_ATTEMPT)
        out->attempt_id = take(reader, "attempt", 0, UINT64_MAX);
    if (fields & HAS_DIGEST)
        take_digest(reader, &out->digest);
    if (fields & HAS_RULES)
        take_rules(reader, &out->rules);
    if (fields & HAS_COUNTS) {
        out->map_count = (uint32_t)take(reader, "maps", 0, SCHED_TASK_COUNT_MAX);
        out->reduce_count = (uint32_t)take(reader, "reduces", 0, SCHED_TASK_COUNT_MAX);
    }
    if (fields & HAS_SAMPLES)
        out->sample_count = (uint32_t)take(reader, "samples", 0, 1);
    if (fields & HAS_BAD)
        out->bad_count = (uint32_t)take(reader, "bad records", 1, SCHED_SKIP_BAD_MAX);
    if (fields & HAS_FAILURE)
        out->failure = (enum err_kind)take(reader, "failure", 0, ERR_KIND_COUNT - 1);
    if (fields & HAS_END) {
        out->status = (enum job_status)take(reader, "status", JOB_SUCCEEDED, JOB_CANCELLED);
        out->reason = (enum end_reason)take(reader, "reason", END_NONE, END_BAD_RECORDS);
    }
}

int fact_decode(struct slice bytes, struct fact *out, struct err *err)
{
    struct reader reader = {0};
    unsigned version, kind, fields;

    *out = (struct fact){0};
    if (bytes.len < 2)
        return err_set(err, ERR_SETUP, "fact: it is cut off");
    version = (unsigned char)bytes.ptr[0];
    kind = (unsigned char)bytes.ptr[1];
    if (version < 1 || version > FACT_VERSION)
        return err_set(err, ERR_SETUP, "fact: version %u; this mrlua reads versions 1 to %d",
                       version, FACT_VERSION);
    if (kind >= FACT_KIND_COUNT)
        return err_set(err, ERR_SETUP, "fact: kind %u is not known", kind);
    reader.version = version;
    reader.at = bytes.ptr + 2;
    reader.end = bytes.ptr + bytes.len;
    out->kind = (enum fact_kind)kind;
    fields = fields_of(out->kind);
    if (version < 2)
        fields &= ~(unsigned)HAS_SAMPLES;
    take_fields(&reader, fields, out);
    if (reader.refused)
        return err_set(err, ERR_SETUP, "fact: %s: cut off or out of range in a '%s'",
                       reader.refused, fact_kind_name(out->kind));
    if (reader.at != reader.end)
        return err_set(err, ERR_SETUP, "fact: bytes behind a '%s'", fact_kind_name(out->kind));
    return 0;
}
