#include "master/journal.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/mem.h"
#include "master/journal_turn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROW_HEADER_BYTES = 32, BUSY_MS = 2000 };

/* What a turn adds, or, with kind 0, a job whose rows it removes. */
struct pending {
    int kind;
    uint64_t job_id;
    size_t offset, len; /* of its payload, in `payloads` */
};

enum statement {
    INSERT_ROW,
    SUM_JOB,
    DELETE_JOB,
    OLD_HISTORY,
    DELETE_ROW,
    WRITE_HEAD,
    STATEMENT_COUNT,
};

static const char *const SQL[STATEMENT_COUNT] = {
    [INSERT_ROW] = "INSERT INTO rows(seq, version, kind, job, payload, crc32c) "
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [SUM_JOB] = "SELECT crc32c FROM rows WHERE job = ?1 AND kind != 4",
    [DELETE_JOB] = "DELETE FROM rows WHERE job = ?1 AND kind != 4",
    [OLD_HISTORY] = "SELECT job, seq, crc32c FROM rows WHERE kind = 4 ORDER BY seq LIMIT 1",
    [DELETE_ROW] = "DELETE FROM rows WHERE job = ?1 AND seq = ?2",
    [WRITE_HEAD] = "UPDATE head SET row_count = ?1, sum = ?2, seq_next = ?3, turn = ?4, "
                   "history_count = ?5, crc32c = ?6 WHERE id = 1",
};

/* A row is found by its job, because that is how it goes. */
static const char SCHEMA[] =
    "BEGIN;"
    "CREATE TABLE rows(seq INTEGER NOT NULL, version INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " job INTEGER NOT NULL, payload BLOB NOT NULL, crc32c INTEGER NOT NULL,"
    " PRIMARY KEY(job, seq)) WITHOUT ROWID;"
    "CREATE TABLE head(id INTEGER PRIMARY KEY, row_count INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " seq_next INTEGER NOT NULL, turn INTEGER NOT NULL, history_count INTEGER NOT NULL,"
    " crc32c INTEGER NOT NULL);"
    "INSERT INTO head VALUES(1, 0, 0, 1, 0, 0, 0);"
    "PRAGMA user_version = 2;"
    "COMMIT;";

/* Rows of this version may follow: an engine of an older one is to refuse it from now on. */
static const char STAMP[] = "PRAGMA user_version = 2;";

/* All that is known of the table `rows` without reading it. */
struct head {
    uint64_t row_count, sum, seq_next, turn, history_count;
};

struct journal {
    char *folder, *path;
    int lock_fd;
    struct journal_turn turn; /* the file */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    bool is_durable; /* synchronous=FULL is set */
    struct head head;
    struct pending *pending;
    size_t pending_count, pending_capacity;
    struct buf payloads;
};

static int db_failed(struct journal *journal, enum err_kind kind, struct err *err)
{
    return err_set(err, kind, "journal %s: %s", journal->path, sqlite3_errmsg(journal->db));
}

static int damaged(const struct journal *journal, struct err *err, const char *what)
{
    return err_set(err, ERR_SETUP, "journal %s is damaged: %s", journal->path, what);
}

