#include "http/connect.h"

#include <stdio.h>

#include "http/connect_tunnel.h"
#include "io/tcp.h"

static void connector_on_timeout(void *arg);
static void connector_on_failed(void *arg);
static void connector_secure(struct connector *c, struct stream *s);

/* --- The end. */

static void connector_finish(struct connector *c, struct stream *s, enum err err, const char *why)
{
    c->state = CONNECTOR_IDLE;
    timer_stop(&c->timeout);
    deferred_cancel(&c->failed);
    c->on_done(c->arg, s, err, why); /* the connector may be gone now */
}

/* For failures inside connector_start(), whose caller must not be called back yet. */
static void connector_fail_later(struct connector *c, enum err err, const char *why)
{
    c->state = CONNECTOR_FAILED;
    c->err = err;
    c->why = why;
    loop_defer(c->loop, &c->failed);
}

static void connector_on_failed(void *arg)
{
    struct connector *c = arg;
    connector_finish(c, NULL, c->err, c->why);
}

static void connector_abandon(struct connector *c)
{
    switch (c->state) {
    case CONNECTOR_RESOLVING:
        dns_cancel(c->query);
        break;
    case CONNECTOR_CONNECTING:
        connecting_cancel(c->connecting);
        break;
    case CONNECTOR_TUNNELLING:
        tunnel_cancel(c->tunnel);
        break;
    case CONNECTOR_SECURING:
        tls_cancel(c->handshake);
        break;
    case CONNECTOR_FAILED:
    case CONNECTOR_IDLE:
        break;
    }
}

static const char *connector_phase_missed(enum connector_state state)
{
    switch (state) {
    case CONNECTOR_RESOLVING:
        return "the name was not resolved in time";
    case CONNECTOR_CONNECTING:
        return "no TCP connection in time";
    case CONNECTOR_TUNNELLING:
        return "the proxy did not answer CONNECT in time";
    case CONNECTOR_SECURING:
        return "the TLS handshake was not finished in time";
    case CONNECTOR_FAILED:
    case CONNECTOR_IDLE:
        break;
    }
    return "no connection in time";
}

static void connector_on_timeout(void *arg)
{
    struct connector *c = arg;
    const char *why = connector_phase_missed(c->state);
    connector_abandon(c);
    connector_finish(c, NULL, ERR_CONNECT_TIMEOUT, why);
}

void connector_cancel(struct connector *c)
{
    connector_abandon(c);
    c->state = CONNECTOR_IDLE;
    timer_stop(&c->timeout);
    deferred_cancel(&c->failed);
}

/* --- TLS. */

static void connector_on_secured(void *arg, struct stream *s, enum err err, const char *why)
{
    connector_finish(arg, s, err, why);
}

static void connector_secure(struct connector *c, struct stream *s)
{
    const struct endpoint *e = c->endpoint;
    if (!e->tls) {
        connector_finish(c, s, ERR_NONE, NULL);
        return;
    }
    c->state = CONNECTOR_SECURING;
    c->handshake = tls_start(e->tls_context, s, e->host, e->port, connector_on_secured, c);
    if (!c->handshake)
        connector_finish(c, NULL, ERR_NO_MEMORY, "no memory for TLS");
}

/* --- The proxy. */

static void connector_on_tunnel(void *arg, struct stream *s, enum err err, const char *why)
{
    if (err)
        connector_finish(arg, NULL, err, why);
    else
        connector_secure(arg, s);
}

static bool connector_has_proxy(const struct connector *c)
{
    return !str_is_null(c->endpoint->proxy_host) && str_is_null(c->endpoint->unix_path);
}

static void connector_tunnel(struct connector *c, struct stream *s)
{
    c->state = CONNECTOR_TUNNELLING;
    c->tunnel = tunnel_start(s, c->endpoint, connector_on_tunnel, c);
    if (!c->tunnel)
        connector_finish(c, NULL, ERR_NO_MEMORY, "no memory for the tunnel");
}

/* --- The socket. */

static void connector_on_connected(void *arg, struct stream *s, enum err err)
{
    struct connector *c = arg;
    if (err)
        connector_finish(c, NULL, err,
                         connector_has_proxy(c) ? "no connection to the proxy" : "no connection");
    else if (connector_has_proxy(c))
        connector_tunnel(c, s);
    else
        connector_secure(c, s);
}

static void connector_connect(struct connector *c, const struct address *addresses, unsigned n)
{
    unsigned keepalive_s = (unsigned)((c->endpoint->pool.keepalive_ms + 999) / 1000);
    c->state = CONNECTOR_CONNECTING;
    c->connecting = tcp_connect(c->loop, addresses, n, keepalive_s, connector_on_connected, c);
    if (!c->connecting)
        connector_fail_later(c, ERR_NO_MEMORY, "no memory or descriptors for a connection");
}

static void connector_connect_unix(struct connector *c)
{
    struct address a;
    char text[sizeof(a.un.sun_path) + 8];
    int len = snprintf(text, sizeof(text), "unix:%.*s", STR_ARG(c->endpoint->unix_path));
    bool fits = len > 0 && (size_t)len < sizeof(text);
    if (fits && address_parse(&a, str_make(text, (size_t)len)) == ERR_NONE)
        connector_connect(c, &a, 1);
    else
        connector_fail_later(c, ERR_UPSTREAM_CONNECT, "the path of the Unix socket is too long");
}

/* --- The name. */

static void connector_on_addresses(void *arg, const struct address *addresses, unsigned n,
                                   enum err err)
{
    struct connector *c = arg;
    if (err || n == 0)
        connector_finish(c, NULL, err ? err : ERR_UPSTREAM_DNS, "the name does not resolve");
    else
        connector_connect(c, addresses, n);
}

static void connector_resolve(struct connector *c)
{
    const struct endpoint *e = c->endpoint;
    if (e->pinned_count && !connector_has_proxy(c)) {
        connector_connect(c, e->pinned, e->pinned_count);
        return;
    }
    str host = connector_has_proxy(c) ? e->proxy_host : e->host;
    uint16_t port = connector_has_proxy(c) ? e->proxy_port : e->port;
    struct address cached[DNS_ADDRESSES_MAX];
    unsigned n = dns_cached(c->resolver, host, port, cached);
    if (n) {
        connector_connect(c, cached, n);
        return;
    }
    c->state = CONNECTOR_RESOLVING;
    c->query = dns_resolve(c->resolver, host, port, connector_on_addresses, c);
    if (!c->query)
        connector_fail_later(c, ERR_NO_MEMORY, "no memory to resolve the name");
}

void connector_start(struct connector *c, struct loop *l, struct resolver *r,
                     const struct endpoint *e, connector_fn *on_done, void *arg)
{
    *c =
        (struct connector){.loop = l, .resolver = r, .endpoint = e, .on_done = on_done, .arg = arg};
    timer_init(&c->timeout, connector_on_timeout, c);
    deferred_init(&c->failed, connector_on_failed, c);
    if (e->connect_timeout_ms)
        timer_start(l, &c->timeout, e->connect_timeout_ms);
    if (str_is_null(e->unix_path))
        connector_resolve(c);
    else
        connector_connect_unix(c);
}
