/* Side files from a plan to the job's functions: all attempts read the same bytes, or say why not.
 */
#include "attempt/side_files.h"

#include "attempt/kit.h"
#include "base/hash.h"
#include "fault/fault.h"
#include "store/gcs_server.h"

#include <sys/file.h>

/* What the job is asked to read, as a plan request has it. */
static struct side_files asked, pinned;

static void ask(const char *name, const char *path)
{
    static char paths[CHILD_FILE_COUNT_MAX][FOLDER_PATH_BYTES + 64];
    char *kept = paths[asked.count];
    Mrlua__SideFile *file = side_files_add(&asked, NULL);

    snprintf(kept, sizeof paths[0], "%s", path);
    file->name = (char *)(uintptr_t)name;
    file->path = kept;
}

static int pin(void)
{
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;

    request.files = asked.list;
    request.n_files = asked.count;
    return side_files_pin(&request, &pinned, &kit.err);
}

static void must_pin(void)
{
    if (pin() != 0)
        fail_msg("%s", kit.err.message);
    kit.start.files = pinned.list;
    kit.start.n_files = pinned.count;
}

static int set_up(void **state)
{
    asked.count = pinned.count = 0;
    return kit_set_up(state);
}

/* A map prints what it finds in the side file "a". */
static Mrlua__Done *read_a(void)
{
    kit_job(&kit, "return { reduce = 'sum', map = function() print(mr.open('a'):read 'a') end }");
    return kit_map(&kit, 0, kit_file(&kit, "in.txt", "x\n"));
}

static void expect_a(const char *text)
{
    kit_must(&kit, read_a());
    assert_string_equal(buf_string(&kit.log), text);
}

static void expect_failure(enum err_kind kind, const char *message)
{
    Mrlua__Done *done = read_a();

    assert_null(done);
    if (!strstr(kit.err.message, message))
        fail_msg("%s", kit.err.message);
    assert_int_equal(kit.err.kind, kind);
}

/* Writes `name` so that nobody could tell by its time that it is another. */
static void damage(const char *name)
{
    int fd = open(folder_path(&kit.folder, name), O_RDWR);
    struct stat status;
    char byte;

    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(pread(fd, &byte, 1, 1), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 1), 1);
    assert_int_equal(futimens(fd, (struct timespec[]){status.st_atim, status.st_mtim}), 0);
    close(fd);
}

/* ---- plain files ---- */

