/*
 * processes: whom a process has started, for tests that count and signal them.
 */
#ifndef CTEST_PROCESSES_H
#define CTEST_PROCESSES_H

#include "test.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Processes whose parent is `parent`; the last one found in *pid. */
static inline int children_of(pid_t parent, pid_t *pid)
{
    struct dirent *entry;
    DIR *folder = opendir("/proc");
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[300], line[512] = "";
        const char *behind_name;
        int its_parent;
        FILE *file;

        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        file = isdigit((unsigned char)entry->d_name[0]) ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        behind_name = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        fclose(file);
        if (behind_name && sscanf(behind_name, ") %*c %d", &its_parent) == 1 &&
            its_parent == parent) {
            count++;
            *pid = atoi(entry->d_name);
        }
    }
    closedir(folder);
    return count;
}

#endif
