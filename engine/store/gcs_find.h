/*
 * gcs_find: what a name with gs:// stands for, as a list of objects.
 *
 *     found = gcs_find(gcs, &uri, GCS_FIND_INPUTS, each, context, &err);      1, 0: nothing, -1
 *
 * As with files and folders (file.h):
 *   - the object of that name;
 *   - if there is none, the objects below NAME/ (with a slash at its end, or no name: only these);
 *   - a pattern (* ? [) that is not itself the name of an object: the objects whose name, or the
 *     folder they are in, matches. * and ? match no slash and no leading dot, a part that is `**`
 *     any number of folders (wildcard.h).
 * In byte order of names. Of GCS_FIND_INPUTS names that begin with "." or "_" are left out below a
 * folder (not where the user or a pattern names them), and so are the empty objects that tools make
 * to stand for a folder, whose names end in a slash. GCS_FIND_ALL has both.
 */
#ifndef STORE_GCS_FIND_H
#define STORE_GCS_FIND_H

#include "store/gcs.h"
#include "store/uri.h"

enum gcs_find_kind { GCS_FIND_INPUTS, GCS_FIND_ALL };

/* `each` answers 0, or -1 with *err. 1: it was called. 0: there is no such object. -1: *err. */
int gcs_find(struct gcs *gcs, const struct uri *uri, enum gcs_find_kind kind,
             int (*each)(void *context, const struct gcs_object *object, struct err *err),
             void *context, struct err *err);

#endif