static void every_kind_of_task_reads_plain_files(void **state)
{
    Mrlua__Done *done;

    (void)state;
    ask("a", kit_file(&kit, "a.txt", "first"));
    ask("b", kit_file(&kit, "b.txt", "second"));
    must_pin();
    kit_job(&kit, "local function all(name) return mr.open(name):read 'a' end\n"
                  "return { map = function(_, _, emit) emit(all 'a', all 'b') end,\n"
                  "reduce = function(key, values, emit) emit(key .. all 'b', values()) end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "x\n")));
    done = kit_reduce(&kit, 0);
    kit_must(&kit, done);
    kit_expect(&kit, "firstsecond\tsecond\n");
}

static void a_plan_refuses_what_cannot_be_read(void **state)
{
    (void)state;
    ask("a", "/nowhere/at/all");
    assert_int_equal(pin(), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "side file a: /nowhere/at/all: No such file or directory");
    asked.count = 0;
    ask("a", "/dev");
    assert_int_equal(pin(), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "side file a: file /dev: not a regular file");
}

static void a_job_has_16_files_and_no_more(void **state)
{
    static char names[CHILD_FILE_COUNT_MAX][8];
    Mrlua__SideFile *too_many[CHILD_FILE_COUNT_MAX + 1];
    Mrlua__PlanRequest request = MRLUA__PLAN_REQUEST__INIT;
    int fds[CHILD_FILE_COUNT_MAX];

    (void)state;
    for (int i = 0; i < CHILD_FILE_COUNT_MAX; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i + 1);
        ask(names[i], kit_file(&kit, names[i], names[i]));
    }
    must_pin();
    kit_job(&kit, "return { reduce = 'sum', map = function()\n"
                  "for i = 1, 16 do assert(mr.open('f' .. i):read 'a' == 'f' .. i) end end }");
    kit_must(&kit, kit_map(&kit, 0, kit_file(&kit, "in.txt", "x\n")));

    for (int i = 0; i <= CHILD_FILE_COUNT_MAX; i++)
        too_many[i] = &asked.items[0];
    request.files = kit.start.files = too_many;
    request.n_files = kit.start.n_files = CHILD_FILE_COUNT_MAX + 1;
    assert_int_equal(side_files_pin(&request, &pinned, &kit.err), -1);
    assert_string_equal(kit.err.message, "a job has 17 side files, 16 are the most");
    assert_int_equal(side_files_open(&kit.start, fds, &pinned, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
}

static void a_file_that_changed_since_the_plan_is_named(void **state)
{
    (void)state;
    ask("a", kit_file(&kit, "a.txt", "first"));
    must_pin();
    expect_a("first\n");
    kit_file(&kit, "b.txt", "first");
    assert_int_equal(rename(folder_path(&kit.folder, "b.txt"), folder_path(&kit.folder, "a.txt")),
                     0);
    expect_failure(ERR_INPUT, "side file a changed since the job was planned");
    assert_int_equal(unlink(folder_path(&kit.folder, "a.txt")), 0);
    expect_failure(ERR_INPUT, "side file a: No such file or directory");
}

/* Of a step: what the first plan of the job has said stays. */
static void what_is_pinned_is_not_looked_up_again(void **state)
{
    (void)state;
    ask("a", kit_file(&kit, "a.txt", "first"));
    must_pin();
    asked.items[0] = pinned.items[0];
    kit_file(&kit, "a.txt", "second");
    must_pin();
    assert_int_equal(pinned.items[0].size, 5);
    expect_failure(ERR_INPUT, "side file a changed since the job was planned");
}

/* The child has them where it was told, and may only read. */
static void a_child_cannot_write_to_them(void **state)
{
    char path[64], line[64];
    struct attempt attempt;
    struct frame frame;
    Mrlua__Done *done = NULL;
    Mrlua__Piece piece, *pieces[] = {&piece};
    unsigned flags = O_RDWR;
    FILE *info;

    (void)state;
    ask("a", kit_file(&kit, "a.txt", "first"));
    must_pin();
    kit_job(&kit, "return { reduce = 'sum', map = function() print 'here' while true do end end }");
    kit_piece(&piece, kit_file(&kit, "in.txt", "x\n"), 0, UINT64_MAX);
    snprintf(kit.result_path, sizeof kit.result_path, "%s/a.run", kit.folder.path);
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.result_path = kit.result_path;
    kit.start.pieces = pieces;
    kit.start.n_pieces = 1;
    assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempt, &kit.err), 0);
    while (kit.log.len == 0) {
        struct pollfd poll_attempt = {.fd = attempt.fd, .events = POLLIN};
        int rc = attempt_read(&attempt, &frame, &kit.err);

        assert_int_not_equal(rc, -1);
        if (rc == 1)
            kit_hear(&kit, &frame, &done);
        else
            poll(&poll_attempt, 1, -1);
    }
    snprintf(path, sizeof path, "/proc/%u/fdinfo/%d", kit.started_pid, 3 + CHILD_FILE_FIRST);
    info = fopen(path, "r");
    assert_non_null(info);
    while (fgets(line, sizeof line, info))
        sscanf(line, "flags: %o", &flags);
    fclose(info);
    attempt_end(&attempt);
    assert_int_equal(flags & O_ACCMODE, O_RDONLY);
}

/* ---- copies: blobs and objects ---- */

static uint8_t hash[32];

