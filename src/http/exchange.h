/*
 * An exchange is one request that a client made of us, and our answer: the top seam of proxy/.  It
 * does not know its HTTP version: HTTP/1.1, HTTP/2 and the simulator's fake sit behind `ops`.
 *
 * Life: the server creates it when a head is complete and hands it to its on_exchange.  The user
 * sets a handler, lets the body flow (exchange_body), answers with exchange_send() and, when done
 * with it (answered whole, or gone), calls exchange_release() exactly once; no callback comes after.
 *
 * Memory: `arena` is the request's: it lives until exchange_release() and the turn's end.  The head
 * lives in it.  Thread: its loop's.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/arena.h"
#include "base/chain.h"
#include "io/loop.h"
#include "io/tcp.h"
#include "wire/head.h"

struct exchange;

struct exchange_handler {
    /* Body bytes, framing removed, content-encoding not.  Slices as in io/stream.h.  Not called after
     * the answer was ended, nor while the flow is off. */
    void (*on_body)(void *arg, struct slice bytes);
    /* The whole body has arrived; also for requests without one, as soon as the flow is on. */
    void (*on_body_end)(void *arg);
    /*
     * The request ends without us: ERR_CLIENT_GONE (FIN, RST, TLS close, in any phase; also while
     * the end of the answer is still queued), or its body is bad: ERR_HTTP_MALFORMED (trailers also
     * ERR_HEAD_TOO_LARGE), ERR_REQUEST_TIMEOUT (too slow): for these an answer can still be sent (the
     * connection closes after it).  Comes at most once, in the same turn as the event.
     *
     * A client that closed is not noticed while more than 64 KiB of its bytes wait unread (a body
     * whose flow is off, pipelined requests): its end stands behind them.  With server.half_close a
     * FIN after the whole request is no end.
     */
    void (*on_gone)(void *arg, enum err why);
    /* What exchange_send() queued has been taken by the client. */
    void (*on_drain)(void *arg);
};

struct exchange_ops {
    void (*body)(struct exchange *ex, bool flow);
    size_t (*send)(struct exchange *ex, const struct response_head *head, const struct slice *v,
                   unsigned n, bool end);
    void (*abort)(struct exchange *ex);
    void (*release)(struct exchange *ex);
};

struct exchange {
    const struct exchange_ops *ops;
    const struct exchange_handler *handler;
    void *arg;
    struct loop *loop;
    struct arena *arena;
    const struct request_head *head;
    const struct address *peer;
    bool tls;
    const char *protocol;         /* "http/1.1", "http/1.0", for the log */
    str client_subject;           /* verified client certificate, or null */
    uint64_t started_us;          /* loop time at the first byte of the head */
    uint64_t bytes_in, bytes_out; /* on the wire, kept by the implementation */
    /* Loop time at which the client last took bytes of the answer, as far as exchange_send() or
     * on_drain could see: exchange_queued() brings it up to date. */
    uint64_t last_progress_us;
};

static inline void exchange_handle(struct exchange *ex, const struct exchange_handler *h, void *arg)
{
    ex->handler = h;
    ex->arg = arg;
}

/* Starts (also sends "100 Continue" if asked for) or pauses the flow of the body.  Not flowing at
 * first.  on_body and on_body_end never run inside this call, but may run in the same turn. */
static inline void exchange_body(struct exchange *ex, bool flow)
{
    ex->ops->body(ex, flow);
}

/*
 * Sends the head (first call; NULL after) and body bytes, in one write where possible; `end` closes
 * the answer.  Framing is the implementation's: content_length >= 0 in the head promises it, -1
 * means unknown (chunked; counted when `end` comes with the head).  version, chunked, keep_alive and
 * no_body in the head are ignored.  Body bytes where no body belongs (HEAD, 204, 304) are dropped.
 * More bytes than promised are a bug; an `end` with fewer is an abort, so that the client sees it.
 * Answering before the body has arrived is allowed: the rest of it is discarded or the connection
 * closed.  After on_gone(ERR_CLIENT_GONE) it does nothing.
 * Returns the bytes now queued for the client; past the user's high mark stop and wait for on_drain.
 */
static inline size_t exchange_send(struct exchange *ex, const struct response_head *head,
                                   const struct slice *v, unsigned n, bool end)
{
    return ex->ops->send(ex, head, v, n, end);
}

/* Bytes queued for the client.  Also brings last_progress_us up to date. */
static inline size_t exchange_queued(struct exchange *ex)
{
    return ex->ops->send(ex, NULL, NULL, 0, false);
}

/* The answer cannot be completed: the client must see that (HTTP/1.1: what is queued is flushed,
 * then the connection closes without the last chunk; HTTP/2: RST_STREAM).  A client that has taken
 * nothing for server.client_stall loses the queue too.  No callback follows; it is still to be
 * released.  No-op after the end of the answer. */
static inline void exchange_abort(struct exchange *ex)
{
    ex->ops->abort(ex);
}

/* An answer that was not ended is aborted.  Memory goes at the end of the turn, after what was put on
 * the closing list in it. */
static inline void exchange_release(struct exchange *ex)
{
    ex->ops->release(ex);
}

#endif
