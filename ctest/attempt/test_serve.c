/* What a hostile or broken script gets: the right kind, a message that says what to do, in time;
 * and the next attempt works. (DESIGN.md, P7) */
#include "attempt/kit.h"

#include "base/clock.h"

#include <signal.h>

static const char *input;

static int set_up(void **state)
{
    (void)state;
    kit_open(&kit);
    input = kit_file(&kit, "in.txt", "first\nsecond line\nthird\n");
    return 0;
}

/* After each test an honest job still runs in the same nursery. */
static int tear_down(void **state)
{
    (void)state;
    kit.limits.record_ms = kit.limits.progress_ms = 60 * 1000;
    kit.limits.memory_bytes = 64 << 20;
    kit.start.unsafe = false;
    kit_job(&kit, "return { map = function(k, v, emit) emit(k, v) end, reduce = 'identity' }");
    kit_must(&kit, kit_map(&kit, 0, input));
    kit_close(&kit);
    return 0;
}

/* The map fails with this kind and message, within five seconds of what it was given. */
static void expect_failure(const char *source, enum err_kind kind, const char *message)
{
    uint64_t begin_ns = clock_monotonic_ns(), allowed_ns;
    Mrlua__Done *done;

    kit_job(&kit, source);
    done = kit_map(&kit, 0, input);
    assert_null(done);
    if (kit.err.kind != kind || !strstr(kit.err.message, message))
        fail_msg("%s: %s\nnot %s: %s", err_kind_name(kit.err.kind), kit.err.message,
                 err_kind_name(kind), message);
    allowed_ns = 5 * NS_PER_S + kit.limits.record_ms * NS_PER_MS;
    assert_true(clock_monotonic_ns() - begin_ns < allowed_ns);
    assert_int_not_equal(access(kit.result_path, F_OK), 0); /* nothing is left */
}

#define MAP(body) "return { reduce = 'sum', map = function(key, line, emit) " body " end }"

static void test_loops(void **state)
{
    (void)state;
    kit.limits.record_ms = 200;
    expect_failure(MAP("if line:find 'second' then while true do end end"), ERR_LIMIT,
                   "map took longer than 0.2 s for one record (limits.seconds_per_record), at byte "
                   "6 of ");
    assert_non_null(
        strstr(buf_string(&kit.detail), "record: \"second line\"\ntask: map 0, record 2\n"));
    assert_ptr_equal(strstr(buf_string(&kit.bad), "2 at 0:6: map took"), kit.bad.ptr);
    expect_failure(MAP("while true do pcall(function() while true do end end) end"), ERR_LIMIT,
                   "limits.seconds_per_record");
    /* Inside C functions that no Lua hook ever interrupts. */
    expect_failure(MAP("string.find(('a'):rep(1e4), ('.-'):rep(20) .. 'b')"), ERR_LIMIT,
                   "limits.seconds_per_record");
    expect_failure(MAP("table.move({}, 1, 1 << 60, 2)"), ERR_LIMIT, "limits.seconds_per_record");
}

static void test_loads_for_ever(void **state)
{
    struct attempt_load options = {.memory_bytes = 16 << 20, .deadline_ms = 200};
    struct buf view = {0};

    (void)state;
    kit_job(&kit, "while true do end");
    options.bundle = buf_slice(&kit.bundle);
    assert_int_equal(
        attempt_load_job(kit.nursery, &options, &view, &kit.detail, &kit.log, &kit.err), -1);
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    assert_string_equal(kit.err.message, "loading the job file took longer than 0.2 s");
    buf_deinit(&view);
}

/* A clock for each value taken and each emit: a record that moves may take longer. */
static void test_moving_record(void **state)
{
    Mrlua__Done *done;

    (void)state;
    kit.limits.record_ms = 300;
    kit_job(&kit, MAP("local at = mr.clock and mr.clock() or 0\n"
                      "for i = 1, 40 do for j = 1, 1000000 do at = at + j end emit(1, 1) end"));
    done = kit_map(&kit, 0, input);
    kit_must(&kit, done);
}

static void test_memory(void **state)
{
    (void)state;
    kit.limits.memory_bytes = 8 << 20;
    expect_failure(MAP("local t = {} for i = 1, 1e9 do t[i] = i end"), ERR_LIMIT, "limits.memory");
    expect_failure(MAP("local s = line while true do s = s .. s end"), ERR_LIMIT, "limits.memory");
    expect_failure(MAP("local t = {} while true do pcall(function() while true do\n"
                       "t[#t + 1] = ('x'):rep(1e5) end end) end"),
                   ERR_LIMIT, "limits.memory");
    expect_failure(MAP("local s = string.rep('x', 1 << 60)"), ERR_JOB, "too large");
}

