/*
 * A call is one request that we make of a provider, and its answer: the bottom seam of proxy/.
 * HTTP/1.1, HTTP/2 and the simulator's fake sit behind `ops`.  Who makes calls is a caller: the real
 * one (http/client.h) takes a slot of the endpoint's pool, waits, connects, and replays once on a
 * stale reused connection (only when no byte of an answer came and the body was given whole).
 *
 *     WAITING -> CONNECTING -> SENDING -> ANSWERING -> done (on_end or on_error, once)
 *
 * No callback runs inside call_start().  call_release() ends everything at once, in any state: the
 * connection of an unfinished call is closed (the provider sees it), a finished one's goes back to
 * the pool.  It must be called exactly once, also after on_end and on_error.
 * The call has the queue and connect timeouts; later ones are its user's.
 */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include "base/arena.h"
#include "base/chain.h"
#include "http/http_conf.h"
#include "io/loop.h"
#include "io/tls.h"
#include "wire/head.h"

/*
 * Where calls go.  Immutable, part of a configuration snapshot; needed no longer than the call that
 * it was given to (pools keep a copy).  `key` names it for pools, whose connections survive a reload
 * when the key is the same; it covers everything that makes connections differ (origin, TLS
 * settings, proxy and its credentials).  Limits, timeouts and the TLS context object may change
 * under the same key: the newest count, for connections from then on.
 */
struct endpoint {
    str key;
    str host; /* name or IP, without brackets */
    uint16_t port;
    const struct address *pinned; /* connect to these, which the host was found to be; NULL: ask */
    unsigned pinned_count;
    str unix_path; /* not null: a Unix socket instead */
    str authority; /* for the Host field: host[:port] when not the scheme's default */
    bool tls;
    struct tls_context *tls_context; /* when tls; the snapshot holds the reference */
    str proxy_host;                  /* HTTP CONNECT proxy, or null */
    uint16_t proxy_port;
    str proxy_authorization; /* value of Proxy-Authorization, or null */
    struct pool_conf pool;
    uint64_t connect_timeout_ms;
};

struct call;

struct call_timing { /* loop times; 0: not reached */
    uint64_t asked_us;
    uint64_t slot_us; /* left the queue: an idle connection was lent, or one is being made */
    uint64_t connected_us;
    uint64_t sent_us; /* the last byte of the request is with the kernel */
    uint64_t head_us;
    bool reused; /* an idle connection served */
};

/* A user that uploads faster than the provider reads stops at this many queued bytes. */
enum { CALL_HIGH_WATER = 256 * 1024 };

struct call_handler {
    /* The connection stands and the request is being sent.  Once, before on_head, also when an idle
     * connection was used and when the request had to be sent again. */
    void (*on_connected)(void *arg);
    /* Final (not 1xx) head; valid during the callback: copy what you keep. */
    void (*on_head)(void *arg, const struct response_head *head);
    void (*on_body)(void *arg, struct slice bytes);
    /* The answer is complete by its framing; the connection is back with its pool (or closed, when
     * the request was not sent whole: the rest of it, and on_drain, are not wanted any more). */
    void (*on_end)(void *arg);
    /* UPSTREAM_DNS, _CONNECT, _TLS, _RESET (before the head), _MALFORMED, _TOO_LARGE, _TRUNCATED
     * (after the head), CONNECT_TIMEOUT, QUEUE_FULL, QUEUE_TIMEOUT, NO_MEMORY, HEADER_INVALID (a
     * field of ours could end a line); `why` in words, for the log only, valid in the callback */
    void (*on_error)(void *arg, enum err err, const char *why);
    void (*on_drain)(void *arg); /* what call_write() queued has been sent */
};

struct call_ops {
    size_t (*write)(struct call *c, const struct slice *v, unsigned n, bool end);
    void (*flow)(struct call *c, bool flow);
    void (*release)(struct call *c);
};

struct call {
    const struct call_ops *ops;
    const struct call_handler *handler;
    void *arg;
    struct call_timing timing;
    uint64_t bytes_out, bytes_in;
};

struct call_request {
    const struct request_head *head; /* method, target, fields; Host and framing are added */
    int64_t content_length;          /* of the whole body, exactly; -1: unknown (chunked) */
    const struct slice *body; /* what there is of it; the bytes must stay valid until on_head,
                                        on_error or call_release */
    unsigned body_count;
    bool body_more; /* the rest follows by call_write(): such a call is never replayed */
};

struct caller;
struct caller_ops {
    struct call *(*start)(struct caller *c, const struct endpoint *e,
                          const struct call_request *request, struct arena *a,
                          const struct call_handler *handler, void *arg);
};
struct caller {
    const struct caller_ops *ops;
};

/* The head and the body slices' array are copied or used before it returns; memory may come from
 * `a`, which must outlive the call.  NULL: out of memory (no callback will come). */
static inline struct call *call_start(struct caller *c, const struct endpoint *e,
                                      const struct call_request *request, struct arena *a,
                                      const struct call_handler *handler, void *arg)
{
    return c->ops->start(c, e, request, a, handler, arg);
}

/* More of the body (body_more), kept by reference or copy until the connection stands; returns the
 * bytes queued.  `end` once, with the last bytes or with none (n == 0).  Nothing happens, and 0 is
 * returned, when the call is over. */
static inline size_t call_write(struct call *c, const struct slice *v, unsigned n, bool end)
{
    return c->ops->write(c, v, n, end);
}

/* Pauses or resumes the flow of the answer's body.  Flowing at first.  What one read brought is still
 * delivered after a pause, the end too: at most a chunk's bytes.  While paused a broken connection
 * is not noticed. */
static inline void call_flow(struct call *c, bool flow)
{
    c->ops->flow(c, flow);
}

static inline void call_release(struct call *c)
{
    c->ops->release(c);
}

#endif