/* A blob, as a worker's shell has it in its folder. */
static Mrlua__SideFile *ask_blob(const char *text)
{
    static char copy[FOLDER_PATH_BYTES + 64];
    Mrlua__SideFile *file;

    snprintf(copy, sizeof copy, "%s", kit_file(&kit, "blob", text));
    ask("a", "words.txt");
    file = &asked.items[asked.count - 1];
    file->hash = (ProtobufCBinaryData){sizeof hash, hash};
    file->size = strlen(text);
    file->crc32c = crc32c(0, text, strlen(text));
    file->copy = copy;
    must_pin();
    return &pinned.items[pinned.count - 1];
}

static void a_blob_is_read_from_its_copy(void **state)
{
    (void)state;
    ask_blob("of the master");
    expect_a("of the master\n");
}

static void a_damaged_blob_is_found_before_the_job_sees_it(void **state)
{
    (void)state;
    ask_blob("of the master");
    damage("blob");
    expect_failure(ERR_RETRY, "side file a: its copy on this machine was gone or damaged");
    assert_int_equal(kit.log.len, 0);
    assert_int_not_equal(access(folder_path(&kit.folder, "blob"), F_OK), 0);
    expect_failure(ERR_RETRY, "side file a: its copy on this machine was gone or damaged");
    kit_file(&kit, "blob", "of the master, longer");
    expect_failure(ERR_RETRY, "side file a: its copy");
}

/* ---- objects ---- */

static void put(const char *object, const char *text)
{
    struct gcs_put options = {0};
    struct gcs *gcs = gcs_open();

    assert_int_equal(
        gcs_put_text(gcs, "bkt", object, slice_of_string(text), &options, NULL, &kit.err), 1);
    gcs_close(gcs);
}

static void ask_object(const char *text)
{
    static char copy[FOLDER_PATH_BYTES + 64];

    put("side/words.txt", text);
    ask("a", "gs://bkt/side/words.txt");
    must_pin();
    snprintf(copy, sizeof copy, "%s", folder_path(&kit.folder, "object"));
    pinned.items[0].copy = copy;
}

static void an_object_is_read_once_for_all_attempts(void **state)
{
    (void)state;
    ask_object("of the store");
    gcs_server_reads(&group_server);
    expect_a("of the store\n");
    expect_a("of the store\n");
    assert_int_equal(gcs_server_reads(&group_server), 1);
}

/* It has begun to get its side files, and waits: the first beat comes after 100 ms. */
static void await_files(struct attempt *attempt)
{
    bool is_there = false;

    while (!is_there) {
        struct pollfd poll_attempt = {.fd = attempt->fd, .events = POLLIN};
        struct frame frame;
        int rc = attempt_read(attempt, &frame, &kit.err);

        assert_int_not_equal(rc, -1);
        if (rc == 0) {
            poll(&poll_attempt, 1, -1);
        } else if (frame.type == MESSAGE_PROGRESS) {
            Mrlua__Progress *progress =
                message_unpack(&mrlua__progress__descriptor, frame.payload, &kit.err);

            is_there = strcmp(progress->phase, "files") == 0;
            message_free(progress);
        }
    }
}

/* Two attempts at a time: one copies. The lock is held until both wait for it. */
static void attempts_that_come_together_copy_once(void **state)
{
    int lock = open(folder_path(&kit.folder, "object.lock"), O_RDWR | O_CREAT, 0600);
    Mrlua__Piece piece, *pieces[] = {&piece};
    char results[2][FOLDER_PATH_BYTES + 64];
    struct attempt attempts[2];

    (void)state;
    ask_object("of the store");
    gcs_server_reads(&group_server);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    kit_job(&kit, "return { reduce = 'sum', map = function() print(mr.open('a'):read 'a') end }");
    kit_piece(&piece, kit_file(&kit, "in.txt", "x\n"), 0, UINT64_MAX);
    kit.start.kind = MRLUA__TASK_KIND__MAP;
    kit.start.pieces = pieces;
    kit.start.n_pieces = 1;
    for (int i = 0; i < 2; i++) {
        snprintf(results[i], sizeof results[i], "%s/%d.run", kit.folder.path, i);
        kit.start.result_path = results[i];
        kit.start.attempt = ++kit.last_attempt;
        assert_int_equal(attempt_start(kit.nursery, &kit.start, &attempts[i], &kit.err), 0);
    }
    await_files(&attempts[0]);
    await_files(&attempts[1]);
    close(lock);
    for (int i = 0; i < 2; i++)
        kit_must(&kit, kit_await(&kit, &attempts[i]));
    assert_string_equal(buf_string(&kit.log), "of the store\nof the store\n");
    assert_int_equal(gcs_server_reads(&group_server), 1);
}