static void test_deep_recursion(void **state)
{
    (void)state;
    kit.limits.memory_bytes = 512 << 20; /* so that Lua's own limit comes first */
    expect_failure(MAP("local function f() return 1 + f() end f()"), ERR_JOB, "stack overflow");
    expect_failure(MAP("string.gsub('x', 'x', function() error({}) end)"), ERR_JOB, "");
}

/* Lua 5.4.4 dies of SIGSEGV here, a fixed one raises "C stack overflow": never a hang. */
static void test_crash(void **state)
{
    Mrlua__Done *done;

    (void)state;
    kit.limits.record_ms = 5000;
    kit_job(&kit, MAP("local function chain(n)\n"
                      "  local inner\n"
                      "  for i = 1, n do\n"
                      "    local before = inner\n"
                      "    inner = coroutine.create(function()\n"
                      "      local guard <close> = setmetatable({}, { __close = function()\n"
                      "        if before then coroutine.close(before) end end })\n"
                      "      coroutine.yield()\n"
                      "    end)\n"
                      "    coroutine.resume(inner)\n"
                      "  end\n"
                      "  return inner\n"
                      "end\n"
                      "coroutine.close(chain(100000))"));
    done = kit_map(&kit, 0, input);
    assert_null(done);
    if (kit.err.kind == ERR_LIMIT && !strstr(kit.err.message, "limits."))
        assert_non_null(
            strstr(kit.err.message, "the script's process died of SIGSEGV in map, at byte 0 of "));
    else
        assert_true(kit.err.kind == ERR_JOB || kit.err.kind == ERR_LIMIT);
}

/* What is not there cannot be called; __gc is refused. */
static void test_environment(void **state)
{
    (void)state;
    expect_failure(MAP("os.execute('true')"), ERR_JOB, "os");
    expect_failure(MAP("io.open('/etc/passwd')"), ERR_JOB, "io");
    expect_failure(MAP("setmetatable({}, { __gc = print })"), ERR_JOB, "__gc");
    expect_failure(MAP("string.dump(print)"), ERR_JOB, "dump");
    expect_failure(MAP("assert(load('\\27Lua'))"), ERR_JOB, "binary chunk");
}

static void test_job_error(void **state)
{
    (void)state;
    expect_failure(MAP("if line == 'third' then\nlocal x = nil\nreturn x.y end"), ERR_JOB,
                   "job.lua:3: attempt to index a nil value (local 'x')");
    assert_non_null(strstr(buf_string(&kit.detail), "traceback"));
    assert_non_null(strstr(buf_string(&kit.detail), "in.txt, at byte 18\nrecord: \"third\"\n"));
}

/* A long record is cut, and unprintable bytes are escaped. */
static void test_record_quoted(void **state)
{
    struct buf text = {0};

    (void)state;
    buf_append_string(&text, "\x01\xff");
    for (int i = 0; i < 500; i++)
        buf_append_byte(&text, 'y');
    kit_file(&kit, "in.txt", buf_string(&text));
    expect_failure(MAP("error 'no'"), ERR_JOB, "no");
    assert_non_null(strstr(buf_string(&kit.detail), "record: \"\\x01\\xffyyyy"));
    assert_non_null(strstr(buf_string(&kit.detail), "yyyy\" ...\n"));
    assert_true(kit.detail.len < 2000);
    buf_deinit(&text);
}

static void test_reduce_loops(void **state)
{
    (void)state;
    kit_job(&kit, "return { map = function(_, line, emit) emit(line, 1) end,\n"
                  "reduce = function(key, values, emit) values() while true do end end }");
    kit_must(&kit, kit_map(&kit, 0, input));
    kit.limits.record_ms = 200;
    assert_null(kit_reduce(&kit, 0));
    assert_int_equal(kit.err.kind, ERR_LIMIT);
    assert_string_equal(kit.err.message,
                        "reduce took longer than 0.2 s for one value "
                        "(limits.seconds_per_record), at key \"first\" (number 1)");
    assert_ptr_equal(strstr(buf_string(&kit.bad), "1 \"first\": reduce took"), kit.bad.ptr);
}

