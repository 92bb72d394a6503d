#include "master/job_inputs.h"

#include "base/mem.h"
#include "base/path.h"
#include "store/uri.h"
#include "store/wildcard.h"

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

static char *real_path(const char *from, const char *input)
{
    char *joined = path_join(from, input), *path = realpath(joined, NULL);

    free(joined);
    return path;
}

/* The real path of an input; of a glob, of the folder that its fixed part names. NULL: there is no
 * such thing. Release with free(). */
static char *real_input(const char *from, const char *input)
{
    size_t fixed_len = strcspn(input, "*?[");
    char *path = real_path(from, input), *folder;

    if (path || input[fixed_len] == '\0')
        return path;
    while (fixed_len > 0 && input[fixed_len - 1] != '/')
        fixed_len--;
    folder = fixed_len ? mem_strndup(input, fixed_len) : mem_strdup(".");
    path = real_path(from, folder);
    free(folder);
    return path;
}

/* Is all below the real path of the input read? Of a pattern it is if only `**` stands behind the
 * folder; of another that is not known. */
static bool is_folder(const char *input)
{
    const char *magic = input + strcspn(input, "*?[");

    return *magic == '\0' ||
           (magic == wildcard_find_any(input) && strspn(magic, "*/") == strlen(magic));
}

/* The real paths of an input and the output. */
static int check_input(const char *folder, const char *output, const char *input, const char *path,
                       struct err *err)
{
    if (path && lies_in(path, output))
        return err_set(err, ERR_SETUP, "input %s lies in output %s, which would be replaced", input,
                       folder);
    if (path && is_folder(input) && lies_in(output, path))
        return err_set(err, ERR_SETUP,
                       "output %s lies in input %s: its old files would be read as input", folder,
                       input);
    return 0;
}

/* The same of names in buckets, which are what they are: nothing there is a link. */
static int check_gs_input(const char *folder, const char *input, struct err *err)
{
    size_t len = strlen(folder), fixed_len = strcspn(input, "*?[");
    bool is_pattern = input[fixed_len] != '\0';

    while (len > 0 && folder[len - 1] == '/')
        len--;
    if (strncmp(input, folder, len) == 0 && (input[len] == '/' || input[len] == '\0'))
        return err_set(err, ERR_SETUP, "input %s lies in output %s, which would be replaced", input,
                       folder);
    while (!is_pattern && fixed_len > 0 && input[fixed_len - 1] == '/')
        fixed_len--;
    if (strncmp(folder, input, fixed_len) == 0 && (is_pattern || folder[fixed_len] == '/'))
        return err_set(err, ERR_SETUP,
                       "output %s lies in input %s: its old files would be read as input", folder,
                       input);
    return 0;
}

static int check_gs_inputs(const char *folder, char *const *inputs, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (uri_is_gs(inputs[i]) && check_gs_input(folder, inputs[i], err) != 0)
            return -1;
    return 0;
}

int job_inputs_check(const char *folder, const char *from, char *const *inputs, size_t count,
                     struct err *err)
{
    char *output = realpath(folder, NULL); /* NULL: it is not there, so there is nothing in it */
    int rc = 0;

    if (uri_is_gs(folder)) {
        free(output);
        return check_gs_inputs(folder, inputs, count, err);
    }
    for (size_t i = 0; output && i < count && rc == 0; i++) {
        /* An object lies in no folder. */
        char *path = uri_is_gs(inputs[i]) ? NULL : real_input(from, inputs[i]);

        rc = check_input(folder, output, inputs[i], path, err);
        free(path);
    }
    free(output);
    return rc;
}
