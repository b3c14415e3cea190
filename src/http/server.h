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
    _Atomic unsigned connections; /* open now */
    _Atomic uint64_t accepted;
    _Atomic uint64_t refused;           /* over connections_max, or no memory */
    _Atomic uint64_t handshakes_failed; /* TLS, the 10 s limit included */
};

struct server_options {
    struct server_conf conf;  /* copied; server_configure() replaces it */
    unsigned connections_max; /* this loop's share of conf.max_connections */
    /* A request's head is complete.  The callee owns the exchange from here (see exchange.h). */
    void (*on_exchange)(void *arg, struct exchange *ex);
    /* A request was refused before it became an exchange (malformed head, timeout, ...): the server
     * asks for the body of the answer (the API's error shape, JSON), answers with the status that
     * err_facts(why) has, and closes.  Returns text in `a`, or static; `reason` is static text and
     * may be shown to the client; `target` is what was read of it, as received, maybe null.  Also for
     * logs and metrics.  Must not call the server back. */
    str (*on_refused)(void *arg, struct arena *a, enum err why, const char *reason, str target,
                      const struct address *peer);
    void *arg;
};

/* NULL: out of memory. */
struct server *server_new(struct loop *l, const struct server_options *o);

/* New settings (reload): limits of heads for connections accepted from now on; timeouts and all the
 * rest also for those that are open, the next time they apply. */
void server_configure(struct server *s, const struct server_conf *conf, unsigned connections_max);

/* Accepts on fd (taken over).  tls: NULL for plain; a reference is taken.  Returns an id for
 * server_unlisten/server_set_tls, or 0: out of memory. */
unsigned server_listen(struct server *s, int fd, struct tls_context *tls);

/* Serves one stream that was accepted elsewhere (taken over; paused, nothing read yet), as if it had
 * come from a listener with that tls (NULL: plain). */
void server_accept(struct server *s, struct stream *stream, const struct address *peer,
                   struct tls_context *tls);

void server_set_tls(struct server *s, unsigned id, struct tls_context *tls); /* new certificates */
void server_unlisten(struct server *s, unsigned id);

/* Stops accepting, closes idle connections, says `connection: close` on answers from now on; calls
 * on_drained once every answer is out (at once if none runs, but never inside the call).  Connections
 * that only wait for their client to close, too, do not count. */
void server_drain(struct server *s, void (*on_drained)(void *arg), void *arg);

/* Closes everything now; running exchanges get on_gone(ERR_CLIENT_GONE), inside the call. */
void server_close_all(struct server *s);

/* After server_close_all or drained, and not inside a callback.  Exchanges that are not released yet
 * stay valid (they are gone, and need the loop only). */
void server_free(struct server *s); /* NULL is fine */

struct server_stats *server_stats(struct server *s);

#endif
