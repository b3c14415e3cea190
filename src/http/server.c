/*
 * Listeners, TLS handshakes, the limit on connections, draining.  What is said on a connection is
 * its protocol's (h1_server.c); which protocol is decided in serve(), where ALPN's word is known.
 */
#include "http/server.h"

#include <stdlib.h>

#include "http/h1_server.h"
#include "http/server_conn.h"
#include "wire/date.h"

enum {
    HANDSHAKE_MS = 10000, /* or header_timeout, when that is shorter */
    SURPLUS_MAX = 64, /* refusals being said at once; beyond, surplus connections are just closed */
};

struct server_listener {
    struct list node;
    struct server *server;
    unsigned id;
    struct listener *listener;
    struct tls_context *tls; /* a reference, or NULL */
};

/* A TLS handshake under way. */
struct arrival {
    struct list node;
    struct server *server;
    struct tls_handshake *handshake;
    struct timer timer;
    struct closing closing;
    struct address peer;
};

static void count_open(struct server *s, int by)
{
    s->open += (unsigned)by;
    /* A gauge that only this thread writes: readers need no order with anything else. */
    atomic_store_explicit(&s->stats.connections, s->open, memory_order_relaxed);
}

static void count_one(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* --- Draining */

static void on_drained(void *arg)
{
    struct server *s = arg;
    void (*told)(void *) = s->on_drained;
    s->on_drained = NULL;
    if (told)
        told(s->on_drained_arg);
}

static void check_drained(struct server *s)
{
    if (s->draining && s->open + s->surplus == s->lingering && list_is_empty(&s->arrivals))
        loop_defer(s->loop, &s->drained);
}

void server_conn_open(struct server *s, struct server_conn *c, const struct server_conn_ops *ops)
{
    c->server = s;
    c->ops = ops;
    list_push(&s->conns, &c->node);
    if (c->surplus)
        s->surplus++;
    else
        count_open(s, 1);
}

void server_conn_lingers(struct server_conn *c)
{
    if (c->lingers)
        return;
    c->lingers = true;
    c->server->lingering++;
    check_drained(c->server);
}

void server_conn_closed(struct server_conn *c)
{
    list_remove(&c->node);
    c->server->lingering -= c->lingers;
    if (c->surplus)
        c->server->surplus--;
    else
        count_open(c->server, -1);
    check_drained(c->server);
}

/* --- Arriving */

/* With HTTP/2, tls_alpn(stream) chooses here. */
static void serve(struct server *s, struct stream *stream, const struct address *peer, bool tls)
{
    if (!h1_server_start(s, stream, peer, tls))
        count_one(&s->stats.refused);
}

static void arrival_release(void *object)
{
    free(object);
}

static void arrival_end(struct arrival *a)
{
    struct server *s = a->server;
    list_remove(&a->node);
    timer_stop(&a->timer);
    count_open(s, -1);
    loop_close_later(s->loop, &a->closing, arrival_release, a);
}

static void arrival_cancel(struct arrival *a)
{
    tls_cancel(a->handshake);
    arrival_end(a);
    check_drained(a->server);
}

static void on_handshake_timeout(void *arg)
{
    struct arrival *a = arg;
    count_one(&a->server->stats.handshakes_failed);
    arrival_cancel(a);
}

static void on_handshake(void *arg, struct stream *stream, enum err err, const char *why)
{
    struct arrival *a = arg;
    struct server *s = a->server;
    (void)why; /* scanners and plain-text clients make these at will: a counter is enough */
    arrival_end(a);
    if (err == ERR_NONE)
        serve(s, stream, &a->peer, true);
    else
        count_one(&s->stats.handshakes_failed);
    check_drained(s);
}

static void shake_hands(struct server *s, struct tls_context *tls, struct stream *stream,
                        const struct address *peer)
{
    struct arrival *a = calloc(1, sizeof(*a));
    if (!a) {
        stream_close(stream);
        count_one(&s->stats.refused);
        return;
    }
    a->server = s;
    a->peer = *peer;
    timer_init(&a->timer, on_handshake_timeout, a);
    a->handshake = tls_start(tls, stream, STR_NULL, 0, on_handshake, a);
    if (!a->handshake) { /* the stream is closed */
        free(a);
        count_one(&s->stats.refused);
        return;
    }
    list_push(&s->arrivals, &a->node);
    count_open(s, 1);
    uint64_t head_ms = s->options.conf.header_timeout_ms;
    timer_start(s->loop, &a->timer, head_ms < HANDSHAKE_MS ? head_ms : HANDSHAKE_MS);
}

static void refuse_surplus(struct server *s, struct tls_context *tls, struct stream *stream,
                           const struct address *peer)
{
    count_one(&s->stats.refused);
    /* A handshake only to say no would cost more than serving. */
    if (tls || s->surplus >= SURPLUS_MAX)
        stream_close(stream);
    else
        (void)h1_server_refuse(s, stream, peer);
}

void server_accept(struct server *s, struct stream *stream, const struct address *peer,
                   struct tls_context *tls)
{
    if (s->draining) {
        stream_close(stream);
        return;
    }
    if (s->open >= s->options.connections_max) {
        refuse_surplus(s, tls, stream, peer);
        return;
    }
    count_one(&s->stats.accepted);
    if (tls)
        shake_hands(s, tls, stream, peer);
    else
        serve(s, stream, peer, false);
}

static void on_accept(void *arg, struct stream *stream, const struct address *peer)
{
    struct server_listener *l = arg;
    server_accept(l->server, stream, peer, l->tls);
}

/* --- Listeners */

unsigned server_listen(struct server *s, int fd, struct tls_context *tls)
{
    struct server_listener *l = calloc(1, sizeof(*l));
    if (!l)
        return 0;
    l->server = s;
    l->listener = listener_new(s->loop, fd, on_accept, l);
    if (!l->listener) {
        free(l);
        return 0;
    }
    l->tls = tls ? tls_context_ref(tls) : NULL;
    l->id = ++s->last_id;
    list_push(&s->listeners, &l->node);
    return l->id;
}

static struct server_listener *listener_by_id(struct server *s, unsigned id)
{
    LIST_EACH (node, &s->listeners) {
        struct server_listener *l = LIST_ENTRY(node, struct server_listener, node);
        if (l->id == id)
            return l;
    }
    BUG("no listener %u", id);
}

void server_set_tls(struct server *s, unsigned id, struct tls_context *tls)
{
    struct server_listener *l = listener_by_id(s, id);
    CHECK((tls == NULL) == (l->tls == NULL));
    if (tls)
        tls_context_ref(tls);
    tls_context_unref(l->tls);
    l->tls = tls;
}

static void listener_end(struct server_listener *l)
{
    list_remove(&l->node);
    listener_close(l->listener);
    tls_context_unref(l->tls);
    free(l);
}

void server_unlisten(struct server *s, unsigned id)
{
    listener_end(listener_by_id(s, id));
}

static void unlisten_all(struct server *s)
{
    LIST_EACH (node, &s->listeners) {
        listener_end(LIST_ENTRY(node, struct server_listener, node));
    }
}

/* --- Life */

struct server *server_new(struct loop *l, const struct server_options *o)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->loop = l;
    s->options = *o;
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->arrivals);
    deferred_init(&s->drained, on_drained, s);
    buf_init(&s->head, 0);
    return s;
}

