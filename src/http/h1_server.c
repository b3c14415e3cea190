/*
 * One HTTP/1 connection.  Requests come one after another, and so do exchanges.
 *
 *     IDLE ──> HEAD ──> BODY ──> ANSWER ──> FLUSH ──> LINGER ──> CLOSED
 *       ↑                 └──> REST ──────────┘ │
 *       └───────────────────────────────────────┘
 *
 *     IDLE                begins, not complete yet      HEAD            h1_step
 *     IDLE, HEAD          head complete                 BODY, ANSWER    on_head
 *     IDLE, HEAD          bad, late                     FLUSH           h1_refuse
 *     BODY                body complete                 ANSWER          on_body_complete
 *     BODY                answered, connection lives    REST            h1_answered
 *     BODY, ANSWER        answered, aborted             FLUSH           h1_answered
 *     REST                body complete, too long       FLUSH           on_body_complete, h1_give_up_rest
 *     FLUSH               flushed, released             IDLE            next_request
 *     FLUSH               flushed, connection ends      LINGER, CLOSED  finish, flush_done
 *     any                 client gone, our own close    CLOSED          conn_close
 *
 *   IDLE    timer: idle_timeout.  Costs the struct and the stream, no buffer, no arena.
 *   HEAD    timer: header_timeout from the head's first byte; then 408.
 *   BODY    timer: pace.h, while the body flows.  Steps are taken only while it flows; what comes
 *           meanwhile waits in `pending`.
 *   ANSWER  no timer: the user has those.  What comes is the next request: it waits in `pending`.
 *   REST    timer, and a limit of bytes; past either the connection closes after the answer.
 *   FLUSH   timer: client_stall without progress, while bytes are queued.  In it until the queue is
 *           empty and the exchange released (`ending` says what follows).
 *   LINGER  timer.  Closing a socket with unread input sends an RST, which can destroy the answer on
 *           its way; so our side is shut first and input read until the client closes (RFC 9112 9.6).
 *
 * The client leaves: FIN, close_notify and RST are noticed as long as we read, and we read in every
 * state, but for one limit: past H1_PENDING_MAX bytes that nobody wants yet (a body whose flow is
 * off, pipelined requests) reading pauses.  The end stands behind those bytes in the socket and is
 * seen when they are taken, or by a failed write.  libuv does not watch a socket that is not read.
 *
 * run() is the only place that moves on.  It is entered from the loop's events and from `resume` (the
 * end of a turn), never from the user's calls: those set fields and kick.
 */
#include "http/h1_server.h"

#include <stdlib.h>

#include "http/h1_conn.h"

const char *h1_state_name(enum h1_state s)
{
    switch (s) {
#define H1_STATE(name, help)                                                                       \
    case H1_##name:                                                                                \
        return #name;
        H1_STATES(H1_STATE)
#undef H1_STATE
    }
    return "?";
}

static const unsigned entered_from[] = {
    [H1_IDLE] = BIT(H1_FLUSH),
    [H1_HEAD] = BIT(H1_IDLE),
    [H1_BODY] = BIT(H1_IDLE) | BIT(H1_HEAD),
    [H1_ANSWER] = BIT(H1_IDLE) | BIT(H1_HEAD) | BIT(H1_BODY),
    [H1_REST] = BIT(H1_BODY),
    [H1_FLUSH] = BIT(H1_IDLE) | BIT(H1_HEAD) | BIT(H1_BODY) | BIT(H1_ANSWER) | BIT(H1_REST),
    [H1_LINGER] = BIT(H1_FLUSH),
    [H1_CLOSED] = BIT(H1_IDLE) | BIT(H1_HEAD) | BIT(H1_BODY) | BIT(H1_ANSWER) | BIT(H1_REST) |
                  BIT(H1_FLUSH) | BIT(H1_LINGER),
};

