#include "master/page_files.h"

#include <string.h>

const struct page_file *page_file_find(struct slice name)
{
    for (const struct page_file *file = PAGE_FILES; file->name; file++)
        if (slice_equal(name, slice_of_string(file->name)))
            return file;
    return NULL;
}

const char *page_file_type(const struct page_file *file)
{
    const char *suffix = strrchr(file->name, '.');

    if (strcmp(suffix, ".css") == 0)
        return "text/css; charset=utf-8";
    if (strcmp(suffix, ".js") == 0)
        return "text/javascript; charset=utf-8";
    return "text/html; charset=utf-8";
}