static int run_sql(struct journal *journal, const char *sql, enum err_kind kind, struct err *err)
{
    if (sqlite3_exec(journal->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_failed(journal, kind, err);
    return 0;
}

static uint32_t head_crc(const struct head *head)
{
    char bytes[40];

    put_u64le(bytes, head->row_count);
    put_u64le(bytes + 8, head->sum);
    put_u64le(bytes + 16, head->seq_next);
    put_u64le(bytes + 24, head->turn);
    put_u64le(bytes + 32, head->history_count);
    return crc32c(0, bytes, sizeof bytes);
}

static uint32_t row_crc(uint64_t seq, const struct journal_row *row)
{
    char header[ROW_HEADER_BYTES];

    put_u64le(header, seq);
    put_u64le(header + 8, row->version);
    put_u64le(header + 16, (uint64_t)row->kind);
    put_u64le(header + 24, row->job_id);
    return crc32c(crc32c(0, header, sizeof header), row->payload.ptr, row->payload.len);
}

/* ---- opening ---- */

/* Who has the lock; 0: nobody, any more. */
static int holder_of(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? (int)lock.l_pid : 0;
}

/* A lock of the process, not of the descriptor (flock): a helper that is forked has every
 * descriptor for a moment, and would hold the folder when its master is killed in that moment. */
static int take_lock(struct journal *journal, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct buf path = {0};
    int rc = 0;

    buf_printf(&path, "%s/lock", journal->folder);
    journal->lock_fd = open(buf_string(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->lock_fd < 0)
        rc = err_set_errno(err, ERR_SETUP, "open %s", path.ptr);
    else if (fcntl(journal->lock_fd, F_SETLK, &lock) != 0)
        rc = err_set(err, ERR_SETUP,
                     "the state folder %s belongs to a master that is running (process %d)",
                     journal->folder, holder_of(journal->lock_fd));
    buf_deinit(&path);
    return rc;
}

static int query_integer(struct journal *journal, const char *sql, int64_t *out, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        rc = 0;
    } else {
        db_failed(journal, ERR_SETUP, err);
    }
    sqlite3_finalize(statement);
    return rc;
}

/* A new file has no version and no tables; a damaged one has one of them. *version: of the
 * journal, which may be an older one. */
static int make_tables(struct journal *journal, int64_t *version, struct err *err)
{
    int64_t table_count = 0;

    if (query_integer(journal, "PRAGMA user_version", version, err) != 0 ||
        query_integer(journal, "SELECT count(*) FROM sqlite_master", &table_count, err) != 0)
        return -1;
    if (*version == 0 && table_count == 0) {
        *version = JOURNAL_VERSION;
        return run_sql(journal, SCHEMA, ERR_SETUP, err);
    }
    if (*version < JOURNAL_VERSION_OLDEST || *version > JOURNAL_VERSION)
        return err_set(err, ERR_SETUP,
                       "journal %s has version %lld, this engine reads versions %d to %d",
                       journal->path, (long long)*version, JOURNAL_VERSION_OLDEST, JOURNAL_VERSION);
    return 0;
}

static int check_pages(struct journal *journal, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    const char *said = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(journal->db, "PRAGMA integrity_check(1)", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        said = (const char *)sqlite3_column_text(statement, 0);
    if (!said)
        db_failed(journal, ERR_SETUP, err);
    else if (strcmp(said, "ok") != 0)
        damaged(journal, err, said);
    else
        rc = 0;
    sqlite3_finalize(statement);
    return rc;
}

static int read_head(struct journal *journal, struct err *err)
{
    struct head *head = &journal->head;
    sqlite3_stmt *statement = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(journal->db,
                           "SELECT row_count, sum, seq_next, turn, history_count, crc32c FROM head "
                           "WHERE id = 1",
                           -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        damaged(journal, err, "it has no head");
        goto out;
    }
    head->row_count = (uint64_t)sqlite3_column_int64(statement, 0);
    head->sum = (uint64_t)sqlite3_column_int64(statement, 1);
    head->seq_next = (uint64_t)sqlite3_column_int64(statement, 2);
    head->turn = (uint64_t)sqlite3_column_int64(statement, 3);
    head->history_count = (uint64_t)sqlite3_column_int64(statement, 4);
    if (head->turn == 0) { /* as SCHEMA makes it */
        rc = head->row_count == 0 && head->sum == 0 && head->seq_next == 1 &&
                     head->history_count == 0 && sqlite3_column_int64(statement, 5) == 0
                 ? 0
                 : damaged(journal, err, "the checksum of its head");
    } else if (sqlite3_column_int64(statement, 5) != (int64_t)head_crc(head)) {
        damaged(journal, err, "the checksum of its head");
    } else {
        rc = 0;
    }
out:
    sqlite3_finalize(statement);
    return rc;
}

/* In exclusive mode the index of the write-ahead log is in memory: no third file to go wrong. */
static int open_db(struct journal *journal, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int64_t version = 0;

    if (sqlite3_open_v2(journal->path, &journal->db, flags, NULL) != SQLITE_OK)
        return db_failed(journal, ERR_SETUP, err);
    sqlite3_busy_timeout(journal->db, BUSY_MS);
    if (run_sql(journal, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;", ERR_SETUP,
                err) != 0 ||
        run_sql(journal, "PRAGMA synchronous=NORMAL;", ERR_SETUP, err) != 0 ||
        make_tables(journal, &version, err) != 0 || check_pages(journal, err) != 0 ||
        read_head(journal, err) != 0)
        return -1;
    if (version < JOURNAL_VERSION && run_sql(journal, STAMP, ERR_SETUP, err) != 0)
        return -1;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(journal->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &journal->statements[i], NULL) != SQLITE_OK)
            return db_failed(journal, ERR_SETUP, err);
    return 0;
}

struct journal *journal_open(const char *folder, struct err *err)
{
    struct journal *journal = mem_alloc(sizeof *journal);
    struct buf path = {0};

    journal->lock_fd = -1;
    journal->turn.fd = -1;
    journal->folder = mem_strdup(folder);
    buf_printf(&path, "%s/journal.db", folder);
    journal->path = mem_strdup(buf_string(&path));
    buf_deinit(&path);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        err_set_errno(err, ERR_SETUP, "make the state folder %s", folder);
    else if (take_lock(journal, err) == 0 && open_db(journal, err) == 0 &&
             journal_turn_init(&journal->turn, folder, journal->head.turn, err) == 0)
        return journal;
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(journal->statements[i]);
    sqlite3_close(journal->db);
    journal_turn_deinit(&journal->turn);
    io_close(&journal->lock_fd);
    buf_deinit(&journal->payloads);
    free(journal->pending);
    free(journal->folder);
    free(journal->path);
    free(journal);
}

static bool is_kind(int64_t kind)
{
    return (kind >= JOURNAL_FACT && kind <= JOURNAL_STEP) || kind == JOURNAL_FILES;
}

/* ---- reading ---- */

/* 1: *row is one, 0: it is damaged. */
static bool decode_row(sqlite3_stmt *statement, struct journal_row *row, uint64_t *sum)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(statement, 0);
    int64_t version = sqlite3_column_int64(statement, 1);
    int64_t kind = sqlite3_column_int64(statement, 2);
    int64_t crc = sqlite3_column_int64(statement, 5);
    const void *payload = sqlite3_column_blob(statement, 4);

    *row = (struct journal_row){
        .kind = (enum journal_kind)kind,
        .job_id = (uint64_t)sqlite3_column_int64(statement, 3),
        .version = (uint64_t)version,
        .payload = slice_of(payload, (size_t)sqlite3_column_bytes(statement, 4)),
    };
    *sum += (uint64_t)crc;
    return is_kind(kind) && version >= JOURNAL_VERSION_OLDEST && version <= JOURNAL_VERSION &&
           crc == (int64_t)row_crc(seq, row);
}

int journal_read(struct journal *journal,
                 int (*take)(void *context, const struct journal_row *row, struct err *err),
                 void *context, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    uint64_t count = 0, sum = 0;
    struct journal_row row;
    int step, rc = -1;

    if (sqlite3_prepare_v2(journal->db,
                           "SELECT seq, version, kind, job, payload, crc32c FROM rows "
                           "ORDER BY seq",
                           -1, &statement, NULL) != SQLITE_OK) {
        db_failed(journal, ERR_SETUP, err);
        goto out;
    }
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!decode_row(statement, &row, &sum)) {
            damaged(journal, err, "the checksum of a row");
            goto out;
        }
        count++;
        if (take(context, &row, err) != 0)
            goto out;
    }
    if (step != SQLITE_DONE)
        db_failed(journal, ERR_SETUP, err);
    else if (count != journal->head.row_count || sum != journal->head.sum)
        damaged(journal, err, "rows are missing");
    else
        rc = 0;
