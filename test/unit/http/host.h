/*
 * For tests of the server: a host is a server on a loop with an application that remembers each
 * exchange (a visit); guests are its clients, on the same loop, over memory or real sockets.
 */
#ifndef UNIT_HTTP_HOST_H
#define UNIT_HTTP_HOST_H

#include "support/test.h"

#include "base/buf.h"
#include "http/server.h"

enum { VISITS_MAX = 2048 };

struct host;

/* An exchange as the application sees it. */
struct visit {
    struct host *host;
    struct exchange *ex; /* NULL: released */
    char target[64];
    struct buf body;
    size_t body_bytes;
    bool body_ended;
    enum err gone;
    unsigned gone_count, drains;
};

struct host {
    struct loop *loop;
    struct server *server;
    struct server_options options; /* changed before host_open */
    struct visit visits[VISITS_MAX];
    unsigned count;
    void (*on_visit)(struct visit *v);    /* what is done at once; NULL: nothing */
    void (*on_body_end)(struct visit *v); /* when the body is complete; NULL: nothing */
    bool drop_bodies;                     /* only count their bytes */
    bool hold_gone;                       /* do not release what is gone */

    unsigned refusals; /* on_refused was called */
    enum err refused;
    char refused_reason[128], refused_target[300];

    unsigned drained;
    unsigned listener;
    uint16_t port; /* 0: host_listen was not called */
    size_t chunks; /* alive when it was opened */
};

/* Zeroed storage with usual settings; then host_open. */
struct host *host_new(void);
void host_open(struct host *h);
/* Closes what is left, checks that no chunk leaked, frees. */
void host_close(struct host *h);

void host_listen(struct host *h, struct tls_context *tls);
void host_listen_unix(struct host *h, const char *path);
unsigned host_connections(struct host *h);

/* Some turns, without waiting: whatever can happen now has happened after. */
void host_turns(struct host *h);
/* Turns until the condition holds; fails the test after some seconds. */
#define HOST_UNTIL(h, condition)                                                                   \
    do {                                                                                           \
        uint64_t deadline_us = loop_clock_us() + 5000000;                                          \
        while (!(condition)) {                                                                     \
            if (loop_clock_us() > deadline_us)                                                     \
                EXPECT_FAIL("never came: %s", #condition);                                         \
            host_tick(h);                                                                          \
        }                                                                                          \
    } while (0)
void host_tick(struct host *h); /* a turn that waits a little */

/* What applications do. */
void visit_hello(struct visit *v);     /* answers "hello", releases */
void visit_take_body(struct visit *v); /* lets the body flow */
void visit_echo(struct visit *v);      /* answers the body it got, releases */
void visit_begin(struct visit *v);     /* head of unknown length, no byte */
void visit_say(struct visit *v, str text);
void visit_end(struct visit *v);                          /* ends the answer, releases */
void visit_answer(struct visit *v, int status, str text); /* whole, releases */
void visit_abort(struct visit *v);                        /* aborts and releases */
void visit_release(struct visit *v);

/* A client. */
struct guest {
    struct stream *stream; /* NULL: it left */
    struct buf got;
    bool ended;
    enum err end;
};

void guest_come(struct guest *g, struct host *h, size_t chunk); /* over memory */
void guest_come_tcp(struct guest *g, struct host *h);           /* over its listener */
void guest_come_unix(struct guest *g, struct host *h, const char *path);
void guest_come_as(struct guest *g, struct stream *s); /* over a stream that the test made */
void guest_send(struct guest *g, const char *text);
void guest_send_bytes(struct guest *g, str bytes);
void guest_shut(struct guest *g);  /* FIN */
void guest_reset(struct guest *g); /* RST; it is gone then */
void guest_leave(struct guest *g); /* closes if it has not, forgets what it got */
unsigned guest_count(const struct guest *g, const char *text); /* times it stands in what came */

#endif
