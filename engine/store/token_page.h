/*
 * token_page: one token for a process and all that it forks.
 *
 *     token_page_prepare();                           in the parent, once; the page is inherited
 *     if (token_page_read(&token, now_ns)) ...        a token that is good for a while yet
 *     token_page_write(&token, now_ns);
 *
 * An attempt is a process of its own, and a job may have 100,000: each with a token of its own
 * would ask Google's endpoint as often. Whoever gets one leaves it here. Nobody waits for anybody:
 * a page that is being written is as if it were empty, and one whose writer died stays so.
 *
 * The memory is in no core dump, and not in vm children: they come from the nursery, which was
 * executed before there was a page.
 */
#ifndef STORE_TOKEN_PAGE_H
#define STORE_TOKEN_PAGE_H

#include "store/credentials.h"

#include <stdbool.h>
#include <stdint.h>

void token_page_prepare(void);

/* True: *out is a token whose lifetime_s is what is left of it. `now_ns`: clock_monotonic_ns(). */
bool token_page_read(struct token *out, uint64_t now_ns);

/* Without a page, or if somebody else is writing, nothing happens. */
void token_page_write(const struct token *token, uint64_t now_ns);

#endif
