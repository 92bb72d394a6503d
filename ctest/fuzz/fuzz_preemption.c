/*
 * Any bytes as an answer of the metadata server: what is taken for one has an etag that fits into
 * the line of the next request, and cutting off its end makes it another answer or none, never a
 * notice where there was none.
 */
#include "fuzz.h"

#include "worker/preemption.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct preemption_answer answer, shorter;
    struct buf request = {0};
    const char *line_end;

    if (!preemption_read(slice_of(data, size), &answer))
        return 0;
    preemption_request(&request, "h:1", answer.etag);
    line_end = strstr(buf_string(&request), "\r\n");
    if (!line_end || strcspn(request.ptr, "\r\n") != (size_t)(line_end - request.ptr) ||
        memcmp(line_end - 9, " HTTP/1.1", 9) != 0)
        abort();
    buf_deinit(&request);
    for (size_t len = 0; len < size && !answer.is_preempted; len++)
        if (preemption_read(slice_of(data, len), &shorter) && shorter.is_preempted)
            abort();
    return 0;
}
