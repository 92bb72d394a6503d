#include "attempt/drive_task.h"

#include "attempt/map_input.h"
#include "base/io.h"
#include "base/mem.h"
#include "record/value.h"
#include "vm/drive.h"

#include <stdlib.h>

/* A part of a step's output while it is read. */
struct opened {
    Mrlua__Input *input;
    int fd;
};

static void add_integer(struct buf *out, const char *name, uint64_t value)
{
    value_write_string(out, slice_of_string(name));
    value_write_integer(out, (int64_t)value);
}

/* As lua/mrlua/driver.lua reads it. */
static void write_answer(const Mrlua__StepAnswer *answer, struct buf *out)
{
    value_write_table_begin(out);
    add_integer(out, "records", answer->records);
    add_integer(out, "bytes", answer->bytes);
    value_write_string(out, slice_of_string("counters"));
    value_write_table_begin(out);
    for (size_t i = 0; i < answer->n_counters; i++)
        add_integer(out, answer->counters[i]->name, (uint64_t)answer->counters[i]->value);
    value_write_table_end(out);
    value_write_table_end(out);
}

/* A step that fails has no answer: the trusted process ends this one. */
static int receive_answer(struct child *child, uint32_t number, struct buf *out, struct err *err)
{
    Mrlua__StepAnswer *answer;
    struct frame frame;
    int rc = channel_receive(&child->channel, &frame, err);

    if (rc < 0)
        return -1;
    if (rc == 0 || frame.type != MESSAGE_STEP_ANSWER)
        return err_set(err, ERR_RETRY, "no answer to step %u came from the trusted process",
                       number);
    answer = message_unpack(&mrlua__step_answer__descriptor, frame.payload, err);
    if (!answer)
        return -1;
    if (answer->number == number)
        write_answer(answer, out);
    else
        rc = err_set(err, ERR_RETRY, "step %u was asked for, and %u answered", number,
                     answer->number);
    message_free(answer);
    return rc < 0 ? -1 : 0;
}

static int call(void *context, struct slice request, struct buf *answer, struct err *err)
{
    struct child *child = context;
    Mrlua__StepCall message = MRLUA__STEP_CALL__INIT;

    if (request.len > DRIVE_REQUEST_BYTES_MAX)
        return err_set(err, ERR_JOB,
                       "mr.run: the fields of a step have %zu bytes, more than %d: data belongs "
                       "into what it reads",
                       request.len, DRIVE_REQUEST_BYTES_MAX);
    message.number = (uint32_t)value_field_integer(request, "number", 0);
    message.request =
        (ProtobufCBinaryData){request.len, (uint8_t *)(uintptr_t)request.ptr}; /* not written to */
    if (channel_send(&child->channel, MESSAGE_STEP_CALL, &message.base, err) != 0)
        return -1;
    return receive_answer(child, message.number, answer, err);
}

static void close_part(void *context, struct drive_part *part)
{
    struct opened *opened = part->opened;

    (void)context;
    reader_close(part->reader);
    io_close(&opened->fd);
    message_free(opened->input);
    free(opened);
}

static int open_part(void *context, uint32_t step, uint32_t index, struct drive_part *part,
                     struct err *err)
{
    struct child *child = context;
    struct opened *opened = mem_alloc(sizeof *opened);
    Mrlua__StepOpen message = MRLUA__STEP_OPEN__INIT;
    const struct map_input input = {.kind = READER_RUN};
    int rc;

    *part = (struct drive_part){.opened = opened};
    opened->fd = -1;
    message.number = step;
    message.part = index;
    rc = channel_send(&child->channel, MESSAGE_STEP_OPEN, &message.base, err);
    if (rc == 0)
        rc = child_receive_input(child, &opened->input, &opened->fd, err);
    if (rc == 1) {
        part->reader = map_input_open(&input, child->vm, opened->input, opened->fd, err);
        if (part->reader)
            return 1;
        rc = -1;
    }
    close_part(child, part);
    return rc;
}

int drive_task_run(struct child *child, struct err *err)
{
    struct driving driving = {
        .context = child, .call = call, .open = open_part, .close = close_part};

    page_enter(child->page, PAGE_DRIVE);
    return vm_drive(child->vm, &driving, err);
}
