#include "master/job_inputs.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Both are paths from realpath(). */
static bool lies_in(const char *inner, const char *outer)
{
    size_t len = strlen(outer);

    if (strcmp(outer, "/") == 0)
        return true;
    return strncmp(inner, outer, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
}

/* The real path of an input; of a glob, of the folder that its fixed part names. NULL: there is no
 * such thing. Release with free(). */
static char *real_input(const char *input)
{
    size_t fixed_len = strcspn(input, "*?[");
    char *path = realpath(input, NULL), *folder;

    if (path || input[fixed_len] == '\0')
        return path;
    while (fixed_len > 0 && input[fixed_len - 1] != '/')
        fixed_len--;
    folder = fixed_len ? mem_strndup(input, fixed_len) : mem_strdup(".");
    path = realpath(folder, NULL);
    free(folder);
    return path;
}

static int check_input(const char *folder, const char *output, const char *input, struct err *err)
{
    char *path = real_input(input);
    int rc = 0;

    if (path && lies_in(path, output))
        rc = err_set(err, ERR_SETUP, "input %s lies in output %s, which would be replaced", input,
                     folder);
    else if (path && strpbrk(input, "*?[") == NULL && lies_in(output, path))
        rc = err_set(err, ERR_SETUP,
                     "output %s lies in input %s: its old files would be read as input", folder,
                     input);
    free(path);
    return rc;
}

int job_inputs_check(const char *folder, char *const *inputs, size_t count, struct err *err)
{
    char *output = realpath(folder, NULL); /* NULL: it is not there, so there is nothing in it */
    int rc = 0;

    for (size_t i = 0; output && i < count && rc == 0; i++)
        rc = check_input(folder, output, inputs[i], err);
    free(output);
    return rc;
}
