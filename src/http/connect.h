/*
 * A connector makes one connection to an endpoint: name, TCP (happy eyeballs) or Unix socket, HTTP
 * CONNECT through a proxy, TLS, all under the endpoint's one connect timeout.
 *
 *     RESOLVING ──> CONNECTING ──> TUNNELLING ──> SECURING ──> done
 *         └─────────────┴── each but the second is left out when not needed
 *
 * The struct is the caller's storage and must stay where it is until on_done or connector_cancel().
 * Thread: its loop's.
 */
#ifndef HTTP_CONNECT_H
#define HTTP_CONNECT_H

#include "http/call.h"
#include "io/dns.h"

/* A ready stream (the callee's, paused, nothing read), or an error: UPSTREAM_DNS, UPSTREAM_CONNECT
 * (also what a proxy refused), UPSTREAM_TLS, CONNECT_TIMEOUT, NO_MEMORY, with `why` in words. */
typedef void connector_fn(void *arg, struct stream *s, enum err err, const char *why);

enum connector_state {
    CONNECTOR_IDLE,
    CONNECTOR_RESOLVING,
    CONNECTOR_CONNECTING,
    CONNECTOR_TUNNELLING,
    CONNECTOR_SECURING,
    CONNECTOR_FAILED, /* told at the end of the turn */
};

struct connector {
    enum connector_state state;
    struct loop *loop;
    struct resolver *resolver;
    const struct endpoint *endpoint;
    union { /* what the state works with */
        struct dns_query *query;
        struct connecting *connecting;
        struct tunnel *tunnel;
        struct tls_handshake *handshake;
    };
    struct timer timeout;
    struct deferred failed;
    enum err err;
    const char *why;
    connector_fn *on_done;
    void *arg;
};

/* on_done is called exactly once, never inside.  e must outlive it. */
void connector_start(struct connector *c, struct loop *l, struct resolver *r,
                     const struct endpoint *e, connector_fn *on_done, void *arg);

/* Before on_done: it will not come, sockets are closed now. */
void connector_cancel(struct connector *c);

#endif
