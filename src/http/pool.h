/*
 * A pool keeps the connections to one endpoint on one loop, and lends slots: a slot is room for one
 * request, that is an idle HTTP/1.1 connection (and later a free HTTP/2 stream).  It never retries:
 * that is its user's decision.
 *
 *     waiter   pool_take ──> (a slot at once)
 *                       └──> QUEUED ──> CONNECTING ──> on_slot | on_failed
 *                            no room     an attempt to connect runs for it
 *
 *     attempt  started ──> a slot | failed | cancelled
 *     slot     lent <──> idle ──> closed;  lent ──> closed
 *
 * Connections are not bound to the waiter that they were opened for: whatever becomes free goes to
 * the oldest waiter, so nobody waits for a handshake while a connection lies idle.  A waiter that
 * leaves takes an attempt with it (the youngest) unless another waiter can use it; an attempt that
 * its waiter no longer needs, because another connection came free first, goes on and ends idle.
 * A failed attempt fails the oldest waiter, unless enough others go on, or that one came after the
 * attempt had begun: then the pool tries again for it.
 *
 * Idle connections are lent youngest first, so that the surplus grows old and is closed.
 *
 * Ownership: the pool has its own copy of the endpoint, so it outlives configurations; slots belong
 * to it, lent or not.  Thread: its loop's.  No callback runs inside pool_take() or pool_put().
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "http/call.h"
#include "http/client.h"

struct pool;
struct slot;

/* What all pools of a loop have in common; outlives them. */
struct pool_env {
    struct loop *loop;
    struct resolver *resolver;
    unsigned workers; /* who share each limit */
    struct client_stats *stats;
};

/* A request as it is sent, prepared once, so that a replay sends the same bytes.  All of it lives in
 * the call's arena, but for the body's bytes (struct call_request says how long those stay). */
struct outgoing {
    enum method method;
    struct slice *slices; /* head, body, their framing */
    unsigned count;
    bool more;    /* the rest of the body comes by slot_write */
    bool chunked; /* its framing */
    int64_t left; /* bytes of it to come, when not chunked */
    struct arena *arena;
};

/* How an answer ended. */
struct slot_result {
    enum err err; /* NONE: complete */
    const char *why;
    bool untouched; /* no byte of an answer had come */
};

struct slot_ops {
    /* Sends the request and hands what comes back to slot->call: head and end through slot->user, body
     * and drain, which are many, directly to the call's handler.  Nothing of it inside the call. */
    void (*send)(struct slot *s, const struct outgoing *o);
    size_t (*write)(struct slot *s, const struct slice *v, unsigned n, bool end);
    void (*flow)(struct slot *s, bool flow);
    /* For pool.c: the connection goes, whatever it was doing. */
    void (*close)(struct slot *s);
};

/* Whose call it is that a slot carries. */
struct slot_user {
    void (*on_head)(struct call *call, const struct response_head *head);
    /* The slot is back with its pool already. */
    void (*on_done)(struct call *call, const struct slot_result *r);
};

struct slot {
    const struct slot_ops *ops;
    struct pool *pool;
    struct list node; /* in the pool's idle list */
    uint64_t born_us, idle_us;
    bool used; /* it has carried a request before */

    /* Set by who borrowed it; NULL while idle. */
    struct call *call;
    const struct slot_user *user;
};

enum pool_wait_state { POOL_WAIT_NONE, POOL_WAIT_QUEUED, POOL_WAIT_CONNECTING };

/* Caller's storage; on_slot, on_failed and arg are set by the caller, the rest is the pool's. */
struct pool_wait {
    void (*on_slot)(void *arg, struct slot *s);
    /* UPSTREAM_DNS, _CONNECT, _TLS, CONNECT_TIMEOUT, QUEUE_TIMEOUT, NO_MEMORY */
    void (*on_failed)(void *arg, enum err err, const char *why);
    void *arg;
    bool fresh;       /* no idle connection will do: the last one turned out to be dead */
    uint64_t slot_us; /* when it left the queue; 0: not yet */

    enum pool_wait_state state;
    struct pool *pool;
    struct list node;
    struct timer timeout;
    uint64_t since_us;
};

/* A copy of e is taken.  NULL: out of memory. */
struct pool *pool_new(const struct pool_env *env, const struct endpoint *e);

/* No slot may be lent and nobody wait.  Closes the rest, leaves the list of its owner. */
void pool_free(struct pool *p);

/* The settings of an endpoint with the same key may have changed: limits, timeouts, certificates. */
void pool_configure(struct pool *p, const struct endpoint *e);

/* Retired: idle connections are closed, and lent ones when they come back.  It works on for requests
 * of an older configuration. */
void pool_retire(struct pool *p, bool retired);

/* The list and text that the owner finds it by. */
struct list *pool_node(struct pool *p);
struct pool *pool_from_node(struct list *node);
str pool_key(const struct pool *p);

/*
 * Borrows a slot.  ERR_NONE with *out: lent, give it back with pool_put().  ERR_NONE with *out NULL:
 * none is free now; one of w's callbacks comes, once, unless pool_forget(w) does first.  QUEUE_FULL,
 * NO_MEMORY: neither.
 */
enum err pool_take(struct pool *p, struct pool_wait *w, struct slot **out) must_check;

/* Stops waiting, if it does. */
void pool_forget(struct pool_wait *w);

/* Gives a lent slot back: as good as new, or with its connection to be closed. */
void pool_put(struct slot *s, bool reusable);

/* The connection of an idle slot has ended: the pool closes it. */
void pool_lost(struct slot *s);

/* The endpoint, as this pool knows it. */
const struct endpoint *pool_endpoint(const struct pool *p);

/* What it holds, for tests and for looking inside. */
struct pool_count {
    unsigned idle, lent, opening, queued, connecting;
};
struct pool_count pool_counts(const struct pool *p);

#endif
