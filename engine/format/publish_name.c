#include "format/publish_name.h"

#include "base/buf.h"

#include <inttypes.h>
#include <string.h>

enum { PART_DIGITS_MIN = 5 };

static const char OWN_PREFIX[] = ".mrlua-"; /* of what is there while a job runs */

bool publish_is_output_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t bytes = strlen(name);

    return bytes > 0 && bytes <= PUBLISH_OUTPUT_NAME_BYTES_MAX && strspn(name, letters) == bytes &&
           strchr(letters, name[0]) < strchr(letters, '_') && strcmp(name, "part") != 0;
}

static void add_number(struct buf *out, const struct publish_part *part)
{
    buf_printf(out, "%s-%05" PRIu32, part->output ? part->output : "part", part->number);
}

void publish_part_name(struct buf *out, const struct publish_part *part)
{
    add_number(out, part);
    buf_append_string(out, part->suffix ? part->suffix : "");
}

bool publish_is_part_name(const char *name)
{
    const char *digits = strchr(name, '-'), *suffix;

    if (!digits || digits == name || name[0] == '.')
        return false;
    digits++;
    suffix = digits + strspn(digits, "0123456789");
    return suffix >= digits + PART_DIGITS_MIN &&
           (!*suffix || strcmp(suffix, ".gz") == 0 || strcmp(suffix, ".zst") == 0);
}

/* Dates have eight digits, and names like access-20240101.gz: of further outputs five are believed,
 * and more of parts only, which maps without reduces may have. */
bool publish_is_job_name(const char *name)
{
    char output[PUBLISH_OUTPUT_NAME_BYTES_MAX + 1];
    size_t bytes = strcspn(name, "-");

    if (!*name || strcmp(name, "_SUCCESS") == 0 || strcmp(name, PUBLISH_BAD_NAME) == 0 ||
        strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
        return true;
    if (!publish_is_part_name(name) || bytes >= sizeof output)
        return false;
    memcpy(output, name, bytes);
    output[bytes] = '\0';
    return strcmp(output, "part") == 0 ||
           (publish_is_output_name(output) &&
            strspn(name + bytes + 1, "0123456789") == PART_DIGITS_MIN);
}

void publish_attempt_name(struct buf *out, const struct publish_part *part)
{
    add_number(out, part);
    buf_printf(out, ".%" PRIu64, part->attempt);
}

int publish_refuse(const char *output, const char *name, struct err *err)
{
    if (publish_is_job_name(name))
        return err_set(err, ERR_SETUP,
                       "output %s is not empty: choose another folder or add --overwrite", output);
    return err_set(err, ERR_SETUP,
                   "output %s is not empty, and '%s' in it was written by no job, so it is not "
                   "replaced: choose another folder",
                   output, name);
}