out:
    sqlite3_finalize(statement);
    return rc;
}

uint64_t journal_row_count(const struct journal *journal)
{
    return journal->head.row_count;
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
    struct buf name = {0};
    struct stat file;
    uint64_t bytes = 0;

    buf_printf(&name, "%s%s", path, suffix);
    if (stat(buf_string(&name), &file) == 0)
        bytes = (uint64_t)file.st_size;
    buf_deinit(&name);
    return bytes;
}

uint64_t journal_bytes(const struct journal *journal)
{
    return file_bytes(journal->path, "") + file_bytes(journal->path, "-wal");
}

/* ---- writing ---- */

static struct pending *add_pending(struct journal *journal)
{
    if (journal->pending_count == journal->pending_capacity) {
        journal->pending_capacity = journal->pending_capacity ? 2 * journal->pending_capacity : 16;
        journal->pending = mem_realloc_array(journal->pending, journal->pending_capacity,
                                             sizeof *journal->pending);
    }
    return &journal->pending[journal->pending_count++];
}

void journal_append(struct journal *journal, enum journal_kind kind, uint64_t job_id,
                    struct slice payload)
{
    assert(is_kind(kind));
    assert(job_id <= INT64_MAX);
    *add_pending(journal) = (struct pending){
        .kind = (int)kind, .job_id = job_id, .offset = journal->payloads.len, .len = payload.len};
    buf_append(&journal->payloads, payload.ptr, payload.len);
}

void journal_remove(struct journal *journal, uint64_t job_id)
{
    *add_pending(journal) = (struct pending){.job_id = job_id};
}

/* Runs a statement that answers nothing. */
static int finish(struct journal *journal, enum statement which, struct err *err)
{
    sqlite3_stmt *statement = journal->statements[which];
    int step = sqlite3_step(statement);

    sqlite3_reset(statement);
    return step == SQLITE_DONE ? 0 : db_failed(journal, ERR_DISK, err);
}