void server_configure(struct server *s, const struct server_conf *conf, unsigned connections_max)
{
    s->options.conf = *conf;
    s->options.connections_max = connections_max;
}

static void cancel_arrivals(struct server *s)
{
    LIST_EACH (node, &s->arrivals) {
        arrival_cancel(LIST_ENTRY(node, struct arrival, node));
    }
}

void server_drain(struct server *s, void (*told)(void *arg), void *arg)
{
    s->draining = true;
    s->on_drained = told;
    s->on_drained_arg = arg;
    unlisten_all(s);
    cancel_arrivals(s);
    LIST_EACH (node, &s->conns) {
        struct server_conn *c = LIST_ENTRY(node, struct server_conn, node);
        c->ops->drain(c);
    }
    check_drained(s);
}

void server_close_all(struct server *s)
{
    s->draining = true;
    unlisten_all(s);
    cancel_arrivals(s);
    /* Each close may call back, and so close others: always the first of those that are left. */
    while (!list_is_empty(&s->conns)) {
        struct server_conn *c = LIST_ENTRY(s->conns.next, struct server_conn, node);
        c->ops->close(c);
    }
    check_drained(s);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    CHECK(list_is_empty(&s->conns) && list_is_empty(&s->arrivals));
    unlisten_all(s);
    deferred_cancel(&s->drained);
    buf_release(&s->head);
    free(s);
}

struct server_stats *server_stats(struct server *s)
{
    return &s->stats;
}

str server_date(struct server *s)
{
    uint64_t now = loop_now_us(s->loop);
    if (now >= s->date_due_us) {
        uint64_t wall = loop_wall_us();
        s->date_due_us = now + 1000000 - wall % 1000000;
        s->date_len = (unsigned)date_http(s->date, (int64_t)(wall / 1000000)).len;
    }
    return str_make(s->date, s->date_len);
}
