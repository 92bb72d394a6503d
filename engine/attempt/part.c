#include "attempt/part.h"

#include "record/value.h"

#include <stdio.h>

struct writer *part_open(struct child *child, struct err *err)
{
    const Mrlua__TaskStart *start = child->start;
    /* Not who wrote it: the bytes of a part are those of any other attempt and run (P1). */
    struct writer_id id = {.partition = start->task};
    struct writer_format format;
    char name[32];

    snprintf(name, sizeof name, "part-%05u", start->task);
    if (writer_format_by_name(slice_of_string(start->output), &format, err) != 0)
        return NULL;
    value_field_table(buf_slice(&child->view), "output_options", &format.options);
    return writer_open(&format, child_fd(CHILD_RESULT), name, &id, err);
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
