/*
 * kit: a nursery, a folder and one job for tests that run real attempts.
 *
 *     struct kit kit;
 *     kit_open(&kit);
 *     kit_job(&kit, "return { map = function(_, line, emit) ... end }");
 *     done = kit_map(&kit, 0, path);               NULL: kit.err, kit.detail
 *     done = kit_reduce(&kit, 0);                  of the maps that were done
 *     kit_close(&kit);
 *
 * The test's main() must start with KIT_NURSERY(argc, argv): the nursery is the test itself,
 * executed again.
 */
#ifndef CTEST_ATTEMPT_KIT_H
#define CTEST_ATTEMPT_KIT_H

#include "test.h"

#include "attempt/attempt.h"
#include "attempt/fetch.h"
#include "base/io.h"
#include "folder.h"
#include "record/value.h"
#include "store/file.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIT_NURSERY(argc, argv)                                                                    \
    do {                                                                                           \
        if (nursery_is_asked(argc, argv))                                                          \
            return nursery_main();                                                                 \
    } while (0)

enum { KIT_MAP_COUNT_MAX = FETCH_IN_PLACE_MAX + 1 };

struct kit {
    struct nursery *nursery;
    struct folder folder;
    struct buf bundle;
    struct buf log; /* what the job printed */
    struct buf detail;
    struct buf capsule; /* the part of the last attempt that failed */
    struct buf bad;     /* the records that the last attempt could not do, one a line */
    struct err err;
    Mrlua__Limits limits;
    Mrlua__TaskStart start; /* changed freely between attempts */
    char result_path[FOLDER_PATH_BYTES + 64];
    uint64_t last_attempt;
    uint32_t progress_count, started_pid;
    Mrlua__Error failure; /* numbers only */
    /* What the maps left. */
    Mrlua__MapOutput maps[KIT_MAP_COUNT_MAX], *map_list[KIT_MAP_COUNT_MAX];
    char map_paths[KIT_MAP_COUNT_MAX][FOLDER_PATH_BYTES + 64];
    Mrlua__RunId runs[KIT_MAP_COUNT_MAX]; /* of those that were not written by their attempt */
    uint32_t map_count;
};

static inline void kit_open(struct kit *kit)
{
    *kit = (struct kit){0};
    kit->nursery = nursery_start(&kit->err);
    assert_non_null(kit->nursery);
    folder_make(&kit->folder);
    mrlua__limits__init(&kit->limits);
    kit->limits.memory_bytes = 64 << 20;
    kit->limits.progress_ms = 60 * 1000;
    kit->limits.record_ms = 60 * 1000;
    mrlua__task_start__init(&kit->start);
    kit->start.job = 1;
    kit->start.limits = &kit->limits;
    kit->start.partition_count = 1;
    kit->start.sort_buffer_bytes = 1 << 20;
    kit->start.input = "lines";
    kit->start.output = "tsv";
    kit->start.tmp_folder = kit->folder.path;
}

static inline void kit_close(struct kit *kit)
{
    nursery_stop(kit->nursery);
    folder_remove(&kit->folder);
    buf_deinit(&kit->bundle);
    buf_deinit(&kit->log);
    buf_deinit(&kit->detail);
    buf_deinit(&kit->capsule);
    buf_deinit(&kit->bad);
}

static inline void kit_job(struct kit *kit, const char *source)
{
    buf_clear(&kit->bundle);
    value_write_table_begin(&kit->bundle);
    value_write_string(&kit->bundle, slice_of_string("path"));
    value_write_string(&kit->bundle, slice_of_string("job.lua"));
    value_write_string(&kit->bundle, slice_of_string("source"));
    value_write_string(&kit->bundle, slice_of_string(source));
    value_write_table_end(&kit->bundle);
    kit->start.bundle = (ProtobufCBinaryData){kit->bundle.len, (uint8_t *)kit->bundle.ptr};
    kit->map_count = 0;
}

/* Writes an input and answers its path: good until the eighth call after this. */
static inline const char *kit_file(struct kit *kit, const char *name, const char *text)
{
    folder_write(&kit->folder, name, text, strlen(text));
    return folder_path(&kit->folder, name);
}

