/*
 * loop_base: what the loop is made of, for rpc/ alone. Everybody else sees rpc/loop.h.
 */
#ifndef RPC_LOOP_BASE_H
#define RPC_LOOP_BASE_H

#include "rpc/loop.h"

struct event_base;

struct event_base *loop_base(struct loop *loop);

#endif