static void conn_check(const struct h1_conn *c)
{
    switch (c->state) {
    case H1_IDLE:
    case H1_HEAD:
        CHECK(c->x == NULL);
        CHECK(c->ending == H1_END_KEEP);
        break;
    case H1_BODY:
    case H1_ANSWER:
        CHECK(c->x != NULL && c->x->conn == c && !c->x->ended);
        break;
    case H1_REST:
    case H1_FLUSH:
    case H1_LINGER:
        CHECK(c->x == NULL || c->x->ended);
        break;
    case H1_CLOSED:
        CHECK(c->x == NULL);
        break;
    }
}

void h1_enter(struct h1_conn *c, enum h1_state next)
{
    if (!(entered_from[next] & BIT(c->state)))
        BUG("h1 connection %s -> %s", h1_state_name(c->state), h1_state_name(next));
    timer_stop(&c->timer);
    c->state = next;
    conn_check(c);
}

/* --- Closing */

static void conn_release(void *object)
{
    free(object);
}

/* The exchange, if there is one, is on its own from here; it is not told. */
static void conn_close(struct h1_conn *c, bool reset)
{
    if (c->x) {
        h1_note_progress(c->x, 0);
        c->x->conn = NULL;
        c->x = NULL;
    }
    h1_enter(c, H1_CLOSED);
    deferred_cancel(&c->resume);
    if (reset)
        stream_reset(c->stream);
    else
        stream_close(c->stream);
    chain_release(&c->pending);
    http1_parser_release(&c->parser);
    arena_release(&c->arena);
    server_conn_closed(&c->base);
    loop_close_later(c->loop, &c->closing, conn_release, c);
}

/* The client left, or must leave: the exchange is told unless it has nothing to lose. */
static void conn_gone(struct h1_conn *c, bool reset)
{
    struct h1_exchange *x = c->x;
    bool lost = x && !x->aborted && !x->broken && (!x->ended || c->stream->queued);
    conn_close(c, reset);
    if (lost && x->ex.handler)
        x->ex.handler->on_gone(x->ex.arg, ERR_CLIENT_GONE);
}

void h1_go_deaf(struct h1_conn *c)
{
    c->deaf = true;
    c->dirty |= c->pending.bytes > 0;
    chain_release(&c->pending);
}

/* The queue is empty, no request follows. */
static void finish(struct h1_conn *c)
{
    if (c->eof || (!c->dirty && !c->tls)) {
        conn_close(c, false);
        return;
    }
    h1_enter(c, H1_LINGER);
    server_conn_lingers(&c->base);
    timer_start(c->loop, &c->timer, H1_LINGER_MS);
    stream_shut(c->stream);
}

/* --- Between requests */

static void next_request(struct h1_conn *c)
{
    h1_enter(c, H1_IDLE);
    c->head_bytes = 0;
    timer_start(c->loop, &c->timer, h1_conf(c)->idle_timeout_ms);
}

/* --- Moving on */

void h1_answered(struct h1_conn *c)
{
    bool body_left = c->state == H1_BODY;
    if (body_left && c->ending == H1_END_KEEP) {
        h1_enter(c, H1_REST);
        c->rest_left = H1_REST_MAX;
        timer_start(c->loop, &c->timer, H1_REST_MS);
    } else {
        c->dirty |= body_left;
        if (c->ending != H1_END_KEEP)
            h1_go_deaf(c);
        h1_enter(c, H1_FLUSH);
    }
    h1_kick(c);
}

/* Whether another step makes sense with so many bytes at hand. */
static bool wants_step(const struct h1_conn *c, size_t len)
{
    bool some = len > 0 || c->parser.state == HTTP1_STATE_DONE;
    if (c->deaf)
        return false;
    switch (c->state) {
    case H1_IDLE:
    case H1_HEAD:
        return len > 0;
    case H1_BODY:
        return c->x->flow && some;
    case H1_REST:
        return some;
    case H1_ANSWER:
    case H1_FLUSH:
    case H1_LINGER:
    case H1_CLOSED:
        return false;
    }
    return false;
}

