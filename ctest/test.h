/*
 * test: what every C test includes. cmocka wants these headers before it, in this order.
 */
#ifndef CTEST_TEST_H
#define CTEST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