/* When the map has ended, and within an emit that fills the sort buffer. */
static void test_combine_loops(void **state)
{
    static const char *const maps[] = {
        "emit(line, 1)",
        "for i = 1, 1 << 20 do emit(i, i) end while true do end", /* 1 MB is its sort buffer */
    };
    char source[512];

    (void)state;
    kit.limits.record_ms = 200;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        snprintf(source, sizeof source,
                 "return { map = function(_, line, emit) %s end, reduce = 'sum',\n"
                 "  combine = function(key, values, emit) values() while true do end end }",
                 maps[i]);
        expect_failure(source, ERR_LIMIT,
                       "combine took longer than 0.2 s for one value (limits.seconds_per_record)");
        assert_int_equal(kit.bad.len, 0);
    }
}

/* ---- unsafe jobs ---- */

#ifdef MRLUA_SANITIZE /* whose handler prints a report and exits */
#define DIED_OF_FPE "the script's process ended with exit code 1 before its task was done, in map"
#else
#define DIED_OF_FPE "the script's process died of SIGFPE in map, at byte 0 of "
#endif

/* They may end their process, fork and crash: it is their attempt that ends. */
static void test_unsafe(void **state)
{
    (void)state;
    kit.start.unsafe = true;
    expect_failure(MAP("os.exit(3)"), ERR_LIMIT,
                   "the script's process ended with exit code 3 before its task was done, in map, "
                   "at byte 0 of ");
    expect_failure(MAP("os.execute('kill -FPE $PPID')"), ERR_LIMIT, DIED_OF_FPE);
    expect_failure(MAP("os.execute('kill -KILL $PPID')"), ERR_LIMIT, "killed from outside");
    kit.limits.record_ms = 200;
    expect_failure(MAP("os.execute('sleep 1000')"), ERR_LIMIT, "limits.seconds_per_record");
}

/* What an unsafe job has started ends with it. */
static void test_unsafe_children(void **state)
{
    char source[FOLDER_PATH_BYTES + 256];
    char *text;
    pid_t pid;

    (void)state;
    kit.start.unsafe = true;
    snprintf(source, sizeof source, MAP("os.execute('sleep 1000 & echo $! > %s/pid') os.exit(1)"),
             kit.folder.path);
    expect_failure(source, ERR_LIMIT, "exit code 1");
    text = folder_read(&kit.folder, "pid");
    pid = (pid_t)atoi(text);
    free(text);
    assert_true(pid > 0);
    /* It was killed before the attempt's end was told; init may take its time to reap it. */
    for (uint64_t until = clock_monotonic_ns() + 5 * NS_PER_S; kill(pid, 0) == 0;) {
        char path[64], state_line[256] = "";
        FILE *file;

        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        file = fopen(path, "r");
        if (!file)
            break;
        assert_non_null(fgets(state_line, sizeof state_line, file));
        fclose(file);
        if (strstr(state_line, ") Z "))
            break;
        assert_true(clock_monotonic_ns() < until);
    }
}

/* ---- inputs ---- */

static void test_changed_input(void **state)
{
    Mrlua__Piece piece, *pieces[] = {&piece};

    (void)state;
    kit_job(&kit, MAP(""));
    kit_piece(&piece, input, 0, UINT64_MAX);
    piece.size++;
    assert_null(kit_map_pieces(&kit, 0, pieces, 1));
    assert_int_equal(kit.err.kind, ERR_INPUT);
    assert_non_null(strstr(kit.err.message, "changed since"));
    piece.size--;
    piece.path = piece.name = "/nowhere/at/all";
    assert_null(kit_map_pieces(&kit, 0, pieces, 1));
    assert_int_equal(kit.err.kind, ERR_INPUT);
    assert_int_not_equal(access(kit.result_path, F_OK), 0);
}

/* Prints without end, and a line of a megabyte: what arrives is bounded, and the map is done. */
static void test_chatty(void **state)
{
    (void)state;
    kit_job(&kit, MAP("print(line) for i = 1, 5000 do print(('x'):rep(1000)) end"));
    kit_must(&kit, kit_map(&kit, 0, input));
    assert_memory_equal(buf_string(&kit.log), "first\nxxxx", 10);
    assert_true(kit.log.len > 30 * 1000 && kit.log.len < 1000 * 1000);
    kit_job(&kit, MAP("print(('y'):rep(60000))"));
    kit_must(&kit, kit_map(&kit, 0, input));
    assert_true(kit.log.len > 8000 && kit.log.len < 3 * 8200);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_loops),           TEST(test_loads_for_ever), TEST(test_moving_record),
        TEST(test_memory),          TEST(test_deep_recursion), TEST(test_crash),
        TEST(test_environment),     TEST(test_job_error),      TEST(test_record_quoted),
        TEST(test_reduce_loops),    TEST(test_combine_loops),  TEST(test_unsafe),
        TEST(test_unsafe_children), TEST(test_changed_input),  TEST(test_chatty),
    };

    KIT_NURSERY(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