/* In FLUSH.  True when the state changed. */
static bool flush_done(struct h1_conn *c)
{
    if (c->ending == H1_END_RESET_NOW) {
        conn_close(c, true);
        return true;
    }
    if (c->stream->queued) {
        if (!timer_is_running(&c->timer)) {
            c->flush_mark = c->stream->queued;
            timer_start(c->loop, &c->timer, h1_conf(c)->client_stall_ms);
        }
        return false;
    }
    timer_stop(&c->timer);
    switch (c->ending) {
    case H1_END_KEEP:
        if (c->x)
            return false;
        if (c->base.server->draining) {
            c->ending = H1_END_CLOSE;
            c->dirty = true; /* the client does not know */
            h1_go_deaf(c);
            finish(c);
        } else {
            next_request(c);
        }
        return true;
    case H1_END_CLOSE:
        finish(c);
        return true;
    case H1_END_RESET:
    case H1_END_RESET_NOW:
        conn_close(c, true);
        return true;
    }
    return false;
}

/* What can be done without more bytes.  True when something was. */
static bool settle(struct h1_conn *c)
{
    struct h1_exchange *x = c->x;
    if (c->state == H1_FLUSH)
        return flush_done(c);
    if (c->state == H1_ANSWER && x->flow && !x->body_end_told) {
        x->body_end_told = true;
        x->ex.handler->on_body_end(x->ex.arg);
        return true;
    }
    return false;
}

static void run(struct h1_conn *c, struct slice *in)
{
    c->running = true;
    for (;;) {
        if (settle(c))
            continue;
        if (!wants_step(c, in->len))
            break;
        h1_step(c, in);
    }
    c->running = false;
}

/* The input has ended and all of it was used: what is unfinished will stay so. */
static void starve(struct h1_conn *c)
{
    switch (c->state) {
    case H1_IDLE:
    case H1_HEAD:
    case H1_BODY:
    case H1_REST:
    case H1_LINGER:
        conn_gone(c, false);
        break;
    case H1_ANSWER:
    case H1_FLUSH:
    case H1_CLOSED:
        break;
    }
}

static void after_run(struct h1_conn *c)
{
    if (c->state == H1_CLOSED)
        return;
    if (c->eof) {
        if (c->pending.bytes == 0)
            starve(c);
    } else if (c->pending.bytes < H1_PENDING_MAX) {
        stream_read_start(c->stream);
    } else {
        stream_read_stop(c->stream);
    }
}

static void run_pending(struct h1_conn *c)
{
    run(c, &(struct slice){0});
    while (c->pending.bytes && wants_step(c, c->pending.bytes)) {
        struct slice front = chain_front(&c->pending), rest = front;
        chunk_ref(front.chunk);
        run(c, &rest);
        if (!c->deaf && c->state != H1_CLOSED)
            chain_drop(&c->pending, front.len - rest.len);
        chunk_unref(front.chunk);
    }
}

static void on_resume(void *arg)
{
    struct h1_conn *c = arg;
    run_pending(c);
    after_run(c);
}

void h1_kick(struct h1_conn *c)
{
    if (!c->running)
        loop_defer(c->loop, &c->resume);
}

/* --- Events */

static void on_read(void *arg, struct slice bytes)
{
    struct h1_conn *c = arg;
    if (c->pending.bytes == 0)
        run(c, &bytes);
    if (c->deaf)
        c->dirty |= bytes.len > 0;
    else if (bytes.len && c->state != H1_CLOSED) {
        if (bytes.len < H1_COPY_BELOW)
            bytes.chunk = NULL;
        if (!chain_add(&c->pending, bytes)) {
            conn_gone(c, true); /* out of memory: nothing better can be said */
            return;
        }
    }
    after_run(c);
}

/* Whether a client that closed its side may still wait for what it asked. */
static bool may_wait(const struct h1_conn *c)
{
    if (!h1_conf(c)->half_close)
        return false;
    switch (c->state) {
    case H1_BODY: /* pending may hold the rest of it */
    case H1_ANSWER:
    case H1_REST:
    case H1_FLUSH:
        return true;
    case H1_IDLE:
    case H1_HEAD:
    case H1_LINGER:
    case H1_CLOSED:
        return false;
    }
    return false;
}

static void on_end(void *arg, enum err why)
{
    struct h1_conn *c = arg;
    c->eof = true;
    if (why == ERR_EOF && may_wait(c))
        after_run(c);
    else
        conn_gone(c, false);
}

