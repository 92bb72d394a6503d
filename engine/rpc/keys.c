#include "rpc/keys.h"

#include "base/bytes.h"
#include "base/home.h"
#include "base/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_FILE_VERSION = 1,
    KEY_FILE_BYTES_MAX = 256, /* one line */
    INFO_BYTES_MAX = 64,      /* what a key is derived for */
    WORD_BYTES_MAX = 16,
    CLAIM_BYTES = 4 * 8 + 4,
};

static void die(const char *what)
{
    fprintf(stderr, "mrlua: %s failed\n", what);
    abort();
}

void keys_random(void *out, size_t len)
{
    char *at = out;

    while (len > 0) {
        ssize_t count = getrandom(at, len, 0);

        if (count < 0 && errno != EINTR)
            die("getrandom");
        if (count > 0) {
            at += count;
            len -= (size_t)count;
        }
    }
}

void keys_hmac(const uint8_t key[KEY_BYTES], const void *bytes, size_t len,
               uint8_t out[PROOF_BYTES])
{
    unsigned out_len = 0;

    if (!HMAC(EVP_sha256(), key, KEY_BYTES, bytes, len, out, &out_len) || out_len != PROOF_BYTES)
        die("HMAC-SHA256");
}

bool keys_equal(const uint8_t a[PROOF_BYTES], const void *b, size_t b_len)
{
    return b_len == PROOF_BYTES && CRYPTO_memcmp(a, b, PROOF_BYTES) == 0;
}

/* HKDF-SHA256 without salt. */
static void derive(const uint8_t secret[KEY_BYTES], struct slice info, uint8_t out[KEY_BYTES])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.ptr, info.len),
        OSSL_PARAM_construct_end(),
    };

    if (!context || EVP_KDF_derive(context, out, KEY_BYTES, params) != 1)
        die("HKDF-SHA256");
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

void keys_of_secret(struct keys *keys, const uint8_t secret[KEY_BYTES])
{
    char info[INFO_BYTES_MAX];

    *keys = (struct keys){.has_secret = true};
    memcpy(keys->secret, secret, KEY_BYTES);
    for (uint32_t role = 0; role < ROLE_COUNT; role++) {
        int len;

        if (!access_role_has_key(role))
            continue;
        len = snprintf(info, sizeof info, "mrlua role %s", access_role_name(role));
        derive(secret, slice_of(info, (size_t)len), keys->role_keys[role]);
        keys->roles |= ROLE_BIT(role);
    }
}

void keys_forget(struct keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}

const uint8_t *keys_of_role(const struct keys *keys, enum access_role role)
{
    return keys->roles & ROLE_BIT(role) ? keys->role_keys[role] : NULL;
}

void keys_of_job(const struct keys *keys, uint64_t job, uint8_t out[KEY_BYTES])
{
    static const char label[] = "mrlua segments";
    char info[sizeof label + 8];

    assert(keys->has_secret);
    memcpy(info, label, sizeof label); /* its NUL too */
    put_u64le(info + sizeof label, job);
    derive(keys->secret, slice_of(info, sizeof info), out);
}

void keys_of_tls(const uint8_t role_key[KEY_BYTES], uint8_t out[KEY_BYTES])
{
    derive(role_key, slice_of_string("mrlua tls"), out);
}

void keys_prove_segment(const uint8_t job_key[KEY_BYTES], const uint8_t binding[PROOF_BYTES],
                        const struct segment_claim *claim, uint8_t proof[PROOF_BYTES])
{
    static const char label[] = "mrlua fetch";
    char text[sizeof label + PROOF_BYTES + CLAIM_BYTES];
    char *at = text;

    memcpy(at, label, sizeof label);
    at += sizeof label;
    memcpy(at, binding, PROOF_BYTES);
    at += PROOF_BYTES;
    put_u64le(at, claim->job);
    put_u64le(at + 8, claim->incarnation);
    put_u64le(at + 16, claim->from_sequence);
    put_u64le(at + 24, claim->offset);
    put_u32le(at + 32, claim->partition);
    keys_hmac(job_key, text, sizeof text, proof);
}

bool keys_check_segment(const uint8_t job_key[KEY_BYTES], const uint8_t binding[PROOF_BYTES],
                        const struct segment_claim *claim, const void *proof, size_t proof_len)
{
    uint8_t expected[PROOF_BYTES];

    keys_prove_segment(job_key, binding, claim, expected);
    return keys_equal(expected, proof, proof_len);
}

static int digit_of(char hex)
{
    if (hex >= '0' && hex <= '9')
        return hex - '0';
    return hex >= 'a' && hex <= 'f' ? hex - 'a' + 10 : -1;
}

