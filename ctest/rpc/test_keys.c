#include "test.h"

#include "fault/fault.h"
#include "folder.h"
#include "hex.h"
#include "rpc/keys.h"

#include <errno.h>
#include <sys/wait.h>

#define SUBMIT_HEX "ee53dd6c1e05fe06927003a2bc39f37b36c72eaae3dc77092c271789dcff2b35"
#define SECRET_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void counting_secret(uint8_t secret[KEY_BYTES])
{
    for (uint8_t i = 0; i < KEY_BYTES; i++)
        secret[i] = i;
}

static bool is_all_zero(const void *bytes, size_t len)
{
    const char *at = bytes;

    for (size_t i = 0; i < len; i++)
        if (at[i] != 0)
            return false;
    return true;
}

/* Computed by another program: what is derived must never change. */
static void test_derived(void **state)
{
    uint8_t secret[KEY_BYTES], out[KEY_BYTES], binding[PROOF_BYTES];
    const struct segment_claim claim = {
        .job = 5, .incarnation = 6, .from_sequence = 7, .offset = 8, .partition = 9};
    struct keys keys;

    (void)state;
    counting_secret(secret);
    keys_of_secret(&keys, secret);
    assert_string_equal(hex(keys_of_role(&keys, ROLE_SUBMIT), KEY_BYTES), SUBMIT_HEX);
    assert_string_equal(hex(keys_of_role(&keys, ROLE_WORKER), KEY_BYTES),
                        "b294a79d7e2a5a839f1bce7453476162e101c94fd998d2447c44ed585da74d96");
    assert_string_equal(hex(keys_of_role(&keys, ROLE_READ), KEY_BYTES),
                        "1d20f6c1e07287c15f83eb7f43bf38bd65ee84e504fbd221fc59bfdb53dca4ea");
    assert_null(keys_of_role(&keys, ROLE_SERVER));
    assert_null(keys_of_role(&keys, ROLE_NONE));
    keys_of_job(&keys, 5, out);
    assert_string_equal(hex(out, sizeof out),
                        "6666e0ae5f0ab00347f4d1c2092aa72e79f12f2156dba1bb1af3271efa568162");
    keys_of_tls(keys_of_role(&keys, ROLE_WORKER), binding);
    assert_string_equal(hex(binding, sizeof binding),
                        "40ecefe69757420f5f0272eb67257c4f3c4aca7c563baca1a636dfd23ad13b02");
    memset(binding, 1, sizeof binding);
    keys_prove_segment(out, binding, &claim, secret);
    assert_string_equal(hex(secret, sizeof secret),
                        "9391ef1c2e8bc63240f4faec78bb8f506143595b49968ed8b1c5da996f3d2e39");
    keys_forget(&keys);
    assert_true(is_all_zero(&keys, sizeof keys));
}

/* A proof is of one job, one connection and one request. */
static void test_segment_proof(void **state)
{
    const struct segment_claim claim = {
        .job = 5, .incarnation = 6, .from_sequence = 7, .offset = 8, .partition = 9};
    uint8_t key[KEY_BYTES] = "key", binding[PROOF_BYTES] = "conn", proof[PROOF_BYTES];
    struct segment_claim others[5];

    (void)state;
    keys_prove_segment(key, binding, &claim, proof);
    assert_true(keys_check_segment(key, binding, &claim, proof, sizeof proof));
    assert_false(keys_check_segment(key, binding, &claim, proof, sizeof proof - 1));
    assert_false(keys_check_segment(key, binding, &claim, NULL, 0));
    for (int i = 0; i < 5; i++)
        others[i] = claim;
    others[0].job++;
    others[1].incarnation++;
    others[2].from_sequence++;
    others[3].offset++;
    others[4].partition++;
    for (int i = 0; i < 5; i++)
        assert_false(keys_check_segment(key, binding, &others[i], proof, sizeof proof));
    binding[0] ^= 1;
    assert_false(keys_check_segment(key, binding, &claim, proof, sizeof proof));
    binding[0] ^= 1;
    key[31] ^= 1;
    assert_false(keys_check_segment(key, binding, &claim, proof, sizeof proof));
}

