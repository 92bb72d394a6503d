#include "store/token_page.h"

#include "base/clock.h"
#include "test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_text(const char *text, uint64_t lifetime_s, uint64_t now_ns)
{
    struct token token = {.lifetime_s = lifetime_s};

    buf_append_string(&token.text, text);
    token_page_write(&token, now_ns);
    token_deinit(&token);
}

static void without_a_page_nothing_is_kept(void **state)
{
    struct token token;

    (void)state;
    write_text("t", 100, 0);
    assert_false(token_page_read(&token, 0));
}

static void what_a_child_writes_the_next_one_reads(void **state)
{
    struct token token;
    int status;
    pid_t pid;

    (void)state;
    token_page_prepare();
    token_page_prepare(); /* the same again */
    assert_false(token_page_read(&token, 0));
    pid = fork();
    if (pid == 0) {
        write_text("secret", 100, 5 * NS_PER_S);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(token_page_read(&token, 25 * NS_PER_S));
    assert_string_equal(buf_string(&token.text), "secret");
    assert_int_equal(token.lifetime_s, 80);
    token_deinit(&token);
}

static void a_token_is_gone_when_its_life_is_over(void **state)
{
    struct token token;

    (void)state;
    token_page_prepare();
    write_text("short", 10, 0);
    assert_true(token_page_read(&token, 8 * NS_PER_S));
    token_deinit(&token);
    assert_false(token_page_read(&token, 9 * NS_PER_S));
    write_text("longer than the one before", 10, 20 * NS_PER_S);
    assert_true(token_page_read(&token, 21 * NS_PER_S));
    assert_string_equal(buf_string(&token.text), "longer than the one before");
    token_deinit(&token);
}

static void a_token_beyond_the_limit_is_not_kept(void **state)
{
    static char text[CREDENTIALS_TOKEN_BYTES_MAX + 2];
    struct token token;

    (void)state;
    token_page_prepare();
    memset(text, 'x', sizeof text - 1);
    write_text("before", 100, 0);
    write_text(text, 100, 0);
    assert_true(token_page_read(&token, 0));
    assert_string_equal(buf_string(&token.text), "before");
    token_deinit(&token);
    text[CREDENTIALS_TOKEN_BYTES_MAX] = '\0';
    write_text(text, 100, 0);
    assert_true(token_page_read(&token, 0));
    assert_int_equal(token.text.len, CREDENTIALS_TOKEN_BYTES_MAX);
    token_deinit(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_page_nothing_is_kept),
        cmocka_unit_test(what_a_child_writes_the_next_one_reads),
        cmocka_unit_test(a_token_is_gone_when_its_life_is_over),
        cmocka_unit_test(a_token_beyond_the_limit_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
