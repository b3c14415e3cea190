/*
 * The real caller: pools of connections to endpoints, one set per loop.  Pools are found by the
 * endpoint's key, made when first used, and dropped when unused for their idle timeout.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdatomic.h>

#include "http/call.h"
#include "io/dns.h"

struct client;

/* Written by the client's thread, read by any. */
struct client_stats {
    _Atomic unsigned idle, busy; /* connections */
    _Atomic unsigned waiting;    /* calls in a queue, for which no connection is being made yet */
    _Atomic uint64_t opened, reused, replayed;
};

/* workers: how many loops share the pools' limits.  NULL: out of memory. */
struct client *client_new(struct loop *l, struct resolver *r, unsigned workers);

/* All calls must have been released.  Sockets are closed now, memory goes as the loop turns. */
void client_free(struct client *c);

struct caller *client_caller(struct client *c);
struct client_stats *client_stats(struct client *c);

/* After a reload: closes idle connections of endpoints whose key `keep` does not approve, and busy
 * ones when they become idle.  Calls of the older configuration work on. */
void client_retain(struct client *c, bool (*keep)(void *arg, str key), void *arg);

#endif
