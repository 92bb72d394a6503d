/* mr.open(): the feel of Lua's io, over descriptors that the vm was given. */
#include "vm/kit.h"

#include "fault/fault.h"
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_COUNT_MAX = 3 };

static struct folder folder;
static struct vm_file files[FILE_COUNT_MAX];
static struct kit kit;
static size_t file_count;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    kit = (struct kit){0};
    file_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_close(&kit);
    for (size_t i = 0; i < file_count; i++)
        close(files[i].fd);
    folder_remove(&folder);
    return 0;
}

static void give_bytes(const char *name, const char *bytes, size_t len)
{
    struct vm_file *file = &files[file_count++];
    struct stat status;

    folder_write(&folder, name, bytes, len);
    *file = (struct vm_file){.name = name, .fd = open(folder_path(&folder, name), O_RDONLY)};
    assert_int_equal(fstat(file->fd, &status), 0);
    file->bytes = len;
    file->mtime_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    kit.options.files = files;
    kit.options.file_count = file_count;
}

static void give(const char *name, const char *text)
{
    give_bytes(name, text, strlen(text));
}

/* Runs `body` in a map; what it emits is what is expected. */
static void expect(const char *body, const char *output)
{
    if (kit_run(&kit, body) != 0)
        fail_msg("%s", kit.err.message);
    assert_string_equal(buf_string(&kit.output), output);
}

static void expect_failure(const char *body, enum err_kind kind, const char *message)
{
    assert_int_equal(kit_run(&kit, body), -1);
    if (!strstr(kit.err.message, message))
        fail_msg("%s", kit.err.message);
    assert_int_equal(kit.err.kind, kind);
}

static void lines_are_those_of_io(void **state)
{
    (void)state;
    give("a", "one\n\nthree\r\nlast");
    expect("local f = mr.open 'a'\n"
           "for line in f:lines() do emit(line, 1) end\n"
           "f:seek 'set'\n"
           "for line in f:lines 'L' do emit(line, 2) end\n"
           "f:seek('set', 1)\n"
           "for two, line in f:lines(2, 'l') do emit(two, line) end\n"
           "emit(f:read() == nil, 3)",
           "\"one\"=1;\"\"=1;\"three\\x0d\"=1;\"last\"=1;"
           "\"one\\x0a\"=2;\"\\x0a\"=2;\"three\\x0d\\x0a\"=2;\"last\"=2;"
           "\"ne\"='';\"\\x0at\"='hree\r';\"la\"='st';true=3;");
}

static void read_takes_the_formats_of_io(void **state)
{
    (void)state;
    give("a", "one\ntwo\nthree");
    expect("local f = mr.open 'a'\n"
           "emit({ f:read('l', 'L', 2, 0, '*a', 'a', 'l') }, 1)\n"
           "emit(f:read(0) == nil and f:read(1) == nil and f:read 'l' == nil, 2)\n"
           "emit(f:read 'a', 3)",
           "{\"one\", \"two\\x0a\", \"th\", \"\", \"ree\", \"\"}=1;true=2;\"\"=3;");
}

static void seek_goes_anywhere_but_before_the_begin(void **state)
{
    (void)state;
    give("a", "0123456789");
    expect("local f = mr.open 'a'\n"
           "emit({ f:seek 'end', f:seek('set', 3), f:seek(), f:seek('cur', 2), f:read(1) }, 1)\n"
           "emit({ f:seek('end', 5) }, f:read(1) == nil)\n"
           "emit({ f:seek('cur', -8), f:read 'a' }, 2)\n"
           "local where, why = f:seek('set', -1)\n"
           "emit(where == nil and why, f:seek())\n"
           "emit((f:seek('cur', math.maxinteger)) == nil, 3)",
           "{10, 3, 3, 5, \"5\"}=1;{15}=true;{7, \"789\"}=2;"
           "\"side file a: seek: no such place\"=10;true=3;");
}

