#include "store/jwt.h"

#include "store/rsa_kit.h"

static void check_part(const char *text, size_t len, const char *want)
{
    unsigned char bytes[4096];
    size_t count = rsa_kit_decode(text, len, bytes);

    bytes[count] = '\0';
    assert_string_equal((char *)bytes, want);
}

static void check_signature(EVP_PKEY *key, const char *text, const char *signature)
{
    unsigned char bytes[4096];
    size_t len = rsa_kit_decode(signature, strlen(signature), bytes);
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(context, bytes, len, (const unsigned char *)text,
                                      (size_t)(signature - 1 - text)),
                     1);
    EVP_MD_CTX_free(context);
}

static void an_assertion_is_what_google_wants_and_its_signature_verifies(void **state)
{
    EVP_PKEY *key;
    char *pem = rsa_kit_make(&key);
    struct jwt jwt = {.email = "me@p.iam", .key = pem, .key_id = "k1", .now_s = 1700000000};
    struct buf out = {0};
    struct err err;
    const char *text, *claims, *signature;

    (void)state;
    assert_int_equal(jwt_sign(&jwt, &out, &err), 0);
    text = buf_string(&out);
    claims = strchr(text, '.') + 1;
    signature = strchr(claims, '.') + 1;
    check_part(text, (size_t)(claims - 1 - text),
               "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"k1\"}");
    check_part(claims, (size_t)(signature - 1 - claims),
               "{\"iat\":1700000000,\"exp\":1700003600,\"iss\":\"me@p.iam\",\"aud\":"
               "\"https://oauth2.googleapis.com/token\",\"scope\":"
               "\"https://www.googleapis.com/auth/devstorage.read_write\"}");
    check_signature(key, text, signature);
    buf_deinit(&out);
    EVP_PKEY_free(key);
    free(pem);
}

static void a_key_that_is_none_is_told(void **state)
{
    struct jwt jwt = {.email = "me@p.iam", .key = "not a key", .key_id = "k1"};
    struct buf out = {0};
    struct err err;

    (void)state;
    assert_int_equal(jwt_sign(&jwt, &out, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_string_equal(err.message, "its private_key is no RSA key in PEM form");
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assertion_is_what_google_wants_and_its_signature_verifies),
        cmocka_unit_test(a_key_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
