#include "master/journal_turn.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/machine.h"
#include "base/mem.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_AT = 8, BOOT_AT = 16, VERSION_AT = 56, CRC_AT = 60, VERSION = 1 };

static_assert((int)JOURNAL_BOOT_BYTES == (int)MACHINE_BOOT_BYTES,
              "without an id all boots are the same: a loss of power may be taken for damage");

static const char MAGIC[NUMBER_AT] = {'m', 'r', 'l', 'u', 'a', 'T', 'R', 'N'};

int journal_turn_write(struct journal_turn *turn, uint64_t number, struct err *err)
{
    char bytes[JOURNAL_TURN_BYTES] = {0};

    memcpy(bytes, MAGIC, sizeof MAGIC);
    put_u64le(bytes + NUMBER_AT, number);
    memcpy(bytes + BOOT_AT, turn->boot, sizeof turn->boot);
    put_u32le(bytes + VERSION_AT, VERSION);
    put_u32le(bytes + CRC_AT, crc32c(0, bytes, CRC_AT));
    return io_pwrite(turn->fd, bytes, sizeof bytes, 0, turn->path, err);
}

static int check(const struct journal_turn *turn, const char *bytes, uint64_t number,
                 struct err *err)
{
    uint64_t said = get_u64le(bytes + NUMBER_AT);

    if (memcmp(bytes, MAGIC, sizeof MAGIC) != 0 || get_u32le(bytes + VERSION_AT) != VERSION ||
        get_u32le(bytes + CRC_AT) != crc32c(0, bytes, CRC_AT))
        return err_set(err, ERR_SETUP, "%s is damaged", turn->path);
    if (said > number && memcmp(bytes + BOOT_AT, turn->boot, sizeof turn->boot) == 0)
        return err_set(err, ERR_SETUP,
                       "the journal has lost what it wrote last: %s knows of turn %llu, it ends "
                       "with turn %llu. To go on without them remove that file",
                       turn->path, (unsigned long long)said, (unsigned long long)number);
    return 0;
}

static int make(struct journal_turn *turn, const char *folder, uint64_t number, struct err *err)
{
    if (journal_turn_write(turn, number, err) != 0 || io_fsync(turn->fd, turn->path, err) != 0)
        return -1;
    return io_fsync_folder(folder, err);
}

int journal_turn_init(struct journal_turn *turn, const char *folder, uint64_t number,
                      struct err *err)
{
    char bytes[JOURNAL_TURN_BYTES];
    struct buf path = {0};
    ssize_t len;

    buf_printf(&path, "%s/turn", folder);
    *turn = (struct journal_turn){.path = mem_strdup(buf_string(&path))};
    buf_deinit(&path);
    machine_boot_id(turn->boot);
    turn->fd = open(turn->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (turn->fd < 0)
        return err_set_errno(err, ERR_SETUP, "open %s", turn->path);
    len = io_pread(turn->fd, bytes, sizeof bytes, 0, turn->path, ERR_SETUP, err);
    if (len < 0)
        return -1;
    if (len == 0)
        return make(turn, folder, number, err);
    if (len < JOURNAL_TURN_BYTES)
        return err_set(err, ERR_SETUP, "%s is damaged: it is cut off", turn->path);
    return check(turn, bytes, number, err);
}

void journal_turn_deinit(struct journal_turn *turn)
{
    io_close(&turn->fd);
    free(turn->path);
    *turn = (struct journal_turn){.fd = -1};
}
