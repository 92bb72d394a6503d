/*
 * What is told of one job (JobStatus): how it is, and what it was asked for.
 */
#include "master/master_state.h"

#include "base/mem.h"
#include "master/job_facts.h"

Mrlua__JobFacts *master_facts_of(const struct master *master, uint64_t job_id)
{
    const struct master_job *job = master_job_find(master, job_id);
    const struct master_past *past = job ? NULL : master_past_find(master, job_id);
    Mrlua__JobFacts *facts = NULL;
    struct buf packed = {0};
    struct err err;

    if (job)
        return job_facts_make(job->record->submit, job->plan_done ? job->plan_done->plan : NULL);
    if (past && past->history->facts) {
        message_pack(&packed, &past->history->facts->base);
        facts = message_unpack(&mrlua__job_facts__descriptor, buf_slice(&packed), &err);
        buf_deinit(&packed);
    }
    return facts;
}

static char *publish_id_of(const struct master *master, uint64_t job_id)
{
    const struct master_job *job = master_job_find(master, job_id);
    const struct master_past *past = job ? NULL : master_past_find(master, job_id);

    return mem_strdup(job ? job->record->publish_id : past ? past->history->publish_id : "");
}

/* A piece of a blob from `offset` on; nothing when it cannot be had. */
static void read_blob(const struct master *master, const ProtobufCBinaryData *hash, uint64_t offset,
                      struct buf *out, uint64_t *total)
{
    struct err err;

    *total = 0;
    if (hash->len != BLOB_HASH_BYTES || offset > BLOB_BYTES_MAX ||
        blobs_get(&master->blobs, hash->data, offset, BLOB_PIECE_BYTES, out, total, &err) < 0)
        buf_clear(out);
}

static ProtobufCBinaryData bytes_of(struct buf *bytes)
{
    return (ProtobufCBinaryData){.len = bytes->len, .data = (uint8_t *)bytes->ptr};
}

static void answer_status(struct master_peer *peer, const struct frame *frame,
                          const Mrlua__JobStatus *status, Mrlua__JobStatusAnswer *answer)
{
    const struct master *master = peer->master;
    struct buf params = {0}, bundle = {0};
    uint64_t params_bytes;

    if (status->facts)
        answer->facts = master_facts_of(master, status->job);
    if (answer->facts) {
        answer->facts->publish_id = publish_id_of(master, status->job);
        read_blob(master, &answer->facts->submit->params_hash, 0, &params, &params_bytes);
        if (params.len == params_bytes) /* what is more is no parameter that one looks at */
            answer->params = bytes_of(&params);
        read_blob(master, &answer->facts->submit->bundle_hash, status->bundle_offset, &bundle,
                  &answer->bundle_bytes);
        answer->bundle = bytes_of(&bundle);
    }
    conn_send(peer->conn, MESSAGE_JOB_STATUS_ANSWER, frame->request_id, &answer->base);
    message_free(answer->facts);
    buf_deinit(&params);
    buf_deinit(&bundle);
}

void master_status_take(struct master_peer *peer, const struct frame *frame)
{
    struct err err;
    Mrlua__JobStatus *status = message_unpack(&mrlua__job_status__descriptor, frame->payload, &err);
    Mrlua__JobStatusAnswer answer = MRLUA__JOB_STATUS_ANSWER__INIT;

    answer.info = status ? master_info_of(peer->master, status->job, INFO_WHOLE) : NULL;
    if (answer.info)
        answer_status(peer, frame, status, &answer);
    else
        master_answer_no_job(peer, frame->request_id, status ? status->job : 0);
    message_free(answer.info);
    message_free(status);
}
