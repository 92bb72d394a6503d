#include "base/build.h"

#include <assert.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

static size_t padded(size_t bytes)
{
    return (bytes + 3) & ~(size_t)3;
}

/* The id among the notes of `bytes` bytes from `notes` on. */
static bool find_in(const char *notes, size_t bytes, struct slice *id)
{
    ElfW(Nhdr) note;

    for (size_t at = 0; at + sizeof note <= bytes;) {
        size_t name = at + sizeof note, text;

        memcpy(&note, notes + at, sizeof note);
        text = name + padded(note.n_namesz);
        at = text + padded(note.n_descsz);
        if (at > bytes)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof "GNU" &&
            memcmp(notes + name, "GNU", sizeof "GNU") == 0) {
            *id = slice_of(notes + text, note.n_descsz);
            return true;
        }
    }
    return false;
}

/* The executable comes first, before the libraries it has loaded: 1 ends the search there. */
static int look_at_executable(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type == PT_NOTE &&
            find_in((const char *)(uintptr_t)(info->dlpi_addr + header->p_vaddr), header->p_memsz,
                    context))
            break;
    }
    return 1;
}

struct slice build_id(void)
{
    static struct slice id;

    if (id.len == 0)
        dl_iterate_phdr(look_at_executable, &id);
    assert(id.len > 0); /* CMakeLists.txt asks the linker for it */
    return id;
}
