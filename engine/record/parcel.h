/*
 * parcel: a record that a map emits to a further output of its job, on its way through the shuffle.
 *
 *     parcel_wrap(&buf, key, value);                      by the map
 *     collector_emit(collector, partition_count + output, parcel_key(), buf_slice(&buf), &err);
 *     rc = parcel_unwrap(value, &key, &value, &err);      by the reduce of that partition
 *
 * Behind the partitions of the reduces stands one for each further output. All its records have
 * one key, so that they come out in the order of the input: by map, then by emit. As they travel
 * like all others, they are committed once, audited, and made again when they are lost, like all
 * others.
 *
 * A parcel is a value (value.h): the list of the encoded key and the encoded value, as strings.
 */
#ifndef RECORD_PARCEL_H
#define RECORD_PARCEL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Appends the parcel of a record. */
void parcel_wrap(struct buf *out, struct slice key, struct slice value);

/* The key of all parcels. */
struct slice parcel_key(void);

/* Both point into `parcel`. 0, or -1 (ERR_PEER): it is none. */
int parcel_unwrap(struct slice parcel, struct slice *key, struct slice *value, struct err *err);

#endif