/* Is that the text of the result of the last attempt? */
static inline void kit_expect(struct kit *kit, const char *text)
{
    struct buf found = {0};

    if (io_read_file(kit->result_path, 1 << 20, &found, ERR_INPUT, &kit->err) != 0)
        fail_msg("%s", kit->err.message);
    assert_string_equal(buf_string(&found), text);
    buf_deinit(&found);
}

static inline void kit_piece(Mrlua__Piece *piece, const char *path, uint64_t offset,
                             uint64_t length)
{
    struct file_identity identity;
    struct err err;
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    assert_int_equal(file_identify(fd, "input", path, &identity, &err), 0);
    close(fd);
    mrlua__piece__init(piece);
    piece->path = piece->name = (char *)path;
    piece->size = identity.size;
    piece->mtime_ns = identity.mtime_ns;
    piece->inode = identity.inode;
    piece->device = identity.device;
    piece->offset = offset;
    piece->length = length == UINT64_MAX ? identity.size : length;
}

/* "2 at 0:6: job.lua:1: no", or of a key "2 "b": job.lua:1: no". */
static inline void kit_hear_bad(struct kit *kit, const Mrlua__BadRecord *bad)
{
    buf_printf(&kit->bad, "%llu ", (unsigned long long)bad->record);
    if (bad->key[0])
        buf_printf(&kit->bad, "%s", bad->key);
    else
        buf_printf(&kit->bad, "at %u:%llu", bad->piece, (unsigned long long)bad->offset);
    buf_printf(&kit->bad, ": %s\n", bad->error);
}

/* The next attempts leave these out, and may find so many more. */
static inline void kit_skip(struct kit *kit, uint64_t *records, size_t count, uint32_t left)
{
    kit->start.skip = records;
    kit->start.n_skip = count;
    kit->start.skip_left = left;
}

static inline void kit_hear(struct kit *kit, const struct frame *frame, Mrlua__Done **done)
{
    Mrlua__Failed *failed;
    Mrlua__Log *log;
    Mrlua__Started *started;

    switch (frame->type) {
    case MESSAGE_STARTED:
        started = message_unpack(&mrlua__started__descriptor, frame->payload, &kit->err);
        kit->started_pid = started->pid;
        message_free(started);
        break;
    case MESSAGE_PROGRESS:
        kit->progress_count++;
        break;
    case MESSAGE_LOG:
        log = message_unpack(&mrlua__log__descriptor, frame->payload, &kit->err);
        buf_printf(&kit->log, "%s\n", log->text);
        message_free(log);
        break;
    case MESSAGE_DONE:
        assert_null(*done);
        *done = message_unpack(&mrlua__done__descriptor, frame->payload, &kit->err);
        assert_non_null(*done);
        break;
    case MESSAGE_FAILED:
        failed = message_unpack(&mrlua__failed__descriptor, frame->payload, &kit->err);
        assert_non_null(failed);
        message_to_err(failed->error, &kit->err);
        buf_append_string(&kit->detail, failed->error->detail);
        kit->failure.peer_map = failed->error->peer_map;
        kit->failure.peer_attempt = failed->error->peer_attempt;
        buf_append(&kit->capsule, failed->error->capsule.data, failed->error->capsule.len);
        for (size_t i = 0; i < failed->error->n_bad; i++)
            kit_hear_bad(kit, failed->error->bad[i]);
        message_free(failed);
        break;
    default:
        fail_msg("message of type %u", frame->type);
    }
}

/* Until it has ended. The caller frees what it answers. */
static inline Mrlua__Done *kit_await(struct kit *kit, struct attempt *attempt)
{
    Mrlua__Done *done = NULL;
    struct frame frame;
    struct err err;
    int rc;

    while ((rc = attempt_read(attempt, &frame, &err)) >= 0) {
        struct pollfd poll_attempt = {.fd = attempt->fd, .events = POLLIN};

        if (rc == 1)
            kit_hear(kit, &frame, &done);
        else
            poll(&poll_attempt, 1, -1);
    }
    if (!done && kit->err.kind == ERR_NONE)
        kit->err = err; /* neither Done nor Failed */
    attempt_end(attempt);
    return done;
}

