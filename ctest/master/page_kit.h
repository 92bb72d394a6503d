/*
 * page_kit: a master with its page (master_kit.h), and what the page answers.
 */
#ifndef CTEST_MASTER_PAGE_KIT_H
#define CTEST_MASTER_PAGE_KIT_H

#include "http_ask.h"
#include "master/master_kit.h"

static struct page_kit {
    uint16_t port;
    char token[64];
} page;

static struct buf answer;

static inline void page_kit_read(void)
{
    char text[200] = "";
    FILE *file = fopen(folder_path(&kit.folder, "page"), "rb");
    unsigned port = 0;

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_int_equal(sscanf(text, "http://127.0.0.1:%u/%63[0-9a-f]/", &port, page.token), 2);
    page.port = (uint16_t)port;
}

static inline int page_set_up(void **state)
{
    (void)state;
    master_kit_open(&kit);
    folder_write(&kit.folder, "in", "a\nb\n", 4);
    kit.http = "127.0.0.1:0";
    master_kit_start(&kit);
    page_kit_read();
    return 0;
}

static inline int page_tear_down(void **state)
{
    buf_deinit(&answer);
    return master_kit_tear_down(state);
}

/* What is behind the token. The status; the answer is in `answer`. */
static inline int page_get(const char *what)
{
    char path[256];

    snprintf(path, sizeof path, "/%s/%s", page.token, what);
    http_get(page.port, path, &answer);
    return http_status(&answer);
}

/* Asks until the answer says so: answers are kept for a while. */
static inline void page_await(const char *what, const char *text)
{
    const uint64_t until_ns = clock_monotonic_ns() + MASTER_KIT_AWAIT_MS * NS_PER_MS;

    while (page_get(what) != 200 || !http_has(&answer, text))
        if (clock_monotonic_ns() > until_ns)
            fail_msg("%s does not say %s: %s", what, text, buf_string(&answer));
}

static inline void metrics_await(const char *text)
{
    const uint64_t until_ns = clock_monotonic_ns() + MASTER_KIT_AWAIT_MS * NS_PER_MS;

    do {
        http_get(page.port, "/metrics", &answer);
        assert_int_equal(http_status(&answer), 200);
        if (clock_monotonic_ns() > until_ns)
            fail_msg("metrics do not say %s", text);
    } while (!http_has(&answer, text));
}

#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, page_set_up, page_tear_down)

#endif
