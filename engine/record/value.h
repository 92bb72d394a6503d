/*
 * value: values as bytes: nil-free scalars and nested tables. Compact, not ordered. Also how
 * checked job tables, params and command lines travel between Lua and C.
 *
 * Integers and floats stay what they were (1 and 1.0 differ in a value, unlike in a key).
 */
#ifndef RECORD_VALUE_H
#define RECORD_VALUE_H

#include "record/key.h"

enum { VALUE_DEPTH_MAX = 64 };

#endif
