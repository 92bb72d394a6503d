/*
 * fields: as record/fields.h has them, where most of them are written.
 */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include "record/fields.h"

#endif