static void on_drain(void *arg)
{
    struct h1_conn *c = arg;
    struct h1_exchange *x = c->x;
    if (x) {
        h1_note_progress(x, 0);
        if (!x->aborted && x->ex.handler)
            x->ex.handler->on_drain(x->ex.arg);
    }
    if (c->state == H1_FLUSH)
        h1_kick(c);
}

static void on_timer(void *arg)
{
    struct h1_conn *c = arg;
    switch (c->state) {
    case H1_IDLE:
    case H1_LINGER:
        conn_close(c, false);
        return;
    case H1_HEAD:
        h1_refuse(c, ERR_REQUEST_TIMEOUT, "the head of the request did not arrive in time",
                  h1_target_read(buf_str(&c->parser.head)));
        break;
    case H1_BODY:
        if (pace_check(&c->x->pace, loop_now_us(c->loop), h1_conf(c)->body_timeout_ms))
            h1_body_timer(c);
        else
            h1_body_failed(c, ERR_REQUEST_TIMEOUT);
        break;
    case H1_REST:
        h1_give_up_rest(c);
        break;
    case H1_FLUSH:
        if (c->stream->queued >= c->flush_mark) {
            conn_gone(c, true);
            return;
        }
        break; /* some was taken: flush_done() starts the timer again */
    case H1_ANSWER:
    case H1_CLOSED:
        BUG("timer of an h1 connection in state %s", h1_state_name(c->state));
    }
    run_pending(c);
    after_run(c);
}

/* --- The server's side */

static void conn_drain(struct server_conn *base)
{
    struct h1_conn *c = CONTAINER_OF(base, struct h1_conn, base);
    if (c->state == H1_IDLE)
        conn_close(c, false);
}

static void conn_close_now(struct server_conn *base)
{
    conn_gone(CONTAINER_OF(base, struct h1_conn, base), false);
}

static const struct server_conn_ops conn_ops = {.drain = conn_drain, .close = conn_close_now};

static const struct stream_handler stream_handler = {on_read, on_end, on_drain};

static struct h1_conn *conn_new(struct server *s, struct stream *stream, const struct address *peer,
                                bool tls)
{
    struct h1_conn *c = calloc(1, sizeof(*c));
    if (!c) {
        stream_close(stream);
        return NULL;
    }
    const struct server_conf *conf = &s->options.conf;
    struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    limits.head_bytes = conf->max_header;
    limits.header_count = conf->max_headers;
    http1_parser_init(&c->parser, HTTP1_REQUESTS, &limits);
    c->state = H1_IDLE;
    c->tls = tls;
    c->stream = stream;
    c->loop = s->loop;
    c->peer = *peer;
    arena_init(&c->arena, h1_arena_budget(conf));
    chain_init(&c->pending);
    timer_init(&c->timer, on_timer, c);
    deferred_init(&c->resume, on_resume, c);
    stream_handle(stream, &stream_handler, c);
    return c;
}

bool h1_server_start(struct server *s, struct stream *stream, const struct address *peer, bool tls)
{
    struct h1_conn *c = conn_new(s, stream, peer, tls);
    if (!c)
        return false;
    server_conn_open(s, &c->base, &conn_ops);
    timer_start(c->loop, &c->timer, h1_conf(c)->idle_timeout_ms);
    stream_read_start(stream);
    return true;
}

bool h1_server_refuse(struct server *s, struct stream *stream, const struct address *peer)
{
    struct h1_conn *c = conn_new(s, stream, peer, false);
    if (!c)
        return false;
    c->base.surplus = true;
    server_conn_open(s, &c->base, &conn_ops);
    c->ending = H1_END_CLOSE;
    c->dirty = true;
    h1_send_own(
        c, &c->arena, ERR_OVERLOADED,
        STR("{\"error\":{\"message\":\"Too many connections.\",\"type\":\"service_unavailable_"
            "error\",\"param\":null,\"code\":\"overloaded\"}}"));
    h1_go_deaf(c);
    h1_enter(c, H1_FLUSH);
    stream_read_start(stream);
    h1_kick(c);
    return true;
}