static void every_object_has_its_own_position(void **state)
{
    (void)state;
    give("a", "one\ntwo\n");
    give("b", "1\n2\n");
    expect("local x, y, z = mr.open 'a', mr.open 'a', mr.open 'b'\n"
           "emit({ x:read(), y:read(), z:read(), x:read(), z:read(), y:read() }, 1)",
           "{\"one\", \"one\", \"1\", \"two\", \"2\", \"two\"}=1;");
}

static void a_closed_object_is_closed(void **state)
{
    (void)state;
    give("a", "one\n");
    expect("local kept\n"
           "do local f <close> = mr.open 'a' kept = f emit(tostring(f), f:read()) end\n"
           "emit(tostring(kept), select(2, pcall(kept.read, kept)))\n"
           "local g <close> = mr.open 'a'\n"
           "local lines = g:lines()\n"
           "emit(g:close(), select(2, pcall(lines)))\n"
           "emit(select(2, pcall(g.close, g)), 1)",
           "\"side file (a)\"='one';\"side file (closed)\"='attempt to use a closed side file';"
           "true='attempt to use a closed side file';\"attempt to use a closed side file\"=1;");
}

/* A window, and one byte less and more. */
static void files_of_any_length_are_read_whole(void **state)
{
    static const size_t lengths[] = {0, 1, 15, 16, 17, 32767, 32768, 32769, 200000};
    static char bytes[200000];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char expected[64];

        give_bytes("a", bytes, lengths[i]);
        snprintf(expected, sizeof expected, "{%zu, %zu, %zu}=1;", lengths[i], lengths[i],
                 lengths[i]);
        expect("local f, sum, line = mr.open 'a', 0, 0\n"
               "for part in f:lines(7) do sum = sum + #part end\n"
               "f:seek 'set'\n"
               "for text in f:lines() do line = line + #text end\n"
               "f:seek 'set'\n"
               "emit({ sum, line, #f:read 'a' }, 1)",
               expected);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

static void every_function_opens_files(void **state)
{
    static const struct record record = {{"sa", 2}, {"\x01", 1}};
    uint32_t partition;

    (void)state;
    give("a", "one\ntwo\n");
    assert_int_equal(kit_load(&kit,
                              "local open = mr.open\n"
                              "local function first() return open('a'):read() end\n"
                              "return { map = function(_, _, emit) emit(first(), 1) end,\n"
                              "setup = function(ctx) assert(ctx.open('a'):read() == 'one') end,\n"
                              "cleanup = function(ctx, emit) emit(first(), 2) end,\n"
                              "partition = function() return #first() - 2 end,\n"
                              "combine = function(k, v, emit) assert(first()) emit(k, 3) end,\n"
                              "reduce = function(k, v, emit) emit(first(), 4) end }"),
                     0);
    assert_int_equal(vm_setup(kit.vm, &kit.err), 0);
    assert_int_equal(kit_map(&kit, 0, "a"), 0);
    assert_int_equal(vm_partition(kit.vm, record.key, 2, &partition, &kit.err), 0);
    assert_int_equal(partition, 1);
    assert_int_equal(kit_combine(&kit, &record, 1), 0);
    assert_int_equal(kit_reduce(&kit, &record, 1), 0);
    assert_int_equal(vm_cleanup(kit.vm, &kit.sink, &kit.err), 0);
    assert_string_equal(buf_string(&kit.output), "\"one\"=1;\"a\"=3;\"one\"=4;\"one\"=2;");
}

static void mistakes_are_the_jobs_error(void **state)
{
    static const struct {
        const char *body, *message;
    } cases[] = {
        {"mr.open()", "jobs/x.lua:2: mr.open: a name must be a string, not a nil"},
        {"mr.open('stpo')", "jobs/x.lua:2: mr.open: there is no side file 'stpo'; did you mean "
                            "'stop'?"},
        {"mr.open('elephant')", "there is no side file 'elephant': there are stop, geo.csv"},
        {"mr.open('/etc/passwd')", "there is no side file '/etc/passwd': there are"},
        {"mr.open('stop'):write('x')", "side file stop is read only"},
        {"mr.open('stop'):read('n')", "a format is a count of bytes, \"l\", \"L\" or \"a\""},
        {"mr.open('stop'):read(-1)", "a count of bytes cannot be negative"},
        {"mr.open('stop'):seek('middle')", "invalid option 'middle'"},
        {"mr.open('stop').read({})", "side file expected, got table"},
        {"getmetatable(mr.open('stop')).__index = 1", "attempt to index a boolean value"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        give("stop", "the\n");
        give("geo.csv", "x\n");
        expect_failure(cases[i].body, ERR_JOB, cases[i].message);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
    expect_failure("mr.open('stop')", ERR_JOB, "'stop': the job has no field 'files'");
}

/* The client loads the file once more, where there are none. */
static void a_file_that_loads_opens_nothing(void **state)
{
    (void)state;
    give("a", "x");
    assert_int_equal(kit_load(&kit, "mr.open('a') return { map = 'identity', reduce = 'sum' }"),
                     -1);
    assert_string_equal(kit.err.message, "jobs/x.lua:1: mr.open: called while the job file loads: "
                                         "open files in setup or another of its functions");
}

/* P1: what every attempt was promised. */
static void a_file_that_changes_ends_the_task(void **state)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};

    (void)state;
    give("a", "one\n");
    futimens(files[0].fd, times);
    expect_failure("pcall(function() mr.open('a'):read() end)", ERR_INPUT,
                   "side file a changed while the job ran");
    assert_int_equal(tear_down(state), 0);
    assert_int_equal(set_up(state), 0);
    give("a", "one\n");
    assert_int_equal(truncate(folder_path(&folder, "a"), 2), 0);
    expect_failure("mr.open('a'):read 'a'", ERR_INPUT, "side file a changed while the job ran");
}

static void a_disk_that_fails_is_not_the_jobs_fault(void **state)
{
    (void)state;
    give("a", "one\n");
    assert_int_equal(kit_load(&kit, "return { reduce = 'sum', map = function()\n"
                                    "pcall(function() mr.open('a'):read() end) end }"),
                     0);
    fault_arm(FAULT_READ, 0, EIO);
    assert_int_equal(kit_map(&kit, 0, ""), -1);
    assert_int_equal(fault_disarm(), 1);
    assert_int_equal(kit.err.kind, ERR_DISK);
    assert_non_null(strstr(kit.err.message, "a: "));
}

/* It is the script's memory: all of a large file is the usual error, its lines are not. */
static void what_is_read_counts_as_the_scripts_memory(void **state)
{
    static char bytes[4 << 20];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 999; i < sizeof bytes; i += 1000)
        bytes[i] = '\n';
    give_bytes("a", bytes, sizeof bytes);
    kit.options.memory_bytes_max = 2 << 20;
    expect("local n = 0 for line in mr.open('a'):lines() do n = n + 1 end emit(n, 1)", "4195=1;");
    assert_int_equal(tear_down(state), 0);
    assert_int_equal(set_up(state), 0);
    give_bytes("a", bytes, sizeof bytes);
    kit.options.memory_bytes_max = 2 << 20;
    expect_failure("mr.open('a'):read 'a'", ERR_LIMIT, "memory");
}

/* Objects own nothing beside memory, so any number may be opened. */
static void objects_are_garbage_like_any_other(void **state)
{
    (void)state;
    give("a", "one\ntwo\n");
    kit.options.memory_bytes_max = 2 << 20;
    expect("for i = 1, 100000 do assert(mr.open('a'):read() == 'one') end emit(1, 1)", "1=1;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_those_of_io),
        TEST(read_takes_the_formats_of_io),
        TEST(seek_goes_anywhere_but_before_the_begin),
        TEST(every_object_has_its_own_position),
        TEST(a_closed_object_is_closed),
        TEST(files_of_any_length_are_read_whole),
        TEST(every_function_opens_files),
        TEST(mistakes_are_the_jobs_error),
        TEST(a_file_that_loads_opens_nothing),
        TEST(a_file_that_changes_ends_the_task),
        TEST(a_disk_that_fails_is_not_the_jobs_fault),
        TEST(what_is_read_counts_as_the_scripts_memory),
        TEST(objects_are_garbage_like_any_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