static int write_row(struct journal *journal, struct head *head, const struct pending *pending,
                     struct err *err)
{
    sqlite3_stmt *statement = journal->statements[INSERT_ROW];
    const char *payload = pending->len ? journal->payloads.ptr + pending->offset : "";
    struct journal_row row = {.kind = (enum journal_kind)pending->kind,
                              .job_id = pending->job_id,
                              .version = JOURNAL_VERSION,
                              .payload = slice_of(payload, pending->len)};
    uint32_t crc = row_crc(head->seq_next, &row);

    sqlite3_bind_int64(statement, 1, (int64_t)head->seq_next);
    sqlite3_bind_int(statement, 2, JOURNAL_VERSION);
    sqlite3_bind_int(statement, 3, pending->kind);
    sqlite3_bind_int64(statement, 4, (int64_t)pending->job_id);
    if (sqlite3_bind_blob64(statement, 5, payload, pending->len, SQLITE_STATIC) != SQLITE_OK)
        return db_failed(journal, ERR_DISK, err);
    sqlite3_bind_int64(statement, 6, (int64_t)crc);
    head->seq_next++;
    head->row_count++;
    head->sum += crc;
    head->history_count += pending->kind == JOURNAL_HISTORY;
    return finish(journal, INSERT_ROW, err);
}

static int remove_job(struct journal *journal, struct head *head, uint64_t job_id, struct err *err)
{
    sqlite3_stmt *statement = journal->statements[SUM_JOB];
    int step;

    sqlite3_bind_int64(statement, 1, (int64_t)job_id);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        head->row_count--;
        head->sum -= (uint64_t)sqlite3_column_int64(statement, 0);
    }
    sqlite3_reset(statement);
    if (step != SQLITE_DONE)
        return db_failed(journal, ERR_DISK, err);
    sqlite3_bind_int64(journal->statements[DELETE_JOB], 1, (int64_t)job_id);
    return finish(journal, DELETE_JOB, err);
}

static int remove_old_history(struct journal *journal, struct head *head, struct err *err)
{
    sqlite3_stmt *oldest = journal->statements[OLD_HISTORY];

    while (head->history_count > JOURNAL_HISTORY_COUNT_MAX) {
        if (sqlite3_step(oldest) != SQLITE_ROW)
            return db_failed(journal, ERR_DISK, err);
        sqlite3_bind_int64(journal->statements[DELETE_ROW], 1, sqlite3_column_int64(oldest, 0));
        sqlite3_bind_int64(journal->statements[DELETE_ROW], 2, sqlite3_column_int64(oldest, 1));
        head->sum -= (uint64_t)sqlite3_column_int64(oldest, 2);
        head->row_count--;
        head->history_count--;
        sqlite3_reset(oldest);
        if (finish(journal, DELETE_ROW, err) != 0)
            return -1;
    }
    return 0;
}

static int write_head(struct journal *journal, struct head *head, struct err *err)
{
    sqlite3_stmt *statement = journal->statements[WRITE_HEAD];

    head->turn++;
    sqlite3_bind_int64(statement, 1, (int64_t)head->row_count);
    sqlite3_bind_int64(statement, 2, (int64_t)head->sum);
    sqlite3_bind_int64(statement, 3, (int64_t)head->seq_next);
    sqlite3_bind_int64(statement, 4, (int64_t)head->turn);
    sqlite3_bind_int64(statement, 5, (int64_t)head->history_count);
    sqlite3_bind_int64(statement, 6, (int64_t)head_crc(head));
    return finish(journal, WRITE_HEAD, err);
}

static int write_turn(struct journal *journal, struct head *head, struct err *err)
{
    for (size_t i = 0; i < journal->pending_count; i++) {
        const struct pending *pending = &journal->pending[i];
        int rc = pending->kind ? write_row(journal, head, pending, err)
                               : remove_job(journal, head, pending->job_id, err);

        if (rc != 0)
            return -1;
    }
    if (remove_old_history(journal, head, err) != 0)
        return -1;
    return write_head(journal, head, err);
}

int journal_commit(struct journal *journal, bool is_durable, struct err *err)
{
    struct head head = journal->head;

    if (journal->pending_count == 0)
        return 0;
    if (is_durable != journal->is_durable &&
        run_sql(journal, is_durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
                ERR_DISK, err) != 0)
        return -1;
    journal->is_durable = is_durable;
    if (run_sql(journal, "BEGIN IMMEDIATE", ERR_DISK, err) != 0)
        return -1;
    if (write_turn(journal, &head, err) != 0 || run_sql(journal, "COMMIT", ERR_DISK, err) != 0)
        return -1;
    journal->head = head;
    journal->pending_count = 0;
    buf_clear(&journal->payloads);
    return journal_turn_write(&journal->turn, head.turn, err);
}
