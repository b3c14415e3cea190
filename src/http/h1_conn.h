/*
 * The inside of HTTP/1 connections, for h1_server.c (the machine, its states and its picture),
 * h1_request.c (what comes in) and h1_exchange.c (what an exchange's user does to it).
 */
#ifndef HTTP_H1_CONN_H
#define HTTP_H1_CONN_H

#include "http/pace.h"
#include "http/server_conn.h"
#include "wire/http1.h"

#define H1_STATES(X)                                                                               \
    X(IDLE, "between requests, no byte of the next one was seen")                                  \
    X(HEAD, "inside a request's head")                                                             \
    X(BODY, "the exchange runs, its body is not complete")                                         \
    X(ANSWER, "the exchange runs, the request is complete")                                        \
    X(REST, "answered; the rest of the body is read and dropped")                                  \
    X(FLUSH, "answered; the answer goes out, or its user still holds the exchange")                \
    X(LINGER, "our side is shut; input is dropped until the client closes, too")                   \
    X(CLOSED, "silent; memory goes at the end of the turn")

enum h1_state {
#define H1_STATE(name, help) H1_##name,
    H1_STATES(H1_STATE)
#undef H1_STATE
};

/* What follows when the answer has been flushed. */
enum h1_ending {
    H1_END_KEEP,      /* the next request */
    H1_END_CLOSE,     /* an orderly close; the client may still be sending */
    H1_END_RESET,     /* RST: the client must not take what it has for the whole answer */
    H1_END_RESET_NOW, /* the same without waiting for a client that takes nothing */
};

enum h1_framing {
    H1_FRAMING_NONE, /* no body: HEAD, 204, 304 */
    H1_FRAMING_LENGTH,
    H1_FRAMING_CHUNKED,
    H1_FRAMING_UNTIL_CLOSE, /* 1.0 client, length unknown */
};

/* Lives in its own arena, apart from the connection: the user may hold it longer. */
struct h1_exchange {
    struct exchange ex;
    struct h1_conn *conn; /* NULL: gone */
    struct arena arena;
    struct address peer;
    struct deferred released; /* exchange_release(), then the end of the turn, then ... */
    struct closing closing;   /* ... everything that closed in it */

    /* the request */
    struct pace pace;
    bool flow;
    bool want_continue; /* the client waits for "100 Continue", which was not sent */
    bool body_complete;
    bool body_end_told;
    bool broken; /* on_gone(MALFORMED or TIMEOUT) was called: no more body */

    /* the answer */
    bool head_sent;
    bool ended; /* wholly with the stream, or aborted */
    bool aborted;
    enum h1_framing framing;
    uint64_t left;        /* LENGTH: bytes promised and not yet sent */
    size_t outstanding;   /* when somebody last asked how far the client is */
    size_t queued_before; /* of the stream, when we last looked */
};

struct h1_conn {
    struct server_conn base;
    enum h1_state state;
    enum h1_ending ending;
    bool tls;
    bool running; /* inside run(): whoever wants attention gets it there */
    bool deaf;    /* input does not matter any more, only its end */
    bool eof;     /* the client closed its side (and half_close lets it wait) */
    bool dirty;   /* input was dropped or may still come: closing must not turn into an RST */
    struct stream *stream;
    struct loop *loop;
    struct h1_exchange *x;
    struct http1_parser parser;
    struct arena arena;   /* the head being read; becomes the exchange's */
    struct chain pending; /* received, not yet wanted */
    uint64_t head_us;     /* first byte of the head */
    uint64_t head_bytes;
    size_t rest_left;  /* REST: bytes that we are still willing to drop */
    size_t flush_mark; /* FLUSH: what was queued when the timer was started */
    struct timer timer;
    struct deferred resume;
    struct closing closing;
    struct address peer;
};

enum {
    H1_PENDING_MAX = 65536, /* received ahead of being wanted; then reading pauses */
    H1_REST_MAX = 65536,    /* of a body that nobody wants any more, to keep the connection */
    H1_REST_MS = 5000,
    H1_LINGER_MS = 5000,
    H1_COPY_BELOW = 2048, /* smaller runs are copied: they must not pin a whole chunk each */
};

static inline const struct server_conf *h1_conf(const struct h1_conn *c)
{
    return &c->base.server->options.conf;
}

const char *h1_state_name(enum h1_state s);

/* The only function that writes c->state. */
void h1_enter(struct h1_conn *c, enum h1_state next);

/* Has the machine look at what changed: where it runs already, else at the end of the turn. */
void h1_kick(struct h1_conn *c);

/* The answer has ended, one way or the other: on to REST or FLUSH. */
void h1_answered(struct h1_conn *c);

/* Drops what was received and whatever comes: only the end of the input matters now. */
void h1_go_deaf(struct h1_conn *c);

/* --- h1_request.c */

/* Takes one step of the parser; *in loses what it used. */
void h1_step(struct h1_conn *c, struct slice *in);

/* The request never becomes an exchange: answer and close. */
void h1_refuse(struct h1_conn *c, enum err why, const char *reason, str target);

/* What was read of a refused request's target, for the log; null: nothing. */
str h1_target_read(str head);

/* In BODY: times the body while it flows. */
void h1_body_timer(struct h1_conn *c);

/* The body will not be complete; an answer can still be sent. */
void h1_body_failed(struct h1_conn *c, enum err why);

/* In REST: what is left of the body is more than we care to read. */
void h1_give_up_rest(struct h1_conn *c);

uint64_t h1_arena_budget(const struct server_conf *conf);

/* --- h1_exchange.c */
extern const struct exchange_ops h1_exchange_ops;

/* Writes an answer of the server's own, `connection: close`: status by `why`, its text as body. */
void h1_send_own(struct h1_conn *c, struct arena *a, enum err why, str text);

/* Notes whether the client took something since we last looked; `written` was added since then. */
void h1_note_progress(struct h1_exchange *x, size_t written);

#endif