/* Exactly KEY_BYTES bytes as hex digits, and nothing behind them. */
static bool parse_hex(const char *hex, uint8_t out[KEY_BYTES])
{
    for (size_t i = 0; i < KEY_BYTES; i++) {
        int high = digit_of(hex[2 * i]);
        int low = high < 0 ? -1 : digit_of(hex[2 * i + 1]);

        if (low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return hex[2 * (size_t)KEY_BYTES] == '\0';
}

static void print_hex(struct buf *out, const uint8_t key[KEY_BYTES])
{
    for (size_t i = 0; i < KEY_BYTES; i++)
        buf_printf(out, "%02x", key[i]);
}

/* `text` is one line without its newline. */
static bool parse_line(struct keys *keys, const char *text)
{
    static const char secret_word[] = "mrlua-secret 1 ", key_word[] = "mrlua-key 1 ";
    uint8_t key[KEY_BYTES];
    bool is_good = false;

    if (strncmp(text, secret_word, strlen(secret_word)) == 0) {
        is_good = parse_hex(text + strlen(secret_word), key);
        if (is_good)
            keys_of_secret(keys, key);
    } else if (strncmp(text, key_word, strlen(key_word)) == 0) {
        const char *name = text + strlen(key_word);
        size_t len = strcspn(name, " ");
        char word[WORD_BYTES_MAX] = "";
        enum access_role role;

        if (len < sizeof word)
            memcpy(word, name, len);
        role = access_role_parse(word);
        is_good = role != ROLE_NONE && name[len] == ' ' && parse_hex(name + len + 1, key);
        if (is_good) {
            keys->roles = ROLE_BIT(role);
            memcpy(keys->role_keys[role], key, KEY_BYTES);
        }
    }
    explicit_bzero(key, sizeof key);
    return is_good;
}

static int read_keys(struct keys *keys, int fd, const char *path, struct err *err)
{
    char text[KEY_FILE_BYTES_MAX + 1];
    struct stat status;
    ssize_t len;
    bool is_good;

    if (fstat(fd, &status) != 0)
        return err_set_errno(err, ERR_SETUP, "key file %s", path);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(err, ERR_SETUP, "key file %s is open to other users: chmod 600 it", path);
    len = io_read(fd, text, KEY_FILE_BYTES_MAX, path, ERR_SETUP, err);
    if (len < 0)
        return -1;
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    is_good = parse_line(keys, text);
    explicit_bzero(text, sizeof text);
    if (!is_good)
        return err_set(err, ERR_SETUP,
                       "key file %s: it is not one line \"mrlua-secret 1 HEX\" or "
                       "\"mrlua-key 1 ROLE HEX\"",
                       path);
    return 0;
}

int keys_load(struct keys *keys, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int rc;

    *keys = (struct keys){0};
    if (fd < 0)
        return err_set_errno(err, ERR_SETUP, "key file %s", path);
    rc = read_keys(keys, fd, path, err);
    io_close(&fd);
    return rc;
}

static int write_secret(int fd, const char *path, struct err *err)
{
    uint8_t secret[KEY_BYTES];
    struct buf text = {0};
    int rc;

    keys_random(secret, sizeof secret);
    buf_reserve(&text, KEY_FILE_BYTES_MAX); /* it never moves, so no copy is left behind */
    buf_printf(&text, "mrlua-secret %d ", KEY_FILE_VERSION);
    print_hex(&text, secret);
    buf_append_string(&text, "\n");
    rc = io_write(fd, text.ptr, text.len, path, ERR_SETUP, err);
    if (rc == 0)
        rc = io_fsync(fd, path, err);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text.ptr, text.len);
    buf_deinit(&text);
    return rc;
}

/* Under a name of its own first, then under `path`, unless somebody was faster. */
static int create_secret(const char *path, struct err *err)
{
    struct buf temp = {0};
    uint64_t number;
    int rc = -1, fd;

    if (io_make_folders(path, 0700, err) != 0) /* only those that it makes are closed to others */
        return -1;
    keys_random(&number, sizeof number);
    buf_printf(&temp, "%s.%016llx", path, (unsigned long long)number);
    fd = open(buf_string(&temp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        err_set_errno(err, ERR_SETUP, "make key file %s", path);
        goto out;
    }
    if (write_secret(fd, path, err) != 0)
        goto out_unlink;
    if (link(buf_string(&temp), path) != 0 && errno != EEXIST)
        err_set_errno(err, ERR_SETUP, "make key file %s", path);
    else
        rc = 0;
out_unlink:
    unlink(buf_string(&temp));
    io_close(&fd);
out:
    buf_deinit(&temp);
    return rc;
}

int keys_load_or_create(struct keys *keys, const char *path, struct err *err)
{
    if (access(path, F_OK) != 0 && errno == ENOENT && create_secret(path, err) != 0)
        return -1;
    return keys_load(keys, path, err);
}

int keys_load_own(struct keys *keys, struct err *err)
{
    struct buf path = {0};
    int rc;

    *keys = (struct keys){0};
    if (!home_state(&path))
        return err_set(err, ERR_SETUP, "no place for the secret: set HOME, or give --key-file");
    buf_append_string(&path, "/secret");
    rc = keys_load_or_create(keys, buf_string(&path), err);
    buf_deinit(&path);
    return rc;
}

int keys_print_role(const struct keys *keys, enum access_role role, struct buf *out,
                    struct err *err)
{
    const uint8_t *key = keys_of_role(keys, role);

    if (!key)
        return err_set(err, ERR_SETUP, "this key file holds no key of role %s",
                       access_role_name(role));
    buf_printf(out, "mrlua-key %d %s ", KEY_FILE_VERSION, access_role_name(role));
    print_hex(out, key);
    buf_append_string(out, "\n");
    return 0;
}
