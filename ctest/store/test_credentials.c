#include "store/credentials.h"

#include "folder.h"
#include "store/rsa_kit.h"

static const char *const variables[] = {
    "STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",       "HOME",
    "GCE_METADATA_HOST",     "GCE_METADATA_ROOT",
    "GCE_METADATA_IP",
};

static void forget_environment(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
}

#define USER                                                                                       \
    "{\"type\":\"authorized_user\",\"client_id\":\"id\",\"client_secret\":\"s/1\","                \
    "\"refresh_token\":\"r+2\"}"

static void put_file(const struct folder *folder, const char *name, const char *text)
{
    folder_write(folder, name, text, strlen(text));
}

static void the_order_is_googles(void **state)
{
    struct credentials found;
    struct folder folder;
    struct err err;

    (void)state;
    forget_environment();
    folder_make(&folder);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(found.kind, CREDENTIALS_METADATA);
    assert_string_equal(found.token_uri, "http://metadata.google.internal/computeMetadata/v1/"
                                         "instance/service-accounts/default/token");
    credentials_deinit(&found);
    setenv("GCE_METADATA_IP", "10.0.0.1", 1);
    setenv("GCE_METADATA_ROOT", "root:80", 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_string_equal(found.origin, "root:80");
    credentials_deinit(&found);
    setenv("GCE_METADATA_HOST", "host:1", 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_string_equal(found.origin, "host:1");
    credentials_deinit(&found);
    setenv("HOME", folder.path, 1);
    folder_mkdir(&folder, ".config");
    folder_mkdir(&folder, ".config/gcloud");
    put_file(&folder, ".config/gcloud/application_default_credentials.json", USER);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(found.kind, CREDENTIALS_USER);
    credentials_deinit(&found);
    setenv("CLOUDSDK_CONFIG", folder.path, 1); /* nothing is there: the machine's own */
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(found.kind, CREDENTIALS_METADATA);
    credentials_deinit(&found);
    put_file(&folder, "named.json", USER);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", folder_path(&folder, "named.json"), 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_string_equal(found.origin, folder_path(&folder, "named.json"));
    credentials_deinit(&found);
    setenv("STORAGE_EMULATOR_HOST", "localhost:1", 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(found.kind, CREDENTIALS_NONE);
    credentials_deinit(&found);
    folder_remove(&folder);
}

static void check_refused(const struct folder *folder, const char *text, const char *said)
{
    struct credentials found;
    struct err err;

    put_file(folder, "c.json", text);
    assert_int_equal(credentials_find(&found, &err), -1);
    assert_int_equal(err.kind, ERR_SETUP);
    assert_non_null(strstr(err.message, said));
    assert_null(strstr(err.message, "geheim"));
    assert_null(found.origin);
}

static void files_that_are_of_no_use_are_told_by_what_is_wrong(void **state)
{
    struct credentials found;
    struct folder folder;
    struct err err;

    (void)state;
    forget_environment();
    folder_make(&folder);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", folder_path(&folder, "c.json"), 1);
    assert_int_equal(credentials_find(&found, &err), -1);
    assert_non_null(strstr(err.message, "No such file or directory"));
    check_refused(&folder, "geheim", "not JSON");
    check_refused(&folder, "{\"k\":\"geheim\"}", "not a file of Google credentials");
    check_refused(&folder, "{\"type\":\"external_account\",\"k\":\"geheim\"}",
                  "type \"external_account\" is not supported");
    check_refused(&folder, "{\"type\":\"impersonated_service_account\"}",
                  "type \"impersonated_service_account\" is not supported");
    check_refused(&folder, "{\"type\":\"service_account\",\"private_key\":\"geheim\"}",
                  "the field \"client_email\" is missing");
    check_refused(&folder, "{\"type\":\"authorized_user\",\"client_id\":\"a\"}",
                  "the field \"client_secret\" is missing");
    folder_remove(&folder);
}

static void a_machine_asks_its_metadata_server(void **state)
{
    struct credentials_ask ask;
    struct credentials found;
    struct err err;

    (void)state;
    forget_environment();
    setenv("GCE_METADATA_HOST", "host:1", 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(credentials_ask(&found, 0, &ask, &err), 0);
    assert_string_equal(ask.method, "GET");
    assert_string_equal(buf_string(&ask.headers), "Metadata-Flavor: Google\n");
    assert_int_equal(ask.body.len, 0);
    credentials_ask_deinit(&ask);
    credentials_deinit(&found);
}

static void a_user_sends_the_refresh_token_as_a_form(void **state)
{
    struct credentials_ask ask;
    struct credentials found;
    struct folder folder;
    struct err err;

    (void)state;
    forget_environment();
    folder_make(&folder);
    put_file(&folder, "c.json", USER);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", folder_path(&folder, "c.json"), 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(credentials_ask(&found, 0, &ask, &err), 0);
    assert_string_equal(ask.method, "POST");
    assert_string_equal(buf_string(&ask.url), "https://oauth2.googleapis.com/token");
    assert_string_equal(buf_string(&ask.body), "grant_type=refresh_token&client_id=id&"
                                               "client_secret=s%2F1&refresh_token=r%2B2");
    credentials_ask_deinit(&ask);
    credentials_deinit(&found);
    folder_remove(&folder);
}

static void a_service_account_sends_an_assertion_to_the_files_token_uri(void **state)
{
    struct buf text = {0};
    struct credentials_ask ask;
    struct credentials found;
    struct folder folder;
    struct err err;
    EVP_PKEY *key;
    char *pem = rsa_kit_make(&key);

    (void)state;
    forget_environment();
    folder_make(&folder);
    buf_append_string(&text, "{\"type\":\"service_account\",\"client_email\":\"me\","
                             "\"private_key_id\":\"k\",\"token_uri\":\"http://h:1/token\","
                             "\"private_key\":\"");
    for (const char *at = pem; *at; at++)
        buf_printf(&text, *at == '\n' ? "\\n" : "%c", *at);
    buf_append_string(&text, "\"}");
    put_file(&folder, "c.json", buf_string(&text));
    setenv("GOOGLE_APPLICATION_CREDENTIALS", folder_path(&folder, "c.json"), 1);
    assert_int_equal(credentials_find(&found, &err), 0);
    assert_int_equal(credentials_ask(&found, 1700000000, &ask, &err), 0);
    assert_string_equal(buf_string(&ask.url), "http://h:1/token");
    assert_non_null(strstr(buf_string(&ask.body),
                           "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&"
                           "assertion=ey"));
    credentials_ask_deinit(&ask);
    credentials_deinit(&found);
    buf_deinit(&text);
    folder_remove(&folder);
    EVP_PKEY_free(key);
    free(pem);
}

static void only_a_token_is_taken_for_one(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "{\"access_token\":\"\",\"expires_in\":5}",
        "{\"access_token\":\"a\"}",
        "{\"access_token\":\"a\",\"expires_in\":0}",
        "{\"access_token\":\"a\\nX: y\",\"expires_in\":5}",
    };
    struct credentials who = {.origin = "o", .token_uri = "u"};
    struct token token;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(credentials_token(&who, slice_of_string(wrong[i]), &token, &err), -1);
        assert_string_equal(err.message, "credentials o: the answer of u is no token");
    }
    assert_int_equal(
        credentials_token(&who, slice_of_string("{\"access_token\":\"a.b\",\"expires_in\":3599}"),
                          &token, &err),
        0);
    assert_string_equal(buf_string(&token.text), "a.b");
    assert_int_equal(token.lifetime_s, 3599);
    token_deinit(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_googles),
        cmocka_unit_test(files_that_are_of_no_use_are_told_by_what_is_wrong),
        cmocka_unit_test(a_machine_asks_its_metadata_server),
        cmocka_unit_test(a_user_sends_the_refresh_token_as_a_form),
        cmocka_unit_test(a_service_account_sends_an_assertion_to_the_files_token_uri),
        cmocka_unit_test(only_a_token_is_taken_for_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
