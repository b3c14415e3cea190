/*
 * What server.c and the protocols behind it (h1_server.c; HTTP/2 later) know of each other, and
 * nobody else.  The server owns listeners, TLS, limits and the list of connections; a protocol owns
 * what happens on one connection.  Thread: the server's loop.
 */
#ifndef HTTP_SERVER_CONN_H
#define HTTP_SERVER_CONN_H

#include "base/buf.h"
#include "http/server.h"

struct server_conn;

struct server_conn_ops {
    /* The server drains: close if idle, else after what runs. */
    void (*drain)(struct server_conn *c);
    /* Close now.  A running exchange gets on_gone(ERR_CLIENT_GONE). */
    void (*close)(struct server_conn *c);
};

/* The common beginning of each protocol's connection, which allocates and frees it. */
struct server_conn {
    struct list node; /* in server->conns while open */
    const struct server_conn_ops *ops;
    struct server *server;
    bool lingers; /* its answers are out: a drain does not wait for it */
    bool surplus; /* over the limit: it only gets the refusal, and does not count */
};

struct server {
    struct loop *loop;
    struct server_options options; /* conf and connections_max: the newest */
    struct server_stats stats;

    struct list listeners;
    unsigned last_id;

    struct list conns;    /* struct server_conn */
    struct list arrivals; /* TLS handshakes under way */
    unsigned open;        /* conns that count, and arrivals */
    unsigned surplus;     /* conns that do not */
    unsigned lingering;   /* of all conns */

    bool draining;
    void (*on_drained)(void *arg);
    void *on_drained_arg;
    struct deferred drained;

    struct buf head; /* scratch for the head being written */
    uint64_t date_due_us;
    char date[32];
    unsigned date_len;
};

/* Enters a connection into the server's list; c->surplus is set by the caller. */
void server_conn_open(struct server *s, struct server_conn *c, const struct server_conn_ops *ops);

/* The connection is closed (leaves the list); its memory is its protocol's. */
void server_conn_closed(struct server_conn *c);

/* All answers are with the kernel; only a tidy end is waited for.  From now on a drain does not. */
void server_conn_lingers(struct server_conn *c);

/* The value of the Date header, made once a second. */
str server_date(struct server *s);

#endif