/* Runs kit->start to its end. */
static inline Mrlua__Done *kit_run(struct kit *kit)
{
    struct attempt attempt;

    kit->err = (struct err){0};
    kit->progress_count = 0;
    kit->started_pid = 0;
    buf_clear(&kit->log);
    buf_clear(&kit->detail);
    buf_clear(&kit->capsule);
    buf_clear(&kit->bad);
    kit->start.attempt = ++kit->last_attempt;
    if (attempt_start(kit->nursery, &kit->start, &attempt, &kit->err) != 0)
        return NULL;
    return kit_await(kit, &attempt);
}

/* Runs map `map` over the pieces. */
static inline Mrlua__Done *kit_map_pieces(struct kit *kit, uint32_t map, Mrlua__Piece **pieces,
                                          size_t count)
{
    Mrlua__MapOutput *output = &kit->maps[map];
    Mrlua__Done *done;

    snprintf(kit->result_path, sizeof kit->result_path, "%s/map-%u.%llu.run", kit->folder.path, map,
             (unsigned long long)kit->last_attempt + 1);
    kit->start.kind = MRLUA__TASK_KIND__MAP;
    kit->start.task = map;
    kit->start.result_path = kit->result_path;
    kit->start.pieces = pieces;
    kit->start.n_pieces = count;
    done = kit_run(kit);
    kit->start.pieces = NULL;
    kit->start.n_pieces = 0;
    if (!done)
        return NULL;
    snprintf(kit->map_paths[map], sizeof kit->map_paths[map], "%s", done->path);
    mrlua__map_output__init(output);
    output->map = map;
    output->attempt = kit->last_attempt;
    output->path = kit->map_paths[map];
    if (done->run) {
        kit->runs[map] = *done->run;
        output->run = &kit->runs[map];
    }
    kit->map_list[map] = output;
    if (map >= kit->map_count)
        kit->map_count = map + 1;
    return done;
}

/* Runs map `map` over the whole of one file. */
static inline Mrlua__Done *kit_map(struct kit *kit, uint32_t map, const char *path)
{
    Mrlua__Piece piece, *pieces[] = {&piece};

    kit_piece(&piece, path, 0, UINT64_MAX);
    return kit_map_pieces(kit, map, pieces, 1);
}

static inline Mrlua__Done *kit_reduce(struct kit *kit, uint32_t partition)
{
    Mrlua__Done *done;

    snprintf(kit->result_path, sizeof kit->result_path, "%s/part-%u.%llu", kit->folder.path,
             partition, (unsigned long long)kit->last_attempt + 1);
    kit->start.kind = MRLUA__TASK_KIND__REDUCE;
    kit->start.task = partition;
    kit->start.result_path = kit->result_path;
    kit->start.map_outputs = kit->map_list;
    kit->start.n_map_outputs = kit->map_count;
    done = kit_run(kit);
    kit->start.map_outputs = NULL;
    kit->start.n_map_outputs = 0;
    return done;
}

/* The same where failing is not expected: the message is shown. */
static inline void kit_must(struct kit *kit, Mrlua__Done *done)
{
    if (!done)
        fail_msg("%s: %s\n%s", err_kind_name(kit->err.kind), kit->err.message,
                 buf_string(&kit->detail));
    message_free(done);
}

static inline int64_t kit_counter(const Mrlua__Done *done, const char *name)
{
    for (size_t i = 0; i < done->n_counters; i++)
        if (strcmp(done->counters[i]->name, name) == 0)
            return done->counters[i]->value;
    return -1;
}

/* For cmocka: every test with a kit of its own. */
static struct kit kit;

static inline int kit_set_up(void **state)
{
    (void)state;
    kit_open(&kit);
    return 0;
}

static inline int kit_tear_down(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

#define WORDCOUNT(combine, reduce)                                                                 \
    "return { combine = " combine ", reduce = " reduce ",\n"                                       \
    "  map = function(_, line, emit)\n"                                                            \
    "    for word in line:gmatch('%a+') do emit(word, 1) end\n"                                    \
    "  end }\n"
#define TOTAL                                                                                      \
    "function(word, counts, emit)\n"                                                               \
    "  local total = 0\n"                                                                          \
    "  for n in counts do total = total + n end\n"                                                 \
    "  emit(word, total)\n"                                                                        \
    "end"

#endif
