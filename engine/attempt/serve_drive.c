#include "attempt/serve_drive.h"

#include "attempt/feed.h"
#include "attempt/files.h"
#include "base/io.h"
#include "base/mem.h"

#include <stdlib.h>

/* ---- calls ---- */

static int take_call(struct serve_drive *drive, struct channel *shell, const struct frame *frame,
                     struct err *err)
{
    Mrlua__StepCall *call = message_unpack(&mrlua__step_call__descriptor, frame->payload, err);
    uint32_t number;

    if (!call)
        return -1;
    number = call->number;
    message_free(call);
    if (drive->waits || number != drive->step_count + 1)
        return err_set(err, ERR_LIMIT, "the script's process asked for step %u after step %u",
                       number, drive->step_count);
    drive->waits = true;
    return channel_forward(shell, frame, err);
}

static void keep_step(struct serve_drive *drive, const char *folder)
{
    if (drive->step_count == drive->step_capacity) {
        drive->step_capacity = drive->step_capacity ? 2 * drive->step_capacity : 16;
        drive->steps = mem_realloc_array(drive->steps, drive->step_capacity, sizeof *drive->steps);
    }
    drive->steps[drive->step_count++] = (struct serve_step){.folder = mem_strdup(folder)};
    drive->waits = false;
}

/* The child is not told where anything is. */
static int tell_child(Mrlua__StepAnswer *answer, struct channel *child, struct err *err)
{
    char *folder = answer->folder;
    int rc;

    answer->folder = (char *)(uintptr_t)protobuf_c_empty_string;
    rc = channel_send(child, MESSAGE_STEP_ANSWER, &answer->base, err);
    answer->folder = folder;
    return rc;
}

int serve_drive_answer(struct serve_drive *drive, struct channel *child, struct slice payload,
                       struct buf *detail, struct err *err)
{
    Mrlua__StepAnswer *answer = message_unpack(&mrlua__step_answer__descriptor, payload, err);
    int rc = 0;

    if (!answer)
        return -1;
    if (answer->error) {
        message_to_err(answer->error, err);
        buf_append_string(detail, answer->error->detail);
        rc = -1;
    } else if (!drive->waits || answer->number != drive->step_count + 1) {
        rc = err_set(err, ERR_RETRY, "step %u was answered, and not asked for", answer->number);
    } else {
        keep_step(drive, answer->folder);
        rc = tell_child(answer, child, err);
    }
    message_free(answer);
    return rc;
}

/* ---- outputs ---- */

static int list_parts(struct serve_step *step, struct err *err)
{
    if (!step->is_listed && file_list_add(&step->parts, step->folder, err) != 0)
        return err_prefix(err, "the output of a step");
    step->is_listed = true;
    return 0;
}

static int open_file(const struct serve_drive *drive, const struct file *file, Mrlua__Piece *piece,
                     struct err *err)
{
    *piece = (Mrlua__Piece)MRLUA__PIECE__INIT;
    piece->name = file->name;
    piece->path = file->path;
    piece->size = piece->length = file->identity.size;
    piece->mtime_ns = file->identity.mtime_ns;
    piece->inode = file->identity.inode;
    piece->device = file->identity.device;
    piece->generation = file->identity.generation;
    return piece->generation ? feed_copy(piece, drive->start->tmp_folder, err)
                             : files_input(piece, err);
}

static int open_part(struct serve_drive *drive, struct channel *child, const Mrlua__StepOpen *open,
                     struct err *err)
{
    Mrlua__Input input = MRLUA__INPUT__INIT;
    Mrlua__Piece piece;
    struct serve_step *step;
    int fd = -1, rc;

    if (open->number == 0 || open->number > drive->step_count)
        return err_set(err, ERR_LIMIT, "the script's process asked for records of step %u",
                       open->number);
    step = &drive->steps[open->number - 1];
    if (list_parts(step, err) != 0)
        return -1;
    if (open->part < step->parts.count) {
        fd = open_file(drive, &step->parts.items[open->part], &piece, err);
        if (fd < 0)
            return -1;
        input.piece = &piece;
    }
    input.end = fd < 0;
    rc = channel_send_fd(child, MESSAGE_INPUT, &input.base, fd, err);
    io_close(&fd);
    return rc;
}

static int take_open(struct serve_drive *drive, struct channel *child, struct slice payload,
                     struct err *err)
{
    Mrlua__StepOpen *open = message_unpack(&mrlua__step_open__descriptor, payload, err);
    int rc = open ? open_part(drive, child, open, err) : -1;

    message_free(open);
    return rc;
}

int serve_drive_hear(struct serve_drive *drive, struct channel *shell, struct channel *child,
                     const struct frame *frame, struct err *err)
{
    if (drive->start->kind != MRLUA__TASK_KIND__DRIVE)
        return err_set(err, ERR_LIMIT, "the script's process sent a message of type %u",
                       frame->type);
    return frame->type == MESSAGE_STEP_CALL ? take_call(drive, shell, frame, err)
                                            : take_open(drive, child, frame->payload, err);
}

void serve_drive_deinit(struct serve_drive *drive)
{
    for (uint32_t i = 0; i < drive->step_count; i++) {
        free(drive->steps[i].folder);
        file_list_deinit(&drive->steps[i].parts);
    }
    free(drive->steps);
    *drive = (struct serve_drive){0};
}
