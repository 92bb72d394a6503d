/*
 * done_check: the Done of a vm child, held against its files: a script may have got hold of the
 * process, and what it says is told to others.
 */
#ifndef ATTEMPT_DONE_CHECK_H
#define ATTEMPT_DONE_CHECK_H

#include "attempt/serve.h"

/* 0, or -1 (ERR_LIMIT): the child made it up. */
int done_check(const struct trusted *trusted, const Mrlua__Done *done, struct err *err);

#endif
