/*
 * loop_base: what the loop is made of, for rpc/ and the HTTP server (master/http.c). Everybody else
 * sees rpc/loop.h.
 *
 *     loop_guest_add(loop, &conn->guest);        nobody else will close it, should the loop end
 *     loop_guest_remove(&conn->guest);           safe when it was not added
 */
#ifndef RPC_LOOP_BASE_H
#define RPC_LOOP_BASE_H

#include "rpc/loop.h"

struct event_base;

struct event_base *loop_base(struct loop *loop);

/* What lives on a loop without an owner. Zeroed, it is on none. */
struct loop_guest {
    void (*close)(struct loop_guest *guest); /* by loop_close(); it removes itself */
    struct loop_guest *next, **link;
};

void loop_guest_add(struct loop *loop, struct loop_guest *guest);
void loop_guest_remove(struct loop_guest *guest);

#endif