static void test_equal(void **state)
{
    uint8_t a[PROOF_BYTES] = {1}, b[PROOF_BYTES] = {1};

    (void)state;
    assert_true(keys_equal(a, b, PROOF_BYTES));
    assert_false(keys_equal(a, b, PROOF_BYTES - 1));
    assert_false(keys_equal(a, b, 0));
    b[PROOF_BYTES - 1] = 1;
    assert_false(keys_equal(a, b, PROOF_BYTES));
}

static void write_key_file(const struct folder *folder, const char *name, const char *text)
{
    folder_write(folder, name, text, strlen(text));
    assert_int_equal(chmod(folder_path(folder, name), 0600), 0);
}

static void test_files(void **state)
{
    struct folder folder;
    struct buf out = {0};
    struct keys keys, role_keys;
    struct err err;

    (void)state;
    folder_make(&folder);
    write_key_file(&folder, "secret", "mrlua-secret 1 " SECRET_HEX "\n");
    assert_int_equal(keys_load(&keys, folder_path(&folder, "secret"), &err), 0);
    assert_true(keys.has_secret);
    assert_string_equal(hex(keys.secret, KEY_BYTES), SECRET_HEX);
    assert_int_equal(keys_print_role(&keys, ROLE_SUBMIT, &out, &err), 0);
    assert_string_equal(buf_string(&out), "mrlua-key 1 submit " SUBMIT_HEX "\n");

    write_key_file(&folder, "submit", buf_string(&out));
    assert_int_equal(keys_load(&role_keys, folder_path(&folder, "submit"), &err), 0);
    assert_false(role_keys.has_secret);
    assert_int_equal(role_keys.roles, ROLE_BIT(ROLE_SUBMIT));
    assert_memory_equal(keys_of_role(&role_keys, ROLE_SUBMIT), keys_of_role(&keys, ROLE_SUBMIT),
                        KEY_BYTES);
    assert_null(keys_of_role(&role_keys, ROLE_WORKER));
    assert_int_equal(keys_print_role(&role_keys, ROLE_WORKER, &out, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, "worker"));
    buf_deinit(&out);
    folder_remove(&folder);
}

static void test_bad_files(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        SECRET_HEX,
        "mrlua-secret 2 " SECRET_HEX,
        "mrlua-secret 1 " SECRET_HEX "0",
        "mrlua-secret 1  " SECRET_HEX,
        "mrlua-secret 1 00",
        "mrlua-secret 1 g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "mrlua-key 1 " SECRET_HEX,
        "mrlua-key 1 server " SECRET_HEX,
        "mrlua-key 1 none " SECRET_HEX,
        "mrlua-key 1 submit",
        "mrlua-key 1 submit 00",
        "mrlua-key 1 a-very-long-role-that-is-none " SECRET_HEX,
        " mrlua-secret 1 " SECRET_HEX,
    };
    struct folder folder;
    struct keys keys;
    struct err err;

    (void)state;
    folder_make(&folder);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_key_file(&folder, "key", texts[i]);
        if (keys_load(&keys, folder_path(&folder, "key"), &err) != -1)
            fail_msg("\"%s\" is a key file", texts[i]);
        assert_int_equal(err.kind, ERR_SETUP);
        assert_null(strstr(err.message, "0a0b0c0d")); /* a secret is never shown */
        assert_true(is_all_zero(&keys, sizeof keys));
    }
    assert_int_equal(keys_load(&keys, folder_path(&folder, "absent"), &err), -1);
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(keys_load(&keys, folder.path, &err), -1);
    folder_remove(&folder);
}

static void test_open_to_others(void **state)
{
    struct folder folder;
    struct keys keys;
    struct err err;

    (void)state;
    folder_make(&folder);
    for (mode_t bit = 1; bit < 0100; bit <<= 1) {
        write_key_file(&folder, "key", "mrlua-secret 1 " SECRET_HEX);
        assert_int_equal(chmod(folder_path(&folder, "key"), 0600 | bit), 0);
        assert_int_equal(keys_load(&keys, folder_path(&folder, "key"), &err), -1);
        assert_non_null(strstr(err.message, "chmod 600"));
    }
    folder_remove(&folder);
}