static void a_damaged_copy_is_made_again(void **state)
{
    (void)state;
    ask_object("of the store");
    expect_a("of the store\n");
    damage("object");
    gcs_server_reads(&group_server);
    expect_a("of the store\n");
    assert_int_equal(gcs_server_reads(&group_server), 1);
}

static void a_missing_object_is_found_by_the_plan(void **state)
{
    (void)state;
    ask("a", "gs://bkt/side/none");
    assert_int_equal(pin(), -1);
    assert_int_equal(kit.err.kind, ERR_SETUP);
    assert_string_equal(kit.err.message, "side file a: gs://bkt/side/none: no such object");
}

/* All attempts see one generation: what came after the plan is another file. */
static void an_object_that_was_replaced_is_named(void **state)
{
    (void)state;
    ask_object("of the store");
    put("side/words.txt", "of the store?");
    expect_failure(ERR_INPUT, "side file a: input gs://bkt/side/words.txt changed since the job "
                              "was planned");
    assert_int_not_equal(access(folder_path(&kit.folder, "object"), F_OK), 0);
    assert_int_not_equal(access(folder_path(&kit.folder, "object.part"), F_OK), 0);
}

static void an_empty_object_is_an_empty_file(void **state)
{
    (void)state;
    ask_object("");
    expect_a("\n");
}

static void release(int fds[CHILD_FILE_COUNT_MAX])
{
    for (int i = 0; i < CHILD_FILE_COUNT_MAX; i++)
        io_close(&fds[i]);
}

/* Whatever fails once: an error, nothing that looks like a copy, and the next time it works. */
static void a_disk_that_fails_leaves_no_half_copy(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_READ, FAULT_WRITE, FAULT_RENAME};
    int fds[CHILD_FILE_COUNT_MAX];
    struct side_files told;
    char text[16] = "";

    (void)state;
    ask_object("of the store");
    memset(fds, -1, sizeof fds);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (uint32_t nth = 0;; nth++) {
            int rc;

            unlink(folder_path(&kit.folder, "object"));
            fault_arm(calls[i], nth, EIO);
            rc = side_files_open(&kit.start, fds, &told, &kit.err);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                assert_int_equal(pread(fds[0], text, sizeof text, 0), 12);
                assert_string_equal(text, "of the store");
                release(fds);
                break;
            }
            if (rc != 0)
                assert_int_equal(kit.err.kind, ERR_DISK);
            assert_false(folder_has(&kit.folder, "object.part"));
            release(fds);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, kit_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_task_reads_plain_files),
        TEST(a_plan_refuses_what_cannot_be_read),
        TEST(a_job_has_16_files_and_no_more),
        TEST(a_file_that_changed_since_the_plan_is_named),
        TEST(what_is_pinned_is_not_looked_up_again),
        TEST(a_child_cannot_write_to_them),
        TEST(a_blob_is_read_from_its_copy),
        TEST(a_damaged_blob_is_found_before_the_job_sees_it),
        TEST(an_object_is_read_once_for_all_attempts),
        TEST(attempts_that_come_together_copy_once),
        TEST(a_damaged_copy_is_made_again),
        TEST(a_missing_object_is_found_by_the_plan),
        TEST(an_object_that_was_replaced_is_named),
        TEST(an_empty_object_is_an_empty_file),
        TEST(a_disk_that_fails_leaves_no_half_copy),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, gcs_server_begin, gcs_server_end);
}
