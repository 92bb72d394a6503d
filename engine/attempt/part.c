#include "attempt/part.h"

#include "attempt/outputs.h"
#include "record/value.h"

static int choose_format(struct child *child, struct writer_format *format, struct buf *name,
                         struct err *err)
{
    const Mrlua__TaskStart *start = child->start;
    int own = outputs_own(start);
    struct publish_part part = {.number = start->task};

    if (own >= 0) {
        part = outputs_part(start, (uint32_t)own);
        publish_part_name(name, &part);
        return outputs_format(child, (uint32_t)own, format, err);
    }
    publish_part_name(name, &part);
    if (writer_format_by_name(slice_of_string(start->output), format, err) != 0)
        return -1;
    value_field_table(buf_slice(&child->view), "output_options", &format->options);
    return 0;
}

struct writer *part_open(struct child *child, struct err *err)
{
    const Mrlua__TaskStart *start = child->start;
    /* Not who wrote it: the bytes of a part are those of any other attempt and run (P1). */
    struct writer_id id = {.partition = start->task};
    struct writer_format format;
    struct buf name = {0};
    struct writer *writer = NULL;

    if (choose_format(child, &format, &name, err) == 0)
        writer = writer_open(&format, child_fd(CHILD_RESULT), buf_string(&name), &id, err);
    buf_deinit(&name);
    return writer;
}

int part_finish(struct child *child, struct writer *writer, struct task_result *result,
                struct err *err)
{
    bool is_map = child->start->kind == MRLUA__TASK_KIND__MAP;
    struct part_summary summary;

    page_enter(child->page, PAGE_WRITE);
    if (writer_finish(writer, &summary, err) != 0)
        return -1;
    result->digest = (struct digest){summary.crc32c, summary.bytes, summary.records};
    result->bytes = summary.bytes;
    result->records = summary.records;
    result->crc32c = summary.crc32c;
    task_result_count(result, is_map ? "map_" : "reduce_", "records_out", summary.records);
    task_result_count(result, is_map ? "map_" : "reduce_", "bytes_out", summary.bytes);
    task_result_count(result, "", "bytes_not_utf8", summary.bytes_replaced);
    return 0;
}
