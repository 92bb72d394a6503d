/*
 * page_files: the files of the page, which are compiled in (engine/master/page/).
 *
 *     file = page_file_find(slice_of_string("page.css"));       NULL: there is none
 */
#ifndef MASTER_PAGE_FILES_H
#define MASTER_PAGE_FILES_H

#include "base/slice.h"

#include <stddef.h>

struct page_file {
    const char *name;
    const unsigned char *bytes;
    size_t len;
};

/* Made by page/embed.cmake; the last one has no name. */
extern const struct page_file PAGE_FILES[];

const struct page_file *page_file_find(struct slice name);

/* "text/css; charset=utf-8" */
const char *page_file_type(const struct page_file *file);

#endif
