#include "cli/trails.h"

#include "cli/answer.h"
#include "cli/functions.h"
#include "record/fields.h"
#include "record/value.h"
#include "store/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_error(const struct err *err, struct buf *out)
{
    field_name(out, "error");
    answer_error(err, NULL, false, out);
}

int trails_write(void *context, struct vm_host *host, struct slice args, struct buf *result,
                 struct err *err)
{
    struct functions *functions = context;
    char *name = field_text(args, "name");
    int rc;

    (void)host;
    if (!name || strchr(name, '/')) {
        free(name);
        return err_set(err, ERR_SETUP, "trail_write: a file has a name, without a slash");
    }
    rc = trail_write(&functions->trail, name, value_field_string(args, "text", ""), err);
    free(name);
    value_write_table_begin(result);
    if (rc != 0)
        add_error(err, result);
    else if (functions->trail.id[0])
        field_string(result, "run", functions->trail.id);
    value_write_table_end(result);
    return 0;
}

int trails_list(void *context, struct vm_host *host, struct slice args, struct buf *result,
                struct err *err)
{
    char *root = trail_root(err);
    size_t count = 0;
    uint64_t *list = root ? trail_list(root, &count) : NULL;

    (void)context, (void)host, (void)args;
    value_write_table_begin(result);
    if (!root) {
        add_error(err, result);
    } else {
        field_string(result, "folder", root);
        field_name(result, "runs");
        value_write_list_begin(result, count);
    }
    for (size_t i = 0; i < count; i++) {
        char id[TRAIL_ID_BYTES];

        snprintf(id, sizeof id, "r%llu", (unsigned long long)list[i]);
        value_write_string(result, slice_of_string(id));
    }
    value_write_table_end(result);
    free(list);
    free(root);
    return 0;
}

int trails_names(void *context, struct vm_host *host, struct slice args, struct buf *result,
                 struct err *err)
{
    char *path = field_text(args, "path"), **names;
    size_t count;

    (void)context, (void)host;
    if (!path)
        return err_set(err, ERR_SETUP, "trail_names: of which folder");
    names = trail_names(path, &count);
    value_write_table_begin(result);
    field_name(result, "names");
    value_write_list_begin(result, count);
    for (size_t i = 0; i < count; i++) {
        value_write_string(result, slice_of_string(names[i]));
        free(names[i]);
    }
    value_write_table_end(result);
    free(names);
    free(path);
    return 0;
}
