#include "cli/scratch.h"

#include "base/mem.h"
#include "cli/functions.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/temp.h"

#include <stdlib.h>

struct scratch {
    struct temp temp;
};

int scratch_folder(void *context, struct vm_host *host, struct slice args, struct buf *result,
                   struct err *err)
{
    struct functions *functions = context;
    char *tmp = field_text(args, "tmp");
    int rc = 0;

    (void)host;
    if (!functions->scratch) {
        struct scratch *scratch = mem_alloc(sizeof *scratch);
        const char *parent = temp_choose(tmp);

        temp_sweep(parent);
        rc = temp_init(&scratch->temp, parent, err);
        if (rc == 0)
            functions->scratch = scratch;
        else
            free(scratch);
    }
    free(tmp);
    if (rc != 0)
        return -1;
    value_write_table_begin(result);
    field_string(result, "folder", functions->scratch->temp.path);
    value_write_table_end(result);
    return 0;
}

void scratch_release(struct scratch *scratch)
{
    if (!scratch)
        return;
    temp_deinit(&scratch->temp);
    free(scratch);
}
