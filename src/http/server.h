/*
 * A server accepts connections on one loop and turns them into exchanges (http/exchange.h).
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdatomic.h>

#include "http/exchange.h"
#include "http/http_conf.h"
#include "io/tls.h"

struct server;

/* Counters of connections, for metrics; written by the server's thread, read by any. */
struct server_stats {
    _Atomic unsigned connections;    /* open now */
    _Atomic uint64_t accepted, refused; /* refused: over max_connections */
};

struct server_options {
    struct server_conf conf; /* copied; server_configure() replaces it */
    unsigned connections_max; /* this loop's share of conf.max_connections */
    /* A request's head is complete.  The callee owns the exchange from here (see exchange.h). */
    void (*on_exchange)(void *arg, struct exchange *ex);
    /* A request was refused before it became an exchange (malformed head, timeout, ...): the server
     * asks for the body of the answer (the API's error shape), answers and closes.  Returns text in
     * `a`; `target` is what was read of it, maybe null.  Also for logs and metrics. */
    str (*on_refused)(void *arg, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer);
    void *arg;
};

/* NULL: out of memory. */
struct server *server_new(struct loop *l, const struct server_options *o);

/* New settings for connections from now on (reload). */
void server_configure(struct server *s, const struct server_conf *conf, unsigned connections_max);

/* Accepts on fd (taken over).  tls: NULL for plain; a reference is taken.  Returns an id for
 * server_unlisten/server_set_tls, or 0: out of memory. */
unsigned server_listen(struct server *s, int fd, struct tls_context *tls);
void server_set_tls(struct server *s, unsigned id, struct tls_context *tls); /* new certificates */
void server_unlisten(struct server *s, unsigned id);

/* Stops accepting, closes idle connections, says `connection: close` on answers from now on; calls
 * on_drained once no connection is left (at once if none, but never inside the call). */
void server_drain(struct server *s, void (*on_drained)(void *arg), void *arg);

/* Closes everything now; running exchanges get on_gone(ERR_CLIENT_GONE). */
void server_close_all(struct server *s);

/* After server_close_all or drained, when all exchanges were released. */
void server_free(struct server *s);

struct server_stats *server_stats(struct server *s);

#endif