/* Made once, with its folders, for its owner only; then it stays. */
static void test_create(void **state)
{
    struct folder folder;
    struct keys first, second;
    struct stat status;
    struct err err;
    mode_t mask = umask(0);

    (void)state;
    folder_make(&folder);
    setenv("XDG_STATE_HOME", folder_path(&folder, "a/b"), 1);
    assert_int_equal(keys_load_own(&first, &err), 0);
    assert_true(first.has_secret);
    assert_false(is_all_zero(first.secret, KEY_BYTES));
    assert_int_equal(keys_load_own(&second, &err), 0);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(stat(folder_path(&folder, "a/b/mrlua/secret"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(folder_path(&folder, "a/b/mrlua"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(folder_count(&folder), 4);

    unsetenv("XDG_STATE_HOME");
    setenv("HOME", folder_path(&folder, "home"), 1);
    assert_int_equal(keys_load_own(&second, &err), 0);
    assert_true(folder_has(&folder, "home/.local/state/mrlua/secret"));
    assert_memory_not_equal(&first, &second, sizeof first);
    unsetenv("HOME");
    assert_int_equal(keys_load_own(&second, &err), -1);
    assert_non_null(strstr(err.message, "--key-file"));
    umask(mask);
    folder_remove(&folder);
}

/* Many that start at once: one secret, no leftovers. */
static void test_create_at_once(void **state)
{
    enum { PROCESSES = 16 };
    struct folder folder;
    const char *path;
    struct keys keys, mine;
    struct err err;
    int ends[2];

    (void)state;
    folder_make(&folder);
    path = folder_path(&folder, "secret");
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0) {
            if (keys_load_or_create(&mine, path, &err) != 0)
                _exit(1);
            _exit(write(ends[1], mine.secret, KEY_BYTES) == KEY_BYTES ? 0 : 1);
        }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(keys_load(&keys, path, &err), 0);
    for (int i = 0; i < PROCESSES; i++) {
        uint8_t secret[KEY_BYTES];

        assert_int_equal(read(ends[0], secret, KEY_BYTES), KEY_BYTES);
        assert_memory_equal(secret, keys.secret, KEY_BYTES);
    }
    assert_int_equal(folder_count(&folder), 1);
    close(ends[0]);
    close(ends[1]);
    folder_remove(&folder);
}

/* Whatever fails, the file is whole or not there, and nothing else is. */
static void test_create_faults(void **state)
{
    static const enum fault_call calls[] = {FAULT_OPEN, FAULT_WRITE, FAULT_FSYNC, FAULT_READ};
    struct folder folder;
    struct keys keys;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (uint32_t nth = 0;; nth++) {
            int rc;

            folder_make(&folder);
            fault_arm(calls[i], nth, EIO);
            rc = keys_load_or_create(&keys, folder_path(&folder, "secret"), &err);
            if (!fault_disarm()) {
                assert_int_equal(rc, 0);
                folder_remove(&folder);
                break;
            }
            assert_int_equal(rc, -1);
            assert_int_equal(folder_count(&folder), folder_has(&folder, "secret"));
            assert_int_equal(keys_load_or_create(&keys, folder_path(&folder, "secret"), &err), 0);
            folder_remove(&folder);
        }
}

static void test_random(void **state)
{
    uint8_t a[100] = {0}, b[100] = {0};

    (void)state;
    keys_random(a, sizeof a);
    keys_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_false(is_all_zero(a + 68, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derived),       cmocka_unit_test(test_segment_proof),
        cmocka_unit_test(test_equal),         cmocka_unit_test(test_files),
        cmocka_unit_test(test_bad_files),     cmocka_unit_test(test_open_to_others),
        cmocka_unit_test(test_create),        cmocka_unit_test(test_create_at_once),
        cmocka_unit_test(test_create_faults), cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
