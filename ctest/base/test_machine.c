#include "base/machine.h"

#include "folder.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct folder folder;

static int set_up(void **state)
{
    static const char *const FOLDERS[] = {"proc",
                                          "proc/self",
                                          "sys",
                                          "sys/fs",
                                          "sys/fs/cgroup",
                                          "sys/fs/cgroup/a",
                                          "sys/fs/cgroup/a/b",
                                          "sys/fs/cgroup/memory",
                                          "sys/fs/cgroup/memory/m"};

    (void)state;
    folder_make(&folder);
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        folder_mkdir(&folder, FOLDERS[i]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static void put(const char *name, const char *text)
{
    folder_write(&folder, name, text, strlen(text));
}

static void expect(uint64_t bytes)
{
    assert_int_equal(machine_memory_bytes(folder.path), bytes);
}

static void without_a_limit_it_is_the_machines(void **state)
{
    (void)state;
    expect(0);
    put("proc/meminfo", "MemTotal:        1000 kB\nMemFree:          500 kB\n");
    expect(1000 * 1024);
    put("proc/self/cgroup", "0::/a/b\n");
    expect(1000 * 1024);
    put("sys/fs/cgroup/a/memory.max", "max\n");
    expect(1000 * 1024);
    put("sys/fs/cgroup/a/memory.max", "9000000\n"); /* more than there is */
    expect(1000 * 1024);
}

static void the_smallest_limit_above_the_process_counts(void **state)
{
    (void)state;
    put("proc/meminfo", "MemTotal:        1000 kB\n");
    put("proc/self/cgroup", "0::/a/b\n");
    put("sys/fs/cgroup/a/memory.max", "400000\n");
    expect(400000);
    put("sys/fs/cgroup/a/b/memory.max", "500000\n");
    expect(400000);
    put("sys/fs/cgroup/a/b/memory.max", "300000\n");
    expect(300000);
    put("sys/fs/cgroup/memory.max", "200000\n"); /* as a container sees its own */
    expect(200000);
}

static void version_1_has_a_tree_for_memory(void **state)
{
    (void)state;
    put("proc/meminfo", "MemTotal:        1000 kB\n");
    put("proc/self/cgroup", "9:name=systemd:/x\n4:memory:/m\n1:cpu:/a/b\n0::/\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* no limit */
    expect(1000 * 1024);
    put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "300000\n");
    expect(300000);
    put("proc/self/cgroup", "nonsense\n");
    expect(1000 * 1024);
}

static void this_machine_has_memory_and_a_boot(void **state)
{
    char boot[MACHINE_BOOT_BYTES];

    (void)state;
    assert_true(machine_memory_bytes("") > 16 << 20);
    machine_boot_id(boot);
    assert_int_equal(boot[8], '-');
    assert_int_not_equal(boot[0], '-');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* A megabyte more of memory, a descriptor more, and some work are seen. */
static void this_process_takes_what_it_takes(void **state)
{
    struct machine_process before = machine_this_process(), after;
    size_t bytes = 16 << 20;
    char *memory = malloc(bytes);
    int fd = dup(0);

    (void)state;
    assert_non_null(memory);
    for (size_t i = 0; i < bytes; i += 512)
        memory[i] = (char)i;
    do
        after = machine_this_process();
    while (after.cpu_ns == before.cpu_ns);
    assert_true(after.cpu_ns > before.cpu_ns);
    assert_true(after.resident_bytes >= before.resident_bytes + bytes / 2);
    assert_int_equal(after.open_fds, before.open_fds + 1);
    assert_true(after.max_fds >= after.open_fds);
    close(fd);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_limit_it_is_the_machines),
        TEST(the_smallest_limit_above_the_process_counts),
        TEST(version_1_has_a_tree_for_memory),
        TEST(this_machine_has_memory_and_a_boot),
        cmocka_unit_test(this_process_takes_what_it_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
